package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/timeline"
)

// Service runs the operations on tasks.
type Service struct {
	db    *db.DB
	log   *events.Log
	clock func() time.Time
}

// New makes the service; clock is the one of the database's transactions.
func New(d *db.DB, log *events.Log, clock func() time.Time) *Service { return &Service{d, log, clock} }

// What is refused of a mandatory task.
const (
	notTransferable = "Tarefa obrigatória da etapa não pode ser transferida para outro lead."
	notDeletable    = "Tarefa obrigatória da etapa não pode ser excluída."
)

// unknown is the refusal for a task that is not there.
func unknown() error { return faults.Unknown("Tarefa", "a") }

// List gives the tasks of a filter from place offset on, soonest due first, and
// how many there are in all.
func (s *Service) List(ctx context.Context, actor authz.Actor, f Filter, limit, offset int64) ([]Task, int64, error) {
	now := s.clock()
	tasks, total := []Task{}, int64(0)
	err := s.db.Read(ctx, func(q db.Querier) error {
		var err error
		tasks, total, err = list(q, actor, f, limit, offset, now)
		return err
	})
	return tasks, total, err
}

// Get gives a task.
func (s *Service) Get(ctx context.Context, actor authz.Actor, id int64) (Task, error) {
	now := s.clock()
	var task Task
	err := s.db.Read(ctx, func(q db.Querier) error {
		r, err := find(q, actor, id)
		task = r.shown(now, actor.Location)
		return err
	})
	return task, err
}

// Create makes a pending task.
func (s *Service) Create(ctx context.Context, actor authz.Actor, form *input.Form[CreateFields]) (task Task, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		task, err = s.CreateIn(tx, actor, form)
		return err
	})
	return task, err
}

// CreateIn makes a pending task in a transaction of the caller's. A refusal of the
// form leaves the transaction as it was.
func (s *Service) CreateIn(tx *db.Tx, actor authz.Actor, form *input.Form[CreateFields]) (Task, error) {
	whole := copied(form)
	f, now := form.Fields, calendar.Instant{Time: tx.Now()}
	r := record{Task: Task{
		Subject: f.Subject.Value, Description: f.Description.Ptr(), Type: f.Type.Value, Status: Pending, Priority: defaultPriority,
		DueDate: f.DueDate.Value, DueTime: f.DueTime.Ptr(), Notes: f.Notes.Ptr(), CreatedAt: now, UpdatedAt: now, Version: 1,
	}}
	if f.Priority.Given() {
		r.Priority = f.Priority.Value
	}
	if err := r.refer(tx, actor, f.LeadID.Ptr(), f.AssignedTo.Ptr(), &whole.Problems); err != nil {
		return Task{}, err
	}
	if err := whole.Err(); err != nil {
		return Task{}, err
	}
	if err := insert(tx, actor, &r); err != nil {
		return Task{}, err
	}
	task := r.shown(tx.Now(), actor.Location)
	return task, s.tell(tx, actor, Facts{After: &task}, nil, events.TaskCreated)
}

// Update changes what is sent of a task. With expected, only that version of it.
func (s *Service) Update(ctx context.Context, actor authz.Actor, id int64, expected *int64, form *input.Form[UpdateFields]) (Task, error) {
	var task Task
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		r, err := lock(tx, actor, id)
		if err != nil {
			return err
		}
		before, f, whole := r, form.Fields, copied(form)
		if err := r.refer(tx, actor, f.LeadID.Ptr(), f.AssignedTo.Ptr(), &whole.Problems); err != nil {
			return err
		}
		if err := whole.Err(); err != nil {
			return err
		}
		if err := current(tx, actor, &r, expected); err != nil {
			return err
		}
		r.apply(f, tx.Now())
		changes := differences(&before.Task, &r.Task)
		if len(changes) == 0 {
			task = before.shown(tx.Now(), actor.Location)
			return nil
		}
		if !same(before.LeadID, r.LeadID) {
			if before.mandatory() {
				return faults.New(faults.Refused, notTransferable)
			}
			r.requirementID, r.stageVisit = nil, nil
		}
		r.Version++
		r.UpdatedAt = calendar.Instant{Time: tx.Now()}
		task = r.shown(tx.Now(), actor.Location)
		return s.save(tx, actor, &before, &r, changes)
	})
	return task, err
}

// save writes a changed task and what is to be remembered of the change.
func (s *Service) save(tx *db.Tx, actor authz.Actor, before, after *record, changes []timeline.Change) error {
	if err := update(tx, actor, after); err != nil {
		return err
	}
	if err := timeline.RecordChange(tx, actor, timeline.Task, after.ID, after.Version, changes); err != nil {
		return err
	}
	was, is := before.shown(tx.Now(), actor.Location), after.shown(tx.Now(), actor.Location)
	return s.tell(tx, actor, Facts{&was, &is}, changes, happened(&was, &is, changes)...)
}

// Complete makes a task completed, which it may be already.
func (s *Service) Complete(ctx context.Context, actor authz.Actor, id int64, expected *int64) (Task, error) {
	return s.Update(ctx, actor, id, expected, &input.Form[UpdateFields]{Fields: UpdateFields{Status: input.Of(Completed)}})
}

