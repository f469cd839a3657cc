package messaging

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

// InstanceAnswer is the answer that shows one number.
type InstanceAnswer struct {
	Success  bool            `json:"success" doc:"Always true." example:"true"`
	Instance ManagedInstance `json:"instance" doc:"The number."`
}

func shownInstance(v ManagedInstance, err error) (InstanceAnswer, error) {
	return InstanceAnswer{true, v}, err
}

// PairingAnswer is the answer that shows a QR code.
type PairingAnswer struct {
	Success bool    `json:"success" doc:"Always true." example:"true"`
	QR      Pairing `json:"qr" doc:"The code to scan."`
}

// TemplateAnswer is the answer that shows one template.
type TemplateAnswer struct {
	Success  bool     `json:"success" doc:"Always true." example:"true"`
	Template Template `json:"template" doc:"The template."`
}

var (
	providerUnable = api.Refusal{Status: http.StatusUnprocessableEntity, When: "The number's provider has no such thing.", Example: map[string]any{"success": false, "message": "Este número não tem sessão para iniciar."}}
	providerDown   = api.Refusal{Status: http.StatusBadGateway, When: "The provider refused, or could not be reached.", Example: map[string]any{
		"success": false, "message": providerFailed, "provider_error": ProviderError{"190", "Error validating access token"},
	}}
)

func (s *Service) instanceRoutes(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/whatsapp/instances", Scope: authz.SettingsWrite, ID: "createWhatsAppInstance", Tag: section, Summary: "Connect a number", Created: true,
		Description: "Adds a number of WAHA (`base_url`, `session`, `token`) or of the Official API (`phone_number_id`, `token`, `business_id` for templates). The account's first one is its primary. " +
			"It is `disconnected` until a check, or the provider, says otherwise. Let the provider send its webhooks to `hook_path`.",
		BodyExample: map[string]any{"provider": "waha", "display_name": "Número principal", "base_url": "https://waha.exemplo.com.br", "session": "default", "token": "chave", "hook_secret": "segredo"},
	}, func(ctx context.Context, c *api.Call, form *input.Form[CreateInstanceFields]) (InstanceAnswer, error) {
		return shownInstance(s.CreateInstance(ctx, c.Actor, form))
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/whatsapp/instances/{id}", Scope: authz.WhatsAppRead, ID: "getWhatsAppInstance", Tag: section, Summary: "Fetch a number",
		Description: "Gives one number with its connection, without its credentials.",
	}, func(ctx context.Context, c *api.Call) (InstanceAnswer, error) {
		return shownInstance(s.Managed(ctx, c.Actor, c.ID("id")))
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPut, Path: "/whatsapp/instances/{id}", Scope: authz.SettingsWrite, ID: "updateWhatsAppInstance", Tag: section, Summary: "Change a number",
		Description: "Changes what is sent, null clears. The provider stays. After a change of credentials, let the connection be checked.",
		BodyExample: map[string]any{"token": "nova-chave"},
	}, func(ctx context.Context, c *api.Call, form *input.Form[UpdateInstanceFields]) (InstanceAnswer, error) {
		return shownInstance(s.UpdateInstance(ctx, c.Actor, c.ID("id"), form))
	})
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/whatsapp/instances/{id}", Scope: authz.SettingsWrite, ID: "deleteWhatsAppInstance", Tag: section, Summary: "Disconnect a number",
		Description: "Forgets the number's credentials and its templates. Its conversations and messages stay, and nothing can be sent in them. If it was the primary one, the first that is connected becomes it, or else the first. " +
			"The session at the provider goes on.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.DeleteInstance(ctx, c.Actor, c.ID("id"))
	})
	api.Handle(r, api.Route{
		Method: http.MethodPut, Path: "/whatsapp/instances/{id}/primary", Scope: authz.SettingsWrite, ID: "makeWhatsAppInstancePrimary", Tag: section, Summary: "Make a number the primary one",
		Description: "The number is used when none is named; the one that was primary no longer is.",
	}, func(ctx context.Context, c *api.Call) (InstanceAnswer, error) {
		return shownInstance(s.MakePrimary(ctx, c.Actor, c.ID("id")))
	})
	s.sessionRoutes(r)
}

func (s *Service) sessionRoutes(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodPost, Path: "/whatsapp/instances/{id}/check", Scope: authz.SettingsWrite, ID: "checkWhatsAppInstance", Tag: section, Summary: "Check a number's connection",
		Description: "Asks the provider for the number and answers it with its present `status`. That the provider cannot be reached, or refuses, is a status too, with its words in `status_reason`.",
	}, func(ctx context.Context, c *api.Call) (InstanceAnswer, error) {
		return shownInstance(s.CheckInstance(ctx, c.Actor, c.ID("id")))
	})
	api.Handle(r, api.Route{
		Method: http.MethodPost, Path: "/whatsapp/instances/{id}/start", Scope: authz.SettingsWrite, ID: "startWhatsAppInstance", Tag: section, Summary: "Start a number's session",
		Description: "WAHA: starts the session, and makes it if there is none. Unless it has been paired before it is `pairing` then, and waits for its QR code to be scanned.",
		Refusals:    []api.Refusal{providerUnable, providerDown},
	}, func(ctx context.Context, c *api.Call) (InstanceAnswer, error) {
		return shownInstance(s.StartInstance(ctx, c.Actor, c.ID("id")))
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/whatsapp/instances/{id}/qr", Scope: authz.SettingsWrite, ID: "getWhatsAppInstanceQR", Tag: section, Summary: "Fetch a number's QR code",
		Description: "WAHA: the code to scan with the telephone (WhatsApp, connected devices), as text and as a PNG. It changes every some seconds: ask again until the number is `connected`.",
		Refusals: []api.Refusal{providerUnable, providerDown,
			{Status: http.StatusConflict, When: "The session does not wait for a code.", Example: map[string]any{"message": "A sessão não está esperando a leitura de um QR code."}}},
	}, func(ctx context.Context, c *api.Call) (PairingAnswer, error) {
		code, err := s.PairingCode(ctx, c.Actor, c.ID("id"))
		return PairingAnswer{true, code}, err
	})
	api.Handle(r, api.Route{
		Method: http.MethodPost, Path: "/whatsapp/instances/{id}/templates/sync", Scope: authz.SettingsWrite, ID: "syncWhatsAppTemplates", Tag: section, Summary: "Synchronise a number's templates",
		Description: "Takes over the templates of the number's business account as Meta has them. One that Meta no longer has becomes DISABLED.",
		Refusals:    []api.Refusal{providerUnable, providerDown},
	}, func(ctx context.Context, c *api.Call) (SyncResult, error) {
		return s.SyncTemplates(ctx, c.Actor, c.ID("id"))
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/whatsapp/templates", Scope: authz.SettingsWrite, ID: "createWhatsAppTemplate", Tag: section, Summary: "Create a template", Created: true,
		Description: "Hands a template in at Meta, which decides about it: it is PENDING until Meta's webhook or a synchronisation says otherwise.",
		Refusals:    []api.Refusal{providerDown},
		BodyExample: map[string]any{"instance_id": 2, "name": "lembrete_proposta", "language": "pt_BR", "category": "UTILITY", "body": "Olá {{1}}, sua {{2}} vence em {{3}}.", "examples": []string{"João", "Proposta", "30/07"}},
	}, func(ctx context.Context, c *api.Call, form *input.Form[NewTemplateFields]) (TemplateAnswer, error) {
		t, err := s.CreateTemplate(ctx, c.Actor, form)
		return TemplateAnswer{true, t}, err
	})
}
