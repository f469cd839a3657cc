package messaging

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/jobs"
	"syncro/internal/timeline"
)

// settle writes down what became of a message that the provider was called for,
// and what the provider said besides.
func (s *Service) settle(ctx context.Context, actor authz.Actor, sending *Message, phoneKey string, sent Sent, problem *SendError) (m *Message, err error) {
	err = s.db.Write(aside(ctx), func(tx *db.Tx) error {
		conversation, locked, err := sending.lockAgain(tx, actor)
		if err != nil {
			return err
		}
		m = locked
		if problem != nil {
			return s.settleFailure(tx, actor, conversation, m, phoneKey, problem)
		}
		told, err := s.adopt(tx, actor, m, sent.ProviderID)
		if err != nil {
			return err
		}
		if sent.WaID != "" && sent.WaID != conversation.ChatID {
			conversation.ChatID = sent.WaID
			if err := storeConversation(tx, actor, conversation); err != nil {
				return err
			}
		}
		return s.progress(tx, actor, conversation, m, told, nil)
	})
	if err != nil {
		return sending, fmt.Errorf("recording what became of message %d: %w", sending.ID, err)
	}
	return m, nil
}

func (s *Service) settleFailure(tx *db.Tx, actor authz.Actor, c *Conversation, m *Message, phoneKey string, problem *SendError) error {
	told := StatusFailed
	var err error
	switch problem.Outcome {
	case Unknown:
		told = StatusUnknown
	case NumberInTrouble:
		err = reportTrouble(tx, actor, m.InstanceID, problem)
	case NotOnWhatsApp:
		err = keepNumberCheck(tx, actor, m.InstanceID, phoneKey, "")
	}
	if err != nil {
		return err
	}
	return s.progress(tx, actor, c, m, told, problem)
}

// adopt gives a message its id at the provider. A webhook may have been faster and
// have brought the message as one from the handset: that row makes way, and what
// it knows stays.
func (s *Service) adopt(tx *db.Tx, actor authz.Actor, m *Message, providerID string) (told Status, err error) {
	told = StatusSent
	echo, err := lockByProviderID(tx, actor, m.InstanceID, providerID)
	switch {
	case faults.Is(err, faults.NotFound):
	case err != nil:
		return "", err
	case echo.ID != m.ID:
		told = Advance(told, echo.Status)
		if _, err := tx.Exec(`DELETE FROM messages WHERE account_id = $1 AND id = $2`, actor.AccountID, echo.ID); err != nil {
			return "", err
		}
	}
	m.ProviderID = providerID
	return told, nil
}

// progress moves a locked message of ours to the state that it is told of, unless
// that lies behind it, and tells those who listen. problem is why it has failed, or
// why nobody knows; nil otherwise.
//
// A message that turns out to have gone out is message.sent, once; every other
// change is message.status_changed.
func (s *Service) progress(tx *db.Tx, actor authz.Actor, c *Conversation, m *Message, told Status, problem *SendError) error {
	was := m.Status
	m.Status = Advance(was, told)
	switch {
	case m.Status == was:
	case problem != nil:
		shown := providerError(problem)
		m.ErrorCode, m.ErrorMessage, m.ErrorOutcome = shown.Code, shown.Message, problem.Outcome
	default:
		m.ErrorCode, m.ErrorMessage, m.ErrorOutcome = "", "", ""
	}
	if err := storeProgress(tx, actor, m); err != nil {
		return fmt.Errorf("recording the state of a message: %w", err)
	}
	if m.Status == was {
		return nil
	}
	if wentOut(m.Status) && !wentOut(was) && was != StatusFailed {
		return s.tell(tx, actor, events.MessageSent, c, m, "")
	}
	return s.tell(tx, actor, events.MessageStatusChanged, c, m, was)
}

// wentOut tells whether a message in this state is known to have left.
func wentOut(s Status) bool {
	return s == StatusSent || s == StatusDelivered || s == StatusRead || s == StatusPlayed
}

// Facts are what reactions to an event of a message decide by.
type Facts struct {
	ConversationID int64
	MessageID      int64
	LeadID         *int64
	Direction      string // "in", "out"
	Type           string // as in [Kind]
	Text           string
	Status         string
	SentBy         string // "" for the customer
	// StepRef is the EnrolmentStepRef that the message was sent for.
	StepRef string
	// Outcome is what the provider's refusal means, "" unless the message has failed.
	Outcome Outcome
	// Lead is the lead as events show it, null for none.
	Lead json.RawMessage
}

// Held gives the facts of a message of ours and keeps it from being changed until
// the transaction ends. It comes before the locks of leads.
func (s *Service) Held(tx *db.Tx, actor authz.Actor, id int64) (Facts, error) {
	m, err := getMessage(tx.Query(`SELECT `+messageColumns+` FROM messages WHERE account_id = $1 AND id = $2 FOR SHARE`, actor.AccountID, id))
	if err != nil {
		return Facts{}, err
	}
	return m.facts(nil), nil
}

func (m *Message) facts(lead json.RawMessage) Facts {
	return Facts{
		ConversationID: m.ConversationID, MessageID: m.ID, LeadID: m.LeadID, Direction: string(m.Direction), Type: string(m.Kind), Text: m.Body,
		Status: string(m.Status), SentBy: string(m.SentBy), StepRef: m.ClientRef, Outcome: m.ErrorOutcome, Lead: lead,
	}
}

