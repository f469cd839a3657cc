// Package events keeps what happened: each change that others may want to hear of
// is written down in the transaction that makes it, in the very bytes that a
// webhook delivers (companion-api.md section 9).
//
// # Flow
//
//	a feature changes something ──Emit──▶ row of events ──▶ reactions
//	                      └────────── one transaction ──────────┘
//
// A reaction is how a feature higher up hears of one below without being known to
// it: a lead that is won leaves its sequences, a message adds to a score, an event
// becomes deliveries. Package app registers them before the program serves.
//
// Invariants: an event is written if and only if its change is committed; its body
// never changes afterwards.
package events

import (
	"crypto/rand"
	"encoding/json"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
)

// Type is what happened.
type Type string

// The types that a webhook can subscribe to (companion-api.md section 9).
const (
	LeadCreated          Type = "lead.created"
	LeadUpdated          Type = "lead.updated"
	LeadStageChanged     Type = "lead.stage_changed"
	LeadWon              Type = "lead.won"
	LeadLost             Type = "lead.lost"
	LeadAssigned         Type = "lead.assigned"
	LeadTagAdded         Type = "lead.tag_added"
	LeadTagRemoved       Type = "lead.tag_removed"
	LeadMerged           Type = "lead.merged"
	LeadDeleted          Type = "lead.deleted"
	LeadRestored         Type = "lead.restored"
	TaskCreated          Type = "task.created"
	TaskUpdated          Type = "task.updated"
	TaskCompleted        Type = "task.completed"
	TaskDeleted          Type = "task.deleted"
	MessageReceived      Type = "message.received"
	MessageSent          Type = "message.sent"
	MessageStatusChanged Type = "message.status_changed"
	SequenceEnrolled     Type = "sequence.enrolled"
	SequenceCompleted    Type = "sequence.completed"
	SequenceExited       Type = "sequence.exited"
)

// Types lists them all, in the order of the reference.
func Types() []Type {
	return []Type{
		LeadCreated, LeadUpdated, LeadStageChanged, LeadWon, LeadLost, LeadAssigned, LeadTagAdded, LeadTagRemoved, LeadMerged, LeadDeleted, LeadRestored,
		TaskCreated, TaskUpdated, TaskCompleted, TaskDeleted, MessageReceived, MessageSent, MessageStatusChanged, SequenceEnrolled, SequenceCompleted, SequenceExited,
	}
}

// Event is something that happened, on its way into the log.
type Event struct {
	Type   Type
	LeadID *int64
	// Data is the JSON object under "data".
	Data json.RawMessage
	// Facts are what reactions decide by, so that none has to read Data.
	Facts any

	ID string // "evt_…"; set by Emit
}

// Reaction does something about an event, in its transaction.
type Reaction func(tx *db.Tx, actor authz.Actor, e Event) error

// Log writes events. The zero value is ready; reactions are registered before use.
type Log struct {
	reactions []Reaction
}

// React registers a reaction; reactions run in the order in which they were registered.
func (l *Log) React(r Reaction) { l.reactions = append(l.reactions, r) }

// Emit writes an event and runs the reactions to it.
func (l *Log) Emit(tx *db.Tx, actor authz.Actor, e Event) error {
	e.ID = "evt_" + rand.Text()
	body := fmt.Appendf(nil, `{"id":"%s","type":"%s","created_at":`, e.ID, e.Type)
	body = calendar.Instant{Time: tx.Now()}.AppendJSON(body)
	body = fmt.Appendf(body, `,"account_id":%d,"data":%s}`, actor.AccountID, e.Data)
	if err := tx.Queue(`INSERT INTO events (account_id, event_id, type, lead_id, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		actor.AccountID, e.ID, string(e.Type), e.LeadID, string(body), tx.Now()); err != nil {
		return fmt.Errorf("writing the event %s: %w", e.Type, err)
	}
	for _, react := range l.reactions {
		if err := react(tx, actor, e); err != nil {
			return fmt.Errorf("reacting to %s: %w", e.Type, err)
		}
	}
	return nil
}
