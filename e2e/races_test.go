package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// atOnce does the same n times at the same moment and gathers the answers.
func atOnce(n int, do func(i int) answer) []answer {
	answers := make([]answer, n)
	var group sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-begin
			answers[i] = do(i)
		})
	}
	close(begin)
	group.Wait()
	return answers
}

// countStatuses counts answers by status.
func countStatuses(answers []answer) map[int]int {
	statuses := map[int]int{}
	for _, a := range answers {
		statuses[a.status]++
	}
	return statuses
}

func TestManyAtTheSameMoment(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		t.Run("upserts of one new contact make one lead", func(t *testing.T) {
			forms := []string{"+5511912340001", "11 91234-0001", "(011) 9 1234 0001"}
			answers := atOnce(24, func(i int) answer {
				body := fields{"name": fmt.Sprint("Corrida ", i), "pipeline_id": 1, "stage_id": 5, "phone": forms[i%3], "tags": []string{fmt.Sprint("t", i)}}
				if i%2 == 0 {
					body["email"] = "corrida@x.com.br"
				}
				return c.do(t, "POST", "/leads/upsert", body)
			})
			if statuses := countStatuses(answers); statuses[201] != 1 || statuses[200] != 23 {
				t.Errorf("statuses %v", statuses)
			}
			if ids := c.ids(t, "q=91234-0001"); len(ids) != 1 {
				t.Errorf("leads %v", ids)
			}
		})
		t.Run("POSTs with one Idempotency-Key make one lead and get one answer", func(t *testing.T) {
			body := fields{"name": "Repetida", "pipeline_id": 1, "stage_id": 5, "source": "repetida"}
			answers := atOnce(16, func(int) answer { return c.do(t, "POST", "/leads", body, "Idempotency-Key", "corrida") })
			for _, a := range answers {
				if a.status != 201 || a.text != answers[0].text {
					t.Errorf("%d %s\nfirst %s", a.status, a.text, answers[0].text)
				}
			}
			if ids := c.ids(t, "source=repetida"); len(ids) != 1 {
				t.Errorf("leads %v", ids)
			}
		})
		t.Run("moves of one lead leave a history without a gap", func(t *testing.T) {
			path := c.path(t, nil)
			stages := []int{proposal, negotiation, onboarding, 21}
			for _, a := range atOnce(16, func(i int) answer { return c.do(t, "PUT", path+"/stage", move(stages[i%4])) }) {
				if a.status != 200 {
					t.Errorf("%d %s", a.status, a.text)
				}
			}
			lead := c.lead(t, path, "events")
			names := map[any]string{5.0: "Proposta", 7.0: "Negociação", 20.0: "Onboarding", 21.0: "Ativo"}
			last := dig(lead["events"], 0, "description")
			if description, _ := last.(string); !containsAll(description, names[lead["stage_id"]]) {
				t.Errorf("the lead is in %v, its newest event is %q", lead["stage"], description)
			}
			same(t, "the stage's pipeline", dig(lead, "pipeline_id"), map[bool]string{true: "3", false: "1"}[lead["stage_id"].(float64) >= onboarding])
		})
		t.Run("winning twice makes one sale", func(t *testing.T) {
			path := c.path(t, nil)
			atOnce(12, func(i int) answer { return c.do(t, "PUT", path+"/won", fields{"stage_id": won, "value": i}) })
			if sales := items(c.lead(t, path, "sales")["sales"]); len(sales) != 1 {
				t.Errorf("sales %v", sales)
			}
			if n := countOf(c.events(t, path), "stage_changed"); n != 1 {
				t.Errorf("%d changes of stage", n)
			}
		})
		t.Run("tags that are added at once are all there", func(t *testing.T) {
			path := c.path(t, nil)
			atOnce(16, func(i int) answer {
				return c.do(t, "POST", path+"/tags", fields{"tags": []string{fmt.Sprint("t", i%8)}})
			})
			var tags []string
			for _, tag := range items(c.lead(t, path)["tags"]) {
				tags = append(tags, fmt.Sprint(tag))
			}
			slices.Sort(tags)
			if !slices.Equal(tags, []string{"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"}) {
				t.Errorf("tags %v", tags)
			}
		})
		t.Run("of writes with one ETag one wins", func(t *testing.T) {
			path := c.path(t, nil)
			etag := c.want(t, 200, "GET", path, nil).header.Get("ETag")
			answers := atOnce(10, func(i int) answer { return c.do(t, "PATCH", path, fields{"value": i + 1}, "If-Match", etag) })
			if statuses := countStatuses(answers); statuses[200] != 1 || statuses[412] != 9 {
				t.Errorf("statuses %v", statuses)
			}
		})
	})
}

func TestSafeRetries(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		body := fields{"name": "Uma vez", "pipeline_id": 1, "stage_id": 5, "source": "retries"}
		t.Run("the same key and body replay the first answer, on every method that writes", func(t *testing.T) {
			first := c.want(t, 201, "POST", "/leads", body, "Idempotency-Key", "a")
			again := c.want(t, 201, "POST", "/leads", body, "Idempotency-Key", "a")
			if again.text != first.text || again.header.Get("ETag") != first.header.Get("ETag") {
				t.Errorf("first %s\nagain %s", first.text, again.text)
			}
			path := fmt.Sprintf("/leads/%v", first.at("lead", "id"))
			for i, x := range []struct {
				method, path string
				body         any
			}{
				{"PATCH", "", fields{"notes": "x"}}, {"PUT", "", fields{"notes": "y"}}, {"POST", "/tags", fields{"tags": []string{"x"}}}, {"DELETE", "/tags/x", nil}, {"PUT", "/stage", move(negotiation)},
				{"PUT", "/won", fields{"stage_id": won}}, {"PUT", "/lost", fields{"stage_id": 999}}, {"DELETE", "", nil},
			} {
				key := fmt.Sprint("method ", i)
				first, again := c.do(t, x.method, path+x.path, x.body, "Idempotency-Key", key), c.do(t, x.method, path+x.path, x.body, "Idempotency-Key", key)
				if first.status != again.status || first.text != again.text || first.status == 404 {
					t.Errorf("%s %s: first %d %s\nagain %d %s", x.method, x.path, first.status, first.text, again.status, again.text)
				}
			}
			if ids := c.ids(t, "source=retries"); len(ids) != 0 {
				t.Errorf("leads %v", ids)
			}
		})
		t.Run("another body with the key is a 422", func(t *testing.T) {
			c.want(t, 201, "POST", "/leads", body, "Idempotency-Key", "b")
			got := c.want(t, 422, "POST", "/leads", fields{"name": "Outra", "pipeline_id": 1, "stage_id": 5}, "Idempotency-Key", "b")
			if got.at("message") == nil {
				t.Errorf("got %s", got.text)
			}
		})
		t.Run("a key is of its account", func(t *testing.T) {
			c.want(t, 200, "PATCH", joao, fields{"notes": "z"}, "Idempotency-Key", "c")
			c.as(foreign).want(t, 200, "PATCH", "/leads/900", fields{"notes": "z"}, "Idempotency-Key", "c")
			same(t, "the notes", c.as(foreign).lead(t, "/leads/900")["notes"], `"z"`)
		})
	})
}
