package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/input"
)

// counter is a server with one resource, products by name, whose creation takes
// a while when the test says so.
type counter struct {
	db      *db.DB
	clock   *dbtest.Clock
	log     *bytes.Buffer
	handler http.Handler
	router  *api.Router
	key     string
	id      int64
	pause   chan struct{} // a creation waits for it after its commit, unless nil
	stall   chan struct{} // the creation whose id is stalled waits for it before its commit
	entered chan struct{}
	fail    error // after its commit
}

// stalled is the id of a request that stands still before its change.
const stalled = "stalled"

type nameFields struct {
	Name input.Field[string] `json:"name" required:"true" maxLength:"20" doc:"Name." example:"x"`
}

type made struct {
	Success bool  `json:"success" doc:"Always true."`
	ID      int64 `json:"id" doc:"Id."`
}

func (m made) RecordVersion() int64 { return m.ID + 100 }

func eachCounter(t *testing.T, test func(t *testing.T, c *counter)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { test(t, newCounter(t, d, clock)) })
}

func newCounter(t *testing.T, d *db.DB, clock *dbtest.Clock) *counter {
	t.Helper()
	c := &counter{db: d, clock: clock, log: &bytes.Buffer{}, entered: make(chan struct{}, 100)}
	service := accounts.New(d, accounts.Options{Clock: clock.Now, RateLimit: 1000})
	account, err := service.Create(t.Context(), accounts.NewAccount{Name: "A", AdminName: "Ana", AdminEmail: "a@b.c"}, func(*db.Tx, authz.Actor) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	c.id = account.ID
	c.key = c.newKey(t, service, authz.ProductsRead, authz.ProductsWrite)
	limiter := accounts.NewRateLimiter(d, clock.Now)
	c.router = api.NewRouter(api.Config{DB: d, Log: slog.New(slog.NewTextHandler(&locked{w: c.log}, nil)), Clock: clock.Now, Authenticate: service.Authenticate, Allow: limiter.Take, Peek: limiter.Peek})
	api.HandleBody(c.router, api.Route{Method: "POST", Path: "/products", Scope: authz.ProductsWrite, ID: "create", Tag: "Products", Summary: "Create", Created: true}, c.create)
	api.Handle(c.router, api.Route{Method: "GET", Path: "/products/{id}", Scope: authz.ProductsRead, ID: "get", Tag: "Products", Summary: "Get"},
		func(_ context.Context, call *api.Call) (made, error) { return made{true, call.ID("id")}, nil })
	api.Handle(c.router, api.Route{Method: "DELETE", Path: "/products/{id}", Scope: authz.ProductsWrite, ID: "panic", Tag: "Products", Summary: "Panic"},
		func(context.Context, *api.Call) (api.Done, error) { panic("a defect with a secret") })
	c.handler = c.router.Handler()
	return c
}

type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func (c *counter) newKey(t *testing.T, s *accounts.Service, scopes ...authz.Scope) string {
	t.Helper()
	_, key, err := s.CreateKey(t.Context(), c.id, accounts.NewKey{Name: "k", Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (c *counter) create(ctx context.Context, call *api.Call, form *input.Form[nameFields]) (m made, err error) {
	if err := form.Err(); err != nil {
		return m, err
	}
	if call.RequestID == stalled {
		c.entered <- struct{}{}
		<-c.stall
	}
	err = c.db.Write(ctx, func(tx *db.Tx) error {
		return db.Get(tx.Query(`INSERT INTO products (account_id, name, price_cents, created_at, updated_at)
			VALUES ($1, $2, (SELECT count(*) FROM products WHERE account_id = $1), $3, $3) RETURNING id`, call.Actor.AccountID, fmt.Sprint(form.Fields.Name.Value, call.RequestID), tx.Now()), &m.ID)
	})
	c.entered <- struct{}{}
	if c.pause != nil {
		<-c.pause
	}
	m.Success = true
	return m, errors.Join(err, c.fail)
}

func (c *counter) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, api.Base+path, strings.NewReader(body))
	q.Header.Set("X-API-Key", c.key)
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, q)
	return w
}

func (c *counter) products(t *testing.T) (n int64) {
	t.Helper()
	if err := c.db.Read(t.Context(), func(q db.Querier) error { return db.Get(q.Query(`SELECT count(*) FROM products`), &n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestARetryWithTheSameKeyGetsTheFirstAnswer(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		first := c.do("POST", "/products", `{"name":"x"}`, "Idempotency-Key", "k1")
		again := c.do("POST", "/products", `{"name":"x"}`, "Idempotency-Key", "k1")
		if first.Code != 201 || again.Code != 201 || first.Body.String() != again.Body.String() || again.Header().Get("ETag") != first.Header().Get("ETag") || again.Header().Get("Idempotent-Replayed") != "true" {
			t.Errorf("first %d %s %v, again %d %s %v", first.Code, first.Body, first.Header(), again.Code, again.Body, again.Header())
		}
		other := c.do("POST", "/products", `{"name":"y"}`, "Idempotency-Key", "k1")
		if other.Code != 422 || other.Body.String() != `{"message":"Esta Idempotency-Key já foi usada com outra requisição."}` {
			t.Errorf("another body: %d %s", other.Code, other.Body)
		}
		refused := c.do("POST", "/products", `{}`, "Idempotency-Key", "k2")
		replayed := c.do("POST", "/products", `{}`, "Idempotency-Key", "k2")
		if refused.Code != 422 || replayed.Code != 422 || replayed.Header().Get("Idempotent-Replayed") == "" {
			t.Errorf("a refusal: %d, then %d", refused.Code, replayed.Code)
		}
		if n := c.products(t); n != 1 {
			t.Errorf("%d products", n)
		}
		c.clock.Advance(24*time.Hour + time.Second)
		if late := c.do("POST", "/products", `{"name":"y"}`, "Idempotency-Key", "k1"); late.Code != 201 {
			t.Errorf("after a day: %d %s", late.Code, late.Body)
		}
		for _, key := range []string{"", strings.Repeat("k", 256), "chave única"} {
			if got := c.do("POST", "/products", `{"name":"y"}`, "Idempotency-Key", key); got.Code != 400 {
				t.Errorf("key %q: %d %s", key, got.Code, got.Body)
			}
		}
	})
}

func TestARetryDuringTheFirstRequestWaitsForItsAnswer(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.pause = make(chan struct{})
		var group sync.WaitGroup
		bodies := make([]string, 12)
		for i := range bodies {
			group.Go(func() { bodies[i] = c.do("POST", "/products", `{"name":"x"}`, "Idempotency-Key", "k").Body.String() })
		}
		<-c.entered
		close(c.pause)
		group.Wait()
		for _, b := range bodies {
			if b != bodies[0] || !strings.Contains(b, `"success":true`) {
				t.Errorf("answers %q", bodies)
				break
			}
		}
		if n := c.products(t); n != 1 {
			t.Errorf("%d products", n)
		}
	})
}

func TestAKeyWhoseRequestFailedCanBeUsedAgainUnlessTheChangeWasMade(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		if got := c.do("DELETE", "/products/1", "", "Idempotency-Key", "k1"); got.Code != 500 {
			t.Fatalf("got %d", got.Code)
		}
		c.fail = errors.New("lost after the commit")
		if got := c.do("POST", "/products", `{"name":"x"}`, "Idempotency-Key", "k2"); got.Code != 500 {
			t.Errorf("got %d", got.Code)
		}
		c.fail = nil
		c.clock.Advance(2 * time.Minute) // the lease is over
		if got := c.do("POST", "/products", `{"name":"x"}`, "Idempotency-Key", "k2"); got.Code != 409 || !strings.Contains(got.Body.String(), "foi aplicada") {
			t.Errorf("a retry of a change whose answer was lost: %d %s", got.Code, got.Body)
		}
		if n := c.products(t); n != 1 {
			t.Errorf("%d products", n)
		}
	})
}

