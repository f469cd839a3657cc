package messaging

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// SendFields is the body of POST /leads/{id}/send-whatsapp.
type SendFields struct {
	Type           input.Field[string] `json:"type" required:"true" enum:"text,image" doc:"What is sent." example:"text"`
	Body           input.Field[string] `json:"body" maxLength:"4096" doc:"Text of the message; required when type is text. With an image it is the caption, unless there is one." example:"Olá! Tudo bem?"`
	MediaURL       input.Field[string] `json:"media_url" format:"uri" maxLength:"2048" doc:"Address of the image, http or https, fetched by WhatsApp; required when type is image." example:"https://exemplo.com.br/foto.jpg"`
	Caption        input.Field[string] `json:"caption" maxLength:"1024" doc:"Caption of the image." example:"Nossa vitrine"`
	InstanceID     input.Field[int64]  `json:"instance_id" doc:"Number to send by, which must be connected; when left out, the primary one, else the first that is connected." example:"1"`
	OverrideOptOut input.Field[bool]   `json:"override_opt_out" doc:"Sends to a lead that has opted out all the same." example:"false"`
}

// TemplateFields is the body of POST /leads/{id}/send-whatsapp-template.
type TemplateFields struct {
	TemplateID     input.Field[int64]    `json:"template_id" required:"true" doc:"Id of an APPROVED template." example:"1"`
	Variables      input.Field[[]string] `json:"variables" doc:"Values of the text's variables, in order: as many as it has, none of them empty." example:"[\"João\",\"Proposta\",\"30/07\"]"`
	HeaderMediaURL input.Field[string]   `json:"header_media_url" format:"uri" maxLength:"2048" doc:"Address of the header's image, video or document; required when the template has one." example:"https://exemplo.com.br/foto.jpg"`
	InstanceID     input.Field[int64]    `json:"instance_id" doc:"Number to send by, which must own the template; its own when left out." example:"2"`
	OverrideOptOut input.Field[bool]     `json:"override_opt_out" doc:"Sends to a lead that has opted out all the same." example:"false"`
}

// SendQuery is the query of both.
type SendQuery struct {
	DryRun input.Field[bool] `query:"dry_run" doc:"Answers what would happen, and sends nothing." example:"true"`
}

// SendAnswer is the receipt of a message or, of a dry run, what would happen.
type SendAnswer struct {
	receipt *Receipt
	preview *Preview
}

// AppendJSON writes the one that there is.
func (a SendAnswer) AppendJSON(dst []byte) []byte {
	var v any = a.receipt
	if a.preview != nil {
		v = a.preview
	}
	b := bytes.NewBuffer(dst)
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // plain values, which always have a JSON
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Schema describes the answer for the OpenAPI document.
func (SendAnswer) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{r.Schema(reflect.TypeFor[Receipt](), true, ""), r.Schema(reflect.TypeFor[Preview](), true, "")}}
}

const dryRunNote = "\n\nWith `dry_run=true` nothing is sent: the answer says by which number the message would go, whether the 24 h window is open and when it closes, the text as the customer would see it, " +
	"and everything that is in the way. `dry_run` answers 200 where sending would answer 422."

