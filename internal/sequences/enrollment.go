package sequences

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// EnrollFields are the body of POST /leads/{id}/enroll-sequence.
type EnrollFields struct {
	SequenceID input.Field[int64] `json:"sequence_id" required:"true" doc:"Id of an active sequence that has steps." example:"1"`
}

// Enrolled is the answer to an enrolment.
type Enrolled struct {
	Success        bool              `json:"success" doc:"Always true." example:"true"`
	LeadID         int64             `json:"lead_id" doc:"Id of the lead." example:"123"`
	SequenceID     int64             `json:"sequence_id" doc:"Id of the sequence." example:"1"`
	LeadSequenceID int64             `json:"lead_sequence_id" doc:"Id of the enrolment." example:"45"`
	Status         Status            `json:"status" doc:"How it stands." example:"active"`
	NextStepAt     *calendar.Instant `json:"next_step_at" doc:"When the first step runs."`
}

// Left is the answer of the operations that end or pause an enrolment.
type Left struct {
	Success    bool   `json:"success" doc:"Always true." example:"true"`
	LeadID     int64  `json:"lead_id" doc:"Id of the lead." example:"123"`
	SequenceID int64  `json:"sequence_id" doc:"Id of the sequence." example:"1"`
	Status     Status `json:"status" doc:"How the enrolment stands now." example:"exited_manual"`
}

// alreadyIn is the refusal of a second enrolment (companion-api.md section 7).
func alreadyIn() error {
	return faults.New(faults.Refused, "O lead já está nesta sequência.",
		faults.Member{Name: "success", Value: false}, faults.Member{Name: "already_enrolled", Value: true})
}

// notIn is the refusal for a lead that is not in a sequence.
func notIn() error { return faults.New(faults.NotFound, "O lead não está nesta sequência.") }

// Enroll puts a lead into a sequence.
func (s *Service) Enroll(ctx context.Context, actor authz.Actor, leadID int64, form *input.Form[EnrollFields]) (Enrolled, error) {
	var answer Enrolled
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if err := holdLead(tx, actor, leadID); err != nil {
			return err
		}
		whole := *form
		whole.Problems = form.Problems.Clone()
		p, version, err := s.enterable(tx, actor, form.Fields.SequenceID, &whole.Problems)
		if err != nil {
			return err
		}
		if err := whole.Err(); err != nil {
			return err
		}
		days, err := restDays(tx, actor)
		if err != nil {
			return err
		}
		at, _ := p.begin(1, tx.Now(), days)
		e := enrollment{
			leadID: leadID, sequenceID: form.Fields.SequenceID.Value, version: version, status: Active, position: 1,
			previousAt: tx.Now(), nextStepAt: &at, createdAt: tx.Now(),
		}
		if err := insert(tx, actor, &e); err != nil {
			return err
		}
		if err := s.tellEnrolled(tx, actor, p, &e); err != nil {
			return err
		}
		answer = Enrolled{true, leadID, e.sequenceID, e.id, e.status, calendar.InstantOf(e.nextStepAt)}
		return s.engine.enqueue(tx, actor, at)
	})
	return answer, err
}

// enterable reads a sequence that leads can be put into; one that they cannot be
// put into is a problem of the form.
func (s *Service) enterable(tx *db.Tx, actor authz.Actor, id input.Field[int64], problems *faults.Bag) (*plan, int64, error) {
	if !id.Given() {
		return nil, 0, nil
	}
	p, version, err := currentPlan(tx, actor, id.Value)
	switch {
	case errors.Is(err, db.ErrNoRows):
		problems.Selected("sequence_id")
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	case p.deleted || !p.active || len(p.steps) == 0:
		problems.Selected("sequence_id")
	}
	return p, version, nil
}

// holdLead keeps a lead from being changed, until the transaction ends. Whoever
// changes an enrolment and tells of it holds its lead first, as those do who change
// the lead, so that no two wait for each other.
func holdLead(tx *db.Tx, actor authz.Actor, id int64) error {
	var found int64
	err := db.Get(tx.Query(`SELECT id FROM leads WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL AND merged_into IS NULL FOR SHARE`, actor.AccountID, id), &found)
	if errors.Is(err, db.ErrNoRows) {
		return faults.Unknown("Lead", "o")
	}
	if err != nil {
		return fmt.Errorf("holding a lead: %w", err)
	}
	return nil
}

// Leave takes a lead out of a sequence.
func (s *Service) Leave(ctx context.Context, actor authz.Actor, leadID, sequenceID int64) (Left, error) {
	return s.turn(ctx, actor, leadID, sequenceID, func(tx *db.Tx, p *plan, e *enrollment) error {
		return s.end(tx, actor, p, e, ExitedManual, "")
	})
}

// Pause keeps the steps of an enrolment from running until it is resumed.
func (s *Service) Pause(ctx context.Context, actor authz.Actor, leadID, sequenceID int64) (Left, error) {
	return s.turn(ctx, actor, leadID, sequenceID, func(tx *db.Tx, _ *plan, e *enrollment) error {
		e.status = Paused
		return store(tx, actor, e, nil)
	})
}

