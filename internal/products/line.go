package products

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
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

// LineFields are the body of POST /leads/{id}/products. Amounts and percentages are
// read like money, which has two decimals, too. The limits keep every total within
// what [money.LineTotal] can calculate.
type LineFields struct {
	ProductID       input.Field[int64]       `json:"product_id" required:"true" doc:"Id of an active product." example:"1"`
	Quantity        input.Field[money.Cents] `json:"quantity" minimum:"0.01" maximum:"1000000" doc:"How many pieces, with two decimals (default 1)." example:"2"`
	UnitPrice       input.Field[money.Cents] `json:"unit_price" minimum:"0" maximum:"99999999.99" doc:"Price of one piece; that of the product when left out." example:"450"`
	DiscountPercent input.Field[money.Cents] `json:"discount_percent" minimum:"0" maximum:"100" doc:"Discount in percent, with two decimals (default 0)." example:"12.5"`
}

// LineChanges are the body of PUT and PATCH /leads/{id}/products/{line_id}.
type LineChanges struct {
	Quantity        input.Field[money.Cents] `json:"quantity" whenSent:"required" minimum:"0.01" maximum:"1000000" doc:"How many pieces, with two decimals." example:"3"`
	UnitPrice       input.Field[money.Cents] `json:"unit_price" whenSent:"required" minimum:"0" maximum:"99999999.99" doc:"Price of one piece." example:"450"`
	DiscountPercent input.Field[money.Cents] `json:"discount_percent" whenSent:"required" minimum:"0" maximum:"100" doc:"Discount in percent, with two decimals." example:"10"`
}

const onePiece = 100 // hundredths

// Lines gives what a lead has of products, in order of adding.
func (s *Service) Lines(ctx context.Context, actor authz.Actor, leadID int64) (lines []Line, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		if _, err := leads.Find(q, actor, leadID); err != nil {
			return err
		}
		all, err := ForLeads(q, actor, []int64{leadID})
		lines = all[leadID]
		return err
	})
	return lines, err
}

// AddLine adds a product to a lead, with its name and price as they are now.
func (s *Service) AddLine(ctx context.Context, actor authz.Actor, leadID int64, form *input.Form[LineFields]) (l Line, err error) {
	f := &form.Fields
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := leads.HoldOne(tx, actor, leadID); err != nil {
			return err
		}
		whole, product := copied(form), Product{}
		if f.ProductID.Given() {
			product, err = share(tx, actor, f.ProductID.Value)
			switch {
			case faults.Is(err, faults.NotFound), err == nil && !product.IsActive:
				whole.Problems.Selected("product_id")
			case err != nil:
				return err
			}
		}
		if err := whole.Err(); err != nil {
			return err
		}
		l = Line{ProductID: product.ID, ProductName: product.Name, Quantity: onePiece, UnitPrice: product.Price}
		l.apply(f.Quantity, f.UnitPrice, f.DiscountPercent)
		return insertLine(tx, actor, leadID, &l)
	})
	return l, err
}

// ChangeLine changes what was sent of a line.
func (s *Service) ChangeLine(ctx context.Context, actor authz.Actor, leadID, id int64, form *input.Form[LineChanges]) (l Line, err error) {
	f := &form.Fields
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := leads.HoldOne(tx, actor, leadID); err != nil {
			return err
		}
		if l, err = findLine(tx, actor, leadID, id); err != nil {
			return err
		}
		if err := form.Err(); err != nil {
			return err
		}
		l.apply(f.Quantity, f.UnitPrice, f.DiscountPercent)
		return updateLine(tx, actor, &l)
	})
	return l, err
}

// RemoveLine takes a line out of a lead.
func (s *Service) RemoveLine(ctx context.Context, actor authz.Actor, leadID, id int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := leads.HoldOne(tx, actor, leadID); err != nil {
			return err
		}
		return removeLine(tx, actor, leadID, id)
	})
}

// apply sets what was sent and calculates the total.
func (l *Line) apply(quantity, price, discount input.Field[money.Cents]) {
	if quantity.Given() {
		l.Quantity = Hundredths(quantity.Value)
	}
	set(&l.UnitPrice, price)
	if discount.Given() {
		l.DiscountPercent = Hundredths(discount.Value)
	}
	l.Total = money.LineTotal(int64(l.Quantity), l.UnitPrice, int64(l.DiscountPercent))
}