func (s *Service) sendRoutes(r *api.Router) {
	api.HandleQueryBody(r, api.Route{
		Method: http.MethodPost, Path: "/leads/{id}/send-whatsapp", Scope: authz.WhatsAppWrite, ID: "sendWhatsApp", Tag: section, Summary: "Send a text or an image to a lead",
		Description: "Sends to the lead's phone and answers once the provider has accepted the message. On numbers of the Official API it goes out only within 24 hours of the customer's newest message to that number." + dryRunNote,
		Refusals:    append(skipRefusals(SkipNoPhone, SkipOptedOut, SkipNoInstance, SkipWindowClosed, SkipNotOnWhatsApp), providerRefusals()...),
		BodyExample: map[string]any{"type": "text", "body": "Olá! Tudo bem?", "instance_id": 1},
		Example:     Receipt{Success: true, ConversationID: 99, MessageID: 456, ProviderMsgID: "wamid.xyz123"},
	}, func(ctx context.Context, c *api.Call, query SendQuery, form *input.Form[SendFields]) (SendAnswer, error) {
		f := &form.Fields
		request := SendRequest{
			LeadID: c.ID("id"), InstanceID: f.InstanceID.Ptr(), Kind: Kind(f.Type.Value), Body: f.Body.Value, MediaURL: f.MediaURL.Value, Caption: f.Caption.Value,
			SentBy: ByAPI, OverrideOptOut: f.OverrideOptOut.Value,
		}
		if request.Kind == KindImage && request.Caption == "" {
			request.Caption = request.Body
		}
		return answerSend(ctx, s, c.Actor, request.order(), query, form)
	})
	api.HandleQueryBody(r, api.Route{
		Method: http.MethodPost, Path: "/leads/{id}/send-whatsapp-template", Scope: authz.WhatsAppWrite, ID: "sendWhatsAppTemplate", Tag: section, Summary: "Send a template to a lead",
		Description: "Sends an approved template to the lead's phone, at any time, and answers once the provider has accepted it." + dryRunNote,
		Refusals:    append(skipRefusals(SkipNoPhone, SkipOptedOut, SkipNoInstance), providerRefusals()...),
		BodyExample: map[string]any{"template_id": 1, "variables": []string{"João", "Proposta", "30/07"}, "instance_id": 2},
		Example:     Receipt{Success: true, ConversationID: 99, MessageID: 457, ProviderMsgID: "wamid.xyz456", TemplateName: "lembrete_proposta"},
	}, func(ctx context.Context, c *api.Call, query SendQuery, form *input.Form[TemplateFields]) (SendAnswer, error) {
		f := &form.Fields
		request := TemplateRequest{
			LeadID: c.ID("id"), InstanceID: f.InstanceID.Ptr(), TemplateID: f.TemplateID.Value, Variables: f.Variables.Value, HeaderMediaURL: f.HeaderMediaURL.Value,
			SentBy: ByAPI, OverrideOptOut: f.OverrideOptOut.Value,
		}
		return answerSend(ctx, s, c.Actor, request.order(), query, form)
	})
}

// answerSend sends or previews an order, whose problems are joined with the form's.
func answerSend[F any](ctx context.Context, s *Service, actor authz.Actor, o order, query SendQuery, form *input.Form[F]) (SendAnswer, error) {
	judge := joined(form)
	if !query.DryRun.Value {
		r, err := s.send(ctx, actor, o, judge)
		return SendAnswer{receipt: &r}, err
	}
	v, err := s.preview(ctx, actor, o, func(problems *faults.Bag) ([]faults.Problem, error) {
		_ = judge(problems) // they are not refused with, but shown
		return form.Problems.Problems(), form.Malformed()
	})
	return SendAnswer{preview: v}, err
}

var skipWhen = map[SkipReason]string{ //nolint:gosec // sentences, no credentials
	SkipNoPhone:       "The lead has no phone.",
	SkipOptedOut:      "The lead has opted out, and `override_opt_out` is not sent.",
	SkipNoInstance:    "No number is connected.",
	SkipWindowClosed:  "The 24 h window is closed on a number of the Official API: a template can be sent.",
	SkipNotOnWhatsApp: "The provider says that the phone is not on WhatsApp; nothing was sent.",
}

func skipRefusals(reasons ...SkipReason) []api.Refusal {
	refusals := make([]api.Refusal, len(reasons))
	for i, reason := range reasons {
		refusals[i] = api.Refusal{Status: http.StatusUnprocessableEntity, When: skipWhen[reason], Example: map[string]any{
			"success": false, "message": skipMessages[reason], "skip_reason": string(reason),
		}}
	}
	return refusals
}

func providerRefusals() []api.Refusal {
	failure := func(delivery Status, code, message string) map[string]any {
		return map[string]any{
			"success": false, "message": providerFailed, "provider_error": ProviderError{code, message}, "message_id": 456, "delivery": string(delivery),
		}
	}
	return []api.Refusal{
		{Status: http.StatusBadGateway, When: "The provider refused the message, or could not be reached: it did not go out.", Example: failure(StatusFailed, "131026", "Message undeliverable")},
		{Status: http.StatusBadGateway, When: "The request went out and no answer came: nobody knows, and it is not sent again by itself.", Example: failure(StatusUnknown, "unknown", "O provedor não respondeu.")},
	}
}
