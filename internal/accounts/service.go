package accounts

import (
	"context"
	"fmt"
	"sync"
	"time"

	"syncro/internal/authz"
	"syncro/internal/cache"
	"syncro/internal/db"
)

// DefaultRateLimit is how many requests a minute a key may make when neither the
// key nor the configuration says otherwise (companion-api.md section 1).
const DefaultRateLimit = 60

// Options are what a [Service] needs beside its database.
type Options struct {
	// Clock gives the time by which keys expire.
	Clock func() time.Time
	// RateLimit is the limit of keys that have none of their own, in requests a
	// minute; 0 means [DefaultRateLimit].
	RateLimit int64
}

// Service keeps accounts, users and keys. It is safe for concurrent use.
type Service struct {
	db         *db.DB
	clock      func() time.Time
	rateLimit  int64
	principals *principals
	users      *cache.PerAccount[*Users]
	belongings []Belongings
	countLeads func(q db.Querier, actor authz.Actor) (int64, error)
	zones      sync.Map // name to *time.Location; only names that exist, so it stays small
}

// New makes the service.
func New(d *db.DB, o Options) *Service {
	if o.RateLimit == 0 {
		o.RateLimit = DefaultRateLimit
	}
	return &Service{
		db:         d,
		clock:      o.Clock,
		rateLimit:  o.RateLimit,
		principals: newPrincipals(),
		users: cache.New(func(ctx context.Context, accountID int64) (users *Users, err error) {
			err = d.Read(ctx, func(q db.Querier) error {
				users, err = LoadUsers(q, accountID)
				return err
			})
			return users, err
		}),
	}
}

// SetupChanged raises the account's setup version. Whoever changes pipelines,
// stages, requirements, lost reasons, custom fields or users calls it in the same
// transaction, so that what package cache keeps of them is loaded anew: by the
// next request to this process, within [principalAge] on other nodes.
func (s *Service) SetupChanged(tx *db.Tx, accountID int64) error {
	if err := raiseSetupVersion(tx, accountID); err != nil {
		return fmt.Errorf("raising the setup version of account %d: %w", accountID, err)
	}
	s.forgetAfterCommit(tx, accountID)
	return nil
}

// forgetAfterCommit makes the next request of the account look its key up again.
func (s *Service) forgetAfterCommit(tx *db.Tx, accountID int64) {
	tx.AfterCommit(func() { s.principals.forget(accountID) })
}

// zone is the time zone of an IANA name.
func (s *Service) zone(name string) (*time.Location, error) {
	if loc, ok := s.zones.Load(name); ok {
		return loc.(*time.Location), nil
	}
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone", name) // to package time they mean UTC and the machine's
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	s.zones.Store(name, loc)
	return loc, nil
}
