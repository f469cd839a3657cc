package e2e

import (
	"fmt"
	"testing"
)

func TestMandatoryTasks(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		tasks := func(t *testing.T, path string) []any {
			t.Helper()
			return items(c.lead(t, path, "tasks")["tasks"])
		}
		pending := func(t *testing.T, path string) string {
			t.Helper()
			for _, task := range tasks(t, path) {
				if dig(task, "status") == "pending" {
					return fmt.Sprintf("/tasks/%v", dig(task, "id"))
				}
			}
			t.Fatal("no pending task")
			return ""
		}
		t.Run("entering the stage makes one pending task, at creation, by a move and by an update", func(t *testing.T) {
			byMove, byUpdate := c.path(t, fields{"name": "Rita"}), c.path(t, fields{"name": "Rita"})
			c.want(t, 200, "PUT", byMove+"/stage", move(documents))
			c.want(t, 200, "PATCH", byUpdate, move(documents))
			for _, path := range []string{c.path(t, fields{"name": "Rita", "stage_id": documents}), byMove, byUpdate} {
				made := tasks(t, path)
				if len(made) != 1 {
					t.Fatalf("%d tasks: %v", len(made), made)
				}
				holds(t, "the task", made[0], parsed(t, `{"subject":"Conferir documentos de Rita","type":"task","status":"pending","completed_at":null}`))
				holds(t, "the task", c.want(t, 200, "GET", pending(t, path), nil).at("task"), parsed(t, `{"lead":{"name":"Rita"},"is_overdue":false}`))
			}
		})
		t.Run("the lead leaves only when those of this visit are completed", func(t *testing.T) {
			path := c.path(t, fields{"stage_id": documents})
			for _, x := range []struct {
				path string
				body fields
			}{{"/stage", move(proposal)}, {"/won", fields{"stage_id": won}}, {"/lost", fields{"stage_id": lost}}, {"", fields{"stage_id": proposal}}} {
				if got := c.want(t, 422, "PUT", path+x.path, x.body); got.at("blocked") != true {
					t.Errorf("%s: %s", x.path, got.text)
				}
			}
			c.want(t, 200, "PUT", pending(t, path)+"/complete", nil)
			c.want(t, 200, "PUT", path+"/stage", move(proposal))
			c.want(t, 200, "PUT", path+"/stage", move(documents))
			if made := tasks(t, path); len(made) != 2 {
				t.Errorf("%d tasks; each entry makes one", len(made))
			}
			c.want(t, 422, "PUT", path+"/stage", move(proposal))
		})
		t.Run("a task that nobody demands blocks nothing", func(t *testing.T) {
			path := c.path(t, nil)
			id := c.lead(t, path)["id"]
			c.want(t, 201, "POST", "/tasks", fields{"subject": "x", "type": "call", "due_date": "2030-01-01", "lead_id": id})
			c.want(t, 200, "PUT", path+"/stage", move(proposal))
		})
		t.Run("while the visit lasts it cannot be deleted or given to another lead", func(t *testing.T) {
			path := c.path(t, fields{"stage_id": documents})
			task := pending(t, path)
			other := c.lead(t, c.path(t, nil))["id"]
			for _, got := range []answer{c.do(t, "DELETE", task, nil), c.do(t, "PUT", task, fields{"lead_id": other}), c.do(t, "PUT", task, fields{"lead_id": nil})} {
				if got.status != 422 || got.at("message") == nil {
					t.Errorf("%d %s", got.status, got.text)
				}
			}
			c.want(t, 200, "PUT", task, fields{"subject": "Outro assunto", "type": "call"})
			got := c.want(t, 422, "PUT", path+"/stage", move(proposal))
			holds(t, "blocked", got.body, parsed(t, `{"pending_tasks":[{"subject":"Outro assunto","type":"call"}]}`))
		})
		t.Run("after the visit it can be deleted", func(t *testing.T) {
			path := c.path(t, fields{"stage_id": documents})
			task := pending(t, path)
			c.want(t, 200, "PUT", task+"/complete", nil)
			c.want(t, 200, "PUT", path+"/stage", move(proposal))
			c.want(t, 200, "DELETE", task, nil)
		})
		t.Run("reopening one blocks again", func(t *testing.T) {
			path := c.path(t, fields{"stage_id": documents})
			task := pending(t, path)
			c.want(t, 200, "PUT", task+"/complete", nil)
			c.want(t, 200, "PUT", task+"/reopen", nil)
			c.want(t, 422, "PUT", path+"/stage", move(proposal))
			c.want(t, 200, "PUT", task+"/complete", nil)
			c.want(t, 200, "PUT", path+"/stage", move(proposal))
			c.want(t, 200, "PUT", task+"/reopen", nil)
			c.want(t, 200, "PUT", path+"/stage", move(negotiation))
		})
		t.Run("a win and a loss in the stage the lead is in need no block test", func(t *testing.T) {
			path := c.path(t, fields{"stage_id": won})
			c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won, "value": 1})
		})
		t.Run("a blocked lead can be changed otherwise, and deleted", func(t *testing.T) {
			path := c.path(t, fields{"stage_id": documents})
			c.want(t, 200, "PATCH", path, fields{"stage_id": documents, "notes": "x"})
			c.want(t, 200, "POST", path+"/tags", fields{"tags": []string{"x"}})
			c.want(t, 200, "DELETE", path, nil)
		})
	})
}
