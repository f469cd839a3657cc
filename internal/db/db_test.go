package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

func addAccount(ctx context.Context, d *db.DB, name string) (id int64, err error) {
	err = d.Write(ctx, func(tx *db.Tx) error {
		return db.Get(tx.Query(`INSERT INTO accounts (name, plan, status, max_leads, time_zone, created_at, updated_at)
			VALUES ($2, $1, 'active', NULL, 'America/Sao_Paulo', $3, $3) RETURNING id`, "scale", name, tx.Now()), &id)
	})
	return id, err
}

func TestParametersAreBoundByNumberHoweverOftenAndInWhateverOrderTheyStand(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		err := d.Read(t.Context(), func(q db.Querier) error {
			var c, a, b, again string
			if err := db.Get(q.Query(`SELECT $3::text, $1::text, $2::text, $1::text`, "a", "b", "c"), &c, &a, &b, &again); err != nil {
				return err
			}
			if got := c + a + b + again; got != "caba" {
				t.Errorf("got %q, want caba", got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestValuesComeBackAsTheyWereStored(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		clock.Advance(123456789 * time.Nanosecond)
		id, err := addAccount(t.Context(), d, "Ação 🚀")
		if err != nil {
			t.Fatal(err)
		}
		err = d.Read(t.Context(), func(q db.Querier) error {
			var name string
			var limit *int64
			var demo bool
			var created time.Time
			rows := q.Query(`SELECT name, max_leads, is_demo, created_at FROM accounts WHERE id = $1 AND id = ANY($2) AND created_at = $3`,
				id, []int64{7, id}, clock.Now().Truncate(time.Microsecond))
			if err := db.Get(rows, &name, &limit, &demo, &created); err != nil {
				return err
			}
			if want := clock.Now().Truncate(time.Microsecond); name != "Ação 🚀" || limit != nil || demo || !created.Equal(want) {
				t.Errorf("got %q %v %v %v", name, limit, demo, created)
			}
			names, err := db.Column[string](q.Query(`SELECT v FROM unnest($1::text[]) AS t(v) ORDER BY v DESC`, []string{"a", `b"`}))
			if !slices.Equal(names, []string{`b"`, "a"}) {
				t.Errorf("unnest gave %v", names)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAFailedWriteLeavesNothingAndDisturbsNoOther(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		refused := errors.New("refused")
		var group sync.WaitGroup
		for i := range 40 {
			group.Go(func() {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					if err := tx.Queue(`INSERT INTO accounts (name, plan, status, time_zone, created_at, updated_at) VALUES ($1, 'x', 'active', 'UTC', $2, $2)`,
						fmt.Sprint("account ", i), tx.Now()); err != nil {
						return err
					}
					if i%4 == 1 {
						return refused
					}
					if i%4 == 2 {
						panic("a defect")
					}
					return nil
				})
				if (err != nil) != (i%4 == 1 || i%4 == 2) {
					t.Errorf("write %d: %v", i, err)
				}
			})
		}
		group.Wait()
		var n int64
		if err := d.Read(t.Context(), func(q db.Querier) error { return db.Get(q.Query(`SELECT count(*) FROM accounts`), &n) }); err != nil || n != 20 {
			t.Errorf("%d accounts, %v; want 20", n, err)
		}
	})
}

func TestReadThenWriteTransactionsDoNotLoseUpdates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		id, err := addAccount(t.Context(), d, "counter")
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					var version int64
					if err := db.Get(tx.Query(`SELECT setup_version FROM accounts WHERE id = $1 FOR UPDATE`, id), &version); err != nil {
						return err
					}
					return tx.Queue(`UPDATE accounts SET setup_version = $2 WHERE id = $1`, id, version+1)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		var version int64
		if err := d.Read(t.Context(), func(q db.Querier) error {
			return db.Get(q.Query(`SELECT setup_version FROM accounts WHERE id = $1`, id), &version)
		}); err != nil || version != 51 {
			t.Errorf("version %d, %v; want 51", version, err)
		}
	})
}

func TestConstraintsAreNamedAlike(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		id, err := addAccount(t.Context(), d, "one")
		if err != nil {
			t.Fatal(err)
		}
		addUser := func(account int64) error {
			return d.Write(t.Context(), func(tx *db.Tx) error {
				return tx.Queue(`INSERT INTO users (account_id, name, email, email_key, role, created_at, updated_at) VALUES ($1, 'Ana', 'a@b.c', 'a@b.c', 'admin', $2, $2)`, account, tx.Now())
			})
		}
		if err := addUser(id); err != nil {
			t.Fatal(err)
		}
		if err := addUser(id); !db.UniqueOn(err, "users.account_id,email_key") {
			t.Errorf("a second user with the address: %v", err)
		}
		if v, ok := db.ViolationOf(addUser(id + 1000)); !ok || v.Kind != db.ForeignKey {
			t.Errorf("a user of no account: %v", v)
		}
	})
}

func TestPipelinedQueriesAreReadInOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		check := func(q db.Querier) error {
			p := q.Pipeline(db.Statement{SQL: `SELECT 1`}, db.Statement{SQL: `SELECT v FROM unnest($1::text[]) AS t(v)`, Args: []any{[]string{"x", "y"}}}, db.Statement{SQL: `SELECT 3`})
			one, err1 := db.Column[int64](p.Next())
			xy, err2 := db.Column[string](p.Next())
			three, err3 := db.Column[int64](p.Next())
			if got := fmt.Sprint(one, xy, three); got != "[1] [x y] [3]" {
				t.Errorf("got %s", got)
			}
			return errors.Join(err1, err2, err3)
		}
		if err := d.Read(t.Context(), check); err != nil {
			t.Error("reading:", err)
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return check(tx) }); err != nil {
			t.Error("in a transaction:", err)
		}
	})
}

func TestAReaderSeesWhatWasJustCommitted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		for i := range 200 {
			id, err := addAccount(t.Context(), d, fmt.Sprint("account ", i))
			if err != nil {
				t.Fatal(err)
			}
			var n int64
			if err := d.Read(t.Context(), func(q db.Querier) error {
				return db.Get(q.Query(`SELECT count(*) FROM accounts WHERE id = $1`, id), &n)
			}); err != nil || n != 1 {
				t.Fatalf("account %d after its commit: %d, %v", id, n, err)
			}
		}
	})
}

func TestACancelledReadEndsAndTheConnectionServesOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Read(ctx, func(q db.Querier) error {
			rows := q.Query(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 100000000`)
			for rows.Next() {
				cancel()
			}
			return rows.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		for range 10 {
			if err := d.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestOpeningSaysWhatIsWrongWithTheDatabase(t *testing.T) {
	clock := dbtest.NewClock()
	for name, url := range map[string]string{
		"the database must be sqlite:PATH or postgres://": "mysql://x",
		"PostgreSQL cannot be reached":                    "postgres://nobody@127.0.0.1:1/none?connect_timeout=2",
		"schema is not up to date":                        "sqlite:" + t.TempDir() + "/missing.db",
	} {
		_, err := db.Open(t.Context(), db.Options{URL: url, Clock: clock.Now})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		url := dbtest.URL(t, d.Engine())
		newer := dbtest.Open(t, url, clock)
		if err := newer.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		_, err := db.Open(t.Context(), db.Options{URL: url, Clock: clock.Now})
		if err == nil || !strings.Contains(err.Error(), "newer syncro") {
			t.Errorf("opening: %v", err)
		}
		if _, _, err := db.Migrate(t.Context(), db.Options{URL: url, Clock: clock.Now}); err == nil {
			t.Error("migrating a newer schema succeeded")
		}
	})
}

func TestOneProcessServesASQLiteDatabaseAndAnyNumberAPostgreSQLOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		release, err := d.Claim()
		if err != nil {
			t.Fatal(err)
		}
		second, err := d.Claim()
		if d.Engine() == db.SQLite && !errors.Is(err, db.ErrClaimed) {
			t.Errorf("a second claim: %v", err)
		}
		if d.Engine() == db.Postgres && err != nil {
			t.Errorf("a second claim: %v", err)
		}
		if err == nil {
			if err := second(); err != nil {
				t.Fatal(err)
			}
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
		again, err := d.Claim()
		if err != nil {
			t.Fatalf("after the release: %v", err)
		}
		if err := again(); err != nil {
			t.Fatal(err)
		}
	})
}
