package tasks_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"syncro/internal/db/dbtest"
)

const eventsOf100 = `SELECT event_type || ' ' || description FROM lead_events WHERE account_id = 1 AND lead_id = 100 ORDER BY id`

func TestATaskIsShownWholeAndToldOnItsLeadsTimeline(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		answer := w.must(t, "POST", "/tasks", `{"subject":" Ligar ","type":"call","due_date":"2026-06-30","due_time":"9:30","lead_id":"100","assigned_to":12,"notes":""}`, 201,
			`{"success":true,"task":{"id":1,"subject":"Ligar","description":null,"type":"call","status":"pending","priority":"medium",`+
				`"due_date":"2026-06-30","due_time":"09:30","completed_at":null,"lead_id":100,"lead":{"id":100,"name":"João","phone":null,"email":null},`+
				`"assigned_to":12,"assigned_user":{"id":12,"name":"Bruno"},"notes":null,"is_overdue":true,`+
				`"created_at":"2026-06-30T13:00:00Z","updated_at":"2026-06-30T13:00:00Z"}}`)
		w.must(t, "GET", "/tasks/1", "", 200, answer.Body.String())
		if tag := answer.Header().Get("ETag"); tag != `"1"` {
			t.Errorf("the ETag is %s", tag)
		}
		alone := w.must(t, "POST", "/tasks", `{"subject":"Ler","type":"task","due_date":"2026-07-01"}`, 201, "")
		if !strings.Contains(alone.Body.String(), `"lead_id":null,"lead":null,"assigned_to":null,"assigned_user":null`) {
			t.Errorf("a task that stands alone is %s", alone.Body)
		}
		if got := w.texts(t, eventsOf100); got != "task_created Tarefa criada: Ligar" {
			t.Errorf("the lead's events are %s", got)
		}
	})
}

func TestEverythingWrongWithATaskIsReportedAtOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.must(t, "POST", "/tasks", `{"type":"fax","due_date":"30/06/2026","due_time":"25:00","priority":"urgent","lead_id":200,"assigned_to":21}`, 422,
			`{"message":"The subject field is required. (and 6 more errors)","errors":{"subject":["The subject field is required."],`+
				`"type":["The selected type is invalid."],"due_date":["The due date field must match the format Y-m-d."],`+
				`"due_time":["The due time field must match the format H:i."],"priority":["The selected priority is invalid."],`+
				`"lead_id":["The selected lead id is invalid."],"assigned_to":["The selected assigned to is invalid."]}}`)
		w.must(t, "POST", "/tasks", `{`, 400, "")
		id := w.create(t, `{"subject":"Ligar","type":"call","due_date":"2026-07-01"}`)
		w.must(t, "PATCH", path(id, ""), `{"subject":null,"lead_id":999,"status":"late"}`, 422,
			`{"message":"The subject field is required. (and 2 more errors)","errors":{"subject":["The subject field is required."],`+
				`"status":["The selected status is invalid."],"lead_id":["The selected lead id is invalid."]}}`)
		for _, wrong := range []string{"status=late", "type=fax", "priority=1", "due_from=x", "due_to=2026-02-30", "lead_id=x", "assigned_to=x", "page=0", "per_page=0"} {
			field, _, _ := strings.Cut(wrong, "=")
			if answer := w.ask(t, "GET", "/tasks?"+wrong, ""); answer.Code != 422 || !strings.Contains(answer.Body.String(), `"errors":{"`+field+`":[`) {
				t.Errorf("%s: %d %s", wrong, answer.Code, answer.Body)
			}
		}
	})
}

