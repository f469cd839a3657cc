package tasks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/tasks"
)

// subjects lists the subjects of a page, in order, and its meta.
func (w *world) subjects(t *testing.T, query string) (string, api.Meta) {
	t.Helper()
	var page api.PagedList[tasks.Task]
	if err := json.Unmarshal(w.must(t, "GET", "/tasks?"+query, "", 200, "").Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	var subjects []string
	for _, task := range page.Data {
		subjects = append(subjects, task.Subject)
	}
	return strings.Join(subjects, " "), page.Meta
}

func TestTasksAreListedSoonestDueFirst(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, task := range []string{
			`"subject":"e","type":"call","due_date":"2026-07-02","due_time":"08:00","lead_id":101`,
			`"subject":"c","type":"call","due_date":"2026-07-01","lead_id":100,"assigned_to":11,"priority":"high"`,
			`"subject":"d","type":"email","due_date":"2026-07-01","assigned_to":12`,
			`"subject":"b","type":"visit","due_date":"2026-07-01","due_time":"23:59","lead_id":100`,
			`"subject":"a","type":"call","due_date":"2026-06-01","priority":"low","assigned_to":11`,
		} {
			w.create(t, "{"+task+"}")
		}
		w.must(t, "PUT", "/tasks/5/complete", "", 200, "")
		dbtest.Lead(t, w.db, w.clock, w.ours, 102, "Excluído")
		w.create(t, `{"subject":"hidden","type":"call","due_date":"2026-06-15","lead_id":102,"assigned_to":11}`)
		dbtest.Exec(t, w.db, `UPDATE leads SET deleted_at = $1 WHERE account_id = 1 AND id = 102`, w.clock.Now())

		for query, want := range map[string]string{
			"":                                      "a b c d e",
			"status=":                               "a b c d e",
			"status=pending":                        "b c d e",
			"status=completed":                      "a",
			"lead_id=100":                           "b c",
			"lead_id=100&type=visit":                "b",
			"lead_id=102":                           "",
			"lead_id=200":                           "",
			"lead_id=999":                           "",
			"assigned_to=11":                        "a c",
			"assigned_to=11&type=call":              "a c",
			"assigned_to=21":                        "",
			"type=email":                            "d",
			"priority=high":                         "c",
			"priority=medium":                       "b d e",
			"due_from=2026-07-01":                   "b c d e",
			"due_to=2026-07-01":                     "a b c d",
			"due_from=2026-07-02&due_to=2026-07-01": "",
			"assigned_to=11&status=pending&due_to=2026-07-31": "c",
		} {
			if got, meta := w.subjects(t, query); got != want || int(meta.Total) != len(strings.Fields(want)) {
				t.Errorf("%q lists %q of %d, want %q", query, got, meta.Total, want)
			}
		}
		for query, want := range map[string]struct {
			subjects string
			meta     api.Meta
		}{
			"per_page=2&page=2":              {"c d", api.Meta{Total: 5, PerPage: 2, CurrentPage: 2, LastPage: 3, HasMore: true}},
			"per_page=2&page=3":              {"e", api.Meta{Total: 5, PerPage: 2, CurrentPage: 3, LastPage: 3}},
			"per_page=500&page=2":            {"", api.Meta{Total: 5, PerPage: 200, CurrentPage: 2, LastPage: 1}},
			"page=1000000000000000000":       {"", api.Meta{Total: 5, PerPage: 50, CurrentPage: 1e18, LastPage: 1}},
			"per_page=3&lead_id=100&page=01": {"b c", api.Meta{Total: 2, PerPage: 3, CurrentPage: 1, LastPage: 1}},
		} {
			if got, meta := w.subjects(t, query); got != want.subjects || meta != want.meta {
				t.Errorf("%q lists %q %+v, want %q %+v", query, got, meta, want.subjects, want.meta)
			}
		}
	})
}

