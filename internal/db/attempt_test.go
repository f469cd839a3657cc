package db_test

import (
	"errors"
	"fmt"
	"testing"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

func TestAnAttemptThatFailsIsUndoneAndTheTransactionGoesOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		dbtest.Account(t, d, clock, 1)
		add := func(tx *db.Tx, name string) error {
			return tx.Queue(`INSERT INTO lost_reasons (account_id, name, sort_order, created_at) VALUES (1, $1, 2, $2)`, name, tx.Now())
		}
		refused := errors.New("refused")
		woken := 0
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			woken = 0
			for i := range 3 {
				var n int64
				got := tx.Attempt(func() error { // refused before anything was sent, or after
					tx.AfterCommit(func() { woken += 100 })
					if err := add(tx, "lost"); err != nil || i == 0 {
						return errors.Join(refused, err)
					}
					if err := db.Get(tx.Query(`SELECT count(*) FROM lost_reasons WHERE account_id = 1`), &n); err != nil {
						return err
					}
					rows := tx.Query(`SELECT id FROM lost_reasons WHERE account_id = 1`)
					rows.Next() // left open
					return refused
				})
				if !errors.Is(got, refused) {
					t.Errorf("got %v", got)
				}
				if err := tx.Attempt(func() error { tx.AfterCommit(func() { woken++ }); return add(tx, fmt.Sprint("kept ", i)) }); err != nil {
					return err
				}
				// A failure of the database's own, in a statement that nothing waits for.
				if got := tx.Attempt(func() error { return add(tx, "kept 0") }); i > 0 && got == nil {
					t.Error("a doubled name was taken")
				} else if _, ok := db.ViolationOf(got); i > 0 && !ok {
					t.Errorf("got %v", got)
				}
				if err := tx.Attempt(func() error { return nil }); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var names int64
		err = d.Read(t.Context(), func(q db.Querier) error {
			return db.Get(q.Query(`SELECT count(*) FROM lost_reasons WHERE account_id = 1 AND name LIKE 'kept%'`), &names)
		})
		if err != nil || names != 3 || woken != 3 {
			t.Errorf("%d names, %d woken, %v", names, woken, err)
		}
	})
}
