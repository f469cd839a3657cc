package bulk_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"syncro/internal/jobs"
)

func TestABulkActionNeedsTheRightCountAndChangesItsLeadsAlone(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for range 3 {
			w.create(t, novo, object{"tags": []string{"frio"}})
		}
		other := w.create(t, proposta, object{"tags": []string{"frio"}})
		before := w.rows(t)
		body := object{"filter": object{"stage_id": "1", "tags": []string{"FRIO"}}, "action": "add_tags", "tags": []string{"vip"}}
		if answer := w.ask(t, 200, "POST", "/leads/bulk-actions", body); answer["total"] != 3.0 || answer["bulk_action"] != nil {
			t.Errorf("got %v", answer)
		}
		body["expected_total"] = 4
		if answer := w.ask(t, 409, "POST", "/leads/bulk-actions", body); answer["total"] != 3.0 {
			t.Errorf("got %v", answer)
		}
		w.work(t)
		sameRows(t, before, w.rows(t))
		body["expected_total"] = 3
		made := w.ask(t, 201, "POST", "/leads/bulk-actions", body)["bulk_action"].(object)
		if made["state"] != "queued" || made["action"] != "add_tags" || fmt.Sprint(made["filter"], made["parameters"]) != "map[stage_id:1 tags:[FRIO]] map[tags:[vip]]" {
			t.Errorf("got %v", made)
		}
		// A lead that comes into the filter now is not meant any more.
		w.create(t, novo, object{"tags": []string{"frio"}})
		w.work(t)
		if got := w.state(t, id(made, "id")); got != "done: 3 of 3 done, 3 changed, 0 failed, 0 reverted, 0 kept" {
			t.Error(got)
		}
		if total := w.ask(t, 200, "GET", "/leads?tags=vip", nil)["meta"].(object)["total"]; total != 3.0 {
			t.Errorf("%v leads have the tag", total)
		}
		if tags := w.ask(t, 200, "GET", fmt.Sprintf("/leads/%d", other), nil)["lead"].(object)["tags"]; fmt.Sprint(tags) != "[frio]" {
			t.Errorf("another lead has %v", tags)
		}
		if list := w.ask(t, 200, "GET", "/leads/bulk-actions", nil); list["meta"].(object)["total"] != 1.0 || list["data"].([]any)[0].(object)["state"] != "done" {
			t.Errorf("got %v", list)
		}
	})
}

func TestABulkActionIsRefusedWithAllThatIsWrongWithIt(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(t, novo, nil)
		for body, fields := range map[string]string{
			`{}`: "filter action",
			`{"filter":{"stage":1,"page":2,"status":"x","created_from":"ontem"},"action":"delete"}`: "filter.stage filter.page filter.status filter.created_from",
			`{"filter":{},"action":"move"}`:                                                   "pipeline_id stage_id",
			`{"filter":{},"action":"move","pipeline_id":1,"stage_id":99}`:                     "stage_id",
			`{"filter":{},"action":"assign"}`:                                                 "user_id",
			`{"filter":{},"action":"assign","user_id":99}`:                                    "user_id",
			`{"filter":{},"action":"add_tags"}`:                                               "tags",
			`{"filter":{},"action":"update"}`:                                                 "fields",
			`{"filter":{},"action":"update","fields":{"email":"x","value":-1,"stage_id":99}}`: "fields.stage_id fields.email fields.value",
			`{"filter":{},"action":"explode","expected_total":-1}`:                            "expected_total action",
		} {
			answer := w.ask(t, 422, "POST", "/leads/bulk-actions", rawObject(t, body))
			errors, _ := answer["errors"].(object)
			if len(errors) != len(strings.Fields(fields)) {
				t.Errorf("%s: %v", body, answer)
			}
			for field := range strings.FieldsSeq(fields) {
				if errors[field] == nil {
					t.Errorf("%s: %v; want %s", body, errors, field)
				}
			}
		}
		for _, path := range []string{"", "/items", "/cancel", "/undo"} {
			method := map[bool]string{true: "GET", false: "POST"}[path == "" || path == "/items"]
			w.ask(t, 404, method, "/leads/bulk-actions/999"+path, nil)
		}
	})
}

