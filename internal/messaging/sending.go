package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// SendRequest is a text or a medium to send: to a lead, or as a reply in a
// conversation, which has a number of its own.
type SendRequest struct {
	LeadID         int64
	ConversationID *int64
	InstanceID     *int64 // nil: the primary number, else the first that is connected
	Kind           Kind   // KindText, KindImage, KindAudio or KindDocument
	Body           string // of a text
	MediaURL       string // of the others; http(s), fetched by the provider
	FileName       string // of a document
	Caption        string
	SentBy         SentBy
	OverrideOptOut bool
	// EnrolmentStepRef names what the message is sent for. At most one message of
	// an account goes out for a reference, however often it is asked for; see
	// [Service.Send].
	EnrolmentStepRef string
}

// TemplateRequest is a template to send.
type TemplateRequest struct {
	LeadID           int64
	ConversationID   *int64
	InstanceID       *int64 // nil: the template's own, which any other is refused for
	TemplateID       int64
	Variables        []string // of its text, in order
	HeaderMediaURL   string
	SentBy           SentBy
	OverrideOptOut   bool
	EnrolmentStepRef string
}

// Receipt tells of a message that the provider has accepted.
type Receipt struct {
	Success        bool   `json:"success" doc:"Always true." example:"true"`
	ConversationID int64  `json:"conversation_id" doc:"Conversation that the message is part of." example:"99"`
	MessageID      int64  `json:"message_id" doc:"Id of the message." example:"456"`
	ProviderMsgID  string `json:"provider_msg_id" doc:"The provider's id of the message." example:"wamid.xyz123"`
	TemplateName   string `json:"template_name,omitempty" doc:"Of a template: its name at the provider." example:"lembrete_proposta"`
}

// sendLimit is how long one call to a provider may take. Providers have shorter
// limits of their own; this one holds what they forget.
const sendLimit = time.Minute

// Send sends a text or a medium, once.
//
// Before anything is recorded it refuses what can be refused: fields
// ([faults.Invalid]), and what [ReasonOf] names. Then the message is recorded and
// the provider called. When that fails, the error is of kind [faults.Upstream] and
// holds the [*SendError]; the message stands as failed or unknown, and Receipt
// names it.
//
// Asked again with an EnrolmentStepRef it has had, it sends only if the message
// has failed without having gone out, and else gives what it gave before: the
// receipt, or the error of one that nobody knows of.
func (s *Service) Send(ctx context.Context, actor authz.Actor, r SendRequest) (Receipt, error) {
	return s.send(ctx, actor, r.order(), problemsOnly)
}

func (r *SendRequest) order() order {
	return order{
		leadID: r.LeadID, conversationID: r.ConversationID, instanceID: r.InstanceID, kind: r.Kind, body: r.Body, mediaURL: r.MediaURL, fileName: r.FileName,
		caption: r.Caption, sentBy: r.SentBy, overrideOptOut: r.OverrideOptOut, ref: r.EnrolmentStepRef,
	}
}

// SendTemplate sends a template, by the rules of [Service.Send].
func (s *Service) SendTemplate(ctx context.Context, actor authz.Actor, r TemplateRequest) (Receipt, error) {
	return s.send(ctx, actor, r.order(), problemsOnly)
}

func (r *TemplateRequest) order() order {
	return order{
		leadID: r.LeadID, conversationID: r.ConversationID, instanceID: r.InstanceID, kind: KindTemplate, templateID: r.TemplateID, variables: r.Variables,
		headerMediaURL: r.HeaderMediaURL, sentBy: r.SentBy, overrideOptOut: r.OverrideOptOut, ref: r.EnrolmentStepRef,
	}
}

// verdict joins a plan's problems with what its caller has found wrong.
type verdict func(problems *faults.Bag) error

func problemsOnly(problems *faults.Bag) error { return problems.Err() }

// send is all of sending: plan, record, call, settle. The provider is called
// between two transactions, never in one.
func (s *Service) send(ctx context.Context, actor authz.Actor, o order, judge verdict) (Receipt, error) {
	if earlier, err := s.earlier(ctx, actor, o); earlier != nil || err != nil {
		return s.repeat(earlier, err)
	}
	var p *plan
	var c Connection
	err := s.db.Read(ctx, func(q db.Querier) (err error) {
		if p, err = s.plan(q, actor, o, s.Clock()); err != nil || p.instance == nil {
			return err
		}
		c, err = s.connection(q, actor, p.instance.ID)
		return err
	})
	if err == nil {
		err = judge(&p.problems)
	}
	if err == nil {
		err = p.refusal()
	}
	if err != nil {
		return Receipt{}, err
	}
	to, err := s.address(ctx, actor, p, c)
	problem, failed := errors.AsType[*SendError](err)
	switch {
	case err != nil && !failed:
		return Receipt{}, err
	case err == nil && to == "":
		return Receipt{}, skipped(SkipNotOnWhatsApp)
	}
	m, err := s.record(ctx, actor, p)
	if err != nil {
		return Receipt{}, err
	}
	var sent Sent
	if problem == nil {
		sent, problem = s.call(ctx, c, p.outgoing(to))
	}
	if m, err = s.settle(ctx, actor, m, p.key, sent, problem); err != nil {
		return receipt(m, p.template), err
	}
	if problem != nil {
		err = failedAtProvider(m, problem)
	}
	return receipt(m, p.template), err
}

