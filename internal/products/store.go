package products

import (
	"errors"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/money"
)

const (
	columns     = `id, name, price_cents, is_active, created_at, updated_at`
	lineColumns = `id, product_id, product_name, quantity_hundredths, unit_price_cents, discount_hundredths`
)

func (p *Product) places() []any {
	return []any{&p.ID, &p.Name, &p.Price, &p.IsActive, &p.CreatedAt.Time, &p.UpdatedAt.Time}
}

func (l *Line) places() []any {
	return []any{&l.ID, &l.ProductID, &l.ProductName, &l.Quantity, &l.UnitPrice, &l.DiscountPercent}
}

// list reads a page of products, and how many there are.
func list(q db.Querier, actor authz.Actor, activeOnly bool, limit, offset int64) (products []Product, total int64, err error) {
	const which = ` FROM products WHERE account_id = $1 AND (is_active OR NOT $2::boolean)`
	if err := db.Get(q.Query(`SELECT count(*)`+which, actor.AccountID, activeOnly), &total); err != nil {
		return nil, 0, fmt.Errorf("counting products: %w", err)
	}
	products, err = db.Collect(q.Query(`SELECT `+columns+which+` ORDER BY id LIMIT $3 OFFSET $4`, actor.AccountID, activeOnly, limit, offset),
		func(r *db.Rows, p *Product) { r.Scan(p.places()...) })
	return products, total, err
}

func find(q db.Querier, actor authz.Actor, id int64) (Product, error) {
	return one(q.Query(`SELECT `+columns+` FROM products WHERE account_id = $1 AND id = $2`, actor.AccountID, id))
}

// lock reads a product for a change to it or its removal.
func lock(tx *db.Tx, actor authz.Actor, id int64) (Product, error) {
	return one(tx.Query(`SELECT `+columns+` FROM products WHERE account_id = $1 AND id = $2 FOR UPDATE`, actor.AccountID, id))
}

// share reads a product that is not to change until the transaction ends.
func share(tx *db.Tx, actor authz.Actor, id int64) (Product, error) {
	return one(tx.Query(`SELECT `+columns+` FROM products WHERE account_id = $1 AND id = $2 FOR SHARE`, actor.AccountID, id))
}

func one(rows *db.Rows) (p Product, err error) {
	err = db.Get(rows, p.places()...)
	if errors.Is(err, db.ErrNoRows) {
		return Product{}, faults.Unknown("Produto", "o")
	}
	return p, err
}

func hasName(q db.Querier, actor authz.Actor, name string, except int64) (taken bool, err error) {
	err = db.Get(q.Query(`SELECT EXISTS (SELECT 1 FROM products WHERE account_id = $1 AND name = $2 AND id <> $3)`, actor.AccountID, name, except), &taken)
	return taken, err
}

func insert(tx *db.Tx, actor authz.Actor, p *Product) error {
	return db.Get(tx.Query(`INSERT INTO products (account_id, name, price_cents, is_active, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5) RETURNING id`,
		actor.AccountID, p.Name, int64(p.Price), p.IsActive, tx.Now()), &p.ID)
}

func update(tx *db.Tx, actor authz.Actor, p *Product) error {
	_, err := tx.Exec(`UPDATE products SET name = $3, price_cents = $4, is_active = $5, updated_at = $6 WHERE account_id = $1 AND id = $2`,
		actor.AccountID, p.ID, p.Name, int64(p.Price), p.IsActive, tx.Now())
	return err
}

func remove(tx *db.Tx, actor authz.Actor, id int64) error {
	_, err := tx.Exec(`DELETE FROM products WHERE account_id = $1 AND id = $2`, actor.AccountID, id)
	return err
}

// ForLeads gives the lines of leads by lead, in order of adding.
func ForLeads(q db.Querier, actor authz.Actor, leadIDs []int64) (map[int64][]Line, error) {
	rows := q.Query(`SELECT lead_id, `+lineColumns+` FROM lead_products
		WHERE account_id = $1 AND lead_id = ANY($2) ORDER BY lead_id, id`, actor.AccountID, leadIDs)
	lines := map[int64][]Line{}
	for rows.Next() {
		var leadID int64
		var l Line
		rows.Scan(append([]any{&leadID}, l.places()...)...)
		l.Total = money.LineTotal(int64(l.Quantity), l.UnitPrice, int64(l.DiscountPercent))
		lines[leadID] = append(lines[leadID], l)
	}
	return lines, rows.Err()
}

func findLine(q db.Querier, actor authz.Actor, leadID, id int64) (l Line, err error) {
	err = db.Get(q.Query(`SELECT `+lineColumns+` FROM lead_products WHERE account_id = $1 AND lead_id = $2 AND id = $3`, actor.AccountID, leadID, id), l.places()...)
	if errors.Is(err, db.ErrNoRows) {
		return Line{}, unknownLine()
	}
	return l, err
}

func unknownLine() error { return faults.Unknown("Produto do lead", "o") }

func insertLine(tx *db.Tx, actor authz.Actor, leadID int64, l *Line) error {
	return db.Get(tx.Query(`INSERT INTO lead_products (account_id, lead_id, product_id, product_name, quantity_hundredths, unit_price_cents, discount_hundredths, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
		actor.AccountID, leadID, l.ProductID, l.ProductName, int64(l.Quantity), int64(l.UnitPrice), int64(l.DiscountPercent), tx.Now()), &l.ID)
}

func updateLine(tx *db.Tx, actor authz.Actor, l *Line) error {
	return tx.Queue(`UPDATE lead_products SET quantity_hundredths = $3, unit_price_cents = $4, discount_hundredths = $5 WHERE account_id = $1 AND id = $2`,
		actor.AccountID, l.ID, int64(l.Quantity), int64(l.UnitPrice), int64(l.DiscountPercent))
}

func removeLine(tx *db.Tx, actor authz.Actor, leadID, id int64) error {
	n, err := tx.Exec(`DELETE FROM lead_products WHERE account_id = $1 AND lead_id = $2 AND id = $3`, actor.AccountID, leadID, id)
	if err == nil && n == 0 {
		err = unknownLine()
	}
	return err
}
