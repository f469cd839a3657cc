package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/jobs"
	"syncro/internal/leads"
)

// Kind is a kind of operation, declared by the feature that it belongs to.
type Kind struct {
	// Name never changes once there are operations of the kind.
	Name string
	// Next prepares the next slice of an operation, outside of any transaction: it
	// may read files and the account's setup. The slice that it gives runs in a
	// transaction, perhaps twice, and only if the operation still stands at op's
	// Position. A refusal (of package faults) of either ends the operation as failed;
	// any other error is tried again.
	Next func(ctx context.Context, actor authz.Actor, op Operation) (Slice, error)
}

// Slice does a part of an operation in a transaction. It tells the run what became
// of each item and moves its Position; at the end of the work it calls Finish.
type Slice func(tx *db.Tx, run *Run) error

// Run is a slice under way. Its operation is the slice's to change: Position, and
// Total while it is not known yet.
type Run struct {
	Operation
	items    []Item
	finished bool
}

// Note says what became of an item.
func (r *Run) Note(item Item) {
	r.Done++
	switch item.Outcome {
	case Unchanged:
		return
	case Failure:
		r.Failed++
	default:
		r.Changed++
	}
	r.items = append(r.items, item)
}

// Finish says that nothing is left.
func (r *Run) Finish() { r.finished = true }

// Service keeps operations and does their work.
type Service struct {
	Options
	db    *db.DB
	kinds map[string]Kind
}

// Options are what a [Service] needs of the rest of the program.
type Options struct {
	Accounts *accounts.Service
	Leads    *leads.Service
	Queue    *jobs.Queue
	Clock    func() time.Time
}

// New makes the service. Kinds are registered before the program serves.
func New(d *db.DB, o Options) *Service { return &Service{Options: o, db: d, kinds: map[string]Kind{}} }

// Register declares a kind.
func (s *Service) Register(k Kind) { s.kinds[k.Name] = k }

// Start makes an operation, in the caller's transaction, and leaves it to the job.
func (s *Service) Start(tx *db.Tx, actor authz.Actor, kind string, parameters any, total int64) (*Operation, error) {
	text, err := json.Marshal(parameters)
	if err != nil {
		return nil, fmt.Errorf("the parameters of an operation: %w", err)
	}
	o := &Operation{Kind: kind, State: Queued, Parameters: text, Total: total, CreatedBy: actor.PerformedBy(), CreatedAt: tx.Now()}
	if err := insert(tx, actor, o); err != nil {
		return nil, fmt.Errorf("storing an operation: %w", err)
	}
	return o, s.Queue.Enqueue(tx, jobName, keyOf(actor.AccountID, o.ID), tx.Now())
}

// Get gives an operation of a kind.
func (s *Service) Get(ctx context.Context, actor authz.Actor, kind string, id int64) (o *Operation, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		o, err = found(find(q, actor, kind, id, ""))
		return err
	})
	return o, err
}

// Some gives those of the account's operations that have these ids, by id.
func (s *Service) Some(ctx context.Context, actor authz.Actor, ids []int64) (map[int64]*Operation, error) {
	byID := make(map[int64]*Operation, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	err := s.db.Read(ctx, func(q db.Querier) error {
		all, err := some(q, actor, ids)
		for i := range all {
			byID[all[i].ID] = &all[i]
		}
		return err
	})
	return byID, err
}

func found(o *Operation, err error) (*Operation, error) {
	if errors.Is(err, db.ErrNoRows) {
		return nil, unknown()
	}
	return o, err
}

// List gives a page of the operations of a kind, newest first.
func (s *Service) List(ctx context.Context, actor authz.Actor, kind string, page api.Page) (found []Operation, total int64, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		found, total, err = list(q, actor, kind, page)
		return err
	})
	return found, total, err
}

// Items gives a page of what became of an operation's items, in their order.
func (s *Service) Items(ctx context.Context, actor authz.Actor, kind string, id int64, which Selected, page api.Page) (views []ItemView, total int64, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		if _, err := found(find(q, actor, kind, id, "")); err != nil {
			return err
		}
		views, total, err = items(q, actor, id, which, page)
		return err
	})
	return views, total, err
}

// Cancel ends an operation behind the slice that is under way. What it has done
// stays, and can be undone.
func (s *Service) Cancel(ctx context.Context, actor authz.Actor, kind string, id int64) (*Operation, error) {
	return s.change(ctx, actor, kind, id, func(tx *db.Tx, o *Operation) error {
		if o.State != Queued && o.State != Running {
			return faults.New(faults.Conflict, "A operação não está em andamento.")
		}
		now := tx.Now()
		o.State, o.FinishedAt = Cancelled, &now
		return save(tx, actor, o, nil)
	})
}

// Undo begins to take back what an operation has changed.
func (s *Service) Undo(ctx context.Context, actor authz.Actor, kind string, id int64) (*Operation, error) {
	return s.change(ctx, actor, kind, id, func(tx *db.Tx, o *Operation) error {
		switch {
		case o.State == Queued || o.State == Running:
			return faults.New(faults.Conflict, "A operação ainda está em andamento. Cancele-a antes de desfazê-la.")
		case o.State == Undoing || o.State == Undone:
			return faults.New(faults.Conflict, "A operação já foi desfeita.")
		case o.UndoableUntil == nil:
			return faults.New(faults.Conflict, "A operação não alterou nada.")
		case o.UndoableUntil.Before(tx.Now()):
			return faults.New(faults.Conflict, "O prazo de 30 dias para desfazer a operação terminou.")
		}
		if o.undoFrom == nil { // else an undo has failed, and goes on where it stood
			everything := int64(1) << 62
			o.undoFrom = &everything
		}
		now := tx.Now()
		o.State, o.FinishedAt, o.Error, o.attempts = Undoing, nil, "", 0
		if err := save(tx, actor, o, &now); err != nil {
			return err
		}
		return s.Queue.Enqueue(tx, jobName, keyOf(actor.AccountID, o.ID), now)
	})
}

func (s *Service) change(ctx context.Context, actor authz.Actor, kind string, id int64, fn func(tx *db.Tx, o *Operation) error) (o *Operation, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if o, err = found(find(tx, actor, kind, id, held)); err != nil {
			return err
		}
		return fn(tx, o)
	})
	return o, err
}
