package customfields

import (
	"context"

	"syncro/internal/authz"
	"syncro/internal/cache"
	"syncro/internal/db"
)

// Service gives the fields of accounts.
type Service struct {
	sets *cache.PerAccount[*Set]
}

// New makes the service.
func New(d *db.DB) *Service {
	load := func(ctx context.Context, accountID int64) (set *Set, err error) {
		err = d.Read(ctx, func(q db.Querier) error {
			set, err = LoadSet(q, accountID)
			return err
		})
		return set, err
	}
	return &Service{cache.New(load)}
}

// Set gives the account's fields as of the actor's setup version or later. Like
// all loads it is asked for before a transaction, not in one.
func (s *Service) Set(ctx context.Context, actor authz.Actor) (*Set, error) {
	return s.sets.Get(ctx, actor)
}

// SetWithin is Set for the inside of a transaction that does not change it.
func (s *Service) SetWithin(q db.Querier, actor authz.Actor) (*Set, error) {
	return s.sets.Within(actor, func() (*Set, error) { return LoadSet(q, actor.AccountID) })
}

// Reload gives the fields as they are now.
func (s *Service) Reload(ctx context.Context, actor authz.Actor) (*Set, error) {
	return s.sets.Reload(ctx, actor)
}
