package accounts

import (
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

const keyColumns = `id, name, prefix, scopes, user_id, rate_limit, expires_at, revoked_at, replaced_by, created_at`

func scanKey(rows *db.Rows, k *Key) {
	var scopes string
	rows.Scan(&k.ID, &k.Name, &k.Prefix, &scopes, &k.UserID, &k.RateLimit, &k.Expires, &k.Revoked, &k.ReplacedBy, &k.Created)
	k.Scopes = splitScopes(scopes)
}

func selectKeys(q db.Querier, accountID int64) ([]Key, error) {
	return db.Collect(q.Query(`SELECT `+keyColumns+` FROM api_keys WHERE account_id = $1 ORDER BY id`, accountID), scanKey)
}

func selectKey(q db.Querier, accountID, id int64) (Key, error) {
	return oneKey(q.Query(`SELECT `+keyColumns+` FROM api_keys WHERE account_id = $1 AND id = $2`, accountID, id))
}

func selectKeyForUpdate(tx *db.Tx, accountID, id int64) (Key, error) {
	return oneKey(tx.Query(`SELECT `+keyColumns+` FROM api_keys WHERE account_id = $1 AND id = $2 FOR UPDATE`, accountID, id))
}

func oneKey(rows *db.Rows) (Key, error) {
	found, err := db.Collect(rows, scanKey)
	switch {
	case err != nil:
		return Key{}, err
	case len(found) == 0:
		return Key{}, unknownKeyID()
	}
	return found[0], nil
}

func unknownKeyID() error { return faults.Unknown("API Key", "a") }

func insertKey(tx *db.Tx, accountID int64, n NewKey, plain string) (Key, error) {
	return oneKey(tx.Query(`
		INSERT INTO api_keys (account_id, name, prefix, hash, scopes, user_id, rate_limit, expires_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		RETURNING `+keyColumns,
		accountID, n.Name, KeyPrefix(plain), HashKey(plain), joinScopes(n.Scopes), n.UserID, n.RateLimit, n.Expires, tx.Now()))
}

// revokeKey tells whether the account has such a key. One that was revoked
// before stays revoked since then.
func revokeKey(tx *db.Tx, accountID, keyID int64) (bool, error) {
	n, err := tx.Exec(`UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $3) WHERE account_id = $1 AND id = $2`,
		accountID, keyID, tx.Now())
	return n == 1, err
}

// replaceKey lets a key end at a time, because another one has taken its place.
func replaceKey(tx *db.Tx, accountID int64, k Key) error {
	return tx.Queue(`UPDATE api_keys SET expires_at = $3, revoked_at = $4, replaced_by = $5 WHERE account_id = $1 AND id = $2`,
		accountID, k.ID, k.Expires, k.Revoked, k.ReplacedBy)
}

// keyRecord is a key with what a request needs to know of its account.
type keyRecord struct {
	keyID, accountID, userID int64
	hash                     string
	scopes                   []authz.Scope
	bound                    bool // to its user, whose role caps the scopes
	role                     authz.Role
	rateLimit                *int64
	expires, revoked         *time.Time
	timeZone, phoneRegion    string
	status                   Status
	maxLeads, setupVersion   int64
}

// selectKeyByHash finds a key in whichever account it is; [db.ErrNoRows] if
// there is none.
func selectKeyByHash(q db.Querier, hash string) (r keyRecord, err error) {
	var scopes string
	err = db.Get(q.Query(`
		SELECT k.id, k.account_id, k.hash, k.scopes, k.rate_limit, k.expires_at, k.revoked_at,
			a.time_zone, a.phone_region, a.status, COALESCE(a.max_leads, 0), a.setup_version,
			k.user_id IS NOT NULL, COALESCE(u.id, 0), COALESCE(u.role, '')
		FROM api_keys k JOIN accounts a ON a.id = k.account_id
		LEFT JOIN users u ON u.account_id = k.account_id AND u.deleted_at IS NULL AND u.id = COALESCE(k.user_id, (
			SELECT f.id FROM users f WHERE f.account_id = k.account_id AND f.deleted_at IS NULL
			ORDER BY CASE f.role WHEN 'admin' THEN 0 WHEN 'manager' THEN 1 ELSE 2 END, f.id LIMIT 1
		))
		WHERE k.hash = $1`, hash),
		&r.keyID, &r.accountID, &r.hash, &scopes, &r.rateLimit, &r.expires, &r.revoked,
		&r.timeZone, &r.phoneRegion, &r.status, &r.maxLeads, &r.setupVersion, &r.bound, &r.userID, &r.role)
	r.scopes = splitScopes(scopes)
	return r, err
}

// splitScopes reads scopes as they are stored, separated by spaces.
func splitScopes(text string) []authz.Scope {
	var scopes []authz.Scope
	for name := range strings.FieldsSeq(text) {
		scopes = append(scopes, authz.Scope(name))
	}
	return scopes
}

func joinScopes(scopes []authz.Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, " ")
}
