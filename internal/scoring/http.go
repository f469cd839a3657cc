package scoring

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

const section = "Scoring"

type ruleAnswer struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
	Rule    Rule `json:"rule" doc:"The rule."`
}

func shown(r Rule, err error) (ruleAnswer, error) {
	if r.Conditions == nil {
		r.Conditions = []Condition{}
	}
	return ruleAnswer{true, r}, err
}

type decayAnswer struct {
	Success bool  `json:"success" doc:"Always true." example:"true"`
	Decay   Decay `json:"decay" doc:"What leads lose while nothing happens to them."`
}

// Routes declares the management of rules and decay, and the log of scores.
func (s *Service) Routes(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/scoring/rules", Scope: authz.SettingsRead, ID: "listScoringRules", Tag: section, Summary: "List scoring rules",
		Description: "All rules of the account, by id.",
	}, func(ctx context.Context, c *api.Call) (api.List[Rule], error) {
		rules, err := s.Rules(ctx, c.Actor)
		return api.ListOf(rules), err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/scoring/rules", Scope: authz.SettingsWrite, ID: "createScoringRule", Tag: section, Summary: "Create a scoring rule", Created: true,
		Description: "Makes a rule, which gives points to leads from now on.",
		BodyExample: map[string]any{
			"name": "Veio do site", "event": "lead_created", "points": 10,
			"conditions": []any{map[string]any{"field": "source", "operator": "equals", "value": "site"}},
		},
	}, func(ctx context.Context, c *api.Call, form *input.Form[RuleFields]) (ruleAnswer, error) {
		return shown(s.AddRule(ctx, c.Actor, form))
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/scoring/rules/{id}", Scope: authz.SettingsRead, ID: "getScoringRule", Tag: section, Summary: "Fetch a scoring rule",
		Description: "Gives one rule.",
	}, func(ctx context.Context, c *api.Call) (ruleAnswer, error) {
		return shown(s.Rule(ctx, c.Actor, c.ID("id")))
	})
	change := func(ctx context.Context, c *api.Call, form *input.Form[RuleChanges]) (ruleAnswer, error) {
		return shown(s.ChangeRule(ctx, c.Actor, c.ID("id"), form))
	}
	api.HandleUpdate(r, api.Route{
		Path: "/scoring/rules/{id}", Scope: authz.SettingsWrite, Tag: section, ID: "updateScoringRule", Summary: "Update a scoring rule",
		Description: "Changes only what is sent; `conditions` replaces them all. Points that it has given stay. PUT and PATCH mean the same.",
		BodyExample: map[string]any{"points": 15, "is_active": true},
	}, change)
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/scoring/rules/{id}", Scope: authz.SettingsWrite, ID: "deleteScoringRule", Tag: section, Summary: "Delete a scoring rule",
		Description: "Removes the rule. Points that it has given stay, with their lines in the log.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.DeleteRule(ctx, c.Actor, c.ID("id"))
	})
	s.routesOfDecay(r)
	api.HandleQuery(r, api.Route{
		Method: http.MethodGet, Path: "/leads/{id}/score-log", Scope: authz.LeadsRead, ID: "listLeadScores", Tag: section, Summary: "Show why a lead has its score",
		Description: "Each firing of a rule and each decay, newest first.",
	}, func(ctx context.Context, c *api.Call, query api.PageQuery) (api.PagedList[LogLine], error) {
		page := query.Asked()
		lines, total, err := s.Log(ctx, c.Actor, c.ID("id"), page.Size, page.Offset())
		return api.PageOf(lines, page, total), err
	})
}

func (s *Service) routesOfDecay(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/scoring/decay", Scope: authz.SettingsRead, ID: "getDecay", Tag: section, Summary: "Show the decay of scores",
		Description: "What leads lose while nothing happens to them; nothing, unless it was set.",
	}, func(ctx context.Context, c *api.Call) (decayAnswer, error) {
		d, err := s.Decay(ctx, c.Actor)
		return decayAnswer{true, d}, err
	})
	change := func(ctx context.Context, c *api.Call, form *input.Form[DecayFields]) (decayAnswer, error) {
		d, err := s.ChangeDecay(ctx, c.Actor, form)
		return decayAnswer{true, d}, err
	}
	api.HandleUpdate(r, api.Route{
		Path: "/scoring/decay", Scope: authz.SettingsWrite, Tag: section, ID: "updateDecay", Summary: "Change the decay of scores",
		Description: "Changes only what is sent. Days before it was switched on cost nothing. PUT and PATCH mean the same.",
		BodyExample: map[string]any{"points_per_day": 2, "after_days": 30},
	}, change)
}
