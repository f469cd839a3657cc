package e2e

import (
	"fmt"
	"testing"
)

func TestUpdates(t *testing.T) {
	whole := fields{
		"phone": "+5511966665555", "email": "ana@x.com.br", "company": "ACME", "birthday": "1990-01-15", "value": 10.5, "source": "site", "tags": []string{"a", "b"}, "notes": "n",
		"utm_source": "s", "utm_medium": "m", "utm_campaign": "c", "utm_term": "t", "utm_content": "k", "assigned_to": 12, "custom_fields": fields{"setor": "TI", "funcionarios": 3},
	}
	onDemo(t, func(t *testing.T, c *client) {
		t.Run("PUT and PATCH change only what is sent, and answer the lead", func(t *testing.T) {
			for _, method := range []string{"PUT", "PATCH"} {
				path := c.path(t, whole)
				before := c.lead(t, path, "owner")
				got := c.want(t, 200, method, path, fields{"company": "Outra", "custom_fields": fields{"setor": "RH"}})
				wholeLead(t, "the answer", got.at("lead"))
				after := c.lead(t, path, "owner")
				for name, value := range before {
					switch name {
					case "company", "updated_at", "custom_fields":
					default:
						if fmt.Sprint(after[name]) != fmt.Sprint(value) {
							t.Errorf("%s changed %s from %v to %v", method, name, value, after[name])
						}
					}
				}
				same(t, "company", after["company"], `"Outra"`)
				same(t, "custom fields", after["custom_fields"], `{"setor":"RH","funcionarios":3}`)
			}
		})
		t.Run("a whole lead that is read can be written back", func(t *testing.T) {
			path := c.path(t, whole)
			before := c.lead(t, path)
			after := c.want(t, 200, "PUT", path, before).at("lead")
			holds(t, "written back", after, before)
		})
		t.Run("null clears, and so does an empty text", func(t *testing.T) {
			for _, nothing := range []any{nil, ""} {
				path := c.path(t, whole)
				empty := fields{"custom_fields": fields{"setor": nothing, "funcionarios": nothing}}
				for name := range whole {
					if name != "custom_fields" && name != "tags" {
						empty[name] = nothing
					}
				}
				c.want(t, 200, "PATCH", path, empty)
				holds(t, "cleared", c.lead(t, path, "owner"), parsed(t, `{"phone":null,"email":null,"company":null,"birthday":null,"value":null,"source":null,"notes":null,
					"utm_source":null,"utm_medium":null,"utm_campaign":null,"utm_term":null,"utm_content":null,"assigned_to":null,"owner":null,"tags":["a","b"]}`))
				same(t, "custom fields", c.lead(t, path)["custom_fields"], `{}`)
			}
		})
		t.Run("null and an empty text are a 422 on name, pipeline_id and stage_id", func(t *testing.T) {
			for _, name := range []string{"name", "pipeline_id", "stage_id"} {
				for _, nothing := range []any{nil, ""} {
					got := c.want(t, 422, "PATCH", joao, fields{name: nothing})
					if names := fieldsInOrder(t, got); names[0] != name {
						t.Errorf("%s: %s", name, got.text)
					}
				}
			}
			holds(t, "lead 123", c.lead(t, joao), parsed(t, `{"name":"João Silva","pipeline_id":1,"stage_id":5}`))
		})
		t.Run("tags replaces the set", func(t *testing.T) {
			path := c.path(t, whole)
			same(t, "tags", c.want(t, 200, "PATCH", path, fields{"tags": []string{"b", "c", "B"}}).at("lead", "tags"), `["b","c"]`)
			same(t, "tags", c.want(t, 200, "PATCH", path, fields{"tags": []string{}}).at("lead", "tags"), `[]`)
		})
		t.Run("status takes active and archived, and nothing else", func(t *testing.T) {
			path := c.path(t, nil)
			for _, status := range []string{"archived", "archived", "active"} {
				if got := c.want(t, 200, "PUT", path, fields{"status": status}); got.at("lead", "status") != status {
					t.Errorf("%s: %s", status, got.text)
				}
			}
			for _, status := range []any{"merged", "open", "won", "trashed", 1} {
				got := c.want(t, 422, "PUT", path, fields{"status": status})
				if names := fieldsInOrder(t, got); names[0] != "status" {
					t.Errorf("%v: %s", status, got.text)
				}
			}
		})
		t.Run("a change of stage follows the rules of a move", func(t *testing.T) {
			path := c.path(t, nil)
			c.want(t, 200, "PATCH", path, fields{"stage_id": won, "value": 33})
			lead := c.lead(t, path, "sales")
			holds(t, "the lead", lead, parsed(t, `{"stage_id":10,"value":33,"sales":[{"value":33,"pipeline_id":1}]}`))
			c.want(t, 200, "PATCH", path, fields{"stage_id": onboarding, "pipeline_id": 3})
			c.want(t, 422, "PATCH", path, fields{"pipeline_id": 1})
			c.want(t, 200, "PATCH", path, move(documents))
			if got := c.want(t, 422, "PATCH", path, fields{"name": "Outro", "stage_id": proposal}); got.at("blocked") != true {
				t.Errorf("blocked: %s", got.text)
			}
			holds(t, "after the blocked update", c.lead(t, path), parsed(t, `{"name":"Lead de teste","stage_id":8}`))
		})
		t.Run("any change moves updated_at, and created_at stays", func(t *testing.T) {
			path := c.path(t, whole)
			for what, change := range map[string]func(){
				"a field":       func() { c.want(t, 200, "PATCH", path, fields{"notes": "outra"}) },
				"a tag":         func() { c.want(t, 200, "POST", path+"/tags", fields{"tags": []string{"z"}}) },
				"no tag more":   func() { c.want(t, 200, "DELETE", path+"/tags/a", nil) },
				"a custom one":  func() { c.want(t, 200, "PATCH", path, fields{"custom_fields": fields{"setor": "X"}}) },
				"the stage":     func() { c.want(t, 200, "PUT", path+"/stage", move(negotiation)) },
				"the owner":     func() { c.want(t, 200, "PATCH", path, fields{"assigned_to": 13}) },
				"its existence": func() { c.want(t, 200, "PATCH", path, fields{"status": "archived"}) },
			} {
				before := c.want(t, 200, "GET", path, nil)
				change()
				after := c.want(t, 200, "GET", path, nil)
				if compareText(after.at("lead", "updated_at"), before.at("lead", "updated_at")) < 0 || after.at("lead", "created_at") != before.at("lead", "created_at") {
					t.Errorf("%s: %s", what, after.text)
				}
				if after.header.Get("ETag") == before.header.Get("ETag") {
					t.Errorf("%s has not changed the version", what)
				}
			}
		})
		t.Run("a stale write is a 412 that says which fields differ and who changed them", func(t *testing.T) {
			path := c.path(t, whole)
			read := c.want(t, 200, "GET", path, nil).header.Get("ETag")
			c.want(t, 200, "PATCH", path, fields{"value": 99, "company": "Outra"}, "If-Match", read)
			got := c.want(t, 412, "PATCH", path, fields{"value": 1}, "If-Match", read)
			if text := fmt.Sprint(got.body); got.at("message") == nil || !containsAll(text, "value", "company", "Ana") {
				t.Errorf("stale: %s", got.text)
			}
			for _, x := range [][2]string{{"PUT", ""}, {"PUT", "/stage"}, {"PUT", "/won"}, {"PUT", "/lost"}, {"POST", "/tags"}, {"DELETE", "/tags/a"}, {"DELETE", ""}} {
				stage := map[string]int{"/stage": negotiation, "/won": won, "/lost": lost, "": prospecting, "/tags": 1, "/tags/a": 1}[x[1]]
				c.want(t, 412, x[0], path+x[1], fields{"stage_id": stage, "pipeline_id": 1, "tags": []string{"q"}}, "If-Match", read)
			}
			holds(t, "the lead", c.lead(t, path), parsed(t, `{"value":99,"company":"Outra","stage_id":4,"tags":["a","b"]}`))
			c.want(t, 200, "DELETE", path, nil, "If-Match", c.want(t, 200, "GET", path, nil).header.Get("ETag"))
		})
		t.Run("an update is told by events, an assignment by one of its own", func(t *testing.T) {
			path := c.path(t, nil)
			c.want(t, 200, "PATCH", path, fields{"notes": "x"})
			c.want(t, 200, "PATCH", path, fields{"notes": "x"})
			c.want(t, 200, "PATCH", path, fields{"assigned_to": 12})
			same(t, "events", c.events(t, path), `["created","updated","assigned"]`)
		})
	})
}
