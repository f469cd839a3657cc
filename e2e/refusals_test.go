package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	noKey        = `{"message":"API Key não fornecida."}`
	badKey       = `{"message":"API Key inválida."}`
	oldKey       = `{"message":"API Key expirada."}`
	inactive     = `{"message":"Conta inativa."}`
	noLead       = `{"message":"Lead não encontrado."}`
	noTask       = `{"message":"Tarefa não encontrada."}`
	noRoute      = `{"message":"Rota não encontrada."}`
	noMethod     = `{"message":"Método não permitido."}`
	notWon       = `{"message":"A etapa informada não é uma etapa de ganho."}`
	notLost      = `{"message":"A etapa informada não é uma etapa de perda."}`
	limitReached = `{"success":false,"message":"Limite de leads do plano atingido.","limit_reached":true}`
)

// unscoped is the 403 of a key that lacks a scope.
func unscoped(scope string) string {
	return `{"message":"API Key sem permissão para esta operação.","required_permission":"` + scope + `"}`
}

// blocked is the 422 of lead 124, whom task 45 keeps.
func blocked(message string) string {
	return `{"success":false,"blocked":true,"message":"` + message + `","pending_tasks":[{"id":45,"subject":"Ligar para o cliente","type":"call"}]}`
}

// invalid is the 422 of one field.
func invalid(field, message string) string {
	return fmt.Sprintf(`{"message":%q,"errors":{%q:[%q]}}`, message, field, message)
}

