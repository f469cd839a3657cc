package sequences_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/jobs"
	"syncro/internal/leads"
	"syncro/internal/messaging"
	"syncro/internal/sequences"
)

// fill gives the account so many leads more and enrols them all in a sequence, each
// a second after the other; the last one is due now.
func (w *world) fill(n int, sequence int64) {
	w.t.Helper()
	now := w.clock.Now()
	_, err := leads.Load(w.t.Context(), w.db, 1, func(yield func(*leads.Lead) bool) {
		for i := range n {
			if !yield(&leads.Lead{ID: int64(1000 + i), Name: fmt.Sprint("Lead ", i), Phone: fmt.Sprintf("+55119%08d", 80_000_000+i), PipelineID: 1, StageID: 11, CreatedAt: now}) {
				return
			}
		}
	})
	check(w.t, err)
	check(w.t, w.db.Write(w.t.Context(), func(tx *db.Tx) error {
		_, err := tx.Load("sequence_enrollments", strings.Fields("account_id lead_id sequence_id version status position previous_at next_step_at due_at created_at updated_at"),
			func(yield func([]any) bool) {
				for i := range n {
					at := now.Add(time.Duration(i-n+1) * time.Second)
					if !yield([]any{1, 1000 + i, sequence, 1, "active", 1, at, at, at, at, at}) {
						return
					}
				}
			})
		if err != nil {
			return err
		}
		_, err = tx.Exec(`ANALYZE sequence_enrollments`)
		return err
	}))
}

func TestWhatIsDueIsFoundThroughAnIndex(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.fill(3000, w.sequence("", hello))
		for what, statement := range map[string]db.Statement{
			"the accounts of which something is due":  {SQL: sequences.DueSQL, Args: []any{w.clock.Now(), 100}},
			"what is due of an account":               {SQL: sequences.ClaimSQL, Args: []any{1, w.clock.Now().Add(-45 * time.Minute), 16}},
			"what is due of an account, all being so": {SQL: sequences.ClaimSQL, Args: []any{1, w.clock.Now(), 16}},
		} {
			plan := w.plan(statement)
			if !strings.Contains(plan, "sequence_enrollments_due") || strings.Contains(plan, "Seq Scan on sequence_enrollments") || strings.Contains(plan, "SCAN e") {
				t.Errorf("%s is not found through the index:\n%s", what, plan)
			}
		}
	})
}

// plan is the engine's plan of a statement.
func (w *world) plan(s db.Statement) string {
	w.t.Helper()
	var lines []string
	check(w.t, w.db.Write(w.t.Context(), func(tx *db.Tx) (err error) { // it locks rows, which a reader may not
		if w.db.Engine() == db.Postgres {
			lines, err = db.Column[string](tx.Query("EXPLAIN "+s.SQL, s.Args...))
			return err
		}
		lines, err = db.Collect(tx.Query("EXPLAIN QUERY PLAN "+s.SQL, s.Args...), func(r *db.Rows, line *string) {
			var id, parent, unused int64
			r.Scan(&id, &parent, &unused, line)
		})
		return err
	}))
	return strings.Join(lines, "\n")
}

func TestManyWhoAreDueAtOnceAreWorkedOffOnceEach(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const many = 500
		id := w.sequence("", hello+`,{"type":"action","settings":{"action":"add_tag","tag":"visto"}}`)
		w.fill(many, id)
		w.pass(0)
		if said := w.provider.said(); len(said) != many {
			t.Errorf("%d messages for %d leads", len(said), many)
		}
		if n := w.count(`SELECT count(*) FROM sequence_enrollments WHERE account_id = 1 AND status = 'completed'`); n != many {
			t.Errorf("%d of %d came through", n, many)
		}
		if n := w.count(`SELECT count(*) FROM leads WHERE account_id = 1 AND tags LIKE '%"visto"%'`); n != many {
			t.Errorf("%d of %d have the tag", n, many)
		}
	})
}

func TestThreeNodesShareTheWorkAndSendNothingTwice(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const many = 300
		id := w.sequence("", hello+`,{"type":"task","settings":{"subject":"Ligar"}}`)
		w.fill(many, id)
		w.provider.during = func(messaging.Outgoing) { runtime.Gosched() }
		var nodes sync.WaitGroup
		for range 3 {
			node := sequences.New(w.db, w.options(&events.Log{})) // its services tell w.log
			nodes.Go(func() {
				if err := jobs.RunDue(t.Context(), node.Kinds()...); err != nil {
					t.Error(err)
				}
			})
		}
		nodes.Wait()
		if said := w.provider.said(); len(said) != many {
			t.Errorf("%d messages for %d leads", len(said), many)
		}
		if n := w.count(`SELECT count(*) FROM sequence_enrollments WHERE account_id = 1 AND status = 'completed'`); n != many {
			t.Errorf("%d of %d came through", n, many)
		}
		if n := w.count(`SELECT count(*) FROM tasks WHERE account_id = 1`); n != many {
			t.Errorf("%d tasks for %d leads", n, many)
		}
	})
}

func BenchmarkAHundredThousandDueEnrolments(b *testing.B) {
	const many = 100_000
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(engine), func(b *testing.B) {
			for range b.N {
				clock := dbtest.NewClock()
				w := newWorld(b, dbtest.Open(b, dbtest.URL(b, engine), clock), clock)
				w.fill(many, w.sequence("", hello))
				var peak atomic.Uint64
				done := make(chan struct{})
				go func() {
					for ticker := time.NewTicker(100 * time.Millisecond); ; {
						select {
						case <-done:
							ticker.Stop()
							return
						case <-ticker.C:
							var m runtime.MemStats
							runtime.ReadMemStats(&m)
							peak.Store(max(peak.Load(), m.HeapAlloc))
						}
					}
				}()
				runtime.GC()
				b.ResetTimer()
				check(b, jobs.RunDue(b.Context(), w.service.Kinds()...))
				b.StopTimer()
				close(done)
				b.ReportMetric(float64(many)/b.Elapsed().Seconds(), "steps/s")
				b.ReportMetric(float64(peak.Load())/(1<<20), "peak-MiB")
				if n := w.count(`SELECT count(*) FROM sequence_enrollments WHERE account_id = 1 AND status = 'completed'`); n != many {
					b.Errorf("%d of %d came through", n, many)
				}
			}
		})
	}
}
