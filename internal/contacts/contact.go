// Package contacts is the people behind a deal: a lead is one deal, and several
// people may have a say in it.
package contacts

import (
	"syncro/internal/authz"
	"syncro/internal/db"
)

// Contact is a person behind a lead, as the lead's include shows it
// (leads-api.txt, "Extra relations").
type Contact struct {
	ID        int64   `json:"id" doc:"Contact id." example:"7"`
	Name      string  `json:"name" doc:"Name of the person." example:"Márcia Prado"`
	Role      *string `json:"role" doc:"Part in the deal." example:"Diretora financeira"`
	Phone     *string `json:"phone" doc:"Phone." example:"+551133445566"`
	Email     *string `json:"email" doc:"Email." example:"marcia@acme.com.br"`
	IsPrimary bool    `json:"is_primary" doc:"Whether this is the first person to talk to." example:"true"`
}

// ForLeads gives the contacts of leads by lead, the primary one first.
func ForLeads(q db.Querier, actor authz.Actor, leadIDs []int64) (map[int64][]Contact, error) {
	rows := q.Query(`SELECT lead_id, id, name, role, phone, email, is_primary FROM lead_contacts
		WHERE account_id = $1 AND lead_id = ANY($2) ORDER BY lead_id, is_primary DESC, id`, actor.AccountID, leadIDs)
	contacts := map[int64][]Contact{}
	for rows.Next() {
		var leadID int64
		var c Contact
		rows.Scan(&leadID, &c.ID, &c.Name, &c.Role, &c.Phone, &c.Email, &c.IsPrimary)
		contacts[leadID] = append(contacts[leadID], c)
	}
	return contacts, rows.Err()
}
