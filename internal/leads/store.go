package leads

import (
	"errors"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/phones"
	"syncro/internal/searchtext"
	"syncro/internal/timeline"
)

// listed is the condition of the partial indexes, in their exact words.
const listed = "deleted_at IS NULL AND merged_into IS NULL"

// shownColumns are what a lead shows; allColumns what an operation on one needs.
const (
	shownColumns = `id, name, phone, email, company, birthday, value_cents, source, tags, custom_values, pipeline_id, stage_id, notes,
		utm_source, utm_medium, utm_campaign, utm_term, utm_content, assigned_to, archived, merged_into, version, created_at, updated_at, score, score_updated_at`
	allColumns = shownColumns + `, stage_visit, mandatory_tasks, stage_since, created_by, deleted_at, opted_out_at`
)

// shown are the places of shownColumns.
func (l *Lead) shown() []any {
	return []any{
		&l.ID, &l.Name, &l.Phone, &l.Email, &l.Company, &l.Birthday, &l.ValueCents, &l.Source, &l.Tags, &l.CustomValues, &l.PipelineID, &l.StageID, &l.Notes,
		&l.UTM[0], &l.UTM[1], &l.UTM[2], &l.UTM[3], &l.UTM[4], &l.AssignedTo, &l.Archived, &l.MergedInto, &l.Version, &l.CreatedAt, &l.UpdatedAt, &l.Score, &l.ScoreUpdatedAt,
	}
}

// all are the places of allColumns.
func (l *Lead) all() []any {
	return append(l.shown(), &l.Visit, &l.MandatoryTasks, &l.StageSince, &l.CreatedBy, &l.DeletedAt, &l.OptedOutAt)
}

// errUnknown is the refusal for a lead that the account does not have.
func errUnknown() error { return faults.Unknown("Lead", "o") }

// find reads a lead that is not in the trash; a merged one can be read, too.
func find(q db.Querier, actor authz.Actor, id int64) (*Lead, error) {
	return get(q.Query(`SELECT `+allColumns+` FROM leads WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL`, actor.AccountID, id))
}

// Find reads a lead for a feature above this one: what can be read of it, but a
// lead in the trash, which is refused as unknown.
func Find(q db.Querier, actor authz.Actor, id int64) (*Lead, error) { return find(q, actor, id) }

// FindAll is Find for several leads at once, by their ids; unknown ones are left out.
func FindAll(q db.Querier, actor authz.Actor, ids []int64) (map[int64]*Lead, error) {
	list, err := db.Collect(q.Query(`SELECT `+allColumns+` FROM leads WHERE account_id = $1 AND id = ANY($2) AND deleted_at IS NULL`, actor.AccountID, ids),
		func(r *db.Rows, l **Lead) {
			*l = &Lead{}
			r.Scan((*l).all()...)
		})
	if err != nil {
		return nil, fmt.Errorf("reading leads: %w", err)
	}
	found := make(map[int64]*Lead, len(list))
	for _, l := range list {
		found[l.ID] = l
	}
	return found, nil
}

// HoldOne keeps a listed lead from being changed, merged or trashed until the
// transaction ends. It is for a feature above this one that changes what belongs
// to the lead: of two who do so at once the second waits.
func HoldOne(tx *db.Tx, actor authz.Actor, id int64) error {
	err := db.Get(tx.Query(`SELECT id FROM leads WHERE account_id = $1 AND id = $2 AND `+listed+` FOR NO KEY UPDATE`, actor.AccountID, id), &id)
	if errors.Is(err, db.ErrNoRows) {
		return errUnknown()
	}
	return err
}

// lock reads a lead for a change to it: nobody else changes it until the
// transaction ends.
func lock(tx *db.Tx, actor authz.Actor, id int64) (*Lead, error) {
	return get(tx.Query(`SELECT `+allColumns+` FROM leads WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`, actor.AccountID, id))
}

// lockAny is lock for a lead that may be in the trash, too.
func lockAny(tx *db.Tx, actor authz.Actor, id int64) (*Lead, error) {
	return get(tx.Query(`SELECT `+allColumns+` FROM leads WHERE account_id = $1 AND id = $2 FOR UPDATE`, actor.AccountID, id))
}

func get(rows *db.Rows) (*Lead, error) {
	l := &Lead{}
	err := db.Get(rows, l.all()...)
	if errors.Is(err, db.ErrNoRows) {
		return nil, errUnknown()
	}
	if err != nil {
		return nil, fmt.Errorf("reading a lead: %w", err)
	}
	return l, nil
}

// text is a text as it is stored: NULL when there is none.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// stored are the lead's own columns, in the order of insertSQL and updateSQL.
func (l *Lead) stored() []any {
	return []any{
		l.Name, searchtext.Fold(l.Name), text(l.Phone), text(phones.Key(l.Phone)), text(l.Email), text(emailKey(l.Email)), text(l.Company), text(l.Birthday), l.ValueCents,
		text(l.Source), l.Tags, l.CustomValues, l.PipelineID, l.StageID, l.Visit, l.MandatoryTasks, l.StageSince, text(l.Notes),
		text(l.UTM[0]), text(l.UTM[1]), text(l.UTM[2]), text(l.UTM[3]), text(l.UTM[4]), l.AssignedTo, l.Archived, l.searchText(), l.searchPhone(), l.Version, l.UpdatedAt, l.OptedOutAt, l.DeletedAt,
	}
}

const (
	storedColumns = `name, name_key, phone, phone_key, email, email_key, company, birthday, value_cents,
		source, tags, custom_values, pipeline_id, stage_id, stage_visit, mandatory_tasks, stage_since, notes,
		utm_source, utm_medium, utm_campaign, utm_term, utm_content, assigned_to, archived, search_text, search_phone, version, updated_at, opted_out_at, deleted_at`
	storedParameters = `$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33`

	insertSQL    = `INSERT INTO leads (account_id, created_by, ` + storedColumns + `, created_at) VALUES ($1, $2, ` + storedParameters + `, $34) RETURNING id`
	insertOwnSQL = `INSERT INTO leads (account_id, created_by, ` + storedColumns + `, created_at, id) VALUES ($1, $2, ` + storedParameters + `, $34, $35)`
	updateSQL    = `UPDATE leads SET (` + storedColumns + `) = (` + storedParameters + `) WHERE account_id = $1 AND id = $2`
)

func insert(tx *db.Tx, actor authz.Actor, l *Lead) error {
	args := append(append([]any{actor.AccountID, l.CreatedBy}, l.stored()...), l.CreatedAt)
	return db.Get(tx.Query(insertSQL, args...), &l.ID)
}

// moveSQL changes what a move changes and nothing else: it touches the fewest indexes.
const moveSQL = `UPDATE leads SET pipeline_id = $3, stage_id = $4, stage_visit = $5, mandatory_tasks = $6, stage_since = $7, version = $8, updated_at = $9
	WHERE account_id = $1 AND id = $2`

// store writes a changed lead.
func store(tx *db.Tx, actor authz.Actor, l *Lead, changes []timeline.Change) error {
	if movedOnly(changes) {
		return tx.Queue(moveSQL, actor.AccountID, l.ID, l.PipelineID, l.StageID, l.Visit, l.MandatoryTasks, l.StageSince, l.Version, l.UpdatedAt)
	}
	return tx.Queue(updateSQL, append([]any{actor.AccountID, l.ID}, l.stored()...)...)
}

// justRemoved is the refusal of a reference that was there when it was looked up.
func justRemoved() *faults.Error {
	return faults.New(faults.Conflict, "A etapa ou o responsável informado acaba de ser removido.")
}
