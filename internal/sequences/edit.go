package sequences

import (
	"context"
	"errors"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/input"
)

// whatsApp is the one channel there is.
const whatsApp = "whatsapp"

// Create makes a sequence, inactive unless the form says otherwise.
func (s *Service) Create(ctx context.Context, actor authz.Actor, form *input.Form[CreateFields]) (Detail, error) {
	f := &form.Fields
	known, err := s.references(ctx, actor)
	if err != nil {
		return Detail{}, err
	}
	var detail Detail
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		whole := *form
		whole.Problems = form.Problems.Clone()
		steps, err := known.read(tx, actor, f.Steps.Value, &whole.Problems)
		if err != nil {
			return err
		}
		if err := whole.Err(); err != nil {
			return err
		}
		exitOnReply := !f.ExitOnReply.Given() || f.ExitOnReply.Value
		var id int64
		err = db.Get(tx.Query(`INSERT INTO sequences (account_id, name, description, channel, is_active, exit_on_reply, exit_on_stage_change, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id`,
			actor.AccountID, f.Name.Value, f.Description.Ptr(), whatsApp, f.IsActive.Value, exitOnReply, f.ExitOnStageChange.Value, tx.Now()), &id)
		if err != nil {
			return fmt.Errorf("storing a sequence: %w", err)
		}
		if err := insertSteps(tx, actor, id, 1, steps); err != nil {
			return err
		}
		detail, err = find(tx, actor, id)
		return err
	})
	return detail, err
}

// Update changes what is sent of a sequence. Other steps, or the same in another
// order, are a new version: see the package comment for whom it is binding on.
func (s *Service) Update(ctx context.Context, actor authz.Actor, id int64, form *input.Form[UpdateFields]) (Detail, error) {
	f := &form.Fields
	known, err := s.references(ctx, actor)
	if err != nil {
		return Detail{}, err
	}
	var detail Detail
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		before, err := lockSequence(tx, actor, id)
		if err != nil {
			return err
		}
		whole := *form
		whole.Problems = form.Problems.Clone()
		steps, err := known.read(tx, actor, f.Steps.Value, &whole.Problems)
		if err != nil {
			return err
		}
		if err := whole.Err(); err != nil {
			return err
		}
		after := before
		if f.Name.Given() {
			after.Name = f.Name.Value
		}
		if f.Description.Sent {
			after.Description = f.Description.Ptr()
		}
		if f.ExitOnReply.Given() {
			after.ExitOnReply = f.ExitOnReply.Value
		}
		if f.ExitOnStageChange.Given() {
			after.ExitOnStageChange = f.ExitOnStageChange.Value
		}
		if f.Steps.Given() && !sameSteps(before.Steps, steps) {
			after.version++
			if err := insertSteps(tx, actor, id, after.version, steps); err != nil {
				return err
			}
		}
		if err := tx.Queue(`UPDATE sequences SET name = $3, description = $4, exit_on_reply = $5, exit_on_stage_change = $6, version = $7, updated_at = $8
			WHERE account_id = $1 AND id = $2`,
			actor.AccountID, id, after.Name, after.Description, after.ExitOnReply, after.ExitOnStageChange, after.version, tx.Now()); err != nil {
			return err
		}
		detail, err = find(tx, actor, id)
		return err
	})
	return detail, err
}

// sameSteps tells whether two lists of steps do the same.
func sameSteps(a, b []Step) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		hoursA, settingsA, errA := a[i].stored()
		hoursB, settingsB, errB := b[i].stored()
		same := a[i].Type == b[i].Type && a[i].DelayMinutes == b[i].DelayMinutes && settingsA == settingsB &&
			(hoursA == nil) == (hoursB == nil) && (hoursA == nil || *hoursA == *hoursB)
		if errA != nil || errB != nil || !same {
			return false
		}
	}
	return true
}

