package leads_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/leads"
)

// tables are what a change of leads writes, without the history of it: how often a
// record was changed, and when last.
var tables = map[string]string{
	"leads": `id, name, name_key, phone, phone_key, email, email_key, company, birthday, value_cents, source, tags, custom_values, pipeline_id, stage_id,
		stage_visit, mandatory_tasks, stage_since, notes, utm_source, assigned_to, archived, opted_out_at, search_text, search_phone, deleted_at`,
	"lead_counters": `pipeline_id, stage_id, archived, sum(leads)`,
	"lead_blocks":   `pipeline_id, block, sum(leads)`,
	"sales":         `id, lead_id, pipeline_id, value_cents, closed_by, closed_at, voided_at`,
	"lost_sales":    `id, lead_id, pipeline_id, reason_id, lost_by, lost_at, voided_at`,
	"tasks":         `id, lead_id, subject, completed_at, requirement_id, stage_visit, version`,
}

// rows are all rows of an account in those tables, as texts.
func (w *world) rows(t *testing.T, a account) map[string]bool {
	t.Helper()
	all, tables := map[string]bool{}, maps.Clone(tables)
	if w.db.Engine() == db.SQLite {
		tables["tag_blocks"] = `tag_key, block, hex(leads)`
	} else {
		tables["lead_tags"] = `tag_key, lead_id`
	}
	check(t, w.db.Read(t.Context(), func(q db.Querier) error {
		for table, columns := range tables {
			names := strings.Split(strings.Join(strings.Fields(columns), " "), ", ")
			texts := make([]string, len(names))
			for i, name := range names {
				texts[i] = "COALESCE(CAST(" + name + " AS text), 'NULL')"
			}
			sql := `SELECT ` + strings.Join(texts, " || '|' || ") + ` FROM ` + table + ` WHERE account_id = $1`
			if strings.Contains(columns, "sum(") {
				sql += ` GROUP BY ` + strings.Join(names[:len(names)-1], ", ") + ` HAVING sum(leads) <> 0`
			}
			found, err := db.Column[string](q.Query(sql, a.id))
			if err != nil {
				return err
			}
			for _, row := range found {
				all[table+" "+row] = true
			}
		}
		return nil
	}))
	return all
}

// sameRows compares two states of an account.
func sameRows(t *testing.T, before, after map[string]bool) {
	t.Helper()
	for _, row := range slices.Sorted(maps.Keys(before)) {
		if !after[row] {
			t.Errorf("gone: %s", row)
		}
	}
	for _, row := range slices.Sorted(maps.Keys(after)) {
		if !before[row] {
			t.Errorf("new:  %s", row)
		}
	}
}

// revert reverts the change that made a version of a lead.
func (w *world) revert(t *testing.T, a account, id, version int64) leads.Reverted {
	t.Helper()
	actor, err := w.account.Automation(t.Context(), a.id)
	check(t, err)
	actor = authz.Actor{AccountID: a.id, UserID: a.user, Scopes: actor.Scopes, Location: actor.Location, SetupVersion: actor.SetupVersion}
	revert, err := w.leads.Revert(t.Context(), actor)
	check(t, err)
	var r leads.Reverted
	check(t, w.db.Write(t.Context(), func(tx *db.Tx) (err error) {
		r, err = revert(tx, id, version)
		return err
	}))
	return r
}

func (w *world) version(t *testing.T, id int64) int64 {
	return w.count(t, `SELECT version FROM leads WHERE id = $1`, id)
}

