package operations

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
)

// jobName is the kind of job that does the slices. Its keys are "account:operation".
const jobName = "operation_work"

const (
	// atOnce is how many operations a process works on at once: the slices of more
	// would only wait for each other and hold up requests.
	atOnce = 2
	// turn is how long an operation is worked on before others have their turn.
	turn = 30 * time.Second
	// workLimit ends a job: the turn, and a slice at its end.
	workLimit = turn + time.Minute
	// lease is how long after a slice the worker is taken for dead. It is far more
	// than a slice takes, and for that long an operation rests after a crash.
	lease = 10 * time.Second
	// maxAttempts is how often in a row a slice may fail for no reason of its own.
	maxAttempts = 5
	// undoSlice is how many changes one transaction takes back. On SQLite nobody else
	// writes meanwhile.
	undoSlice = 100
)

// Kinds is the work that does slices.
func (s *Service) Kinds() []jobs.Kind {
	return []jobs.Kind{{Name: jobName, Concurrency: atOnce, Timeout: workLimit, Work: s.work, Due: func(ctx context.Context, limit int) (keys []string, err error) {
		err = s.db.Read(ctx, func(q db.Querier) error {
			keys, err = due(q, s.Clock(), limit)
			return err
		})
		return keys, err
	}}}
}

func keyOf(account, id int64) string { return fmt.Sprintf("%d:%d", account, id) }

// work does slices of an operation until nothing is left, its turn is over or
// another worker has it.
func (s *Service) work(ctx context.Context, key string) error {
	accountText, idText, _ := strings.Cut(key, ":")
	account, err1 := strconv.ParseInt(accountText, 10, 64)
	id, err2 := strconv.ParseInt(idText, 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("the key of a job: %w", err)
	}
	begun := s.Clock()
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = s.slice(ctx, account, id); err != nil {
			return err
		}
		if more && s.Clock().Sub(begun) > turn {
			return s.yield(ctx, account, id)
		}
	}
	return nil
}

// yield puts an operation at the end of the queue.
func (s *Service) yield(ctx context.Context, account, id int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		return s.Queue.Enqueue(tx, jobName, keyOf(account, id), tx.Now())
	})
}

// slice does the next part of an operation and tells whether there may be more.
func (s *Service) slice(ctx context.Context, account, id int64) (more bool, err error) {
	actor, err := s.Accounts.Automation(ctx, account)
	if err != nil {
		return false, err
	}
	var o *Operation
	err = s.db.Read(ctx, func(q db.Querier) error {
		o, err = find(q, actor, "", id, "")
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if o.CreatedBy != nil {
		actor.UserID = *o.CreatedBy
	}
	var next Slice
	switch o.State {
	case Queued, Running:
		kind, ok := s.kinds[o.Kind]
		if !ok {
			return false, fmt.Errorf("operation %d is of the unknown kind %q", id, o.Kind)
		}
		next, err = kind.Next(ctx, actor, *o)
	case Undoing:
		next, err = s.undo(ctx, actor)
	default:
		return false, nil
	}
	if err == nil {
		more, err = s.perform(ctx, actor, o, next)
	}
	if err != nil {
		return s.failed(ctx, actor, o, err)
	}
	return more, nil
}

// perform commits a slice.
func (s *Service) perform(ctx context.Context, actor authz.Actor, seen *Operation, next Slice) (more bool, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		o, err := find(tx, actor, "", seen.ID, claimed)
		if errors.Is(err, db.ErrNoRows) {
			more = false // another worker has it
			return nil
		}
		if err != nil {
			return err
		}
		if o.State != seen.State || o.Position != seen.Position || !same(o.undoFrom, seen.undoFrom) {
			more = false // another worker is at it, or somebody has ended the work
			return nil
		}
		run := &Run{Operation: *o}
		if o.State == Queued {
			now, until := tx.Now(), tx.Now().Add(undoable)
			run.State, run.StartedAt, run.UndoableUntil = Running, &now, &until
		}
		if err := next(tx, run); err != nil {
			return err
		}
		if err := journal(tx, actor, run.ID, run.items); err != nil {
			return err
		}
		run.attempts = 0
		now := tx.Now()
		due := now.Add(lease)
		if !run.finished {
			more = true
			return save(tx, actor, &run.Operation, &due)
		}
		more = false
		if run.FinishedAt = &now; run.State == Undoing {
			run.State = Undone
		} else {
			run.State = Done
		}
		return save(tx, actor, &run.Operation, nil)
	})
	return more, err
}

func same(a, b *int64) bool { return a == b || (a != nil && b != nil && *a == *b) }

// failed notes that a slice could not be done: for a reason of the operation's own,
// or for another, with which it is tried again some times. The error is the latter.
func (s *Service) failed(ctx context.Context, actor authz.Actor, seen *Operation, cause error) (more bool, err error) {
	var refusal *faults.Error
	refused := errors.As(cause, &refusal) && seen.State != Undoing
	err = s.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		o, err := find(tx, actor, "", seen.ID, claimed)
		if errors.Is(err, db.ErrNoRows) || (err == nil && o.State != seen.State) {
			return nil
		}
		if err != nil {
			return err
		}
		o.attempts++
		now := tx.Now()
		if refused || o.attempts >= maxAttempts {
			o.State, o.Error, o.FinishedAt = Failed, "Erro interno do servidor.", &now
			if refused {
				o.Error = refusal.Message
			}
			return save(tx, actor, o, nil)
		}
		later := now.Add(time.Duration(o.attempts*o.attempts) * time.Second)
		return save(tx, actor, o, &later)
	})
	if !refused {
		err = errors.Join(fmt.Errorf("operation %d: %w", seen.ID, cause), err)
	}
	return false, err
}

// undo prepares the slice that takes back the newest changes that are left.
func (s *Service) undo(ctx context.Context, actor authz.Actor) (Slice, error) {
	revert, err := s.Leads.Revert(ctx, actor)
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx, run *Run) error {
		changes, err := changesBelow(tx, actor, run.ID, *run.undoFrom, undoSlice)
		if err != nil {
			return err
		}
		for _, c := range changes {
			undo, message, kept := "reverted", "", []string(nil)
			err := tx.Attempt(func() error {
				r, err := revert(tx, c.lead, c.version)
				if kept = r.Kept; len(kept) > 0 {
					if undo = "kept"; r.Changed {
						undo = "partly"
					}
				}
				return err
			})
			var refusal *faults.Error
			switch {
			case errors.As(err, &refusal):
				undo, message = "failed", refusal.Message
			case err != nil:
				return err
			}
			if undo == "reverted" || undo == "partly" {
				run.Reverted++
			}
			if undo != "reverted" {
				run.Kept++
			}
			if err := markUndone(tx, actor, run.ID, c.number, undo, message, kept); err != nil {
				return err
			}
			run.undoFrom = &c.number
		}
		if len(changes) < undoSlice {
			run.Finish()
		}
		return nil
	}, nil
}
