package contacts

import (
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/leads"
)

// Relation is what contacts are to leads: they go over, and a lead that has a first
// person to talk to keeps it.
func Relation() leads.Relation {
	const table = "lead_contacts"
	return leads.Relation{
		Move: func(tx *db.Tx, actor authz.Actor, m *leads.Merge) error {
			if err := m.Note(tx, actor, table, `CASE WHEN is_primary THEN 'primary' END`); err != nil {
				return err
			}
			if err := tx.Queue(`UPDATE lead_contacts SET is_primary = FALSE WHERE account_id = $1 AND lead_id = $2 AND is_primary
				AND EXISTS (SELECT 1 FROM lead_contacts p WHERE p.account_id = $1 AND p.lead_id = $3 AND p.is_primary)`,
				actor.AccountID, m.Secondary.ID, m.Primary.ID); err != nil {
				return err
			}
			return m.HandOver(tx, actor, table)
		},
		Return: func(tx *db.Tx, actor authz.Actor, m *leads.Merge) error {
			if err := m.HandBack(tx, actor, table); err != nil {
				return err
			}
			return tx.Queue(`UPDATE lead_contacts SET is_primary = TRUE WHERE account_id = $1 AND lead_id = $2 AND id IN (`+m.Noted(table, "$3", "primary")+`)`,
				actor.AccountID, m.Secondary.ID, m.ID)
		},
	}
}
