package duplicates

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/leads"
)

// enqueue notes that a lead is to be checked.
func enqueue(tx *db.Tx, actor authz.Actor, lead int64) error {
	return tx.Queue(`INSERT INTO duplicate_checks (account_id, lead_id) VALUES ($1, $2)`, actor.AccountID, lead)
}

// forget removes the pairs of a lead that is listed no more. Their other halves are
// checked, for they may have been in a group through it alone.
func forget(tx *db.Tx, actor authz.Actor, lead int64) error {
	for _, sql := range []string{
		`INSERT INTO duplicate_checks (account_id, lead_id) SELECT account_id, CASE WHEN lead_id = $2 THEN other_id ELSE lead_id END
			FROM duplicates WHERE account_id = $1 AND (lead_id = $2 OR other_id = $2)`,
		`DELETE FROM duplicates WHERE account_id = $1 AND (lead_id = $2 OR other_id = $2)`,
		`DELETE FROM company_names WHERE account_id = $1 AND lead_id = $2`,
	} {
		if err := tx.Queue(sql, actor.AccountID, lead); err != nil {
			return err
		}
	}
	return nil
}

// Relation is what this package has of leads.
func Relation() leads.Relation {
	return leads.Relation{Purge: func(tx *db.Tx, actor authz.Actor, gone []int64) error {
		for _, sql := range []string{
			`DELETE FROM duplicates WHERE account_id = $1 AND lead_id = ANY($2)`,
			`DELETE FROM duplicates WHERE account_id = $1 AND other_id = ANY($2)`,
			`DELETE FROM company_names WHERE account_id = $1 AND lead_id = ANY($2)`,
		} {
			if err := tx.Queue(sql, actor.AccountID, gone); err != nil {
				return err
			}
		}
		return nil
	}}
}

// list reads a page of the pairs that are not dismissed.
func list(q db.Querier, actor authz.Actor, lead *int64, page api.Page) ([]Pair, int64, error) {
	const where = ` FROM duplicates WHERE account_id = $1 AND dismissed_at IS NULL`
	condition, args := where, []any{actor.AccountID}
	if lead != nil {
		condition, args = where+` AND (lead_id = $2 OR other_id = $2)`, append(args, *lead)
	}
	p := q.Pipeline(
		db.Statement{SQL: `SELECT count(*)` + condition, Args: args},
		db.Statement{
			SQL:  `SELECT id, lead_id, other_id, confidence, reasons, found_at` + condition + fmt.Sprintf(` ORDER BY confidence DESC, id DESC LIMIT $%d OFFSET $%d`, len(args)+1, len(args)+2),
			Args: append(slices.Clip(args), page.Size, page.Offset()),
		},
	)
	var total int64
	if err := db.Get(p.Next(), &total); err != nil {
		return nil, 0, err
	}
	var texts []string
	pairs, err := db.Collect(p.Next(), func(r *db.Rows, v *Pair) {
		var reasons string
		r.Scan(&v.ID, &v.older, &v.newer, &v.Confidence, &reasons, &v.FoundAt.Time)
		texts = append(texts, reasons)
	})
	if err != nil {
		return nil, 0, err
	}
	var ids []int64
	for i := range pairs {
		if err := json.Unmarshal([]byte(texts[i]), &pairs[i].Reasons); err != nil {
			return nil, 0, fmt.Errorf("reading the reasons of pair %d: %w", pairs[i].ID, err)
		}
		ids = append(ids, pairs[i].older, pairs[i].newer)
	}
	shown, err := shortLeads(q, actor, ids)
	for i := range pairs {
		pairs[i].Leads = []Lead{shown[pairs[i].older], shown[pairs[i].newer]}
	}
	return append([]Pair{}, pairs...), total, err
}

func shortLeads(q db.Querier, actor authz.Actor, ids []int64) (map[int64]Lead, error) {
	byID := map[int64]Lead{}
	if len(ids) == 0 {
		return byID, nil
	}
	rows := q.Query(`SELECT id, name, phone, email, company, pipeline_id, stage_id, value_cents, created_at, updated_at FROM leads WHERE account_id = $1 AND id = ANY($2)`, actor.AccountID, ids)
	for rows.Next() {
		var l Lead
		rows.Scan(&l.ID, &l.Name, &l.Phone, &l.Email, &l.Company, &l.PipelineID, &l.StageID, &l.Value, &l.CreatedAt.Time, &l.UpdatedAt.Time)
		byID[l.ID] = l
	}
	return byID, rows.Err()
}

// subjects reads leads for a comparison.
func subjects(q db.Querier, actor authz.Actor, ids []int64) (map[int64]*subject, error) {
	byID := map[int64]*subject{}
	rows := q.Query(`SELECT id, name, COALESCE(company, ''), COALESCE(email_key, ''), COALESCE(phone_key, ''), deleted_at IS NULL AND merged_into IS NULL
		FROM leads WHERE account_id = $1 AND id = ANY($2)`, actor.AccountID, ids)
	for rows.Next() {
		l := &subject{}
		rows.Scan(&l.id, &l.name, &l.company, &l.email, &l.phone, &l.listed)
		l.name, l.company = nameKey(l.name), companyKey(l.company)
		byID[l.id] = l
	}
	return byID, rows.Err()
}

// oldest is how many leads of those with an email or a phone a lead is compared with.
const oldest = 6