func receipt(m *Message, t *Template) Receipt {
	r := Receipt{Success: true, ConversationID: m.ConversationID, MessageID: m.ID, ProviderMsgID: m.ProviderID}
	if t != nil {
		r.TemplateName = t.Name
	}
	return r
}

// call calls the provider. The client may leave meanwhile: the message is sent
// and settled all the same.
func (s *Service) call(ctx context.Context, c Connection, m Outgoing) (Sent, *SendError) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendLimit)
	defer cancel()
	sent, err := s.Providers[c.Provider].Send(ctx, c, m)
	if err != nil {
		return Sent{}, sendError(err)
	}
	return sent, nil
}

// record writes the message down before the provider is called. It makes the plan
// once more, for what was true when the first one was made may have changed.
func (s *Service) record(ctx context.Context, actor authz.Actor, first *plan) (m *Message, err error) {
	o := first.order
	o.pinned = &first.instance.ID
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		p, err := s.plan(tx, actor, o, tx.Now())
		if err == nil {
			err = p.problems.Err()
		}
		if err == nil {
			err = p.refusal()
		}
		if err != nil {
			return err
		}
		conversation, err := openConversation(tx, actor, p.instance.ID, p.key, p.phone)
		if err != nil {
			return err
		}
		if p.lead != nil {
			conversation.LeadID = &p.lead.ID
		}
		conversation.LastMessageAt = later(conversation.LastMessageAt, tx.Now())
		if err := storeConversation(tx, actor, conversation); err != nil {
			return err
		}
		m = p.message(actor, conversation, tx.Now())
		return store(tx, actor, m)
	})
	return m, err
}

// message is the plan's message, about to be sent.
func (p *plan) message(actor authz.Actor, c *Conversation, now time.Time) *Message {
	m := &Message{
		ConversationID: c.ID, InstanceID: c.InstanceID, LeadID: c.LeadID, Direction: Outbound, Kind: p.kind, Body: p.text, Media: Media{URL: p.mediaURL, Name: p.fileName},
		Status: StatusSending, SentBy: p.sentBy, UserID: actor.PerformedBy(), ClientRef: p.ref, Attempts: 1, At: now,
	}
	if p.template != nil {
		m.TemplateID, m.Media.URL = &p.template.ID, p.headerMediaURL
	}
	return m
}

// store writes a message that is about to be sent: a new one, or one that has
// failed before, which begins anew.
func store(tx *db.Tx, actor authz.Actor, m *Message) error {
	if m.ClientRef == "" {
		return insertMessage(tx, actor, m)
	}
	old, err := lockByClientRef(tx, actor, m.ClientRef)
	switch {
	case faults.Is(err, faults.NotFound):
		return insertMessage(tx, actor, m)
	case err != nil:
		return err
	case !old.mayGoAgain():
		return faults.New(faults.Conflict, "Esta mensagem já está sendo enviada.")
	}
	m.ID, m.Attempts, m.CreatedAt = old.ID, old.Attempts+1, old.CreatedAt
	return restartMessage(tx, actor, m)
}

// fate is what a failure that came after the provider had accepted the message means:
// that nothing is sent again by itself, but a template may go out in its place.
func (m *Message) fate() Outcome {
	if m.ErrorOutcome == WindowClosed {
		return WindowClosed
	}
	return Permanent
}

// mayGoAgain tells whether the message has failed and certainly not gone out.
func (m *Message) mayGoAgain() bool { return m.Status == StatusFailed && m.ProviderID == "" }

// earlier finds the message that was sent for the order's reference before, unless
// it may go out again.
func (s *Service) earlier(ctx context.Context, actor authz.Actor, o order) (m *Message, err error) {
	if o.ref == "" {
		return nil, nil //nolint:nilnil // the ordinary case, which the caller tests for
	}
	err = s.db.Read(ctx, func(q db.Querier) error {
		m, err = messageFor(q, actor, o.ref)
		return err
	})
	if faults.Is(err, faults.NotFound) || (err == nil && m.mayGoAgain()) {
		return nil, nil //nolint:nilnil // as above
	}
	return m, err
}

// repeat gives again what sending a message gave. One that is under way counts as
// unknown, which it becomes unless its sender settles it.
func (s *Service) repeat(m *Message, err error) (Receipt, error) {
	if err != nil {
		return Receipt{}, fmt.Errorf("looking for a message that was sent before: %w", err)
	}
	if m.Status == StatusSending || m.Status == StatusUnknown || m.Status == StatusFailed {
		outcome := Unknown
		if m.Status == StatusFailed {
			outcome = m.fate()
		}
		return receipt(m, nil), failedAtProvider(m, &SendError{Outcome: outcome, Code: m.ErrorCode, Message: m.ErrorMessage})
	}
	return receipt(m, nil), nil
}
