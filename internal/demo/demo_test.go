package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	_ "time/tzdata"

	"syncro/internal/app"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/demo"
	"syncro/internal/netguard"
)

// running is a demo whose requests are answered in this process.
type running struct {
	*app.App
	clock   *dbtest.Clock
	handler http.Handler
}

// start makes a fresh demo.
func start(t *testing.T, engine db.Engine) *running {
	t.Helper()
	clock := dbtest.NewClock()
	r := open(t, dbtest.URL(t, engine), clock)
	if err := demo.Prepare(t.Context(), r.DB); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r.handler)
	t.Cleanup(server.Close)
	_, stop, err := demo.Play(t.Context(), r.DB, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return r
}

func open(t *testing.T, url string, clock *dbtest.Clock) *running {
	t.Helper()
	c := app.Default()
	c.Database, c.SecretKey, c.Webhooks, c.Clock = url, demo.SecretKey, netguard.Loopback, clock.Now
	a, err := app.Open(t.Context(), c, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return &running{a, clock, a.Handler()}
}

// onEach runs a test on both engines.
func onEach(t *testing.T, test func(t *testing.T, engine db.Engine)) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

// answer is what the demo answered: its members by their paths, as values has them.
type answer struct {
	status  int
	text    string
	members map[string]any
	header  http.Header
}

func (r *running) send(t *testing.T, method, target string, header http.Header, body string) answer {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	request.Header = header
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	return answer{w.Code, w.Body.String(), values(t, w.Body.String()), w.Header()}
}

// ask is send for a path under the API and a key, which may be none.
func (r *running) ask(t *testing.T, key, method, path, body string) answer {
	t.Helper()
	header := http.Header{}
	if key != "" {
		header.Set("X-Api-Key", key)
	}
	return r.send(t, method, "/api/v1"+path, header, body)
}

// values are the members of a JSON text that have no members themselves, and the
// empty objects and lists, by paths such as data.0.owner.name.
func values(t *testing.T, text string) map[string]any {
	t.Helper()
	var whole any
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	found := map[string]any{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				walk(path+"."+name, member)
			}
			if len(v) > 0 {
				return
			}
		case []any:
			if len(v) > 0 {
				if _, objects := v[0].(map[string]any); objects {
					for i, member := range v {
						walk(path+"."+strconv.Itoa(i), member)
					}
					return
				}
			}
		}
		found[strings.TrimPrefix(path, ".")] = v
	}
	walk("", whole)
	return found
}

func TestPreparingAgainGoesOnWithWhatIsThere(t *testing.T) {
	onEach(t, func(t *testing.T, engine db.Engine) {
		url, clock := dbtest.URL(t, engine), dbtest.NewClock()
		r := open(t, url, clock)
		for range 2 {
			if err := demo.Prepare(t.Context(), r.DB); err != nil {
				t.Fatal(err)
			}
			if got := r.ask(t, demo.Key, "POST", "/leads", `{"name":"Nova","pipeline_id":1,"stage_id":4}`); got.status != http.StatusCreated {
				t.Fatalf("%d %s", got.status, got.text)
			}
		}
		got := r.ask(t, demo.Key, "GET", "/leads?per_page=1", "")
		if got.members["meta.total"] != 252.0 || got.members["data.0.id"] != 1002.0 {
			t.Errorf("after two new leads: %s", got.text)
		}
	})
}

func TestADatabaseThatNoDemoMadeIsRefusedUntouched(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		dbtest.Account(t, d, clock, 50)
		if err := demo.Prepare(t.Context(), d); !errors.Is(err, demo.ErrForeign) {
			t.Errorf("got %v", err)
		}
		dbtest.Exec(t, d, `UPDATE accounts SET is_demo = TRUE`)
		if err := demo.Prepare(t.Context(), d); !errors.Is(err, demo.ErrHalfMade) {
			t.Errorf("without its keys: %v", err)
		}
		var accounts int64
		if err := d.Read(t.Context(), func(q db.Querier) error { return db.Get(q.Query(`SELECT count(*) FROM accounts`), &accounts) }); err != nil || accounts != 1 {
			t.Errorf("%d accounts, %v", accounts, err)
		}
	})
}

// TestTheHistoryFitsTheLeads asks the database for what contradicts itself.
func TestTheHistoryFitsTheLeads(t *testing.T) {
	onEach(t, func(t *testing.T, engine db.Engine) {
		r := start(t, engine)
		for what, sql := range map[string]string{
			"a won lead without its sale, or the reverse": `SELECT l.id FROM leads l LEFT JOIN sales s ON s.account_id = l.account_id AND s.lead_id = l.id
				WHERE (l.stage_id IN (10, 31)) <> (s.id IS NOT NULL) OR s.value_cents <> l.value_cents OR s.closed_at <> l.stage_since`,
			"a lost lead without its lost sale, or the reverse": `SELECT l.id FROM leads l LEFT JOIN lost_sales s ON s.account_id = l.account_id AND s.lead_id = l.id
				WHERE (l.stage_id IN (11, 32)) <> (s.id IS NOT NULL)`,
			"a lead in stage 8 without its task, or the reverse": `SELECT l.id FROM leads l LEFT JOIN tasks t ON t.account_id = l.account_id AND t.lead_id = l.id
				AND t.requirement_id IS NOT NULL AND t.stage_visit = l.stage_visit AND t.completed_at IS NULL
				WHERE l.mandatory_tasks <> (l.stage_id = 8) OR l.mandatory_tasks <> (t.id IS NOT NULL)`,
			"a visit that no event tells of": `SELECT l.id FROM leads l WHERE l.stage_visit <>
				(SELECT count(*) FROM lead_events e WHERE e.account_id = l.account_id AND e.lead_id = l.id AND e.event_type IN ('created', 'stage_changed'))`,
			"an event out of its order": `SELECT a.lead_id FROM lead_events a JOIN lead_events b ON b.account_id = a.account_id AND b.lead_id = a.lead_id
				WHERE b.id > a.id AND b.created_at < a.created_at`,
			"a counter that is wrong": `SELECT c.stage_id FROM lead_counters c WHERE c.leads <>
				(SELECT count(*) FROM leads l WHERE l.account_id = c.account_id AND l.stage_id = c.stage_id)`,
		} {
			var ids []int64
			err := r.DB.Read(t.Context(), func(q db.Querier) (err error) {
				ids, err = db.Column[int64](q.Query(sql))
				return err
			})
			if err != nil || len(ids) > 0 {
				t.Errorf("%s: %v, %v", what, ids, err)
			}
		}
	})
}

