package accounts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// KeyFields are the body of POST /keys.
type KeyFields struct {
	Name      input.Field[string]   `json:"name" required:"true" maxLength:"191" doc:"What the key is for." example:"n8n"`
	Scopes    input.Field[[]string] `json:"scopes" whenSent:"required" maxItems:"50" doc:"What it may do: nothing that the calling key may not. When left out, the thirteen documented scopes, as far as the calling key has them." example:"[\"leads:read\",\"leads:write\"]"`
	UserID    input.Field[int64]    `json:"user_id" doc:"User that the key acts as; his role caps its scopes at any time, and it is revoked when he is deleted. When left out it acts as the account's first user, in the order admin, manager, viewer." example:"12"`
	RateLimit input.Field[int64]    `json:"rate_limit" minimum:"1" maximum:"1000000" doc:"Requests a minute, at most those of the calling key; the server's own limit when left out." example:"60"`
	ExpiresAt input.Field[string]   `json:"expires_at" doc:"Until when it works: a date (that day included, in the account's time zone) or a time. Not longer than the calling key, nor when left out." example:"2027-12-31"`
}

// RotateFields are the body of POST /keys/{id}/rotate.
type RotateFields struct {
	OverlapMinutes input.Field[int64]  `json:"overlap_minutes" minimum:"0" maximum:"10080" doc:"For how many minutes the old key works on: 60 when left out, a week at most; 0 ends it at once." example:"60"`
	ExpiresAt      input.Field[string] `json:"expires_at" doc:"Until when the new key works, but not longer than the calling one; until when the old one would have, when left out." example:"2027-12-31"`
}

const defaultOverlap = 60 * time.Minute

// GetKey gives a key of the actor's account.
func (s *Service) GetKey(ctx context.Context, actor authz.Actor, id int64) (key Key, err error) {
	err = s.db.Read(ctx, func(q db.Querier) (err error) {
		key, err = selectKey(q, actor.AccountID, id)
		return err
	})
	return key, wrapped(err, "reading key %d", id)
}

// GrantKey makes a key on behalf of another one, which cannot give more than it
// has. The second result is the new key itself, which nothing can show again.
func (s *Service) GrantKey(ctx context.Context, actor authz.Actor, form *input.Form[KeyFields]) (Key, string, error) {
	if err := form.Malformed(); err != nil {
		return Key{}, "", err
	}
	f, problems := &form.Fields, form.Problems.Clone()
	asked := NewKey{Name: f.Name.Value, UserID: f.UserID.Ptr(), RateLimit: f.RateLimit.Ptr(), Expires: s.readExpiry(actor, f.ExpiresAt, &problems)}
	switch {
	case f.Scopes.Given():
		for _, name := range f.Scopes.Value {
			asked.Scopes = append(asked.Scopes, authz.Scope(name))
		}
		asked.Scopes = checkScopes(&problems, asked.Scopes)
	case !problems.Has("scopes"):
		if asked.Scopes = within(authz.DefaultScopes(), actor.Scopes); len(asked.Scopes) == 0 {
			problems.Required("scopes")
		}
	}
	return s.storeKey(ctx, actor.AccountID, func(tx *db.Tx) (NewKey, faults.Bag, error) {
		granted, found := asked, problems.Clone()
		own, err := s.meansOf(tx, actor, tx.Now())
		if err == nil {
			own.grant(&granted, &found)
		}
		return granted, found, err
	})
}

// RotateFor makes a key that takes the place of another one, on behalf of a key
// that could have made it, or of the old one itself.
func (s *Service) RotateFor(ctx context.Context, actor authz.Actor, id int64, form *input.Form[RotateFields]) (Key, string, error) {
	f, overlap := &form.Fields, defaultOverlap
	if f.OverlapMinutes.Given() {
		overlap = time.Duration(f.OverlapMinutes.Value) * time.Minute
	}
	return s.rotate(ctx, actor.AccountID, id, overlap, func(tx *db.Tx, old Key, successor *NewKey) error {
		whole := copied(form)
		if expires := s.readExpiry(actor, f.ExpiresAt, &whole.Problems); expires != nil {
			successor.Expires = expires
		}
		own, err := s.meansOf(tx, actor, tx.Now())
		if err != nil {
			return err
		}
		own.grant(successor, &whole.Problems)
		return whole.Err()
	})
}

// RotateKey makes a key that takes the place of another one, for the operator of
// the server. The old one works on for the overlap; 0 ends it at once.
func (s *Service) RotateKey(ctx context.Context, accountID, id int64, overlap time.Duration) (Key, string, error) {
	return s.rotate(ctx, accountID, id, overlap, func(*db.Tx, Key, *NewKey) error { return nil })
}