func TestRevertingAChangePutsEveryRowBackAsItWas(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			stage  string // the lead is in before
			method string
			path   string
			body   func(a account) any
		}{
			"fields": {"Novo", "PATCH", "", func(a account) any {
				return map[string]any{
					"name": "Outro", "phone": "11 98888-7777", "email": nil, "company": "X", "value": nil, "tags": []string{"novo", "VIP"}, "notes": "a", "utm_source": "s",
					"birthday": "1990-01-01", "assigned_to": a.user, "custom_fields": map[string]any{"tamanho": "100+", "funcionarios": nil}, "status": "archived", "opted_out": true,
				}
			}},
			"a move":                    {"Novo", "PUT", "/stage", func(a account) any { return a.move(t, "Proposta") }},
			"a move that demands tasks": {"Novo", "PUT", "/stage", func(a account) any { return a.move(t, "Documentação") }},
			"a sale":                    {"Novo", "PUT", "/stage", func(a account) any { return a.move(t, "Ganho") }},
			"a lost sale": {"Novo", "PUT", "/lost", func(a account) any {
				return map[string]any{"stage_id": a.move(t, "Perdido")["stage_id"], "reason_id": a.reason(0)}
			}},
			"a sale that becomes lost":   {"Ganho", "PUT", "/stage", func(a account) any { return a.move(t, "Perdido") }},
			"a loss that is voided":      {"Perdido", "PUT", "/stage", func(a account) any { return a.move(t, "Novo") }},
			"a move to another pipeline": {"Ganho", "PUT", "/stage", func(a account) any { return a.move(t, "Renovado") }},
			"a move beside an edit":      {"Novo", "PATCH", "", func(a account) any { m := a.move(t, "Ganho"); m["value"] = 9; return m }},
			"tags":                       {"Novo", "POST", "/tags", func(account) any { return map[string]any{"tags": []string{"Quente", "VIP"}} }},
			"the removal of a tag":       {"Novo", "DELETE", "/tags/vip", func(account) any { return nil }},
			"a deletion":                 {"Documentação", "DELETE", "", func(account) any { return nil }},
		} {
			t.Run(name, func(t *testing.T) {
				id := w.create(t, w.mine, c.stage, map[string]any{
					"email": "a@b.br", "phone": "+5511999887766", "value": 10, "tags": []string{"Vip", "frio"}, "custom_fields": map[string]any{"tamanho": "1-10", "funcionarios": 7},
				}).id()
				before := w.rows(t, w.mine)
				w.clock.Advance(1e9)
				w.want(t, 200, w.mine, c.method, fmt.Sprintf("/leads/%d%s", id, c.path), c.body(w.mine))
				if changed := w.rows(t, w.mine); maps.Equal(before, changed) {
					t.Fatal("nothing has changed")
				}
				w.clock.Advance(1e9)
				if r := w.revert(t, w.mine, id, 2); !r.Changed || len(r.Kept) > 0 {
					t.Errorf("got %+v", r)
				}
				sameRows(t, before, w.rows(t, w.mine))
				if v := w.version(t, id); v != 3 {
					t.Errorf("the reversal made version %d", v)
				}
				if r := w.revert(t, w.mine, id, 2); r.Changed {
					t.Errorf("reverting twice: %+v", r)
				}
				sameRows(t, before, w.rows(t, w.mine))
			})
		}
	})
}

func TestRevertingLeavesWhatWasEditedSinceAndSaysSo(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a := w.mine
		id := w.create(t, a, "Novo", map[string]any{"tags": []string{"a", "b"}, "source": "site", "custom_fields": map[string]any{"tamanho": "1-10"}}).id()
		path := fmt.Sprintf("/leads/%d", id)
		change := a.move(t, "Documentação")
		maps.Copy(change, map[string]any{"name": "Dois", "source": "feira", "value": 5, "tags": []string{"b", "c"}, "custom_fields": map[string]any{"tamanho": "100+", "funcionarios": 3}})
		w.want(t, 200, a, "PATCH", path, change)
		task := w.count(t, `SELECT id FROM tasks WHERE lead_id = $1`, id)
		w.want(t, 200, a, "PUT", fmt.Sprintf("/tasks/%d", task), map[string]any{"notes": "visto"})
		// Edited since: the name and back again, a tag more, one custom field.
		w.want(t, 200, a, "PATCH", path, map[string]any{"name": "Três", "tags": []string{"b", "c", "d"}, "custom_fields": map[string]any{"funcionarios": 4}})
		w.want(t, 200, a, "PATCH", path, map[string]any{"name": "Dois"})

		r := w.revert(t, a, id, 2)
		if !r.Changed || fmt.Sprint(r.Kept) != "[custom_fields name tags]" {
			t.Errorf("got %+v", r)
		}
		got := w.want(t, 200, a, "GET", path, nil)
		if got.at("lead", "name") != "Dois" || got.at("lead", "source") != "site" || got.at("lead", "value") != nil || got.at("lead", "stage", "name") != "Novo" ||
			fmt.Sprint(got.at("lead", "tags")) != "[b d a]" || fmt.Sprint(got.at("lead", "custom_fields")) != "map[funcionarios:4 tamanho:1-10]" {
			t.Errorf("got %s", got.text)
		}
		// The task that somebody touched stays and binds nobody, not even on the next visit of that number.
		if n := w.count(t, `SELECT count(*) FROM tasks WHERE id = $1 AND requirement_id IS NULL AND stage_visit IS NULL`, task); n != 1 {
			t.Error("the touched task is gone or still mandatory")
		}
		w.want(t, 200, a, "PUT", path+"/stage", a.move(t, "Proposta"))
		w.want(t, 200, a, "PUT", path+"/stage", a.move(t, "Novo"))
	})
}

