package imports

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/spreadsheet"
)

const columns = `SELECT id, file_name, source, row_count, columns, mapping, options, check_id, operation_id, created_by, created_at`

func scan(r *db.Rows, i *Import) {
	var source, columns, mapping, options string
	r.Scan(&i.ID, &i.FileName, &source, &i.Rows, &columns, &mapping, &options, &i.checkID, &i.operation, &i.CreatedBy, &i.CreatedAt)
	for text, place := range map[*string]any{&source: &i.source, &columns: &i.columns, &mapping: &i.mapping, &options: &i.options} {
		_ = json.Unmarshal([]byte(*text), place) // our own writing
	}
}

func errUnknown() error { return faults.Unknown("Importação", "a") }

// find reads an import whose file has come as a whole.
func find(q db.Querier, actor authz.Actor, id int64, how string) (*Import, error) {
	found, err := db.Collect(q.Query(columns+` FROM imports WHERE account_id = $1 AND id = $2 AND ready`+how, actor.AccountID, id), scan)
	if err != nil {
		return nil, fmt.Errorf("reading import %d: %w", id, err)
	}
	if len(found) == 0 {
		return nil, errUnknown()
	}
	return &found[0], nil
}

const held = ` FOR UPDATE`

func list(q db.Querier, actor authz.Actor, page api.Page) (found []Import, total int64, err error) {
	p := q.Pipeline(
		db.Statement{SQL: `SELECT count(*) FROM imports WHERE account_id = $1 AND ready`, Args: []any{actor.AccountID}},
		db.Statement{SQL: columns + ` FROM imports WHERE account_id = $1 AND ready ORDER BY id DESC LIMIT $2 OFFSET $3`, Args: []any{actor.AccountID, page.Size, page.Offset()}},
	)
	if err := db.Get(p.Next(), &total); err != nil {
		return nil, 0, err
	}
	found, err = db.Collect(p.Next(), scan)
	return found, total, err
}

func jsonOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "null" // what is written here are texts, numbers and lists of them
	}
	return string(text)
}

func insert(tx *db.Tx, actor authz.Actor, i *Import) error {
	i.CreatedBy, i.CreatedAt = actor.PerformedBy(), tx.Now()
	return db.Get(tx.Query(`INSERT INTO imports (account_id, file_name, source, row_count, columns, mapping, options, created_by, created_at)
		VALUES ($1, $2, $3, 0, '[]', '[]', $4, $5, $6) RETURNING id`,
		actor.AccountID, i.FileName, jsonOf(i.source), jsonOf(i.options), i.CreatedBy, i.CreatedAt), &i.ID)
}

// complete stores what is known of an import when all its parts are there.
func complete(tx *db.Tx, actor authz.Actor, i *Import) error {
	return tx.Queue(`UPDATE imports SET ready = TRUE, row_count = $3, columns = $4, mapping = $5, options = $6 WHERE account_id = $1 AND id = $2`,
		actor.AccountID, i.ID, i.Rows, jsonOf(i.columns), jsonOf(i.mapping), jsonOf(i.options))
}

// save stores what a request has made of an import that is held.
func save(tx *db.Tx, actor authz.Actor, i *Import) error {
	return tx.Queue(`UPDATE imports SET mapping = $3, options = $4, check_id = $5, operation_id = $6 WHERE account_id = $1 AND id = $2`,
		actor.AccountID, i.ID, jsonOf(i.mapping), jsonOf(i.options), i.checkID, i.operation)
}

func remove(tx *db.Tx, actor authz.Actor, id int64) error {
	return tx.Queue(`DELETE FROM imports WHERE account_id = $1 AND id = $2`, actor.AccountID, id)
}

// storedRow is a row as a part has it.
type storedRow struct {
	Number int                `json:"n"`
	Cells  []spreadsheet.Cell `json:"c"`
}

func insertPart(tx *db.Tx, actor authz.Actor, id, part int64, rows []storedRow) error {
	content, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("part %d of import %d: %w", part, id, err)
	}
	return tx.Queue(`INSERT INTO import_parts (account_id, import_id, part, content) VALUES ($1, $2, $3, $4)`,
		actor.AccountID, id, part, s2.Encode(nil, content))
}

