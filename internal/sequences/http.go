package sequences

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

const (
	section = "Sequences"
	ofLeads = "Leads"
)

// Shown answers with one sequence.
type Shown struct {
	Success  bool   `json:"success" doc:"Always true." example:"true"`
	Sequence Detail `json:"sequence" doc:"The sequence."`
}

// HolidayShown answers with one day.
type HolidayShown struct {
	Success bool    `json:"success" doc:"Always true." example:"true"`
	Holiday Holiday `json:"holiday" doc:"The day."`
}

// Routes declares the operations of companion-api.md section 7 and those of
// leads-api.txt on a lead's enrolments.
func (s *Service) Routes(r *api.Router) {
	s.routesOfLeads(r)
	s.routesOfSequences(r)
	s.routesOfStates(r)
	s.routesOfHolidays(r)
}

func (s *Service) routesOfLeads(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/leads/{id}/enroll-sequence", Scope: authz.SequencesWrite, ID: "enrollLead", Tag: ofLeads, Summary: "Enroll in nurture sequence",
		Description: "Enrolls the lead in an active sequence that has steps. `next_step_at` is now plus the first step's delay, moved into its sending hours where it has any.",
		Refusals:    []api.Refusal{alreadyInRefusal}, BodyExample: map[string]any{"sequence_id": 1},
	}, func(ctx context.Context, c *api.Call, form *input.Form[EnrollFields]) (Enrolled, error) {
		return s.Enroll(ctx, c.Actor, c.ID("id"), form)
	})
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/leads/{id}/enroll-sequence/{sequence_id}", Scope: authz.SequencesWrite, ID: "unenrollLead", Tag: ofLeads, Summary: "Remove from sequence",
		Description: "Removes the lead from a sequence that it is in; from any other it is a 404.",
	}, func(ctx context.Context, c *api.Call) (Left, error) {
		return s.Leave(ctx, c.Actor, c.ID("id"), c.ID("sequence_id"))
	})
	api.Handle(r, api.Route{
		Method: http.MethodPut, Path: "/leads/{id}/enroll-sequence/{sequence_id}/pause", Scope: authz.SequencesWrite, ID: "pauseEnrollment", Tag: ofLeads, Summary: "Pause in a sequence",
		Description: "Keeps the lead's steps in the sequence from running until it is resumed. What ends an enrolment ends a paused one, too.",
	}, func(ctx context.Context, c *api.Call) (Left, error) {
		return s.Pause(ctx, c.Actor, c.ID("id"), c.ID("sequence_id"))
	})
	api.Handle(r, api.Route{
		Method: http.MethodPut, Path: "/leads/{id}/enroll-sequence/{sequence_id}/resume", Scope: authz.SequencesWrite, ID: "resumeEnrollment", Tag: ofLeads, Summary: "Resume in a sequence",
		Description: "Goes on with a paused enrolment; a step that has become due meanwhile runs at once.",
	}, func(ctx context.Context, c *api.Call) (Left, error) {
		return s.Resume(ctx, c.Actor, c.ID("id"), c.ID("sequence_id"))
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/leads/{id}/sequences/{sequence_id}/explain", Scope: authz.SequencesRead, ID: "explainEnrollment", Tag: ofLeads, Summary: "Explain what happens next",
		Description: "Says what will happen next to the lead in a sequence and when, or why nothing will, and what has happened so far. Of several enrolments in the sequence it is about the newest.",
	}, func(ctx context.Context, c *api.Call) (Explanation, error) {
		return s.Explain(ctx, c.Actor, c.ID("id"), c.ID("sequence_id"))
	})
}

func (s *Service) routesOfSequences(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/sequences", Scope: authz.SequencesRead, ID: "listSequences", Tag: section, Summary: "List sequences",
		Description: "All sequences of the account, by id.",
	}, func(ctx context.Context, c *api.Call) (api.List[Sequence], error) {
		sequences, err := s.List(ctx, c.Actor)
		return api.ListOf(sequences), err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/sequences", Scope: authz.SequencesWrite, ID: "createSequence", Tag: section, Summary: "Create a sequence", Created: true,
		Description: "Creates a sequence, inactive unless `is_active` is sent. Texts may hold the placeholders " +
			"`{{nome}}`, `{{primeiro_nome}}`, `{{empresa}}`, `{{etapa}}`, `{{funil}}`, `{{email}}`, `{{telefone}}`, `{{origem}}`, `{{responsavel}}` and `{{valor}}`; " +
			"each that a lead may have no value for needs a fallback.",
		BodyExample: createExample,
	}, func(ctx context.Context, c *api.Call, form *input.Form[CreateFields]) (Shown, error) {
		detail, err := s.Create(ctx, c.Actor, form)
		return Shown{true, detail}, err
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/sequences/{id}", Scope: authz.SequencesRead, ID: "getSequence", Tag: section, Summary: "Fetch a sequence",
		Description: "Gives a sequence with its steps.",
	}, func(ctx context.Context, c *api.Call) (Shown, error) {
		detail, err := s.Get(ctx, c.Actor, c.ID("id"))
		return Shown{true, detail}, err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPut, Path: "/sequences/{id}", Scope: authz.SequencesWrite, ID: "updateSequence", Tag: section, Summary: "Update a sequence",
		Description: "Changes what is sent. `steps` are all steps in their order; leads that are in the sequence go on with the steps they began with, those enrolled later get the new ones. Whether a lead leaves by replying or by a change of stage holds for all at once.",
		BodyExample: map[string]any{"name": "Boas-vindas", "exit_on_stage_change": true},
	}, func(ctx context.Context, c *api.Call, form *input.Form[UpdateFields]) (Shown, error) {
		detail, err := s.Update(ctx, c.Actor, c.ID("id"), form)
		return Shown{true, detail}, err
	})
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/sequences/{id}", Scope: authz.SequencesWrite, ID: "deleteSequence", Tag: section, Summary: "Delete a sequence",
		Description: "Deletes a sequence. The leads that are in it leave it (`exited_manual`); what has happened in it stays on them.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.Delete(ctx, c.Actor, c.ID("id"))
	})
}

