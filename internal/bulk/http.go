package bulk

import (
	"context"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
	"syncro/internal/operations"
)

const section = "Leads"

// Routes declares batches and bulk actions.
func (s *Service) Routes(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: "POST", Path: "/leads/batch", Scope: authz.LeadsWrite, ID: "batchLeads", Tag: section, Summary: "Do many writes at once", MaxBody: maxBatchBody,
		Description: "Does up to 1,000 writes of leads, in their order, each with the rules of the request that does it alone; the answer has a result for each. " +
			"Counts as one request against the rate limit. Without `atomic` each item stands for itself; with it, one that fails makes the whole a 422 that has changed nothing.",
		Refusals: []api.Refusal{{Status: 422, When: "An item of an atomic batch failed; nothing was done.", Example: map[string]any{
			"success": false, "message": "Nenhum item foi aplicado: 2 de 2 falharam.", "results": []any{
				map[string]any{"index": 0, "status": 424, "lead_id": 123, "message": "Não aplicado: outro item do lote falhou."},
				map[string]any{"index": 1, "status": 404, "lead_id": 999, "message": "Lead não encontrado."},
			},
		}}},
		BodyExample: map[string]any{"atomic": false, "items": []any{
			map[string]any{"op": "upsert", "name": "João Silva", "email": "joao@acme.com.br", "pipeline_id": 1, "stage_id": 5},
			map[string]any{"op": "move", "lead_id": 123, "pipeline_id": 1, "stage_id": 7},
			map[string]any{"op": "tag", "lead_id": 124, "tags": []string{"vip"}},
		}},
	}, func(ctx context.Context, c *api.Call, form *input.Form[batchFields]) (BatchAnswer, error) {
		return s.Batch(ctx, c.Actor, form)
	})
	r.Apart("/leads/bulk-actions/")
	api.HandleBody(r, api.Route{
		Method: "POST", Path: "/leads/bulk-actions", Scope: authz.LeadsWrite, ID: "createBulkAction", Tag: section, Summary: "Change all leads of a filter",
		Description: "Does one thing with every lead that a filter selects, in the background. Asked without `expected_total` it only counts them (200); " +
			"asked again with that number it begins (201), unless the filter selects another number of leads by then (409). Which leads are meant is fixed at that moment. " +
			"What is refused for one lead, such as a move that mandatory tasks forbid, is noted among its items and holds up no other.",
		Refusals: []api.Refusal{{Status: 409, When: "The filter selects another number of leads; nothing was done.", Example: map[string]any{
			"success": false, "message": "O filtro seleciona 130 leads, não 128. Nada foi alterado.", "total": 130,
		}}},
		BodyExample: map[string]any{"filter": map[string]any{"stage_id": 5, "tags": []string{"frio"}}, "action": "move", "pipeline_id": 1, "stage_id": 7, "expected_total": 128},
	}, func(ctx context.Context, c *api.Call, form *input.Form[actionFields]) (ActionAnswer, error) {
		return s.Act(ctx, c.Actor, form)
	})
	api.HandleQuery(r, api.Route{
		Method: "GET", Path: "/leads/bulk-actions", Scope: authz.LeadsRead, ID: "listBulkActions", Tag: section, Summary: "List bulk actions",
		Description: "Lists the account's bulk actions, newest first.",
	}, func(ctx context.Context, c *api.Call, query api.PageQuery) (api.PagedList[ActionView], error) {
		found, total, err := s.operations.List(ctx, c.Actor, actionKind, query.Asked())
		views := make([]ActionView, len(found))
		for i := range found {
			if err == nil {
				views[i], err = viewOf(&found[i])
			}
		}
		return api.PageOf(views, query.Asked(), total), err
	})
	one := func(method, path, id, summary, description string, do func(ctx context.Context, actor authz.Actor, kind string, id int64) (*operations.Operation, error), refusals ...api.Refusal) {
		scope := authz.LeadsWrite
		if method == "GET" {
			scope = authz.LeadsRead
		}
		api.Handle(r, api.Route{
			Method: method, Path: "/leads/bulk-actions/{id}" + path, Scope: scope, ID: id, Tag: section, Summary: summary, Description: description, Refusals: refusals,
		}, func(ctx context.Context, c *api.Call) (ActionAnswer, error) {
			o, err := do(ctx, c.Actor, actionKind, c.ID("id"))
			if err != nil {
				return ActionAnswer{}, err
			}
			return answerWith(o)
		})
	}
	one("GET", "", "getBulkAction", "Fetch a bulk action", "Gives a bulk action with its progress.", s.operations.Get)
	one("POST", "/cancel", "cancelBulkAction", "Cancel a bulk action", "Ends a bulk action that is under way. What it has done stays, and can be undone.", s.operations.Cancel,
		conflict("It is not under way.", "A operação não está em andamento."))
	one("POST", "/undo", "undoBulkAction", "Undo a bulk action",
		"Puts back, in the background and within 30 days, what a bulk action has changed. What was edited since stays as it is: those items have `kept`. "+
			"Messages that were sent, sequences that ended and scores do not come back.",
		s.operations.Undo, conflict("It is under way, undone already, has changed nothing, or is older than 30 days.", "A operação já foi desfeita."))
	api.HandleQuery(r, api.Route{
		Method: "GET", Path: "/leads/bulk-actions/{id}/items", Scope: authz.LeadsRead, ID: "listBulkActionItems", Tag: section, Summary: "List what became of a bulk action's leads",
		Description: "Lists the leads that a bulk action has changed or could not change, and what its undo has done; those that stayed as they were are left out.",
	}, func(ctx context.Context, c *api.Call, query itemsQuery) (api.PagedList[operations.ItemView], error) {
		items, total, err := s.operations.Items(ctx, c.Actor, actionKind, c.ID("id"), operations.Selected(query.Only.Value), query.Asked())
		return api.PageOf(items, query.Asked(), total), err
	})
}

func conflict(when, message string) api.Refusal {
	return api.Refusal{Status: 409, When: when, Example: map[string]any{"message": message}}
}