// part reads a part's rows; none behind the last part.
func part(q db.Querier, actor authz.Actor, id, number int64) (rows []storedRow, err error) {
	var content []byte
	err = db.Get(q.Query(`SELECT content FROM import_parts WHERE account_id = $1 AND import_id = $2 AND part = $3`, actor.AccountID, id, number), &content)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading part %d of import %d: %w", number, id, err)
	}
	if content, err = s2.Decode(nil, content); err == nil {
		err = json.Unmarshal(content, &rows)
	}
	if err != nil {
		err = fmt.Errorf("reading part %d of import %d: %w", number, id, err)
	}
	return rows, err
}

// finding is a problem on its way into the database.
type finding struct {
	row     int64
	kind    string
	column  int // 0 for none
	field   string
	value   string
	message string
	lead    int64
	earlier int64
}

func record(tx *db.Tx, actor authz.Actor, id, operation int64, findings []finding) error {
	ordinal, row := int64(0), int64(0)
	for _, f := range findings {
		if ordinal++; f.row != row {
			ordinal, row = 1, f.row
		}
		if err := tx.Queue(`INSERT INTO import_problems (account_id, import_id, operation_id, row_number, ordinal, kind, column_number, field, value, message, lead_id, earlier_row)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			actor.AccountID, id, operation, f.row, ordinal, f.kind, orNil(int64(f.column)), orNil(f.field), orNil(f.value), f.message, orNil(f.lead), orNil(f.earlier)); err != nil {
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

func problems(q db.Querier, actor authz.Actor, i *Import, operation int64, kind string, page api.Page) (found []Problem, total int64, err error) {
	const from = ` FROM import_problems WHERE account_id = $1 AND import_id = $2 AND operation_id = $3 AND (kind = $4 OR $4 = '')`
	p := q.Pipeline(
		db.Statement{SQL: `SELECT count(*)` + from, Args: []any{actor.AccountID, i.ID, operation, kind}},
		db.Statement{SQL: `SELECT row_number, kind, column_number, field, value, message, lead_id, earlier_row` + from + ` ORDER BY row_number, ordinal LIMIT $5 OFFSET $6`,
			Args: []any{actor.AccountID, i.ID, operation, kind, page.Size, page.Offset()}},
	)
	if err := db.Get(p.Next(), &total); err != nil {
		return nil, 0, err
	}
	found, err = db.Collect(p.Next(), func(r *db.Rows, v *Problem) {
		var column *int64
		r.Scan(&v.Row, &v.Kind, &column, &v.Field, &v.Value, &v.Message, &v.LeadID, &v.EarlierRow)
		if column != nil {
			letter := spreadsheet.ColumnName(int(*column))
			v.Column = &letter
			if n := int(*column) - 1; n < len(i.columns) && i.columns[n].Header != "" {
				v.Header = &i.columns[n].Header
			}
		}
	})
	return found, total, err
}

// knownKeys are the rows that a dry run has found keys in so far.
func knownKeys(q db.Querier, actor authz.Actor, operation int64, keys []string) (map[string]int64, error) {
	known := map[string]int64{}
	if len(keys) == 0 {
		return known, nil
	}
	rows := q.Query(`SELECT contact_key, row_number FROM import_keys WHERE account_id = $1 AND operation_id = $2 AND contact_key = ANY($3)`, actor.AccountID, operation, keys)
	for rows.Next() {
		var key string
		var row int64
		rows.Scan(&key, &row)
		known[key] = row
	}
	return known, rows.Err()
}

func noteKey(tx *db.Tx, actor authz.Actor, operation int64, key string, row int64) error {
	return tx.Queue(`INSERT INTO import_keys (account_id, operation_id, contact_key, row_number) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account_id, operation_id, contact_key) DO NOTHING`, actor.AccountID, operation, key, row)
}

// sweepKeys is how many keys of a dry run that is over are removed at once.
const sweepKeys = 5000

// removeKeys removes some of a dry run's keys and tells how many.
func removeKeys(tx *db.Tx, actor authz.Actor, operation int64) (int64, error) {
	return tx.Exec(`DELETE FROM import_keys WHERE account_id = $1 AND operation_id = $2 AND contact_key IN
		(SELECT k.contact_key FROM import_keys k WHERE k.account_id = $1 AND k.operation_id = $2 LIMIT $3)`, actor.AccountID, operation, int64(sweepKeys))
}
