package messaging

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
)

const section = "WhatsApp"

// Routes declares the operations of companion-api.md section 8, and sending to a lead
// (leads-api.txt).
func (s *Service) Routes(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/whatsapp/instances", Scope: authz.WhatsAppRead, ID: "listWhatsAppInstances", Tag: section, Summary: "List numbers",
		Description: "All WhatsApp numbers of the account, by id.",
	}, func(ctx context.Context, c *api.Call) (api.List[Instance], error) {
		instances, err := s.Instances(ctx, c.Actor)
		return api.ListOf(instances), err
	})
	api.HandleQuery(r, api.Route{
		Method: http.MethodGet, Path: "/whatsapp/templates", Scope: authz.WhatsAppRead, ID: "listWhatsAppTemplates", Tag: section, Summary: "List templates",
		Description: "The message templates of the account, by id.",
	}, func(ctx context.Context, c *api.Call, f TemplateFilter) (api.List[Template], error) {
		templates, err := s.Templates(ctx, c.Actor, f)
		return api.ListOf(templates), err
	})
	s.instanceRoutes(r)
	s.sendRoutes(r)
	s.conversationRoutes(r)
}