func TestARequestThatLostItsKeyToAnotherChangesNothing(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.stall = make(chan struct{})
		lost := make(chan *httptest.ResponseRecorder)
		go func() {
			lost <- c.do("POST", "/products", `{"name":"x"}`, "Idempotency-Key", "k", "X-Request-Id", stalled)
		}()
		<-c.entered
		c.clock.Advance(2 * time.Minute) // it stands still for longer than its lease
		first := c.do("POST", "/products", `{"name":"x"}`, "Idempotency-Key", "k")
		close(c.stall)
		if got := <-lost; got.Code != 409 || got.Body.String() != `{"message":"Outra requisição assumiu esta Idempotency-Key."}` {
			t.Errorf("the request that lost its key: %d %s", got.Code, got.Body)
		}
		again := c.do("POST", "/products", `{"name":"x"}`, "Idempotency-Key", "k")
		if first.Code != 201 || again.Code != 201 || again.Body.String() != first.Body.String() {
			t.Errorf("the one that took it: %d %s, again %d %s", first.Code, first.Body, again.Code, again.Body)
		}
		if n := c.products(t); n != 1 {
			t.Errorf("%d products", n)
		}
	})
}

func TestEveryRefusalHasItsStatusAndItsBody(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		for _, x := range []struct {
			method, path, body string
			headers            []string
			status             int
			want               string
		}{
			{"GET", "/nothing", "", []string{"X-API-Key", ""}, 404, `{"message":"Rota não encontrada."}`},
			{"PATCH", "/products", "", []string{"X-API-Key", ""}, 405, `{"message":"Método não permitido."}`},
			{"GET", "/products/1", "", []string{"X-API-Key", ""}, 401, `{"message":"API Key não fornecida."}`},
			{"GET", "/products/1", "", []string{"X-API-Key", "crm_nobody"}, 401, `{"message":"API Key inválida."}`},
			{"POST", "/products", `{"name":"x"`, nil, 400, `{"message":"The request body is not valid JSON:`},
			{"POST", "/products", `[]`, nil, 400, `{"message":"The request body must be a JSON object."}`},
			{"POST", "/products", "{\"name\":\"\xff\"}", nil, 400, `{"message":"`},
			{"POST", "/products", `{"name":"a\u0000b"}`, nil, 400, `{"message":"`},
			{"POST", "/products", `{"name":"` + strings.Repeat("x", api.MaxBody) + `"}`, nil, 413, `{"message":"The request body must not be greater than 1048576 bytes."}`},
			{"POST", "/products", `{"name":"` + strings.Repeat("x", 21) + `"}`, nil, 422, `{"message":"The name field must not be greater than 20 characters.","errors":{"name":["The name field must not be greater than 20 characters."]}}`},
			{"DELETE", "/products/1", "", nil, 500, `{"message":"Erro interno do servidor."}`},
			{"GET", "/products/1", "", []string{"If-Match", "7"}, 400, `{"message":"The If-Match header must be one ETag of this API, such as \"7\", or *."}`},
		} {
			got := c.do(x.method, x.path, x.body, x.headers...)
			if got.Code != x.status || !strings.HasPrefix(got.Body.String(), x.want) || got.Header().Get("Content-Type") != "application/json" || got.Header().Get("X-Request-Id") == "" {
				t.Errorf("%s %s: %d %s %v; want %d %s", x.method, x.path, got.Code, got.Body, got.Header(), x.status, x.want)
			}
			if x.status == 405 && got.Header().Get("Allow") != "POST" {
				t.Errorf("Allow: %s", got.Header().Get("Allow"))
			}
		}
		if !strings.Contains(c.log.String(), "a defect with a secret") || strings.Contains(c.log.String(), c.key) {
			t.Error("the log lacks the panic or has the key")
		}
	})
}