// mixed makes leads of all sorts, more than two slices of them.
func (w *world) mixed(t *testing.T) (total int) {
	t.Helper()
	var items []any
	for i := range 450 {
		items = append(items, object{
			"op": "upsert", "name": fmt.Sprint("Lead ", i), "email": fmt.Sprintf("l%d@a.br", i), "phone": fmt.Sprintf("+55119%08d", 70000000+i), "value": i,
			"pipeline_id": 1, "stage_id": []int{novo, proposta, ganho, perdido, documentos}[i%5], "tags": []string{"todos", fmt.Sprint("t", i%3)}, "source": []string{"site", "feira"}[i%2],
			"custom_fields": object{"tamanho": "1-10"},
		})
	}
	if answer := w.ask(t, 200, "POST", "/leads/batch", object{"items": items}); answer["failed"] != 0.0 {
		t.Fatal(answer)
	}
	return len(items)
}

func TestUndoingABulkActionPutsEveryRowBackAsItWas(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		total := w.mixed(t)
		before := w.rows(t)
		for name, c := range map[string]struct {
			action object
			failed int
		}{
			"move to a stage":   {object{"action": "move", "pipeline_id": 1, "stage_id": proposta}, 90},
			"move to documents": {object{"action": "move", "pipeline_id": 1, "stage_id": documentos}, 0},
			"move to won":       {object{"action": "move", "pipeline_id": 1, "stage_id": ganho}, 90},
			"assign":            {object{"action": "assign", "user_id": 1}, 0},
			"add tags":          {object{"action": "add_tags", "tags": []string{"T0", "quente"}}, 0},
			"remove tags":       {object{"action": "remove_tags", "tags": []string{"todos", "T1"}}, 0},
			"update":            {object{"action": "update", "fields": object{"name": "Igual", "email": nil, "phone": nil, "value": 5, "custom_fields": object{"tamanho": "100+"}, "source": "x"}}, 0},
			"archive":           {object{"action": "archive"}, 0},
			"delete":            {object{"action": "delete"}, 0},
		} {
			w.clock.Advance(time.Minute)
			o := w.act(t, total, object{"tags": "todos"}, c.action)
			w.work(t)
			items := w.ask(t, 200, "GET", fmt.Sprintf("/leads/bulk-actions/%d/items?only=failed", o), nil)
			if failed := items["meta"].(object)["total"]; failed != float64(c.failed) {
				t.Errorf("%s: %v failed, as %v", name, failed, items["data"].([]any)[0])
			}
			w.clock.Advance(time.Minute)
			w.ask(t, 200, "POST", fmt.Sprintf("/leads/bulk-actions/%d/undo", o), nil)
			w.work(t)
			if got := w.state(t, o); !strings.HasPrefix(got, "undone: 450 of 450 done") || !strings.HasSuffix(got, " 0 kept") {
				t.Errorf("%s: %s", name, got)
			}
			sameRows(t, before, w.rows(t))
			if total := w.ask(t, 200, "GET", "/leads?q=lead", nil)["meta"].(object)["total"]; total != 450.0 {
				t.Errorf("%s: a search finds %v", name, total)
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	})
}

