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
	"syncro/internal/leads"
	"syncro/internal/tasks"
)

// errLost tells that a claimed step is no longer this process's to run: its lease
// is over and another has it, or its enrolment has ended. Whatever it was about to
// commit is undone.
var errLost = errors.New("the step is no longer ours")

// perform runs a claimed step and writes down what became of it.
func (c *claim) perform(ctx context.Context, r *round) error {
	actor := r.actor
	actor.Enrollment = c.e.id
	var err error
	switch c.step.Type {
	case Message, Template:
		err = c.send(ctx, r.s, actor)
	case Task:
		err = c.addTask(ctx, r.s, actor)
	case Action:
		err = c.act(ctx, r, actor)
	default:
		err = fmt.Errorf("a step of type %q cannot be run", c.step.Type)
	}
	switch refusal, refused := errors.AsType[*faults.Error](err); {
	case errors.Is(err, errLost):
		return nil
	case refused:
		// What was right when the sequence was saved has changed since.
		return c.fail(ctx, r.s, actor, refusal.Message)
	case err != nil:
		return fmt.Errorf("step %d of enrolment %d: %w", c.step.Position, c.e.id, err)
	}
	return nil
}

// addTask makes the task of a step, in the transaction that goes on behind it.
func (c *claim) addTask(ctx context.Context, s *Service, actor authz.Actor) error {
	settings := &c.step.Settings
	lead := c.facts.lead
	form := input.Form[tasks.CreateFields]{Fields: tasks.CreateFields{
		Subject: input.Of(cut(c.facts.fill(settings.Subject, settings.Fallbacks), maxSubject)), Type: input.Of(settings.Type), LeadID: input.Of(lead.ID),
	}}
	if settings.Priority != "" {
		form.Fields.Priority = input.Of(settings.Priority)
	}
	if settings.Description != "" {
		form.Fields.Description = input.Of(cut(c.facts.fill(settings.Description, settings.Fallbacks), maxDescription))
	}
	assignee := settings.AssignedTo
	if assignee == nil {
		assignee = lead.AssignedTo
	}
	if assignee != nil {
		form.Fields.AssignedTo = input.Of(*assignee)
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		e, err := c.hold(tx, actor)
		if err != nil {
			return err
		}
		form.Fields.DueDate = input.Of(calendar.DateOf(tx.Now(), actor.Location).AddDays(int(settings.DueInDays)))
		task, err := s.Tasks.CreateIn(tx, actor, &form)
		if err != nil {
			return err
		}
		return c.done(tx, s, actor, e, result{outcome: Done, taskID: &task.ID})
	})
}

// The lengths that a task's texts are cut to: what is put in for a placeholder may
// be long.
const (
	maxSubject     = 255
	maxDescription = 2000
)

func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// act changes the lead as a step says, by the rules of the API. The enrolment goes
// on in the transaction of the change.
func (c *claim) act(ctx context.Context, r *round, actor authz.Actor) error {
	settings, leadID := &c.step.Settings, c.facts.lead.ID
	with := db.WithCompanion(ctx, func(tx *db.Tx) error {
		e, err := c.hold(tx, actor)
		if err != nil {
			return err
		}
		return c.done(tx, r.s, actor, e, result{outcome: Done})
	})
	var err error
	switch settings.Action {
	case moveStage:
		var stage int64
		if settings.StageID != nil {
			stage = *settings.StageID
		}
		to, _ := r.board.Stage(stage)
		_, err = r.s.Leads.Move(with, actor, leadID, nil, &input.Form[leads.MoveFields]{
			Fields: leads.MoveFields{StageID: input.Of(stage), PipelineID: input.Of(to.PipelineID)},
		})
		if blocked(err) {
			return c.finish(ctx, r.s, actor, result{outcome: Skipped, reason: "blocked"})
		}
	case addTag:
		_, err = r.s.Leads.AddTags(with, actor, leadID, nil, &input.Form[leads.TagFields]{Fields: leads.TagFields{Tags: input.Of([]string{settings.Tag})}})
	case removeTag:
		_, err = r.s.Leads.RemoveTag(with, actor, leadID, nil, settings.Tag)
	case assignUser:
		owner := input.Field[int64]{Sent: true, Null: true}
		if settings.AssignedTo != nil {
			owner = input.Of(*settings.AssignedTo)
		}
		_, err = r.s.Leads.Update(with, actor, leadID, nil, &input.Form[leads.UpdateFields]{Fields: leads.UpdateFields{Details: leads.Details{AssignedTo: owner}}})
	}
	return err
}

