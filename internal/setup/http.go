package setup

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

// The sections of the documentation.
const (
	pipelineSection = "Pipelines"
	fieldSection    = "Custom fields"
)

// Routes declares the management of pipelines, stages, requirements, lost reasons
// and custom fields. The lists of companion-api.md sections 3 and 4 are those of the
// packages pipelines and customfields.
func (e *Editor) Routes(r *api.Router) {
	e.pipelineRoutes(r)
	e.stageRoutes(r)
	e.requirementRoutes(r)
	e.reasonRoutes(r)
	e.fieldRoutes(r)
}

// order declares a route that puts a list into an order.
func order(r *api.Router, route api.Route, put func(ctx context.Context, actor authz.Actor, c *api.Call, form *input.Form[OrderFields]) error) {
	route.Method, route.BodyExample = http.MethodPut, map[string]any{"ids": []int{3, 1, 2}}
	api.HandleBody(r, route, func(ctx context.Context, c *api.Call, form *input.Form[OrderFields]) (api.Done, error) {
		return api.Done{Success: true}, put(ctx, c.Actor, c, form)
	})
}

func (e *Editor) pipelineRoutes(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/pipelines", Scope: authz.PipelinesWrite, ID: "createPipeline", Tag: pipelineSection, Summary: "Create a pipeline", Created: true,
		Description: "Adds a pipeline behind the others, with its stages in the order sent.",
		BodyExample: map[string]any{"name": "Pós-venda", "stages": []any{
			map[string]any{"name": "Onboarding", "requirements": []any{map[string]any{"subject": "Ligar para {{lead_name}}", "type": "call", "due_in_days": 1}}},
			map[string]any{"name": "Renovado", "kind": "won"}, map[string]any{"name": "Cancelado", "kind": "lost"},
		}},
	}, func(ctx context.Context, c *api.Call, form *input.Form[PipelineFields]) (pipelineAnswer, error) {
		p, err := e.CreatePipeline(ctx, c.Actor, form)
		return pipelineAnswer{true, detailOf(p)}, err
	})
	order(r, api.Route{
		Path: "/pipelines/order", Scope: authz.PipelinesWrite, ID: "orderPipelines", Tag: pipelineSection, Summary: "Order the pipelines",
		Description: "Puts all pipelines into the order of the ids sent.",
	}, func(ctx context.Context, actor authz.Actor, _ *api.Call, form *input.Form[OrderFields]) error {
		return e.OrderPipelines(ctx, actor, form)
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/pipelines/{id}", Scope: authz.PipelinesRead, ID: "getPipeline", Tag: pipelineSection, Summary: "Get a pipeline",
		Description: "The pipeline with all that is set of its stages: probability, rotting days and requirements, too.",
	}, func(ctx context.Context, c *api.Call) (pipelineAnswer, error) {
		p, err := e.Pipeline(ctx, c.Actor, c.ID("id"))
		return pipelineAnswer{true, detailOf(p)}, err
	})
	api.HandleUpdate(r, api.Route{
		Path: "/pipelines/{id}", Scope: authz.PipelinesWrite, ID: "updatePipeline", Tag: pipelineSection, Summary: "Update a pipeline",
		Description: "Changes only what is sent. Stages have operations of their own.",
		BodyExample: map[string]any{"name": "Pós-venda"},
	}, func(ctx context.Context, c *api.Call, form *input.Form[PipelineChanges]) (pipelineAnswer, error) {
		p, err := e.RenamePipeline(ctx, c.Actor, c.ID("id"), form)
		return pipelineAnswer{true, detailOf(p)}, err
	})
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/pipelines/{id}", Scope: authz.PipelinesWrite, ID: "deletePipeline", Tag: pipelineSection, Summary: "Delete a pipeline",
		Description: "Removes a pipeline with its stages. None of them may hold leads, those in the trash included. Its sales stay with their leads.",
		Refusals: []api.Refusal{{Status: http.StatusUnprocessableEntity, When: "A stage of it holds leads.", Example: map[string]any{
			"success": false, "message": "O pipeline tem leads: exclua antes suas etapas, informando target_stage_id.", "leads": 12}}},
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, e.DeletePipeline(ctx, c.Actor, c.ID("id"))
	})
}

