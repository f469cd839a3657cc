package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/bulk"
	"syncro/internal/contacts"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/duplicates"
	"syncro/internal/events"
	"syncro/internal/imports"
	"syncro/internal/jobs"
	"syncro/internal/leads"
	"syncro/internal/messaging"
	"syncro/internal/messaging/cloudapi"
	"syncro/internal/messaging/exchange"
	"syncro/internal/messaging/waha"
	"syncro/internal/netguard"
	"syncro/internal/operations"
	"syncro/internal/pipelines"
	"syncro/internal/products"
	"syncro/internal/scoring"
	"syncro/internal/secrets"
	"syncro/internal/sequences"
	"syncro/internal/setup"
	"syncro/internal/tasks"
	"syncro/internal/teams"
	"syncro/internal/webhooks"
)

// App is the program on an open database.
type App struct {
	DB           *db.DB
	Accounts     *accounts.Service
	Teams        *teams.Service
	Pipelines    *pipelines.Service
	CustomFields *customfields.Service
	Setup        *setup.Service
	Operations   *operations.Service
	Bulk         *bulk.Service
	Imports      *imports.Service
	Editor       *setup.Editor
	Tasks        *tasks.Service
	Leads        *leads.Service
	Scoring      *scoring.Service
	Duplicates   *duplicates.Service
	Sequences    *sequences.Service
	Messaging    *messaging.Service
	Inbox        *messaging.Inbox
	Webhooks     *webhooks.Service

	config Config
	log    *slog.Logger
	events *events.Log
	jobs   *jobs.Queue
	router *api.Router
}

// Open brings the database's schema up to date, opens it and makes the services.
// The configuration has been checked.
func Open(ctx context.Context, c Config, log *slog.Logger) (*App, error) {
	from, to, err := db.Migrate(ctx, c.options())
	if err != nil {
		return nil, err
	}
	if from != to {
		log.InfoContext(ctx, "the database schema was brought up to date", "from", from, "to", to)
	}
	d, err := db.Open(ctx, c.options())
	if err != nil {
		return nil, err
	}
	return assemble(d, c, log), nil
}

// Migrate brings the database's schema up to date and gives its version before
// and after. The tables of the job queue come with it.
func Migrate(ctx context.Context, c Config) (from, to int64, err error) {
	if from, to, err = db.Migrate(ctx, c.options()); err != nil {
		return from, to, err
	}
	d, err := db.Open(ctx, c.options())
	if err != nil {
		return from, to, err
	}
	return from, to, errors.Join(jobs.Migrate(ctx, d), d.Close())
}

// Close lets running work finish and closes the database.
func (a *App) Close() error { return a.DB.Close() }

// Handler answers the requests.
func (a *App) Handler() http.Handler { return a.router.Handler() }