func TestEachRefusalHasItsStatusAndItsBody(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		for _, x := range []struct {
			what              string
			key, method, path string
			body              any
			status            int
			answer            string
		}{
			{"no key", "", "GET", "/leads", nil, 401, noKey},
			{"no key, on a lead", "", "PUT", "/leads/123/stage", move(negotiation), 401, noKey},
			{"an unknown key", "crm_0123456789abcdef0123456789abcdef", "GET", "/leads", nil, 401, badKey},
			{"a text that is no key", "nonsense", "GET", "/leads", nil, 401, badKey},
			{"a key in another case", strings.ToLower(everything), "GET", "/leads", nil, 401, badKey},
			{"an expired key", expired, "GET", "/leads", nil, 401, oldKey},
			{"a suspended account", suspended, "GET", "/leads", nil, 403, inactive},
			{"a suspended account writing", suspended, "POST", "/leads", fields{}, 403, inactive},
			{"a reading key creating", readOnly, "POST", "/leads", fields{}, 403, unscoped("leads:write")},
			{"a reading key upserting", readOnly, "POST", "/leads/upsert", fields{}, 403, unscoped("leads:write")},
			{"a reading key updating", readOnly, "PATCH", "/leads/123", fields{}, 403, unscoped("leads:write")},
			{"a reading key moving", readOnly, "PUT", "/leads/123/stage", move(negotiation), 403, unscoped("leads:write")},
			{"a reading key winning", readOnly, "PUT", "/leads/123/won", fields{"stage_id": won}, 403, unscoped("leads:write")},
			{"a reading key losing", readOnly, "PUT", "/leads/123/lost", fields{"stage_id": lost}, 403, unscoped("leads:write")},
			{"a reading key deleting", readOnly, "DELETE", "/leads/123", nil, 403, unscoped("leads:write")},
			{"a reading key tagging", readOnly, "POST", "/leads/123/tags", fields{"tags": []string{"x"}}, 403, unscoped("leads:write")},
			{"a reading key untagging", readOnly, "DELETE", "/leads/123/tags/vip", nil, 403, unscoped("leads:write")},
			{"a reading key making a task", readOnly, "POST", "/tasks", fields{}, 403, unscoped("tasks:write")},
			{"a reading key completing a task", readOnly, "PUT", "/tasks/45/complete", nil, 403, unscoped("tasks:write")},

			{"an unknown lead", everything, "GET", "/leads/999999", nil, 404, noLead},
			{"an unknown lead updated", everything, "PUT", "/leads/999999", fields{"name": "x"}, 404, noLead},
			{"an unknown lead deleted", everything, "DELETE", "/leads/999999", nil, 404, noLead},
			{"an unknown lead moved", everything, "PUT", "/leads/999999/stage", move(negotiation), 404, noLead},
			{"an unknown lead won", everything, "PUT", "/leads/999999/won", fields{"stage_id": won}, 404, noLead},
			{"an unknown lead lost", everything, "PUT", "/leads/999999/lost", fields{"stage_id": lost}, 404, noLead},
			{"an unknown lead tagged", everything, "POST", "/leads/999999/tags", fields{"tags": []string{"x"}}, 404, noLead},
			{"an unknown lead untagged", everything, "DELETE", "/leads/999999/tags/x", nil, 404, noLead},
			{"an unknown task", everything, "GET", "/tasks/999999", nil, 404, noTask},
			{"an unknown task updated", everything, "PUT", "/tasks/999999", fields{}, 404, noTask},
			{"an unknown task deleted", everything, "DELETE", "/tasks/999999", nil, 404, noTask},
			{"an unknown task completed", everything, "PUT", "/tasks/999999/complete", nil, 404, noTask},
			{"an unknown task reopened", everything, "PUT", "/tasks/999999/reopen", nil, 404, noTask},
			{"another account's task", foreign, "GET", "/tasks/45", nil, 404, noTask},
			{"another account's task completed", foreign, "PUT", "/tasks/45/complete", nil, 404, noTask},
			{"an unknown path", everything, "GET", "/nothing", nil, 404, noRoute},
			{"an unknown path without a key", "", "GET", "/nothing", nil, 404, noRoute},
			{"an unknown path below a lead without a key", "", "POST", "/leads/123/nothing", nil, 404, noRoute},

			{"a stage that is not won", everything, "PUT", "/leads/123/won", fields{"stage_id": negotiation}, 422, notWon},
			{"a lost stage, to win", everything, "PUT", "/leads/123/won", fields{"stage_id": lost}, 422, notWon},
			{"a stage that is not lost", everything, "PUT", "/leads/123/lost", fields{"stage_id": won}, 422, notLost},
			{"a foreign stage, to win", everything, "PUT", "/leads/123/won", fields{"stage_id": 31}, 422, invalid("stage_id", "The selected stage id is invalid.")},
			{"an unknown stage, to lose", everything, "PUT", "/leads/123/lost", fields{"stage_id": 999}, 422, invalid("stage_id", "The selected stage id is invalid.")},
			{"a blocked move", everything, "PUT", "/leads/124/stage", move(negotiation), 422, blocked("Complete mandatory tasks before moving the lead.")},
			{"a blocked update", everything, "PATCH", "/leads/124", fields{"stage_id": negotiation, "name": "x"}, 422, blocked("Complete mandatory tasks before moving the lead.")},
			{"a blocked win", everything, "PUT", "/leads/124/won", fields{"stage_id": won}, 422, blocked("Complete mandatory tasks before marking as won.")},
			{"a blocked loss", everything, "PUT", "/leads/124/lost", fields{"stage_id": lost}, 422, blocked("Complete mandatory tasks before marking as lost.")},
			{"a creation at the plan's limit", full, "POST", "/leads", fields{"name": "x", "pipeline_id": 4, "stage_id": 40}, 422, limitReached},
			{"an upsert of a new contact at the limit", full, "POST", "/leads/upsert", fields{"name": "x", "email": "novo@x.com.br", "pipeline_id": 4, "stage_id": 40}, 422, limitReached},
		} {
			t.Run(x.what, func(t *testing.T) {
				got := c.as(x.key).do(t, x.method, x.path, x.body)
				got.is(t, x.method+" "+x.path, x.status, x.answer)
				if kind := got.header.Get("Content-Type"); kind != "application/json" {
					t.Errorf("Content-Type %s", kind)
				}
				if got.header.Get("X-Request-Id") == "" {
					t.Error("no X-Request-Id")
				}
			})
		}
		t.Run("nothing of that has changed anything", func(t *testing.T) {
			holds(t, "lead 124", c.lead(t, "/leads/124", "sales"), parsed(t, `{"name":"Maria Souza","stage_id":8,"sales":[],"lost_sales":[]}`))
			holds(t, "lead 123", c.lead(t, joao), parsed(t, `{"name":"João Silva","stage_id":5,"tags":["vip","enterprise"]}`))
			holds(t, "the list", c.want(t, 200, "GET", "/leads?per_page=1", nil).body, parsed(t, `{"meta":{"total":250}}`))
		})
		t.Run("an id that is no number or absurd is the same 404", func(t *testing.T) {
			for _, id := range []string{"0", "-1", "abc", "1e3", "1.5", "%20", "123abc", "0x7b", "99999999999999999999", "9223372036854775808", "%2F", "%2f", "a%2Fb", "%00", "%FF"} {
				c.do(t, "GET", "/leads/"+id, nil).is(t, "lead "+id, 404, noLead)
				c.do(t, "GET", "/tasks/"+id, nil).is(t, "task "+id, 404, noTask)
				c.do(t, "POST", "/leads/"+id+"/tags", fields{"tags": []string{"x"}}).is(t, "tags of lead "+id, 404, noLead)
				c.do(t, "PUT", "/tasks/"+id+"/complete", nil).is(t, "completing task "+id, 404, noTask)
			}
		})
		t.Run("another account's lead is a 404 everywhere", func(t *testing.T) {
			for _, x := range []struct{ method, path string }{
				{"GET", ""}, {"GET", "?include=siblings,events,tasks"}, {"PUT", ""}, {"PATCH", ""}, {"DELETE", ""}, {"PUT", "/stage"}, {"PUT", "/won"}, {"PUT", "/lost"}, {"POST", "/tags"}, {"DELETE", "/tags/vip"},
			} {
				body := fields{"name": "x", "stage_id": 30, "pipeline_id": 2, "tags": []string{"x"}}
				c.as(foreign).do(t, x.method, "/leads/123"+x.path, body).is(t, x.method+" "+x.path, 404, noLead)
				c.do(t, x.method, "/leads/900"+x.path, body).is(t, x.method+" "+x.path, 404, noLead)
			}
		})
		t.Run("a method that a path does not know is a 405 that names those it knows", func(t *testing.T) {
			for _, x := range []struct{ method, path, allowed string }{
				{"DELETE", "/leads", "GET,POST"}, {"PATCH", "/leads", "GET,POST"}, {"POST", "/leads/123", "DELETE,GET,PATCH,PUT"}, {"GET", "/leads/123/stage", "PUT"},
				{"POST", "/leads/123/won", "PUT"}, {"PUT", "/leads/123/tags", "POST"}, {"GET", "/leads/123/tags/vip", "DELETE"}, {"DELETE", "/pipelines", "GET,POST"}, {"GET", "/tasks/45/complete", "PUT"},
			} {
				got := c.do(t, x.method, x.path, nil)
				got.is(t, x.method+" "+x.path, 405, noMethod)
				var allowed []string
				for method := range strings.SplitSeq(got.header.Get("Allow"), ",") {
					if method = strings.TrimSpace(method); method != "HEAD" && method != "OPTIONS" {
						allowed = append(allowed, method)
					}
				}
				slices.Sort(allowed)
				if strings.Join(allowed, ",") != x.allowed {
					t.Errorf("%s %s: Allow %v, want %s", x.method, x.path, allowed, x.allowed)
				}
			}
		})
		t.Run("what cannot be read is a 400 that says what and where", func(t *testing.T) {
			for what, body := range map[string]string{
				"cut off": `{"name":"x"`, "no JSON": `name=x`, "an array": `[]`, "a text": `"x"`, "two values": `{} {}`, "a comma too many": `{"name":"x",}`,
				"NUL": `{"name":"a\u0000b"}`, "a raw NUL": "{\"name\":\"a\x00b\"}", "no UTF-8": "{\"name\":\"\xff\"}", "half a pair": `{"name":"\ud800"}`,
			} {
				for _, path := range []string{"/leads", "/leads/upsert", "/leads/123/tags", "/tasks"} {
					got := c.do(t, "POST", path, body)
					message, _ := got.at("message").(string)
					if got.status != 400 || len(message) < 20 {
						t.Errorf("%s to %s: %d %s", what, path, got.status, got.text)
					}
					keys(t, what, got.body, "message")
				}
			}
		})
		t.Run("a header that cannot be read is a 400", func(t *testing.T) {
			for _, header := range [][2]string{{"If-Match", "garbage"}, {"If-Match", `"x"`}, {"Idempotency-Key", ""}, {"Idempotency-Key", strings.Repeat("k", 1000)}} {
				got := c.do(t, "PATCH", joao, fields{"notes": "x"}, header[0], header[1])
				if message, _ := got.at("message").(string); got.status != 400 || !strings.Contains(message, header[0]) {
					t.Errorf("%s: %q: %d %s", header[0], header[1], got.status, got.text)
				}
			}
			for _, head := range []string{"GET /api/v1/leads HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n", "GET /api/v1/leads HTTP/1.1\r\nHost: x\r\nX-A\x01: y\r\n\r\n"} {
				if text := spoken(t, c.base, head); !strings.HasPrefix(text, "HTTP/1.1 400 ") || !strings.Contains(text, "application/json") || !strings.Contains(text, `{"message":"`) {
					t.Errorf("%q: %q", head, text)
				}
			}
		})
		t.Run("a body over 1 MiB is a 413", func(t *testing.T) {
			const limit = 1 << 20
			fits := `{"name":"Grande","pipeline_id":1,"stage_id":4,"ignored":"`
			fits += strings.Repeat("x", limit-len(fits)-2) + `"}`
			c.want(t, 201, "POST", "/leads", fits)
			for _, path := range []string{"/leads", "/leads/upsert", "/tasks"} {
				got := c.do(t, "POST", path, fits+" ")
				if message, _ := got.at("message").(string); got.status != http.StatusRequestEntityTooLarge || message == "" {
					t.Errorf("%s: %d %s", path, got.status, got.text)
				}
			}
		})
	})
}

// spoken says something to a server and gives all that it says until it hangs up.
func spoken(t *testing.T, base, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	heard, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(heard)
}