func TestAnUpdateChangesOnlyWhatIsSent(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, `{"subject":"Ligar","type":"call","due_date":"2026-07-01","due_time":"10:00","lead_id":100,"assigned_to":12,"description":"a","notes":"b"}`)
		w.clock.Advance(time.Minute)
		for _, same := range []string{`{}`, `{"subject":"Ligar","due_time":"10:00:00","lead_id":100,"status":"pending"}`} {
			if answer := w.must(t, "PUT", path(id, ""), same, 200, ""); answer.Header().Get("ETag") != `"1"` {
				t.Errorf("%s made version %s", same, answer.Header().Get("ETag"))
			}
		}
		answer := w.must(t, "PATCH", path(id, ""), `{"due_time":null,"lead_id":"","assigned_to":11,"notes":null,"priority":"high"}`, 200,
			fmt.Sprintf(`{"success":true,"task":{"id":%d,"subject":"Ligar","description":"a","type":"call","status":"pending","priority":"high",`+
				`"due_date":"2026-07-01","due_time":null,"completed_at":null,"lead_id":null,"lead":null,`+
				`"assigned_to":11,"assigned_user":{"id":11,"name":"Ana"},"notes":null,"is_overdue":false,`+
				`"created_at":"2026-06-30T13:00:00Z","updated_at":"2026-06-30T13:01:00Z"}}`, id))
		if tag := answer.Header().Get("ETag"); tag != `"2"` {
			t.Errorf("the ETag is %s", tag)
		}
		w.must(t, "GET", path(id, ""), "", 200, answer.Body.String())
		want := `{"priority":["medium","high"],"due_time":["10:00",null],"lead_id":[100,null],"assigned_to":[12,11],"notes":["b",null]}`
		if got := w.texts(t, `SELECT changes FROM record_changes WHERE account_id = 1 AND record = 'task' AND record_id = $1`, id); got != want {
			t.Errorf("noted %s, want %s", got, want)
		}
	})
}

func TestCompletingOrReopeningTwiceChangesNothing(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, `{"subject":"Ligar","type":"call","due_date":"2026-06-01","lead_id":100}`)
		for _, step := range []struct{ action, body, etag, shown string }{
			{"/complete", "", `"2"`, `"status":"completed"`},
			{"/complete", "", `"2"`, `"completed_at":"2026-06-30T13:00:00Z"`},
			{"", `{"status":"completed"}`, `"2"`, `"is_overdue":false`},
			{"/reopen", "", `"3"`, `"completed_at":null`},
			{"/reopen", "", `"3"`, `"is_overdue":true`},
			{"", `{"status":"completed"}`, `"4"`, `"status":"completed"`},
		} {
			answer := w.must(t, "PUT", path(id, step.action), step.body, 200, "")
			if answer.Header().Get("ETag") != step.etag || !strings.Contains(answer.Body.String(), step.shown) {
				t.Errorf("%s %s: %s %s", step.action, step.body, answer.Header().Get("ETag"), answer.Body)
			}
			w.clock.Advance(time.Minute)
		}
		want := "task_created Tarefa criada: Ligar | task_completed Tarefa concluída: Ligar | task_completed Tarefa concluída: Ligar"
		if got := w.texts(t, eventsOf100); got != want {
			t.Errorf("the lead's events are %s", got)
		}
	})
}

func TestSimultaneousCompletionsMakeOneVersionAndOneEvent(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, `{"subject":"Ligar","type":"call","due_date":"2026-06-01","lead_id":100}`)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { w.must(t, "PUT", path(id, "/complete"), "", 200, "") })
		}
		group.Wait()
		if tag := w.ask(t, "GET", path(id, ""), "").Header().Get("ETag"); tag != `"2"` {
			t.Errorf("the version is %s", tag)
		}
		if got := w.texts(t, eventsOf100); got != "task_created Tarefa criada: Ligar | task_completed Tarefa concluída: Ligar" {
			t.Errorf("the lead's events are %s", got)
		}
	})
}