// assemble makes the services and declares their routes.
func assemble(d *db.DB, c Config, log *slog.Logger) *App {
	a := &App{DB: d, config: c, log: log, events: &events.Log{}, jobs: jobs.NewQueue()}
	sealing := secrets.Lazily(c.SecretKey, c.DataDir)
	allowed, _ := netguard.ParseRanges(c.Webhooks) // Check has seen it
	guard := netguard.New(allowed, nil)
	// The first to react: what an event leads to is told after it.
	a.Webhooks = webhooks.New(d, webhooks.Options{Events: a.events, Queue: a.jobs, Box: sealing, Guard: guard, Clock: c.Clock})
	a.Accounts = accounts.New(d, accounts.Options{Clock: c.Clock, RateLimit: c.RateLimit})
	a.Pipelines = pipelines.New(d)
	a.CustomFields = customfields.New(d)
	a.Setup = setup.New(d, a.Accounts)
	a.Tasks = tasks.New(d, a.events, c.Clock)
	a.Leads = leads.New(d, a.events, a.Accounts, a.Pipelines, a.CustomFields, a.Tasks, includes()...)
	a.Operations = operations.New(d, operations.Options{Accounts: a.Accounts, Leads: a.Leads, Queue: a.jobs, Clock: c.Clock})
	a.Editor = setup.NewEditor(d, a.Accounts, a.Leads)
	a.Bulk = bulk.New(d, a.Leads, a.Operations, log)
	a.Scoring = scoring.New(d, a.Accounts, c.Clock)
	a.events.React(a.Scoring.React)
	a.Duplicates = duplicates.New(d)
	a.events.React(a.Duplicates.React)
	a.Messaging = messaging.New(d, messaging.Options{
		Log: a.events, Queue: a.jobs, Leads: a.Leads, Guard: guard, Providers: providers(guard), Secrets: sealing, Clock: c.Clock, Automation: a.Accounts.Automation,
		MediaDir: filepath.Join(c.DataDir, "media"),
	})
	a.Inbox = messaging.NewInbox(a.Messaging, messaging.InboxOptions{Notes: log})
	a.events.React(a.scoreMessages)
	a.Sequences = sequences.New(d, sequences.Options{
		Log: a.events, Queue: a.jobs, Clock: c.Clock,
		Accounts: a.Accounts, Pipelines: a.Pipelines, CustomFields: a.CustomFields, Tasks: a.Tasks, Leads: a.Leads, Messaging: a.Messaging,
	})
	a.Leads.Relate(leads.Rows("lead_products"), contacts.Relation(), scoring.Relation(), duplicates.Relation(), messaging.Relation(), a.Sequences.Relation())
	a.Imports = imports.New(d, imports.Using{Accounts: a.Accounts, Pipelines: a.Pipelines, CustomFields: a.CustomFields, Leads: a.Leads, Operations: a.Operations})

	a.Accounts.AddBelongings(a.Leads.Owned(), a.Tasks.Owned(), a.Messaging.Owned())
	a.Accounts.CountLeads(leads.Count)
	a.Teams = teams.New(d)

	limiter := accounts.NewRateLimiter(d, c.Clock)
	a.router = api.NewRouter(api.Config{
		DB: d, Log: log, Clock: c.Clock, Box: sealing,
		Authenticate: a.Accounts.Authenticate, Allow: limiter.Take, Peek: limiter.Peek,
	})
	a.Accounts.Routes(a.router)
	a.Teams.Routes(a.router)
	products.New(d).Routes(a.router)
	contacts.New(d).Routes(a.router)
	a.Scoring.Routes(a.router)
	a.Pipelines.Routes(a.router)
	a.CustomFields.Routes(a.router)
	a.Editor.Routes(a.router)
	a.Leads.Routes(a.router)
	a.Bulk.Routes(a.router)
	a.Tasks.Routes(a.router)
	a.Duplicates.Routes(a.router)
	a.Sequences.Routes(a.router)
	a.Messaging.Routes(a.router)
	a.Inbox.Mount(a.router)
	a.Webhooks.Routes(a.router)
	a.Imports.Routes(a.router)
	a.mountHealth()
	a.mountDocumentation()
	return a
}

// scoreMessages gives points for what a lead has written; scoring stands below
// messaging and does not know its facts.
func (a *App) scoreMessages(tx *db.Tx, actor authz.Actor, e events.Event) error {
	facts, ok := e.Facts.(messaging.Facts)
	if !ok || e.Type != events.MessageReceived || facts.LeadID == nil {
		return nil
	}
	return a.Scoring.Received(tx, actor, *facts.LeadID, facts.Type)
}

// providers are the WhatsApp services that numbers can be connected through. Where
// they are, an account may say: the guard holds for them as for webhooks.
func providers(guard *netguard.Guard) messaging.Providers {
	return messaging.ProvidersOf(waha.New(exchange.Config{Dial: guard.Dial}), cloudapi.New(exchange.Config{Dial: guard.Dial}))
}

// includes are the relations of leads that features above leads have
// (leads-api.txt, "Extra relations").
func includes() []leads.Include {
	return []leads.Include{
		leads.Lists("products", "products", products.ForLeads),
		leads.Lists("contacts", "contacts", contacts.ForLeads),
		sequences.Include(),
		messaging.Include(),
	}
}

// errDemo is why a database of the demo is not served: its keys are printed in
// the documentation.
var errDemo = errors.New("the database was made by `syncro demo`, whose keys are public: choose another --database")

// inventory tells whether there is any account, and refuses a demo's database.
func (a *App) inventory(ctx context.Context) (anybody bool, err error) {
	var demo bool
	err = a.DB.Read(ctx, func(q db.Querier) error {
		return db.Get(q.Query(`SELECT EXISTS (SELECT 1 FROM accounts), EXISTS (SELECT 1 FROM accounts WHERE is_demo)`), &anybody, &demo)
	})
	if err != nil {
		return false, fmt.Errorf("looking for accounts: %w", err)
	}
	if demo {
		return false, errDemo
	}
	return anybody, nil
}
