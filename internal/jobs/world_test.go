package jobs

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

// patience is how long a test waits for what must happen, on a machine that is busy
// and with the race detector.
const patience = 2 * time.Minute

// testLog writes to the test, as long as it runs.
type testLog struct {
	mu sync.Mutex
	t  *testing.T
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.Logf("%s", p)
	return len(p), nil
}

// each runs a test on both engines with the machine's clock, which River lives by.
func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) { test(t, open(t, dbtest.URL(t, engine))) })
	}
}

func open(t *testing.T, url string) *db.DB {
	t.Helper()
	options := db.Options{URL: url, Clock: time.Now}
	if _, _, err := db.Migrate(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := Migrate(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return d
}

var discard = slog.New(slog.DiscardHandler)

// start runs a runner until the test ends or the returned function is called.
func start(t *testing.T, d *db.DB, queue *Queue, kinds ...Kind) (stop func(ctx context.Context) error) {
	t.Helper()
	r, err := NewRunner(d, queue, slog.New(slog.NewTextHandler(&testLog{t: t}, nil)), kinds...)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	once, stopped := sync.Once{}, error(nil)
	stop = func(ctx context.Context) error {
		once.Do(func() { stopped = r.Stop(ctx) })
		return stopped
	}
	t.Cleanup(func() {
		if err := stop(context.Background()); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return stop
}

// enqueue commits a transaction that asks for work on keys.
func enqueue(t *testing.T, d *db.DB, queue *Queue, kind string, keys ...string) {
	t.Helper()
	if err := d.Write(t.Context(), func(tx *db.Tx) error {
		for _, key := range keys {
			if err := queue.Enqueue(tx, kind, key, tx.Now()); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// receive waits for n values.
func receive[T any](t *testing.T, from <-chan T, n int) (all []T) {
	t.Helper()
	deadline := time.After(patience)
	for len(all) < n {
		select {
		case v := <-from:
			all = append(all, v)
		case <-deadline:
			t.Fatalf("%d of %d came in time: %v", len(all), n, all)
		}
	}
	return all
}

// kindOf is a kind whose work is done by fn and of which nothing is ever due by itself.
func kindOf(name string, fn func(ctx context.Context, key string) error) Kind {
	return Kind{
		Name: name, Concurrency: 4, Timeout: time.Minute, Work: fn,
		Due: func(context.Context, int) ([]string, error) { return nil, nil },
	}
}
