package tasks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/tasks"
)

// world is the API of tasks with two accounts. Ours has the leads 100 and 101,
// theirs the lead 200.
type world struct {
	db     *db.DB
	clock  *dbtest.Clock
	log    *events.Log
	tasks  *tasks.Service
	ours   authz.Actor
	theirs authz.Actor
	server http.Handler
}

// eachWorld runs a test on both engines.
func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		log := &events.Log{}
		w := &world{db: d, clock: clock, log: log, tasks: tasks.New(d, log, clock.Now)}
		w.ours, w.theirs = dbtest.Account(t, d, clock, 1), dbtest.Account(t, d, clock, 2)
		dbtest.Lead(t, d, clock, w.ours, 100, "João")
		dbtest.Lead(t, d, clock, w.ours, 101, "Maria")
		dbtest.Lead(t, d, clock, w.theirs, 200, "Outro")
		router := api.NewRouter(api.Config{
			DB: d, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Clock: clock.Now,
			Authenticate: func(_ context.Context, key string) (api.Principal, error) {
				return api.Principal{Actor: map[string]authz.Actor{"ours": w.ours, "theirs": w.theirs}[key]}, nil
			},
			Allow: func(context.Context, int64, int64) (api.Allowance, error) { return api.Allowance{OK: true}, nil },
		})
		w.tasks.Routes(router)
		w.server = router.Handler()
		test(t, w)
	})
}

// ask sends a request of our account, or of another one whose key stands before
// the method ("theirs GET").
func (w *world) ask(t *testing.T, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	key, verb, other := strings.Cut(method, " ")
	if !other {
		key, verb = "ours", method
	}
	request := httptest.NewRequestWithContext(t.Context(), verb, api.Base+path, strings.NewReader(body))
	request.Header.Set("X-API-Key", key)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, request)
	return answer
}

// must asks and insists on the status and on the body, unless that is "".
func (w *world) must(t *testing.T, method, path, body string, status int, want string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	answer := w.ask(t, method, path, body, headers...)
	if got := answer.Body.String(); answer.Code != status || (want != "" && got != want) {
		t.Errorf("%s %s %s\n got %d %s\nwant %d %s", method, path, body, answer.Code, got, status, want)
	}
	return answer
}

// create makes a task of our account and gives its id.
func (w *world) create(t *testing.T, body string) int64 {
	t.Helper()
	var made struct{ Task tasks.Task }
	answer := w.must(t, "POST", "/tasks", body, 201, "")
	if err := json.Unmarshal(answer.Body.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	return made.Task.ID
}

// texts reads a column of texts.
func (w *world) texts(t *testing.T, sql string, args ...any) string {
	t.Helper()
	var texts []string
	w.read(t, func(q db.Querier) (err error) {
		texts, err = db.Column[string](q.Query(sql, args...))
		return err
	})
	return strings.Join(texts, " | ")
}

func (w *world) read(t *testing.T, fn func(q db.Querier) error) {
	t.Helper()
	if err := w.db.Read(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func (w *world) write(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := w.db.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func path(id int64, rest string) string { return fmt.Sprint("/tasks/", id, rest) }