// sharing are, by key, the oldest listed leads with a key of a column.
func sharing(q db.Querier, actor authz.Actor, column string, keys []string) (map[string][]int64, error) {
	byKey := map[string][]int64{}
	if len(keys) == 0 {
		return byKey, nil
	}
	rows := q.Query(`SELECT key, id FROM (SELECT `+column+` AS key, id, row_number() OVER (PARTITION BY `+column+` ORDER BY id) AS place FROM leads
			WHERE account_id = $1 AND `+column+` = ANY($2) AND `+column+` IS NOT NULL AND deleted_at IS NULL AND merged_into IS NULL) AS same
		WHERE place <= $3`, actor.AccountID, keys, int64(oldest))
	for rows.Next() {
		var key string
		var id int64
		rows.Scan(&key, &id)
		byKey[key] = append(byKey[key], id)
	}
	return byKey, rows.Err()
}

// window is how many neighbours a lead has on each side in either order of names.
const window = 10

// neighbours are the ids of the leads of its company next to a lead, in either order.
func neighbours(l *subject, actor authz.Actor) []db.Statement {
	var all []db.Statement
	for _, order := range []struct{ column, key string }{{"name", l.name}, {"reversed", reversed(l.name)}} {
		for _, side := range []struct{ than, direction string }{{"<", "DESC"}, {">=", "ASC"}} {
			all = append(all, db.Statement{
				SQL: `SELECT lead_id FROM company_names WHERE account_id = $1 AND company = $2 AND ` + order.column + ` ` + side.than + ` $3
					ORDER BY ` + order.column + ` ` + side.direction + ` LIMIT $4`,
				Args: []any{actor.AccountID, l.company, order.key, int64(window)},
			})
		}
	}
	return all
}

// known is a pair as it is stored.
type known struct {
	id, older, newer int64
	fingerprint      string
}

// knownOf are the pairs that leads are in.
func knownOf(q db.Querier, actor authz.Actor, ids []int64) ([]known, error) {
	return db.Collect(q.Query(`SELECT id, lead_id, other_id, fingerprint FROM duplicates WHERE account_id = $1 AND lead_id = ANY($2)
		UNION SELECT id, lead_id, other_id, fingerprint FROM duplicates WHERE account_id = $1 AND other_id = ANY($2)`, actor.AccountID, ids),
		func(r *db.Rows, k *known) { r.Scan(&k.id, &k.older, &k.newer, &k.fingerprint) })
}

// keep stores a pair that is new or has other reasons than before, unless one of
// its leads has gone meanwhile.
func keep(tx *db.Tx, actor authz.Actor, older, newer int64, f *found) error {
	reasons, err := json.Marshal(f.reasons)
	if err != nil {
		return fmt.Errorf("writing the reasons of a pair: %w", err)
	}
	return tx.Queue(`INSERT INTO duplicates (account_id, lead_id, other_id, confidence, reasons, fingerprint, found_at)
		SELECT $1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::text, $6::text, $7::timestamptz
		WHERE (SELECT count(*) FROM leads WHERE account_id = $1 AND id IN ($2::bigint, $3::bigint) AND deleted_at IS NULL AND merged_into IS NULL) = 2
		ON CONFLICT (account_id, lead_id, other_id) DO UPDATE SET confidence = excluded.confidence, reasons = excluded.reasons,
			fingerprint = excluded.fingerprint, found_at = excluded.found_at, dismissed_at = NULL, dismissed_by = NULL`,
		actor.AccountID, older, newer, f.confidence, string(reasons), f.fingerprint, tx.Now())
}

// place keeps where leads stand in the orders of their companies' names.
func place(tx *db.Tx, actor authz.Actor, ids []int64, all map[int64]*subject) error {
	for _, id := range ids {
		l := all[id]
		var err error
		if l == nil || !l.listed || l.company == "" || l.name == "" {
			err = tx.Queue(`DELETE FROM company_names WHERE account_id = $1 AND lead_id = $2`, actor.AccountID, id)
		} else {
			err = tx.Queue(`INSERT INTO company_names (account_id, lead_id, company, name, reversed) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (account_id, lead_id) DO UPDATE SET company = excluded.company, name = excluded.name, reversed = excluded.reversed`,
				actor.AccountID, id, l.company, l.name, reversed(l.name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unchecked are the checks that are due, the oldest first, by account.
func unchecked(q db.Querier, most int64) (map[int64][]check, error) {
	byAccount := map[int64][]check{}
	rows := q.Query(`SELECT id, account_id, lead_id FROM duplicate_checks ORDER BY id LIMIT $1`, most)
	for rows.Next() {
		var account int64
		var c check
		rows.Scan(&c.id, &account, &c.lead)
		byAccount[account] = append(byAccount[account], c)
	}
	return byAccount, rows.Err()
}

// scanned notes how far the scan of an account has come; it is over with at.
func scanned(tx *db.Tx, actor authz.Actor, upTo int64, at *time.Time) error {
	return tx.Queue(`INSERT INTO duplicate_scans (account_id, scanned_to, finished_at) VALUES ($1, $2, $3)
		ON CONFLICT (account_id) DO UPDATE SET scanned_to = excluded.scanned_to, finished_at = excluded.finished_at`, actor.AccountID, upTo, at)
}
