package leads_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

func TestACreatedLeadIsShownWhole(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		got := w.create(t, w.mine, "Proposta", map[string]any{
			"phone": "(11) 99988-7766", "email": " Joao@Acme.com.br ", "value": "5000.505", "tags": []any{"vip", "VIP", "enterprise"}, "birthday": "1990-01-15",
			"assigned_to": w.mine.user, "custom_fields": map[string]any{"tamanho": "100+", "funcionarios": "25", "antigo": "x", "nenhum": 1}, "notes": "", "utm_source": "google",
		})
		stage, pipeline := w.mine.stage(t, "Proposta")
		want := fmt.Sprintf(`{"success":true,"lead":{"id":%d,"name":"João Silva","phone":"+5511999887766","email":"Joao@Acme.com.br","company":null,"birthday":"1990-01-15","value":5000.51,`+
			`"source":null,"tags":["vip","enterprise"],"pipeline_id":%d,"stage_id":%d,"notes":null,"utm_source":"google","utm_medium":null,"utm_campaign":null,"utm_term":null,"utm_content":null,`+
			`"stage":{"id":%d,"name":"Proposta"},"pipeline":{"id":%d,"name":"Vendas"},"created_at":"2026-06-30T13:00:00Z","custom_fields":{"tamanho":"100+","funcionarios":25},"status":"active","updated_at":"2026-06-30T13:00:00Z"}}`,
			got.id(), pipeline, stage, stage, pipeline)
		if got.text != want {
			t.Errorf("got  %s\nwant %s", got.text, want)
		}
		if etag := got.header.Get("ETag"); etag != `"1"` {
			t.Errorf("ETag %s", etag)
		}
		again := w.want(t, 200, w.mine, "GET", fmt.Sprintf("/leads/%d?include=owner,score,sales,tasks,notes,siblings,nonsense", got.id()), nil)
		for member, want := range map[string]string{
			"assigned_to": fmt.Sprint(w.mine.user), "owner": fmt.Sprintf("map[email:ana@empresa.com.br id:%d name:Ana]", w.mine.user), "score": "0", "score_updated_at": "<nil>",
			"sales": "[]", "lost_sales": "[]", "tasks": "[]", "notes_list": "[]", "siblings": "[]",
			"contact_totals": "map[leads:1 lost:0 open:1 open_value:5000.51 won:0 won_value:0]",
		} {
			if got := fmt.Sprint(again.at("lead", member)); got != want {
				t.Errorf("%s: %s, want %s", member, got, want)
			}
		}
	})
}

func TestEveryWrongFieldOfACreationIsReportedInOneAnswer(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		foreign, _ := w.theirs.stage(t, "Novo")
		_, pipeline := w.mine.stage(t, "Novo")
		got := w.want(t, 422, w.mine, "POST", "/leads", map[string]any{
			"custom_fields": map[string]any{"tamanho": "huge", "funcionarios": "many"}, "assigned_to": w.theirs.user, "email": "nobody", "value": -1, "tags": []any{"ok", strings.Repeat("é", 51)},
			"stage_id": foreign, "pipeline_id": pipeline, "birthday": "2026-02-30",
		})
		want := `{"message":"The name field is required. (and 8 more errors)","errors":{"name":["The name field is required."],"stage_id":["The selected stage id is invalid."],` +
			`"email":["The email field must be a valid email address."],"birthday":["The birthday field must match the format Y-m-d."],"value":["The value field must be at least 0."],` +
			`"tags.1":["The tags.1 field must not be greater than 50 characters."],"assigned_to":["The selected assigned to is invalid."],` +
			`"custom_fields.tamanho":["The selected custom_fields.tamanho is invalid."],"custom_fields.funcionarios":["The custom_fields.funcionarios field must be a number."]}}`
		if got.text != want {
			t.Errorf("got  %s\nwant %s", got.text, want)
		}
		if n := w.count(t, `SELECT count(*) FROM leads`); n != 0 {
			t.Errorf("%d leads were written", n)
		}
	})
}

func TestAnUpdateChangesWhatIsSentAndNothingElse(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.create(t, w.mine, "Novo", map[string]any{"phone": "+5511999887766", "value": 10, "tags": []any{"a", "b"}, "assigned_to": w.mine.user, "custom_fields": map[string]any{"tamanho": "1-10", "funcionarios": 3}})
		path := fmt.Sprintf("/leads/%d", made.id())
		got := w.want(t, 200, w.mine, "PATCH", path, map[string]any{"company": "ACME", "value": nil, "tags": []any{"c"}, "assigned_to": "", "custom_fields": map[string]any{"tamanho": ""}, "status": "archived"})
		for member, want := range map[string]string{
			"company": "ACME", "value": "<nil>", "tags": "[c]", "custom_fields": "map[funcionarios:3]", "status": "archived", "phone": "+5511999887766", "name": "João Silva",
		} {
			if got := fmt.Sprint(got.at("lead", member)); got != want {
				t.Errorf("%s: %s, want %s", member, got, want)
			}
		}
		if events := w.events(t, w.mine, made.id()); !slices.Equal(events, []string{"created", "updated", "assigned"}) {
			t.Errorf("events %v", events)
		}
		same := w.want(t, 200, w.mine, "PUT", path, map[string]any{"company": "ACME"})
		if same.header.Get("ETag") != `"2"` {
			t.Errorf("an update without a change gave version %s", same.header.Get("ETag"))
		}
		refused := w.want(t, 422, w.mine, "PUT", path, map[string]any{"name": nil, "stage_id": "", "pipeline_id": nil, "status": "merged"})
		if refused.at("message") != "The name field is required. (and 3 more errors)" {
			t.Errorf("got %s", refused.text)
		}
		_, other := w.mine.stage(t, "Onboarding")
		if refused := w.want(t, 422, w.mine, "PUT", path, map[string]any{"pipeline_id": other}); refused.at("errors", "stage_id", 0) != "The stage id field is required." {
			t.Errorf("got %s", refused.text)
		}
	})
}

