package accounts_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/faults"
)

func authenticate(t *testing.T, s *accounts.Service, key string) api.Principal {
	t.Helper()
	p, err := s.Authenticate(t.Context(), key)
	if err != nil {
		t.Fatalf("Authenticate: %v", err)
	}
	return p
}

func TestAKeyStandsForItsAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := accounts.New(d, accounts.Options{Clock: clock.Now, RateLimit: 90})
		newAccount(t, s, "Outra")
		a := newAccount(t, s, "Minha Empresa")
		if _, err := s.Update(t.Context(), a.ID, accounts.AccountChanges{MaxLeads: new(int64(3)), TimeZone: new("America/Manaus")}); err != nil {
			t.Fatal(err)
		}
		key, plain := newKey(t, s, a.ID, accounts.NewKey{Scopes: []authz.Scope{authz.TasksRead, authz.LeadsRead, authz.TasksRead}})
		p := authenticate(t, s, plain)
		users, err := s.ListUsers(t.Context(), p.Actor)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintln(p.RateLimit, p.Actor.AccountID, p.Actor.UserID, p.Actor.KeyID, p.Actor.Scopes, p.Actor.Location, p.Actor.SetupVersion, p.Actor.MaxLeads)
		want := fmt.Sprintln(90, a.ID, users[0].ID, key.ID, "[tasks:read leads:read]", "America/Manaus", 1, 3)
		if got != want {
			t.Errorf("principal %s, want %s", got, want)
		}

		_, plain = newKey(t, s, a.ID, accounts.NewKey{RateLimit: new(int64(5))})
		if p = authenticate(t, s, plain); p.RateLimit != 5 || !slices.Equal(p.Actor.Scopes, authz.DefaultScopes()) {
			t.Errorf("rate limit %d, scopes %v; want 5 and the default scopes", p.RateLimit, p.Actor.Scopes)
		}
	})
}

func TestAKeyThatCannotBeUsedIsRefusedWithItsReason(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		active, suspended, trial := newAccount(t, s, "A"), newAccount(t, s, "B"), newAccount(t, s, "C")
		soon := clock.Now().Add(time.Hour)
		revoked, revokedPlain := newKey(t, s, active.ID, accounts.NewKey{Expires: &soon})
		_, expired := newKey(t, s, suspended.ID, accounts.NewKey{Expires: &soon})
		_, inactive := newKey(t, s, suspended.ID, accounts.NewKey{})
		_, good := newKey(t, s, trial.ID, accounts.NewKey{})
		if err := s.RevokeKey(t.Context(), active.ID, revoked.ID); err != nil {
			t.Fatal(err)
		}
		for id, status := range map[int64]accounts.Status{suspended.ID: accounts.Suspended, trial.ID: accounts.Trial} {
			if _, err := s.SetStatus(t.Context(), id, status); err != nil {
				t.Fatal(err)
			}
		}
		clock.Advance(time.Hour)
		for name, c := range map[string]struct {
			key     string
			kind    faults.Kind
			message string
		}{
			"no key":                        {"", faults.Unauthenticated, "API Key não fornecida."},
			"a key nobody has":              {"crm_" + strings.Repeat("0", 40), faults.Unauthenticated, "API Key inválida."},
			"a text that is no key":         {good[4:], faults.Unauthenticated, "API Key inválida."},
			"a very long text":              {good + strings.Repeat("0", 1<<20), faults.Unauthenticated, "API Key inválida."},
			"a key in another case":         {"crm_" + strings.ToUpper(good[4:]) + "x", faults.Unauthenticated, "API Key inválida."},
			"a revoked key that expired":    {revokedPlain, faults.Unauthenticated, "API Key inválida."},
			"an expired key of a suspended": {expired, faults.Unauthenticated, "API Key expirada."},
			"a key of a suspended account":  {inactive, faults.Forbidden, "Conta inativa."},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := s.Authenticate(t.Context(), c.key)
				wantFault(t, err, c.kind, c.message)
			})
		}
		authenticate(t, s, good)
	})
}

