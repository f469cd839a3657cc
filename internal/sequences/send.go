package sequences

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/messaging"
)

// send sends the message or the template of a step.
//
// The message is recorded, under a reference that names the enrolment and the
// step, in a transaction that demands that the claim still holds; so each step
// sends one message at most, whatever process dies when: whoever runs the step
// again learns from the reference what became of it.
func (c *claim) send(ctx context.Context, s *Service, actor authz.Actor) error {
	with := db.WithCompanion(ctx, func(tx *db.Tx) error {
		_, err := c.hold(tx, actor)
		return err
	})
	settings := &c.step.Settings
	var receipt messaging.Receipt
	var err error
	if c.step.Type == Template {
		receipt, err = s.Messaging.SendTemplate(with, actor, c.template(&settings.TemplateSettings, c.reference()))
	} else {
		receipt, err = s.Messaging.Send(with, actor, c.message())
		if messaging.ReasonOf(err) == messaging.SkipWindowClosed && settings.FallbackTemplate != nil {
			reference := c.reference()
			if receipt.ProviderMsgID != "" { // the provider took it first; it is not to be replaced
				reference = c.lateReference()
			}
			receipt, err = s.Messaging.SendTemplate(with, actor, c.template(settings.FallbackTemplate, reference))
			return c.settle(ctx, s, actor, receipt, err, becauseFallback)
		}
	}
	return c.settle(ctx, s, actor, receipt, err, "")
}

// referenceForm is how a message names the enrolment and the step that it is for.
// No enrolment comes to a step twice: branches lead onward.
const referenceForm = "sequence:%d:%d"

func (c *claim) reference() string { return fmt.Sprintf(referenceForm, c.e.id, c.step.Position) }

// lateReference is that of the template which goes out after a message that the
// provider had accepted and then refused.
func (c *claim) lateReference() string { return c.reference() + ":fallback" }

// becauseFallback is noted of a step whose fallback template went out.
const becauseFallback = "fallback_template"

func (c *claim) message() messaging.SendRequest {
	settings := &c.step.Settings
	r := messaging.SendRequest{
		LeadID: c.facts.lead.ID, InstanceID: settings.InstanceID, Kind: messaging.KindText, SentBy: messaging.BySequence, EnrolmentStepRef: c.reference(),
		Body: cut(c.facts.fill(settings.Body, settings.Fallbacks), maxBody),
	}
	if settings.Type == imageMessage {
		r.Kind, r.Body, r.MediaURL = messaging.KindImage, "", settings.MediaURL
		r.Caption = cut(c.facts.fill(settings.Caption, settings.Fallbacks), maxCaption)
	}
	return r
}

// The lengths that messages are cut to (whatsapp-providers.md, "Meta Cloud API").
const (
	maxBody    = 4096
	maxCaption = 1024
)

func (c *claim) template(t *TemplateSettings, reference string) messaging.TemplateRequest {
	return messaging.TemplateRequest{
		LeadID: c.facts.lead.ID, TemplateID: t.TemplateID, Variables: c.facts.fillAll(t.Variables, c.step.Settings.Fallbacks), HeaderMediaURL: t.HeaderMediaURL,
		SentBy: messaging.BySequence, EnrolmentStepRef: reference,
	}
}

// settle writes down what became of a message, by the rules of companion-api.md
// section 7: what certainly did not go out is tried again, what nobody knows of is
// not, what cannot be sent in a closed window is skipped. note is said of one that
// went out.
func (c *claim) settle(ctx context.Context, s *Service, actor authz.Actor, receipt messaging.Receipt, err error, note string) error {
	r := result{outcome: Done, reason: note}
	if receipt.MessageID != 0 {
		r.messageID = &receipt.MessageID
	}
	if err == nil {
		return c.sent(ctx, s, actor, r)
	}
	skip := messaging.ReasonOf(err)
	refusal, refused := errors.AsType[*faults.Error](err)
	r.reason = whyNot(err)
	switch {
	case skip == messaging.SkipWindowClosed:
		return c.finish(ctx, s, actor, result{outcome: Skipped, reason: string(skip), messageID: r.messageID})
	case skip == messaging.SkipOptedOut:
		return c.leave(ctx, s, actor, ExitedOptOut)
	case skip == messaging.SkipNoInstance, refused && refusal.Problems.Has("instance_id"):
		return c.again(ctx, s, actor, result{outcome: Broken, reason: r.reason}, 0)
	case refused && refusal.Kind == faults.NotFound:
		return c.leave(ctx, s, actor, ExitedDeleted)
	}
	problem, called := errors.AsType[*messaging.SendError](err)
	if !called {
		return err
	}
	switch {
	case problem.Outcome == messaging.Unknown:
		r.outcome = Unsure
		return c.sent(ctx, s, actor, r)
	case passes(err):
		r.outcome = Broken
		return c.again(ctx, s, actor, r, problem.RetryAfter)
	default:
		r.outcome = Broken
		return c.failWith(ctx, s, actor, r)
	}
}

// sent goes on behind a message that went out, or may have.
func (c *claim) sent(ctx context.Context, s *Service, actor authz.Actor, r result) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		return s.withFate(tx, actor, r, func() error {
			e, err := c.locked(tx, actor)
			if err != nil {
				return err
			}
			return c.done(tx, s, actor, e, r)
		})
	})
}

// whyNot says why a message did not go out, in the words of the provider where it had any.
func whyNot(err error) (reason string) {
	if refusal, ok := errors.AsType[*faults.Error](err); ok {
		reason = refusal.Message
	}
	problem, called := errors.AsType[*messaging.SendError](err)
	if called && problem.Message != "" {
		reason = problem.Message
	}
	if called && problem.Code != "" {
		reason = problem.Code + ": " + reason
	}
	return reason
}

// passes tells of a refusal that is tried again: no number is connected, which is no
// connection, the provider says so, or somebody has to see to the number.
func passes(err error) bool {
	if refusal, ok := errors.AsType[*faults.Error](err); ok && (refusal.Problems.Has("instance_id") || messaging.ReasonOf(err) == messaging.SkipNoInstance) {
		return true
	}
	problem, ok := errors.AsType[*messaging.SendError](err)
	return ok && slices.Contains([]messaging.Outcome{messaging.NotSent, messaging.RetryLater, messaging.NumberInTrouble}, problem.Outcome)
}

// leave ends the enrolment without its step having run.
func (c *claim) leave(ctx context.Context, s *Service, actor authz.Actor, status Status) error {
	return c.record(ctx, s, actor, func(tx *db.Tx, e *enrollment) error {
		e.running = false
		if !e.status.live() {
			return store(tx, actor, e, nil)
		}
		return s.end(tx, actor, c.p, e, status, "")
	})
}
