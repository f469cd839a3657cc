package operations

import (
	"encoding/json"
	"time"

	"syncro/internal/api"
	"syncro/internal/calendar"
	"syncro/internal/faults"
)

// State is where an operation stands; see the package comment.
type State string

// The states.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Undoing   State = "undoing"
	Undone    State = "undone"
)

// undoable is for how long an operation can be undone, from its start: as long as
// the leads that it deleted are in the trash.
const undoable = 30 * 24 * time.Hour

// Operation is one operation.
type Operation struct {
	ID            int64
	Kind          string
	State         State
	Parameters    json.RawMessage // what is to be done, by kind
	Position      string          // behind the last slice, by kind; "" at the start
	Total         int64           // items in all
	Done          int64
	Changed       int64
	Failed        int64
	Reverted      int64 // changes that the undo took back
	Kept          int64 // of which it left something as it was
	Error         string
	CreatedBy     *int64
	CreatedAt     time.Time
	StartedAt     *time.Time
	FinishedAt    *time.Time // of the work, or of its undo
	UndoableUntil *time.Time

	undoFrom *int64
	attempts int64
}

// Outcome is what became of an item.
type Outcome string

// The outcomes. An unchanged item is counted and not journaled.
const (
	Created   Outcome = "created"
	Updated   Outcome = "updated"
	Moved     Outcome = "moved"
	Deleted   Outcome = "deleted"
	Unchanged Outcome = "unchanged"
	Failure   Outcome = "failed"
)

// Item is what became of one item.
type Item struct {
	Number  int64
	LeadID  int64 // 0 for none
	Outcome Outcome
	Version int64  // of the lead after the change; 0 when it was not changed
	Message string // why it failed, for people
	Detail  any    // more of it, by kind; written as JSON
}

// Refused is the item that a refusal makes of it.
func Refused(number, leadID int64, refusal *faults.Error) Item {
	return Item{Number: number, LeadID: leadID, Outcome: Failure, Message: refusal.Message, Detail: api.BodyOf(refusal)}
}

// View is an operation as answers show it; a kind's own view embeds it.
type View struct {
	ID            int64             `json:"id" doc:"Id of the operation." example:"3"`
	State         State             `json:"state" enum:"queued,running,done,failed,cancelled,undoing,undone" doc:"Where it stands." example:"running"`
	Total         int64             `json:"total" doc:"How many items it has." example:"1200"`
	Done          int64             `json:"done" doc:"How many of them are over." example:"800"`
	Changed       int64             `json:"changed" doc:"How many leads were changed." example:"790"`
	Failed        int64             `json:"failed" doc:"How many items failed." example:"4"`
	Reverted      int64             `json:"reverted" doc:"How many changes the undo has taken back." example:"0"`
	Kept          int64             `json:"kept" doc:"Of how many of them it left something as it was, because it was edited since." example:"0"`
	Error         *string           `json:"error" doc:"Why the operation as a whole failed."`
	CreatedBy     *int64            `json:"created_by" doc:"User who started it." example:"12"`
	CreatedAt     calendar.Instant  `json:"created_at" doc:"When it was made."`
	StartedAt     *calendar.Instant `json:"started_at" doc:"When work on it began."`
	FinishedAt    *calendar.Instant `json:"finished_at" doc:"When it, or its undo, was over."`
	UndoableUntil *calendar.Instant `json:"undoable_until" doc:"Until when it can be undone; null when there is nothing to undo."`
}

// View is the operation as answers show it.
func (o *Operation) View() View {
	v := View{
		ID: o.ID, State: o.State, Total: o.Total, Done: o.Done, Changed: o.Changed, Failed: o.Failed, Reverted: o.Reverted, Kept: o.Kept,
		CreatedBy: o.CreatedBy, CreatedAt: calendar.Instant{Time: o.CreatedAt}, StartedAt: calendar.InstantOf(o.StartedAt),
		FinishedAt: calendar.InstantOf(o.FinishedAt), UndoableUntil: calendar.InstantOf(o.UndoableUntil),
	}
	if o.Error != "" {
		v.Error = &o.Error
	}
	return v
}

// ItemView is an item as answers show it.
type ItemView struct {
	Number  int64           `json:"number" doc:"Which item, from 1." example:"17"`
	LeadID  *int64          `json:"lead_id" doc:"Its lead." example:"123"`
	Outcome Outcome         `json:"outcome" enum:"created,updated,moved,deleted,failed" doc:"What became of it." example:"failed"`
	Message *string         `json:"message" doc:"Why it failed." example:"Complete mandatory tasks before moving the lead."`
	Detail  json.RawMessage `json:"detail" doc:"The failure as a request for this one lead would have been answered; null for none."`
	Undo    *string         `json:"undo" enum:"reverted,partly,kept,failed" doc:"What its undo has done: taken it back, taken back a part, left all as it is, or failed." example:"partly"`
	Kept    []string        `json:"kept" doc:"What the undo left as it was, because it was edited since." example:"[\"name\"]"`
}
