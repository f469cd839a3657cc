// Package dbtest gives tests real databases: each test runs on SQLite, in a file
// of its own, and on PostgreSQL, in a schema of its own.
package dbtest

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/db/pgtest"
)

// Clock is a clock that tests set. It starts at 2026-06-30 13:00 UTC and stands
// still. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock gives a clock.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 6, 30, 13, 0, 0, 0, time.UTC)}
}

// Now is the time the clock stands at.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Each runs test on both engines, with a migrated empty database whose
// transactions take their time from the clock.
func Each(t *testing.T, test func(t *testing.T, d *db.DB, clock *Clock)) {
	t.Helper()
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			clock := NewClock()
			test(t, Open(t, URL(t, engine), clock), clock)
		})
	}
}

// URL names a fresh database of the engine; it is gone after the test.
func URL(tb testing.TB, engine db.Engine) string {
	tb.Helper()
	if engine == db.Postgres {
		return pgtest.URL(tb)
	}
	return "sqlite:" + filepath.Join(tb.TempDir(), "syncro.db")
}

// Open migrates and opens a database until the test ends.
func Open(tb testing.TB, url string, clock *Clock) *db.DB {
	tb.Helper()
	options := db.Options{URL: url, Clock: clock.Now}
	if _, _, err := db.Migrate(tb.Context(), options); err != nil {
		tb.Fatalf("migrating: %v", err)
	}
	d, err := db.Open(tb.Context(), options)
	if err != nil {
		tb.Fatalf("opening: %v", err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Errorf("closing: %v", err)
		}
	})
	return d
}
