package leads_test

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"testing"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/api/apitest"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
	"syncro/internal/setup"
	"syncro/internal/tasks"
)

// arrangement is what each test account is set up with.
const arrangement = `{
	"pipelines": [
		{"name": "Vendas", "stages": [
			{"name": "Novo"}, {"name": "Proposta"},
			{"name": "Documentação", "requirements": [{"subject": "Conferir documentos de {{lead_name}}", "type": "task", "priority": "high", "due_in_days": 2}]},
			{"name": "Ganho", "kind": "won"}, {"name": "Ganho Plus", "kind": "won"}, {"name": "Perdido", "kind": "lost"}]},
		{"name": "Pós-venda", "stages": [{"name": "Onboarding"}, {"name": "Renovado", "kind": "won"}]}],
	"lost_reasons": ["Preço alto", "Sem resposta"],
	"custom_fields": [
		{"name": "tamanho", "label": "Tamanho", "type": "select", "options": ["1-10", "100+"]},
		{"name": "funcionarios", "label": "Funcionários", "type": "number"},
		{"name": "antigo", "label": "Antigo", "type": "text", "is_active": false}]
}`

// world is a server with two accounts that are set up alike.
type world struct {
	db      *db.DB
	clock   *dbtest.Clock
	leads   *leads.Service
	account *accounts.Service
	handler http.Handler
	mine    account
	theirs  account
}

type account struct {
	id, user int64
	key      string
	board    *pipelines.Board
}

// eachWorld runs a test on both engines.
func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { test(t, newWorld(t, d, clock)) })
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{db: d, clock: clock, account: accounts.New(d, accounts.Options{Clock: clock.Now, RateLimit: 1_000_000})}
	var log events.Log
	chores := tasks.New(d, &log, clock.Now)
	w.leads = leads.New(d, &log, w.account, pipelines.New(d), customfields.New(d), chores)
	limiter := accounts.NewRateLimiter(d, clock.Now)
	router := api.NewRouter(api.Config{DB: d, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Clock: clock.Now, Authenticate: w.account.Authenticate, Allow: limiter.Take, Peek: limiter.Peek})
	w.leads.Routes(router)
	chores.Routes(router)
	w.handler = router.Handler()
	w.mine, w.theirs = w.newAccount(t, "Minha Empresa"), w.newAccount(t, "Outra Empresa")
	return w
}

func (w *world) newAccount(t *testing.T, name string) account {
	t.Helper()
	made, err := w.account.Create(t.Context(), accounts.NewAccount{Name: name, AdminName: "Ana", AdminEmail: "ana@empresa.com.br"}, func(*db.Tx, authz.Actor) error { return nil })
	check(t, err)
	file, err := setup.Parse([]byte(arrangement))
	check(t, err)
	_, err = setup.New(w.db, w.account).Apply(t.Context(), made.ID, file)
	check(t, err)
	_, key, err := w.account.CreateKey(t.Context(), made.ID, accounts.NewKey{Name: "test", Scopes: authz.AllScopes()})
	check(t, err)
	a := account{id: made.ID, key: key}
	check(t, w.db.Read(t.Context(), func(q db.Querier) (err error) {
		if err := db.Get(q.Query(`SELECT id FROM users WHERE account_id = $1`, a.id), &a.user); err != nil {
			return err
		}
		a.board, err = pipelines.LoadBoard(q, a.id)
		return err
	}))
	return a
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stage finds a stage of the account by its name.
func (a account) stage(t *testing.T, name string) (id, pipeline int64) {
	t.Helper()
	for _, p := range a.board.Pipelines() {
		for _, s := range p.Stages {
			if s.Name == name {
				return s.ID, p.ID
			}
		}
	}
	t.Fatalf("no stage %q", name)
	return 0, 0
}

func (a account) reason(i int) int64 { return a.board.LostReasons()[i].ID }

// answer is what the server answered.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// at digs in the body: at("lead", "tags", 0).
func (a answer) at(path ...any) any { return apitest.Dig(a.body, path...) }

func (a answer) id() int64 {
	id, _ := a.at("lead", "id").(float64)
	return int64(id)
}

// do sends a request to the server; body is marshalled unless it is a text.
func (w *world) do(a account, method, path string, body any, headers ...string) answer {
	got := apitest.Ask(w.handler, a.key, method, path, body, headers...)
	return answer{got.Status, got.Header, got.Text, got.Body}
}

// want sends a request and demands its status.
func (w *world) want(t *testing.T, status int, a account, method, path string, body any, headers ...string) answer {
	t.Helper()
	got := w.do(a, method, path, body, headers...)
	if got.status != status {
		t.Fatalf("%s %s: %d %s; want %d", method, path, got.status, got.text, status)
	}
	return got
}

// create makes a lead in a stage of the account, with further members.
func (w *world) create(t *testing.T, a account, stage string, more map[string]any) answer {
	t.Helper()
	id, pipeline := a.stage(t, stage)
	body := map[string]any{"name": "João Silva", "pipeline_id": pipeline, "stage_id": id}
	maps.Copy(body, more)
	return w.want(t, 201, a, "POST", "/leads", body)
}

// move is the body of a move to a stage.
func (a account) move(t *testing.T, stage string) map[string]any {
	id, pipeline := a.stage(t, stage)
	return map[string]any{"stage_id": id, "pipeline_id": pipeline}
}

// events are the types of a lead's events, oldest first.
func (w *world) events(t *testing.T, a account, id int64) []string {
	t.Helper()
	list, _ := w.want(t, 200, a, "GET", fmt.Sprintf("/leads/%d?include=events", id), nil).at("lead", "events").([]any)
	types := make([]string, len(list))
	for i, e := range list {
		types[len(list)-1-i], _ = e.(map[string]any)["event_type"].(string)
	}
	return types
}

// count reads one number from the database.
func (w *world) count(t *testing.T, sql string, args ...any) (n int64) {
	t.Helper()
	check(t, w.db.Read(t.Context(), func(q db.Querier) error { return db.Get(q.Query(sql, args...), &n) }))
	return n
}
