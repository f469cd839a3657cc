package db_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

// As after a crash: what a copy of the files holds at the moment when Write returns.
func TestOnSQLiteACommittedChangeIsInTheFilesWhenWriteReturns(t *testing.T) {
	clock := dbtest.NewClock()
	file := filepath.Join(t.TempDir(), "syncro.db")
	d := dbtest.Open(t, "sqlite:"+file, clock)
	long := strings.Repeat("x", 3<<20) // more than the page cache and what is gathered of the log
	for i, name := range []string{"short", long, "short again"} {
		id, err := addAccount(t.Context(), d, name)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "copy.db")
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(file + suffix)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(copied+suffix, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		after := dbtest.Open(t, "sqlite:"+copied, clock)
		err = after.Read(t.Context(), func(q db.Querier) error {
			var got, integrity string
			if err := db.Get(q.Query(`SELECT name FROM accounts WHERE id = $1`, id), &got); err != nil {
				return err
			}
			if got != name {
				return fmt.Errorf("a name of %d bytes, want %d", len(got), len(name))
			}
			if err := db.Get(q.Query(`PRAGMA integrity_check`), &integrity); err != nil || integrity != "ok" {
				return fmt.Errorf("integrity: %s %w", integrity, err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("change %d is not in the files: %v", i+1, err)
		}
	}
}

// A transaction larger than the page cache reads back what it has spilled into
// the log, and one that fails leaves frames behind that the next one overwrites.
func TestOnSQLiteALargeTransactionReadsItsOwnChangesAndOneThatFailsLeavesNothing(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.Open(t, dbtest.URL(t, db.SQLite), clock)
	const n = 20_000
	for _, fails := range []bool{true, false, true} {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Exec(`DELETE FROM accounts`); err != nil {
				return err
			}
			if _, err := tx.Load("accounts", accountColumns, accountRows(1, n, clock.Now())); err != nil {
				return err
			}
			if _, err := tx.Exec(`UPDATE accounts SET name = $1 || id`, strings.Repeat("y", 200)); err != nil {
				return err
			}
			if fails {
				_, err := tx.Exec(`UPDATE accounts SET name = NULL`)
				return err
			}
			return nil
		})
		if (err != nil) != fails {
			t.Fatal(err)
		}
		if fails {
			continue
		}
		var count, different int64
		if err := d.Read(t.Context(), func(q db.Querier) error {
			return db.Get(q.Query(`SELECT count(*), count(DISTINCT name) FROM accounts WHERE length(name) > 200`), &count, &different)
		}); err != nil || count != n || different != n {
			t.Errorf("%d accounts with %d names, %v; want %d", count, different, err, n)
		}
	}
	var count int64
	if err := d.Read(t.Context(), func(q db.Querier) error { return db.Get(q.Query(`SELECT count(*) FROM accounts`), &count) }); err != nil || count != n {
		t.Errorf("%d accounts, %v; want %d", count, err, n)
	}
}
