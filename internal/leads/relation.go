package leads

import (
	"encoding/json"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
)

// Relation is what a feature has of leads, for what happens to leads as a whole: a
// merge, its undoing, and removal for good. What is nil is not needed: rows go with
// a removed lead by their foreign keys.
type Relation struct {
	// Move hands what there is of the secondary over to the primary.
	Move func(tx *db.Tx, actor authz.Actor, m *Merge) error
	// Return hands back what Move handed over, as it was, and leaves to the primary
	// what it has got since.
	Return func(tx *db.Tx, actor authz.Actor, m *Merge) error
	// Purge removes what there is of leads that are about to be removed.
	Purge func(tx *db.Tx, actor authz.Actor, leads []int64) error
}

// Relate adds the relations of features above this one, before the service is used.
func (s *Service) Relate(relations ...Relation) { s.relations = append(s.relations, relations...) }

// Merge is a merge that is being made or undone. Both leads are locked.
type Merge struct {
	ID                 int64
	Primary, Secondary *Lead
	At                 time.Time // when it was made
}

// Rows is the relation of a table whose rows have a lead_id and an id, and nothing
// that a merge would change besides.
func Rows(table string) Relation {
	return Relation{
		Move: func(tx *db.Tx, actor authz.Actor, m *Merge) error {
			if err := m.Note(tx, actor, table, `NULL`); err != nil {
				return err
			}
			return m.HandOver(tx, actor, table)
		},
		Return: func(tx *db.Tx, actor authz.Actor, m *Merge) error { return m.HandBack(tx, actor, table) },
	}
}

// Note writes down which rows of a table are the secondary's. was is an SQL
// expression of text: what is to be remembered of the state of a row.
func (m *Merge) Note(tx *db.Tx, actor authz.Actor, table, was string) error {
	return tx.Queue(`INSERT INTO merge_rows (account_id, merge_id, relation, row_id, was)
		SELECT account_id, $3::bigint, '`+table+`', id, `+was+` FROM `+table+` WHERE account_id = $1 AND lead_id = $2`, actor.AccountID, m.Secondary.ID, m.ID)
}

// HandOver makes the secondary's rows of a table the primary's.
func (m *Merge) HandOver(tx *db.Tx, actor authz.Actor, table string) error {
	return tx.Queue(`UPDATE `+table+` SET lead_id = $3 WHERE account_id = $1 AND lead_id = $2`, actor.AccountID, m.Secondary.ID, m.Primary.ID)
}

// HandBack makes the rows that were noted the secondary's again, but for those that
// have become another lead's meanwhile.
func (m *Merge) HandBack(tx *db.Tx, actor authz.Actor, table string) error {
	return tx.Queue(`UPDATE `+table+` SET lead_id = $2 WHERE account_id = $1 AND lead_id = $3 AND id IN (`+m.Noted(table, "$4", "")+`)`,
		actor.AccountID, m.Secondary.ID, m.Primary.ID, m.ID)
}

// Noted is the part of a statement that gives the ids of the noted rows of a table;
// $1 is the account and merge the parameter of the merge. With a was, only rows of
// which that was noted.
func (m *Merge) Noted(table, merge, was string) string {
	condition := ""
	if was != "" {
		condition = ` AND was = '` + was + `'`
	}
	return `SELECT row_id FROM merge_rows WHERE account_id = $1 AND merge_id = ` + merge + ` AND relation = '` + table + `'` + condition
}

// Remember notes the state of one thing, to be read by [Merge.Remembered].
func (m *Merge) Remember(tx *db.Tx, actor authz.Actor, relation string, id int64, was any) error {
	text, err := json.Marshal(was)
	if err != nil {
		return fmt.Errorf("remembering %s %d: %w", relation, id, err)
	}
	return tx.Queue(`INSERT INTO merge_rows (account_id, merge_id, relation, row_id, was) VALUES ($1, $2, $3, $4, $5)`,
		actor.AccountID, m.ID, relation, id, string(text))
}

