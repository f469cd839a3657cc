package scoring_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/input"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
	"syncro/internal/scoring"
	"syncro/internal/tasks"
)

// world is an account whose board is Proposta (11), Fechamento (12), Ganho (13)
// and Perdido (14).
type world struct {
	db      *db.DB
	clock   *dbtest.Clock
	log     *events.Log
	leads   *leads.Service
	tasks   *tasks.Service
	scoring *scoring.Service
	actor   authz.Actor
}

func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{db: d, clock: clock, log: &events.Log{}, actor: dbtest.Account(t, d, clock, 1)}
		for i, kind := range []string{"open", "won", "lost"} {
			dbtest.Exec(t, d, `INSERT INTO stages (id, account_id, pipeline_id, name, color, kind, probability, sort_order, created_at, updated_at)
				VALUES ($1, 1, 1, $2, '#4ECDC4', $2, 50, $1, $3, $3)`, 12+i, kind, clock.Now())
		}
		a := accounts.New(d, accounts.Options{Clock: clock.Now})
		w.tasks = tasks.New(d, w.log, clock.Now)
		w.leads = leads.New(d, w.log, a, pipelines.New(d), customfields.New(d), w.tasks)
		w.scoring = scoring.New(d, a, clock.Now)
		w.log.React(w.scoring.React)
		test(t, w)
	})
}

// rule adds a rule and lets the actor know of it.
func (w *world) rule(t *testing.T, r scoring.Rule) {
	t.Helper()
	r.Active = true
	if _, err := w.scoring.CreateRule(t.Context(), w.actor, r); err != nil {
		t.Fatal(err)
	}
	w.actor.SetupVersion++
}

func form[F any](t *testing.T, body string) *input.Form[F] {
	t.Helper()
	f := input.Decode[F]([]byte(body))
	return &f
}

func (w *world) create(t *testing.T, more string) int64 {
	t.Helper()
	_, err := w.leads.Create(t.Context(), w.actor, form[leads.CreateFields](t, `{"name":"João","pipeline_id":1,"stage_id":11`+more+`}`))
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	if err := w.db.Read(t.Context(), func(q db.Querier) error {
		return db.Get(q.Query(`SELECT MAX(id) FROM leads WHERE account_id = 1`), &id)
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *world) update(t *testing.T, id int64, body string) {
	t.Helper()
	if _, err := w.leads.Update(t.Context(), w.actor, id, nil, form[leads.UpdateFields](t, body)); err != nil {
		t.Fatal(err)
	}
}

// scored is a lead's score, whether it has a time, and what the log says.
func (w *world) scored(t *testing.T, id int64) string {
	t.Helper()
	var got string
	if err := w.db.Read(t.Context(), func(q db.Querier) error {
		var score, version int64
		var at *time.Time
		if err := db.Get(q.Query(`SELECT score, score_updated_at, version FROM leads WHERE account_id = 1 AND id = $1`, id), &score, &at, &version); err != nil {
			return err
		}
		lines, err := db.Collect(q.Query(`SELECT points, score, reason FROM score_log WHERE account_id = 1 AND lead_id = $1 ORDER BY id`, id), func(r *db.Rows, s *string) {
			var points, after int64
			var reason string
			r.Scan(&points, &after, &reason)
			*s = fmt.Sprintf("%+d=%d %s", points, after, reason)
		})
		got = fmt.Sprintf("%d at %v v%d: %s", score, at != nil && at.Equal(w.clock.Now()), version, strings.Join(lines, " | "))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

func (w *world) wants(t *testing.T, id int64, want string) {
	t.Helper()
	if got := w.scored(t, id); got != want {
		t.Errorf("the score is\n%s, want\n%s", got, want)
	}
}

func TestAnEventMovesTheScoreOnceByAllItsRulesAndTheLogSaysWhy(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.wants(t, w.create(t, ""), "0 at false v1: ")
		w.rule(t, scoring.Rule{Name: "Chegou", Event: scoring.LeadCreated, Points: 5})
		w.rule(t, scoring.Rule{Name: "Do site", Event: scoring.LeadCreated, Points: 10, Conditions: []scoring.Condition{{Field: "source", Operator: scoring.Equals, Value: "site"}}})
		w.rule(t, scoring.Rule{Name: "Frio", Event: scoring.LeadCreated, Points: -100, Conditions: []scoring.Condition{{Field: "tag", Operator: scoring.Equals, Value: "frio"}}})
		id := w.create(t, `,"source":"Site"`)
		w.wants(t, id, `15 at true v1: +5=15 Chegou: lead_created | +10=15 Do site: lead_created; source equals "site" (Site)`)
		cold := w.create(t, `,"tags":["Frio"]`)
		w.wants(t, cold, `0 at false v1: +5=0 Chegou: lead_created | -100=0 Frio: lead_created; tag equals "frio" (Frio)`)
	})
}

func TestAScoreIsNotTheLeadsOwnDataAndKeepsItsVersion(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rule(t, scoring.Rule{Name: "Respondeu", Event: scoring.MessageReceived, Points: 3, CooldownHours: 1})
		w.rule(t, scoring.Rule{Name: "Mídia", Event: scoring.MessageMediaReceived, Points: 4})
		id := w.create(t, "")
		w.clock.Advance(time.Minute)
		receive := func(kind string) {
			if err := w.db.Write(t.Context(), func(tx *db.Tx) error { return w.scoring.Received(tx, w.actor, id, kind) }); err != nil {
				t.Fatal(err)
			}
		}
		receive("text")
		w.wants(t, id, "3 at true v1: +3=3 Respondeu: message_received")
		var group sync.WaitGroup // the cooldown holds for simultaneous messages, too
		w.clock.Advance(time.Hour)
		for range 4 {
			group.Go(func() { receive("text") })
		}
		group.Wait()
		receive("image")
		w.wants(t, id, "10 at true v1: +3=3 Respondeu: message_received | +3=6 Respondeu: message_received | +4=10 Mídia: message_media_received")
	})
}

func TestMovesCountByTheOrderOfTheBoard(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for points, event := range []scoring.Event{scoring.StageAdvanced, scoring.StageRegressed, scoring.LeadWon, scoring.LeadLost} {
			w.rule(t, scoring.Rule{Name: "r", Event: event, Points: int64(points) + 1})
		}
		id := w.create(t, "")
		for _, stage := range []int{12, 11, 13, 13, 14, 12} {
			w.update(t, id, fmt.Sprintf(`{"stage_id":%d}`, stage))
		}
		w.wants(t, id, "11 at true v6: +1=1 r: stage_advanced | +2=3 r: stage_regressed | +1=4 r: stage_advanced | +3=7 r: lead_won | +4=11 r: lead_lost")
		// An amended sale is no second one.
		w.update(t, id, `{"stage_id":13}`)
		before := w.scored(t, id)
		if _, err := w.leads.Win(t.Context(), w.actor, id, nil, form[leads.WonFields](t, `{"stage_id":13,"value":10}`)); err != nil {
			t.Fatal(err)
		}
		w.wants(t, id, before)
	})
}