func TestALaterMoveOrAnAmendedSaleHoldsTheLeadWhereItIs(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a := w.mine
		moved := w.create(t, a, "Novo", nil).id()
		w.want(t, 200, a, "PUT", fmt.Sprintf("/leads/%d/stage", moved), a.move(t, "Proposta"))
		w.want(t, 200, a, "PUT", fmt.Sprintf("/leads/%d/stage", moved), a.move(t, "Ganho"))
		w.want(t, 200, a, "PUT", fmt.Sprintf("/leads/%d/stage", moved), a.move(t, "Proposta"))
		amended := w.create(t, a, "Novo", map[string]any{"value": 5}).id()
		won := a.move(t, "Ganho")
		w.want(t, 200, a, "PUT", fmt.Sprintf("/leads/%d/won", amended), won)
		won["value"] = 7
		w.want(t, 200, a, "PUT", fmt.Sprintf("/leads/%d/won", amended), won)
		before := w.rows(t, a)
		for _, id := range []int64{moved, amended} {
			if r := w.revert(t, a, id, 2); r.Changed || fmt.Sprint(r.Kept) != "[stage_id]" {
				t.Errorf("lead %d: %+v", id, r)
			}
		}
		sameRows(t, before, w.rows(t, a))
	})
}

func TestChangesOfOneLeadAreRevertedBackwards(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a := w.mine
		id := w.create(t, a, "Novo", map[string]any{"tags": []string{"a"}}).id()
		path := fmt.Sprintf("/leads/%d", id)
		before := w.rows(t, a)
		for _, body := range []map[string]any{{"name": "B", "tags": []string{"b"}}, {"name": "C", "tags": []string{"c"}}} {
			w.want(t, 200, a, "PATCH", path, body)
		}
		for _, stage := range []string{"Documentação"} {
			w.want(t, 200, a, "PUT", path+"/stage", a.move(t, stage))
		}
		for version := int64(4); version >= 2; version-- {
			if r := w.revert(t, a, id, version); !r.Changed || len(r.Kept) > 0 {
				t.Errorf("version %d: %+v", version, r)
			}
		}
		sameRows(t, before, w.rows(t, a))
	})
}

func TestACreationIsRevertedIntoTheTrashUnlessTheLeadWasWorkedWith(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a := w.mine
		w.create(t, a, "Novo", nil)
		counters := w.rows(t, a)
		updated := w.create(t, a, "Documentação", map[string]any{"tags": []string{"x"}}).id()
		w.want(t, 200, a, "PATCH", fmt.Sprintf("/leads/%d", updated), map[string]any{"name": "B"})
		if r := w.revert(t, a, updated, 1); r.Changed || fmt.Sprint(r.Kept) != "[name]" {
			t.Errorf("an edited lead: %+v", r)
		}
		w.revert(t, a, updated, 2)
		if r := w.revert(t, a, updated, 1); !r.Changed || len(r.Kept) > 0 {
			t.Errorf("got %+v", r)
		}
		w.want(t, 404, a, "GET", fmt.Sprintf("/leads/%d", updated), nil)
		after := w.rows(t, a)
		maps.DeleteFunc(after, func(row string, _ bool) bool {
			return strings.HasPrefix(row, "leads ") || strings.HasPrefix(row, "tasks ")
		})
		maps.DeleteFunc(counters, func(row string, _ bool) bool { return strings.HasPrefix(row, "leads ") })
		sameRows(t, counters, after)

		worked := w.create(t, a, "Novo", nil).id()
		w.want(t, 201, a, "POST", "/tasks", map[string]any{"subject": "Ligar", "type": "call", "due_date": "2026-07-01", "lead_id": worked})
		if r := w.revert(t, a, worked, 1); r.Changed || fmt.Sprint(r.Kept) != "[tasks]" {
			t.Errorf("a lead with a task: %+v", r)
		}
	})
}
