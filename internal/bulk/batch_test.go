package bulk_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// every is one item of each op for two leads, and what each must be answered with.
func every(a, b int64) (items []any, want string) {
	return []any{
		object{"op": "upsert", "name": "Maria", "email": "maria@a.br", "pipeline_id": 1, "stage_id": novo},
		object{"op": "upsert", "email": "MARIA@a.br", "company": "ACME"},
		object{"op": "update", "lead_id": a, "value": 10, "notes": nil, "custom_fields": object{"tamanho": "100+"}},
		object{"op": "move", "lead_id": a, "pipeline_id": 1, "stage_id": proposta},
		object{"op": "tag", "lead_id": a, "tags": []string{"vip", "novo"}},
		object{"op": "untag", "lead_id": a, "tags": []string{"VIP"}},
		object{"op": "assign", "lead_id": a, "user_id": 1},
		object{"op": "won", "lead_id": a, "stage_id": ganho, "value": 99},
		object{"op": "lost", "lead_id": b, "stage_id": perdido, "reason_id": 1},
		object{"op": "assign", "lead_id": b, "user_id": nil},
		object{"op": "delete", "lead_id": b},
	}, "201 200 200 200 200 200 200 200 200 200 200"
}

// statuses are the statuses of a batch's results.
func statuses(answer object) string {
	var all []string
	results, _ := answer["results"].([]any)
	for i, r := range results {
		r, _ := r.(object)
		if r["index"] != float64(i) {
			return fmt.Sprintf("result %d has index %v", i, r["index"])
		}
		all = append(all, fmt.Sprint(r["status"]))
	}
	return strings.Join(all, " ")
}

func TestABatchDoesEachItemByTheRulesOfTheSingleRequest(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, atomic := range []bool{false, true} {
			a, b := w.create(t, novo, nil), w.create(t, novo, nil)
			items, want := every(a, b)
			answer := w.ask(t, 200, "POST", "/leads/batch", object{"atomic": atomic, "items": items})
			if atomic {
				want = strings.Replace(want, "201", "200", 1) // Maria is there
			}
			if got := statuses(answer); got != want || answer["failed"] != 0.0 || answer["succeeded"] != 11.0 {
				t.Fatalf("got %v", answer)
			}
			lead, _ := w.ask(t, 200, "GET", fmt.Sprintf("/leads/%d?include=sales,owner", a), nil)["lead"].(object)
			if got := fmt.Sprint(lead["tags"], lead["value"], lead["stage_id"], lead["custom_fields"], lead["assigned_to"], lead["sales"].([]any)[0].(object)["value"]); got != "[novo] 10 4 map[tamanho:100+] 1 99" {
				t.Errorf("got %s", got)
			}
			w.ask(t, 404, "GET", fmt.Sprintf("/leads/%d", b), nil)
		}
	})
}

func TestItemsThatFailAreAnsweredAsAloneAndLeaveTheOthers(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a, held := w.create(t, novo, nil), w.create(t, documentos, nil)
		items := []any{
			object{"op": "update", "lead_id": a, "name": "Um"},
			object{"op": "fly"},
			object{"lead_id": a},
			object{"op": "move", "stage_id": novo, "pipeline_id": 1},
			object{"op": "update", "lead_id": 9999, "name": "x"},
			object{"op": "update", "lead_id": a, "name": nil, "email": "kein", "assigned_to": 77},
			object{"op": "move", "lead_id": held, "stage_id": novo, "pipeline_id": 1},
			object{"op": "won", "lead_id": a, "stage_id": novo},
			object{"op": "upsert", "name": "Sem contato"},
			object{"op": "assign", "lead_id": a, "user_id": 77},
			object{"op": "tag", "lead_id": a},
			object{"op": "update", "lead_id": a, "source": "fim"},
		}
		before := w.rows(t)
		answer := w.ask(t, 200, "POST", "/leads/batch", object{"items": items})
		if got := statuses(answer); got != "200 422 422 422 404 422 422 422 422 422 422 200" || answer["failed"] != 10.0 {
			t.Fatalf("%s: %v", got, answer)
		}
		result := func(i int) string {
			r := answer["results"].([]any)[i].(object)
			return fmt.Sprint(r["message"], r["errors"])
		}
		for i, want := range map[int]string{
			1: "The selected op is invalid.", 2: "The op field is required.", 3: "The lead id field is required.", 4: "Lead não encontrado.",
			5: "The name field is required. (and 2 more errors)", 7: "A etapa informada não é uma etapa de ganho.", 8: "The phone field is required when email is not present.", 9: "user_id", 10: "The tags field is required.",
		} {
			if !strings.Contains(result(i), want) {
				t.Errorf("item %d: %s; want %s", i, result(i), want)
			}
		}
		if blocked := answer["results"].([]any)[6].(object); blocked["blocked"] != true || len(blocked["pending_tasks"].([]any)) != 1 || blocked["lead_id"] != float64(held) {
			t.Errorf("got %v", blocked)
		}
		lead, _ := w.ask(t, 200, "GET", fmt.Sprintf("/leads/%d", a), nil)["lead"].(object)
		if lead["name"] != "Um" || lead["source"] != "fim" {
			t.Errorf("got %v", lead)
		}

		// The same atomically: nothing is done, and what would have been done says so.
		w.ask(t, 200, "PATCH", fmt.Sprintf("/leads/%d", a), object{"name": "João", "source": nil})
		answer = w.ask(t, 422, "POST", "/leads/batch", object{"items": items, "atomic": true})
		if got := statuses(answer); got != "424 422 422 422 404 422 422 422 422 422 422 424" || answer["success"] != false {
			t.Errorf("%s: %v", got, answer)
		}
		sameRows(t, before, w.rows(t))
	})
}