func TestTheListHasSomethingForEachFilter(t *testing.T) {
	onEach(t, func(t *testing.T, engine db.Engine) {
		r := start(t, engine)
		total := func(query string) float64 {
			t.Helper()
			got := r.ask(t, demo.Key, "GET", "/leads?per_page=1&"+query, "")
			n, ok := got.members["meta.total"].(float64)
			if !ok {
				t.Fatalf("%s: %s", query, got.text)
			}
			return n
		}
		var staged float64
		for _, stage := range []string{"4", "5", "7", "8", "10", "11"} {
			n := total("stage_id=" + stage)
			if staged += n; n == 0 {
				t.Errorf("no lead in stage %s", stage)
			}
		}
		if staged != 250 || total("") != 250 || total("status=active") != 250 || total("status=open")+total("status=won")+total("status=lost") != 250 {
			t.Errorf("%v leads in the stages, %v in all", staged, total(""))
		}
		vip, enterprise, either := total("tags=vip"), total("tags=enterprise"), total("tags=vip,enterprise")
		if vip == either || enterprise == either {
			t.Errorf("%v with vip, %v with enterprise, %v with either", vip, enterprise, either)
		}
		for _, query := range []string{"assigned_to=12", "assigned_to=13", "source=site", "created_from=2026-06-01", "created_to=2026-05-01", "updated_since=2026-06-28T00:00:00Z"} {
			if n := total(query); n == 0 || n == 250 {
				t.Errorf("%v leads with %s", n, query)
			}
		}
		for query, want := range map[string]float64{"q=jo%C3%A3o+silva": 2, "q=JOAO": 2, "q=99988-7766": 1, "q=joao@acme": 2, "q=Sem+Telefone": 1} {
			if n := total(query); n != want {
				t.Errorf("%v leads with %s, want %v", n, query, want)
			}
		}
	})
}

func TestNewRowsGetIdsAboveTheFixtures(t *testing.T) {
	onEach(t, func(t *testing.T, engine db.Engine) {
		r := start(t, engine)
		r.ask(t, demo.Key, "PUT", "/leads/126/won", `{"stage_id":10}`)
		r.ask(t, demo.Key, "PUT", "/leads/127/lost", `{"stage_id":11}`)
		r.ask(t, demo.Key, "PUT", "/leads/128/stage", `{"stage_id":8,"pipeline_id":1}`)
		for _, table := range []string{"sales", "lost_sales", "tasks", "lead_events"} {
			var id int64
			if err := r.DB.Read(t.Context(), func(q db.Querier) error { return db.Get(q.Query(`SELECT max(id) FROM `+table), &id) }); err != nil || id <= 1000 {
				t.Errorf("the newest of %s has id %d, %v", table, id, err)
			}
		}
	})
}

func TestEachRefusalOfASendCanBeProducedByHand(t *testing.T) {
	const hello, official = `{"type":"text","body":"Oi"}`, `{"type":"text","body":"Oi","instance_id":2}`
	onEach(t, func(t *testing.T, engine db.Engine) {
		r := start(t, engine)
		for _, c := range []struct {
			path, body string
			status     int
			member     string
			want       any
		}{
			{"/leads/125/send-whatsapp", hello, 422, "skip_reason", "no_phone"},
			{"/leads/126/send-whatsapp", official, 422, "skip_reason", "window_closed"},
			{"/leads/126/send-whatsapp", hello, 200, "success", true},
			{"/leads/128/send-whatsapp", hello, 502, "delivery", "failed"},
			{"/leads/123/send-whatsapp", `{"type":"text","body":"Oi","instance_id":3}`, 422, "errors.instance_id", []any{"The selected instance id is not connected."}},
			{"/leads/123/send-whatsapp-template", `{"template_id":2,"variables":["João"]}`, 422, "errors.template_id", []any{"The selected template id is not approved."}},
			{"/leads/123/send-whatsapp-template", `{"template_id":3,"variables":["João"]}`, 422, "errors.header_media_url", []any{"The header media url field is required."}},
			{"/leads/123/send-whatsapp-template", `{"template_id":3,"variables":["João"],"header_media_url":"https://exemplo.com.br/foto.jpg"}`, 200, "template_name", "foto_produto"},
		} {
			if got := r.ask(t, demo.Key, "POST", c.path, c.body); got.status != c.status || !reflect.DeepEqual(got.members[c.member], c.want) {
				t.Errorf("%s %s: %d %s", c.path, c.body, got.status, got.text)
			}
		}
		got := r.ask(t, demo.Key, "GET", "/leads/126?include=conversation", "")
		if got.members["lead.conversation.instance_id"] != 1.0 || got.members["lead.conversation.last_message_at"] != "2026-06-30T13:00:00Z" {
			t.Errorf("the newest conversation is in %s", got.text)
		}
	})
}
