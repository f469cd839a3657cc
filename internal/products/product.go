// Package products is what an account sells, and what of it is in a deal.
//
// A line of a deal keeps the product's name and price as they were when it was
// added; its total is quantity × unit price less the discount (companion-api.md
// section 2, "Includes").
package products

import (
	"github.com/danielgtaylor/huma/v2"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/money"
)

// Line is a product in a deal, as the lead's include shows it (leads-api.txt,
// "Extra relations").
type Line struct {
	ID              int64       `json:"id" doc:"Line id." example:"3"`
	ProductID       int64       `json:"product_id" doc:"Product id." example:"1"`
	ProductName     string      `json:"product_name" doc:"Name of the product when it was added." example:"Licença Pro"`
	Quantity        Hundredths  `json:"quantity" doc:"How many pieces." example:"2"`
	UnitPrice       money.Cents `json:"unit_price" doc:"Price of one piece." example:"450"`
	DiscountPercent Hundredths  `json:"discount_percent" doc:"Discount in percent." example:"12.5"`
	Total           money.Cents `json:"total" doc:"Quantity × unit price less the discount, rounded to cents." example:"787.5"`
}

// Hundredths is a number with two decimals, such as 2.5 pieces or 12.5 percent.
type Hundredths int64

// MarshalJSON writes the number without needless zeros.
func (h Hundredths) MarshalJSON() ([]byte, error) { return money.Cents(h).MarshalJSON() }

// Schema describes the number for the OpenAPI document.
func (Hundredths) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeNumber} }

// ForLeads gives the lines of leads by lead, in order of adding.
func ForLeads(q db.Querier, actor authz.Actor, leadIDs []int64) (map[int64][]Line, error) {
	rows := q.Query(`SELECT lead_id, id, product_id, product_name, quantity_hundredths, unit_price_cents, discount_hundredths FROM lead_products
		WHERE account_id = $1 AND lead_id = ANY($2) ORDER BY lead_id, id`, actor.AccountID, leadIDs)
	lines := map[int64][]Line{}
	for rows.Next() {
		var leadID int64
		var l Line
		rows.Scan(&leadID, &l.ID, &l.ProductID, &l.ProductName, &l.Quantity, &l.UnitPrice, &l.DiscountPercent)
		l.Total = money.LineTotal(int64(l.Quantity), l.UnitPrice, int64(l.DiscountPercent))
		lines[leadID] = append(lines[leadID], l)
	}
	return lines, rows.Err()
}
