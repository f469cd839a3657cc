package sequences

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/jobs"
	"syncro/internal/leads"
	"syncro/internal/messaging"
)

// What a provider tells of a step's message after the step: the enrolment has gone
// on, and stays where it is, while the run is corrected. A message that turns out
// to have met a closed window has its fallback template sent then, by a job:
//
//	done ──webhook: window closed──▶ failed, fallback_at ──job──▶ done (fallback_template)
//	                         └─ no template, or the enrolment has left ─▶ skipped (window_closed)

// correctRun writes down what a provider tells of a step's message after the step.
func (s *Service) correctRun(tx *db.Tx, actor authz.Actor, m messaging.Facts) error {
	var enrollmentID, position int64
	if n, err := fmt.Sscanf(m.StepRef, referenceForm, &enrollmentID, &position); n != 2 || err != nil {
		return nil //nolint:nilerr // a message that no step has sent
	}
	switch messaging.Status(m.Status) {
	case messaging.StatusFailed:
		if m.Outcome == messaging.WindowClosed && messaging.Kind(m.Type) != messaging.KindTemplate {
			return s.windowWasClosed(tx, actor, enrollmentID, m.MessageID)
		}
		return tx.Queue(`UPDATE sequence_runs SET outcome = 'failed', reason = (SELECT error_message FROM messages m WHERE m.account_id = $1 AND m.id = $3)
			WHERE account_id = $1 AND enrollment_id = $2 AND message_id = $3 AND outcome IN ('done', 'unknown')`, actor.AccountID, enrollmentID, m.MessageID)
	case messaging.StatusSent, messaging.StatusDelivered, messaging.StatusRead, messaging.StatusPlayed:
		return tx.Queue(`UPDATE sequence_runs SET outcome = 'done', reason = NULL, fallback_at = NULL
			WHERE account_id = $1 AND enrollment_id = $2 AND message_id = $3 AND outcome IN ('failed', 'unknown')`, actor.AccountID, enrollmentID, m.MessageID)
	default:
		return nil
	}
}

// windowWasClosed lets the fallback template of a run go out, or says that the run
// was skipped.
func (s *Service) windowWasClosed(tx *db.Tx, actor authz.Actor, enrollmentID, messageID int64) error {
	e, run, step, err := s.runOf(tx, actor, `r.message_id = $3 AND r.outcome IN ('done', 'unknown')`, enrollmentID, messageID)
	if errors.Is(err, db.ErrNoRows) {
		return nil // not written down yet: whoever does asks for the message's fate
	}
	if err != nil {
		return err
	}
	if step.Settings.FallbackTemplate == nil || !e.mayFallBack() {
		return storeLate(tx, actor, run, result{outcome: Skipped, reason: string(messaging.SkipWindowClosed)}, nil)
	}
	days, err := restDays(tx, actor)
	if err != nil {
		return err
	}
	at, ok := step.SendingHours.opens(tx.Now(), days)
	if !ok {
		at = tx.Now().Add(lookAgain)
	}
	if err := storeLate(tx, actor, run, result{outcome: Broken, reason: string(messaging.SkipWindowClosed), messageID: &messageID}, &at); err != nil {
		return err
	}
	if at.After(tx.Now()) {
		return nil
	}
	return s.Queue.Enqueue(tx, lateKind, run.key(actor), at)
}

// mayFallBack tells whether what an earlier step has not brought about may still be
// sent: not to a lead that has left, nor while the enrolment rests.
func (e *lateEnrollment) mayFallBack() bool {
	return (e.status == Active || e.status == Completed) && e.plan.active && !e.plan.deleted
}

// lateEnrollment is an enrolment with its version, and lateRun the run of one of its
// steps.
type lateEnrollment struct {
	*enrollment
	plan *plan
}

type lateRun struct {
	enrollmentID, run int64
	attempts          int64 // at its fallback
}

func (r lateRun) key(actor authz.Actor) string {
	return fmt.Sprintf("%d:%d:%d", actor.AccountID, r.enrollmentID, r.run)
}

