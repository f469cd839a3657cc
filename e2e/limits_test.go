package e2e

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
)

// headerNumber is a header of an answer that has to be a number.
func headerNumber(t *testing.T, a answer, name string) int {
	t.Helper()
	n, err := strconv.Atoi(a.header.Get(name))
	if err != nil {
		t.Errorf("%s: %q in %v", name, a.header.Get(name), a.header)
	}
	return n
}

func TestTheRateLimit(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		t.Run("counts answers of 200, 404 and 422, and refuses beyond with a 429 that says how long to wait", func(t *testing.T) {
			five := c.as(limited)
			for i, x := range []struct {
				method, path string
				body         any
				status       int
			}{
				{"GET", joao, nil, 200}, {"GET", "/leads/999999", nil, 404}, {"POST", "/leads", fields{}, 422}, {"PUT", "/leads/124/stage", move(negotiation), 422}, {"GET", "/leads?per_page=1", nil, 200},
			} {
				got := five.want(t, x.status, x.method, x.path, x.body)
				if limit, remaining := headerNumber(t, got, "RateLimit-Limit"), headerNumber(t, got, "RateLimit-Remaining"); limit != 5 || remaining != 4-i {
					t.Errorf("request %d: %d of %d remain", i+1, remaining, limit)
				}
				if reset := headerNumber(t, got, "RateLimit-Reset"); reset < 1 || reset > 60 {
					t.Errorf("request %d: reset in %d s", i+1, reset)
				}
			}
			for _, path := range []string{joao, "/leads/999999"} {
				got := five.want(t, 429, "PUT", path, "{")
				wait := headerNumber(t, got, "Retry-After")
				got.is(t, "beyond the limit", 429, fmt.Sprintf(`{"message":"Rate limit excedido para esta API Key.","retry_after":%d}`, wait))
				if wait < 1 || wait > 60 || headerNumber(t, got, "RateLimit-Remaining") != 0 || headerNumber(t, got, "RateLimit-Reset") != wait {
					t.Errorf("headers %v", got.header)
				}
			}
		})
		t.Run("is of each key for itself", func(t *testing.T) {
			if got := c.want(t, 200, "GET", joao, nil); headerNumber(t, got, "RateLimit-Limit") != 100_000 {
				t.Errorf("headers %v", got.header)
			}
		})
		t.Run("is 60 a minute unless the key has another, and is not used up by a 403", func(t *testing.T) {
			reader := c.as(readOnly)
			before := reader.want(t, 200, "GET", joao, nil)
			for range 5 {
				reader.want(t, 403, "DELETE", joao, nil)
			}
			after := reader.want(t, 200, "GET", joao, nil)
			if headerNumber(t, before, "RateLimit-Limit") != 60 || headerNumber(t, after, "RateLimit-Remaining") != headerNumber(t, before, "RateLimit-Remaining")-1 {
				t.Errorf("before %v\nafter %v", before.header, after.header)
			}
		})
		t.Run("lets exactly as many of simultaneous requests through", func(t *testing.T) {
			key := c.as(foreign)
			remaining := headerNumber(t, key.want(t, 200, "GET", "/leads/900", nil), "RateLimit-Remaining")
			var group sync.WaitGroup
			var mu sync.Mutex
			statuses := map[int]int{}
			for range 80 {
				group.Go(func() {
					got := key.do(t, "GET", "/leads/900", nil)
					mu.Lock()
					defer mu.Unlock()
					statuses[got.status]++
				})
			}
			group.Wait()
			if statuses[200] != remaining || statuses[429] != 80-remaining {
				t.Errorf("%d remained, and of 80: %v", remaining, statuses)
			}
		})
	})
}

