package accounts_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

func TestAKeySeesItsAccountAndUsersWithinItsLimit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		s := newService(d, clock)
		newAccount(t, s, "Outra Empresa")
		a := newAccount(t, s, "Minha Empresa")
		bruno := newUser(t, s, a.ID, "Bruno@example.com", authz.Manager)
		_, limited := newKey(t, s, a.ID, accounts.NewKey{RateLimit: new(int64(2))})
		_, other := newKey(t, s, a.ID, accounts.NewKey{Scopes: []authz.Scope{authz.LeadsRead}})
		limiter := accounts.NewRateLimiter(d, clock.Now)
		router := api.NewRouter(api.Config{
			DB: d, Log: slog.New(slog.DiscardHandler), Clock: clock.Now,
			Authenticate: s.Authenticate, Allow: limiter.Take, Peek: limiter.Peek,
		})
		s.Routes(router)
		handler := router.Handler()

		for i, step := range []struct {
			path, key string
			status    int
			left      string // requests of the key's limit
			body      string
		}{
			{"/account", "", 401, "", `{"message":"API Key não fornecida."}`},
			{"/account", other, 403, "60", `{"message":"API Key sem permissão para esta operação.","required_permission":"users:read"}`},
			{"/account", limited, 200, "1", fmt.Sprintf(`{"success":true,"account":{"id":%d,"name":"Minha Empresa","plan":"standard"}}`, a.ID)},
			{"/users", limited, 200, "0", fmt.Sprintf(`{"success":true,"data":[{"id":%d,"name":"Ana","email":"ana@example.com","role":"admin"},`+
				`{"id":%d,"name":"U","email":"Bruno@example.com","role":"manager"}]}`, bruno.ID-1, bruno.ID)},
			{"/users", limited, 429, "0", `{"message":"Rate limit excedido para esta API Key.","retry_after":50}`},
		} {
			q := httptest.NewRequestWithContext(t.Context(), http.MethodGet, api.Base+step.path, nil)
			q.Header.Set("X-API-Key", step.key)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, q)
			if w.Code != step.status || w.Body.String() != step.body || w.Header().Get("RateLimit-Remaining") != step.left {
				t.Errorf("step %d: %d %s, %q left; want %d %s, %q", i+1, w.Code, w.Body, w.Header().Get("RateLimit-Remaining"), step.status, step.body, step.left)
			}
			clock.Advance(5 * time.Second)
		}
	})
}
