package sequences

import (
	"encoding/json"
	"time"

	"syncro/internal/leads"
)

// Status is how an enrolment stands.
type Status string

// The statuses (companion-api.md section 7).
const (
	Active            Status = "active"
	Paused            Status = "paused"
	Completed         Status = "completed"
	ExitedManual      Status = "exited_manual"
	ExitedReply       Status = "exited_reply"
	ExitedStageChange Status = "exited_stage_change"
	ExitedWonLost     Status = "exited_won_lost"
	ExitedOptOut      Status = "exited_opt_out"
	ExitedDeleted     Status = "exited_deleted"
	Failed            Status = "failed"
)

// live tells whether the enrolment has not ended.
func (s Status) live() bool { return s == Active || s == Paused }

// enrollment is where a lead stands in a sequence.
type enrollment struct {
	id, leadID, sequenceID int64
	version                int64
	status                 Status
	position               int64      // of the step that comes next
	previousAt             time.Time  // when the step before it ran
	nextStepAt             *time.Time // when that step is to run; while waiting, when it stops to
	waiting                bool       // a wait_reply step holds it
	repliedAt              *time.Time
	run                    int64 // counts the runs of steps
	running                bool  // that run is under way
	attempts               int64 // of this step that failed and may be repeated
	lastError              string
	createdAt              time.Time
	endedAt                *time.Time
	shown                  json.RawMessage // its lead as events show it, where that is at hand
}

// repliedSince tells whether the lead has replied since the step before ran.
func (e *enrollment) repliedSince() bool {
	return e.repliedAt != nil && !e.repliedAt.Before(e.previousAt)
}

// occurrence is what has just happened to a lead.
type occurrence uint8

const (
	nothing occurrence = iota
	replied
	moved  // to another stage
	closed // moved into a won or lost stage
)

// facts are what a decision rests on besides the sequence and the enrolment.
type facts struct {
	lead     *leads.Lead // nil when it is in the trash
	happened occurrence
	days     workdays
	values   values
}

// deed is what is to be done with an enrolment.
type deed uint8

const (
	rest     deed = iota // nothing, and nothing is planned: it has ended, is paused or held
	sleep                // nothing before the decision's time
	run                  // the step
	await                // hold it for a reply until the decision's time
	jump                 // go on at the decision's position
	exit                 // end it with the decision's status
	complete             // it has come to its end
)

// decision is what is to be done with an enrolment, and why.
type decision struct {
	do     deed
	step   *Step
	at     time.Time
	to     int64
	status Status
	reason reason
}

// reason is why a decision was taken.
type reason string

const (
	becauseEnded        reason = "ended"
	becausePaused       reason = "paused"
	becauseInactive     reason = "sequence_inactive"
	becauseDelay        reason = "delay"
	becauseHours        reason = "sending_hours"
	becauseRestDays     reason = "no_sending_day"
	becauseRetry        reason = "retry"
	becauseNoReply      reason = "waiting_reply"
	becauseReplied      reason = "replied"
	becauseTimeout      reason = "timeout"
	becauseHolds        reason = "condition_true"
	becauseDoesNotHold  reason = "condition_false"
	becauseDue          reason = "due"
	becauseRunning      reason = "running"
	becauseOver         reason = "no_more_steps"
	becauseLeadGone     reason = "lead_deleted"
	becauseOptedOut     reason = "opted_out"
	becauseClosed       reason = "won_or_lost"
	becauseMoved        reason = "stage_changed"
	becauseSequenceGone reason = "sequence_deleted"
)

// lookAgain is when a sequence without any day to run on is looked at again.
const lookAgain = 24 * time.Hour

