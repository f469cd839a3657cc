package leads_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"syncro/internal/db"
)

func TestEveryChangeIsWrittenDownAsTheEventThatOthersHear(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, w.mine, "Novo", map[string]any{"value": 10}).id()
		path := fmt.Sprintf("/leads/%d", id)
		w.want(t, 200, w.mine, "PATCH", path, map[string]any{"value": 20, "assigned_to": w.mine.user})
		w.want(t, 200, w.mine, "PUT", path+"/won", func() map[string]any { s, _ := w.mine.stage(t, "Ganho"); return map[string]any{"stage_id": s} }())
		w.want(t, 200, w.mine, "POST", path+"/tags", map[string]any{"tags": []any{"vip"}})
		w.want(t, 200, w.mine, "DELETE", path, nil)
		w.want(t, 404, w.mine, "PATCH", path, map[string]any{"value": 30})
		var bodies []string
		check(t, w.db.Read(t.Context(), func(q db.Querier) (err error) {
			bodies, err = db.Column[string](q.Query(`SELECT body FROM events WHERE account_id = $1 AND lead_id = $2 ORDER BY id`, w.mine.id, id))
			return err
		}))
		var got []string
		for _, text := range bodies {
			var body struct {
				ID, Type  string
				AccountID int64  `json:"account_id"`
				CreatedAt string `json:"created_at"`
				Data      struct {
					Lead     map[string]any
					Previous map[string]any
				}
			}
			check(t, json.Unmarshal([]byte(text), &body))
			if body.AccountID != w.mine.id || body.CreatedAt != "2026-06-30T13:00:00Z" || body.Data.Lead["id"] != float64(id) || len(body.ID) != 30 {
				t.Errorf("body %s", text)
			}
			got = append(got, fmt.Sprint(body.Type, " ", body.Data.Previous))
		}
		novo, _ := w.mine.stage(t, "Novo")
		want := []string{
			"lead.created map[]", "lead.updated map[assigned_to:<nil> value:10]", "lead.assigned map[assigned_to:<nil> value:10]", fmt.Sprintf("lead.stage_changed map[stage_id:%d]", novo),
			fmt.Sprintf("lead.won map[stage_id:%d]", novo), "lead.tag_added map[tags:[]]", "lead.deleted map[deleted:false]",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}
