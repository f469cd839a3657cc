package pipelines

import (
	"context"

	"syncro/internal/authz"
	"syncro/internal/cache"
	"syncro/internal/db"
)

// Service gives the boards of accounts.
type Service struct {
	boards *cache.PerAccount[*Board]
}

// New makes the service.
func New(d *db.DB) *Service {
	load := func(ctx context.Context, accountID int64) (board *Board, err error) {
		err = d.Read(ctx, func(q db.Querier) error {
			board, err = LoadBoard(q, accountID)
			return err
		})
		return board, err
	}
	return &Service{cache.New(load)}
}

// Board gives the account's board as of the actor's setup version or later. Like
// all loads it is asked for before a transaction, not in one.
func (s *Service) Board(ctx context.Context, actor authz.Actor) (*Board, error) {
	return s.boards.Get(ctx, actor)
}

// BoardWithin is Board for the inside of a transaction that does not change it.
func (s *Service) BoardWithin(q db.Querier, actor authz.Actor) (*Board, error) {
	return s.boards.Within(actor, func() (*Board, error) { return LoadBoard(q, actor.AccountID) })
}

// Reload gives the board as it is now, for a stage or pipeline that [Service.Board]
// did not have: it may have been added since the actor was authenticated.
func (s *Service) Reload(ctx context.Context, actor authz.Actor) (*Board, error) {
	return s.boards.Reload(ctx, actor)
}