// rotate replaces a key, of which there is one successor only. adjust may change
// what the successor is to be, or refuse it.
func (s *Service) rotate(ctx context.Context, accountID, id int64, overlap time.Duration, adjust func(tx *db.Tx, old Key, successor *NewKey) error) (Key, string, error) {
	plain := newKey()
	var made Key
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		old, err := selectKeyForUpdate(tx, accountID, id)
		if err != nil {
			return err
		}
		successor := NewKey{Name: old.Name, Scopes: old.Scopes, UserID: old.UserID, RateLimit: old.RateLimit, Expires: old.Expires}
		if err := adjust(tx, old, &successor); err != nil {
			return err
		}
		now := tx.Now()
		switch {
		case old.ReplacedBy != nil:
			return faults.New(faults.Refused, "A API Key já foi substituída.", faults.Member{Name: "replaced_by", Value: *old.ReplacedBy})
		case old.State(now) != KeyActive:
			return faults.New(faults.Refused, "A API Key não está ativa.")
		}
		if made, err = insertKey(tx, accountID, successor, plain); err != nil {
			return err
		}
		old.ReplacedBy = &made.ID
		end := now.Add(overlap)
		if old.Expires == nil || end.Before(*old.Expires) {
			old.Expires = &end
		}
		if overlap == 0 {
			old.Revoked = &now
		}
		s.forgetAfterCommit(tx, accountID)
		return replaceKey(tx, accountID, old)
	})
	if err != nil {
		return Key{}, "", fmt.Errorf("rotating key %d: %w", id, err)
	}
	return made, plain, nil
}

// means are what a key can give to another one: a key cannot widen itself by way
// of keys that it makes.
type means struct {
	userID    *int64 // whom it acts as; keys that it makes act as nobody else
	scopes    []authz.Scope
	rateLimit int64 // requests a minute
	expires   *time.Time
	standard  int64 // requests a minute of a key without a limit of its own
}

func (s *Service) meansOf(q db.Querier, actor authz.Actor, now time.Time) (means, error) {
	own, err := selectKey(q, actor.AccountID, actor.KeyID)
	if err == nil && own.State(now) != KeyActive { // since the request was let in
		err = unknownKey()
	}
	m := means{userID: own.UserID, scopes: actor.Scopes, rateLimit: s.rateLimit, expires: own.Expires, standard: s.rateLimit}
	if own.RateLimit != nil {
		m.rateLimit = *own.RateLimit
	}
	return m, err
}

// grant keeps what was asked for without saying within what can be given, and adds
// to problems where more was asked for by name.
func (m means) grant(n *NewKey, problems *faults.Bag) {
	switch {
	case m.userID == nil:
	case n.UserID == nil:
		n.UserID = m.userID
	case *n.UserID != *m.userID:
		problems.Add("user_id", "The user id field must be the user that the API key itself acts as.")
	}
	lacking := slices.DeleteFunc(slices.Clone(n.Scopes), func(s authz.Scope) bool { return slices.Contains(m.scopes, s) })
	if len(lacking) > 0 {
		problems.Addf("scopes", "The API key itself lacks the scopes: %s.", strings.ReplaceAll(joinScopes(lacking), " ", ", "))
	}
	switch {
	case n.RateLimit == nil && m.rateLimit < m.standard:
		n.RateLimit = &m.rateLimit
	case n.RateLimit != nil && *n.RateLimit > m.rateLimit:
		problems.Addf("rate_limit", "The rate limit field must not be greater than %d.", m.rateLimit)
	}
	switch {
	case m.expires == nil:
	case n.Expires == nil:
		n.Expires = m.expires
	case n.Expires.After(*m.expires):
		problems.Addf("expires_at", "The expires at field must be a date before or equal to %s.", m.expires.UTC().Format(time.RFC3339))
	}
}

// readExpiry reads the end of a key's life: a day with its whole length, or a time.
func (s *Service) readExpiry(actor authz.Actor, sent input.Field[string], problems *faults.Bag) *time.Time {
	if !sent.Given() {
		return nil
	}
	moment, err := calendar.ParseMoment(sent.Value, actor.Location)
	if err != nil {
		problems.Add("expires_at", "The expires at field must be a valid date.")
		return nil
	}
	end := moment.From
	if _, err := calendar.ParseDate(sent.Value); err == nil {
		end = moment.To
	}
	if !end.After(s.clock()) {
		problems.Add("expires_at", notInFuture)
		return nil
	}
	return &end
}