func TestAStaleWriteSaysWhatChangedAndWhoDidIt(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.create(t, w.mine, "Novo", nil)
		path := fmt.Sprintf("/leads/%d", made.id())
		w.want(t, 200, w.mine, "PATCH", path, map[string]any{"value": 5, "company": "ACME"}, "If-Match", made.header.Get("ETag"))
		stale := w.want(t, 412, w.mine, "PATCH", path, map[string]any{"value": 7}, "If-Match", made.header.Get("ETag"))
		if got := fmt.Sprintf("%v %v %v %v", stale.at("changed", 0, "field"), stale.at("changed", 1, "field"), stale.at("changed", 0, "changed_by", "name"), stale.at("current_etag")); got != `company value Ana "2"` {
			t.Errorf("got %s", stale.text)
		}
		for _, c := range []struct{ method, path string }{{"DELETE", path}, {"PUT", path + "/stage"}, {"POST", path + "/tags"}, {"DELETE", path + "/tags/x"}} {
			body := w.mine.move(t, "Proposta")
			body["tags"] = []string{"x"}
			w.want(t, 412, w.mine, c.method, c.path, body, "If-Match", `"1"`)
		}
		w.want(t, 400, w.mine, "PATCH", path, map[string]any{"value": 7}, "If-Match", "garbage")
		if got := w.want(t, 200, w.mine, "GET", path, nil); fmt.Sprint(got.at("lead", "value")) != "5" || got.header.Get("ETag") != `"2"` {
			t.Errorf("a refused write changed the lead: %s", got.text)
		}
	})
}

func TestTagsAreUniqueWithoutRegardToCase(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.create(t, w.mine, "Novo", map[string]any{"tags": []any{"VIP"}})
		path := fmt.Sprintf("/leads/%d/tags", made.id())
		added := w.want(t, 200, w.mine, "POST", path, map[string]any{"tags": []any{"vip", " Ação ", "a/b", "AÇÃO", 7}})
		if got := fmt.Sprint(added.at("tags")); got != "[VIP Ação a/b 7]" {
			t.Errorf("tags %s", got)
		}
		for _, c := range []struct{ tag, left string }{{"a%2Fb", "[VIP Ação 7]"}, {"nope", "[VIP Ação 7]"}, {"a%C3%A7%C3%A3o", "[VIP 7]"}, {"%2E%2E", "[VIP 7]"}, {"vip", "[7]"}, {"7", "[]"}} {
			if got := w.want(t, 200, w.mine, "DELETE", path+"/"+c.tag, nil); fmt.Sprint(got.at("tags")) != c.left {
				t.Errorf("after removing %s: %s, want %s", c.tag, got.text, c.left)
			}
		}
		for _, body := range []any{map[string]any{"tags": []any{}}, map[string]any{}, map[string]any{"tags": "vip"}} {
			w.want(t, 422, w.mine, "POST", path, body)
		}
		w.checkTags(t)
	})
}

func TestADeletedLeadIsGoneFromEverywhere(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.create(t, w.mine, "Novo", map[string]any{"email": "a@b.com.br", "tags": []any{"x"}})
		path := fmt.Sprintf("/leads/%d", made.id())
		if got := w.want(t, 200, w.mine, "DELETE", path, nil); got.text != `{"success":true}` {
			t.Errorf("got %s", got.text)
		}
		for _, c := range []struct{ method, path string }{{"GET", path}, {"DELETE", path}, {"PATCH", path}, {"PUT", path + "/stage"}, {"PUT", path + "/won"}, {"POST", path + "/tags"}} {
			if got := w.want(t, 404, w.mine, c.method, c.path, "{"); got.text != `{"message":"Lead não encontrado."}` {
				t.Errorf("%s %s: %s", c.method, c.path, got.text)
			}
		}
		for _, query := range []string{"", "?tags=x", "?q=João", "?q=jo", "?sort=name", "?status=active", "?created_from=2020-01-01", "?page=100"} {
			if got := w.want(t, 200, w.mine, "GET", "/leads"+query, nil); fmt.Sprint(got.at("meta", "total")) != "0" {
				t.Errorf("%q finds it: %s", query, got.text)
			}
		}
		id, pipeline := w.mine.stage(t, "Novo")
		again := w.want(t, 201, w.mine, "POST", "/leads/upsert", map[string]any{"name": "x", "email": "a@b.com.br", "pipeline_id": pipeline, "stage_id": id})
		if again.id() <= made.id() {
			t.Errorf("the new lead has id %d", again.id())
		}
	})
}

