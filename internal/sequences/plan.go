package sequences

import (
	"errors"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
)

const planColumns = `name, version, is_active, deleted_at IS NOT NULL, exit_on_reply, exit_on_stage_change`

// currentPlan reads the version of a sequence that new enrolments get, and keeps it
// from being changed until the transaction ends. For none it is [db.ErrNoRows].
func currentPlan(tx *db.Tx, actor authz.Actor, id int64) (*plan, int64, error) {
	p, version, err := readPlan(tx.Query(`SELECT `+planColumns+` FROM sequences WHERE account_id = $1 AND id = $2 FOR SHARE`, actor.AccountID, id))
	if err != nil {
		return nil, 0, err
	}
	p.steps, err = stepsOf(tx, actor, id, version)
	return p, version, err
}

// planOf reads the version that an enrolment is on; its rules are the sequence's
// present ones.
func planOf(q db.Querier, actor authz.Actor, id, version int64) (*plan, error) {
	p, _, err := readPlan(q.Query(`SELECT `+planColumns+` FROM sequences WHERE account_id = $1 AND id = $2`, actor.AccountID, id))
	if err != nil {
		return nil, err
	}
	p.steps, err = stepsOf(q, actor, id, version)
	return p, err
}

func readPlan(rows *db.Rows) (*plan, int64, error) {
	p := &plan{}
	var version int64
	if err := db.Get(rows, &p.name, &version, &p.active, &p.deleted, &p.exitOnReply, &p.exitOnStageChange); err != nil {
		return nil, 0, fmt.Errorf("reading a sequence: %w", err)
	}
	return p, version, nil
}

// Outcome is what became of a run of a step.
type Outcome string

// The outcomes. A step that failed counts as not done: its enrolment has failed.
const (
	Done    Outcome = "done"
	Skipped Outcome = "skipped"
	Broken  Outcome = "failed"
	Unsure  Outcome = "unknown" // a message went out and nobody knows what became of it
)

// result is what a run of a step has led to.
type result struct {
	outcome   Outcome
	reason    string
	messageID *int64
	taskID    *int64
}

// logRun writes down what became of the enrolment's present run.
func logRun(tx *db.Tx, actor authz.Actor, e *enrollment, step *Step, r result) error {
	return tx.Queue(`INSERT INTO sequence_runs (account_id, enrollment_id, run, position, type, outcome, reason, message_id, task_id, ran_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		actor.AccountID, e.id, e.run, step.Position, string(step.Type), string(r.outcome), orNull(r.reason), r.messageID, r.taskID, tx.Now())
}

// advance goes on at a position, the step before which ran now: to wait for it, or
// to the end if there is none.
func (s *Service) advance(tx *db.Tx, actor authz.Actor, p *plan, e *enrollment, to int64, days workdays) error {
	e.position, e.previousAt = to, tx.Now()
	e.waiting, e.attempts, e.lastError = false, 0, ""
	at, ok := p.begin(to, e.previousAt, days)
	if !ok {
		return s.end(tx, actor, p, e, Completed, "")
	}
	e.nextStepAt = &at
	if e.status == Paused {
		return store(tx, actor, e, nil)
	}
	if err := store(tx, actor, e, &at); err != nil {
		return err
	}
	return s.engine.enqueue(tx, actor, at)
}

// jumped logs what a wait_reply or a condition has come to, and goes on there.
func (s *Service) jumped(tx *db.Tx, actor authz.Actor, p *plan, e *enrollment, d decision, days workdays) error {
	e.run++
	if err := logRun(tx, actor, e, d.step, result{outcome: Done, reason: string(d.reason)}); err != nil {
		return err
	}
	return s.advance(tx, actor, p, e, d.to, days)
}

// liveOf locks the live enrolments of a lead. The caller holds the lead.
func liveOf(tx *db.Tx, actor authz.Actor, leadID int64) ([]*enrollment, error) {
	return collect(tx.Query(`SELECT `+enrollmentColumns+` FROM sequence_enrollments e
		WHERE e.account_id = $1 AND e.lead_id = $2 AND e.status IN ('active', 'paused') ORDER BY e.id FOR UPDATE`, actor.AccountID, leadID))
}

// anyLive tells whether a lead is in any sequence.
func anyLive(q db.Querier, actor authz.Actor, leadID int64) (bool, error) {
	var one int64
	err := db.Get(q.Query(`SELECT 1 FROM sequence_enrollments e WHERE e.account_id = $1 AND e.lead_id = $2 AND e.status IN ('active', 'paused') LIMIT 1`,
		actor.AccountID, leadID), &one)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
