package leads_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"syncro/internal/db"
)

func TestAMoveIsRecordedOnceAndToTheSameStageNotAtAll(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, w.mine, "Novo", nil).id()
		path := fmt.Sprintf("/leads/%d/stage", id)
		for range 2 {
			if got := w.want(t, 200, w.mine, "PUT", path, w.mine.move(t, "Proposta")); got.text != fmt.Sprintf(`{"success":true,"lead_id":%d}`, id) {
				t.Errorf("got %s", got.text)
			}
		}
		if events := w.events(t, w.mine, id); !slices.Equal(events, []string{"created", "stage_changed"}) {
			t.Errorf("events %v", events)
		}
		wrong := w.mine.move(t, "Onboarding")
		_, wrong["pipeline_id"] = w.mine.stage(t, "Novo")
		if got := w.want(t, 422, w.mine, "PUT", path, wrong); got.text != `{"message":"The selected stage id is invalid.","errors":{"stage_id":["The selected stage id is invalid."]}}` {
			t.Errorf("got %s", got.text)
		}
		w.want(t, 200, w.mine, "PUT", path, w.mine.move(t, "Onboarding"))
	})
}

func TestMandatoryTasksHoldALeadOnlyForTheVisitTheyWereMadeIn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, w.mine, "Documentação", map[string]any{"name": "Maria"}).id()
		path := fmt.Sprintf("/leads/%d", id)
		task := w.want(t, 200, w.mine, "GET", path+"?include=tasks", nil).at("lead", "tasks", 0).(map[string]any)
		if task["subject"] != "Conferir documentos de Maria" || task["due_date"] != "2026-07-02" || task["priority"] != "high" {
			t.Errorf("task %v", task)
		}
		ganho, _ := w.mine.stage(t, "Ganho")
		perdido, _ := w.mine.stage(t, "Perdido")
		for _, c := range []struct {
			path    string
			body    map[string]any
			message string
		}{
			{path + "/stage", w.mine.move(t, "Proposta"), "Complete mandatory tasks before moving the lead."},
			{path, map[string]any{"stage_id": ganho}, "Complete mandatory tasks before moving the lead."},
			{path + "/won", map[string]any{"stage_id": ganho}, "Complete mandatory tasks before marking as won."},
			{path + "/lost", map[string]any{"stage_id": perdido}, "Complete mandatory tasks before marking as lost."},
		} {
			want := fmt.Sprintf(`{"success":false,"message":%q,"blocked":true,"pending_tasks":[{"id":%v,"subject":"Conferir documentos de Maria","type":"task"}]}`, c.message, task["id"])
			if got := w.want(t, 422, w.mine, "PUT", c.path, c.body); got.text != want {
				t.Errorf("got  %s\nwant %s", got.text, want)
			}
		}
		w.want(t, 200, w.mine, "PUT", path+"/stage", w.mine.move(t, "Documentação"))
		complete(t, w, task["id"])
		w.want(t, 200, w.mine, "PUT", path+"/stage", w.mine.move(t, "Proposta"))
		w.want(t, 200, w.mine, "PUT", path+"/stage", w.mine.move(t, "Documentação"))
		w.want(t, 422, w.mine, "PUT", path+"/stage", w.mine.move(t, "Proposta"))
		if n := w.count(t, `SELECT count(*) FROM tasks WHERE lead_id = $1`, id); n != 2 {
			t.Errorf("%d tasks; each entry makes one", n)
		}
	})
}