func TestAnUndoLeavesLaterEditsAloneAndSaysWhich(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ids := make([]int64, 4)
		for i := range ids {
			ids[i] = w.create(t, novo, object{"name": fmt.Sprint("N", i)})
		}
		o := w.act(t, 4, object{}, object{"action": "update", "fields": object{"source": "lote", "value": 1}})
		w.work(t)
		lead := func(i int) string { return fmt.Sprintf("/leads/%d", ids[i]) }
		w.ask(t, 200, "PATCH", lead(1), object{"source": "mão"})
		w.ask(t, 200, "PATCH", lead(2), object{"source": "mão", "value": 2, "name": "Mão"})
		w.ask(t, 200, "DELETE", lead(3), nil)
		w.ask(t, 200, "POST", fmt.Sprintf("/leads/bulk-actions/%d/undo", o), nil)
		w.work(t)
		if got := w.state(t, o); got != "undone: 4 of 4 done, 4 changed, 0 failed, 2 reverted, 3 kept" {
			t.Error(got)
		}
		items, _ := w.ask(t, 200, "GET", fmt.Sprintf("/leads/bulk-actions/%d/items", o), nil)["data"].([]any)
		var got []string
		for _, item := range items {
			item, _ := item.(object)
			got = append(got, fmt.Sprint(item["undo"], item["kept"]))
		}
		if fmt.Sprint(got) != "[reverted[] partly[source] kept[source value] kept[deleted]]" {
			t.Errorf("got %v", got)
		}
		for i, want := range []string{"N0 <nil> <nil>", "N1 mão <nil>", "Mão mão 2"} {
			l, _ := w.ask(t, 200, "GET", lead(i), nil)["lead"].(object)
			if got := fmt.Sprint(l["name"], " ", l["source"], " ", l["value"]); got != want {
				t.Errorf("lead %d: %s; want %s", i, got, want)
			}
		}
		w.ask(t, 409, "POST", fmt.Sprintf("/leads/bulk-actions/%d/undo", o), nil)
	})
}

func TestSingleEditsBesideABulkActionAreNotLost(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		total := w.mixed(t)
		o := w.act(t, total, object{}, object{"action": "add_tags", "tags": []string{"lote"}})
		var racers sync.WaitGroup
		racers.Go(func() { w.work(t) })
		for id := 1; id <= total; id += 7 {
			racers.Go(func() { w.try("POST", fmt.Sprintf("/leads/%d/tags", id), object{"tags": []string{"mão"}}) })
		}
		racers.Wait()
		w.work(t)
		if got := w.state(t, o); got != "done: 450 of 450 done, 450 changed, 0 failed, 0 reverted, 0 kept" {
			t.Error(got)
		}
		w.ask(t, 200, "POST", fmt.Sprintf("/leads/bulk-actions/%d/undo", o), nil)
		w.work(t)
		for tag, want := range map[string]float64{"lote": 0, "mão": 65, "todos": 450} {
			if n := w.ask(t, 200, "GET", "/leads?tags="+tag, nil)["meta"].(object)["total"]; n != want {
				t.Errorf("%v leads have the tag %s, want %v", n, tag, want)
			}
		}
	})
}

func TestTwoWorkersDoNotDoAnItemTwice(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		total := w.mixed(t)
		o := w.act(t, total, object{}, object{"action": "update", "fields": object{"source": "lote"}})
		kind := w.operations.Kinds()[0]
		keys, err := kind.Due(t.Context(), 10)
		check(t, err)
		both := func() {
			var workers sync.WaitGroup
			for range 3 {
				workers.Go(func() { check(t, kind.Work(context.WithoutCancel(t.Context()), keys[0])) })
			}
			workers.Wait()
			w.clock.Advance(time.Minute)
			check(t, jobs.RunDue(t.Context(), kind))
		}
		both()
		if got := w.state(t, o); got != "done: 450 of 450 done, 450 changed, 0 failed, 0 reverted, 0 kept" {
			t.Error(got)
		}
		w.ask(t, 200, "POST", fmt.Sprintf("/leads/bulk-actions/%d/undo", o), nil)
		both()
		if got := w.state(t, o); got != "undone: 450 of 450 done, 450 changed, 0 failed, 450 reverted, 0 kept" {
			t.Error(got)
		}
	})
}

func TestABulkActionWhoseStageIsRemovedFailsAndSaysWhy(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(t, novo, nil)
		o := w.act(t, 1, object{}, object{"action": "move", "pipeline_id": 1, "stage_id": proposta})
		removeStage(t, w, proposta)
		w.work(t)
		a, _ := w.ask(t, 200, "GET", fmt.Sprintf("/leads/bulk-actions/%d", o), nil)["bulk_action"].(object)
		if a["state"] != "failed" || a["error"] != "The selected stage id is invalid." {
			t.Errorf("got %v", a)
		}
	})
}
