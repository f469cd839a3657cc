// Package authz says who may do what: the scopes of API keys, the roles of
// users, and the [Actor] on whose behalf an operation runs.
//
// Every service method takes the Actor as its second argument, and every SQL
// statement over an account's rows binds Actor.AccountID: isolation of accounts
// is a matter of structure, not of care.
package authz

import (
	"slices"
	"strings"
	"time"
)

// Scope is one permission of an API key (companion-api.md section 1, "Scopes").
type Scope string

// The scopes that the reference documents. A new key has these thirteen.
const (
	LeadsRead        Scope = "leads:read"
	LeadsWrite       Scope = "leads:write"
	PipelinesRead    Scope = "pipelines:read"
	CustomFieldsRead Scope = "custom_fields:read"
	SequencesRead    Scope = "sequences:read"
	SequencesWrite   Scope = "sequences:write"
	TasksRead        Scope = "tasks:read"
	TasksWrite       Scope = "tasks:write"
	WhatsAppRead     Scope = "whatsapp:read"
	WhatsAppWrite    Scope = "whatsapp:write"
	UsersRead        Scope = "users:read"
	WebhooksRead     Scope = "webhooks:read"
	WebhooksWrite    Scope = "webhooks:write"
)

// The scopes for what the reference leaves to its panel: given only by name.
const (
	PipelinesWrite    Scope = "pipelines:write"
	CustomFieldsWrite Scope = "custom_fields:write"
	UsersWrite        Scope = "users:write"
	ProductsRead      Scope = "products:read"
	ProductsWrite     Scope = "products:write"
	ReportsRead       Scope = "reports:read"
	SettingsRead      Scope = "settings:read"
	SettingsWrite     Scope = "settings:write"
)

// DefaultScopes are those of a key that is created without naming any.
func DefaultScopes() []Scope {
	return []Scope{
		LeadsRead, LeadsWrite, PipelinesRead, CustomFieldsRead, SequencesRead, SequencesWrite, TasksRead, TasksWrite,
		WhatsAppRead, WhatsAppWrite, UsersRead, WebhooksRead, WebhooksWrite,
	}
}

// AllScopes are all that a key can be given.
func AllScopes() []Scope {
	return append(DefaultScopes(),
		PipelinesWrite, CustomFieldsWrite, UsersWrite, ProductsRead, ProductsWrite, ReportsRead, SettingsRead, SettingsWrite)
}

// Role is what a user may do in the account.
type Role string

// The roles, from the most to the least powerful.
const (
	Admin   Role = "admin"
	Manager Role = "manager"
	Viewer  Role = "viewer"
)

// Roles lists the roles in the order in which a key looks for the user it acts as.
func Roles() []Role { return []Role{Admin, Manager, Viewer} }

// Scopes are what a role lets its user do, and so what a key that acts as that
// user is capped at. An admin may do everything; a manager everything but deciding
// who works in the account and how it is set up as a whole, which includes its
// keys; a viewer may read.
func (r Role) Scopes() []Scope {
	return slices.DeleteFunc(AllScopes(), func(s Scope) bool {
		switch r {
		case Admin:
			return false
		case Manager:
			return s == UsersWrite || s == SettingsWrite
		default:
			return !strings.HasSuffix(string(s), ":read")
		}
	})
}

// Actor is who does something: an account, the user in whose name it is done
// and the key that allows it. It is a value; copies are cheap.
type Actor struct {
	AccountID int64
	UserID    int64 // the user recorded as created_by, closed_by, performed_by; 0 for none
	KeyID     int64
	Scopes    []Scope
	Location  *time.Location // the account's time zone, for all day logic
	// PhoneRegion is the country (ISO 3166) of phones that come without a country
	// code; "" is Brazil.
	PhoneRegion string
	// SetupVersion counts the changes to the account's pipelines, stages, lost
	// reasons, custom fields and users; what is cached of them is kept by it.
	SetupVersion int64
	// MaxLeads is the plan's limit, 0 for none.
	MaxLeads int64
	// Enrollment is the enrolment in a sequence whose step does it; 0 for everybody else.
	Enrollment int64
}

// May tells whether the actor's key has the scope.
func (a Actor) May(s Scope) bool { return slices.Contains(a.Scopes, s) }

// PerformedBy is the acting user's id, or nil when the account has no user.
func (a Actor) PerformedBy() *int64 {
	if a.UserID == 0 {
		return nil
	}
	return &a.UserID
}
