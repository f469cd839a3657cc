package leads

import (
	"context"
	"reflect"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

const section = "Leads"

// Routes declares the operations of leads-api.txt, sending and enrolling apart.
func (s *Service) Routes(r *api.Router) {
	api.HandleQuery(r, api.Route{
		Method: "GET", Path: "/leads", Scope: authz.LeadsRead, ID: "listLeads", Tag: section, Summary: "List leads",
		Description: "Lists the leads of the account, newest first unless sorted otherwise, with filters. Merged leads are listed only with `status=merged`. The total is exact.",
	}, func(ctx context.Context, c *api.Call, f Filters) (*ListAnswer, error) {
		return s.List(ctx, c.Actor, f)
	})
	api.HandleStream(r, api.Route{
		Method: "GET", Path: "/leads/export", Scope: authz.LeadsRead, ID: "exportLeads", Tag: section, Summary: "Export leads",
		Description: "Gives all leads that meet the filters, oldest first, as a file that is sent as it is made. A table has the columns of a lead and those of the active custom fields, `custom_fields.NAME`; importing it again changes nothing. In a CSV or XLSX a text that a program could take for a formula begins with an apostrophe, which an import takes away; a phone of `+` and digits stays as it is.",
	}, []string{csvType, xlsxType, linesType}, func(ctx context.Context, c *api.Call, query ExportQuery) (*api.Stream, error) {
		return s.Export(ctx, c.Actor, &query), nil
	})
	api.HandleBody(r, api.Route{
		Method: "POST", Path: "/leads", Scope: authz.LeadsWrite, ID: "createLead", Tag: section, Summary: "Create a lead", Created: true,
		Description: "Creates a lead. In a won or lost stage its sale or lost sale is recorded with it; a stage's mandatory tasks are made.",
		Refusals:    []api.Refusal{limitRefusal}, BodyExample: createExample,
	}, func(ctx context.Context, c *api.Call, form *input.Form[CreateFields]) (LeadAnswer, error) {
		return s.Create(ctx, c.Actor, form)
	})
	api.HandleBody(r, api.Route{
		Method: "POST", Path: "/leads/upsert", Scope: authz.LeadsWrite, ID: "upsertLead", Tag: section, Summary: "Create or update a lead",
		Description: "Finds a lead by email and/or phone and updates it, or creates it (201). On an update only what is sent and not empty changes; `pipeline_id` with `stage_id` moves the lead by the rules of a move.",
		Refusals:    []api.Refusal{limitRefusal, blockedRefusal(blockedMove)}, BodyExample: upsertExample,
	}, func(ctx context.Context, c *api.Call, form *input.Form[UpsertFields]) (UpsertAnswer, error) {
		return s.Upsert(ctx, c.Actor, form)
	})
	for _, in := range s.includes {
		r.Extend(reflect.TypeFor[View](), in.Members...)
	}
	s.routesOfOne(r)
	s.routesOfMoves(r)
	s.routeOfAssignment(r)
	s.routesOfTags(r)
	s.routesOfTrash(r)
	s.routesOfMerges(r)
	s.routesOfNotes(r)
}

func (s *Service) routesOfOne(r *api.Router) {
	api.HandleQuery(r, api.Route{
		Method: "GET", Path: "/leads/{id}", Scope: authz.LeadsRead, ID: "getLead", Tag: section, Summary: "Fetch a lead",
		Description: "Gives one lead with the relations asked for.",
	}, func(ctx context.Context, c *api.Call, query OneQuery) (LeadAnswer, error) {
		return s.Get(ctx, c.Actor, c.ID("id"), query.Include.Value)
	})
	update := func(ctx context.Context, c *api.Call, form *input.Form[UpdateFields]) (LeadAnswer, error) {
		return s.Update(ctx, c.Actor, c.ID("id"), c.Expected, form)
	}
	api.HandleUpdate(r, api.Route{
		Path: "/leads/{id}", Scope: authz.LeadsWrite, Tag: section, ID: "updateLead", Summary: "Update a lead",
		Description: "Changes only what is sent; null clears. `tags` replaces the tags. A change of stage follows the rules of a move. PUT and PATCH mean the same.",
		Refusals:    []api.Refusal{blockedRefusal(blockedMove)}, BodyExample: map[string]any{"value": 7500, "notes": nil},
	}, update)
	api.Handle(r, api.Route{
		Method: "DELETE", Path: "/leads/{id}", Scope: authz.LeadsWrite, ID: "deleteLead", Tag: section, Summary: "Delete a lead",
		Description: "Moves the lead to the trash: it is gone from every list and endpoint, and kept for 30 days.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.Delete(ctx, c.Actor, c.ID("id"), c.Expected)
	})
}

func (s *Service) routesOfMoves(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: "PUT", Path: "/leads/{id}/stage", Scope: authz.LeadsWrite, ID: "moveLead", Tag: section, Summary: "Move a lead to another stage",
		Description: "Moves the lead to a stage, of another pipeline too. To the stage it is in already, nothing happens.",
		Refusals:    []api.Refusal{blockedRefusal(blockedMove)}, BodyExample: map[string]any{"stage_id": 7, "pipeline_id": 1},
	}, func(ctx context.Context, c *api.Call, form *input.Form[MoveFields]) (Moved, error) {
		return s.Move(ctx, c.Actor, c.ID("id"), c.Expected, form)
	})
	api.HandleBody(r, api.Route{
		Method: "PUT", Path: "/leads/{id}/won", Scope: authz.LeadsWrite, ID: "winLead", Tag: section, Summary: "Mark a lead as won",
		Description: "Moves the lead to a won stage and records the sale. A repeat with a value amends the sale.",
		Refusals: []api.Refusal{
			{Status: 422, When: "The stage is not a won stage.", Example: map[string]any{"message": "A etapa informada não é uma etapa de ganho."}}, blockedRefusal(blockedWon),
		}, BodyExample: map[string]any{"stage_id": 10, "value": 7500},
	}, func(ctx context.Context, c *api.Call, form *input.Form[WonFields]) (Moved, error) {
		return s.Win(ctx, c.Actor, c.ID("id"), c.Expected, form)
	})
	api.HandleBody(r, api.Route{
		Method: "PUT", Path: "/leads/{id}/lost", Scope: authz.LeadsWrite, ID: "loseLead", Tag: section, Summary: "Mark a lead as lost",
		Description: "Moves the lead to a lost stage and records the reason. A repeat with a reason amends it.",
		Refusals: []api.Refusal{
			{Status: 422, When: "The stage is not a lost stage.", Example: map[string]any{"message": "A etapa informada não é uma etapa de perda."}}, blockedRefusal(blockedLost),
		}, BodyExample: map[string]any{"stage_id": 11, "reason_id": 3},
	}, func(ctx context.Context, c *api.Call, form *input.Form[LostFields]) (Moved, error) {
		return s.Lose(ctx, c.Actor, c.ID("id"), c.Expected, form)
	})
}