func TestAnotherAccountsLeadIsNotFound(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.create(t, w.theirs, "Novo", map[string]any{"email": "a@b.com.br", "phone": "+5511999887766", "tags": []any{"x"}})
		path := fmt.Sprintf("/leads/%d", made.id())
		for _, c := range []struct{ method, path string }{
			{"GET", path}, {"GET", path + "?include=siblings,events"}, {"DELETE", path}, {"PATCH", path}, {"PUT", path}, {"PUT", path + "/stage"}, {"PUT", path + "/won"}, {"PUT", path + "/lost"}, {"POST", path + "/tags"}, {"DELETE", path + "/tags/x"},
		} {
			w.want(t, 404, w.mine, c.method, c.path, map[string]any{"stage_id": 1})
		}
		for _, query := range []string{"", "?tags=x", "?q=João", "?q=jo", "?q=99988-7766"} {
			if got := w.want(t, 200, w.mine, "GET", "/leads"+query, nil); fmt.Sprint(got.at("meta", "total")) != "0" {
				t.Errorf("%q finds it", query)
			}
		}
		id, pipeline := w.mine.stage(t, "Novo")
		w.want(t, 201, w.mine, "POST", "/leads/upsert", map[string]any{"name": "x", "email": "a@b.com.br", "phone": "+5511999887766", "pipeline_id": pipeline, "stage_id": id})
		for _, id := range []string{"0", "-1", "abc", "1e3", "99999999999999999999", "1.5", "%20"} {
			w.want(t, 404, w.mine, "GET", "/leads/"+id, nil)
		}
	})
}

func TestALeadCanBeOptedOutAndBackIn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.create(t, w.mine, "Novo", nil).id()
		path := fmt.Sprintf("/leads/%d", id)
		since := func() (at *time.Time) {
			check(t, w.db.Read(t.Context(), func(q db.Querier) error {
				return db.Get(q.Query(`SELECT opted_out_at FROM leads WHERE account_id = $1 AND id = $2`, w.mine.id, id), &at)
			}))
			return at
		}
		first := w.clock.Now()
		if got := w.want(t, 200, w.mine, "PATCH", path, map[string]any{"opted_out": true}); got.at("lead", "opted_out") != nil || !since().Equal(first) {
			t.Errorf("%s; opted out since %v", got.text, since())
		}
		w.clock.Advance(time.Hour)
		w.want(t, 200, w.mine, "PUT", path, map[string]any{"opted_out": "1", "name": "Outro"})
		if !since().Equal(first) {
			t.Errorf("said twice, it counts from %v", since())
		}
		w.want(t, 422, w.mine, "PATCH", path, map[string]any{"opted_out": nil})
		w.want(t, 200, w.mine, "PATCH", path, map[string]any{"opted_out": false})
		if since() != nil {
			t.Errorf("still opted out since %v", since())
		}
		actor := authz.Actor{AccountID: w.mine.id}
		optOut, err := w.leads.OptOut(t.Context(), actor)
		check(t, err)
		check(t, w.db.Write(t.Context(), func(tx *db.Tx) error { return optOut(tx, id, true) }))
		if since() == nil {
			t.Error("its words did not opt it out")
		}
		if n := w.count(t, `SELECT COUNT(*) FROM events WHERE account_id = $1 AND type = 'lead.updated' AND body LIKE '%"previous":{"opted_out":false}%'`, w.mine.id); n != 2 {
			t.Errorf("%d events tell of opting out", n)
		}
		if n := w.count(t, `SELECT COUNT(*) FROM record_changes WHERE account_id = $1 AND changes LIKE '%opted_out%'`, w.mine.id); n != 3 {
			t.Errorf("%d changes tell of opting out or in", n)
		}
	})
}

func TestAStageThatIsRemovedMeanwhileIsAConflict(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		path := fmt.Sprintf("/leads/%d", w.create(t, w.mine, "Novo", nil).id())
		gone, pipeline := w.mine.stage(t, "Onboarding")
		// Beneath the editor, so that the snapshot of the board still has it, as in a race.
		dbtest.Exec(t, w.db, `DELETE FROM stages WHERE account_id = $1 AND id = $2`, w.mine.id, gone)
		for _, c := range []struct{ method, path string }{{"POST", "/leads"}, {"PUT", path + "/stage"}, {"PATCH", path}} {
			body := map[string]any{"name": "João", "stage_id": gone, "pipeline_id": pipeline}
			if got := w.want(t, 409, w.mine, c.method, c.path, body); got.at("message") != "A etapa ou o responsável informado acaba de ser removido." {
				t.Errorf("%s %s: %s", c.method, c.path, got.text)
			}
		}
		w.checkCounters(t)
	})
}