func TestThePlansLimit(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		c = c.as(full)
		same(t, "leads", c.want(t, 200, "GET", "/leads", nil).at("meta", "total"), `3`)
		known := c.want(t, 200, "GET", "/leads", nil).at("data", 0)
		path := fmt.Sprintf("/leads/%v", dig(known, "id"))
		c.want(t, 200, "PATCH", path, fields{"email": "conhecido@x.com.br"})
		newcomer := fields{"name": "x", "email": "novo@x.com.br", "pipeline_id": 4, "stage_id": 40}

		t.Run("is tested before the body on a creation", func(t *testing.T) {
			for _, body := range []any{fields{}, fields{"name": 7, "stage_id": "x"}, "{", "", newcomer} {
				c.do(t, "POST", "/leads", body).is(t, "a creation", 422, limitReached)
			}
		})
		t.Run("is tested on an upsert only when it would create, after validation", func(t *testing.T) {
			c.do(t, "POST", "/leads/upsert", newcomer).is(t, "a newcomer", 422, limitReached)
			if got := c.want(t, 422, "POST", "/leads/upsert", fields{"email": "nobody"}); got.at("errors", "email", 0) == nil {
				t.Errorf("a wrong address: %s", got.text)
			}
			if got := c.want(t, 422, "POST", "/leads/upsert", fields{"email": "novo@x.com.br"}); got.at("errors", "name", 0) == nil {
				t.Errorf("a newcomer without a name: %s", got.text)
			}
			got := c.want(t, 200, "POST", "/leads/upsert", fields{"email": "conhecido@x.com.br", "notes": "no limite"})
			holds(t, "an update at the limit", got.body, parsed(t, `{"created":false,"lead":{"notes":"no limite"}}`))
		})
		t.Run("does not keep anybody from updating", func(t *testing.T) {
			c.want(t, 200, "PUT", path, fields{"company": "ACME"})
		})
		t.Run("does not count leads in the trash, and is never passed by simultaneous creations", func(t *testing.T) {
			c.want(t, 200, "DELETE", path, nil)
			var group sync.WaitGroup
			var mu sync.Mutex
			statuses := map[int]int{}
			for i := range 10 {
				group.Go(func() {
					body := fields{"name": "x", "email": fmt.Sprintf("novo%d@x.com.br", i), "pipeline_id": 4, "stage_id": 40}
					got := c.do(t, "POST", []string{"/leads", "/leads/upsert"}[i%2], body)
					mu.Lock()
					defer mu.Unlock()
					statuses[got.status]++
				})
			}
			group.Wait()
			if statuses[201] != 1 || statuses[422] != 9 {
				t.Errorf("one place was free; the answers: %v", statuses)
			}
			same(t, "leads", c.want(t, 200, "GET", "/leads", nil).at("meta", "total"), `3`)
		})
	})
}

func TestTheOrderOfChecks(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		for _, x := range []struct {
			what              string
			key, method, path string
			body              any
			status            int
			answer            string
		}{
			{"an unknown path is a 404 before any key is asked for", expired, "POST", "/nothing", "{", 404, noRoute},
			{"a missing key comes before the record and the body", "", "PUT", "/leads/999999", "{", 401, noKey},
			{"an unknown key comes before the record and the body", "crm_x", "PUT", "/leads/999999", "{", 401, badKey},
			{"an expired key comes before the record and the body", expired, "PUT", "/leads/999999", "{", 401, oldKey},
			{"a suspended account comes before the record and the body", suspended, "PUT", "/leads/999999", "{", 403, inactive},
			{"the scope comes before the record and the body", readOnly, "PUT", "/leads/999999", "{", 403, unscoped("leads:write")},
			{"the record comes before a body that is no JSON", everything, "PUT", "/leads/999999", "{", 404, noLead},
			{"the record comes before wrong fields", everything, "PUT", "/leads/999999/won", fields{"stage_id": 999}, 404, noLead},
			{"another account's record comes before wrong fields", foreign, "POST", "/leads/123/tags", fields{}, 404, noLead},
			{"the plan's limit comes before a body that is no JSON", full, "POST", "/leads", "{", 422, limitReached},
			{"wrong fields come before mandatory tasks", everything, "PUT", "/leads/124/stage", fields{"stage_id": 30, "pipeline_id": 1}, 422, invalid("stage_id", "The selected stage id is invalid.")},
			{"the kind of the stage comes before mandatory tasks", everything, "PUT", "/leads/124/won", fields{"stage_id": lost}, 422, notWon},
			{"wrong fields come before the kind of the stage", everything, "PUT", "/leads/123/won", fields{"stage_id": lost, "value": -1}, 422, invalid("value", "The value field must be at least 0.")},
		} {
			t.Run(x.what, func(t *testing.T) {
				c.as(x.key).do(t, x.method, x.path, x.body).is(t, x.method+" "+x.path, x.status, x.answer)
			})
		}
		t.Run("the rate limit comes before the record", func(t *testing.T) {
			for range 5 {
				c.as(limited).want(t, 404, "GET", "/leads/999999", nil)
			}
			c.as(limited).want(t, 429, "GET", "/leads/999999", nil)
		})
	})
}
