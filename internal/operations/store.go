package operations

import (
	"encoding/json"
	"fmt"
	"time"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

const columns = `id, kind, state, parameters, position, total, done, changed, failed, undo_from, reverted, kept, COALESCE(error, ''), attempts,
	created_by, created_at, started_at, finished_at, undoable_until`

func scan(r *db.Rows, o *Operation) {
	var parameters string
	r.Scan(&o.ID, &o.Kind, &o.State, &parameters, &o.Position, &o.Total, &o.Done, &o.Changed, &o.Failed, &o.undoFrom, &o.Reverted, &o.Kept, &o.Error, &o.attempts,
		&o.CreatedBy, &o.CreatedAt, &o.StartedAt, &o.FinishedAt, &o.UndoableUntil)
	o.Parameters = json.RawMessage(parameters)
}

// find reads an operation of a kind; [db.ErrNoRows] when there is none. Of kind "" it
// may be of any.
func find(q db.Querier, actor authz.Actor, kind string, id int64, how string) (*Operation, error) {
	found, err := db.Collect(q.Query(`SELECT `+columns+` FROM operations WHERE account_id = $1 AND id = $2 AND (kind = $3 OR $3 = '')`+how, actor.AccountID, id, kind), scan)
	if err != nil {
		return nil, fmt.Errorf("reading operation %d: %w", id, err)
	}
	if len(found) == 0 {
		return nil, db.ErrNoRows
	}
	return &found[0], nil
}

// some reads operations by their ids.
func some(q db.Querier, actor authz.Actor, ids []int64) ([]Operation, error) {
	return db.Collect(q.Query(`SELECT `+columns+` FROM operations WHERE account_id = $1 AND id = ANY($2)`, actor.AccountID, ids), scan)
}

// The ways to find an operation for a change to it.
const (
	held    = ` FOR UPDATE`
	claimed = ` FOR UPDATE SKIP LOCKED` // none while another worker has it
)

func insert(tx *db.Tx, actor authz.Actor, o *Operation) error {
	return db.Get(tx.Query(`INSERT INTO operations (account_id, kind, state, parameters, total, created_by, created_at, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING id`,
		actor.AccountID, o.Kind, o.State, string(o.Parameters), o.Total, o.CreatedBy, o.CreatedAt), &o.ID)
}

// save writes what a slice, or a request, has made of an operation that is held.
func save(tx *db.Tx, actor authz.Actor, o *Operation, due *time.Time) error {
	var failure *string
	if o.Error != "" {
		failure = &o.Error
	}
	return tx.Queue(`UPDATE operations SET state = $3, position = $4, total = $5, done = $6, changed = $7, failed = $8, undo_from = $9, reverted = $10, kept = $11,
			error = $12, attempts = $13, due_at = $14, started_at = $15, finished_at = $16, undoable_until = $17
		WHERE account_id = $1 AND id = $2`,
		actor.AccountID, o.ID, o.State, o.Position, o.Total, o.Done, o.Changed, o.Failed, o.undoFrom, o.Reverted, o.Kept,
		failure, o.attempts, due, o.StartedAt, o.FinishedAt, o.UndoableUntil)
}

// list reads a page of an account's operations of a kind, newest first.
func list(q db.Querier, actor authz.Actor, kind string, page api.Page) (found []Operation, total int64, err error) {
	p := q.Pipeline(
		db.Statement{SQL: `SELECT count(*) FROM operations WHERE account_id = $1 AND kind = $2`, Args: []any{actor.AccountID, kind}},
		db.Statement{SQL: `SELECT ` + columns + ` FROM operations WHERE account_id = $1 AND kind = $2 ORDER BY id DESC LIMIT $3 OFFSET $4`, Args: []any{actor.AccountID, kind, page.Size, page.Offset()}},
	)
	if err := db.Get(p.Next(), &total); err != nil {
		return nil, 0, err
	}
	found, err = db.Collect(p.Next(), scan)
	return found, total, err
}

// due are the keys of the operations that must go on, those that have waited longest first.
func due(q db.Querier, now time.Time, limit int) ([]string, error) {
	return db.Collect(q.Query(`SELECT o.account_id, o.id FROM operations o JOIN accounts a ON a.id = o.account_id
		WHERE o.due_at <= $1 AND a.status IN ('active', 'trial') ORDER BY o.due_at LIMIT $2`, now, limit),
		func(r *db.Rows, key *string) {
			var account, id int64
			r.Scan(&account, &id)
			*key = keyOf(account, id)
		})
}

// journal writes what became of items.
func journal(tx *db.Tx, actor authz.Actor, operation int64, items []Item) error {
	for _, item := range items {
		var detail *string
		if item.Detail != nil {
			text, err := json.Marshal(item.Detail)
			if err != nil {
				return fmt.Errorf("the detail of item %d: %w", item.Number, err)
			}
			written := string(text)
			detail = &written
		}
		if err := tx.Queue(`INSERT INTO operation_items (account_id, operation_id, number, lead_id, outcome, version, message, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			actor.AccountID, operation, item.Number, orNil(item.LeadID), item.Outcome, orNil(item.Version), orNil(item.Message), detail); err != nil {
			return err
		}
	}
	return nil
}

func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Selected says which items a list holds.
type Selected string

// The lists of items; "" is all that were journaled.
const (
	FailedItems Selected = "failed"
	KeptItems   Selected = "kept" // that an undo left as they were, at least in part
)

// items reads a page of an operation's journal, in its order.
func items(q db.Querier, actor authz.Actor, operation int64, which Selected, page api.Page) (views []ItemView, total int64, err error) {
	where := ` FROM operation_items WHERE account_id = $1 AND operation_id = $2` +
		map[Selected]string{FailedItems: ` AND outcome = 'failed'`, KeptItems: ` AND kept IS NOT NULL`}[which]
	p := q.Pipeline(
		db.Statement{SQL: `SELECT count(*)` + where, Args: []any{actor.AccountID, operation}},
		db.Statement{SQL: `SELECT number, lead_id, outcome, message, detail, undo, kept` + where + ` ORDER BY number LIMIT $3 OFFSET $4`,
			Args: []any{actor.AccountID, operation, page.Size, page.Offset()}},
	)
	if err := db.Get(p.Next(), &total); err != nil {
		return nil, 0, err
	}
	views, err = db.Collect(p.Next(), func(r *db.Rows, v *ItemView) {
		var detail, kept *string
		r.Scan(&v.Number, &v.LeadID, &v.Outcome, &v.Message, &detail, &v.Undo, &kept)
		if detail != nil {
			v.Detail = json.RawMessage(*detail)
		}
		v.Kept = []string{}
		if kept != nil {
			_ = json.Unmarshal([]byte(*kept), &v.Kept) // our own writing
		}
	})
	return views, total, err
}

// change is an item that an undo has to take back.
type change struct{ number, lead, version int64 }

// changesBelow reads the newest changes below an item.
func changesBelow(tx *db.Tx, actor authz.Actor, operation, below int64, limit int) ([]change, error) {
	return db.Collect(tx.Query(`SELECT number, lead_id, version FROM operation_items
		WHERE account_id = $1 AND operation_id = $2 AND number < $3 AND version IS NOT NULL ORDER BY number DESC LIMIT $4`, actor.AccountID, operation, below, limit),
		func(r *db.Rows, c *change) { r.Scan(&c.number, &c.lead, &c.version) })
}

// markUndone notes what an undo has done about an item.
func markUndone(tx *db.Tx, actor authz.Actor, operation, number int64, undo, message string, kept []string) error {
	var list *string
	if len(kept) > 0 {
		text, err := json.Marshal(kept)
		if err != nil {
			return err
		}
		written := string(text)
		list = &written
	}
	return tx.Queue(`UPDATE operation_items SET undo = $4, kept = $5, message = COALESCE($6::text, message) WHERE account_id = $1 AND operation_id = $2 AND number = $3`,
		actor.AccountID, operation, number, undo, list, orNil(message))
}

func unknown() error { return faults.Unknown("Operação", "a") }
