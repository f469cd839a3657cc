package setup

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/input"
)

type fieldAnswer struct {
	Success     bool                     `json:"success" doc:"Always true." example:"true"`
	CustomField customfields.CustomField `json:"custom_field" doc:"The field."`
}

func shownField(f customfields.Field) fieldAnswer {
	return fieldAnswer{true, customfields.CustomField(f)}
}

func (e *Editor) fieldRoutes(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/custom-fields", Scope: authz.CustomFieldsWrite, ID: "createCustomField", Tag: fieldSection, Summary: "Create a custom field", Created: true,
		Description: "Adds a field behind the others.",
		BodyExample: map[string]any{"name": "porte", "label": "Porte", "field_type": "select", "options": []string{"1-10", "11-50"}, "show_on_card": true},
	}, func(ctx context.Context, c *api.Call, form *input.Form[FieldFields]) (fieldAnswer, error) {
		f, err := e.CreateField(ctx, c.Actor, form)
		return shownField(f), err
	})
	order(r, api.Route{
		Path: "/custom-fields/order", Scope: authz.CustomFieldsWrite, ID: "orderCustomFields", Tag: fieldSection, Summary: "Order the custom fields",
		Description: "Puts all fields, those not in use included, into the order of the ids sent.",
	}, func(ctx context.Context, actor authz.Actor, _ *api.Call, form *input.Form[OrderFields]) error {
		return e.OrderCustomFields(ctx, actor, form)
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/custom-fields/{id}", Scope: authz.CustomFieldsRead, ID: "getCustomField", Tag: fieldSection, Summary: "Get a custom field",
		Description: "The field, in use or not.",
	}, func(ctx context.Context, c *api.Call) (fieldAnswer, error) {
		f, err := e.Field(ctx, c.Actor, c.ID("id"))
		return shownField(f), err
	})
	api.HandleUpdate(r, api.Route{
		Path: "/custom-fields/{id}", Scope: authz.CustomFieldsWrite, ID: "updateCustomField", Tag: fieldSection, Summary: "Update a custom field",
		Description: "Changes only what is sent. Another type, or other options, must suit the values that leads have (of at most 20,000 leads): they are converted with it. A new name leaves the values where they are.",
		BodyExample: map[string]any{"label": "Porte da empresa", "is_active": false},
	}, func(ctx context.Context, c *api.Call, form *input.Form[FieldChanges]) (fieldAnswer, error) {
		f, err := e.UpdateField(ctx, c.Actor, c.ID("id"), form)
		return shownField(f), err
	})
	api.HandleQuery(r, api.Route{
		Method: http.MethodDelete, Path: "/custom-fields/{id}", Scope: authz.CustomFieldsWrite, ID: "deleteCustomField", Tag: fieldSection, Summary: "Delete a custom field",
		Description: "Removes a field. While leads have values in it, `discard_values` must say that these may be lost; to set `is_active` to false loses nothing.",
		Refusals: []api.Refusal{{Status: http.StatusUnprocessableEntity, When: "Leads have values in it.", Example: map[string]any{
			"success": false, "message": "O campo tem valores em leads: desative-o, ou confirme com discard_values=true que podem ser perdidos.", "leads": 12}}},
	}, func(ctx context.Context, c *api.Call, query DeleteFieldQuery) (api.Done, error) {
		return api.Done{Success: true}, e.DeleteField(ctx, c.Actor, c.ID("id"), query)
	})
}