func TestTheRateLimitCountsOnlyWhatWasAllowedIn(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		service := accounts.New(c.db, accounts.Options{Clock: c.clock.Now, RateLimit: 5})
		limit := int64(5)
		_, key, err := service.CreateKey(t.Context(), c.id, accounts.NewKey{Name: "k", Scopes: []authz.Scope{authz.ProductsRead}, RateLimit: &limit})
		if err != nil {
			t.Fatal(err)
		}
		c.key = key
		if got := c.do("POST", "/products", `{"name":"x"}`); got.Code != 403 || got.Header().Get("RateLimit-Remaining") != "5" || got.Body.String() != `{"message":"API Key sem permissão para esta operação.","required_permission":"products:write"}` {
			t.Errorf("scope: %d %s", got.Code, got.Body)
		}
		for i := range 5 {
			got := c.do("GET", "/products/1", "")
			if got.Code != 200 || got.Header().Get("RateLimit-Limit") != "5" || got.Header().Get("RateLimit-Remaining") != fmt.Sprint(4-i) || got.Header().Get("RateLimit-Reset") != fmt.Sprint(60-5*i) {
				t.Errorf("request %d: %d %v", i, got.Code, got.Header())
			}
			c.clock.Advance(5 * time.Second)
		}
		got := c.do("GET", "/products/1", "")
		if got.Code != 429 || got.Body.String() != `{"message":"Rate limit excedido para esta API Key.","retry_after":35}` || got.Header().Get("Retry-After") != "35" {
			t.Errorf("%d %s %v", got.Code, got.Body, got.Header())
		}
		c.clock.Advance(35 * time.Second)
		if got := c.do("GET", "/products/1", ""); got.Code != 200 {
			t.Errorf("after the window: %d %s", got.Code, got.Body)
		}
	})
}

func TestARequestIDIsTakenOverOrMade(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		if got := c.do("GET", "/products/1", "", "X-Request-Id", "n8n-42").Header().Get("X-Request-Id"); got != "n8n-42" {
			t.Errorf("got %q", got)
		}
		for _, bad := range []string{strings.Repeat("x", 65), "a b", "á"} {
			if got := c.do("GET", "/products/1", "", "X-Request-Id", bad).Header().Get("X-Request-Id"); len(got) != 16 {
				t.Errorf("%q gave %q", bad, got)
			}
		}
		if !strings.Contains(c.log.String(), "request_id=n8n-42") || !strings.Contains(c.log.String(), fmt.Sprintf("account_id=%d", c.id)) {
			t.Errorf("log: %s", c.log)
		}
	})
}

func TestTheDocumentDescribesEveryRouteWhole(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		text, err := json.Marshal(c.router.Document("1"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"/products/{id}"`, `"operationId":"create"`, `"Idempotency-Key"`, `"maxLength":20`, `"413"`, `"429"`, "Scope: `products:write`."} {
			if !strings.Contains(string(text), want) {
				t.Errorf("the document lacks %s", want)
			}
		}
	})
}