func (s *Service) routesOfStates(r *api.Router) {
	for _, route := range []struct {
		name, id, summary, description string
		created                        bool
		do                             func(context.Context, authz.Actor, int64) (Detail, error)
	}{
		{"activate", "activateSequence", "Activate a sequence", "Lets leads be enrolled and steps run; those that have become due meanwhile run at once.", false, s.Activate},
		{"deactivate", "deactivateSequence", "Deactivate a sequence", "Holds the leads that are in it where they are; nobody can be enrolled.", false, s.Deactivate},
		{"duplicate", "duplicateSequence", "Duplicate a sequence", "Makes an inactive sequence with the same steps.", true, s.Duplicate},
	} {
		api.Handle(r, api.Route{
			Method: http.MethodPost, Path: "/sequences/{id}/" + route.name, Scope: authz.SequencesWrite, ID: route.id, Tag: section, Summary: route.summary,
			Description: route.description, Created: route.created,
		}, func(ctx context.Context, c *api.Call) (Shown, error) {
			detail, err := route.do(ctx, c.Actor, c.ID("id"))
			return Shown{true, detail}, err
		})
	}
}

// sectionHolidays is where the documentation has the settings of the account.
const sectionHolidays = "Account"

func (s *Service) routesOfHolidays(r *api.Router) {
	api.HandleQuery(r, api.Route{
		Method: http.MethodGet, Path: "/account/holidays", Scope: authz.SettingsRead, ID: "listHolidays", Tag: sectionHolidays, Summary: "List holidays",
		Description: "Brazil's national holidays of a year and the days of it that the account has decided on, by date.",
	}, func(ctx context.Context, c *api.Call, query HolidaysQuery) (api.List[Day], error) {
		days, err := s.Holidays(ctx, c.Actor, query)
		return api.ListOf(days), err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/account/holidays", Scope: authz.SettingsWrite, ID: "setHoliday", Tag: sectionHolidays, Summary: "Set a holiday", Created: true,
		Description: "Makes a day a holiday, on which steps with sending hours do not run, or a national holiday a workday. A day that was set before is replaced.",
		BodyExample: map[string]any{"date": "2027-02-09", "name": "Carnaval"},
	}, func(ctx context.Context, c *api.Call, form *input.Form[HolidayFields]) (HolidayShown, error) {
		day, err := s.SetHoliday(ctx, c.Actor, form)
		return HolidayShown{true, day}, err
	})
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/account/holidays/{id}", Scope: authz.SettingsWrite, ID: "deleteHoliday", Tag: sectionHolidays, Summary: "Delete a holiday",
		Description: "Takes a decision on a day back: a national holiday is one again.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.ForgetHoliday(ctx, c.Actor, c.ID("id"))
	})
}

var alreadyInRefusal = api.Refusal{Status: http.StatusUnprocessableEntity, When: "The lead is in the sequence already.", Example: map[string]any{
	"success": false, "message": "O lead já está nesta sequência.", "already_enrolled": true,
}}

var createExample = map[string]any{
	"name": "Boas-vindas", "is_active": true, "exit_on_reply": true,
	"steps": []any{
		map[string]any{"type": "message", "settings": map[string]any{"body": "Olá {{nome}}, que bom ter você por aqui!"}},
		map[string]any{"type": "wait_reply", "settings": map[string]any{"timeout_minutes": 1440, "on_reply_step": 0}},
		map[string]any{
			"type": "task", "sending_hours": map[string]any{"from": "09:00", "until": "18:00", "weekdays": []int{1, 2, 3, 4, 5}},
			"settings": map[string]any{"subject": "Ligar para {{nome}}", "type": "call", "due_in_days": 1},
		},
	},
}
