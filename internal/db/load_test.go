package db_test

import (
	"iter"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

var accountColumns = []string{"id", "name", "plan", "status", "max_leads", "time_zone", "is_demo", "created_at", "updated_at"}

func accountRows(from, to int64, at time.Time) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		var limit *int64
		for id := from; id <= to; id++ {
			if !yield([]any{id, "Ação", "scale", db.Engine("active"), limit, "UTC", id%2 == 0, at, &at}) {
				return
			}
			limit = &id
		}
	}
}

func TestLoadedRowsAreStoredLikeInsertedOnesTogetherWithWhatWasQueuedBefore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		at := clock.Now().Add(123456789 * time.Nanosecond)
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := tx.Queue(`INSERT INTO accounts (id, name, plan, status, time_zone, created_at, updated_at) VALUES (7, 'queued', '', 'active', 'UTC', $1, $1)`, at); err != nil {
				return err
			}
			n, err := tx.Load("accounts", accountColumns, accountRows(10, 3000, at))
			if n != 2991 {
				t.Errorf("%d rows loaded", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Read(t.Context(), func(q db.Querier) error {
			var n, demos, withoutLimit int64
			if err := db.Get(q.Query(`SELECT count(*), count(*) FILTER (WHERE is_demo), count(*) FILTER (WHERE max_leads IS NULL) FROM accounts
				WHERE created_at = $1 AND updated_at = $1`, at.Truncate(time.Microsecond)), &n, &demos, &withoutLimit); err != nil {
				return err
			}
			if n != 2992 || demos != 1496 || withoutLimit != 2 {
				t.Errorf("%d accounts, %d demos, %d without limit", n, demos, withoutLimit)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestALoadThatFailsLeavesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		for name, rows := range map[string]iter.Seq[[]any]{
			"an id twice": func(yield func([]any) bool) {
				accountRows(1, 5, clock.Now())(yield)
				accountRows(5, 5, clock.Now())(yield)
			},
			"too few values": func(yield func([]any) bool) {
				accountRows(1, 5, clock.Now())(yield)
				yield([]any{int64(6)})
			},
		} {
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Load("accounts", accountColumns, rows)
				return err
			})
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		var n int64
		if err := d.Read(t.Context(), func(q db.Querier) error { return db.Get(q.Query(`SELECT count(*) FROM accounts`), &n) }); err != nil || n != 0 {
			t.Errorf("%d accounts, %v", n, err)
		}
	})
}

func TestIdsGoOnBehindTheHighestReservedOneAndNeverGoBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		reset := func(atLeast int64) {
			t.Helper()
			if err := d.Write(t.Context(), func(tx *db.Tx) error { return db.ResetIDs(tx, "accounts", atLeast) }); err != nil {
				t.Fatal(err)
			}
		}
		var ids []int64
		add := func() {
			id, err := addAccount(t.Context(), d, "x")
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		reset(40)
		add()
		reset(7)
		add()
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Load("accounts", accountColumns, accountRows(100, 110, clock.Now())); err != nil {
				return err
			}
			return db.ResetIDs(tx, "accounts", 110)
		})
		if err != nil {
			t.Fatal(err)
		}
		add()
		if ids[0] != 41 || ids[1] != 42 || ids[2] != 111 {
			t.Errorf("ids %v, want 41, 42, 111", ids)
		}
	})
}
