package accounts_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/faults"
)

func nothingMore(*db.Tx, authz.Actor) error { return nil }

func newService(d *db.DB, clock *dbtest.Clock) *accounts.Service {
	return accounts.New(d, accounts.Options{Clock: clock.Now})
}

// newAccount makes an account with its admin.
func newAccount(t *testing.T, s *accounts.Service, name string) accounts.Account {
	t.Helper()
	a, err := s.Create(t.Context(), accounts.NewAccount{Name: name, AdminName: "Ana", AdminEmail: "ana@example.com"}, nothingMore)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newKey makes a key of the account.
func newKey(t *testing.T, s *accounts.Service, accountID int64, n accounts.NewKey) (accounts.Key, string) {
	t.Helper()
	n.Name = "test"
	key, plain, err := s.CreateKey(t.Context(), accountID, n)
	if err != nil {
		t.Fatal(err)
	}
	return key, plain
}

// newUser makes a user of the account.
func newUser(t *testing.T, s *accounts.Service, accountID int64, email string, role authz.Role) accounts.User {
	t.Helper()
	u, err := s.CreateUser(t.Context(), accountID, accounts.NewUser{Name: "U", Email: email, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// wantFault checks a refusal and the text that an answer would show.
func wantFault(t *testing.T, err error, kind faults.Kind, message string) {
	t.Helper()
	var fault *faults.Error
	if !errors.As(err, &fault) || fault.Kind != kind || fault.Message != message {
		t.Errorf("error %v, want kind %d, %q", err, kind, message)
	}
}

func TestAnAccountComesWithItsAdminAndWhatIsFurnished(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		var actor authz.Actor
		a, err := s.Create(t.Context(), accounts.NewAccount{
			Name: " Minha Empresa ", Plan: "scale", MaxLeads: 3, TimeZone: "America/Manaus", AdminName: "Ana", AdminEmail: "ana@example.com",
		}, func(tx *db.Tx, furnisher authz.Actor) error {
			actor = furnisher
			_, err := tx.Exec(`INSERT INTO lost_reasons (account_id, name, sort_order, created_at) VALUES ($1, $2, $3, $4)`,
				furnisher.AccountID, "Preço alto", 1, tx.Now())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		want := accounts.Account{
			ID: a.ID, Name: "Minha Empresa", Plan: "scale", Status: accounts.Active, MaxLeads: 3, TimeZone: "America/Manaus", PhoneRegion: "BR", Created: clock.Now(),
		}
		if got, err := s.Get(t.Context(), actor); err != nil || got != want || a != want {
			t.Errorf("Create = %+v, Get = %+v, %v; want %+v", a, got, err, want)
		}
		users, err := s.ListUsers(t.Context(), actor)
		if admin := (accounts.User{ID: actor.UserID, Name: "Ana", Email: "ana@example.com", Role: authz.Admin, Created: clock.Now()}); err != nil || !slices.Equal(users, []accounts.User{admin}) {
			t.Errorf("users %+v, %v; want only the admin %+v", users, err, admin)
		}
	})
}

func TestAnAccountThatCannotBeFurnishedIsNotMade(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		broken := errors.New("broken")
		_, err := s.Create(t.Context(), accounts.NewAccount{Name: "A", AdminName: "Ana", AdminEmail: "ana@example.com"},
			func(*db.Tx, authz.Actor) error { return broken })
		if !errors.Is(err, broken) {
			t.Errorf("Create = %v, want the furnisher's error", err)
		}
		if all, err := s.List(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("List = %v, %v; want none", all, err)
		}
	})
}

func TestEveryProblemOfANewAccountIsNamed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		_, err := newService(d, clock).Create(t.Context(), accounts.NewAccount{
			Name: strings.Repeat("ã", 192), Plan: "a\xff", MaxLeads: -1, TimeZone: "Local", AdminEmail: "Ana <ana@example.com>",
		}, nothingMore)
		var fault *faults.Error
		if !errors.As(err, &fault) {
			t.Fatalf("Create = %v, want a refusal", err)
		}
		want := []faults.Problem{
			{Field: "name", Message: "The name field must not be greater than 191 characters."},
			{Field: "plan", Message: "The plan field must be a string."},
			{Field: "max_leads", Message: "The max leads field must be at least 0."},
			{Field: "time_zone", Message: "The time zone field must be a valid timezone."},
			{Field: "admin_name", Message: "The admin name field is required."},
			{Field: "admin_email", Message: "The admin email field must be a valid email address."},
		}
		if got := fault.Problems.Problems(); !slices.Equal(got, want) {
			t.Errorf("problems %q, want %q", got, want)
		}
	})
}