func TestAWriteMeantForAnOlderVersionIsRefused(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, `{"subject":"Ligar","type":"call","due_date":"2026-07-01"}`)
		w.must(t, "PATCH", path(id, ""), `{"subject":"Visitar","type":"visit"}`, 200, "", "If-Match", `"1"`)
		stale := `{"message":"O registro foi alterado desde a leitura.","current_etag":"\"2\"","changed":[` +
			`{"field":"subject","changed_by":{"id":11,"name":"Ana"},"changed_at":"2026-06-30T13:00:00Z"},` +
			`{"field":"type","changed_by":{"id":11,"name":"Ana"},"changed_at":"2026-06-30T13:00:00Z"}]}`
		w.must(t, "PATCH", path(id, ""), `{"notes":"x"}`, 412, stale, "If-Match", `"1"`)
		w.must(t, "PUT", path(id, "/complete"), "", 412, stale, "If-Match", `"1"`)
		w.must(t, "DELETE", path(id, ""), "", 412, stale, "If-Match", `"1"`)
		w.must(t, "DELETE", path(id, ""), "", 200, `{"success":true}`, "If-Match", `"2"`)
		w.must(t, "GET", path(id, ""), "", 404, `{"message":"Tarefa não encontrada."}`)
		if left := w.texts(t, `SELECT changes FROM record_changes WHERE account_id = 1`); left != "" {
			t.Errorf("of the deleted task there is left %s", left)
		}
	})
}

func TestATaskIsOverdueWhenItsDayOrMinuteIsOverInTheAccountsZone(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			zone, due, at string
			now           string
			overdue       bool
		}{
			{"America/Sao_Paulo", "2026-06-30", "", "2026-07-01T02:59:59Z", false},
			{"America/Sao_Paulo", "2026-06-30", "", "2026-07-01T03:00:00Z", true},
			{"Asia/Tokyo", "2026-06-30", "", "2026-06-30T14:59:59Z", false},
			{"Asia/Tokyo", "2026-06-30", "", "2026-06-30T15:00:00Z", true},
			{"America/Sao_Paulo", "2026-06-30", "14:30", "2026-06-30T17:30:59Z", false},
			{"America/Sao_Paulo", "2026-06-30", "14:30", "2026-06-30T17:31:00Z", true},
			{"Asia/Tokyo", "2026-07-01", "00:00", "2026-06-30T15:01:00Z", true},
			{"America/Sao_Paulo", "2018-11-04", "00:30", "2018-11-04T02:59:00Z", false}, // the clocks skip that minute
			{"America/Sao_Paulo", "2018-11-04", "00:30", "2018-11-04T03:00:00Z", true},
		} {
			id := w.create(t, fmt.Sprintf(`{"subject":"x","type":"call","due_date":%q,"due_time":%q}`, c.due, c.at))
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			actor := w.ours
			if actor.Location, err = time.LoadLocation(c.zone); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(now.Sub(w.clock.Now()))
			task, err := w.tasks.Get(t.Context(), actor, id)
			if err != nil || task.IsOverdue != c.overdue {
				t.Errorf("due %s %s in %s, at %s: %v, %v", c.due, c.at, c.zone, c.now, task.IsOverdue, err)
			}
		}
	})
}

func TestTasksOfOthersAndOfHiddenLeadsDoNotExist(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, `{"subject":"Ligar","type":"call","due_date":"2026-07-01","lead_id":100}`)
		gone := func(key string) {
			t.Helper()
			for _, request := range []string{"GET ", "PUT ", "PATCH ", "DELETE ", "PUT /complete", "PUT /reopen"} {
				method, rest, _ := strings.Cut(request, " ")
				w.must(t, key+" "+method, path(id, rest), `{"subject":"meu"}`, 404, `{"message":"Tarefa não encontrada."}`)
			}
			w.must(t, key+" GET", "/tasks", "", 200, `{"success":true,"data":[],"meta":{"total":0,"per_page":50,"current_page":1,"last_page":1,"has_more":false}}`)
		}
		gone("theirs")
		dbtest.Exec(t, w.db, `UPDATE leads SET deleted_at = $1 WHERE account_id = 1 AND id = 100`, w.clock.Now())
		gone("ours")
		w.must(t, "POST", "/tasks", `{"subject":"x","type":"call","due_date":"2026-07-01","lead_id":100}`, 422, "")
		dbtest.Exec(t, w.db, `UPDATE leads SET deleted_at = NULL, merged_into = 101 WHERE account_id = 1 AND id = 100`)
		gone("ours")
		dbtest.Exec(t, w.db, `UPDATE leads SET merged_into = NULL WHERE account_id = 1 AND id = 100`)
		w.must(t, "DELETE", path(id, ""), "", 200, "")
	})
}
