package webhooks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/jobs"
	"syncro/internal/netguard"
	"syncro/internal/secrets"
	"syncro/internal/webhooks"
)

// world is the API of webhooks with two accounts; ours has the leads 100 and 101.
type world struct {
	db       *db.DB
	clock    *dbtest.Clock
	events   *events.Log
	webhooks *webhooks.Service
	ours     authz.Actor
	theirs   authz.Actor
	server   http.Handler
	queue    *jobs.Queue
	logged   *strings.Builder
	log      *slog.Logger
}

// eachWorld runs a test on both engines. Targets on this machine are allowed.
func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &world{db: d, clock: clock, logged: &strings.Builder{}}
		w.log = slog.New(slog.NewTextHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		w.ours, w.theirs = dbtest.Account(t, d, clock, 1), dbtest.Account(t, d, clock, 2)
		dbtest.Lead(t, d, clock, w.ours, 100, "João")
		dbtest.Lead(t, d, clock, w.ours, 101, "Maria")
		w.start(t, netguard.Loopback, nil)
		test(t, w)
	})
}

// start makes the service anew, as a process does that starts on the same database.
func (w *world) start(t *testing.T, allowed string, lookup netguard.Lookup) {
	t.Helper()
	ranges, err := netguard.ParseRanges(allowed)
	if err != nil {
		t.Fatal(err)
	}
	box, err := secrets.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	w.events, w.queue = &events.Log{}, jobs.NewQueue()
	w.webhooks = webhooks.New(w.db, webhooks.Options{
		Events: w.events, Queue: w.queue, Box: box, Guard: netguard.New(ranges, lookup), Clock: w.clock.Now,
	})
	router := api.NewRouter(api.Config{
		DB: w.db, Log: w.log, Clock: w.clock.Now, Box: box,
		Authenticate: func(_ context.Context, key string) (api.Principal, error) {
			return api.Principal{Actor: map[string]authz.Actor{"ours": w.ours, "theirs": w.theirs}[key]}, nil
		},
		Allow: func(context.Context, int64, int64) (api.Allowance, error) { return api.Allowance{OK: true}, nil },
	})
	w.webhooks.Routes(router)
	w.server = router.Handler()
}

// ask sends a request of our account and gives its answer's object.
func (w *world) ask(t *testing.T, status int, method, path, body string) map[string]any {
	t.Helper()
	return w.askAs(t, "ours", status, method, path, body)
}

func (w *world) askAs(t *testing.T, key string, status int, method, path, body string, headers ...string) (object map[string]any) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, api.Base+path, strings.NewReader(body))
	request.Header.Set("X-API-Key", key)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, request)
	if answer.Code != status {
		t.Errorf("%s %s %s: %d %s, want %d", method, path, body, answer.Code, answer.Body, status)
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// subscribe makes a webhook of ours and gives its path and its secret.
func (w *world) subscribe(t *testing.T, target string, types ...events.Type) (path, secret string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"target_url": target, "events": types})
	if err != nil {
		t.Fatal(err)
	}
	made := w.ask(t, 201, "POST", "/webhooks", string(body))
	return fmt.Sprint("/webhooks/", made["id"]), made["secret"].(string)
}

// emit lets something happen to one of our leads.
func (w *world) emit(t *testing.T, kind events.Type, lead int64, number int) {
	t.Helper()
	w.write(t, events.Event{Type: kind, LeadID: &lead, Data: fmt.Appendf(nil, `{"lead":{"id":%d,"name":"João <&> \"ção\""},"previous":{},"number":%d}`, lead, number)})
}

// emitAlone lets something happen that is about no lead.
func (w *world) emitAlone(t *testing.T, kind events.Type, number int) {
	t.Helper()
	w.write(t, events.Event{Type: kind, Data: fmt.Appendf(nil, `{"number":%d}`, number)})
}

func (w *world) write(t *testing.T, e events.Event) {
	t.Helper()
	if err := w.db.Write(t.Context(), func(tx *db.Tx) error { return w.events.Emit(tx, w.ours, e) }); err != nil {
		t.Fatal(err)
	}
}

// run delivers what is due.
func (w *world) run(t *testing.T) {
	t.Helper()
	if err := jobs.RunDue(t.Context(), w.webhooks.Kinds()...); err != nil {
		t.Fatal(err)
	}
}

// runAtOnce delivers what is due, each job in a goroutine of its own.
func (w *world) runAtOnce(t *testing.T) (wait func()) {
	t.Helper()
	kind := w.webhooks.Kinds()[0]
	keys, err := kind.Due(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	for _, key := range keys {
		running.Go(func() {
			if err := kind.Work(t.Context(), key); err != nil {
				t.Error(err)
			}
		})
	}
	return running.Wait
}

// deliveries are the rows of a webhook's log, newest first.
func (w *world) deliveries(t *testing.T, path string) (rows []map[string]any) {
	t.Helper()
	for _, row := range w.ask(t, 200, "GET", path+"/deliveries", "")["data"].([]any) {
		rows = append(rows, row.(map[string]any))
	}
	return rows
}

// received is a request that a target got.
type received struct {
	header http.Header
	body   string
}

// number is what the test called the event.
func (r received) number(t *testing.T) int {
	t.Helper()
	var body struct{ Data struct{ Number int } }
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatal(err)
	}
	return body.Data.Number
}

// target is a receiver over real HTTP, which answers what answer says.
type target struct {
	url    string
	mu     sync.Mutex
	answer func(n int, got received) int // n counts the requests from 1
	got    []received
}

func newTarget(t *testing.T) *target {
	t.Helper()
	to := &target{answer: func(int, received) int { return 200 }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost {
			t.Errorf("%s, reading it: %v", r.Method, err)
		}
		to.mu.Lock()
		to.got = append(to.got, received{r.Header, string(body)})
		n, answer := len(to.got), to.answer
		to.mu.Unlock()
		status := answer(n, received{r.Header, string(body)})
		if status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "resposta %d\x00\xff", n)
	}))
	t.Cleanup(server.Close)
	to.url = server.URL + "/hook"
	return to
}

// always lets the target answer with one status.
func (to *target) always(status int) {
	to.mu.Lock()
	defer to.mu.Unlock()
	to.answer = func(int, received) int { return status }
}

// all are the requests so far.
func (to *target) all() []received {
	to.mu.Lock()
	defer to.mu.Unlock()
	return append([]received(nil), to.got...)
}
