package messaging

import (
	"context"
	"errors"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// Preview is what would happen if a message were sent now.
type Preview struct {
	Success        bool             `json:"success" doc:"Always true: the question was answered." example:"true"`
	DryRun         bool             `json:"dry_run" doc:"Always true." example:"true"`
	WouldSend      bool             `json:"would_send" doc:"Whether the message would be handed to the provider now." example:"true"`
	Instance       *PreviewInstance `json:"instance" doc:"The number it would go out by; null when there is none."`
	Phone          *string          `json:"phone" doc:"Phone it would go to; null when there is none." example:"+5511999887766"`
	ChatID         *string          `json:"chat_id" doc:"Where the provider takes it, with or without the ninth digit; null as long as it has not said so." example:"551199887766@c.us"`
	ConversationID *int64           `json:"conversation_id" doc:"Conversation it would be part of; null when it would begin one." example:"99"`
	Window         PreviewWindow    `json:"window" doc:"The 24 hours after the customer's newest message."`
	Message        PreviewMessage   `json:"message" doc:"The message as the customer would see it."`
	Problems       []PreviewProblem `json:"problems" doc:"What is in its way, the reason of a refusal first; [] when nothing is."`
}

// PreviewInstance is the number of a preview.
type PreviewInstance struct {
	ID          int64   `json:"id" doc:"Instance id." example:"1"`
	Provider    string  `json:"provider" enum:"waha,cloud_api" doc:"What connects the number." example:"waha"`
	DisplayName string  `json:"display_name" doc:"Its name in the account." example:"Número principal"`
	PhoneNumber *string `json:"phone_number" doc:"The number; null until it is known." example:"+5511999887700"`
}

// PreviewWindow is the state of a conversation's window.
type PreviewWindow struct {
	Restricted bool              `json:"restricted" doc:"Whether the number has such a window." example:"true"`
	Open       bool              `json:"open" doc:"Whether anything but a template can be sent now." example:"true"`
	ClosesAt   *calendar.Instant `json:"closes_at" doc:"When it closes, or has closed; null without a window, or when the customer has never written."`
}

// PreviewMessage is the content of a preview.
type PreviewMessage struct {
	Type         Kind    `json:"type" enum:"text,image,template" doc:"What it is made of." example:"template"`
	Text         *string `json:"text" doc:"Its text or caption, a template's with the variables filled in; null for none." example:"Olá João, sua Proposta vence em 30/07."`
	MediaURL     *string `json:"media_url" doc:"Its medium; null for none." example:"https://exemplo.com.br/foto.jpg"`
	TemplateName *string `json:"template_name" doc:"Of a template: its name at the provider." example:"lembrete_proposta"`
}

// PreviewProblem is one thing that is in the way.
type PreviewProblem struct {
	Field         *string        `json:"field" doc:"The field that is wrong; null when none is." example:"variables"`
	SkipReason    *SkipReason    `json:"skip_reason" enum:"no_phone,opted_out,no_instance,window_closed,not_on_whatsapp" doc:"The reason, as a refusal gives it; null when a field or the provider is the matter." example:"window_closed"`
	Message       string         `json:"message" doc:"The problem in words." example:"Janela de 24h fechada — use um template."`
	ProviderError *ProviderError `json:"provider_error" doc:"What the provider said when it was asked for the phone; null when it was not, or knew."`
}

// preview finds out what sending would do. It asks the provider for the phone, as
// sending would, and sends nothing. judge gives all that is wrong with the fields;
// a request that cannot be read at all is refused.
func (s *Service) preview(ctx context.Context, actor authz.Actor, o order, judge func(*faults.Bag) ([]faults.Problem, error)) (*Preview, error) {
	var p *plan
	var c Connection
	now := s.Clock()
	err := s.db.Read(ctx, func(q db.Querier) (err error) {
		if p, err = s.plan(q, actor, o, now); err != nil || p.instance == nil {
			return err
		}
		c, err = s.connection(q, actor, p.instance.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	wrong, err := judge(&p.problems)
	if err != nil {
		return nil, err
	}
	v := p.preview()
	for _, problem := range wrong {
		v.Problems = append(v.Problems, PreviewProblem{Field: &problem.Field, Message: problem.Message})
	}
	if p.instance != nil && p.key != "" && len(p.skips) == 0 {
		if err := s.previewAddress(ctx, actor, p, c, v); err != nil {
			return nil, err
		}
	}
	for _, reason := range p.skips {
		v.Problems = append(v.Problems, PreviewProblem{SkipReason: &reason, Message: skipMessages[reason]})
	}
	if p.instance != nil {
		v.Window = p.window(now)
	}
	v.WouldSend = len(v.Problems) == 0
	return v, nil
}

// previewAddress asks where the message would go.
func (s *Service) previewAddress(ctx context.Context, actor authz.Actor, p *plan, c Connection, v *Preview) error {
	to, err := s.address(ctx, actor, p, c)
	problem, failed := errors.AsType[*SendError](err)
	switch {
	case failed:
		shown := providerError(problem)
		v.Problems = append(v.Problems, PreviewProblem{Message: providerFailed, ProviderError: &shown})
	case err != nil:
		return err
	case to == "":
		p.skips = append(p.skips, SkipNotOnWhatsApp)
	case to != p.phone:
		v.ChatID = &to
	}
	return nil
}

// preview is what the plan shows of itself.
func (p *plan) preview() *Preview {
	v := &Preview{
		Success: true, DryRun: true, Phone: textOrNil(p.phone), ChatID: textOrNil(p.chatID()), Problems: []PreviewProblem{},
		Message: PreviewMessage{Type: p.kind, Text: textOrNil(p.text), MediaURL: textOrNil(p.mediaURL)},
	}
	if i := p.instance; i != nil {
		v.Instance = &PreviewInstance{i.ID, i.Provider, i.DisplayName, i.PhoneNumber}
	}
	if p.conversation != nil {
		v.ConversationID = &p.conversation.ID
	}
	if p.template != nil {
		v.Message.TemplateName, v.Message.MediaURL = &p.template.Name, textOrNil(p.headerMediaURL)
	}
	return v
}

// window is the state of the window of the plan's number.
func (p *plan) window(now time.Time) PreviewWindow {
	if !p.instance.HasWindowRestriction {
		return PreviewWindow{Open: true}
	}
	w := PreviewWindow{Restricted: true}
	if p.conversation != nil {
		w.Open, w.ClosesAt = p.conversation.windowOpen(now), calendar.InstantOf(p.conversation.windowCloses())
	}
	return w
}
