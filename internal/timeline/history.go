package timeline

import (
	"encoding/json"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
)

// Past is what one version of a record changed, with what is kept aside.
type Past struct {
	Version int64
	Changed map[string]Values
}

// Values are a field's value before and after a change, as they were written.
type Values [2]json.RawMessage

// Old is the value before the change.
func (v Values) Old() json.RawMessage { return v[0] }

// New is the value after the change.
func (v Values) New() json.RawMessage { return v[1] }

// History gives the changes of a record from a version on, in their order.
func History(q db.Querier, actor authz.Actor, kind Kind, id, from int64) ([]Past, error) {
	var failed error
	past, err := db.Collect(q.Query(`SELECT version, changes FROM record_changes
		WHERE account_id = $1 AND record = $2 AND record_id = $3 AND version >= $4 ORDER BY version`, actor.AccountID, kind, id, from),
		func(r *db.Rows, p *Past) {
			var object string
			r.Scan(&p.Version, &object)
			if err := json.Unmarshal([]byte(object), &p.Changed); err != nil && failed == nil {
				failed = fmt.Errorf("changes of version %d: %w", p.Version, err)
			}
		})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, fmt.Errorf("reading the changes of %s %d: %w", kind, id, err)
	}
	return past, nil
}
