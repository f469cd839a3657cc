package bulk_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/api/apitest"
	"syncro/internal/authz"
	"syncro/internal/bulk"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/jobs"
	"syncro/internal/leads"
	"syncro/internal/operations"
	"syncro/internal/pipelines"
	"syncro/internal/setup"
	"syncro/internal/tasks"
)

// The test account's stages, in the order of their ids.
const (
	novo = iota + 1
	proposta
	documentos
	ganho
	perdido
)

const arrangement = `{
	"pipelines": [{"name": "Vendas", "stages": [
		{"name": "Novo"}, {"name": "Proposta"},
		{"name": "Documentação", "requirements": [{"subject": "Conferir", "type": "task", "priority": "high", "due_in_days": 2}]},
		{"name": "Ganho", "kind": "won"}, {"name": "Perdido", "kind": "lost"}]}],
	"lost_reasons": ["Preço alto"],
	"custom_fields": [{"name": "tamanho", "label": "Tamanho", "type": "select", "options": ["1-10", "100+"]}]
}`

// world is a server with one account, whose first pipeline and user have id 1.
type world struct {
	db         *db.DB
	clock      *dbtest.Clock
	leads      *leads.Service
	operations *operations.Service
	accounts   *accounts.Service
	handler    http.Handler
	key        string
}

func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { test(t, newWorld(t, d, clock)) })
}