func complete(t *testing.T, w *world, task any) {
	t.Helper()
	check(t, w.db.Write(t.Context(), func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE tasks SET completed_at = $2 WHERE id = $1`, int64(task.(float64)), tx.Now())
		if n != 1 {
			t.Errorf("%d tasks completed", n)
		}
		return err
	}))
}

func TestWinningTwiceMakesOneSaleAndLeavingVoidsIt(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, w.mine, "Novo", map[string]any{"value": 5000}).id()
		path := fmt.Sprintf("/leads/%d", id)
		ganho, pipeline := w.mine.stage(t, "Ganho")
		plus, _ := w.mine.stage(t, "Ganho Plus")
		novo, _ := w.mine.stage(t, "Novo")
		sales := func() string {
			list, _ := w.want(t, 200, w.mine, "GET", path+"?include=sales", nil).at("lead", "sales").([]any)
			var values []any
			for _, s := range list {
				values = append(values, s.(map[string]any)["value"])
			}
			return fmt.Sprint(values)
		}
		if got := w.want(t, 422, w.mine, "PUT", path+"/won", map[string]any{"stage_id": novo}); got.text != `{"message":"A etapa informada não é uma etapa de ganho."}` {
			t.Errorf("got %s", got.text)
		}
		foreign, _ := w.theirs.stage(t, "Ganho")
		w.want(t, 422, w.mine, "PUT", path+"/won", map[string]any{"stage_id": foreign})
		w.want(t, 200, w.mine, "PUT", path+"/won", map[string]any{"stage_id": ganho})
		if got := sales(); got != "[5000]" {
			t.Errorf("the lead's value is the sale's: %s", got)
		}
		w.want(t, 200, w.mine, "PUT", path+"/won", map[string]any{"stage_id": ganho, "value": "7500.50"})
		if got := sales(); got != "[7500.5]" {
			t.Errorf("a repeat with a value amends the sale: %s", got)
		}
		w.want(t, 200, w.mine, "PUT", path+"/stage", map[string]any{"stage_id": plus, "pipeline_id": pipeline})
		if got := sales(); got != "[7500.5]" {
			t.Errorf("a move to another won stage keeps the sale: %s", got)
		}
		w.want(t, 200, w.mine, "PUT", path+"/stage", w.mine.move(t, "Onboarding"))
		if got := sales(); got != "[7500.5]" {
			t.Errorf("a move to another pipeline keeps the sale: %s", got)
		}
		w.want(t, 200, w.mine, "PUT", path+"/won", map[string]any{"stage_id": ganho})
		w.want(t, 200, w.mine, "PUT", path+"/stage", w.mine.move(t, "Novo"))
		if got := sales(); got != "[]" {
			t.Errorf("leaving for an open stage of the pipeline voids the sale: %s", got)
		}
		w.want(t, 200, w.mine, "PUT", path+"/won", map[string]any{"stage_id": ganho, "value": 1})
		if got := sales(); got != "[1]" {
			t.Errorf("winning again makes a new sale: %s", got)
		}
		if n := w.count(t, `SELECT count(*) FROM sales WHERE lead_id = $1`, id); n != 2 {
			t.Errorf("%d sales are kept, want the voided one and the new one", n)
		}
		want := []string{"created", "stage_changed", "sale_won", "sale_won", "stage_changed", "stage_changed", "stage_changed", "sale_won", "stage_changed", "stage_changed", "sale_won"}
		if events := w.events(t, w.mine, id); !slices.Equal(events, want) {
			t.Errorf("events %v", events)
		}
	})
}

func TestALossHasItsReason(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		perdido, _ := w.mine.stage(t, "Perdido")
		id := w.create(t, w.mine, "Perdido", nil).id()
		path := fmt.Sprintf("/leads/%d", id)
		reason := func() any {
			return w.want(t, 200, w.mine, "GET", path+"?include=sales", nil).at("lead", "lost_sales", 0, "reason_id")
		}
		if got := reason(); got != nil {
			t.Errorf("created in a lost stage: reason %v", got)
		}
		if got := w.want(t, 422, w.mine, "PUT", path+"/lost", map[string]any{"stage_id": perdido, "reason_id": w.theirs.reason(0)}); got.at("errors", "reason_id", 0) != "The selected reason id is invalid." {
			t.Errorf("got %s", got.text)
		}
		w.want(t, 200, w.mine, "PUT", path+"/lost", map[string]any{"stage_id": perdido, "reason_id": w.mine.reason(1)})
		w.want(t, 200, w.mine, "PUT", path+"/lost", map[string]any{"stage_id": perdido})
		if got := reason(); got != float64(w.mine.reason(1)) {
			t.Errorf("reason %v", got)
		}
		ganho, _ := w.mine.stage(t, "Ganho")
		if got := w.want(t, 422, w.mine, "PUT", path+"/lost", map[string]any{"stage_id": ganho}); got.text != `{"message":"A etapa informada não é uma etapa de perda."}` {
			t.Errorf("got %s", got.text)
		}
		w.want(t, 200, w.mine, "PUT", path+"/won", map[string]any{"stage_id": ganho})
		if n := w.count(t, `SELECT count(*) FROM lost_sales WHERE lead_id = $1 AND voided_at IS NULL`, id); n != 0 {
			t.Errorf("%d valid lost sales of a won lead", n)
		}
	})
}

func TestRacingMovesLeaveOneConsistentHistory(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, w.mine, "Novo", nil).id()
		path := fmt.Sprintf("/leads/%d", id)
		ganho, _ := w.mine.stage(t, "Ganho")
		var group sync.WaitGroup
		for i := range 24 {
			group.Go(func() {
				switch i % 3 {
				case 0:
					w.want(t, 200, w.mine, "PUT", path+"/stage", w.mine.move(t, "Proposta"))
				case 1:
					w.want(t, 200, w.mine, "PUT", path+"/stage", w.mine.move(t, "Novo"))
				default:
					w.want(t, 200, w.mine, "PUT", path+"/won", map[string]any{"stage_id": ganho})
				}
			})
		}
		group.Wait()
		changed := w.count(t, `SELECT count(*) FROM lead_events WHERE lead_id = $1 AND event_type = 'stage_changed'`, id)
		visits := w.count(t, `SELECT stage_visit FROM leads WHERE id = $1`, id)
		noted := w.count(t, `SELECT count(*) FROM record_changes WHERE record = 'lead' AND record_id = $1`, id)
		if visits != changed+1 || noted != changed {
			t.Errorf("%d moves, %d visits, %d noted changes", changed, visits, noted)
		}
		won := w.count(t, `SELECT count(*) FROM lead_events WHERE lead_id = $1 AND event_type = 'sale_won'`, id)
		if sales := w.count(t, `SELECT count(*) FROM sales WHERE lead_id = $1`, id); sales != won {
			t.Errorf("%d sales, %d events of them", sales, won)
		}
		w.checkCounters(t)
	})
}