func TestAKeyExpiresOnTimeThoughItIsKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		_, key := newKey(t, s, newAccount(t, s, "A").ID, accounts.NewKey{Expires: new(clock.Now().Add(2 * time.Millisecond))})
		authenticate(t, s, key)
		clock.Advance(time.Millisecond)
		authenticate(t, s, key)
		clock.Advance(time.Millisecond)
		_, err := s.Authenticate(t.Context(), key)
		wantFault(t, err, faults.Unauthenticated, "API Key expirada.")
	})
}

func TestAKeyActsAsTheFirstUserByRole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		a := newAccount(t, s, "A")
		_, key := newKey(t, s, a.ID, accounts.NewKey{})
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Exec(`DELETE FROM users WHERE account_id = $1`, a.ID); err != nil {
				return err
			}
			return s.SetupChanged(tx, a.ID)
		})
		if err != nil {
			t.Fatal(err)
		}
		if p := authenticate(t, s, key); p.Actor.UserID != 0 || p.Actor.PerformedBy() != nil {
			t.Errorf("without users the key acts as %d", p.Actor.UserID)
		}
		viewer := newUser(t, s, a.ID, "v@example.com", authz.Viewer)
		first := newUser(t, s, a.ID, "m1@example.com", authz.Manager)
		for _, c := range []struct {
			email string
			role  authz.Role
			acts  func(added accounts.User) int64
		}{
			{"m2@example.com", authz.Manager, func(accounts.User) int64 { return first.ID }},
			{"a1@example.com", authz.Admin, func(added accounts.User) int64 { return added.ID }},
		} {
			added := newUser(t, s, a.ID, c.email, c.role)
			if p := authenticate(t, s, key); p.Actor.UserID != c.acts(added) {
				t.Errorf("after %s came, the key acts as %d, want %d (the viewer is %d)", c.email, p.Actor.UserID, c.acts(added), viewer.ID)
			}
		}
	})
}

func TestChangesCountAtOnceHereAndWithinASecondElsewhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		for name, c := range map[string]struct {
			change  func(s *accounts.Service, accountID, keyID int64) error
			message string
		}{
			"a revoked key": {func(s *accounts.Service, accountID, keyID int64) error {
				return s.RevokeKey(t.Context(), accountID, keyID)
			}, "API Key inválida."},
			"a suspended account": {func(s *accounts.Service, accountID, _ int64) error {
				_, err := s.SetStatus(t.Context(), accountID, accounts.Suspended)
				return err
			}, "Conta inativa."},
		} {
			t.Run(name, func(t *testing.T) {
				here, elsewhere := newService(d, clock), newService(d, clock)
				a := newAccount(t, here, "A")
				key, plain := newKey(t, here, a.ID, accounts.NewKey{})
				authenticate(t, here, plain)
				authenticate(t, elsewhere, plain)
				if err := c.change(here, a.ID, key.ID); err != nil {
					t.Fatal(err)
				}
				var fault *faults.Error
				if _, err := here.Authenticate(t.Context(), plain); !errors.As(err, &fault) || fault.Message != c.message {
					t.Errorf("here: %v, want %q", err, c.message)
				}
				clock.Advance(499 * time.Millisecond)
				authenticate(t, elsewhere, plain)
				clock.Advance(time.Millisecond)
				if _, err := elsewhere.Authenticate(t.Context(), plain); !errors.As(err, &fault) || fault.Message != c.message {
					t.Errorf("elsewhere: %v, want %q", err, c.message)
				}
			})
		}
	})
}

