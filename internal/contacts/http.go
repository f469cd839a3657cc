package contacts

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

const section = "Contacts and notes"

type answer struct {
	Success bool    `json:"success" doc:"Always true." example:"true"`
	Contact Contact `json:"contact" doc:"The contact."`
}

// Routes declares the operations on the contacts of leads.
func (s *Service) Routes(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/leads/{id}/contacts", Scope: authz.LeadsRead, ID: "listLeadContacts", Tag: section, Summary: "List the contacts of a lead",
		Description: "The people behind the lead, the primary one first.",
	}, func(ctx context.Context, c *api.Call) (api.List[Contact], error) {
		contacts, err := s.List(ctx, c.Actor, c.ID("id"))
		return api.ListOf(contacts), err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/leads/{id}/contacts", Scope: authz.LeadsWrite, ID: "addLeadContact", Tag: section, Summary: "Add a contact to a lead", Created: true,
		Description: "Adds a person to the lead. It does not move the lead's `updated_at`.",
		BodyExample: map[string]any{"name": "Márcia Prado", "role": "Diretora financeira", "phone": "+551133445566", "is_primary": true},
	}, func(ctx context.Context, c *api.Call, form *input.Form[Fields]) (answer, error) {
		contact, err := s.Add(ctx, c.Actor, c.ID("id"), form)
		return answer{true, contact}, err
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/leads/{id}/contacts/{contact_id}", Scope: authz.LeadsRead, ID: "getLeadContact", Tag: section, Summary: "Fetch a contact of a lead",
		Description: "Gives one person behind the lead.",
	}, func(ctx context.Context, c *api.Call) (answer, error) {
		contact, err := s.Get(ctx, c.Actor, c.ID("id"), c.ID("contact_id"))
		return answer{true, contact}, err
	})
	change := func(ctx context.Context, c *api.Call, form *input.Form[Changes]) (answer, error) {
		contact, err := s.Change(ctx, c.Actor, c.ID("id"), c.ID("contact_id"), form)
		return answer{true, contact}, err
	}
	api.HandleUpdate(r, api.Route{
		Path: "/leads/{id}/contacts/{contact_id}", Scope: authz.LeadsWrite, Tag: section, ID: "updateLeadContact", Summary: "Update a contact of a lead",
		Description: "Changes only what is sent; null clears. PUT and PATCH mean the same.", BodyExample: map[string]any{"role": "Sócia"},
	}, change)
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/leads/{id}/contacts/{contact_id}", Scope: authz.LeadsWrite, ID: "removeLeadContact", Tag: section, Summary: "Remove a contact from a lead",
		Description: "Takes the person from the lead.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.Remove(ctx, c.Actor, c.ID("id"), c.ID("contact_id"))
	})
}
