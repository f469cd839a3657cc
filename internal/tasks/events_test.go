package tasks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/tasks"
)

func TestEveryChangeOfATaskIsWrittenDownAsTheEventThatOthersHear(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		var heard []string
		w.log.React(func(_ *db.Tx, _ authz.Actor, e events.Event) error {
			facts, _ := e.Facts.(tasks.Facts)
			heard = append(heard, fmt.Sprint(e.Type, " ", e.LeadID != nil, " ", facts.Before != nil, " ", facts.After != nil))
			return nil
		})
		id := w.create(t, `{"subject":"Ligar","type":"call","due_date":"2026-07-01","lead_id":100}`)
		w.must(t, "PUT", path(id, ""), `{"subject":"Ligar <já>","due_time":"10:00"}`, 200, "")
		w.must(t, "PUT", path(id, "/complete"), "", 200, "")
		w.must(t, "PUT", path(id, "/complete"), "", 200, "")
		w.must(t, "PUT", path(id, "/reopen"), "", 200, "")
		w.must(t, "PUT", path(id, ""), `{"status":"completed","lead_id":null}`, 200, "")
		w.must(t, "DELETE", path(id, ""), "", 200, "")
		w.enter(t, tasks.LeadRef{ID: 101, Name: "Maria", Phone: "+5511999887766", AssignedTo: new(int64(12))})

		var bodies []string
		w.read(t, func(q db.Querier) (err error) {
			bodies, err = db.Column[string](q.Query(`SELECT body FROM events WHERE account_id = 1 ORDER BY id`))
			return err
		})
		var got []string
		for _, text := range bodies {
			var body struct {
				Type string
				Data struct {
					Task     struct{ Subject, Status string }
					Previous json.RawMessage
				}
			}
			if err := json.Unmarshal([]byte(text), &body); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			got = append(got, fmt.Sprint(body.Type, " ", body.Data.Task.Subject, " ", body.Data.Task.Status, " ", string(body.Data.Previous)))
		}
		want := []string{
			`task.created Ligar pending {}`,
			`task.updated Ligar <já> pending {"subject":"Ligar","due_time":null}`,
			`task.completed Ligar <já> completed {"status":"pending"}`,
			`task.updated Ligar <já> pending {"status":"completed"}`,
			`task.updated Ligar <já> completed {"status":"pending","lead_id":100}`,
			`task.completed Ligar <já> completed {"status":"pending","lead_id":100}`,
			`task.deleted Ligar <já> completed {}`,
			`task.created Conferir documentos de Maria pending {}`,
			`task.created Documentação: Maria pending {}`,
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
		wantHeard := []string{
			"task.created true false true", "task.updated true true true", "task.completed true true true", "task.updated true true true",
			"task.updated false true true", "task.completed false true true", "task.deleted false true false", "task.created true false true", "task.created true false true",
		}
		if fmt.Sprint(heard) != fmt.Sprint(wantHeard) {
			t.Errorf("reactions heard\n%q\nwant\n%q", heard, wantHeard)
		}
		for _, part := range []string{`"lead":{"id":101,"name":"Maria","phone":"+5511999887766","email":null}`, `"assigned_user":{"id":12,"name":"Bruno"}`} {
			if !strings.Contains(bodies[7], part) {
				t.Errorf("a mandatory task is told without %s: %s", part, bodies[7])
			}
		}
	})
}