// Remembered gives what was noted of a relation's things, by their ids, in their order.
func (m *Merge) Remembered(tx *db.Tx, actor authz.Actor, relation string, each func(id int64, was []byte) error) error {
	type noted struct {
		id  int64
		was string
	}
	all, err := db.Collect(tx.Query(`SELECT row_id, was FROM merge_rows WHERE account_id = $1 AND merge_id = $2 AND relation = $3 AND was IS NOT NULL ORDER BY row_id`,
		actor.AccountID, m.ID, relation), func(r *db.Rows, n *noted) { r.Scan(&n.id, &n.was) })
	if err != nil {
		return err
	}
	for _, n := range all {
		if err := each(n.id, []byte(n.was)); err != nil {
			return err
		}
	}
	return nil
}

// ownRelations are those of this package and of the packages below it.
func ownRelations() []Relation {
	return []Relation{closings("sales"), closings("lost_sales"), chores(), Rows("lead_notes"), Rows("lead_events")}
}

// closings are the sales or the lost sales. Where both leads have a valid one in a
// pipeline, the secondary's is voided; it is valid again when it goes back.
func closings(table string) Relation {
	return Relation{
		Move: func(tx *db.Tx, actor authz.Actor, m *Merge) error {
			if err := m.Note(tx, actor, table, `CASE WHEN voided_at IS NULL THEN 'valid' END`); err != nil {
				return err
			}
			if err := tx.Queue(`UPDATE `+table+` SET voided_at = $4 WHERE account_id = $1 AND lead_id = $2 AND voided_at IS NULL AND pipeline_id IN (
				SELECT p.pipeline_id FROM `+table+` p WHERE p.account_id = $1 AND p.lead_id = $3 AND p.voided_at IS NULL)`,
				actor.AccountID, m.Secondary.ID, m.Primary.ID, tx.Now()); err != nil {
				return err
			}
			return m.HandOver(tx, actor, table)
		},
		Return: func(tx *db.Tx, actor authz.Actor, m *Merge) error {
			if err := m.HandBack(tx, actor, table); err != nil {
				return err
			}
			return tx.Queue(`UPDATE `+table+` SET voided_at = NULL WHERE account_id = $1 AND lead_id = $2 AND id IN (`+m.Noted(table, "$3", "valid")+`)`,
				actor.AccountID, m.Secondary.ID, m.ID)
		},
	}
}

// chores are the tasks. What was mandatory in a visit of the secondary binds the
// primary in none of its own.
func chores() Relation {
	const table, bound = "tasks", "mandatory tasks"
	type binding struct{ Requirement, Visit int64 }
	return Relation{
		Move: func(tx *db.Tx, actor authz.Actor, m *Merge) error {
			type mandatory struct {
				id int64
				binding
			}
			all, err := db.Collect(tx.Query(`SELECT id, requirement_id, COALESCE(stage_visit, 0) FROM tasks
				WHERE account_id = $1 AND lead_id = $2 AND requirement_id IS NOT NULL ORDER BY id`, actor.AccountID, m.Secondary.ID),
				func(r *db.Rows, t *mandatory) { r.Scan(&t.id, &t.Requirement, &t.Visit) })
			if err != nil {
				return err
			}
			for _, t := range all {
				if err := m.Remember(tx, actor, bound, t.id, t.binding); err != nil {
					return err
				}
			}
			if err := tx.Queue(`UPDATE tasks SET requirement_id = NULL, stage_visit = NULL WHERE account_id = $1 AND lead_id = $2 AND requirement_id IS NOT NULL`,
				actor.AccountID, m.Secondary.ID); err != nil {
				return err
			}
			return Rows(table).Move(tx, actor, m)
		},
		Return: func(tx *db.Tx, actor authz.Actor, m *Merge) error {
			if err := m.HandBack(tx, actor, table); err != nil {
				return err
			}
			return m.Remembered(tx, actor, bound, func(id int64, was []byte) error {
				var b binding
				if err := json.Unmarshal(was, &b); err != nil {
					return fmt.Errorf("reading what task %d was: %w", id, err)
				}
				return tx.Queue(`UPDATE tasks SET requirement_id = (SELECT id FROM stage_requirements WHERE account_id = $1 AND id = $4), stage_visit = $5
					WHERE account_id = $1 AND id = $2 AND lead_id = $3`, actor.AccountID, id, m.Secondary.ID, b.Requirement, b.Visit)
			})
		},
	}
}
