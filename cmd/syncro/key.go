package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/app"
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/faults"
)

type keyCommand struct {
	Create keyCreate `cmd:"" help:"Make an API key and print it, this once."`
	List   keyList   `cmd:"" help:"List the keys of an account."`
	Rotate keyRotate `cmd:"" help:"Make a key that takes the place of another one, and print it, this once."`
	Revoke keyRevoke `cmd:"" help:"End a key for good."`
}

type keyCreate struct {
	ofAccount
	Name      string   `required:"" env:"SYNCRO_KEY_NAME" placeholder:"NAME" help:"What the key is for."`
	Scopes    []string `env:"SYNCRO_KEY_SCOPES" placeholder:"SCOPE,…" help:"What it may do, such as leads:read,leads:write; all documented scopes when left out."`
	Expires   string   `env:"SYNCRO_KEY_EXPIRES" placeholder:"WHEN" help:"Until when it works: 90d, 12h, 2027-12-31 (that day included) or 2027-12-31T18:00:00Z; for ever when left out."`
	RateLimit *int64   `env:"SYNCRO_KEY_RATE_LIMIT" placeholder:"N" help:"Requests a minute; the server's own limit when left out."`
	User      *int64   `env:"SYNCRO_KEY_USER" placeholder:"ID" help:"User that it acts as, whose role caps its scopes; the account's first user, without a cap, when left out."`
}

// Run makes the key and prints it, alone, so that it can be piped.
func (c *keyCreate) Run(ctx context.Context, to *streams) error {
	return c.administer(ctx, to, func(a *app.App, account accounts.Account) error {
		n := accounts.NewKey{Name: c.Name, RateLimit: c.RateLimit, UserID: c.User}
		for _, scope := range c.Scopes {
			if scope = strings.TrimSpace(scope); scope != "" {
				n.Scopes = append(n.Scopes, authz.Scope(scope))
			}
		}
		var err error
		if n.Expires, err = expiry(c.Expires, account.TimeZone, time.Now()); err != nil {
			return err
		}
		key, plain, err := a.Accounts.CreateKey(ctx, account.ID, n)
		if err != nil {
			return err
		}
		return to.showKey(key, plain, account)
	})
}

// showKey prints a key that was made, alone on the output, and what is to be known
// of it beside.
func (s *streams) showKey(key accounts.Key, plain string, account accounts.Account) error {
	until := "until it is revoked"
	if key.Expires != nil {
		until = "until " + key.Expires.UTC().Format(time.RFC3339)
	}
	s.notef("Made key %d, %s, of account %d, %s. It works %s. Keep it safe: it is not shown again.\n", key.ID, key.Name, account.ID, account.Name, until)
	_, err := fmt.Fprintln(s.out, plain)
	return err
}

type keyRotate struct {
	ofAccount
	ID      int64         `arg:"" help:"Id of the key, as listed."`
	Overlap time.Duration `default:"60m" env:"SYNCRO_KEY_OVERLAP" placeholder:"DURATION" help:"How long the old key works on, such as 30m or 24h; 0 ends it at once."`
}

// Run makes the key and prints it, alone, so that it can be piped.
func (c *keyRotate) Run(ctx context.Context, to *streams) error {
	if c.Overlap < 0 {
		return usagef("--overlap must not be negative")
	}
	return c.administer(ctx, to, func(a *app.App, account accounts.Account) error {
		key, plain, err := a.Accounts.RotateKey(ctx, account.ID, c.ID, c.Overlap)
		if err != nil {
			return unknownKey(err, account, c.ID)
		}
		to.notef("Key %d works on for %s.\n", c.ID, c.Overlap)
		return to.showKey(key, plain, account)
	})
}

// unknownKey says which key it is that does not exist.
func unknownKey(err error, account accounts.Account, id int64) error {
	if faults.Is(err, faults.NotFound) {
		return fmt.Errorf("account %d has no key %d: `syncro key list` shows them", account.ID, id)
	}
	return err
}

var errExpiry = errors.New("--expires must be a duration such as 90d or 12h, a date such as 2027-12-31, or a time such as 2027-12-31T18:00:00Z")

// expiry reads --expires; nil is never.
func expiry(text, zone string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nil is a value here: a key that does not expire
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			at := now.Add(time.Duration(n) * 24 * time.Hour)
			return &at, nil
		}
	}
	if length, err := time.ParseDuration(text); err == nil {
		at := now.Add(length)
		return &at, nil
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	moment, err := calendar.ParseMoment(text, location)
	if err != nil {
		return nil, usageError{errExpiry}
	}
	if _, err := calendar.ParseDate(text); err == nil {
		return &moment.To, nil // with its whole day
	}
	return &moment.From, nil
}

type keyList struct {
	ofAccount
}

// Run prints a table.
func (c *keyList) Run(ctx context.Context, to *streams) error {
	return c.administer(ctx, to, func(a *app.App, account accounts.Account) error {
		keys, err := a.Accounts.ListKeys(ctx, account.ID)
		if err != nil {
			return err
		}
		now := time.Now()
		return table(to.out, "ID NAME KEY STATE EXPIRES PER-MINUTE USER SCOPES", keys, func(k accounts.Key) []string {
			expires, limit, user := "never", "default", "first"
			if k.Expires != nil {
				expires = k.Expires.UTC().Format(time.RFC3339)
			}
			if k.UserID != nil {
				user = number(*k.UserID)
			}
			if k.RateLimit != nil {
				limit = number(*k.RateLimit)
			}
			scopes := make([]string, len(k.Scopes))
			for i, scope := range k.Scopes {
				scopes[i] = string(scope)
			}
			return []string{number(k.ID), k.Name, k.Prefix + "…", string(k.State(now)), expires, limit, user, strings.Join(scopes, ",")}
		})
	})
}

type keyRevoke struct {
	ofAccount
	ID int64 `arg:"" help:"Id of the key, as listed."`
}

// Run revokes the key.
func (c *keyRevoke) Run(ctx context.Context, to *streams) error {
	return c.administer(ctx, to, func(a *app.App, account accounts.Account) error {
		err := a.Accounts.RevokeKey(ctx, account.ID, c.ID)
		if err == nil {
			to.notef("Revoked key %d of account %d, %s.\n", c.ID, account.ID, account.Name)
		}
		return unknownKey(err, account, c.ID)
	})
}
