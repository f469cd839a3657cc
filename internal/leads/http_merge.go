package leads

import (
	"context"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

// MergeFields is the body of POST /leads/{id}/merge.
type MergeFields struct {
	SecondaryID      input.Field[int64]        `json:"secondary_id" required:"true" doc:"Id of the lead that becomes part of the one in the path." example:"127"`
	SecondaryVersion input.Field[int64]        `json:"secondary_version" minimum:"1" doc:"The number in the ETag the secondary was read with; if it has changed since, the answer is 412. If-Match is about the primary." example:"7"`
	Fields           input.Field[input.Object] `json:"fields" doc:"Where fields are to be taken from, primary or secondary, by name: name, phone, email, company, birthday, value, source, notes, the utm fields, assigned_to, tags, and custom_fields with an object of its own. Without a word here the primary's empty fields are filled, the larger value wins and tags are united."`
}

func (s *Service) routesOfMerges(r *api.Router) {
	conflict := func(when, message string) api.Refusal {
		return api.Refusal{Status: 409, When: when, Example: map[string]any{"message": message}}
	}
	api.HandleBody(r, api.Route{
		Method: "POST", Path: "/leads/{id}/merge", Scope: authz.LeadsWrite, ID: "mergeLeads", Tag: section, Summary: "Merge a lead into this one",
		Description: "Makes another lead part of this one: notes, tasks, contacts, products, events, sales, conversations and enrolments become this lead's, and the other one is kept with status `merged`. It stays in the stage it is in.",
		Refusals:    []api.Refusal{conflict("One of the leads is merged already.", "O lead já foi mesclado.")},
		BodyExample: map[string]any{"secondary_id": 127, "fields": map[string]any{"phone": "secondary"}},
	}, func(ctx context.Context, c *api.Call, form *input.Form[MergeFields]) (LeadAnswer, error) {
		return s.Merge(ctx, c.Actor, c.ID("id"), c.Expected, form)
	})
	api.Handle(r, api.Route{
		Method: "POST", Path: "/leads/{id}/unmerge", Scope: authz.LeadsWrite, ID: "unmergeLead", Tag: section, Summary: "Undo the merge of a lead",
		Description: "Takes a merged lead out of the one that it became part of, as long as neither was removed for good. All that came with it goes back as it was; what the other lead has got since stays there, and fields changed since are named in `kept`. It counts as a creation against the plan's limit.",
		Refusals:    []api.Refusal{limitRefusal, conflict("The lead is not merged, or the other one is in the trash or merged itself.", "O lead não está mesclado.")},
	}, func(ctx context.Context, c *api.Call) (Unmerged, error) {
		return s.Unmerge(ctx, c.Actor, c.ID("id"), c.Expected)
	})
}
