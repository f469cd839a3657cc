package leads

import (
	"encoding/json"
	"fmt"
	"time"

	"syncro/internal/timeline"
)

// What a change keeps aside, for [Service.Revert] alone: what a lead's columns had
// that the API does not show, and the rows that a move has written beside them.
const (
	stayLeft   = timeline.Aside + "stay"      // [stay, null]: the visit that a move ended
	outSince   = timeline.Aside + "opted_out" // [time, time]
	reverted   = timeline.Aside + "reverts"   // [null, version]
	saleMade   = timeline.Aside + "sale"      // [null, closing]
	saleVoided = timeline.Aside + "sale_voided"
	lossMade   = timeline.Aside + "loss"
	lossVoided = timeline.Aside + "loss_voided"
)

// stay is a visit as a lead has it.
type stay struct {
	Visit     int64     `json:"visit"`
	Since     time.Time `json:"since"`
	Mandatory bool      `json:"mandatory"`
}

func (l *Lead) stay() stay { return stay{l.Visit, l.StageSince, l.MandatoryTasks} }

// closing is a sale or lost sale, with what it was made with: the value or the reason.
type closing struct {
	ID   int64  `json:"id"`
	With *int64 `json:"with"`
}

// aside notes the sale or lost sale that the move under way has made or voided, if any.
func (l *Lead) aside(what string, ids []int64, with *int64) {
	for _, id := range ids {
		l.beside = append(l.beside, timeline.Change{Field: what, New: closing{id, with}})
	}
}

// asides are what is kept aside of a change.
func asides(before, after *Lead) []timeline.Change {
	kept := after.beside
	if before.Visit != after.Visit {
		kept = append(kept, timeline.Change{Field: stayLeft, Old: before.stay()})
	}
	if !sameTime(before.OptedOutAt, after.OptedOutAt) {
		kept = append(kept, timeline.Change{Field: outSince, Old: before.OptedOutAt, New: after.OptedOutAt})
	}
	return kept
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// read reads a value that was written into a change.
func read[T any](raw json.RawMessage) (v T, err error) {
	if len(raw) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("reading %q of a change: %w", raw, err)
	}
	return v, nil
}

// stage puts the lead back into the stage and the visit that it left, unless the
// stage is there no more or the sale of the move was amended.
func (r *reversal) stage(was timeline.Values) error {
	id, err := read[int64](was.Old())
	if err != nil {
		return err
	}
	left, err := read[stay](r.change[stayLeft].Old())
	if err != nil {
		return err
	}
	stage, ok := r.setup.board.Stage(id)
	if !ok || left.Visit == 0 {
		return r.keep("stage_id")
	}
	for _, what := range []string{saleMade, lossMade, saleVoided, lossVoided} { // what was made first: it must not be valid beside what was voided
		values, ok := r.change[what]
		if !ok {
			continue
		}
		c, err := read[closing](values.New())
		if err != nil {
			return err
		}
		if what == saleMade || what == lossMade {
			if amended, err := c.amended(r.tx, r.actor, what); err != nil || amended {
				_ = r.keep("stage_id")
				return err
			}
		}
		if err := c.unmake(r.tx, r.actor, what); err != nil {
			return err
		}
	}
	if r.lead.MandatoryTasks {
		if err := r.service.tasks.WithdrawMandatory(r.tx, r.actor, r.lead.ID, r.lead.Visit); err != nil {
			return err
		}
	}
	r.lead.PipelineID, r.lead.StageID = stage.PipelineID, stage.ID
	r.lead.Visit, r.lead.StageSince, r.lead.MandatoryTasks = left.Visit, left.Since, left.Mandatory
	r.moved = true
	return nil
}
