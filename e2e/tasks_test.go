package e2e

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

func TestTasks(t *testing.T) {
	whole := []string{
		"id", "subject", "description", "type", "status", "priority", "due_date", "due_time", "completed_at", "lead_id", "lead", "assigned_to", "assigned_user", "notes", "is_overdue", "created_at", "updated_at",
	}
	zone, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	onDemo(t, func(t *testing.T, c *client) {
		add := func(t *testing.T, more fields) answer {
			t.Helper()
			body := fields{"subject": "Tarefa", "type": "call", "due_date": "2030-05-10"}
			maps.Copy(body, more)
			got := c.want(t, 201, "POST", "/tasks", body)
			keys(t, "the answer", got.body, "success", "task")
			keys(t, "the task", got.at("task"), whole...)
			return got
		}
		path := func(a answer) string { return fmt.Sprintf("/tasks/%v", a.at("task", "id")) }
		t.Run("a creation answers the whole task", func(t *testing.T) {
			got := add(t, fields{"subject": " Ligar ", "description": "d", "priority": "high", "due_time": "09:30", "lead_id": "123", "assigned_to": 13, "notes": "n"})
			holds(t, "the task", got.at("task"), parsed(t, `{"subject":"Ligar","description":"d","type":"call","status":"pending","priority":"high","due_date":"2030-05-10","due_time":"09:30","completed_at":null,
				"lead_id":123,"lead":{"id":123,"name":"João Silva","phone":"+5511999887766","email":"joao@acme.com.br"},"assigned_to":13,"assigned_user":{"id":13,"name":"Bruno"},"notes":"n","is_overdue":false}`))
			same(t, "read again", c.want(t, 200, "GET", path(got), nil).body, got.text)
			if events := c.events(t, joao); events[len(events)-1] != "task_created" {
				t.Errorf("events %v", events)
			}
		})
		t.Run("a task may stand alone, with medium priority and no time", func(t *testing.T) {
			got := add(t, nil)
			holds(t, "the task", got.at("task"), parsed(t, `{"priority":"medium","due_time":null,"lead_id":null,"lead":null,"assigned_to":null,"assigned_user":null,"description":null,"notes":null}`))
		})
		t.Run("subject, type and due_date are required, and all is checked", func(t *testing.T) {
			got := c.want(t, 422, "POST", "/tasks", fields{})
			if names := fieldsInOrder(t, got); !slices.Equal(slices.Sorted(slices.Values(names)), []string{"due_date", "subject", "type"}) {
				t.Errorf("got %s", got.text)
			}
			for field, value := range map[string]any{"type": "dance", "priority": "urgent", "due_date": "10/05/2030", "due_time": "25:00", "lead_id": 900, "assigned_to": 15, "subject": fmt.Sprintf("%0256d", 0)} {
				body := fields{"subject": "x", "type": "call", "due_date": "2030-05-10"}
				body[field] = value
				if names := fieldsInOrder(t, c.want(t, 422, "POST", "/tasks", body)); !slices.Equal(names, []string{field}) {
					t.Errorf("%s: %v", field, names)
				}
			}
			for _, kind := range []string{"call", "email", "task", "visit", "whatsapp", "meeting"} {
				add(t, fields{"type": kind})
			}
		})
		t.Run("an update changes only what is sent", func(t *testing.T) {
			made := add(t, fields{"lead_id": 123, "due_time": "08:00", "notes": "n", "assigned_to": 12})
			got := c.want(t, 200, "PUT", path(made), fields{"priority": "low", "due_time": nil, "lead_id": ""})
			keys(t, "the task", got.at("task"), whole...)
			holds(t, "the task", got.at("task"), parsed(t, `{"subject":"Tarefa","priority":"low","due_time":null,"lead":null,"lead_id":null,"notes":"n","assigned_to":12,"due_date":"2030-05-10"}`))
			for _, field := range []string{"subject", "type", "due_date"} {
				c.want(t, 422, "PUT", path(made), fields{field: nil})
			}
		})
		t.Run("completing and reopening change the status, and doing either twice changes nothing", func(t *testing.T) {
			made := add(t, fields{"lead_id": 126})
			for _, x := range [][2]string{{"complete", "completed"}, {"complete", "completed"}, {"reopen", "pending"}, {"reopen", "pending"}, {"complete", "completed"}} {
				got := c.want(t, 200, "PUT", path(made)+"/"+x[0], nil)
				if got.at("task", "status") != x[1] || (got.at("task", "completed_at") == nil) != (x[1] == "pending") {
					t.Errorf("%s: %s", x[0], got.text)
				}
			}
			if n := countOf(c.events(t, "/leads/126"), "task_completed"); n < 1 {
				t.Error("no event tells of it")
			}
		})
		t.Run("a deleted task is gone", func(t *testing.T) {
			made := add(t, nil)
			c.do(t, "DELETE", path(made), nil).is(t, "the deletion", 200, `{"success":true}`)
			c.do(t, "GET", path(made), nil).is(t, "afterwards", 404, noTask)
			c.do(t, "PUT", path(made)+"/complete", nil).is(t, "afterwards", 404, noTask)
		})
		t.Run("is overdue when it is pending and past due in the account's zone", func(t *testing.T) {
			now := time.Now().In(zone)
			yesterday, today, tomorrow := now.AddDate(0, 0, -1).Format(time.DateOnly), now.Format(time.DateOnly), now.AddDate(0, 0, 1).Format(time.DateOnly)
			for _, x := range []struct {
				date, clock string
				overdue     bool
			}{{yesterday, "", true}, {yesterday, "23:59", true}, {today, "", false}, {tomorrow, "", false}, {tomorrow, "00:00", false}} {
				if today != time.Now().In(zone).Format(time.DateOnly) {
					return // midnight has come
				}
				made := add(t, fields{"due_date": x.date, "due_time": x.clock})
				if made.at("task", "is_overdue") != x.overdue {
					t.Errorf("due %s %s at %s: %s", x.date, x.clock, now, made.text)
				}
				if done := c.want(t, 200, "PUT", path(made)+"/complete", nil); done.at("task", "is_overdue") != false {
					t.Errorf("completed: %s", done.text)
				}
			}
		})
		t.Run("the list is paged, soonest due first, and filtered", func(t *testing.T) {
			lead := c.create(t, nil).at("lead", "id")
			for _, x := range []fields{
				{"subject": "c", "due_date": "2031-01-02"}, {"subject": "a", "due_date": "2031-01-01", "due_time": "09:00", "type": "email", "priority": "high"}, {"subject": "d", "due_date": "2031-01-03", "assigned_to": 13},
				{"subject": "b", "due_date": "2031-01-01", "due_time": "10:00"},
			} {
				x["lead_id"] = lead
				made := add(t, x)
				if x["subject"] == "c" {
					c.want(t, 200, "PUT", path(made)+"/complete", nil)
				}
			}
			only := fmt.Sprintf("/tasks?lead_id=%v", lead)
			for query, want := range map[string]string{
				"": `["a","b","c","d"]`, "&status=pending": `["a","b","d"]`, "&status=completed": `["c"]`, "&type=email": `["a"]`, "&priority=high": `["a"]`, "&assigned_to=13": `["d"]`, "&assigned_to=999": `[]`,
				"&due_from=2031-01-02": `["c","d"]`, "&due_to=2031-01-02": `["a","b","c"]`, "&due_from=2031-01-02&due_to=2031-01-02": `["c"]`, "&per_page=2": `["a","b"]`, "&per_page=2&page=2": `["c","d"]`, "&page=9": `[]`,
			} {
				same(t, query, each(c.want(t, 200, "GET", only+query, nil).at("data"), "subject"), want)
			}
			got := c.want(t, 200, "GET", only+"&per_page=3", nil)
			same(t, "meta", got.at("meta"), `{"total":4,"per_page":3,"current_page":1,"last_page":2,"has_more":true}`)
			keys(t, "a task", got.at("data", 0), whole...)
			for _, query := range []string{"status=done", "type=dance", "priority=urgent", "due_from=x", "due_to=2031-02-30", "lead_id=x", "page=0", "per_page=0"} {
				c.want(t, 422, "GET", "/tasks?"+query, nil)
			}
			same(t, "an unknown lead's", c.want(t, 200, "GET", "/tasks?lead_id=999999", nil).at("data"), `[]`)
		})
		t.Run("the demo's task 45 is Maria's", func(t *testing.T) {
			holds(t, "task 45", c.want(t, 200, "GET", "/tasks/45", nil).at("task"), parsed(t, `{"id":45,"subject":"Ligar para o cliente","type":"call","status":"pending","lead_id":124,"lead":{"id":124,"name":"Maria Souza"}}`))
		})
	})
}