func TestALeadsIncludeHasItsTasksSoonestDueFirst(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(t, `{"subject":"later","type":"call","due_date":"2026-07-02","lead_id":100}`)
		w.create(t, `{"subject":"soon","type":"visit","priority":"high","due_date":"2026-07-01","due_time":"10:00","lead_id":100,"assigned_to":12}`)
		w.create(t, `{"subject":"other","type":"call","due_date":"2026-07-01","lead_id":101}`)
		w.must(t, "PUT", "/tasks/2/complete", "", 200, "")
		ask := func(actor authz.Actor) (text string) {
			w.read(t, func(q db.Querier) error {
				rows, err := tasks.ForLeads(q, actor, []int64{100, 101, 102})
				if err != nil {
					return err
				}
				b, err := json.Marshal(rows)
				text = string(b)
				return err
			})
			return text
		}
		want := `{"100":[{"id":2,"subject":"soon","type":"visit","status":"completed","priority":"high","due_date":"2026-07-01","due_time":"10:00","completed_at":"2026-06-30T13:00:00Z","assigned_to":12},` +
			`{"id":1,"subject":"later","type":"call","status":"pending","priority":"medium","due_date":"2026-07-02","due_time":null,"completed_at":null,"assigned_to":null}],` +
			`"101":[{"id":3,"subject":"other","type":"call","status":"pending","priority":"medium","due_date":"2026-07-01","due_time":null,"completed_at":null,"assigned_to":null}]}`
		if got := ask(w.ours); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := ask(w.theirs); got != "{}" {
			t.Errorf("another account gets %s", got)
		}
	})
}

// watched are the queries that a list makes, as they were made.
type watched struct {
	db.Querier
	statements []db.Statement
}

func (w *watched) Query(sql string, args ...any) *db.Rows {
	w.statements = append(w.statements, db.Statement{SQL: sql, Args: args})
	return w.Querier.Query(sql, args...)
}

func TestAListReadsOnlyItsIndexes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.fill(t, 1000)
		for _, c := range []struct{ query, index string }{
			{"", "tasks_by_due"},
			{"type=call&due_from=2026-07-01", "tasks_by_due"},
			{"status=pending", "tasks_pending"},
			{"assigned_to=11", "tasks_by_owner"},
			{"assigned_to=11&status=pending&due_to=2026-07-31", "tasks_pending_by_owner"},
			{"lead_id=1301", "tasks_by_lead"},
		} {
			w.read(t, func(q db.Querier) error {
				watch := &watched{Querier: q}
				if err := tasks.ListForTest(watch, w.ours, c.query); err != nil {
					return err
				}
				if len(watch.statements) != 2 {
					t.Fatalf("%q makes %d statements", c.query, len(watch.statements))
				}
				count, err := w.explain(q, watch.statements[0])
				if err != nil {
					return err
				}
				page, err := w.explain(q, watch.statements[1])
				if err != nil {
					return err
				}
				if !strings.Contains(page, c.index+" ") || strings.Contains(count+page, "SCAN t") || strings.Contains(count+page, "Seq Scan on tasks") {
					t.Errorf("%q is not read by %s:\n%s\n%s", c.query, c.index, count, page)
				}
				return nil
			})
		}
	})
}

// fill makes so many leads and tasks; one in fifty tasks is pending, one lead in a
// hundred is in the trash.
func (w *world) fill(t *testing.T, n int) {
	t.Helper()
	w.write(t, func(tx *db.Tx) error {
		for i := range n {
			id, at := int64(1000+i), tx.Now()
			var done, deleted *time.Time
			if i%50 != 0 {
				done = &at
			}
			if i%100 == 0 {
				deleted = &at
			}
			if err := tx.Queue(`INSERT INTO leads (id, account_id, name, name_key, pipeline_id, stage_id, stage_since, search_text, search_phone, created_at, updated_at, deleted_at)
				VALUES ($1, 1, 'x', 'x', 1, 11, $2, 'x', '', $2, $2, $3)`, id, at, deleted); err != nil {
				return err
			}
			if err := tx.Queue(`INSERT INTO tasks (account_id, lead_id, subject, type, priority, due_date, assigned_to, completed_at, created_at, updated_at)
				VALUES (1, $1, 'x', 'call', 'low', $2, $3, $4, $5, $5)`, id, fmt.Sprintf("2026-%02d-%02d", 1+i%12, 1+i%28), 11+i%2, done, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// explain gives the plan of a statement. PostgreSQL, which would rather read a
// small table from end to end, is told not to.
func (w *world) explain(q db.Querier, s db.Statement) (string, error) {
	if w.db.Engine() == db.Postgres {
		var off string
		if err := db.Get(q.Query("SELECT set_config('enable_seqscan', 'off', false)"), &off); err != nil {
			return "", err
		}
		lines, err := db.Column[string](q.Query("EXPLAIN "+s.SQL, s.Args...))
		return strings.Join(lines, "\n"), err
	}
	lines, err := db.Collect(q.Query("EXPLAIN QUERY PLAN "+s.SQL, s.Args...), func(r *db.Rows, line *string) {
		var id, parent, unused int64
		r.Scan(&id, &parent, &unused, line)
	})
	return strings.Join(lines, "\n"), err
}
