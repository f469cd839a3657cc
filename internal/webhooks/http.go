package webhooks

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/events"
	"syncro/internal/input"
)

const section = "Webhooks"

// listAnswer is the answer of the list of subscriptions.
type listAnswer struct {
	Success         bool           `json:"success" doc:"Always true." example:"true"`
	Data            []Subscription `json:"data" doc:"The webhooks."`
	SupportedEvents []events.Type  `json:"supported_events" doc:"All types of events that a webhook can want."`
}

// createdAnswer is the only answer that holds a secret, but for that of a rotation.
type createdAnswer struct {
	Success bool          `json:"success" doc:"Always true." example:"true"`
	ID      int64         `json:"id" doc:"Webhook id." example:"1"`
	Secret  string        `json:"secret" doc:"Key of the signatures. It is not shown again." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Events  []events.Type `json:"events" doc:"Types of events it wants."`
}

// detailAnswer is the answer that shows one subscription, flat beside success.
type detailAnswer struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
	Detail
}

type rotatedAnswer struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
	Rotation
}

type testAnswer struct {
	Success   bool     `json:"success" doc:"Always true: the test was made." example:"true"`
	Delivered bool     `json:"delivered" doc:"Whether the target accepted it." example:"true"`
	Delivery  Delivery `json:"delivery" doc:"What came of it."`
}

type deliveryAnswer struct {
	Success  bool     `json:"success" doc:"Always true." example:"true"`
	Delivery Delivery `json:"delivery" doc:"The delivery."`
}

// deliveriesQuery is the query of the log.
type deliveriesQuery struct {
	DeliveryFilter
	api.PageQuery
}

// Routes declares the operations of companion-api.md section 9.
func (s *Service) Routes(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/webhooks", Scope: authz.WebhooksRead, ID: "listWebhooks", Tag: section, Summary: "List webhooks",
		Description: "All webhooks of the account, by id, and the events there are.",
	}, func(ctx context.Context, c *api.Call) (listAnswer, error) {
		all, err := s.List(ctx, c.Actor)
		return listAnswer{true, api.ListOf(all).Data, events.Types()}, err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/webhooks", Scope: authz.WebhooksWrite, ID: "createWebhook", Tag: section, Summary: "Create a webhook", Created: true, Secret: true,
		Description: "Has events sent to a target, signed with the secret that this answer alone shows.",
		BodyExample: map[string]any{"target_url": "https://exemplo.com.br/webhooks/syncro", "events": []string{"lead.created", "lead.won"}},
	}, func(ctx context.Context, c *api.Call, form *input.Form[CreateFields]) (createdAnswer, error) {
		made, secret, err := s.Create(ctx, c.Actor, form)
		return createdAnswer{true, made.ID, secret, made.Events}, err
	})
	s.routesOfOne(r)
	s.routesOfDeliveries(r)
}

func (s *Service) routesOfOne(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/webhooks/{id}", Scope: authz.WebhooksRead, ID: "getWebhook", Tag: section, Summary: "Fetch a webhook",
		Description: "Gives one webhook, with the reason of its last failure.",
	}, func(ctx context.Context, c *api.Call) (detailAnswer, error) {
		d, err := s.Get(ctx, c.Actor, c.ID("id"))
		return detailAnswer{true, d}, err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPut, Path: "/webhooks/{id}", Scope: authz.WebhooksWrite, ID: "updateWebhook", Tag: section, Summary: "Update a webhook",
		Description: "Changes only what is sent. Switching it off gives up what is not delivered yet; switching it on starts the count of failures anew.",
		BodyExample: map[string]any{"events": []string{"lead.won"}, "is_active": true},
	}, func(ctx context.Context, c *api.Call, form *input.Form[UpdateFields]) (detailAnswer, error) {
		d, err := s.Update(ctx, c.Actor, c.ID("id"), form)
		return detailAnswer{true, d}, err
	})
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/webhooks/{id}", Scope: authz.WebhooksWrite, ID: "deleteWebhook", Tag: section, Summary: "Delete a webhook",
		Description: "Deletes the webhook with its log of deliveries.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.Delete(ctx, c.Actor, c.ID("id"))
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/webhooks/{id}/rotate-secret", Scope: authz.WebhooksWrite, ID: "rotateWebhookSecret", Tag: section, Summary: "Rotate the secret of a webhook", Secret: true,
		Description: "Gives the webhook a new secret. For 24 hours `webhook-signature` holds a signature by each of both; `X-Syncro-Signature` is by the new one.",
		BodyExample: map[string]any{},
	}, func(ctx context.Context, c *api.Call, form *input.Form[RotateFields]) (rotatedAnswer, error) {
		made, err := s.Rotate(ctx, c.Actor, c.ID("id"), form)
		return rotatedAnswer{true, made}, err
	})
}

func (s *Service) routesOfDeliveries(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodPost, Path: "/webhooks/{id}/test", Scope: authz.WebhooksWrite, ID: "testWebhook", Tag: section, Summary: "Test a webhook",
		Description: "Sends the event `webhook.test` at once and waits for what the target answers. It is not retried and does not count as a failure.",
	}, func(ctx context.Context, c *api.Call) (testAnswer, error) {
		d, err := s.Test(ctx, c.Actor, c.ID("id"))
		return testAnswer{true, d.State == Delivered, d}, err
	})
	api.HandleQuery(r, api.Route{
		Method: http.MethodGet, Path: "/webhooks/{id}/deliveries", Scope: authz.WebhooksRead, ID: "listWebhookDeliveries", Tag: section, Summary: "List deliveries",
		Description: "The log of a webhook's deliveries, newest first. It goes back 30 days.",
	}, func(ctx context.Context, c *api.Call, query deliveriesQuery) (api.PagedList[Delivery], error) {
		page := query.Asked()
		log, total, err := s.Deliveries(ctx, c.Actor, c.ID("id"), query.DeliveryFilter, page.Size, page.Offset())
		return api.PageOf(log, page, total), err
	})
	api.Handle(r, api.Route{
		Method: http.MethodPost, Path: "/webhooks/{id}/deliveries/{delivery_id}/redeliver", Scope: authz.WebhooksWrite, ID: "redeliverWebhook", Tag: section, Summary: "Deliver again",
		Description: "Queues a further delivery of the same event: the same bytes under the same `webhook-id`, whatever came of the first.",
		Refusals:    []api.Refusal{{Status: http.StatusUnprocessableEntity, When: "The webhook is switched off.", Example: map[string]any{"message": inactive}}},
	}, func(ctx context.Context, c *api.Call) (deliveryAnswer, error) {
		d, err := s.Redeliver(ctx, c.Actor, c.ID("id"), c.ID("delivery_id"))
		return deliveryAnswer{true, d}, err
	})
}
