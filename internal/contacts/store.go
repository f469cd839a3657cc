package contacts

import (
	"errors"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

const columns = `id, name, role, phone, email, is_primary`

func (c *Contact) places() []any {
	return []any{&c.ID, &c.Name, &c.Role, &c.Phone, &c.Email, &c.IsPrimary}
}

func unknown() error { return faults.Unknown("Contato", "o") }

// ForLeads gives the contacts of leads by lead, the primary one first.
func ForLeads(q db.Querier, actor authz.Actor, leadIDs []int64) (map[int64][]Contact, error) {
	rows := q.Query(`SELECT lead_id, `+columns+` FROM lead_contacts
		WHERE account_id = $1 AND lead_id = ANY($2) ORDER BY lead_id, is_primary DESC, id`, actor.AccountID, leadIDs)
	contacts := map[int64][]Contact{}
	for rows.Next() {
		var leadID int64
		var c Contact
		rows.Scan(append([]any{&leadID}, c.places()...)...)
		contacts[leadID] = append(contacts[leadID], c)
	}
	return contacts, rows.Err()
}

func find(q db.Querier, actor authz.Actor, leadID, id int64) (c Contact, err error) {
	err = db.Get(q.Query(`SELECT `+columns+` FROM lead_contacts WHERE account_id = $1 AND lead_id = $2 AND id = $3`, actor.AccountID, leadID, id), c.places()...)
	if errors.Is(err, db.ErrNoRows) {
		return Contact{}, unknown()
	}
	return c, err
}

func unsetPrimary(tx *db.Tx, actor authz.Actor, leadID int64) error {
	return tx.Queue(`UPDATE lead_contacts SET is_primary = FALSE WHERE account_id = $1 AND lead_id = $2 AND is_primary`, actor.AccountID, leadID)
}

func insert(tx *db.Tx, actor authz.Actor, leadID int64, c *Contact) error {
	return db.Get(tx.Query(`INSERT INTO lead_contacts (account_id, lead_id, name, role, phone, email, is_primary, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
		actor.AccountID, leadID, c.Name, c.Role, c.Phone, c.Email, c.IsPrimary, tx.Now()), &c.ID)
}

func update(tx *db.Tx, actor authz.Actor, c *Contact) error {
	return tx.Queue(`UPDATE lead_contacts SET name = $3, role = $4, phone = $5, email = $6, is_primary = $7 WHERE account_id = $1 AND id = $2`,
		actor.AccountID, c.ID, c.Name, c.Role, c.Phone, c.Email, c.IsPrimary)
}

func remove(tx *db.Tx, actor authz.Actor, leadID, id int64) error {
	n, err := tx.Exec(`DELETE FROM lead_contacts WHERE account_id = $1 AND lead_id = $2 AND id = $3`, actor.AccountID, leadID, id)
	if err == nil && n == 0 {
		err = unknown()
	}
	return err
}
