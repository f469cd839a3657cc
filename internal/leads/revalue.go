package leads

import (
	"encoding/json"

	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/timeline"
)

// Revalued is what became of the values that leads have in a custom field.
type Revalued struct {
	Leads   int64  // that have a value in the field
	Failed  int64  // whose value could not be converted
	Problem string // of the first of those
}

// Revalue converts, in the caller's transaction, what leads, merged and trashed ones
// included, have in a custom field, and counts up their versions. With a problem, or
// with more than limit leads, nothing has been written. It reads all leads of the
// account: it is for rare acts of administration.
func Revalue(tx *db.Tx, actor authz.Actor, fieldID, limit int64, convert func(json.RawMessage) (value json.RawMessage, cleared bool, problem string)) (Revalued, error) {
	type holder struct {
		id, version int64
		values      string
	}
	mark := customfields.Mark(fieldID)
	var out Revalued
	if err := db.Get(tx.Query(`SELECT count(*) FROM leads WHERE account_id = $1 AND strpos(custom_values, $2) > 0`, actor.AccountID, mark), &out.Leads); err != nil {
		return out, err
	}
	if out.Leads == 0 || out.Leads > limit {
		return out, nil
	}
	holders, err := db.Collect(tx.Query(`SELECT id, version, custom_values FROM leads WHERE account_id = $1 AND strpos(custom_values, $2) > 0 ORDER BY id FOR UPDATE`, actor.AccountID, mark),
		func(rows *db.Rows, h *holder) { rows.Scan(&h.id, &h.version, &h.values) })
	if err != nil {
		return out, err
	}
	converted := make([]string, len(holders))
	for i, h := range holders {
		values, problem := customfields.Revalue(h.values, fieldID, convert)
		if problem != "" {
			if out.Failed++; out.Failed == 1 {
				out.Problem = problem
			}
		}
		converted[i] = values
	}
	if out.Failed > 0 {
		return out, nil
	}
	for i, h := range holders {
		if converted[i] == h.values {
			continue
		}
		if err := tx.Queue(`UPDATE leads SET custom_values = $3, version = $4, updated_at = $5 WHERE account_id = $1 AND id = $2`,
			actor.AccountID, h.id, converted[i], h.version+1, tx.Now()); err != nil {
			return out, err
		}
		change := timeline.Change{Field: "custom_fields", Old: json.RawMessage(h.values), New: json.RawMessage(converted[i])}
		if err := timeline.RecordChange(tx, actor, timeline.Lead, h.id, h.version+1, []timeline.Change{change}); err != nil {
			return out, err
		}
	}
	return out, nil
}