func TestAProfileIsCompletedOnceAndATaskEachTime(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rule(t, scoring.Rule{Name: "Completo", Event: scoring.ProfileComplete, Points: 20})
		w.rule(t, scoring.Rule{Name: "Tarefa", Event: scoring.TaskCompleted, Points: 2, Conditions: []scoring.Condition{{Field: "has_company", Operator: scoring.Equals, Value: "true"}}})
		id := w.create(t, `,"phone":"+5511999887766","email":"a@b.br"`)
		w.update(t, id, `{"company":"Acme"}`)
		w.update(t, id, `{"company":null}`)
		w.update(t, id, `{"company":"Acme","notes":"x"}`)
		task, err := w.tasks.Create(t.Context(), w.actor, form[tasks.CreateFields](t, fmt.Sprintf(`{"subject":"Ligar","type":"call","due_date":"2026-07-01","lead_id":%d}`, id)))
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []func() (tasks.Task, error){
			func() (tasks.Task, error) { return w.tasks.Complete(t.Context(), w.actor, task.ID, nil) },
			func() (tasks.Task, error) { return w.tasks.Complete(t.Context(), w.actor, task.ID, nil) },
			func() (tasks.Task, error) { return w.tasks.Reopen(t.Context(), w.actor, task.ID, nil) },
			func() (tasks.Task, error) { return w.tasks.Complete(t.Context(), w.actor, task.ID, nil) },
		} {
			if _, err := step(); err != nil {
				t.Fatal(err)
			}
		}
		because := `Tarefa: task_completed; has_company equals "true" (true)`
		w.wants(t, id, "24 at true v4: +20=20 Completo: profile_complete | +2=22 "+because+" | +2=24 "+because)
		whole := w.create(t, `,"phone":"+5511999887766","email":"a@b.br","company":"Acme"`)
		w.wants(t, whole, "20 at true v1: +20=20 Completo: profile_complete")
	})
}

func TestScoresOfQuietLeadsDecayByTheDay(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id, busy := w.create(t, ""), w.create(t, "")
		dbtest.Exec(t, w.db, `UPDATE leads SET score = 12 WHERE account_id = 1`)
		run := func() {
			t.Helper()
			if err := w.scoring.RunDecay(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		day := 24 * time.Hour
		w.clock.Advance(10 * day)
		run() // off
		if err := w.scoring.SetDecay(t.Context(), w.actor, scoring.Decay{PointsPerDay: 5, AfterDays: 7}); err != nil {
			t.Fatal(err)
		}
		run() // what was before costs nothing
		w.wants(t, id, "12 at false v1: ")
		w.update(t, busy, `{"notes":"x"}`)
		w.clock.Advance(day)
		run()
		run()
		const first = "-5=7 no activity since 2026-06-30: 1 × 5 points"
		w.wants(t, id, "7 at true v1: "+first)
		w.clock.Advance(3 * day) // the server was down
		run()
		w.wants(t, id, "0 at true v1: "+first+" | -15=0 no activity since 2026-06-30: 3 × 5 points")
		w.wants(t, busy, "12 at false v2: ")
	})
}

func TestWithoutRulesAnEventMakesNoStatement(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, "")
		// The rules are known by now. If they were read again, this would fail.
		dbtest.Exec(t, w.db, `DROP TABLE score_log`)
		dbtest.Exec(t, w.db, `DROP TABLE scoring_rules`)
		w.update(t, id, `{"notes":"x"}`)
	})
}
