package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

func numbered(n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf("7:%04d", i))
	}
	return keys
}

func TestEnqueuedWorkRunsOncePerKeyAndWorkOfAFailedTransactionNever(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		done := make(chan string, 2000)
		queue := NewQueue()
		stop := start(t, d, queue, kindOf("count", func(_ context.Context, key string) error { done <- key; return nil }))
		undone := errors.New("undone")
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			return errors.Join(queue.Enqueue(tx, "count", "rolled back", tx.Now()), undone)
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		keys := numbered(200)
		enqueue(t, d, queue, "count", keys[:150]...)
		for _, key := range keys[150:] {
			enqueue(t, d, queue, "count", key)
		}
		got := receive(t, done, len(keys))
		if err := stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		close(done)
		for key := range done {
			got = append(got, key)
		}
		if slices.Sort(got); !slices.Equal(got, keys) {
			t.Errorf("%d times: %v", len(got), got)
		}
	})
}

// ledger is a feature's rows: those whose work is not done.
type ledger struct {
	mu   sync.Mutex
	open map[string]bool
	left chan string // each row, when it has been worked on
}

func newLedger(keys ...string) *ledger {
	l := &ledger{open: map[string]bool{}, left: make(chan string, len(keys))}
	for _, key := range keys {
		l.open[key] = true
	}
	return l
}

func (l *ledger) work(_ context.Context, key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key] {
		delete(l.open, key)
		l.left <- key
	}
	return nil
}

func (l *ledger) due(_ context.Context, limit int) (keys []string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.open {
		if len(keys) == limit {
			break
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (l *ledger) kind(name string) Kind {
	return Kind{Name: name, Concurrency: 8, Timeout: time.Minute, Work: l.work, Due: l.due}
}

func TestWhatIsDueIsFoundThoughNoJobTellsOfIt(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		const n = sweepLimit + 100
		rows := newLedger(numbered(n)...)
		start(t, d, NewQueue(), rows.kind("lost"))
		receive(t, rows.left, n)
		rows.mu.Lock() // and later, when nothing has been due for a while
		rows.open["later"] = true
		rows.mu.Unlock()
		receive(t, rows.left, 1)
	})
}

func TestJobsThatRanWhenTheProcessDiedRunAgainAtTheStartOnSQLite(t *testing.T) {
	d := open(t, dbtest.URL(t, db.SQLite))
	queue := NewQueue()
	dbtest.Exec(t, d, `INSERT INTO river_job (args, kind, queue, state, attempt, attempted_at, max_attempts) VALUES (jsonb($1), 'look', 'again', 'running', 1, '2026-01-01 00:00:00', 1)`,
		`{"kind":"again","key":"7:1"}`)
	done := make(chan string, 1)
	start(t, d, queue, kindOf("again", func(_ context.Context, key string) error { done <- key; return nil }))
	if key := receive(t, done, 1)[0]; key != "7:1" {
		t.Errorf("key %q", key)
	}
}

func TestSeveralRunnersShareTheWorkOnPostgreSQL(t *testing.T) {
	url := dbtest.URL(t, db.Postgres)
	// Each runner's work waits until both have some.
	var met sync.WaitGroup
	met.Add(2)
	done := make(chan string, 100)
	var first *db.DB
	var queue *Queue
	for i := range 2 {
		d := open(t, url)
		arrived := sync.OnceFunc(met.Done)
		q := NewQueue()
		start(t, d, q, kindOf("share", func(_ context.Context, key string) error {
			arrived()
			met.Wait()
			done <- key
			return nil
		}))
		if i == 0 {
			first, queue = d, q
		}
	}
	keys := numbered(100)
	enqueue(t, first, queue, "share", keys...)
	got := receive(t, done, len(keys))
	if slices.Sort(got); !slices.Equal(got, keys) {
		t.Errorf("done: %v", got)
	}
}

func TestAProcessWithoutWorkersHandsItsWorkToOneThatHasThem(t *testing.T) {
	url := dbtest.URL(t, db.Postgres)
	done := make(chan string, 1)
	start(t, open(t, url), NewQueue(), kindOf("hand_over", func(_ context.Context, key string) error { done <- key; return nil }))
	web, queue := open(t, url), NewQueue()
	start(t, web, queue)
	enqueue(t, web, queue, "hand_over", "7:1")
	if key := receive(t, done, 1)[0]; key != "7:1" {
		t.Errorf("key %q", key)
	}
}

func TestNoMoreThanTheAllowedNumberRunsAtOnceAndAnotherKindIsNotHeldUp(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var running, most atomic.Int64
		slow, open := make(chan string, 50), make(chan struct{})
		quick := make(chan string, 1)
		queue := NewQueue()
		crowd := kindOf("crowd", func(_ context.Context, key string) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			slow <- key
			<-open
			return nil
		})
		crowd.Concurrency = 3
		start(t, d, queue, crowd, kindOf("quick", func(_ context.Context, key string) error { quick <- key; return nil }))
		enqueue(t, d, queue, "crowd", numbered(50)...)
		receive(t, slow, 3)
		enqueue(t, d, queue, "quick", "7:1")
		receive(t, quick, 1)
		close(open)
		receive(t, slow, 47)
		if most.Load() > 3 {
			t.Errorf("%d at once", most.Load())
		}
	})
}