// blocked tells whether a move was refused for pending mandatory tasks.
func blocked(err error) bool {
	refusal, ok := errors.AsType[*faults.Error](err)
	if !ok {
		return false
	}
	for _, m := range refusal.Members {
		if m.Name == "blocked" {
			return true
		}
	}
	return false
}

// locked reads the enrolment of a claim for a change to it. It is [errLost] when
// the run is not this claim's any more.
func (c *claim) locked(tx *db.Tx, actor authz.Actor) (*enrollment, error) {
	// The lead before its enrolment, as everybody does; it may be in the trash.
	if err := tx.Queue(`SELECT id FROM leads WHERE account_id = $1 AND id = $2 FOR SHARE`, actor.AccountID, c.e.leadID); err != nil {
		return nil, err
	}
	e, err := get(tx.Query(`SELECT `+enrollmentColumns+` FROM sequence_enrollments e WHERE e.account_id = $1 AND e.id = $2 FOR UPDATE`, actor.AccountID, c.e.id))
	if errors.Is(err, db.ErrNoRows) {
		return nil, errLost
	}
	if err != nil {
		return nil, err
	}
	if e.run != c.e.run || !e.running {
		return nil, errLost
	}
	return e, nil
}

// hold is locked for a step that is about to do something: an enrolment that has
// ended or was paused since it was claimed does nothing more.
func (c *claim) hold(tx *db.Tx, actor authz.Actor) (*enrollment, error) {
	e, err := c.locked(tx, actor)
	if err == nil && e.status != Active && !c.leftByItself(e) {
		err = errLost
	}
	return e, err
}

// leftByItself tells whether the step's own change has ended the enrolment, in the
// transaction at hand: a move into a won or lost stage.
func (c *claim) leftByItself(e *enrollment) bool {
	return e.status == ExitedWonLost && c.step.Type == Action && c.step.Settings.Action == moveStage
}

// done writes down what a step has led to, and goes on behind it unless the
// enrolment has ended meanwhile.
func (c *claim) done(tx *db.Tx, s *Service, actor authz.Actor, e *enrollment, r result) error {
	if err := logRun(tx, actor, e, c.step, r); err != nil {
		return err
	}
	e.running = false
	if !e.status.live() {
		return store(tx, actor, e, nil)
	}
	var days workdays
	if following := c.p.step(c.step.Position + 1); following != nil && following.SendingHours != nil {
		var err error
		if days, err = restDays(tx, actor); err != nil {
			return err
		}
	}
	return s.advance(tx, actor, c.p, e, c.step.Position+1, days)
}

// finish is done in a transaction of its own, for what has happened outside of any.
func (c *claim) finish(ctx context.Context, s *Service, actor authz.Actor, r result) error {
	return c.record(ctx, s, actor, func(tx *db.Tx, e *enrollment) error { return c.done(tx, s, actor, e, r) })
}

func (c *claim) record(ctx context.Context, s *Service, actor authz.Actor, write func(tx *db.Tx, e *enrollment) error) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		e, err := c.locked(tx, actor)
		if err != nil {
			return err
		}
		return write(tx, e)
	})
}

// fail ends the enrolment because a step cannot be done, in a way that is seen.
func (c *claim) fail(ctx context.Context, s *Service, actor authz.Actor, why string) error {
	return c.failWith(ctx, s, actor, result{outcome: Broken, reason: why})
}

func (c *claim) failWith(ctx context.Context, s *Service, actor authz.Actor, r result) error {
	err := c.record(ctx, s, actor, func(tx *db.Tx, e *enrollment) error {
		if err := logRun(tx, actor, e, c.step, r); err != nil {
			return err
		}
		e.running = false
		if !e.status.live() {
			return store(tx, actor, e, nil)
		}
		return s.end(tx, actor, c.p, e, Failed, r.reason)
	})
	if errors.Is(err, errLost) {
		return nil
	}
	return err
}

// repetitions are the waits before a step that did not go out is tried again; after
// the last one the enrolment has failed. They outlast a night without a connection.
var repetitions = []time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
}

// again has the step tried once more, not before a time that the provider asks for.
func (c *claim) again(ctx context.Context, s *Service, actor authz.Actor, r result, asked time.Duration) error {
	if c.e.attempts >= int64(len(repetitions)) {
		return c.failWith(ctx, s, actor, r)
	}
	return c.record(ctx, s, actor, func(tx *db.Tx, e *enrollment) error {
		e.running = false
		if !e.status.live() {
			return store(tx, actor, e, nil)
		}
		at := tx.Now().Add(max(repetitions[min(e.attempts, int64(len(repetitions)-1))], asked))
		e.attempts++
		e.lastError, e.nextStepAt = r.reason, &at
		if e.status == Paused {
			return store(tx, actor, e, nil)
		}
		return store(tx, actor, e, &at)
	})
}