func (s *Service) routeOfAssignment(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: "PUT", Path: "/leads/{id}/assign", Scope: authz.LeadsWrite, ID: "assignLead", Tag: section, Summary: "Assign a lead",
		Description: "Gives the lead to a user, takes it from whoever has it (`user_id` null), or gives it to the member of a team whose turn it is. The answer shows the lead with its owner.",
		BodyExample: map[string]any{"team_id": 2},
	}, func(ctx context.Context, c *api.Call, form *input.Form[AssignFields]) (LeadAnswer, error) {
		return s.Assign(ctx, c.Actor, c.ID("id"), c.Expected, form)
	})
}

func (s *Service) routesOfTags(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: "POST", Path: "/leads/{id}/tags", Scope: authz.LeadsWrite, ID: "addLeadTags", Tag: section, Summary: "Add tags",
		Description: "Adds tags and keeps the existing ones. Names are unique without regard to case; the first spelling stays.",
		BodyExample: map[string]any{"tags": []string{"vip", "enterprise"}},
	}, func(ctx context.Context, c *api.Call, form *input.Form[TagFields]) (Tagged, error) {
		return s.AddTags(ctx, c.Actor, c.ID("id"), c.Expected, form)
	})
	api.Handle(r, api.Route{
		Method: "DELETE", Path: "/leads/{id}/tags/{tag}", Scope: authz.LeadsWrite, ID: "removeLeadTag", Tag: section, Summary: "Remove a tag",
		Description: "Removes a tag by name, percent-encoded in the path. One that is not there is no failure.",
	}, func(ctx context.Context, c *api.Call) (Tagged, error) {
		return s.RemoveTag(ctx, c.Actor, c.ID("id"), c.Expected, c.Path("tag"))
	})
}

var limitRefusal = api.Refusal{Status: 422, When: "The plan's limit of leads is reached.", Example: map[string]any{
	"success": false, "message": "Limite de leads do plano atingido.", "limit_reached": true,
}}

func blockedRefusal(message blockedMessage) api.Refusal {
	return api.Refusal{Status: 422, When: "Mandatory tasks of the present stage are pending.", Example: map[string]any{
		"success": false, "blocked": true, "message": string(message),
		"pending_tasks": []any{map[string]any{"id": 45, "subject": "Ligar para o cliente", "type": "call"}},
	}}
}

var createExample = map[string]any{
	"name": "João Silva", "phone": "+5511999887766", "email": "joao@acme.com.br", "value": 5000, "source": "site", "tags": []string{"vip"},
	"pipeline_id": 1, "stage_id": 5, "assigned_to": 12, "custom_fields": map[string]any{"tamanho_empresa": "100+"},
}

var upsertExample = map[string]any{
	"name": "João Silva", "email": "joao@acme.com.br", "pipeline_id": 1, "stage_id": 5, "match_by": "email",
}
