package setup

import (
	"context"
	"slices"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
)

// ReasonFields are the body of POST /lost-reasons.
type ReasonFields struct {
	Name input.Field[string] `json:"name" required:"true" maxLength:"100" doc:"Name, unique in the account whatever its case." example:"Preço alto"`
}

// ReasonChanges are the body of PUT /lost-reasons/{id}.
type ReasonChanges struct {
	Name input.Field[string] `json:"name" whenSent:"required" maxLength:"100" doc:"Name, unique in the account whatever its case." example:"Preço alto"`
}

// DeleteReasonQuery says which reason takes the place of one that is removed.
type DeleteReasonQuery struct {
	TargetReasonID input.Field[int64] `query:"target_reason_id" doc:"Reason that the lost sales get which have this one." example:"2"`
}

// CreateReason adds a lost reason behind the others.
func (e *Editor) CreateReason(ctx context.Context, actor authz.Actor, form *input.Form[ReasonFields]) (r pipelines.LostReason, err error) {
	err = e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		if err := checkReason(form, form.Fields.Name, board, 0); err != nil {
			return err
		}
		r = pipelines.LostReason{Name: form.Fields.Name.Value, SortOrder: 1}
		if all := board.LostReasons(); len(all) > 0 {
			r.SortOrder = all[len(all)-1].SortOrder + 1
		}
		r.ID, err = pipelines.AddLostReason(tx, actor.AccountID, r)
		return err
	})
	return r, err
}

// UpdateReason changes what is sent of a lost reason.
func (e *Editor) UpdateReason(ctx context.Context, actor authz.Actor, id int64, form *input.Form[ReasonChanges]) (r pipelines.LostReason, err error) {
	err = e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		var ok bool
		if r, ok = board.LostReason(id); !ok {
			return unknownReason()
		}
		if err := checkReason(form, form.Fields.Name, board, id); err != nil {
			return err
		}
		assign(&r.Name, form.Fields.Name)
		return pipelines.UpdateLostReason(tx, actor.AccountID, r)
	})
	return r, err
}

// checkReason is the refusal of a form, another reason's name included.
func checkReason[T any](form *input.Form[T], name input.Field[string], board *pipelines.Board, id int64) error {
	problems := form.Problems.Clone()
	if name.Given() && slices.ContainsFunc(board.LostReasons(), func(r pipelines.LostReason) bool { return r.ID != id && key(r.Name) == key(name.Value) }) {
		taken(&problems)
	}
	return with(form, problems)
}

// OrderReasons puts the lost reasons into an order.
func (e *Editor) OrderReasons(ctx context.Context, actor authz.Actor, form *input.Form[OrderFields]) error {
	return e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		ids, err := ordered(form, collect(board.LostReasons(), func(r pipelines.LostReason) int64 { return r.ID }))
		if err != nil {
			return err
		}
		for i, id := range ids {
			r, _ := board.LostReason(id)
			r.SortOrder = i + 1
			if err := pipelines.UpdateLostReason(tx, actor.AccountID, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteReason removes a lost reason. Lost sales that have it get the target;
// without one there must be none.
func (e *Editor) DeleteReason(ctx context.Context, actor authz.Actor, id int64, query DeleteReasonQuery) error {
	return e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		r, ok := board.LostReason(id)
		if !ok {
			return unknownReason()
		}
		if target := query.TargetReasonID; target.Given() {
			if _, ok := board.LostReason(target.Value); !ok || target.Value == id {
				var problems faults.Bag
				problems.Selected("target_reason_id")
				return problems.Err()
			}
			if err := leads.ReplaceReason(tx, actor, id, target.Value); err != nil {
				return err
			}
		}
		n, err := leads.LostFor(tx, actor, id)
		if err != nil {
			return err
		}
		if n > 0 {
			return inUse("O motivo consta em vendas perdidas: informe em target_reason_id o que o substitui.", "lost_sales", n)
		}
		return stillReferred(pipelines.RemoveLostReason(tx, actor.AccountID, r))
	})
}