// tell records an event of a message, and on the lead's timeline what belongs there.
// was is the state before, "" for a message that is new to those who listen.
func (s *Service) tell(tx *db.Tx, actor authz.Actor, what events.Type, c *Conversation, m *Message, was Status) error {
	lead := json.RawMessage("null")
	if m.LeadID != nil {
		var err error
		if lead, err = s.Leads.Shown(tx, actor, *m.LeadID); err != nil {
			return fmt.Errorf("the lead of a message: %w", err)
		}
	}
	data, err := eventData(lead, c, m, was)
	if err != nil {
		return err
	}
	if m.LeadID != nil {
		var entry []timeline.Event
		switch what {
		case events.MessageSent:
			entry = append(entry, timeline.Event{LeadID: *m.LeadID, Type: timeline.MessageSent, Description: "Mensagem enviada pelo WhatsApp: " + m.excerpt()})
		case events.MessageReceived:
			entry = append(entry, timeline.Event{LeadID: *m.LeadID, Type: timeline.MessageReceived, Description: "Mensagem recebida pelo WhatsApp: " + m.excerpt()})
		}
		if err := timeline.Record(tx, actor, entry...); err != nil {
			return err
		}
	}
	return s.Log.Emit(tx, actor, events.Event{Type: what, LeadID: m.LeadID, Data: data, Facts: m.facts(lead)})
}

// eventData is the message as it is now with its lead and its conversation, and what
// the change replaced.
func eventData(lead json.RawMessage, c *Conversation, m *Message, was Status) (json.RawMessage, error) {
	previous := map[string]any{}
	if was != "" {
		previous["status"] = was
	}
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]any{"lead": lead, "message": m.View(), "conversation": c.brief(), "previous": previous}); err != nil {
		return nil, fmt.Errorf("the event of a message: %w", err)
	}
	return bytes.TrimSpace(data.Bytes()), nil
}

// excerpt is the beginning of what a message says, in one line.
func (m *Message) excerpt() string {
	const most = 80
	text := strings.Join(strings.Fields(m.Body), " ")
	if text == "" {
		return "[" + string(m.Kind) + "]"
	}
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// cancelUnsent reacts to a lead's deletion: what nobody has called the provider
// for is not sent any more (companion-api.md section 2, "Delete").
func cancelUnsent(tx *db.Tx, actor authz.Actor, e events.Event) error {
	if e.Type != events.LeadDeleted || e.LeadID == nil {
		return nil
	}
	return tx.Queue(`UPDATE messages SET status = 'cancelled', updated_at = $3 WHERE account_id = $1 AND lead_id = $2 AND status = 'queued'`,
		actor.AccountID, *e.LeadID, tx.Now())
}

// staleAfter is when a message that is being sent counts as abandoned: its sender
// would have given up long ago.
const staleAfter = 2 * sendLimit

// sweepKind finds messages whose sender has died between recording them and
// recording what became of them. Nobody knows, and they are not sent again.
func (s *Service) sweepKind() jobs.Kind {
	return jobs.Kind{
		Name: "message_sweep", Concurrency: 2, Timeout: time.Minute,
		Work: s.abandon,
		Due: func(ctx context.Context, limit int) (keys []string, err error) {
			err = s.db.Read(ctx, func(q db.Querier) error {
				keys, err = db.Collect(q.Query(`SELECT account_id, id FROM messages WHERE status = 'sending' AND updated_at < $1 ORDER BY updated_at LIMIT $2`,
					s.Clock().Add(-staleAfter), limit), func(r *db.Rows, key *string) {
					var account, id int64
					r.Scan(&account, &id)
					*key = fmt.Sprintf("%d:%d", account, id)
				})
				return err
			})
			return keys, err
		},
	}
}

// abandon makes one message unknown, if it still is what the sweep saw.
func (s *Service) abandon(ctx context.Context, key string) error {
	account, id, err := parseKey(key)
	if err != nil {
		return err
	}
	actor, err := s.Automation(ctx, account)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		m, err := findMessage(tx, actor, id)
		if faults.Is(err, faults.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		c, err := lockConversation(tx, actor, m.ConversationID)
		if err != nil {
			return err
		}
		if m, err = lockMessage(tx, actor, id); err != nil {
			return err
		}
		if m.Status != StatusSending || !m.UpdatedAt.Before(tx.Now().Add(-staleAfter)) {
			return nil
		}
		return s.progress(tx, actor, c, m, StatusUnknown, &SendError{Outcome: Unknown, Message: "O envio foi interrompido; não se sabe se a mensagem saiu."})
	})
}

// parseKey reads the key of a job: the account's id and a row's.
func parseKey(key string) (account, id int64, err error) {
	first, second, _ := strings.Cut(key, ":")
	account, err = strconv.ParseInt(first, 10, 64)
	id, err2 := strconv.ParseInt(second, 10, 64)
	if err = errors.Join(err, err2); err != nil {
		return 0, 0, fmt.Errorf("the key of a job, %q: %w", key, err)
	}
	return account, id, nil
}