func (e *Editor) stageRoutes(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/pipelines/{id}/stages", Scope: authz.PipelinesWrite, ID: "createStage", Tag: pipelineSection, Summary: "Create a stage", Created: true,
		Description: "Adds a stage to the pipeline: an open one before the closed ones at the end of the board, a closed one behind all.",
		BodyExample: map[string]any{"name": "Demonstração", "color": "#4ECDC4", "probability": 40, "rotting_days": 7},
	}, func(ctx context.Context, c *api.Call, form *input.Form[StageFields]) (stageAnswer, error) {
		s, err := e.CreateStage(ctx, c.Actor, c.ID("id"), form)
		return stageAnswer{true, detailOfStage(s)}, err
	})
	order(r, api.Route{
		Path: "/pipelines/{id}/stages/order", Scope: authz.PipelinesWrite, ID: "orderStages", Tag: pipelineSection, Summary: "Order the stages of a pipeline",
		Description: "Puts all stages of the pipeline into the order of the ids sent.",
	}, func(ctx context.Context, actor authz.Actor, c *api.Call, form *input.Form[OrderFields]) error {
		return e.OrderStages(ctx, actor, c.ID("id"), form)
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/stages/{id}", Scope: authz.PipelinesRead, ID: "getStage", Tag: pipelineSection, Summary: "Get a stage",
		Description: "The stage with all that is set of it.",
	}, func(ctx context.Context, c *api.Call) (stageAnswer, error) {
		s, err := e.Stage(ctx, c.Actor, c.ID("id"))
		return stageAnswer{true, detailOfStage(s)}, err
	})
	api.HandleUpdate(r, api.Route{
		Path: "/stages/{id}", Scope: authz.PipelinesWrite, ID: "updateStage", Tag: pipelineSection, Summary: "Update a stage",
		Description: "Changes only what is sent; null clears. The kind does not change while the stage holds leads.",
		BodyExample: map[string]any{"name": "Demonstração", "rotting_days": nil},
	}, func(ctx context.Context, c *api.Call, form *input.Form[StageChanges]) (stageAnswer, error) {
		s, err := e.UpdateStage(ctx, c.Actor, c.ID("id"), form)
		return stageAnswer{true, detailOfStage(s)}, err
	})
	api.HandleQuery(r, api.Route{
		Method: http.MethodDelete, Path: "/stages/{id}", Scope: authz.PipelinesWrite, ID: "deleteStage", Tag: pipelineSection, Summary: "Delete a stage",
		Description: "Removes a stage. The leads that it holds, at most 5,000, move to the target first; mandatory tasks of the stage are released. Without a target it must hold none.",
		Refusals: []api.Refusal{{Status: http.StatusUnprocessableEntity, When: "The stage holds leads and no target is given, or more than one request moves.", Example: map[string]any{
			"success": false, "message": "A etapa tem leads: informe em target_stage_id a etapa que os recebe.", "leads": 12}}},
	}, func(ctx context.Context, c *api.Call, query DeleteQuery) (api.Done, error) {
		return api.Done{Success: true}, e.DeleteStage(ctx, c.Actor, c.ID("id"), query)
	})
}