// runOf reads a run of an enrolment with the step that it was of. The error for
// none is [db.ErrNoRows].
func (s *Service) runOf(q db.Querier, actor authz.Actor, condition string, enrollmentID, which int64) (*lateEnrollment, lateRun, *Step, error) {
	run := lateRun{enrollmentID: enrollmentID}
	var position int64
	err := db.Get(q.Query(`SELECT r.run, r.position, r.fallback_attempts FROM sequence_runs r WHERE r.account_id = $1 AND r.enrollment_id = $2 AND `+condition+` ORDER BY r.run DESC LIMIT 1`,
		actor.AccountID, enrollmentID, which), &run.run, &position, &run.attempts)
	if err != nil {
		return nil, run, nil, fmt.Errorf("reading a run: %w", err)
	}
	e := &lateEnrollment{}
	if e.enrollment, err = get(q.Query(`SELECT `+enrollmentColumns+` FROM sequence_enrollments e WHERE e.account_id = $1 AND e.id = $2`, actor.AccountID, enrollmentID)); err != nil {
		return nil, run, nil, err
	}
	if e.plan, err = planOf(q, actor, e.sequenceID, e.version); err != nil {
		return nil, run, nil, err
	}
	step := e.plan.step(position)
	if step == nil {
		return nil, run, nil, fmt.Errorf("enrolment %d has no step %d", enrollmentID, position)
	}
	return e, run, step, nil
}

// storeLate corrects a run; at is when its fallback is to be sent, nil for never.
func storeLate(tx *db.Tx, actor authz.Actor, run lateRun, r result, at *time.Time) error {
	return tx.Queue(`UPDATE sequence_runs SET outcome = $4, reason = $5, message_id = COALESCE($6::bigint, message_id), fallback_at = $7
		WHERE account_id = $1 AND enrollment_id = $2 AND run = $3`,
		actor.AccountID, run.enrollmentID, run.run, string(r.outcome), orNull(r.reason), r.messageID, at)
}

// lateKind is the work that sends fallbacks; its keys name runs.
const lateKind = "sequence_fallback"

// lateLease is how long a fallback is left to whoever sends it.
const lateLease = 4 * time.Minute

func (s *Service) lateJobs() jobs.Kind {
	return jobs.Kind{Name: lateKind, Concurrency: 4, Timeout: lateLease, Work: s.workLate, Due: s.dueLate}
}

func (s *Service) dueLate(ctx context.Context, limit int) (keys []string, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		keys, err = db.Collect(q.Query(`SELECT account_id, enrollment_id, run FROM sequence_runs WHERE fallback_at <= $1 ORDER BY fallback_at LIMIT $2`, s.Clock(), limit),
			func(r *db.Rows, key *string) {
				var actor authz.Actor
				var run lateRun
				r.Scan(&actor.AccountID, &run.enrollmentID, &run.run)
				*key = run.key(actor)
			})
		return err
	})
	return keys, err
}

// workLate sends the fallback template of one run, once: its message has a reference
// of its own, by which package messaging knows that it was sent.
func (s *Service) workLate(ctx context.Context, key string) error {
	var ids [3]int64
	for i, text := range strings.SplitN(key, ":", len(ids)) {
		var err error
		if ids[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("the key of a job: %w", err)
		}
	}
	r := newRound(s)
	var err error
	if r.actor, err = s.Accounts.Automation(ctx, ids[0]); err != nil {
		return err
	}
	if err := r.look(ctx); err != nil {
		return err
	}
	c, run, err := s.claimLate(ctx, r, ids[1], ids[2])
	if err != nil || c == nil {
		return err
	}
	actor := r.actor
	actor.Enrollment = c.e.id
	with := db.WithCompanion(ctx, func(tx *db.Tx) error {
		var held int64
		err := db.Get(tx.Query(`SELECT run FROM sequence_runs WHERE account_id = $1 AND enrollment_id = $2 AND run = $3 AND fallback_attempts = $4 AND fallback_at IS NOT NULL FOR UPDATE`,
			actor.AccountID, run.enrollmentID, run.run, run.attempts), &held)
		if errors.Is(err, db.ErrNoRows) {
			return errLost
		}
		return err
	})
	receipt, err := s.Messaging.SendTemplate(with, actor, c.template(c.step.Settings.FallbackTemplate, c.lateReference()))
	return s.settleLate(ctx, actor, run, receipt, err)
}

