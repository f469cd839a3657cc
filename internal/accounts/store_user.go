package accounts

import (
	"errors"
	"strings"

	"syncro/internal/authz"
	"syncro/internal/db"
)

const userColumns = `id, name, email, role, created_at, deleted_at`

func (u *User) places() []any {
	return []any{&u.ID, &u.Name, &u.Email, &u.Role, &u.Created, &u.Deleted}
}

// selectUsers reads all users of an account, deleted ones too, by id.
func selectUsers(q db.Querier, accountID int64) ([]User, error) {
	return db.Collect(q.Query(`SELECT `+userColumns+` FROM users WHERE account_id = $1 ORDER BY id`, accountID),
		func(rows *db.Rows, u *User) { rows.Scan(u.places()...) })
}

func selectUser(q db.Querier, accountID, id int64) (User, error) {
	return oneUser(q.Query(`SELECT `+userColumns+` FROM users WHERE account_id = $1 AND id = $2`, accountID, id))
}

// selectUserForUpdate reads a user who is not deleted and lets nobody refer to him
// anew until the transaction ends.
func selectUserForUpdate(tx *db.Tx, accountID, id int64) (User, error) {
	return oneUser(tx.Query(`SELECT `+userColumns+` FROM users WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`, accountID, id))
}

func oneUser(rows *db.Rows) (u User, err error) {
	err = db.Get(rows, u.places()...)
	if errors.Is(err, db.ErrNoRows) {
		return User{}, unknownUser()
	}
	return u, err
}

func countOtherAdmins(q db.Querier, accountID, id int64) (n int64, err error) {
	err = db.Get(q.Query(`SELECT count(*) FROM users WHERE account_id = $1 AND id <> $2 AND role = $3 AND deleted_at IS NULL`,
		accountID, id, string(authz.Admin)), &n)
	return n, err
}

// hasEmail tells whether another user than the given one has the email.
func hasEmail(q db.Querier, accountID int64, email string, except int64) (taken bool, err error) {
	err = db.Get(q.Query(`SELECT EXISTS (SELECT 1 FROM users WHERE account_id = $1 AND email_key = $2 AND id <> $3)`,
		accountID, strings.ToLower(email), except), &taken)
	return taken, err
}

func isActive(q db.Querier, accountID, id int64) (active bool, err error) {
	err = db.Get(q.Query(`SELECT EXISTS (SELECT 1 FROM users WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL)`, accountID, id), &active)
	return active, err
}

// HoldUser tells whether something can be given to a user, who in that case is not
// deleted before the transaction ends. Whoever stores an owner asks it, because the
// snapshot of [Service.Users] can be half a second old.
func HoldUser(tx *db.Tx, actor authz.Actor, id int64) (active bool, err error) {
	err = db.Get(tx.Query(`SELECT id FROM users WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL FOR KEY SHARE`, actor.AccountID, id), &id)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func insertUser(tx *db.Tx, accountID int64, n NewUser) (User, error) {
	var u User
	err := db.Get(tx.Query(`
		INSERT INTO users (account_id, name, email, email_key, role, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6)
		RETURNING `+userColumns,
		accountID, n.Name, n.Email, strings.ToLower(n.Email), string(n.Role), tx.Now()), u.places()...)
	return u, err
}

func updateUser(tx *db.Tx, accountID int64, u User) error {
	_, err := tx.Exec(`UPDATE users SET name = $3, email = $4, email_key = $5, role = $6, updated_at = $7 WHERE account_id = $1 AND id = $2`,
		accountID, u.ID, u.Name, u.Email, strings.ToLower(u.Email), string(u.Role), tx.Now())
	return err
}

// markDeleted takes a user out of the account and revokes the keys that act as him.
func markDeleted(tx *db.Tx, accountID, id int64) error {
	if err := tx.Queue(`UPDATE users SET deleted_at = $3, email_key = NULL, updated_at = $3 WHERE account_id = $1 AND id = $2`, accountID, id, tx.Now()); err != nil {
		return err
	}
	return tx.Queue(`UPDATE api_keys SET revoked_at = $3 WHERE account_id = $1 AND user_id = $2 AND revoked_at IS NULL`, accountID, id, tx.Now())
}