func TestAKeyIsStoredOnlyAsItsHash(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		a, b := newAccount(t, s, "A"), newAccount(t, s, "B")
		made, plain := newKey(t, s, a.ID, accounts.NewKey{Expires: new(clock.Now().Add(time.Hour)), RateLimit: new(int64(5))})
		_, another := newKey(t, s, b.ID, accounts.NewKey{})
		if form := regexp.MustCompile(`^crm_[0-9A-Za-z]{40}$`); !form.MatchString(plain) || !form.MatchString(another) || plain == another {
			t.Errorf("keys %q and %q", plain, another)
		}
		keys, err := s.ListKeys(t.Context(), a.ID)
		if err != nil || len(keys) != 1 || keys[0].ID != made.ID || keys[0].Prefix != plain[:12] ||
			*keys[0].RateLimit != 5 || !keys[0].Expires.Equal(clock.Now().Add(time.Hour)) || keys[0].Revoked != nil {
			t.Errorf("keys %+v, %v", keys, err)
		}
		var hash string
		err = d.Read(t.Context(), func(q db.Querier) error {
			return db.Get(q.Query(`SELECT hash FROM api_keys WHERE account_id = $1`, a.ID), &hash)
		})
		if err != nil || hash != accounts.HashKey(plain) || strings.Contains(hash, plain[12:]) {
			t.Errorf("stored %q, %v", hash, err)
		}
	})
}

func TestAnotherAccountsKeyIsNotFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		a, b := newAccount(t, s, "A"), newAccount(t, s, "B")
		key, plain := newKey(t, s, a.ID, accounts.NewKey{})
		wantFault(t, s.RevokeKey(t.Context(), b.ID, key.ID), faults.NotFound, "API Key não encontrada.")
		authenticate(t, s, plain)
		if keys, err := s.ListKeys(t.Context(), b.ID); err != nil || len(keys) != 0 {
			t.Errorf("account B lists %v, %v", keys, err)
		}
		_, err := s.ListKeys(t.Context(), 999)
		wantFault(t, err, faults.NotFound, "Conta não encontrada.")
		_, _, err = s.CreateKey(t.Context(), 999, accounts.NewKey{Name: "x"})
		wantFault(t, err, faults.NotFound, "Conta não encontrada.")
	})
}

func TestRevokingAgainKeepsTheFirstTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		a := newAccount(t, s, "A")
		key, _ := newKey(t, s, a.ID, accounts.NewKey{})
		first := clock.Now()
		for range 2 {
			if err := s.RevokeKey(t.Context(), a.ID, key.ID); err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Minute)
		}
		if keys, err := s.ListKeys(t.Context(), a.ID); err != nil || keys[0].Revoked == nil || !keys[0].Revoked.Equal(first) {
			t.Errorf("keys %+v, %v; want revoked at %v", keys, err, first)
		}
	})
}

func TestAKeyThatMakesNoSenseIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		a := newAccount(t, s, "A")
		_, _, err := s.CreateKey(t.Context(), a.ID, accounts.NewKey{Expires: new(clock.Now()), RateLimit: new(int64(0))})
		wantFault(t, err, faults.Invalid, "The name field is required. (and 2 more errors)")
		_, _, err = s.CreateKey(t.Context(), a.ID, accounts.NewKey{Name: "x", Scopes: []authz.Scope{"leads:read", "leads:raed"}})
		var fault *faults.Error
		if !errors.As(err, &fault) || !strings.HasPrefix(fault.Message, `The scope "leads:raed" does not exist. The scopes are leads:read, leads:write, `) {
			t.Errorf("error %v, want one that names the scopes", err)
		}
	})
}

func BenchmarkAuthenticateAKnownKey(b *testing.B) {
	clock := dbtest.NewClock()
	s := accounts.New(dbtest.Open(b, dbtest.URL(b, db.SQLite), clock), accounts.Options{Clock: clock.Now})
	a, err := s.Create(b.Context(), accounts.NewAccount{Name: "A", AdminName: "Ana", AdminEmail: "ana@example.com"}, nothingMore)
	if err != nil {
		b.Fatal(err)
	}
	_, key, err := s.CreateKey(b.Context(), a.ID, accounts.NewKey{Name: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Authenticate(b.Context(), key); err != nil {
			b.Fatal(err)
		}
	}
}