func (e *Editor) requirementRoutes(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/stages/{id}/requirements", Scope: authz.PipelinesWrite, ID: "createStageRequirement", Tag: pipelineSection, Summary: "Create a stage requirement", Created: true,
		Description: "Adds a task that each lead that enters the stage gets and must complete before it leaves. It binds from the next entry on.",
		BodyExample: map[string]any{"subject": "Conferir documentos de {{lead_name}}", "type": "task", "priority": "high", "due_in_days": 2},
	}, func(ctx context.Context, c *api.Call, form *input.Form[RequirementFields]) (requirementAnswer, error) {
		made, err := e.CreateRequirement(ctx, c.Actor, c.ID("id"), form)
		return requirementAnswer{true, requirementDetail(made)}, err
	})
	api.HandleUpdate(r, api.Route{
		Path: "/stage-requirements/{id}", Scope: authz.PipelinesWrite, ID: "updateStageRequirement", Tag: pipelineSection, Summary: "Update a stage requirement",
		Description: "Changes only what is sent. Tasks that the requirement has made stay as they are.",
		BodyExample: map[string]any{"due_in_days": 3},
	}, func(ctx context.Context, c *api.Call, form *input.Form[RequirementChanges]) (requirementAnswer, error) {
		changed, err := e.UpdateRequirement(ctx, c.Actor, c.ID("id"), form)
		return requirementAnswer{true, requirementDetail(changed)}, err
	})
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/stage-requirements/{id}", Scope: authz.PipelinesWrite, ID: "deleteStageRequirement", Tag: pipelineSection, Summary: "Delete a stage requirement",
		Description: "Removes the requirement. The tasks that it has made stay, but hold no lead any more.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, e.DeleteRequirement(ctx, c.Actor, c.ID("id"))
	})
}

func (e *Editor) reasonRoutes(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/lost-reasons", Scope: authz.PipelinesWrite, ID: "createLostReason", Tag: pipelineSection, Summary: "Create a lost reason", Created: true,
		Description: "Adds a reason behind the others.",
		BodyExample: map[string]any{"name": "Sem orçamento"},
	}, func(ctx context.Context, c *api.Call, form *input.Form[ReasonFields]) (reasonAnswer, error) {
		reason, err := e.CreateReason(ctx, c.Actor, form)
		return reasonAnswer{true, reasonDetail(reason)}, err
	})
	order(r, api.Route{
		Path: "/lost-reasons/order", Scope: authz.PipelinesWrite, ID: "orderLostReasons", Tag: pipelineSection, Summary: "Order the lost reasons",
		Description: "Puts all reasons into the order of the ids sent.",
	}, func(ctx context.Context, actor authz.Actor, _ *api.Call, form *input.Form[OrderFields]) error {
		return e.OrderReasons(ctx, actor, form)
	})
	api.HandleUpdate(r, api.Route{
		Path: "/lost-reasons/{id}", Scope: authz.PipelinesWrite, ID: "updateLostReason", Tag: pipelineSection, Summary: "Update a lost reason",
		Description: "Changes only what is sent.",
		BodyExample: map[string]any{"name": "Sem orçamento"},
	}, func(ctx context.Context, c *api.Call, form *input.Form[ReasonChanges]) (reasonAnswer, error) {
		reason, err := e.UpdateReason(ctx, c.Actor, c.ID("id"), form)
		return reasonAnswer{true, reasonDetail(reason)}, err
	})
	api.HandleQuery(r, api.Route{
		Method: http.MethodDelete, Path: "/lost-reasons/{id}", Scope: authz.PipelinesWrite, ID: "deleteLostReason", Tag: pipelineSection, Summary: "Delete a lost reason",
		Description: "Removes a reason. Lost sales that have it get the target; without one there must be none.",
		Refusals: []api.Refusal{{Status: http.StatusUnprocessableEntity, When: "Lost sales have it and no target is given.", Example: map[string]any{
			"success": false, "message": "O motivo consta em vendas perdidas: informe em target_reason_id o que o substitui.", "lost_sales": 3}}},
	}, func(ctx context.Context, c *api.Call, query DeleteReasonQuery) (api.Done, error) {
		return api.Done{Success: true}, e.DeleteReason(ctx, c.Actor, c.ID("id"), query)
	})
}