func TestStopWaitsForRunningWorkAndCutsItOffWhenThereIsNoMoreTime(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		began, finish := make(chan string, 1), make(chan struct{})
		queue := NewQueue()
		finished := false
		stop := start(t, d, queue, kindOf("slow", func(ctx context.Context, key string) error {
			began <- key
			select {
			case <-finish:
				finished = true
			case <-ctx.Done():
			}
			return ctx.Err()
		}))
		enqueue(t, d, queue, "slow", "7:1")
		receive(t, began, 1)
		stopped := make(chan error, 1)
		go func() { stopped <- stop(context.WithoutCancel(t.Context())) }()
		close(finish)
		if err := receive(t, stopped, 1)[0]; err != nil || !finished {
			t.Errorf("stopped with %v, the work finished: %v", err, finished)
		}

		cut := make(chan error, 1)
		hasty, err := NewRunner(d, queue, discard, kindOf("slow", func(ctx context.Context, key string) error {
			began <- key
			<-ctx.Done()
			cut <- ctx.Err()
			return ctx.Err()
		}))
		if err != nil {
			t.Fatal(err)
		}
		if err := hasty.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		enqueue(t, d, queue, "slow", "7:2")
		receive(t, began, 1)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if err := hasty.Stop(over); !errors.Is(err, errCut) {
			t.Errorf("stopped with %v", err)
		}
		if err := receive(t, cut, 1)[0]; !errors.Is(err, context.Canceled) {
			t.Errorf("the work was ended by %v", err)
		}
	})
}

func TestWorkThatFailsOrPanicsIsNotRepeatedByItselfAndStopsNothing(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		ran := make(chan string, 10)
		queue := NewQueue()
		r, err := NewRunner(d, queue, discard, kindOf("fail", func(_ context.Context, key string) error {
			ran <- key
			if key == "panic" {
				panic("a defect")
			}
			return errors.New("no luck")
		}))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"panic", "error", "panic", "error"} {
			enqueue(t, d, queue, "fail", key)
			if got := receive(t, ran, 1)[0]; got != key {
				t.Errorf("%s ran, not %s", got, key)
			}
		}
		if err := r.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(ran) > 0 {
			t.Errorf("%s ran again", <-ran)
		}
	})
}

func TestAnIncompleteKindIsRefused(t *testing.T) {
	d := open(t, dbtest.URL(t, db.SQLite))
	whole := kindOf("whole", func(context.Context, string) error { return nil })
	without := func(change func(k *Kind)) Kind { k := whole; change(&k); return k }
	for name, kinds := range map[string][]Kind{
		"twice":        {whole, whole},
		"no timeout":   {without(func(k *Kind) { k.Timeout = 0 })},
		"no workers":   {without(func(k *Kind) { k.Concurrency = 0 })},
		"no work":      {without(func(k *Kind) { k.Work = nil })},
		"nothing due":  {without(func(k *Kind) { k.Due = nil })},
		"no real name": {without(func(k *Kind) { k.Name = "with spaces" })},
	} {
		if _, err := NewRunner(d, NewQueue(), discard, kinds...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// River's tables change only together with a migration of ours, which is what has
// a SQLite database backed up before it and an older program refuse it after it.
func TestRiversTablesAreThoseThatOurMigrationsStandFor(t *testing.T) {
	const known = 8
	each(t, func(t *testing.T, d *db.DB) {
		if err := Migrate(t.Context(), d); err != nil {
			t.Fatalf("a second time: %v", err)
		}
		var version int64
		if err := d.Read(t.Context(), func(q db.Querier) error {
			return db.Get(q.Query(`SELECT max(version) FROM river_migration`), &version)
		}); err != nil || version != known {
			t.Errorf("version %d, %v; want %d: with another one, add a migration to internal/db/migrations, even an empty one", version, err, known)
		}
	})
}

func TestRunDueWorksUntilNothingIsDue(t *testing.T) {
	rows := newLedger(numbered(sweepLimit + 5)...)
	if err := RunDue(t.Context(), rows.kind("lost")); err != nil || len(rows.open) > 0 {
		t.Errorf("%d are open, %v", len(rows.open), err)
	}
	stuck := kindOf("stuck", func(context.Context, string) error { return nil })
	stuck.Due = func(context.Context, int) ([]string, error) { return []string{"7:1"}, nil }
	if err := RunDue(t.Context(), stuck); err == nil {
		t.Error("what never gets done is worked on for ever")
	}
}
