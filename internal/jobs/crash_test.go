package jobs

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

// doomedDatabase tells the test's own program to be the process that is killed.
const doomedDatabase = "SYNCRO_TEST_DOOMED_DATABASE"

// TestDoomed is no test of its own: it is the process that is killed. It dies with
// jobs that run, jobs that wait, and work that has not left the outbox.
func TestDoomed(t *testing.T) {
	url := os.Getenv(doomedDatabase)
	if url == "" {
		return
	}
	d, queue := open(t, url), NewQueue()
	started := make(chan string, 4)
	r, err := NewRunner(d, queue, discard, kindOf("survive", func(_ context.Context, key string) error {
		started <- key
		select {}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys := numbered(20)
	enqueue(t, d, queue, "survive", keys[:15]...)
	receive(t, started, 4)
	r.stopLoops()
	r.loops.Wait()
	enqueue(t, d, queue, "survive", keys[15:]...)
	fmt.Println("\nready")
	select {}
}

func TestWhatAKilledProcessLeftIsDoneByTheNextOne(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			url := dbtest.URL(t, engine)
			doomed := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDoomed$")
			doomed.Env = append(os.Environ(), doomedDatabase+"="+url)
			out, err := doomed.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := doomed.Start(); err != nil {
				t.Fatal(err)
			}
			ready := false
			for lines := bufio.NewScanner(out); !ready && lines.Scan(); {
				ready = lines.Text() == "ready"
			}
			if err := doomed.Process.Kill(); err != nil || !ready {
				t.Fatalf("it ended before it was killed: %v", err)
			}
			_ = doomed.Wait() // killed, it says

			keys := numbered(20)
			rows := newLedger(keys...)
			start(t, open(t, url), NewQueue(), rows.kind("survive"))
			receive(t, rows.left, len(keys))
		})
	}
}

func TestAnotherRunnerSweepsAfterTheOneThatDidHasDiedOnPostgreSQL(t *testing.T) {
	d := open(t, dbtest.URL(t, db.Postgres))
	dbtest.Exec(t, d, `INSERT INTO river_leader (leader_id, elected_at, expires_at) VALUES ('dead', now(), now() + interval '2 seconds')`)
	rows := newLedger()
	rows.left = make(chan string, 1)
	swept := make(chan struct{}, 1)
	kind := rows.kind("inherit")
	kind.Due = func(ctx context.Context, limit int) ([]string, error) {
		keys, err := rows.due(ctx, limit)
		select {
		case swept <- struct{}{}:
		default:
		}
		return keys, err
	}
	start(t, d, NewQueue(), kind)
	receive(t, swept, 1) // that of the start
	began := time.Now()
	rows.mu.Lock()
	rows.open["7:1"] = true
	rows.mu.Unlock()
	receive(t, rows.left, 1)
	t.Logf("after %v", time.Since(began))
}
