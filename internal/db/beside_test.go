package db_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

func TestASQLiteTransactionThatFailedDoesNotOverwriteAnotherConnectionsCommit(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.Open(t, dbtest.URL(t, db.SQLite), clock)
	beside, err := d.OpenBeside()
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	if _, err := addAccount(t.Context(), d, "first"); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	for i := range 2 {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			// More than the page cache holds, so that it is spilled into the log.
			if _, err := tx.Load("accounts", accountColumns, accountRows(100, 30_000, clock.Now())); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
		for j := range 5 {
			if _, err := beside.ExecContext(t.Context(), `INSERT INTO job_outbox (kind, key) VALUES ('test', ?)`, strings.Repeat(fmt.Sprint(i, j), 1<<19)); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			var integrity string
			var waiting, accounts int64
			if err := db.Get(tx.Query(`SELECT (SELECT count(*) FROM job_outbox), (SELECT count(*) FROM accounts)`), &waiting, &accounts); err != nil {
				return err
			}
			if waiting != int64(5*(i+1)) || accounts != 1 {
				t.Errorf("%d rows from beside and %d accounts", waiting, accounts)
			}
			if err := db.Get(tx.Query(`PRAGMA integrity_check`), &integrity); err != nil || integrity != "ok" {
				t.Errorf("integrity: %s, %v", integrity, err)
			}
			return tx.Queue(`UPDATE accounts SET name = 'changed'`)
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheConnectionBesideTakesTurnsWithAWriterThatNeverPauses(t *testing.T) {
	d := dbtest.Open(t, dbtest.URL(t, db.SQLite), dbtest.NewClock())
	beside, err := d.OpenBeside()
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	var writers sync.WaitGroup
	enough := make(chan struct{})
	for range 8 {
		writers.Go(func() {
			for {
				select {
				case <-enough:
					return
				default:
				}
				if _, err := addAccount(t.Context(), d, "busy"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	const n = 200
	for i := range n {
		tx, err := beside.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), `INSERT INTO job_outbox (kind, key) VALUES ('test', ?)`, i); err != nil {
			t.Fatal(err)
		}
		end := tx.Commit
		if i%2 == 1 {
			end = tx.Rollback
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		var id int64
		if err := beside.QueryRowContext(t.Context(), `UPDATE job_outbox SET kind = 'seen' WHERE key = ? RETURNING id`, i-i%2).Scan(&id); err != nil {
			t.Fatal(err)
		}
	}
	close(enough)
	writers.Wait()
	var waiting int64
	if err := d.Read(t.Context(), func(q db.Querier) error {
		return db.Get(q.Query(`SELECT count(*) FROM job_outbox WHERE kind = 'seen'`), &waiting)
	}); err != nil || waiting != n/2 {
		t.Errorf("%d rows, %v; want %d", waiting, err, n/2)
	}
}
