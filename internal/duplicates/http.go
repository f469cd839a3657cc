package duplicates

import (
	"context"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

// listQuery is the query of GET /duplicates.
type listQuery struct {
	LeadID input.Field[int64] `query:"lead_id" doc:"Pairs with this lead." example:"123"`
	api.PageQuery
}

// Routes declares the operations on duplicates.
func (s *Service) Routes(r *api.Router) {
	const section = "Duplicates"
	api.HandleQuery(r, api.Route{
		Method: "GET", Path: "/duplicates", Scope: authz.LeadsRead, ID: "listDuplicates", Tag: section, Summary: "List probable duplicates",
		Description: "Lists pairs of leads that are probably one, the most likely first. They are found shortly after a lead is written. Merge them by `POST /leads/{id}/merge`, or dismiss the pair.",
	}, func(ctx context.Context, c *api.Call, query listQuery) (Page, error) {
		return s.List(ctx, c.Actor, query)
	})
	api.Handle(r, api.Route{
		Method: "POST", Path: "/duplicates/{id}/dismiss", Scope: authz.LeadsWrite, ID: "dismissDuplicate", Tag: section, Summary: "Dismiss a pair",
		Description: "Says that the two leads are two. The pair is not listed again unless something changes of what made it one.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.Dismiss(ctx, c.Actor, c.ID("id"))
	})
}
