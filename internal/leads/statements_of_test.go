package leads

import (
	"context"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// MatchOrder ends the statement by which an upsert finds a lead.
const MatchOrder = matchOrder

// PageStatement is the statement that reads a page of a list.
func (s *Service) PageStatement(ctx context.Context, actor authz.Actor, f *Filters) (db.Statement, error) {
	f.Check(actor, &faults.Bag{})
	u, err := s.setup(ctx, actor)
	if err != nil {
		return db.Statement{}, err
	}
	return s.listing(actor, f, u).pageStatement(), nil
}
