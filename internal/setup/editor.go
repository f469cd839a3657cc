package setup

import (
	"context"
	"slices"
	"strconv"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
)

// Editor changes an account's setup record by record, as the management part of the
// API does.
type Editor struct {
	db       *db.DB
	accounts *accounts.Service
	leads    *leads.Service
}

// NewEditor makes the editor.
func NewEditor(d *db.DB, a *accounts.Service, l *leads.Service) *Editor { return &Editor{d, a, l} }

// What is refused as unknown.
func unknownPipeline() error    { return faults.Unknown("Pipeline", "o") }
func unknownStage() error       { return faults.Unknown("Etapa", "a") }
func unknownRequirement() error { return faults.Unknown("Requisito", "o") }
func unknownReason() error      { return faults.Unknown("Motivo de perda", "o") }
func unknownField() error       { return faults.Unknown("Campo personalizado", "o") }

// inUse is the refusal to remove what records of the account need.
func inUse(message, counted string, n int64) error {
	return faults.New(faults.Refused, message, faults.Member{Name: "success", Value: false}, faults.Member{Name: counted, Value: n})
}

// edit runs a change of an account's setup. Changes of one account, applied files
// among them, wait for each other, so that each sees what it builds on.
func (e *Editor) edit(ctx context.Context, actor authz.Actor, change func(tx *db.Tx) error) error {
	return e.db.Write(ctx, func(tx *db.Tx) error {
		if err := lockSetup(tx, actor.AccountID); err != nil {
			return err
		}
		if err := change(tx); err != nil {
			return err
		}
		return e.accounts.SetupChanged(tx, actor.AccountID)
	})
}

// lockSetup makes changes of an account's setup wait for each other.
func lockSetup(tx *db.Tx, accountID int64) error {
	return tx.LockKeys("setup:" + strconv.FormatInt(accountID, 10))
}

// editBoard is edit with the board as it is.
func (e *Editor) editBoard(ctx context.Context, actor authz.Actor, change func(tx *db.Tx, board *pipelines.Board) error) error {
	return e.edit(ctx, actor, func(tx *db.Tx) error {
		board, err := pipelines.LoadBoard(tx, actor.AccountID)
		if err != nil {
			return err
		}
		return change(tx, board)
	})
}

// editFields is edit with the custom fields as they are.
func (e *Editor) editFields(ctx context.Context, actor authz.Actor, change func(tx *db.Tx, fields []customfields.Field) error) error {
	return e.edit(ctx, actor, func(tx *db.Tx) error {
		set, err := customfields.LoadSet(tx, actor.AccountID)
		if err != nil {
			return err
		}
		return change(tx, set.Fields())
	})
}

// OrderFields are the body of the requests that put a list into an order.
type OrderFields struct {
	IDs input.Field[[]int64] `json:"ids" required:"true" maxItems:"1000" doc:"The ids of all items, each once, in their new order." example:"[3,1,2]"`
}

// ordered gives the ids of a form if they are those of all items, each once.
func ordered(form *input.Form[OrderFields], all []int64) ([]int64, error) {
	problems := form.Problems.Clone()
	sent := form.Fields.IDs.Value
	if form.Malformed() == nil && problems.Empty() {
		want, got := slices.Sorted(slices.Values(all)), slices.Sorted(slices.Values(sent))
		if !slices.Equal(want, got) {
			problems.Add("ids", "The ids field must hold the id of every item exactly once.")
		}
	}
	return sent, with(form, problems)
}

// with is the refusal of a form with these problems instead of its own.
func with[T any](form *input.Form[T], problems faults.Bag) error {
	whole := *form
	whole.Problems = problems
	return whole.Err()
}

// taken notes that another record has the name already.
func taken(problems *faults.Bag) { problems.Add("name", "The name has already been taken.") }

func assign[T any](place *T, f input.Field[T]) {
	if f.Given() {
		*place = f.Value
	}
}

// Pipeline gives a pipeline with its stages and their requirements.
func (e *Editor) Pipeline(ctx context.Context, actor authz.Actor, id int64) (p pipelines.Pipeline, err error) {
	board, err := e.board(ctx, actor)
	if err != nil {
		return p, err
	}
	p, ok := board.Pipeline(id)
	if !ok {
		return p, unknownPipeline()
	}
	return p, nil
}

// Stage gives a stage with its requirements.
func (e *Editor) Stage(ctx context.Context, actor authz.Actor, id int64) (s pipelines.Stage, err error) {
	board, err := e.board(ctx, actor)
	if err != nil {
		return s, err
	}
	s, ok := board.Stage(id)
	if !ok {
		return s, unknownStage()
	}
	return s, nil
}

// Field gives a custom field, in use or not.
func (e *Editor) Field(ctx context.Context, actor authz.Actor, id int64) (f customfields.Field, err error) {
	err = e.db.Read(ctx, func(q db.Querier) error {
		set, err := customfields.LoadSet(q, actor.AccountID)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(set.Fields(), func(f customfields.Field) bool { return f.ID == id })
		if at < 0 {
			return unknownField()
		}
		f = set.Fields()[at]
		return nil
	})
	return f, err
}

// board is the board as the database has it now: who edits it wants no older one.
func (e *Editor) board(ctx context.Context, actor authz.Actor) (board *pipelines.Board, err error) {
	err = e.db.Read(ctx, func(q db.Querier) (err error) {
		board, err = pipelines.LoadBoard(q, actor.AccountID)
		return err
	})
	return board, err
}
