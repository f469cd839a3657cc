package accounts

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/phones"
)

// Status says whether an account may be used.
type Status string

// The states of an account. Active and trial accounts may be used.
const (
	Active    Status = "active"
	Trial     Status = "trial"
	Suspended Status = "suspended"
)

// What an account has when it is made without saying.
const (
	DefaultPlan     = "standard"
	DefaultTimeZone = "America/Sao_Paulo" // companion-api.md section 2, "Filters"

	defaultPhoneRegion = "BR" // companion-api.md section 2, "phone"
)

// maxText is how many characters a name, a plan or an email may have.
const maxText = 191

// Account is a company that uses the program.
type Account struct {
	ID       int64
	Name     string
	Plan     string
	Status   Status
	MaxLeads int64 // the plan's limit; 0 for none
	TimeZone string
	// PhoneRegion is the country (ISO 3166) of phones without a country code.
	PhoneRegion string
	Created     time.Time
}

// NewAccount is what makes an account and its admin.
type NewAccount struct {
	Name       string
	Plan       string // "" means DefaultPlan
	MaxLeads   int64  // 0 for no limit
	TimeZone   string // "" means DefaultTimeZone
	AdminName  string
	AdminEmail string
}

// AccountChanges are the changes to an account; nil leaves a field as it is.
type AccountChanges struct {
	Name     *string
	Plan     *string
	MaxLeads *int64 // 0 removes the limit
	TimeZone *string
	// PhoneRegion applies to what is stored from now on; phones that are stored stay.
	PhoneRegion *string
}

// Create makes an account with its admin user, and whatever furnish adds to it in
// the same transaction, such as a first pipeline. furnish obeys the rules for
// functions of [db.DB.Write]; it acts as the admin, with every scope.
func (s *Service) Create(ctx context.Context, n NewAccount, furnish func(tx *db.Tx, actor authz.Actor) error) (Account, error) {
	if n.Plan == "" {
		n.Plan = DefaultPlan
	}
	if n.TimeZone == "" {
		n.TimeZone = DefaultTimeZone
	}
	account := Account{
		Name: strings.TrimSpace(n.Name), Plan: strings.TrimSpace(n.Plan), Status: Active, MaxLeads: n.MaxLeads, TimeZone: n.TimeZone,
		PhoneRegion: defaultPhoneRegion,
	}
	admin := NewUser{Name: strings.TrimSpace(n.AdminName), Email: strings.TrimSpace(n.AdminEmail), Role: authz.Admin}
	problems := s.check(account)
	checkText(&problems, "admin_name", admin.Name)
	checkEmail(&problems, "admin_email", admin.Email)
	if err := problems.Err(); err != nil {
		return Account{}, err
	}
	zone, err := s.zone(account.TimeZone)
	if err != nil {
		return Account{}, err
	}
	var made Account
	err = s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if made, err = insertAccount(tx, account); err != nil {
			return err
		}
		user, err := insertUser(tx, made.ID, admin)
		if err != nil {
			return err
		}
		return furnish(tx, authz.Actor{
			AccountID: made.ID, UserID: user.ID, Scopes: authz.AllScopes(), Location: zone, PhoneRegion: made.PhoneRegion, SetupVersion: 1, MaxLeads: made.MaxLeads,
		})
	})
	if err != nil {
		return Account{}, fmt.Errorf("creating an account: %w", err)
	}
	return made, nil
}

// List lists all accounts by id.
func (s *Service) List(ctx context.Context) (all []Account, err error) {
	err = s.db.Read(ctx, func(q db.Querier) (err error) {
		all, err = selectAccounts(q)
		return err
	})
	return all, wrapped(err, "listing the accounts")
}

// Get gives the actor's account.
func (s *Service) Get(ctx context.Context, actor authz.Actor) (account Account, err error) {
	err = s.db.Read(ctx, func(q db.Querier) (err error) {
		account, err = selectAccount(q, actor.AccountID)
		return err
	})
	return account, wrapped(err, "reading account %d", actor.AccountID)
}

// Update changes an account.
func (s *Service) Update(ctx context.Context, id int64, c AccountChanges) (Account, error) {
	return s.change(ctx, id, func(a *Account) error {
		if c.Name != nil {
			a.Name = strings.TrimSpace(*c.Name)
		}
		if c.Plan != nil {
			a.Plan = strings.TrimSpace(*c.Plan)
		}
		if c.MaxLeads != nil {
			a.MaxLeads = *c.MaxLeads
		}
		if c.TimeZone != nil {
			a.TimeZone = *c.TimeZone
		}
		if c.PhoneRegion != nil {
			a.PhoneRegion = strings.ToUpper(strings.TrimSpace(*c.PhoneRegion))
		}
		problems := s.check(*a)
		return problems.Err()
	})
}

// SetStatus changes whether an account may be used. In this process its keys
// follow at once.
func (s *Service) SetStatus(ctx context.Context, id int64, status Status) (Account, error) {
	return s.change(ctx, id, func(a *Account) error {
		if status != Active && status != Trial && status != Suspended {
			var problems faults.Bag
			problems.Selected("status")
			return problems.Err()
		}
		a.Status = status
		return nil
	})
}

func (s *Service) change(ctx context.Context, id int64, apply func(*Account) error) (account Account, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if account, err = selectAccountForUpdate(tx, id); err != nil {
			return err
		}
		before := account
		if err = apply(&account); err != nil {
			return err
		}
		if err = updateAccount(tx, account); err != nil {
			return err
		}
		if account.PhoneRegion != before.PhoneRegion {
			return s.SetupChanged(tx, id) // custom fields are kept with it
		}
		s.forgetAfterCommit(tx, id)
		return nil
	})
	if err != nil {
		return Account{}, fmt.Errorf("changing account %d: %w", id, err)
	}
	return account, nil
}

func (s *Service) check(a Account) (problems faults.Bag) {
	checkText(&problems, "name", a.Name)
	checkText(&problems, "plan", a.Plan)
	if a.MaxLeads < 0 {
		problems.Add("max_leads", "The max leads field must be at least 0.")
	}
	if _, err := s.zone(a.TimeZone); err != nil {
		problems.Add("time_zone", notAZone)
	}
	if !phones.IsRegion(a.PhoneRegion) {
		problems.Selected("phone_region")
	}
	return problems
}

const notAZone = "The time zone field must be a valid timezone."

func checkText(problems *faults.Bag, field, text string) {
	switch {
	case text == "":
		problems.Required(field)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		problems.Addf(field, "The %s field must be a string.", faults.Spoken(field))
	case utf8.RuneCountInString(text) > maxText:
		problems.Addf(field, "The %s field must not be greater than %d characters.", faults.Spoken(field), maxText)
	}
}

func checkEmail(problems *faults.Bag, field, text string) {
	checkText(problems, field, text)
	if problems.Has(field) {
		return
	}
	// A display name or quotes would make the address differ from the text.
	if a, err := mail.ParseAddress(text); err != nil || a.Address != text {
		problems.Addf(field, "The %s field must be a valid email address.", faults.Spoken(field))
	}
}

// wrapped adds what was being done to an error, if there is one.
func wrapped(err error, doing string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(doing+": %w", append(args, err)...)
}