// Reopen makes a task pending again, which it may be already.
func (s *Service) Reopen(ctx context.Context, actor authz.Actor, id int64, expected *int64) (Task, error) {
	return s.Update(ctx, actor, id, expected, &input.Form[UpdateFields]{Fields: UpdateFields{Status: input.Of(Pending)}})
}

// Delete removes a task for good.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, id int64, expected *int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		r, err := lock(tx, actor, id)
		if err != nil {
			return err
		}
		if err := current(tx, actor, &r, expected); err != nil {
			return err
		}
		if r.mandatory() {
			return faults.New(faults.Refused, notDeletable)
		}
		return s.discard(tx, actor, &r)
	})
}

// discard removes a task that is locked, and tells of it.
func (s *Service) discard(tx *db.Tx, actor authz.Actor, r *record) error {
	if err := remove(tx, actor, r.ID); err != nil {
		return err
	}
	if err := timeline.Forget(tx, actor, timeline.Task, r.ID); err != nil {
		return err
	}
	was := r.shown(tx.Now(), actor.Location)
	return s.tell(tx, actor, Facts{Before: &was}, nil, events.TaskDeleted)
}

// refer points the task to the lead and the user that were sent; problems gets
// those that the account does not have.
func (r *record) refer(tx *db.Tx, actor authz.Actor, leadID, userID *int64, problems *faults.Bag) error {
	if leadID != nil {
		switch lead, visit, err := lockLead(tx, actor, *leadID); {
		case err == nil:
			r.LeadID, r.Lead, r.leadVisit = &lead.ID, &lead, &visit
		case errors.Is(err, db.ErrNoRows):
			problems.Selected("lead_id")
		default:
			return fmt.Errorf("looking up lead %d: %w", *leadID, err)
		}
	}
	if userID != nil {
		switch user, err := holdUser(tx, actor, *userID); {
		case err == nil:
			r.AssignedTo, r.AssignedUser = &user.ID, &user
		case errors.Is(err, db.ErrNoRows):
			problems.Selected("assigned_to")
		default:
			return fmt.Errorf("looking up user %d: %w", *userID, err)
		}
	}
	return nil
}

// apply sets what was sent, except for what refer has set.
func (r *record) apply(f UpdateFields, now time.Time) {
	set(&r.Subject, f.Subject)
	set(&r.Type, f.Type)
	set(&r.Priority, f.Priority)
	set(&r.DueDate, f.DueDate)
	setOrClear(&r.DueTime, f.DueTime)
	setOrClear(&r.Description, f.Description)
	setOrClear(&r.Notes, f.Notes)
	if f.LeadID.Cleared() {
		r.LeadID, r.Lead, r.leadVisit = nil, nil, nil
	}
	if f.AssignedTo.Cleared() {
		r.AssignedTo, r.AssignedUser = nil, nil
	}
	if f.Status.Given() && f.Status.Value != r.Status {
		r.Status, r.CompletedAt = f.Status.Value, nil
		if r.Status == Completed {
			r.CompletedAt = &calendar.Instant{Time: now}
		}
	}
}

func set[T any](field *T, sent input.Field[T]) {
	if sent.Given() {
		*field = sent.Value
	}
}

func setOrClear[T any](field **T, sent input.Field[T]) {
	if sent.Sent {
		*field = sent.Ptr()
	}
}

// differences lists the fields in which two versions of a task differ. That a
// completed task has a time is part of its status.
func differences(x, y *Task) []timeline.Change {
	var changes []timeline.Change
	add := func(differ bool, field string, before, after any) {
		if differ {
			changes = append(changes, timeline.Change{Field: field, Old: before, New: after})
		}
	}
	add(x.Subject != y.Subject, "subject", x.Subject, y.Subject)
	add(!same(x.Description, y.Description), "description", x.Description, y.Description)
	add(x.Type != y.Type, "type", x.Type, y.Type)
	add(x.Status != y.Status, "status", x.Status, y.Status)
	add(x.Priority != y.Priority, "priority", x.Priority, y.Priority)
	add(x.DueDate != y.DueDate, "due_date", x.DueDate, y.DueDate)
	add(!same(x.DueTime, y.DueTime), "due_time", x.DueTime, y.DueTime)
	add(!same(x.LeadID, y.LeadID), "lead_id", x.LeadID, y.LeadID)
	add(!same(x.AssignedTo, y.AssignedTo), "assigned_to", x.AssignedTo, y.AssignedTo)
	add(!same(x.Notes, y.Notes), "notes", x.Notes, y.Notes)
	return changes
}

func same[T comparable](x, y *T) bool {
	return x == y || (x != nil && y != nil && *x == *y)
}

// current refuses a change that was meant for another version of the task.
func current(tx *db.Tx, actor authz.Actor, r *record, expected *int64) error {
	if expected == nil || *expected == r.Version {
		return nil
	}
	return timeline.Stale(tx, actor, timeline.Task, r.ID, *expected, r.Version)
}

// copied is a form to add what look-ups find to: a transaction may run twice.
func copied[T any](form *input.Form[T]) input.Form[T] {
	whole := *form
	whole.Problems = form.Problems.Clone()
	return whole
}
