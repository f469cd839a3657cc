package imports

import (
	"context"
	"slices"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/leads"
	"syncro/internal/operations"
	"syncro/internal/pipelines"
)

// Service brings leads in from files.
type Service struct {
	Using
	db *db.DB
}

// Using are the features below that an import needs.
type Using struct {
	Accounts     *accounts.Service
	Pipelines    *pipelines.Service
	CustomFields *customfields.Service
	Leads        *leads.Service
	Operations   *operations.Service
}

// New makes the service and registers its kinds of operation.
func New(d *db.DB, u Using) *Service {
	s := &Service{Using: u, db: d}
	for _, kind := range s.kinds() {
		u.Operations.Register(kind)
	}
	return s
}

// Get gives an import (GET /imports/{id}).
func (s *Service) Get(ctx context.Context, actor authz.Actor, id int64) (View, error) {
	i, err := s.found(ctx, actor, id)
	if err != nil {
		return View{}, err
	}
	return s.show(ctx, actor, i)
}

func (s *Service) found(ctx context.Context, actor authz.Actor, id int64) (i *Import, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		i, err = find(q, actor, id, "")
		return err
	})
	return i, err
}

// show reads an import's operations for its view.
func (s *Service) show(ctx context.Context, actor authz.Actor, i *Import) (View, error) {
	views, err := s.views(ctx, actor, []Import{*i})
	if err != nil {
		return View{}, err
	}
	return views[0], nil
}

// views reads the operations of imports for their views.
func (s *Service) views(ctx context.Context, actor authz.Actor, imports []Import) ([]View, error) {
	var ids []int64
	for _, i := range imports {
		for _, id := range []*int64{i.checkID, i.operation} {
			if id != nil {
				ids = append(ids, *id)
			}
		}
	}
	operations, err := s.Operations.Some(ctx, actor, ids)
	if err != nil {
		return nil, err
	}
	views := make([]View, len(imports))
	for n := range imports {
		i := &imports[n]
		views[n] = i.view(byID(operations, i.checkID), byID(operations, i.operation))
	}
	return views, nil
}

// byID is the operation with an id that an import may have.
func byID(all map[int64]*operations.Operation, id *int64) *operations.Operation {
	if id == nil {
		return nil
	}
	return all[*id]
}

// List gives a page of the account's imports, newest first (GET /imports).
func (s *Service) List(ctx context.Context, actor authz.Actor, page api.Page) (views []View, total int64, err error) {
	var found []Import
	if err = s.db.Read(ctx, func(q db.Querier) error {
		found, total, err = list(q, actor, page)
		return err
	}); err != nil {
		return nil, 0, err
	}
	views, err = s.views(ctx, actor, found)
	return views, total, err
}

// Problems gives a page of what the import, or before it the dry run, has found
// (GET /imports/{id}/problems). kind is that of a [Problem], "" for all.
func (s *Service) Problems(ctx context.Context, actor authz.Actor, id int64, kind string, page api.Page) (found []Problem, total int64, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		i, err := find(q, actor, id, "")
		if err != nil {
			return err
		}
		operation := i.operation
		if operation == nil {
			operation = i.checkID
		}
		if operation == nil {
			return nil
		}
		found, total, err = problems(q, actor, i, *operation, kind, page)
		return err
	})
	return found, total, err
}

// change runs a change of an import, which is held.
func (s *Service) change(ctx context.Context, actor authz.Actor, id int64, fn func(tx *db.Tx, i *Import) error) (View, error) {
	var i *Import
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if i, err = find(tx, actor, id, held); err != nil {
			return err
		}
		return fn(tx, i)
	})
	if err != nil {
		return View{}, err
	}
	return s.show(ctx, actor, i)
}

// DryRun begins a dry run (POST /imports/{id}/dry-run).
func (s *Service) DryRun(ctx context.Context, actor authz.Actor, id int64) (View, error) {
	return s.begin(ctx, actor, id, checkKind)
}

