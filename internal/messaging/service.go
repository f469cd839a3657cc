package messaging

import (
	"context"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/jobs"
	"syncro/internal/leads"
	"syncro/internal/netguard"
	"syncro/internal/secrets"
)

// Options are what a [Service] needs of the rest of the program.
type Options struct {
	Log       *events.Log
	Queue     *jobs.Queue
	Leads     *leads.Service
	Providers Providers
	Guard     *netguard.Guard // of where connections may lead
	Secrets   *secrets.Box    // of connections
	Clock     func() time.Time
	// Automation gives the actor for what the program does of itself for an account.
	Automation func(ctx context.Context, accountID int64) (authz.Actor, error)
	// MediaDir is the folder of the media that customers send; it is made when the
	// first one comes. Several nodes share it.
	MediaDir string
}

// Service is what can be done with numbers, templates, conversations and messages.
type Service struct {
	db *db.DB
	Options
}

// New makes the service. It hears of leads that are deleted, whose messages are
// then no longer sent.
func New(d *db.DB, o Options) *Service {
	s := &Service{db: d, Options: o}
	o.Log.React(cancelUnsent)
	return s
}

// dueKeys makes jobs' keys of the accounts and ids that a statement finds, whose
// parameters are the time and the limit.
func (s *Service) dueKeys(ctx context.Context, sql string, limit int) (keys []string, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		keys, err = db.Collect(q.Query(sql, s.Clock(), limit), func(r *db.Rows, key *string) {
			var account, id int64
			r.Scan(&account, &id)
			*key = jobKey(account, id)
		})
		return err
	})
	return keys, err
}

// aside is a context for what belongs to a request without being the change that
// it asks for: it goes on when the client leaves, and does not use up an
// Idempotency-Key.
func aside(ctx context.Context) context.Context {
	return db.WithoutCompanion(context.WithoutCancel(ctx))
}

// Kinds is the work that is done beside the requests.
func (s *Service) Kinds() []jobs.Kind { return []jobs.Kind{s.sweepKind(), s.receiptJobs()} }
