package leads

import (
	"context"
	"errors"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// Writer prepares writes of leads against one snapshot of the account's setup: a
// request has one for its one write, a batch one for all of its writes. It is used
// by one goroutine.
type Writer struct {
	service *Service
	actor   authz.Actor
	setup   setup
	renewed bool
}

// Written is a lead as a write has left it.
type Written struct {
	Lead    *Lead
	Created bool
}

// Write is a write whose form has been looked up. Run does it in a transaction of
// the caller's, who holds its Locks ([db.Tx.LockKeys]). Its refusals may come after
// something was written: the caller ends the transaction, or the attempt, with them.
type Write struct {
	Locks []string
	Run   func(tx *db.Tx) (Written, error)
}

// Writer makes a writer.
func (s *Service) Writer(ctx context.Context, actor authz.Actor) (*Writer, error) {
	u, err := s.setup(ctx, actor)
	return &Writer{service: s, actor: actor, setup: u}, err
}

// Outdated tells whether an error of a Run means that the account's setup has
// changed since it was read; after Renew the write can be run again.
func Outdated(err error) bool { return errors.Is(err, errOutdated) }

// Renew reads the setup anew. What has been prepared uses it from then on.
func (w *Writer) Renew(ctx context.Context) (err error) {
	w.renewed = true
	w.setup, err = w.service.renewed(ctx, w.actor)
	return err
}

// lookUp checks the references of a form and adds what is wrong to its problems.
// The stage has to be of the pipeline; without a pipeline it may be of any. A
// snapshot that lacks something is renewed once.
func (w *Writer) lookUp(ctx context.Context, pipelineID, stageID input.Field[int64], details *Details, problems *faults.Bag) (draft, error) {
	var found faults.Bag
	d := w.setup.lookUp(pipelineID, stageID, details, &found)
	if !found.Empty() && !w.renewed {
		if err := w.Renew(ctx); err != nil {
			return d, err
		}
		found = faults.Bag{}
		d = w.setup.lookUp(pipelineID, stageID, details, &found)
	}
	for _, p := range found.Problems() {
		problems.Add(p.Field, p.Message)
	}
	return d, nil
}

// one does a single write in a transaction of its own.
func (s *Service) one(ctx context.Context, actor authz.Actor, prepare func(w *Writer) (Write, error)) (w *Writer, done Written, err error) {
	if w, err = s.Writer(ctx, actor); err != nil {
		return w, done, err
	}
	write, err := prepare(w)
	if err != nil {
		return w, done, err
	}
	err = s.write(ctx, actor, &w.setup, func(tx *db.Tx) error {
		if err := tx.LockKeys(write.Locks...); err != nil {
			return err
		}
		done, err = write.Run(tx)
		return err
	})
	return w, done, err
}

// onLead is the write of one lead: the record, then the form, then the
// precondition, then the change.
func (w *Writer) onLead(id int64, expected *int64, check func() error, change func(tx *db.Tx, l *Lead) error) Write {
	return Write{Run: func(tx *db.Tx) (Written, error) {
		l, err := w.service.claim(tx, w.actor, id, expected, check)
		if err != nil {
			return Written{}, err
		}
		return Written{Lead: l}, change(tx, l)
	}}
}