// Start begins the import (POST /imports/{id}/start).
func (s *Service) Start(ctx context.Context, actor authz.Actor, id int64) (View, error) {
	return s.begin(ctx, actor, id, importKind)
}

func (s *Service) begin(ctx context.Context, actor authz.Actor, id int64, kind string) (View, error) {
	current, err := s.Get(ctx, actor, id)
	if err != nil {
		return View{}, err
	}
	return s.change(ctx, actor, id, func(tx *db.Tx, i *Import) error {
		switch {
		case i.operation != nil:
			return errBegun()
		case current.State == Checking:
			return conflict("A simulação está em andamento. Aguarde ou cancele-a.")
		case !slices.Contains(i.mapping, "name") && !slices.Contains(i.mapping, "email") && !slices.Contains(i.mapping, "phone") && !slices.Contains(i.mapping, "id"):
			var problems faults.Bag
			problems.Add("mapping", "Map a column to name, email, phone or id first.")
			return problems.Err()
		}
		o, err := s.Operations.Start(tx, actor, kind, parameters{i.ID}, i.Rows)
		if err != nil {
			return err
		}
		if kind == checkKind {
			i.checkID = &o.ID
		} else {
			i.operation = &o.ID
		}
		return save(tx, actor, i)
	})
}

// Cancel ends the dry run or the import that is under way (POST /imports/{id}/cancel).
// What was imported stays, and can be undone.
func (s *Service) Cancel(ctx context.Context, actor authz.Actor, id int64) (View, error) {
	i, err := s.found(ctx, actor, id)
	if err != nil {
		return View{}, err
	}
	switch {
	case i.operation != nil:
		_, err = s.Operations.Cancel(ctx, actor, importKind, *i.operation)
	case i.checkID != nil:
		_, err = s.Operations.Cancel(ctx, actor, checkKind, *i.checkID)
	default:
		err = conflict("A importação não está em andamento.")
	}
	if err != nil {
		return View{}, err
	}
	return s.show(ctx, actor, i)
}

// Undo begins to take back what the import has changed (POST /imports/{id}/undo).
func (s *Service) Undo(ctx context.Context, actor authz.Actor, id int64) (View, error) {
	i, err := s.found(ctx, actor, id)
	if err != nil {
		return View{}, err
	}
	if i.operation == nil {
		return View{}, conflict("A importação ainda não foi iniciada.")
	}
	if _, err := s.Operations.Undo(ctx, actor, importKind, *i.operation); err != nil {
		return View{}, err
	}
	return s.show(ctx, actor, i)
}

// Items gives a page of what has become of the rows (GET /imports/{id}/items).
func (s *Service) Items(ctx context.Context, actor authz.Actor, id int64, which operations.Selected, page api.Page) ([]operations.ItemView, int64, error) {
	i, err := s.found(ctx, actor, id)
	if err != nil || i.operation == nil {
		return nil, 0, err
	}
	return s.Operations.Items(ctx, actor, importKind, *i.operation, which, page)
}

// Delete forgets an import and its file (DELETE /imports/{id}). The leads stay.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, id int64) error {
	v, err := s.Get(ctx, actor, id)
	if err != nil {
		return err
	}
	if v.State == Checking || v.State == Importing || v.State == Undoing {
		return conflict("A importação está em andamento.")
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := find(tx, actor, id, held); err != nil {
			return err
		}
		return remove(tx, actor, id)
	})
}

// How long files are kept: those that did not come as a whole, and the others, which
// can be undone for as long.
const (
	keptBroken = 24 * time.Hour
	keptWhole  = 31 * 24 * time.Hour
)

// ForgetOld removes what nobody needs any more of a few imports; app calls it every hour.
func (s *Service) ForgetOld(ctx context.Context) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`DELETE FROM imports WHERE id IN (SELECT old.id FROM imports old WHERE old.created_at < $1 OR (old.created_at < $2 AND NOT old.ready) ORDER BY old.created_at LIMIT 20)`,
			tx.Now().Add(-keptWhole), tx.Now().Add(-keptBroken))
		return err
	})
}
