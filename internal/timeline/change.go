package timeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// Kind is a kind of record that has versions.
type Kind string

// The kinds of record.
const (
	Lead Kind = "lead"
	Task Kind = "task"
)

// Change is one field's value before and after. A field whose name begins with
// [Aside] is none that the API shows: it is kept for [History] alone.
type Change struct {
	Field    string
	Old, New any // as they are written in JSON
}

// Aside begins the names of what a change keeps besides its fields.
const Aside = "_"

// ETag is the entity tag of a record's version, in its quotes.
func ETag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// RecordChange notes what a version of a record changed. Each version after the
// first has exactly one such note.
func RecordChange(tx *db.Tx, actor authz.Actor, kind Kind, id, version int64, changes []Change) error {
	object, err := encode(changes)
	if err != nil {
		return fmt.Errorf("changes of %s %d: %w", kind, id, err)
	}
	return tx.Queue(`INSERT INTO record_changes (account_id, record, record_id, version, changes, performed_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, actor.AccountID, kind, id, version, object, actor.PerformedBy(), tx.Now())
}

// encode writes changes as a JSON object of field → [old, new], in their order.
func encode(changes []Change) (string, error) {
	var object bytes.Buffer
	values := json.NewEncoder(&object)
	values.SetEscapeHTML(false)
	write := func(v any) error {
		err := values.Encode(v)
		object.Truncate(max(object.Len()-1, 0)) // without the line end that an Encoder adds
		return err
	}
	separator := byte('{')
	for _, c := range changes {
		object.WriteByte(separator)
		if err := write(c.Field); err != nil {
			return "", err
		}
		object.WriteByte(':')
		if err := write([]any{c.Old, c.New}); err != nil {
			return "", err
		}
		separator = ','
	}
	if len(changes) == 0 {
		object.WriteByte('{')
	}
	object.WriteByte('}')
	return object.String(), nil
}

// ChangedField is a field that was changed since a client read its record.
type ChangedField struct {
	Field     string           `json:"field" doc:"Name of the field." example:"name"`
	ChangedBy *Person          `json:"changed_by" doc:"Who changed it last; null when nobody did."`
	ChangedAt calendar.Instant `json:"changed_at" doc:"When it was changed last."`
}

// Stale is the refusal of a write that was meant for version since of a record
// that is at version current by now. It says which fields were changed in
// between, the last changed first, and by whom. Its error is of kind
// [faults.Stale], unless reading the changes fails.
func Stale(q db.Querier, actor authz.Actor, kind Kind, id, since, current int64) error {
	changed, err := changedFields(q, actor, kind, id, since, current)
	if err != nil {
		return fmt.Errorf("changes of %s %d: %w", kind, id, err)
	}
	return faults.New(faults.Stale, "O registro foi alterado desde a leitura.",
		faults.Member{Name: "current_etag", Value: ETag(current)}, faults.Member{Name: "changed", Value: changed})
}

func changedFields(q db.Querier, actor authz.Actor, kind Kind, id, since, current int64) ([]ChangedField, error) {
	rows := q.Query(`SELECT c.changes, c.created_at, u.id, u.name FROM record_changes c
		LEFT JOIN users u ON u.account_id = c.account_id AND u.id = c.performed_by
		WHERE c.account_id = $1 AND c.record = $2 AND c.record_id = $3 AND c.version > $4 AND c.version <= $5
		ORDER BY c.version DESC`, actor.AccountID, kind, id, since, current)
	changed, seen := []ChangedField{}, map[string]bool{}
	for rows.Next() {
		var (
			object string
			at     time.Time
			userID *int64
			user   *string
		)
		rows.Scan(&object, &at, &userID, &user)
		if rows.Err() != nil {
			break
		}
		names, err := fields(object)
		if err != nil {
			_ = rows.Close() // the error that counts is the one at hand
			return nil, err
		}
		for _, name := range names {
			if !seen[name] {
				seen[name] = true
				changed = append(changed, ChangedField{name, person(userID, user), calendar.Instant{Time: at}})
			}
		}
	}
	return changed, rows.Close()
}

// fields are the names of fields in an object that [encode] wrote, in its order.
func fields(object string) ([]string, error) {
	d := json.NewDecoder(strings.NewReader(object))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var names []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var values json.RawMessage
		if err := d.Decode(&values); err != nil {
			return nil, err
		}
		if text := fmt.Sprint(name); !strings.HasPrefix(text, Aside) {
			names = append(names, text)
		}
	}
	return names, nil
}

// Forget removes what is known of the changes of a record that is deleted for good.
func Forget(tx *db.Tx, actor authz.Actor, kind Kind, id int64) error {
	return tx.Queue(`DELETE FROM record_changes WHERE account_id = $1 AND record = $2 AND record_id = $3`, actor.AccountID, kind, id)
}
