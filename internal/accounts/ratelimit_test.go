package accounts_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

// keyOf makes an account with a key, and gives the key's id.
func keyOf(t *testing.T, d *db.DB, clock *dbtest.Clock) int64 {
	t.Helper()
	s := newService(d, clock)
	key, _ := newKey(t, s, newAccount(t, s, "A").ID, accounts.NewKey{})
	return key.ID
}

func take(t *testing.T, l *accounts.RateLimiter, keyID, limit int64) api.Allowance {
	t.Helper()
	a, err := l.Take(t.Context(), keyID, limit)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// race makes requests at once, spread over the limiters, and counts those that pass.
func race(t *testing.T, requests int, keyID, limit int64, limiters ...*accounts.RateLimiter) int64 {
	t.Helper()
	var passed atomic.Int64
	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			a, err := limiters[i%len(limiters)].Take(t.Context(), keyID, limit)
			if err != nil {
				t.Error(err)
			}
			if a.OK {
				passed.Add(1)
			}
		})
	}
	all.Wait()
	return passed.Load()
}

func TestAWindowBeginsWithItsFirstRequestAndEndsAfterAMinute(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		l, key := accounts.NewRateLimiter(d, clock.Now), keyOf(t, d, clock)
		type step struct {
			wait time.Duration
			want api.Allowance
		}
		for i, step := range []step{
			{0, api.Allowance{OK: true, Limit: 3, Remaining: 2, Reset: 60 * time.Second}},
			{25 * time.Second, api.Allowance{OK: true, Limit: 3, Remaining: 1, Reset: 35 * time.Second}},
			{25 * time.Second, api.Allowance{OK: true, Limit: 3, Remaining: 0, Reset: 10 * time.Second}},
			{5 * time.Second, api.Allowance{OK: false, Limit: 3, Remaining: 0, Reset: 5 * time.Second}},
			{5*time.Second - time.Microsecond, api.Allowance{OK: false, Limit: 3, Remaining: 0, Reset: time.Microsecond}},
			{time.Microsecond, api.Allowance{OK: true, Limit: 3, Remaining: 2, Reset: 60 * time.Second}},
			{3 * time.Minute, api.Allowance{OK: true, Limit: 3, Remaining: 2, Reset: 60 * time.Second}},
		} {
			clock.Advance(step.wait)
			if got := take(t, l, key, 3); got != step.want {
				t.Errorf("request %d: %+v, want %+v", i+1, got, step.want)
			}
		}
	})
}

func TestOfRacingRequestsExactlyTheLimitPasses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		l, key, another := accounts.NewRateLimiter(d, clock.Now), keyOf(t, d, clock), keyOf(t, d, clock)
		for _, limit := range []int64{1, 60, 1050} {
			if passed := race(t, int(limit)+200, key, limit, l); passed != limit {
				t.Errorf("%d of %d requests passed", passed, limit)
			}
			clock.Advance(time.Minute)
		}
		if a := take(t, l, another, 60); !a.OK || a.Remaining != 59 {
			t.Errorf("another key: %+v", a)
		}
	})
}

func TestNodesShareALimitOnPostgreSQL(t *testing.T) {
	clock := dbtest.NewClock()
	url := dbtest.URL(t, db.Postgres)
	d, second := dbtest.Open(t, url, clock), dbtest.Open(t, url, clock)
	a, b := accounts.NewRateLimiter(d, clock.Now), accounts.NewRateLimiter(second, clock.Now)

	key := keyOf(t, d, clock)
	for range 3 {
		if passed := race(t, 200, key, 60, a, b); passed != 60 {
			t.Errorf("%d of 60 requests passed", passed)
		}
		clock.Advance(time.Minute)
	}

	// What one node has taken of a large limit, but not used, the other lacks.
	key = keyOf(t, d, clock)
	take(t, a, key, 1000)
	if passed := race(t, 1100, key, 1000, b); passed != 990 {
		t.Errorf("%d requests passed beside a node that holds a portion of 10, want 990", passed)
	}
	if passed := race(t, 20, key, 1000, a); passed != 9 {
		t.Errorf("%d requests passed out of the portion, want the other 9", passed)
	}

	// A window begun by a clock that was ahead must not lock the key out.
	clock.Advance(24 * time.Hour)
	take(t, a, key, 1)
	clock.Advance(-24 * time.Hour)
	if got := take(t, accounts.NewRateLimiter(second, clock.Now), key, 1); !got.OK || got.Reset != time.Minute {
		t.Errorf("after the clock was set back: %+v", got)
	}
}

func TestALargeLimitRarelyAsksPostgreSQL(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.Open(t, dbtest.URL(t, db.Postgres), clock)
	l, key := accounts.NewRateLimiter(d, clock.Now), keyOf(t, d, clock)
	for range 1000 {
		take(t, l, key, 100_000)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Take(cancelled, key, 100_000); !errors.Is(err, context.Canceled) {
		t.Errorf("request 1001 did not ask the database: %v", err)
	}
	if a := take(t, l, key, 100_000); !a.OK || a.Remaining != 100_000-1001 {
		t.Errorf("after an ask that failed: %+v", a)
	}
	var taken int64
	err := d.Read(t.Context(), func(q db.Querier) error {
		return db.Get(q.Query(`SELECT taken FROM rate_windows WHERE key_id = $1`, key), &taken)
	})
	if err != nil || taken != 2000 {
		t.Errorf("%d taken, %v; want two portions of 1000", taken, err)
	}
}

func BenchmarkTakeOnSQLite(b *testing.B) {
	clock := dbtest.NewClock()
	l := accounts.NewRateLimiter(dbtest.Open(b, dbtest.URL(b, db.SQLite), clock), clock.Now)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Take(b.Context(), 1, 1<<60); err != nil {
			b.Fatal(err)
		}
	}
}