func TestAnUpdateChangesOnlyWhatItNames(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		a, other := newAccount(t, s, "A"), newAccount(t, s, "B")
		changed := a
		changed.Plan, changed.MaxLeads = "free", 10
		got, err := s.Update(t.Context(), a.ID, accounts.AccountChanges{Plan: new("free"), MaxLeads: new(int64(10))})
		if err != nil || got != changed {
			t.Errorf("Update = %+v, %v; want %+v", got, err, changed)
		}
		_, err = s.Update(t.Context(), a.ID, accounts.AccountChanges{Name: new(" "), MaxLeads: new(int64(0)), TimeZone: new("Mars/Base")})
		wantFault(t, err, faults.Invalid, "The name field is required. (and 1 more error)")
		_, err = s.SetStatus(t.Context(), a.ID, "closed")
		wantFault(t, err, faults.Invalid, "The selected status is invalid.")
		_, err = s.SetStatus(t.Context(), 999, accounts.Suspended)
		wantFault(t, err, faults.NotFound, "Conta não encontrada.")
		changed.Name, changed.MaxLeads, changed.TimeZone = "Novo", 0, "Europe/Lisbon"
		if _, err := s.Update(t.Context(), a.ID, accounts.AccountChanges{Name: new("Novo"), MaxLeads: new(int64(0)), TimeZone: new("Europe/Lisbon")}); err != nil {
			t.Error(err)
		}
		if all, err := s.List(t.Context()); err != nil || !slices.Equal(all, []accounts.Account{changed, other}) {
			t.Errorf("List = %+v, %v; want %+v", all, err, []accounts.Account{changed, other})
		}
	})
}

func TestAnEmailBelongsToOneUserOfAnAccountWhateverItsCase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		a, b := newAccount(t, s, "A"), newAccount(t, s, "B")
		user := accounts.NewUser{Name: "Bruno", Email: "ANA@Example.com", Role: authz.Viewer}
		_, err := s.CreateUser(t.Context(), a.ID, user)
		wantFault(t, err, faults.Invalid, "The email has already been taken.")
		_, err = s.CreateUser(t.Context(), a.ID, accounts.NewUser{Email: "x", Role: "owner"})
		wantFault(t, err, faults.Invalid, "The name field is required. (and 2 more errors)")
		user.Email = "bruno@example.com"
		_, err = s.CreateUser(t.Context(), 999, user)
		wantFault(t, err, faults.NotFound, "Conta não encontrada.")

		var made sync.WaitGroup
		for _, id := range []int64{a.ID, a.ID, a.ID, a.ID, b.ID} {
			made.Go(func() {
				if _, err := s.CreateUser(t.Context(), id, user); err != nil {
					wantFault(t, err, faults.Invalid, "The email has already been taken.")
				}
			})
		}
		made.Wait()
		for _, id := range []int64{a.ID, b.ID} {
			if users, err := s.ListUsers(t.Context(), authz.Actor{AccountID: id}); err != nil || len(users) != 2 {
				t.Errorf("account %d has users %v, %v; want two", id, users, err)
			}
		}
	})
}

func TestUsersFollowTheSetupVersionOrAreReloaded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s, elsewhere := newService(d, clock), newService(d, clock)
		a := newAccount(t, s, "A")
		_, key := newKey(t, s, a.ID, accounts.NewKey{})
		before := authenticate(t, s, key).Actor
		stale := authenticate(t, elsewhere, key).Actor
		for service, actor := range map[*accounts.Service]authz.Actor{s: before, elsewhere: stale} {
			if users, err := service.ListUsers(t.Context(), actor); err != nil || len(users) != 1 {
				t.Fatalf("users %v, %v; want the admin", users, err)
			}
		}

		bruno := newUser(t, s, a.ID, "bruno@example.com", authz.Manager)
		actor := authenticate(t, s, key).Actor
		if actor.SetupVersion != before.SetupVersion+1 {
			t.Errorf("setup version %d after %d", actor.SetupVersion, before.SetupVersion)
		}
		users, err := s.Users(t.Context(), actor)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := users.ByID(bruno.ID); !ok || got != bruno {
			t.Errorf("ByID = %+v, %t; want %+v", got, ok, bruno)
		}
		if users, err = elsewhere.Users(t.Context(), stale); err != nil || len(users.All()) != 1 {
			t.Errorf("an actor of the old version sees %v, %v", users, err)
		}
		if users, err = elsewhere.ReloadUsers(t.Context(), stale); err != nil || len(users.All()) != 2 {
			t.Errorf("reloaded users %v, %v; want two", users, err)
		}
	})
}
