package accounts

import (
	"errors"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

const accountColumns = `id, name, plan, status, COALESCE(max_leads, 0), time_zone, created_at`

func scanAccount(a *Account) []any {
	return []any{&a.ID, &a.Name, &a.Plan, &a.Status, &a.MaxLeads, &a.TimeZone, &a.Created}
}

func selectAccounts(q db.Querier) ([]Account, error) {
	return db.Collect(q.Query(`SELECT `+accountColumns+` FROM accounts ORDER BY id`), func(rows *db.Rows, a *Account) {
		rows.Scan(scanAccount(a)...)
	})
}

func selectAccount(q db.Querier, id int64) (Account, error) {
	return oneAccount(q.Query(`SELECT `+accountColumns+` FROM accounts WHERE id = $1`, id))
}

func selectAccountForUpdate(tx *db.Tx, id int64) (Account, error) {
	return oneAccount(tx.Query(`SELECT `+accountColumns+` FROM accounts WHERE id = $1 FOR NO KEY UPDATE`, id))
}

func oneAccount(rows *db.Rows) (Account, error) {
	var a Account
	err := db.Get(rows, scanAccount(&a)...)
	if errors.Is(err, db.ErrNoRows) {
		return Account{}, faults.Unknown("Conta", "a")
	}
	return a, err
}

func insertAccount(tx *db.Tx, a Account) (Account, error) {
	var made Account
	err := db.Get(tx.Query(`
		INSERT INTO accounts (name, plan, status, max_leads, time_zone, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6)
		RETURNING `+accountColumns,
		a.Name, a.Plan, string(a.Status), orNull(a.MaxLeads), a.TimeZone, tx.Now()), scanAccount(&made)...)
	return made, err
}

func updateAccount(tx *db.Tx, a Account) error {
	_, err := tx.Exec(`
		UPDATE accounts SET name = $2, plan = $3, status = $4, max_leads = $5, time_zone = $6, updated_at = $7
		WHERE id = $1`,
		a.ID, a.Name, a.Plan, string(a.Status), orNull(a.MaxLeads), a.TimeZone, tx.Now())
	return err
}

func raiseSetupVersion(tx *db.Tx, accountID int64) error {
	return tx.Queue(`UPDATE accounts SET setup_version = setup_version + 1 WHERE id = $1`, accountID)
}

// orNull is a limit as it is stored: none is NULL.
func orNull(limit int64) *int64 {
	if limit == 0 {
		return nil
	}
	return &limit
}

func selectUsers(q db.Querier, accountID int64) ([]User, error) {
	return db.Collect(q.Query(`SELECT id, name, email, role FROM users WHERE account_id = $1 ORDER BY id`, accountID),
		func(rows *db.Rows, u *User) { rows.Scan(&u.ID, &u.Name, &u.Email, &u.Role) })
}

func insertUser(tx *db.Tx, accountID int64, n NewUser) (User, error) {
	u := User{Name: n.Name, Email: n.Email, Role: n.Role}
	err := db.Get(tx.Query(`
		INSERT INTO users (account_id, name, email, email_key, role, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6)
		RETURNING id`,
		accountID, n.Name, n.Email, strings.ToLower(n.Email), string(n.Role), tx.Now()), &u.ID)
	return u, err
}

const keyColumns = `id, name, prefix, scopes, rate_limit, expires_at, revoked_at, created_at`

func scanKey(rows *db.Rows, k *Key) {
	var scopes string
	rows.Scan(&k.ID, &k.Name, &k.Prefix, &scopes, &k.RateLimit, &k.Expires, &k.Revoked, &k.Created)
	k.Scopes = splitScopes(scopes)
}

func selectKeys(q db.Querier, accountID int64) ([]Key, error) {
	return db.Collect(q.Query(`SELECT `+keyColumns+` FROM api_keys WHERE account_id = $1 ORDER BY id`, accountID), scanKey)
}

func insertKey(tx *db.Tx, accountID int64, n NewKey, plain string) (Key, error) {
	made, err := db.Collect(tx.Query(`
		INSERT INTO api_keys (account_id, name, prefix, hash, scopes, rate_limit, expires_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		RETURNING `+keyColumns,
		accountID, n.Name, KeyPrefix(plain), HashKey(plain), joinScopes(n.Scopes), n.RateLimit, n.Expires, tx.Now()), scanKey)
	if err != nil {
		return Key{}, err
	}
	return made[0], nil
}

// revokeKey tells whether the account has such a key. One that was revoked
// before stays revoked since then.
func revokeKey(tx *db.Tx, accountID, keyID int64) (bool, error) {
	n, err := tx.Exec(`UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $3) WHERE account_id = $1 AND id = $2`,
		accountID, keyID, tx.Now())
	return n == 1, err
}

// keyRecord is a key with what a request needs to know of its account.
type keyRecord struct {
	keyID, accountID, userID int64
	hash                     string
	scopes                   []authz.Scope
	rateLimit                *int64
	expires, revoked         *time.Time
	timeZone                 string
	status                   Status
	maxLeads, setupVersion   int64
}

// selectKeyByHash finds a key in whichever account it is; [db.ErrNoRows] if
// there is none.
func selectKeyByHash(q db.Querier, hash string) (r keyRecord, err error) {
	var scopes string
	err = db.Get(q.Query(`
		SELECT k.id, k.account_id, k.hash, k.scopes, k.rate_limit, k.expires_at, k.revoked_at,
			a.time_zone, a.status, COALESCE(a.max_leads, 0), a.setup_version,
			COALESCE((
				SELECT u.id FROM users u WHERE u.account_id = k.account_id
				ORDER BY CASE u.role WHEN 'admin' THEN 0 WHEN 'manager' THEN 1 ELSE 2 END, u.id LIMIT 1
			), 0)
		FROM api_keys k JOIN accounts a ON a.id = k.account_id
		WHERE k.hash = $1`, hash),
		&r.keyID, &r.accountID, &r.hash, &scopes, &r.rateLimit, &r.expires, &r.revoked,
		&r.timeZone, &r.status, &r.maxLeads, &r.setupVersion, &r.userID)
	r.scopes = splitScopes(scopes)
	return r, err
}

// takeFromWindow counts wanted more requests in the key's shared window and gives
// its start and what has been taken from it by then, which may be more than the
// limit. A window that has ended, or lies in the future, begins anew.
//
// A crash of the server may forget the last counts; no request waits for the disk.
func takeFromWindow(tx *db.Tx, keyID, wanted int64, now time.Time) (start time.Time, taken int64, err error) {
	if err := tx.Queue(`SET LOCAL synchronous_commit = off`); err != nil {
		return time.Time{}, 0, err
	}
	const goesOn = `rate_windows.started_at > $4 AND rate_windows.started_at < $5`
	err = db.Get(tx.Query(`
		INSERT INTO rate_windows (key_id, started_at, taken) VALUES ($1, $2, $3)
		ON CONFLICT (key_id) DO UPDATE SET
			started_at = CASE WHEN `+goesOn+` THEN rate_windows.started_at ELSE excluded.started_at END,
			taken = CASE WHEN `+goesOn+` THEN rate_windows.taken + excluded.taken ELSE excluded.taken END
		RETURNING started_at, taken`,
		keyID, now.UTC(), wanted, now.UTC().Add(-rateWindow), now.UTC().Add(rateWindow)), &start, &taken)
	return start, taken, err
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