// next decides what is to be done with an enrolment now. It is the one place that
// knows the rules; it reads nothing and changes nothing.
func next(p *plan, e *enrollment, f *facts, now time.Time) decision {
	if !e.status.live() {
		return decision{do: rest, reason: becauseEnded}
	}
	if d := leaving(p, e, f); d.do == exit {
		return d
	}
	switch {
	case e.status == Paused:
		return decision{do: rest, reason: becausePaused}
	case !p.active:
		return decision{do: rest, reason: becauseInactive}
	case e.running:
		return decision{do: rest, step: p.step(e.position), reason: becauseRunning}
	}
	step := p.step(e.position)
	switch {
	case step == nil:
		return decision{do: complete, status: Completed, reason: becauseOver}
	case e.waiting:
		return stillWaiting(p, e, step, now)
	}
	if at, why := due(step, e, f, now); at.After(now) {
		return decision{do: sleep, step: step, at: at, reason: why}
	}
	switch step.Type {
	case WaitReply:
		if e.repliedSince() {
			return decision{do: jump, step: step, to: p.branch(step.Position, step.Settings.OnReplyStep), reason: becauseReplied}
		}
		return decision{do: await, step: step, at: now.Add(time.Duration(step.Settings.TimeoutMinutes) * time.Minute), reason: becauseNoReply}
	case Condition:
		if step.Settings.holds(f) {
			return decision{do: jump, step: step, to: p.branch(step.Position, step.Settings.ThenStep), reason: becauseHolds}
		}
		return decision{do: jump, step: step, to: p.branch(step.Position, step.Settings.ElseStep), reason: becauseDoesNotHold}
	default:
		return decision{do: run, step: step, reason: becauseDue}
	}
}

// leaving decides whether the enrolment ends before its time. That goes before
// everything else: a paused one, and one of an inactive sequence, can be left.
func leaving(p *plan, e *enrollment, f *facts) decision {
	left := func(status Status, why reason) decision { return decision{do: exit, status: status, reason: why} }
	switch {
	case f.lead == nil || f.lead.MergedInto != nil:
		return left(ExitedDeleted, becauseLeadGone)
	case f.lead.OptedOutAt != nil:
		return left(ExitedOptOut, becauseOptedOut)
	case f.happened == closed:
		return left(ExitedWonLost, becauseClosed)
	case f.happened == moved && p.exitOnStageChange:
		return left(ExitedStageChange, becauseMoved)
	case f.happened == replied && p.exitOnReply && !p.takesReplies(e):
		return left(ExitedReply, becauseReplied)
	case p.deleted:
		return left(ExitedManual, becauseSequenceGone)
	default:
		return decision{}
	}
}

// takesReplies tells whether a reply is what the enrolment is after: its step, or
// the one behind a message that is going out just now, waits for it. Such a reply
// is no reason to leave.
func (p *plan) takesReplies(e *enrollment) bool {
	at := e.position
	if e.running {
		at++
	}
	step := p.step(at)
	return step != nil && step.Type == WaitReply
}

// stillWaiting decides about an enrolment that a wait_reply step holds.
func stillWaiting(p *plan, e *enrollment, step *Step, now time.Time) decision {
	switch {
	case e.repliedSince():
		return decision{do: jump, step: step, to: p.branch(step.Position, step.Settings.OnReplyStep), reason: becauseReplied}
	case e.nextStepAt == nil || !now.Before(*e.nextStepAt):
		return decision{do: jump, step: step, to: p.branch(step.Position, step.Settings.OnTimeoutStep), reason: becauseTimeout}
	default:
		return decision{do: sleep, step: step, at: *e.nextStepAt, reason: becauseNoReply}
	}
}

// due is when the step may run, now at the earliest, and what keeps it until then.
func due(step *Step, e *enrollment, f *facts, now time.Time) (time.Time, reason) {
	at, why := now, becauseDue
	if e.nextStepAt != nil && e.nextStepAt.After(now) {
		at, why = *e.nextStepAt, becauseDelay
		switch {
		case e.attempts > 0:
			why = becauseRetry
		case step.SendingHours != nil && at.After(e.previousAt.Add(step.delay())):
			why = becauseHours // the wait ends before
		}
	}
	opens, ok := step.SendingHours.opens(at, f.days)
	switch {
	case !ok:
		return now.Add(lookAgain), becauseRestDays
	case opens.After(at):
		return opens, becauseHours
	default:
		return at, why
	}
}

// begin is when the step at a position is to run if the one before it ran at a
// time; false when there is no such step, for the sequence is over.
func (p *plan) begin(position int64, previous time.Time, days workdays) (time.Time, bool) {
	step := p.step(position)
	if step == nil {
		return time.Time{}, false
	}
	at := previous.Add(step.delay())
	if opens, ok := step.SendingHours.opens(at, days); ok {
		at = opens
	}
	return at, true
}