func newWorld(tb testing.TB, d *db.DB, clock *dbtest.Clock) *world {
	tb.Helper()
	w := &world{db: d, clock: clock, accounts: accounts.New(d, accounts.Options{Clock: clock.Now, RateLimit: 1_000_000})}
	var log events.Log
	boards, fields, chores := pipelines.New(d), customfields.New(d), tasks.New(d, &log, clock.Now)
	w.leads = leads.New(d, &log, w.accounts, boards, fields, chores)
	w.operations = operations.New(d, operations.Options{Accounts: w.accounts, Leads: w.leads, Queue: jobs.NewQueue(), Clock: clock.Now})
	quiet := slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	limiter := accounts.NewRateLimiter(d, clock.Now)
	router := api.NewRouter(api.Config{DB: d, Log: quiet, Clock: clock.Now, Authenticate: w.accounts.Authenticate, Allow: limiter.Take, Peek: limiter.Peek})
	w.leads.Routes(router)
	chores.Routes(router)
	bulk.New(d, w.leads, w.operations, quiet).Routes(router)
	w.handler = router.Handler()
	made, err := w.accounts.Create(tb.Context(), accounts.NewAccount{Name: "Empresa", AdminName: "Ana", AdminEmail: "ana@a.br"}, func(*db.Tx, authz.Actor) error { return nil })
	check(tb, err)
	file, err := setup.Parse([]byte(arrangement))
	check(tb, err)
	_, err = setup.New(d, w.accounts).Apply(tb.Context(), made.ID, file)
	check(tb, err)
	_, w.key, err = w.accounts.CreateKey(tb.Context(), made.ID, accounts.NewKey{Name: "test", Scopes: authz.AllScopes()})
	check(tb, err)
	return w
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// object is a JSON object.
type object = map[string]any

// ask sends a request and demands its status.
func (w *world) ask(tb testing.TB, status int, method, path string, body any, headers ...string) object {
	tb.Helper()
	got, answer := w.try(method, path, body, headers...)
	if got != status {
		text, _ := json.Marshal(answer)
		tb.Fatalf("%s %s: %d %s; want %d", method, path, got, text, status)
	}
	return answer
}

func (w *world) try(method, path string, body any, headers ...string) (int, object) {
	got := apitest.Ask(w.handler, w.key, method, path, body, headers...)
	return got.Status, got.Body
}

// create makes a lead in a stage and gives its id.
func (w *world) create(tb testing.TB, stage int, more object) int64 {
	tb.Helper()
	body := object{"name": "João", "pipeline_id": 1, "stage_id": stage}
	maps.Copy(body, more)
	return id(w.ask(tb, 201, "POST", "/leads", body), "lead", "id")
}

// id digs a number out of an answer.
func id(answer object, path ...string) int64 {
	for _, name := range path[:len(path)-1] {
		answer, _ = answer[name].(object)
	}
	n, _ := answer[path[len(path)-1]].(float64)
	return int64(n)
}

// act begins a bulk action on a filter that selects so many leads.
func (w *world) act(tb testing.TB, total int, filter, action object) int64 {
	tb.Helper()
	body := object{"filter": filter, "expected_total": total}
	maps.Copy(body, action)
	return id(w.ask(tb, 201, "POST", "/leads/bulk-actions", body), "bulk_action", "id")
}

// work does all that is due.
func (w *world) work(tb testing.TB) {
	tb.Helper()
	check(tb, jobs.RunDue(tb.Context(), w.operations.Kinds()...))
}

// state is an operation's state and its counts.
func (w *world) state(tb testing.TB, operation int64) string {
	tb.Helper()
	a, _ := w.ask(tb, 200, "GET", fmt.Sprintf("/leads/bulk-actions/%d", operation), nil)["bulk_action"].(object)
	return fmt.Sprintf("%v: %v of %v done, %v changed, %v failed, %v reverted, %v kept", a["state"], a["done"], a["total"], a["changed"], a["failed"], a["reverted"], a["kept"])
}

// tables are what a change of leads writes, without the history of it: how often a
// record was changed, and when last.
var tables = map[string]string{
	"leads": `id, name, name_key, phone, phone_key, email, email_key, company, birthday, value_cents, source, tags, custom_values, pipeline_id, stage_id,
		stage_visit, mandatory_tasks, stage_since, notes, assigned_to, archived, opted_out_at, search_text, search_phone, deleted_at, score`,
	"lead_counters": `pipeline_id, stage_id, archived, sum(leads)`,
	"lead_blocks":   `pipeline_id, block, sum(leads)`,
	"sales":         `id, lead_id, pipeline_id, value_cents, closed_by, closed_at, voided_at`,
	"lost_sales":    `id, lead_id, pipeline_id, reason_id, lost_by, lost_at, voided_at`,
	"tasks":         `id, lead_id, subject, completed_at, requirement_id, stage_visit, version`,
}

// rows are all rows of those tables, as texts.
func (w *world) rows(tb testing.TB) []string {
	tb.Helper()
	all, tables := []string{}, maps.Clone(tables)
	if w.db.Engine() == db.SQLite {
		tables["tag_blocks"] = `tag_key, block, hex(leads)`
	} else {
		tables["lead_tags"] = `tag_key, lead_id`
	}
	check(tb, w.db.Read(tb.Context(), func(q db.Querier) error {
		for table, columns := range tables {
			names := strings.Split(strings.Join(strings.Fields(columns), " "), ", ")
			texts := make([]string, len(names))
			for i, name := range names {
				texts[i] = "COALESCE(CAST(" + name + " AS text), 'NULL')"
			}
			sql := `SELECT ` + strings.Join(texts, " || '|' || ") + ` FROM ` + table
			if strings.Contains(columns, "sum(") {
				sql += ` GROUP BY ` + strings.Join(names[:len(names)-1], ", ") + ` HAVING sum(leads) <> 0`
			}
			found, err := db.Column[string](q.Query(sql))
			if err != nil {
				return err
			}
			for _, row := range found {
				all = append(all, table+" "+row)
			}
		}
		return nil
	}))
	slices.Sort(all)
	return all
}

// sameRows compares two states of the database.
func sameRows(tb testing.TB, before, after []string) {
	tb.Helper()
	for _, row := range before {
		if _, found := slices.BinarySearch(after, row); !found {
			tb.Errorf("gone: %s", row)
		}
	}
	for _, row := range after {
		if _, found := slices.BinarySearch(before, row); !found {
			tb.Errorf("new:  %s", row)
		}
	}
}

func rawObject(tb testing.TB, text string) (o object) {
	tb.Helper()
	check(tb, json.Unmarshal([]byte(text), &o))
	return o
}

// removeStage removes a stage beneath the API.
func removeStage(tb testing.TB, w *world, stage int64) {
	tb.Helper()
	check(tb, w.db.Write(tb.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(`DELETE FROM stages WHERE id = $1`, stage); err != nil {
			return err
		}
		return w.accounts.SetupChanged(tx, 1)
	}))
}
