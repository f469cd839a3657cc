package leads

import (
	"context"
	"errors"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// Selected reads the ids of the leads that filters select, in ascending order, all
// of them from one state of the database.
func (s *Service) Selected(ctx context.Context, actor authz.Actor, f *Criteria) (ids []int64, err error) {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(q db.Querier) error {
		selected := f.selection(actor, s.db.Engine(), u.board)
		if ids = nil; selected.none {
			return nil
		}
		if err := selected.resolveMergedTags(q, actor); err != nil {
			return err
		}
		if s.db.Engine() == db.SQLite && (len(selected.tags) > 0 || selected.term != nil) {
			set, err := selected.set(q, actor, &s.searches)
			if err != nil {
				return err
			}
			selected.where = append(selected.where, "id = ANY("+selected.arg(set.page(0, set.count()))+")")
		}
		ids, err = db.Column[int64](q.Query(`SELECT id FROM leads WHERE account_id = $1 AND `+selected.sql()+` ORDER BY id`, selected.args...))
		return err
	})
	return ids, err
}

// Change is what is done with each of many leads.
type Change func(tx *db.Tx, l *Lead) error

// Moving prepares the change of [Service.Move] for many leads. Like those below, it
// has the references of the form looked up, which is then asked for its problems.
func (w *Writer) Moving(ctx context.Context, form *input.Form[MoveFields]) (Change, error) {
	d, err := w.lookUp(ctx, form.Fields.PipelineID, form.Fields.StageID, nil, &form.Problems)
	return func(tx *db.Tx, l *Lead) error { return w.move(tx, l, d.stage) }, err
}

// Updating prepares the change of [Service.Update] for many leads.
func (w *Writer) Updating(ctx context.Context, form *input.Form[UpdateFields]) (Change, error) {
	f := &form.Fields
	d, err := w.lookUp(ctx, f.PipelineID, f.StageID, &f.Details, &form.Problems)
	return func(tx *db.Tx, l *Lead) error {
		if err := requireStage(form, l); err != nil {
			return err
		}
		return w.update(tx, d, l, f)
	}, err
}

// Tagging is the change of [Service.AddTags] for many leads.
func (w *Writer) Tagging(names []string) Change {
	return func(tx *db.Tx, l *Lead) error { return w.addTags(tx, l, names) }
}

// Untagging is the change of [Service.RemoveTag] for many leads.
func (w *Writer) Untagging(names []string) Change {
	return func(tx *db.Tx, l *Lead) error { return w.removeTags(tx, l, names) }
}

// Removing is the change of [Service.Delete] for many leads.
func (w *Writer) Removing() Change { return w.remove }

// Changed is what has become of one of many leads: its version, if it was changed,
// or the refusal.
type Changed struct {
	LeadID  int64
	Version int64 // 0: it is as it was
	Moved   bool  // to another stage
	Refused *faults.Error
}

// Each makes a change to leads, each on its own: what is refused of one leaves it,
// and it alone, as it was. The leads are held in the order of their ids.
func (w *Writer) Each(tx *db.Tx, ids []int64, change Change) ([]Changed, error) {
	held, err := db.Collect(tx.Query(`SELECT `+allColumns+` FROM leads WHERE account_id = $1 AND id = ANY($2) AND deleted_at IS NULL ORDER BY id FOR UPDATE`,
		w.actor.AccountID, ids), func(r *db.Rows, l *Lead) { r.Scan(l.all()...) })
	if err != nil {
		return nil, fmt.Errorf("reading leads: %w", err)
	}
	byID := make(map[int64]*Lead, len(held))
	for i := range held {
		byID[held[i].ID] = &held[i]
	}
	results := make([]Changed, len(ids))
	for i, id := range ids {
		results[i].LeadID = id
		l, ok := byID[id]
		if !ok {
			errors.As(errUnknown(), &results[i].Refused)
			continue
		}
		version, stage := l.Version, l.StageID
		err := tx.Attempt(func() error { return change(tx, l) })
		switch {
		case errors.As(err, &results[i].Refused):
		case err != nil:
			return nil, fmt.Errorf("changing lead %d: %w", id, err)
		case l.Version != version:
			results[i].Version, results[i].Moved = l.Version, l.StageID != stage
		}
	}
	return results, nil
}

// Hold keeps leads from being changed by others until the transaction ends. Who is
// to change several, in whatever order, holds them first, so that two who do so do
// not wait for each other in a circle.
func Hold(tx *db.Tx, actor authz.Actor, ids []int64) error {
	_, err := db.Column[int64](tx.Query(`SELECT id FROM leads WHERE account_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE`, actor.AccountID, ids))
	if err != nil {
		return fmt.Errorf("holding leads: %w", err)
	}
	return nil
}
