package messaging_test

import (
	"context"
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
	"syncro/internal/messaging"
	"syncro/internal/messaging/cloudapi"
	"syncro/internal/messaging/exchange"
	"syncro/internal/messaging/waha"
)

// eachServer runs a test on both engines, with our account's two numbers and two
// templates, and another account. ask sends a GET as one of them.
func eachServer(t *testing.T, test func(t *testing.T, ask func(key, path string) (status int, body string))) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		actors := map[string]authz.Actor{"ours": dbtest.Account(t, d, clock, 1), "theirs": dbtest.Account(t, d, clock, 2)}
		for _, instance := range [][]any{{2, "cloud_api", "API Oficial", nil, false, "disconnected"}, {1, "waha", "Principal", "+5511999887700", true, "connected"}} {
			dbtest.Exec(t, d, `INSERT INTO whatsapp_instances (id, account_id, provider, display_name, phone_number, is_primary, status, created_at, updated_at)
				VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $7)`, append(instance, clock.Now())...)
		}
		for _, template := range [][]any{{2, "promo", "en", "PENDING", `[]`}, {1, "lembrete", "pt_BR", "APPROVED", "[ {\"type\": \"BODY\",\n\"text\": \"<{{1}}>\"} ]"}} {
			dbtest.Exec(t, d, `INSERT INTO whatsapp_templates (id, account_id, instance_id, name, language, category, status, body, variables_count, header_type, components, created_at, updated_at)
				VALUES ($1, 1, 2, $2, $3, 'UTILITY', $4, 'Olá {{1}}', 1, 'none', $5, $6, $6)`, append(template, clock.Now())...)
		}
		router := api.NewRouter(api.Config{
			DB: d, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Clock: clock.Now,
			Authenticate: func(_ context.Context, key string) (api.Principal, error) {
				return api.Principal{Actor: actors[key]}, nil
			},
			Allow: func(context.Context, int64, int64) (api.Allowance, error) { return api.Allowance{OK: true}, nil },
		})
		messaging.New(d, messaging.Options{Log: &events.Log{}, Providers: messaging.ProvidersOf(waha.New(exchange.Config{}), cloudapi.New(exchange.Config{})), Clock: clock.Now}).Routes(router)
		server := router.Handler()
		test(t, func(key, path string) (int, string) {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, api.Base+path, nil)
			request.Header.Set("X-API-Key", key)
			answer := httptest.NewRecorder()
			server.ServeHTTP(answer, request)
			return answer.Code, answer.Body.String()
		})
	})
}

const none = `{"success":true,"data":[]}`

func TestNumbersAreListedWithWhatTheirProviderCanDo(t *testing.T) {
	eachServer(t, func(t *testing.T, ask func(key, path string) (int, string)) {
		want := `{"success":true,"data":[{"id":1,"provider":"waha","display_name":"Principal","phone_number":"+5511999887700","is_primary":true,"status":"connected",` +
			`"supports_templates":false,"supports_buttons":false,"has_window_restriction":false},` +
			`{"id":2,"provider":"cloud_api","display_name":"API Oficial","phone_number":null,"is_primary":false,"status":"disconnected",` +
			`"supports_templates":true,"supports_buttons":true,"has_window_restriction":true}]}`
		if status, got := ask("ours", "/whatsapp/instances"); status != 200 || got != want {
			t.Errorf("got %d %s\nwant %s", status, got, want)
		}
		if status, got := ask("theirs", "/whatsapp/instances"); status != 200 || got != none {
			t.Errorf("another account gets %d %s", status, got)
		}
	})
}

func TestTemplatesAreFilteredByNumberStateAndLanguage(t *testing.T) {
	const (
		lembrete = `{"id":1,"instance_id":2,"name":"lembrete","language":"pt_BR","category":"UTILITY","status":"APPROVED","body":"Olá {{1}}","variables_count":1,` +
			`"header_type":"none","components":[{"type":"BODY","text":"<{{1}}>"}]}`
		promo = `{"id":2,"instance_id":2,"name":"promo","language":"en","category":"UTILITY","status":"PENDING","body":"Olá {{1}}","variables_count":1,"header_type":"none","components":[]}`
	)
	eachServer(t, func(t *testing.T, ask func(key, path string) (int, string)) {
		for query, want := range map[string][]string{
			"": {lembrete, promo}, "?instance_id=2": {lembrete, promo}, "?instance_id=1": {}, "?instance_id=99": {},
			"?status=APPROVED": {lembrete}, "?status=DISABLED": {}, "?language=en": {promo}, "?language=xx": {},
			"?instance_id=2&status=PENDING&language=en": {promo}, "?status=": {lembrete, promo},
		} {
			if status, got := ask("ours", "/whatsapp/templates"+query); status != 200 || got != `{"success":true,"data":[`+strings.Join(want, ",")+`]}` {
				t.Errorf("%q lists %d %s\nwant %s", query, status, got, want)
			}
		}
		if status, got := ask("theirs", "/whatsapp/templates?instance_id=2"); status != 200 || got != none {
			t.Errorf("another account gets %d %s", status, got)
		}
		want := `{"message":"The selected status is invalid.","errors":{"status":["The selected status is invalid."]}}`
		if status, got := ask("ours", "/whatsapp/templates?status=approved"); status != 422 || got != want {
			t.Errorf("an unknown state is answered with %d %s", status, got)
		}
		if status, _ := ask("ours", "/whatsapp/templates?instance_id=um"); status != 422 {
			t.Errorf("an id that is no number is answered with %d", status)
		}
	})
}
