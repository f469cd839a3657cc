package operations_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/jobs"
	"syncro/internal/leads"
	"syncro/internal/operations"
	"syncro/internal/pipelines"
	"syncro/internal/tasks"
)

// kind is an operation that opts leads out, two in a slice; what befalls it is set
// by the test.
const kind = "opt_out"

type world struct {
	*operations.Service
	db      *db.DB
	clock   *dbtest.Clock
	actor   authz.Actor
	befalls func(slice int) error // of a slice, after its work
	slices  int
}

func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{db: d, clock: clock, actor: dbtest.Account(t, d, clock, 1), befalls: func(int) error { return nil }}
		var log events.Log
		people := accounts.New(d, accounts.Options{Clock: clock.Now})
		service := leads.New(d, &log, people, pipelines.New(d), customfields.New(d), tasks.New(d, &log, clock.Now))
		w.Service = operations.New(d, operations.Options{Accounts: people, Leads: service, Queue: jobs.NewQueue(), Clock: clock.Now})
		w.Register(operations.Kind{Name: kind, Next: func(ctx context.Context, actor authz.Actor, op operations.Operation) (operations.Slice, error) {
			var ids []int64
			if err := json.Unmarshal(op.Parameters, &ids); err != nil {
				return nil, err
			}
			optOut, err := service.OptOut(ctx, actor)
			return func(tx *db.Tx, run *operations.Run) error {
				w.slices++
				at, _ := strconv.Atoi(run.Position)
				for range 2 {
					id := ids[at]
					at++
					item := operations.Item{Number: int64(at), LeadID: id, Outcome: operations.Updated, Version: 2}
					err := tx.Attempt(func() error { return optOut(tx, id, true) })
					var refusal *faults.Error
					switch {
					case errors.As(err, &refusal):
						item = operations.Refused(int64(at), id, refusal)
					case err != nil:
						return err
					}
					run.Note(item)
					if at == len(ids) {
						run.Finish()
						break
					}
				}
				run.Position = strconv.Itoa(at)
				return w.befalls(w.slices)
			}, err
		}})
		test(t, w)
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start makes leads of these ids, but for those over 900, and an operation on them.
func (w *world) start(t *testing.T, ids ...int64) (o *operations.Operation) {
	t.Helper()
	for _, id := range ids {
		if id < 900 {
			dbtest.Lead(t, w.db, w.clock, w.actor, id, fmt.Sprint("Lead ", id))
		}
	}
	check(t, w.db.Write(t.Context(), func(tx *db.Tx) (err error) {
		o, err = w.Start(tx, w.actor, kind, ids, int64(len(ids)))
		return err
	}))
	return o
}

// work does what is due, and gives the operation as it stands then.
func (w *world) work(t *testing.T, o *operations.Operation) *operations.Operation {
	t.Helper()
	if err := jobs.RunDue(t.Context(), w.Kinds()...); err != nil {
		t.Log(err)
	}
	o, err := w.Get(t.Context(), w.actor, kind, o.ID)
	check(t, err)
	return o
}

// out counts the leads that are opted out.
func (w *world) out(t *testing.T) (n int64) {
	t.Helper()
	check(t, w.db.Read(t.Context(), func(q db.Querier) error {
		return db.Get(q.Query(`SELECT count(*) FROM leads WHERE account_id = 1 AND opted_out_at IS NOT NULL`), &n)
	}))
	return n
}

func TestAnOperationIsDoneSliceBySliceAndUndoneFromItsJournal(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		o := w.work(t, w.start(t, 101, 102, 999, 103, 104))
		if o.State != operations.Done || o.Done != 5 || o.Changed != 4 || o.Failed != 1 || w.out(t) != 4 || w.slices != 3 || *o.CreatedBy != 11 {
			t.Fatalf("%+v after %d slices", o, w.slices)
		}
		failed, total, err := w.Items(t.Context(), w.actor, kind, o.ID, operations.FailedItems, api.Page{Number: 1, Size: 10})
		if err != nil || total != 1 || failed[0].Number != 3 || *failed[0].LeadID != 999 || *failed[0].Message != "Lead não encontrado." {
			t.Errorf("%d failures %+v, %v", total, failed, err)
		}
		if _, err := w.Undo(t.Context(), w.actor, kind, o.ID); err != nil {
			t.Fatal(err)
		}
		if o = w.work(t, o); o.State != operations.Undone || o.Reverted != 4 || o.Kept != 0 || w.out(t) != 0 {
			t.Errorf("%+v", o)
		}
		if _, err := w.Undo(t.Context(), w.actor, kind, o.ID); !faults.Is(err, faults.Conflict) {
			t.Errorf("undone twice: %v", err)
		}
	})
}

