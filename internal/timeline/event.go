package timeline

import (
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
)

// EventType is what sort of thing happened to a lead.
type EventType string

// The types of event (companion-api.md section 2, "Events").
const (
	Created          EventType = "created"
	Updated          EventType = "updated"
	StageChanged     EventType = "stage_changed"
	SaleWon          EventType = "sale_won"
	SaleLost         EventType = "sale_lost"
	TaskCreated      EventType = "task_created"
	TaskCompleted    EventType = "task_completed"
	NoteAdded        EventType = "note_added"
	TagAdded         EventType = "tag_added"
	TagRemoved       EventType = "tag_removed"
	Assigned         EventType = "assigned"
	SequenceEnrolled EventType = "sequence_enrolled"
	SequenceExited   EventType = "sequence_exited"
	MessageSent      EventType = "message_sent"
	MessageReceived  EventType = "message_received"
	Merged           EventType = "merged"
	Deleted          EventType = "deleted"
	Restored         EventType = "restored"
)

// Event is something that happened to a lead.
type Event struct {
	LeadID      int64
	Type        EventType
	Description string
}

// Record adds events to the timelines of their leads, in order, as done by the
// actor at the transaction's time.
func Record(tx *db.Tx, actor authz.Actor, events ...Event) error {
	for _, e := range events {
		if err := tx.Queue(`INSERT INTO lead_events (account_id, lead_id, event_type, description, performed_by, created_at)
			VALUES ($1, $2, $3, $4, $5, $6)`, actor.AccountID, e.LeadID, e.Type, e.Description, actor.PerformedBy(), tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// EventView is an event as a lead's include shows it (leads-api.txt, "Extra relations").
type EventView struct {
	ID          int64            `json:"id" doc:"Event id." example:"981"`
	Type        EventType        `json:"event_type" doc:"What happened." enum:"created,updated,stage_changed,sale_won,sale_lost,task_created,task_completed,note_added,tag_added,tag_removed,assigned,sequence_enrolled,sequence_exited,message_sent,message_received,merged,deleted,restored" example:"stage_changed"`
	Description string           `json:"description" doc:"The event in words." example:"Movido para Proposta."`
	PerformedBy *int64           `json:"performed_by" doc:"User who did it; null when nobody did." example:"12"`
	CreatedAt   calendar.Instant `json:"created_at" doc:"When it happened."`
}

// newestEvents is how many events an answer shows (companion-api.md section 2, "Includes").
const newestEvents = 100

// Events gives a lead's newest 100 events, newest first.
func Events(q db.Querier, actor authz.Actor, leadID int64) ([]EventView, error) {
	return db.Collect(q.Query(`SELECT id, event_type, description, performed_by, created_at FROM lead_events
		WHERE account_id = $1 AND lead_id = $2 ORDER BY id DESC LIMIT $3`, actor.AccountID, leadID, newestEvents),
		func(r *db.Rows, v *EventView) {
			r.Scan(&v.ID, &v.Type, &v.Description, &v.PerformedBy, &v.CreatedAt.Time)
		})
}
