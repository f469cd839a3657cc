// Package products is what an account sells, and what of it is in a deal.
//
// A product has a name, unique in the account, and a price. One that leads have had
// cannot be deleted, because their lines refer to it; it is deactivated, and then
// cannot be added to leads any more.
//
// A line of a deal keeps the product's name and price as they were when it was
// added; its total is quantity × unit price less the discount (companion-api.md
// section 2, "Includes"). Lines are no part of the lead: changing them moves neither
// its version nor its updated_at, and its value is what somebody says it is.
package products

import (
	"context"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/money"
)

// Product is something that an account sells.
type Product struct {
	ID        int64            `json:"id" doc:"Identifier of the product." example:"1"`
	Name      string           `json:"name" doc:"Its name, unique in the account." example:"Licença Pro"`
	Price     money.Cents      `json:"price" doc:"Price of one piece." example:"450"`
	IsActive  bool             `json:"is_active" doc:"Whether it can be added to leads." example:"true"`
	CreatedAt calendar.Instant `json:"created_at" doc:"When it was made."`
	UpdatedAt calendar.Instant `json:"updated_at" doc:"When it was last changed."`
}

// Fields are the body of POST /products.
type Fields struct {
	Name     input.Field[string]      `json:"name" required:"true" maxLength:"191" doc:"Name, unique in the account." example:"Licença Pro"`
	Price    input.Field[money.Cents] `json:"price" required:"true" minimum:"0" maximum:"99999999.99" doc:"Price of one piece; rounded to cents." example:"450"`
	IsActive input.Field[bool]        `json:"is_active" doc:"Whether it can be added to leads (default true)." example:"true"`
}

// Changes are the body of PUT and PATCH /products/{id}.
type Changes struct {
	Name     input.Field[string]      `json:"name" whenSent:"required" maxLength:"191" doc:"Name, unique in the account. Lines that were added before keep the old one." example:"Licença Pro"`
	Price    input.Field[money.Cents] `json:"price" whenSent:"required" minimum:"0" maximum:"99999999.99" doc:"Price of one piece; rounded to cents. Lines that were added before keep the old one." example:"450"`
	IsActive input.Field[bool]        `json:"is_active" whenSent:"required" doc:"Whether it can be added to leads." example:"false"`
}

// Filter is which products are listed.
type Filter struct {
	ActiveOnly input.Field[bool] `query:"active_only" doc:"Only products that can be added to leads." example:"true"`
}

// Service keeps products and what leads have of them. It is safe for concurrent use.
type Service struct{ db *db.DB }

// New makes the service.
func New(d *db.DB) *Service { return &Service{d} }

// List gives products by id from place offset on, and how many there are in all.
func (s *Service) List(ctx context.Context, actor authz.Actor, f Filter, limit, offset int64) (products []Product, total int64, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		products, total, err = list(q, actor, f.ActiveOnly.Value, limit, offset)
		return err
	})
	return products, total, err
}

// Get gives a product.
func (s *Service) Get(ctx context.Context, actor authz.Actor, id int64) (p Product, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		p, err = find(q, actor, id)
		return err
	})
	return p, err
}

// Create makes a product.
func (s *Service) Create(ctx context.Context, actor authz.Actor, form *input.Form[Fields]) (p Product, err error) {
	f := &form.Fields
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		whole := copied(form)
		if err := checkName(tx, actor, f.Name, 0, &whole.Problems); err != nil {
			return err
		}
		if err := whole.Err(); err != nil {
			return err
		}
		p = Product{Name: f.Name.Value, Price: f.Price.Value, IsActive: !f.IsActive.Given() || f.IsActive.Value}
		p.CreatedAt = calendar.Instant{Time: tx.Now()}
		p.UpdatedAt = p.CreatedAt
		return nameTaken(insert(tx, actor, &p))
	})
	return p, err
}

// Update changes what was sent of a product.
func (s *Service) Update(ctx context.Context, actor authz.Actor, id int64, form *input.Form[Changes]) (p Product, err error) {
	f := &form.Fields
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if p, err = lock(tx, actor, id); err != nil {
			return err
		}
		whole := copied(form)
		if err := checkName(tx, actor, f.Name, id, &whole.Problems); err != nil {
			return err
		}
		if err := whole.Err(); err != nil {
			return err
		}
		before := p
		set(&p.Name, f.Name)
		set(&p.Price, f.Price)
		set(&p.IsActive, f.IsActive)
		if p == before {
			return nil
		}
		p.UpdatedAt = calendar.Instant{Time: tx.Now()}
		return nameTaken(update(tx, actor, &p))
	})
	return p, err
}

// Delete removes a product that no lead has had.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, id int64) error {
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := lock(tx, actor, id); err != nil {
			return err
		}
		return remove(tx, actor, id)
	})
	if v, ok := db.ViolationOf(err); ok && v.Kind == db.ForeignKey {
		return faults.New(faults.Refused, inUse)
	}
	return err
}

// inUse is why a product is not deleted.
const inUse = "O produto está em uso por leads. Desative-o (is_active false) em vez de excluí-lo."

const nameIsTaken = "The name has already been taken."

// checkName adds to problems when another product has the name.
func checkName(q db.Querier, actor authz.Actor, name input.Field[string], id int64, problems *faults.Bag) error {
	if !name.Given() {
		return nil
	}
	taken, err := hasName(q, actor, name.Value, id)
	if taken {
		problems.Add("name", nameIsTaken)
	}
	return err
}

// nameTaken is the refusal of a name that somebody else has taken meanwhile.
func nameTaken(err error) error {
	if !db.UniqueOn(err, "products.account_id,name") {
		return err
	}
	var problems faults.Bag
	problems.Add("name", nameIsTaken)
	return problems.Err()
}

func set[T any](place *T, sent input.Field[T]) {
	if sent.Given() {
		*place = sent.Value
	}
}

// copied is a form to add what look-ups find to: a transaction may run twice.
func copied[T any](form *input.Form[T]) input.Form[T] {
	whole := *form
	whole.Problems = form.Problems.Clone()
	return whole
}