func TestASliceThatBreaksLeavesNothingAndTheNextAttemptGoesOnBehindTheLastOne(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.befalls = func(slice int) error {
			if slice == 2 {
				return errors.New("the disk is full")
			}
			return nil
		}
		o := w.work(t, w.start(t, 101, 102, 103, 104))
		if o.State != operations.Running || o.Done != 2 || w.out(t) != 2 {
			t.Fatalf("%+v", o)
		}
		w.clock.Advance(2 * time.Second)
		if o = w.work(t, o); o.State != operations.Done || o.Done != 4 || w.out(t) != 4 || w.slices != 3 {
			t.Errorf("%+v after %d slices", o, w.slices)
		}
	})
}

func TestAnOperationThatKeepsBreakingOrIsRefusedFailsAndCanBeUndone(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for name, failure := range map[string]error{"Erro interno do servidor.": errors.New("a defect"), "Recusado.": faults.New(faults.Refused, "Recusado.")} {
			first := w.slices + 1
			w.befalls = func(slice int) error {
				if slice == first {
					return nil
				}
				return failure
			}
			base := int64(100 + 10*first)
			o := w.start(t, base, base+1, base+2)
			for range 6 {
				o = w.work(t, o)
				w.clock.Advance(time.Minute)
			}
			if o.State != operations.Failed || o.Error != name || o.Done != 2 || w.out(t) != 2 {
				t.Errorf("%+v", o)
			}
			_, err := w.Undo(t.Context(), w.actor, kind, o.ID)
			check(t, err)
			if o = w.work(t, o); o.State != operations.Undone || w.out(t) != 0 {
				t.Errorf("%+v", o)
			}
		}
	})
}

func TestACancelledOperationStopsBehindItsSliceAndWhatItDidCanBeUndone(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		o := w.start(t, 101, 102, 103, 104)
		cancel := jobs.Kind{Name: "cancel", Due: w.Kinds()[0].Due, Work: func(ctx context.Context, key string) error {
			_, err := w.Cancel(ctx, w.actor, kind, o.ID)
			return err
		}}
		check(t, jobs.RunDue(t.Context(), cancel))
		if o = w.work(t, o); o.State != operations.Cancelled || w.out(t) != 0 {
			t.Errorf("%+v", o)
		}
		if _, err := w.Cancel(t.Context(), w.actor, kind, o.ID); !faults.Is(err, faults.Conflict) {
			t.Errorf("cancelled twice: %v", err)
		}
		if _, err := w.Undo(t.Context(), w.actor, kind, o.ID); !faults.Is(err, faults.Conflict) {
			t.Errorf("nothing undone: %v", err)
		}
		// After the first slice.
		w.befalls = func(slice int) error {
			if slice == 2 {
				return errors.New("stop here")
			}
			return nil
		}
		p := w.start(t, 201, 202, 203)
		w.slices = 0
		w.work(t, p)
		_, err := w.Cancel(t.Context(), w.actor, kind, p.ID)
		check(t, err)
		w.clock.Advance(time.Minute)
		if p = w.work(t, p); p.State != operations.Cancelled || p.Done != 2 || w.out(t) != 2 {
			t.Errorf("%+v", p)
		}
		w.clock.Advance(31 * 24 * time.Hour)
		if _, err := w.Undo(t.Context(), w.actor, kind, p.ID); !faults.Is(err, faults.Conflict) {
			t.Errorf("undone after 31 days: %v", err)
		}
	})
}