// claimLate takes a fallback that is due; nil when there is none to be sent any more.
func (s *Service) claimLate(ctx context.Context, r *round, enrollmentID, runID int64) (c *claim, run lateRun, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		c = nil
		n, err := tx.Exec(`UPDATE sequence_runs SET fallback_at = $4, fallback_attempts = fallback_attempts + 1
			WHERE account_id = $1 AND enrollment_id = $2 AND run = $3 AND fallback_at <= $5`, r.actor.AccountID, enrollmentID, runID, tx.Now().Add(lateLease), tx.Now())
		if err != nil || n == 0 {
			return err
		}
		e, found, step, err := s.runOf(tx, r.actor, `r.run = $3`, enrollmentID, runID)
		if err != nil {
			return err
		}
		run = found
		lead, err := leads.Find(tx, r.actor, e.leadID)
		if err != nil && !faults.Is(err, faults.NotFound) {
			return err
		}
		if err != nil || !e.mayFallBack() || step.Settings.FallbackTemplate == nil {
			return storeLate(tx, r.actor, run, result{outcome: Skipped, reason: string(messaging.SkipWindowClosed)}, nil)
		}
		c = &claim{e: e.enrollment, p: e.plan, step: step, facts: facts{lead: lead, values: r.values(lead)}}
		return nil
	})
	return c, run, err
}

// settleLate writes down what became of a fallback.
func (s *Service) settleLate(ctx context.Context, actor authz.Actor, run lateRun, receipt messaging.Receipt, err error) error {
	r := result{outcome: Done, reason: becauseFallback}
	if receipt.MessageID != 0 {
		r.messageID = &receipt.MessageID
	}
	problem, called := errors.AsType[*messaging.SendError](err)
	refusal, refused := errors.AsType[*faults.Error](err)
	var wait *time.Duration
	switch {
	case err == nil:
	case errors.Is(err, errLost), refused && refusal.Kind == faults.Conflict:
		return nil // another process has it
	case !called && !refused:
		return err
	case messaging.ReasonOf(err) == messaging.SkipOptedOut, refused && refusal.Kind == faults.NotFound:
		r.outcome, r.reason = Skipped, string(messaging.SkipWindowClosed)
	case called && problem.Outcome == messaging.Unknown:
		r.outcome, r.reason = Unsure, whyNot(err)
	default:
		r.outcome, r.reason = Broken, whyNot(err)
		if passes(err) && run.attempts <= int64(len(repetitions)) {
			wait = &repetitions[run.attempts-1]
		}
	}
	return s.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		var at *time.Time
		if wait != nil {
			at = new(tx.Now().Add(*wait))
			return storeLate(tx, actor, run, result{outcome: r.outcome, reason: r.reason}, at)
		}
		return s.withFate(tx, actor, r, func() error { return storeLate(tx, actor, run, r, nil) })
	})
}

// withFate writes down the result of a step that has sent a message, and then what
// its provider has told of that message meanwhile: until the result is there, such
// news find nothing to correct. It begins the transaction, for a message is held
// before its lead.
func (s *Service) withFate(tx *db.Tx, actor authz.Actor, r result, write func() error) error {
	if r.messageID == nil || r.outcome != Done && r.outcome != Unsure {
		return write()
	}
	told, err := s.Messaging.Held(tx, actor, *r.messageID)
	if err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	if messaging.Status(told.Status) != messaging.StatusFailed && r.outcome == Done {
		return nil
	}
	return s.correctRun(tx, actor, told)
}
