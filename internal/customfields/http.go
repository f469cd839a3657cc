package customfields

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

// Routes declares the custom fields' part of the API (companion-api.md section 4).
func (s *Service) Routes(r *api.Router) {
	api.HandleQuery(r, api.Route{
		Method: http.MethodGet, Path: "/custom-fields", Scope: authz.CustomFieldsRead,
		ID: "listCustomFields", Tag: "Custom fields", Summary: "List custom fields",
		Description: "The fields that the account adds to its leads, in their order.",
	}, s.list)
}

type listQuery struct {
	ActiveOnly input.Field[bool] `query:"active_only" doc:"Whether to leave out the fields that are not in use." example:"true"`
}

// CustomField is a [Field] under the name that the API's document gives it.
type CustomField Field

func (s *Service) list(ctx context.Context, c *api.Call, query listQuery) (api.List[CustomField], error) {
	set, err := s.Set(ctx, c.Actor)
	if err != nil {
		return api.List[CustomField]{}, err
	}
	var items []CustomField
	for _, field := range set.Fields() {
		if field.Active || !query.ActiveOnly.Value {
			items = append(items, CustomField(field))
		}
	}
	return api.ListOf(items), nil
}
