package e2e

import (
	"net/url"
	"strings"
	"testing"
)

func TestTags(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		t.Run("are trimmed, unique without regard to case, in the first spelling and the order of adding", func(t *testing.T) {
			path := c.path(t, fields{"tags": []any{" VIP ", "vip", "Ação"}})
			same(t, "created", c.lead(t, path)["tags"], `["VIP","Ação"]`)
			got := c.want(t, 200, "POST", path+"/tags", fields{"tags": []any{"AÇÃO", "novo", "Novo ", 7, "vip"}})
			keys(t, "the answer", got.body, "success", "lead_id", "tags")
			same(t, "added", got.at("tags"), `["VIP","Ação","novo","7"]`)
			same(t, "seen", c.lead(t, path)["tags"], `["VIP","Ação","novo","7"]`)
			same(t, "removed", c.want(t, 200, "DELETE", path+"/tags/a%C3%A7%C3%A3o", nil).at("tags"), `["VIP","novo","7"]`)
		})
		t.Run("at least one is needed to add", func(t *testing.T) {
			for _, body := range []fields{{}, {"tags": []string{}}, {"tags": nil}, {"tags": ""}, {"tags": "vip"}, {"tags": []string{strings.Repeat("x", 51)}}} {
				got := c.want(t, 422, "POST", joao+"/tags", body)
				if names := fieldsInOrder(t, got); !strings.HasPrefix(names[0], "tags") {
					t.Errorf("%v: %s", body, got.text)
				}
			}
			same(t, "lead 123", c.lead(t, joao)["tags"], `["vip","enterprise"]`)
		})
		t.Run("removing one that is not there is a 200", func(t *testing.T) {
			c.do(t, "DELETE", joao+"/tags/nenhuma", nil).is(t, "removal", 200, `{"success":true,"lead_id":123,"tags":["vip","enterprise"]}`)
		})
		t.Run("any name can be removed, percent-encoded", func(t *testing.T) {
			for _, tag := range []string{"a/b", "/", "..", ".", "a b", "50%", "a+b", "?x=1", "#1", "ação & cia", "\"aspas\"", "a//b", "😀", "%2F", "a;b", "a:b", "a\\b", "/x", "x/"} {
				path := c.path(t, fields{"tags": []string{tag, "fica"}})
				encoded := strings.NewReplacer(".", "%2E", "+", "%2B").Replace(url.PathEscape(tag))
				got := c.do(t, "DELETE", path+"/tags/"+encoded, nil)
				if got.status != 200 || text(got.at("tags")) != `["fica"]` {
					t.Errorf("%q, as %s: %d %s", tag, encoded, got.status, got.text)
				}
			}
		})
		t.Run("are told by events, but only where they change something", func(t *testing.T) {
			path := c.path(t, nil)
			for range 2 {
				c.want(t, 200, "POST", path+"/tags", fields{"tags": []string{"x"}})
			}
			for range 2 {
				c.want(t, 200, "DELETE", path+"/tags/X", nil)
			}
			same(t, "events", c.events(t, path), `["created","tag_added","tag_removed"]`)
		})
	})
}

func TestDeletion(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		t.Run("answers success, and the lead is gone from every list and endpoint", func(t *testing.T) {
			made := c.create(t, fields{"name": "Apagado Plover", "email": "apagado@x.com.br", "phone": "+5511922221111", "tags": []string{"apagada"}, "source": "apagado", "stage_id": documents})
			id := text(made.at("lead", "id"))
			path := "/leads/" + id
			task := each(c.lead(t, path, "tasks")["tasks"], "id")
			sibling := c.path(t, fields{"email": "apagado@x.com.br"})
			c.do(t, "DELETE", path, nil).is(t, "the deletion", 200, `{"success":true}`)
			for _, x := range [][2]string{{"GET", ""}, {"PUT", ""}, {"PATCH", ""}, {"DELETE", ""}, {"PUT", "/stage"}, {"PUT", "/won"}, {"PUT", "/lost"}, {"POST", "/tags"}, {"DELETE", "/tags/apagada"}} {
				c.do(t, x[0], path+x[1], fields{"stage_id": 999, "tags": 1}).is(t, x[0]+" "+x[1], 404, noLead)
			}
			for _, query := range []string{"q=plover", "q=ap&source=apagado", "tags=apagada", "source=apagado", "source=apagado&sort=name", "source=apagado&status=active", "q=92222-1111"} {
				if ids := c.ids(t, query); len(ids) != 0 {
					t.Errorf("%s finds %v", query, ids)
				}
			}
			same(t, "siblings", c.lead(t, sibling, "siblings")["siblings"], `[]`)
			c.do(t, "GET", "/tasks/"+text(task[0]), nil).is(t, "its task", 404, noTask)
			same(t, "its tasks", c.want(t, 200, "GET", "/tasks?lead_id="+id, nil).at("meta", "total"), `0`)
		})
		t.Run("ids are never used again", func(t *testing.T) {
			last := 0.0
			for range 3 {
				made := c.create(t, nil)
				id, _ := made.at("lead", "id").(float64)
				if id <= last {
					t.Errorf("id %v after %v", id, last)
				}
				last = id
				c.want(t, 200, "DELETE", "/leads/"+text(id), nil)
			}
		})
	})
}
