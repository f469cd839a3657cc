package sequences

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
)

// Routes declares the operations of companion-api.md section 7.
func (s *Service) Routes(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/sequences", Scope: authz.SequencesRead, ID: "listSequences", Tag: "Sequences", Summary: "List sequences",
		Description: "All sequences of the account, by id.",
	}, func(ctx context.Context, c *api.Call) (api.List[Sequence], error) {
		sequences, err := s.List(ctx, c.Actor)
		return api.ListOf(sequences), err
	})
}
