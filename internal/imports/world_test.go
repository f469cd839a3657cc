package imports_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/api/apitest"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/imports"
	"syncro/internal/jobs"
	"syncro/internal/leads"
	"syncro/internal/operations"
	"syncro/internal/pipelines"
	"syncro/internal/setup"
	"syncro/internal/tasks"
)

const arrangement = `{
	"pipelines": [
		{"name": "Vendas", "stages": [{"name": "Novo"}, {"name": "Proposta"},
			{"name": "Documentação", "requirements": [{"subject": "Conferir documentos", "type": "task", "priority": "high", "due_in_days": 2}]},
			{"name": "Ganho", "kind": "won"}, {"name": "Perdido", "kind": "lost"}]},
		{"name": "Pós-venda", "stages": [{"name": "Novo"}, {"name": "Onboarding"}]}],
	"lost_reasons": ["Preço alto"],
	"custom_fields": [
		{"name": "tamanho", "label": "Tamanho da empresa", "type": "select", "options": ["1-10", "Acima de 100"]},
		{"name": "funcionarios", "label": "Funcionários", "type": "number"},
		{"name": "interesses", "label": "Interesses", "type": "multiselect", "options": ["a, b", "c"]},
		{"name": "contrato", "label": "Início do contrato", "type": "date"},
		{"name": "cliente_vip", "label": "Cliente VIP", "type": "checkbox"}]
}`

// world is a server with two accounts.
type world struct {
	db         *db.DB
	clock      *dbtest.Clock
	accounts   *accounts.Service
	leads      *leads.Service
	operations *operations.Service
	imports    *imports.Service
	handler    http.Handler
	mine       account
	theirs     account
}

type account struct {
	id    int64
	key   string
	board *pipelines.Board
}

func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { test(t, newWorld(t, d, clock)) })
}

func newWorld(t testing.TB, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{db: d, clock: clock, accounts: accounts.New(d, accounts.Options{Clock: clock.Now, RateLimit: 1_000_000})}
	var log events.Log
	board, fields := pipelines.New(d), customfields.New(d)
	w.leads = leads.New(d, &log, w.accounts, board, fields, tasks.New(d, &log, clock.Now))
	w.operations = operations.New(d, operations.Options{Accounts: w.accounts, Leads: w.leads, Queue: jobs.NewQueue(), Clock: clock.Now})
	w.imports = imports.New(d, imports.Using{Accounts: w.accounts, Pipelines: board, CustomFields: fields, Leads: w.leads, Operations: w.operations})
	limiter := accounts.NewRateLimiter(d, clock.Now)
	router := api.NewRouter(api.Config{DB: d, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Clock: clock.Now, Authenticate: w.accounts.Authenticate, Allow: limiter.Take, Peek: limiter.Peek})
	w.leads.Routes(router)
	w.imports.Routes(router)
	w.handler = router.Handler()
	w.mine, w.theirs = w.newAccount(t, "Minha Empresa"), w.newAccount(t, "Outra Empresa")
	return w
}

func (w *world) newAccount(t testing.TB, name string) account {
	t.Helper()
	made, err := w.accounts.Create(t.Context(), accounts.NewAccount{Name: name, AdminName: "Ana", AdminEmail: "ana@empresa.com.br"}, func(*db.Tx, authz.Actor) error { return nil })
	check(t, err)
	file, err := setup.Parse([]byte(arrangement))
	check(t, err)
	_, err = setup.New(w.db, w.accounts).Apply(t.Context(), made.ID, file)
	check(t, err)
	_, key, err := w.accounts.CreateKey(t.Context(), made.ID, accounts.NewKey{Name: "test", Scopes: authz.AllScopes()})
	check(t, err)
	a := account{id: made.ID, key: key}
	check(t, w.db.Read(t.Context(), func(q db.Querier) (err error) {
		a.board, err = pipelines.LoadBoard(q, a.id)
		return err
	}))
	return a
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (a account) stage(name string) (id, pipeline int64) {
	for _, p := range a.board.Pipelines() {
		for _, s := range p.Stages {
			if s.Name == name {
				return s.ID, p.ID
			}
		}
	}
	return 0, 0
}

type answer struct {
	status int
	text   string
	body   map[string]any
}

func (a answer) at(path ...any) any { return apitest.Dig(a.body, path...) }

func (w *world) send(a account, method, path, contentType string, body []byte, headers ...string) answer {
	if contentType != "" {
		headers = append(headers, "Content-Type", contentType)
	}
	got := apitest.Ask(w.handler, a.key, method, path, body, headers...)
	return answer{got.Status, got.Text, got.Body}
}

// want sends a request with a JSON body and demands its status.
func (w *world) want(t testing.TB, status int, a account, method, path string, body any) answer {
	t.Helper()
	var raw []byte
	if body != nil {
		raw, _ = json.Marshal(body)
	}
	got := w.send(a, method, path, "", raw)
	if got.status != status {
		t.Fatalf("%s %s: %d %s; want %d", method, path, got.status, got.text, status)
	}
	return got
}

// upload sends a file as a form and gives the path of its import.
func (w *world) upload(t testing.TB, a account, name, content string) (string, answer) {
	t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	part, err := m.CreateFormFile("file", name)
	check(t, err)
	_, err = part.Write([]byte(content))
	check(t, err)
	check(t, m.Close())
	got := w.send(a, "POST", "/imports", m.FormDataContentType(), form.Bytes())
	if got.status != 201 {
		t.Fatalf("uploading %s: %d %s", name, got.status, got.text)
	}
	return fmt.Sprintf("/imports/%v", got.at("import", "id")), got
}

// work does what waits to be done.
func (w *world) work(t testing.TB) {
	t.Helper()
	check(t, jobs.RunDue(t.Context(), w.operations.Kinds()...))
}

// run begins a dry run, an import or an undo, has it done, and gives the import.
func (w *world) run(t testing.TB, a account, path, what string) map[string]any {
	t.Helper()
	w.want(t, 200, a, "POST", path+"/"+what, nil)
	w.work(t)
	i, _ := w.want(t, 200, a, "GET", path, nil).at("import").(map[string]any)
	return i
}

// counts are those of an import, in one line.
func counts(i map[string]any) string {
	return fmt.Sprintf("%v: %v of %v, %v created, %v updated, %v unchanged, %v skipped, %v failed", i["state"], i["done"], i["total"], i["created"], i["updated"], i["unchanged"], i["skipped"], i["failed"])
}

// problems are the listed ones, each in a line.
func (w *world) problems(t testing.TB, a account, path, kind string) string {
	t.Helper()
	var lines []string
	list, _ := w.want(t, 200, a, "GET", path+"/problems?per_page=200&kind="+kind, nil).at("data").([]any)
	for _, p := range list {
		m, _ := p.(map[string]any)
		lines = append(lines, fmt.Sprintf("%v%v %v: %v", m["row"], text(m["column"]), text(m["value"]), m["message"]))
	}
	return strings.Join(lines, "\n")
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