func TestABatchIsOneRequestToTheKeyAndIsDoneOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		items := make([]any, 1000)
		for i := range items {
			items[i] = object{"op": "upsert", "name": fmt.Sprint("Lead ", i), "email": fmt.Sprintf("l%d@a.br", i%990), "notes": strings.Repeat("n", 1500), "pipeline_id": 1, "stage_id": novo}
		}
		body := object{"items": items} // above the general limit of a body
		for range 2 {
			answer := w.ask(t, 200, "POST", "/leads/batch", body, "Idempotency-Key", "lote-1")
			if answer["succeeded"] != 1000.0 || strings.Count(statuses(answer), "201") != 990 {
				t.Errorf("%v succeeded", answer["succeeded"])
			}
		}
		if total := w.ask(t, 200, "GET", "/leads", nil)["meta"].(object)["total"]; total != 990.0 {
			t.Errorf("%v leads", total)
		}
		w.ask(t, 422, "POST", "/leads/batch", object{"items": slices.Concat(items, items[:1])})
		w.ask(t, 422, "POST", "/leads/batch", object{"items": []any{}})
		w.ask(t, 422, "POST", "/leads/batch", object{"items": []any{5}})
		w.ask(t, 413, "POST", "/leads/batch", object{"items": strings.Repeat("x", 4<<20)})
	})
}

func TestBatchesOfTheSameLeadsInAnyOrderAndSingleEditsLoseNothing(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ids := make([]int64, 20)
		for i := range ids {
			ids[i] = w.create(t, novo, nil)
		}
		var racers sync.WaitGroup
		for n := range 6 {
			racers.Go(func() {
				var items []any
				for i := range ids {
					id := ids[i]
					if n%2 == 1 {
						id = ids[len(ids)-1-i]
					}
					items = append(items, object{"op": "tag", "lead_id": id, "tags": []string{fmt.Sprint("t", n)}},
						object{"op": "upsert", "name": "Novo", "email": fmt.Sprintf("n%d@a.br", (i*7+n)%5), "pipeline_id": 1, "stage_id": novo})
				}
				status, answer := w.try("POST", "/leads/batch", object{"items": items, "atomic": n < 3})
				if status != 200 || answer["failed"] != 0.0 {
					t.Errorf("batch %d: %d %v", n, status, answer)
				}
			})
		}
		for _, id := range ids {
			racers.Go(func() { w.try("POST", fmt.Sprintf("/leads/%d/tags", id), object{"tags": []string{"mão"}}) })
		}
		racers.Wait()
		for _, id := range ids {
			lead, _ := w.ask(t, 200, "GET", fmt.Sprintf("/leads/%d", id), nil)["lead"].(object)
			if len(lead["tags"].([]any)) != 7 {
				t.Errorf("lead %d has the tags %v", id, lead["tags"])
			}
		}
		if total := w.ask(t, 200, "GET", "/leads", nil)["meta"].(object)["total"]; total != 25.0 {
			t.Errorf("%v leads: a contact was made twice", total)
		}
	})
}