// Resume lets them run again, a step that has become due meanwhile at once.
func (s *Service) Resume(ctx context.Context, actor authz.Actor, leadID, sequenceID int64) (Left, error) {
	return s.turn(ctx, actor, leadID, sequenceID, func(tx *db.Tx, _ *plan, e *enrollment) error {
		e.status = Active
		due := tx.Now()
		if e.nextStepAt != nil && e.nextStepAt.After(due) {
			due = *e.nextStepAt
		}
		if err := store(tx, actor, e, &due); err != nil {
			return err
		}
		return s.engine.enqueue(tx, actor, due)
	})
}

// turn changes the live enrolment of a lead in a sequence.
func (s *Service) turn(ctx context.Context, actor authz.Actor, leadID, sequenceID int64, change func(tx *db.Tx, p *plan, e *enrollment) error) (Left, error) {
	var answer Left
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if err := holdLead(tx, actor, leadID); err != nil {
			return err
		}
		e, err := get(tx.Query(`SELECT `+enrollmentColumns+` FROM sequence_enrollments e
			WHERE e.account_id = $1 AND e.lead_id = $2 AND e.sequence_id = $3 AND e.status IN ('active', 'paused') FOR UPDATE`, actor.AccountID, leadID, sequenceID))
		if errors.Is(err, db.ErrNoRows) {
			return notIn()
		}
		if err != nil {
			return err
		}
		p, err := planOf(tx, actor, sequenceID, e.version)
		if err != nil {
			return err
		}
		if err := change(tx, p, e); err != nil {
			return err
		}
		answer = Left{true, leadID, sequenceID, e.status}
		return nil
	})
	return answer, err
}

// end ends an enrolment, with what is to be remembered of why.
func (s *Service) end(tx *db.Tx, actor authz.Actor, p *plan, e *enrollment, status Status, lastError string) error {
	now := tx.Now()
	e.status, e.nextStepAt, e.waiting, e.endedAt = status, nil, false, &now
	if lastError != "" {
		e.lastError = lastError
	}
	if err := store(tx, actor, e, nil); err != nil {
		return err
	}
	return s.tellEnded(tx, actor, p, e)
}

const enrollmentColumns = `e.id, e.lead_id, e.sequence_id, e.version, e.status, e.position, e.previous_at, e.next_step_at, e.waiting, e.replied_at, e.run, e.running,
	e.attempts, e.last_error, e.created_at, e.ended_at`

// places are where enrollmentColumns are read into.
func (e *enrollment) places() []any {
	return []any{
		&e.id, &e.leadID, &e.sequenceID, &e.version, &e.status, &e.position, &e.previousAt, &e.nextStepAt, &e.waiting, &e.repliedAt, &e.run, &e.running,
		&e.attempts, &e.lastError, &e.createdAt, &e.endedAt,
	}
}

func get(rows *db.Rows) (*enrollment, error) {
	e := &enrollment{}
	if err := db.Get(rows, e.places()...); err != nil {
		return nil, fmt.Errorf("reading an enrolment: %w", err)
	}
	return e, nil
}

// collect reads enrolments.
func collect(rows *db.Rows) ([]*enrollment, error) {
	list, err := db.Collect(rows, func(r *db.Rows, e **enrollment) {
		*e = &enrollment{}
		r.Scan((*e).places()...)
	})
	if err != nil {
		return nil, fmt.Errorf("reading enrolments: %w", err)
	}
	return list, nil
}

// insert stores a new enrolment, which is due at its next step, and gives it its id.
func insert(tx *db.Tx, actor authz.Actor, e *enrollment) error {
	err := db.Get(tx.Query(`INSERT INTO sequence_enrollments (account_id, lead_id, sequence_id, version, status, position, previous_at, next_step_at, due_at, enrolled_by, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $7, $7)
		ON CONFLICT (account_id, lead_id, sequence_id) WHERE status IN ('active', 'paused') DO NOTHING RETURNING id`,
		actor.AccountID, e.leadID, e.sequenceID, e.version, string(e.status), e.position, e.previousAt, e.nextStepAt, actor.PerformedBy()), &e.id)
	if errors.Is(err, db.ErrNoRows) {
		return alreadyIn()
	}
	if err != nil {
		return fmt.Errorf("storing an enrolment: %w", err)
	}
	return nil
}

// store writes a changed enrolment; due is when the engine must look at it.
func store(tx *db.Tx, actor authz.Actor, e *enrollment, due *time.Time) error {
	return tx.Queue(`UPDATE sequence_enrollments SET status = $3, position = $4, previous_at = $5, next_step_at = $6, due_at = $7, waiting = $8, replied_at = $9,
			run = $10, running = $11, attempts = $12, last_error = $13, ended_at = $14, updated_at = $15
		WHERE account_id = $1 AND id = $2`,
		actor.AccountID, e.id, string(e.status), e.position, e.previousAt, e.nextStepAt, due, e.waiting, e.repliedAt,
		e.run, e.running, e.attempts, orNull(e.lastError), e.endedAt, tx.Now())
}

// orNull is a text as it is stored: NULL when there is none.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
