package products_test

import (
	"encoding/json"
	"testing"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/products"
)

func TestTheProductsOfManyLeadsComeTogetherWithTheirTotals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		ours, theirs := dbtest.Account(t, d, clock, 1), dbtest.Account(t, d, clock, 2)
		dbtest.Lead(t, d, clock, ours, 100, "João")
		dbtest.Lead(t, d, clock, ours, 101, "Maria")
		dbtest.Exec(t, d, `INSERT INTO products (id, account_id, name, price_cents, created_at, updated_at) VALUES (1, 1, 'Licença', 100, $1, $1)`, clock.Now())
		for _, line := range [][]any{{1, 100, 200, 45_000, 1250}, {2, 101, 150, 333, 0}, {3, 100, 300, 5, 5000}} {
			dbtest.Exec(t, d, `INSERT INTO lead_products (id, account_id, lead_id, product_id, product_name, quantity_hundredths, unit_price_cents, discount_hundredths, created_at)
				VALUES ($1, 1, $2, 1, 'Licença Pro', $3, $4, $5, $6)`, append(line, clock.Now())...)
		}
		want := `{"100":[{"id":1,"product_id":1,"product_name":"Licença Pro","quantity":2,"unit_price":450,"discount_percent":12.5,"total":787.5},` +
			`{"id":3,"product_id":1,"product_name":"Licença Pro","quantity":3,"unit_price":0.05,"discount_percent":50,"total":0.08}],` +
			`"101":[{"id":2,"product_id":1,"product_name":"Licença Pro","quantity":1.5,"unit_price":3.33,"discount_percent":0,"total":5}]}`
		err := d.Read(t.Context(), func(q db.Querier) error {
			lines, err := products.ForLeads(q, ours, []int64{100, 101, 102})
			if err != nil {
				return err
			}
			if got, err := json.Marshal(lines); err != nil || string(got) != want {
				t.Errorf("got  %s, %v\nwant %s", got, err, want)
			}
			foreign, err := products.ForLeads(q, theirs, []int64{100, 101})
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
