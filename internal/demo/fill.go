package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/db"
	"syncro/internal/leads"
)

// The refusals of [Prepare].
var (
	ErrForeign  = errors.New("the database has accounts that `syncro demo` did not make: name an empty one with --database, or none")
	ErrHalfMade = errors.New("the database is a demo's whose making was interrupted: delete it and start again")
)

// Prepare fills an empty database. One that a demo has filled before is left as
// it is, with all that has been done in it since. Any other is refused untouched.
func Prepare(ctx context.Context, d *db.DB) error {
	var anything, made, complete bool
	err := d.Read(ctx, func(q db.Querier) error {
		return db.Get(q.Query(`SELECT EXISTS (SELECT 1 FROM accounts), EXISTS (SELECT 1 FROM accounts WHERE is_demo),
			EXISTS (SELECT 1 FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE a.is_demo AND k.hash = $1)`, accounts.HashKey(Key)),
			&anything, &made, &complete)
	})
	switch {
	case err != nil:
		return fmt.Errorf("looking at the database: %w", err)
	case !anything:
		return Fill(ctx, d)
	case !made:
		return ErrForeign
	case !complete:
		return ErrHalfMade
	default:
		return nil
	}
}

// Fill writes the demo's data into a database without accounts. The keys come
// last: without them nobody can use what an interrupted Fill has left.
func Fill(ctx context.Context, d *db.DB) error {
	var now time.Time
	err := d.Write(ctx, func(tx *db.Tx) error {
		now = tx.Now()
		return load(tx, slices.Concat(accountTables(now), boardTables(now), messagingTables(now)))
	})
	if err != nil {
		return fmt.Errorf("filling the demo's accounts: %w", err)
	}
	f, err := newFixture(now)
	if err != nil {
		return err
	}
	for _, account := range []int64{mine, theirs, full} {
		if _, err := leads.Load(ctx, d, account, slices.Values(f.leads[account])); err != nil {
			return fmt.Errorf("filling the demo's leads: %w", err)
		}
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		if err := load(tx, append(f.tables(), keyTable(now))); err != nil {
			return err
		}
		for _, name := range numbered {
			if err := db.ResetIDs(tx, name, lastReservedID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("filling the demo's history and keys: %w", err)
	}
	return nil
}

// lastReservedID is the greatest id that the fixture may use.
const lastReservedID = 1000

// numbered are the tables that the fixture writes rows with ids into.
var numbered = []string{
	"accounts", "users", "api_keys", "pipelines", "stages", "stage_requirements", "lost_reasons", "custom_fields", "leads", "sales", "lost_sales",
	"tasks", "lead_events", "lead_notes", "products", "lead_products", "lead_contacts", "sequences", "sequence_steps", "whatsapp_instances", "whatsapp_templates",
	"conversations", "messages",
}

// table is rows of a table.
type table struct {
	name    string
	columns string // separated by spaces
	rows    [][]any
}

func load(tx *db.Tx, tables []table) error {
	for _, t := range tables {
		if _, err := tx.Load(t.name, strings.Fields(t.columns), slices.Values(t.rows)); err != nil {
			return err
		}
	}
	return nil
}
