package accounts

import (
	"errors"
	"time"

	"syncro/internal/db"
	"syncro/internal/faults"
)

const accountColumns = `id, name, plan, status, COALESCE(max_leads, 0), time_zone, phone_region, created_at`

func scanAccount(a *Account) []any {
	return []any{&a.ID, &a.Name, &a.Plan, &a.Status, &a.MaxLeads, &a.TimeZone, &a.PhoneRegion, &a.Created}
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
		INSERT INTO accounts (name, plan, status, max_leads, time_zone, phone_region, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
		RETURNING `+accountColumns,
		a.Name, a.Plan, string(a.Status), orNull(a.MaxLeads), a.TimeZone, a.PhoneRegion, tx.Now()), scanAccount(&made)...)
	return made, err
}

func updateAccount(tx *db.Tx, a Account) error {
	_, err := tx.Exec(`
		UPDATE accounts SET name = $2, plan = $3, status = $4, max_leads = $5, time_zone = $6, phone_region = $7, updated_at = $8
		WHERE id = $1`,
		a.ID, a.Name, a.Plan, string(a.Status), orNull(a.MaxLeads), a.TimeZone, a.PhoneRegion, tx.Now())
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
