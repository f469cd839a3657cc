package tasks

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

const section = "Tasks"

// Answer is the answer that shows one task.
type Answer struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
	Task    Task `json:"task" doc:"The task."`
}

// RecordVersion is the task's version.
func (a Answer) RecordVersion() int64 { return a.Task.Version }

func shown(task Task, err error) (Answer, error) { return Answer{true, task}, err }

// listQuery is the query of a list.
type listQuery struct {
	Filter
	api.PageQuery
}

// Routes declares the operations of companion-api.md section 5.
func (s *Service) Routes(r *api.Router) {
	api.HandleQuery(r, api.Route{
		Method: http.MethodGet, Path: "/tasks", Scope: authz.TasksRead, ID: "listTasks", Tag: section, Summary: "List tasks",
		Description: "Lists the tasks of the account, soonest due first. Tasks of leads in the trash are left out.",
	}, func(ctx context.Context, c *api.Call, query listQuery) (api.PagedList[Task], error) {
		page := query.Asked()
		tasks, total, err := s.List(ctx, c.Actor, query.Filter, page.Size, page.Offset())
		return api.PageOf(tasks, page, total), err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/tasks", Scope: authz.TasksWrite, ID: "createTask", Tag: section, Summary: "Create a task", Created: true,
		Description: "Creates a pending task, for a lead or standing alone.",
		BodyExample: map[string]any{"subject": "Ligar para o cliente", "type": "call", "due_date": "2026-07-01", "due_time": "14:30", "lead_id": 123, "assigned_to": 12},
	}, func(ctx context.Context, c *api.Call, form *input.Form[CreateFields]) (Answer, error) {
		return shown(s.Create(ctx, c.Actor, form))
	})
	s.routesOfOne(r)
}

func (s *Service) routesOfOne(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/tasks/{id}", Scope: authz.TasksRead, ID: "getTask", Tag: section, Summary: "Fetch a task",
		Description: "Gives one task.",
	}, func(ctx context.Context, c *api.Call) (Answer, error) {
		return shown(s.Get(ctx, c.Actor, c.ID("id")))
	})
	update := func(ctx context.Context, c *api.Call, form *input.Form[UpdateFields]) (Answer, error) {
		return shown(s.Update(ctx, c.Actor, c.ID("id"), c.Expected, form))
	}
	api.HandleUpdate(r, api.Route{
		Path: "/tasks/{id}", Scope: authz.TasksWrite, Tag: section, ID: "updateTask", Summary: "Update a task",
		Description: "Changes only what is sent; null clears. PUT and PATCH mean the same.",
		Refusals:    []api.Refusal{{Status: http.StatusUnprocessableEntity, When: "A mandatory task is to be given to another lead.", Example: map[string]any{"message": notTransferable}}},
		BodyExample: map[string]any{"due_date": "2026-07-02", "notes": nil},
	}, update)
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/tasks/{id}", Scope: authz.TasksWrite, ID: "deleteTask", Tag: section, Summary: "Delete a task",
		Description: "Deletes the task for good.",
		Refusals:    []api.Refusal{{Status: http.StatusUnprocessableEntity, When: "The task is mandatory in the present stage of its lead.", Example: map[string]any{"message": notDeletable}}},
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.Delete(ctx, c.Actor, c.ID("id"), c.Expected)
	})
	api.Handle(r, api.Route{
		Method: http.MethodPut, Path: "/tasks/{id}/complete", Scope: authz.TasksWrite, ID: "completeTask", Tag: section, Summary: "Complete a task",
		Description: "Marks the task as completed; nothing happens if it is already.",
	}, func(ctx context.Context, c *api.Call) (Answer, error) {
		return shown(s.Complete(ctx, c.Actor, c.ID("id"), c.Expected))
	})
	api.Handle(r, api.Route{
		Method: http.MethodPut, Path: "/tasks/{id}/reopen", Scope: authz.TasksWrite, ID: "reopenTask", Tag: section, Summary: "Reopen a task",
		Description: "Makes the task pending again; nothing happens if it is already. A mandatory task blocks its lead again.",
	}, func(ctx context.Context, c *api.Call) (Answer, error) {
		return shown(s.Reopen(ctx, c.Actor, c.ID("id"), c.Expected))
	})
}
