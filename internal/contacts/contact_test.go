package contacts_test

import (
	"encoding/json"
	"testing"

	"syncro/internal/contacts"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

func TestTheContactsOfManyLeadsComeTogetherPrimaryFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		ours, theirs := dbtest.Account(t, d, clock, 1), dbtest.Account(t, d, clock, 2)
		dbtest.Lead(t, d, clock, ours, 100, "João")
		dbtest.Lead(t, d, clock, ours, 101, "Maria")
		for _, contact := range [][]any{{1, 100, "Ivo", nil, false}, {2, 100, "Márcia", "Diretora", true}, {3, 101, "Rui", nil, true}} {
			dbtest.Exec(t, d, `INSERT INTO lead_contacts (id, account_id, lead_id, name, role, phone, email, is_primary, created_at)
				VALUES ($1, 1, $2, $3, $4, $4, $4, $5, $6)`, append(contact, clock.Now())...)
		}
		want := `{"100":[{"id":2,"name":"Márcia","role":"Diretora","phone":"Diretora","email":"Diretora","is_primary":true},` +
			`{"id":1,"name":"Ivo","role":null,"phone":null,"email":null,"is_primary":false}],` +
			`"101":[{"id":3,"name":"Rui","role":null,"phone":null,"email":null,"is_primary":true}]}`
		err := d.Read(t.Context(), func(q db.Querier) error {
			people, err := contacts.ForLeads(q, ours, []int64{100, 101, 102})
			if err != nil {
				return err
			}
			if got, err := json.Marshal(people); err != nil || string(got) != want {
				t.Errorf("got  %s, %v\nwant %s", got, err, want)
			}
			foreign, err := contacts.ForLeads(q, theirs, []int64{100, 101})
			if len(foreign) != 0 {
				t.Errorf("another account gets %+v", foreign)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