func insertSteps(tx *db.Tx, actor authz.Actor, id, version int64, steps []Step) error {
	for i := range steps {
		hours, settings, err := steps[i].stored()
		if err != nil {
			return err
		}
		if err := tx.Queue(`INSERT INTO sequence_steps (account_id, sequence_id, version, position, type, delay_minutes, sending_hours, settings)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			actor.AccountID, id, version, steps[i].Position, string(steps[i].Type), steps[i].DelayMinutes, hours, settings); err != nil {
			return fmt.Errorf("storing a step: %w", err)
		}
	}
	return nil
}

// lockSequence reads a sequence for a change to it.
func lockSequence(tx *db.Tx, actor authz.Actor, id int64) (Detail, error) {
	var found int64
	err := db.Get(tx.Query(`SELECT id FROM sequences WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`, actor.AccountID, id), &found)
	if errors.Is(err, db.ErrNoRows) {
		return Detail{}, errUnknown()
	}
	if err != nil {
		return Detail{}, fmt.Errorf("locking a sequence: %w", err)
	}
	return find(tx, actor, id)
}

// Activate lets leads be enrolled and steps run, those that have become due
// meanwhile at once.
func (s *Service) Activate(ctx context.Context, actor authz.Actor, id int64) (Detail, error) {
	return s.change(ctx, actor, id, func(tx *db.Tx) error {
		if err := tx.Queue(`UPDATE sequences SET is_active = TRUE, updated_at = $3 WHERE account_id = $1 AND id = $2`, actor.AccountID, id, tx.Now()); err != nil {
			return err
		}
		return s.wake(tx, actor, id)
	})
}

// Deactivate holds the enrolments: their steps do not run until it is activated.
// The engine notices when it comes to them.
func (s *Service) Deactivate(ctx context.Context, actor authz.Actor, id int64) (Detail, error) {
	return s.change(ctx, actor, id, func(tx *db.Tx) error {
		return tx.Queue(`UPDATE sequences SET is_active = FALSE, updated_at = $3 WHERE account_id = $1 AND id = $2`, actor.AccountID, id, tx.Now())
	})
}

func (s *Service) change(ctx context.Context, actor authz.Actor, id int64, change func(tx *db.Tx) error) (Detail, error) {
	var detail Detail
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := lockSequence(tx, actor, id); err != nil {
			return err
		}
		err := change(tx)
		if err != nil {
			return err
		}
		detail, err = find(tx, actor, id)
		return err
	})
	return detail, err
}

// wake lets the engine look again at the enrolments of a sequence that it holds.
func (s *Service) wake(tx *db.Tx, actor authz.Actor, id int64) error {
	if err := tx.Queue(`UPDATE sequence_enrollments SET due_at = COALESCE(next_step_at, $3) WHERE account_id = $1 AND sequence_id = $2 AND status IN ('active', 'paused')
			AND due_at IS NULL`, actor.AccountID, id, tx.Now()); err != nil {
		return err
	}
	return s.engine.enqueue(tx, actor, tx.Now())
}

// Duplicate makes an inactive sequence with the same steps.
func (s *Service) Duplicate(ctx context.Context, actor authz.Actor, id int64) (Detail, error) {
	var detail Detail
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		original, err := find(tx, actor, id)
		if err != nil {
			return err
		}
		name := []rune(original.Name + " (cópia)")
		var copied int64
		err = db.Get(tx.Query(`INSERT INTO sequences (account_id, name, description, channel, is_active, exit_on_reply, exit_on_stage_change, created_at, updated_at)
			VALUES ($1, $2, $3, $4, FALSE, $5, $6, $7, $7) RETURNING id`,
			actor.AccountID, string(name[:min(len(name), maxName)]), original.Description, original.Channel, original.ExitOnReply, original.ExitOnStageChange, tx.Now()), &copied)
		if err != nil {
			return fmt.Errorf("storing a sequence: %w", err)
		}
		if err := insertSteps(tx, actor, copied, 1, original.Steps); err != nil {
			return err
		}
		detail, err = find(tx, actor, copied)
		return err
	})
	return detail, err
}

// Delete removes a sequence. Its enrolments end as if each were taken out; the
// engine does so some at a time, however many there are. What has happened in it
// stays on its leads.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, id int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := lockSequence(tx, actor, id); err != nil {
			return err
		}
		if err := tx.Queue(`UPDATE sequences SET deleted_at = $3, is_active = FALSE, updated_at = $3 WHERE account_id = $1 AND id = $2`, actor.AccountID, id, tx.Now()); err != nil {
			return err
		}
		if err := tx.Queue(`UPDATE sequence_enrollments SET due_at = $3 WHERE account_id = $1 AND sequence_id = $2 AND status IN ('active', 'paused') AND NOT running`,
			actor.AccountID, id, tx.Now()); err != nil {
			return err
		}
		return s.engine.enqueue(tx, actor, tx.Now())
	})
}
