package leads

import (
	"context"

	"syncro/internal/api"
	"syncro/internal/authz"
)

// trashQuery is the query of GET /trash.
type trashQuery struct{ api.PageQuery }

func (s *Service) routesOfTrash(r *api.Router) {
	api.HandleQuery(r, api.Route{
		Method: "GET", Path: "/trash", Scope: authz.LeadsRead, ID: "listTrash", Tag: section, Summary: "List the trash",
		Description: "Lists the deleted leads, the last one deleted first. 30 days after its deletion a lead is removed for good.",
	}, func(ctx context.Context, c *api.Call, query trashQuery) (*TrashAnswer, error) {
		return s.Trash(ctx, c.Actor, query.Asked())
	})
	api.Handle(r, api.Route{
		Method: "POST", Path: "/trash/{id}/restore", Scope: authz.LeadsWrite, ID: "restoreLead", Tag: section, Summary: "Restore a lead from the trash",
		Description: "Takes the lead out of the trash, as it was. Its enrolments stay exited and its cancelled messages unsent. It counts as a creation against the plan's limit.",
		Refusals:    []api.Refusal{limitRefusal},
	}, func(ctx context.Context, c *api.Call) (LeadAnswer, error) {
		return s.Restore(ctx, c.Actor, c.ID("id"), c.Expected)
	})
	api.Handle(r, api.Route{
		Method: "DELETE", Path: "/trash/{id}", Scope: authz.LeadsWrite, ID: "purgeLead", Tag: section, Summary: "Remove a lead for good",
		Description: "Removes a lead in the trash for good, with its tasks, notes, messages and whatever else it has, and with the leads that were merged into it. This cannot be undone.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.Purge(ctx, c.Actor, c.ID("id"), c.Expected)
	})
}
