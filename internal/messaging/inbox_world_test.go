package messaging_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/jobs"
	"syncro/internal/leads"
	"syncro/internal/messaging"
	"syncro/internal/messaging/cloudapi"
	"syncro/internal/messaging/exchange"
	"syncro/internal/messaging/waha"
	"syncro/internal/pipelines"
	"syncro/internal/secrets"
	"syncro/internal/tasks"
)

const hookSecret = "segredo do webhook"

// mailbox is an account with number 1 (WAHA, connected, whose unknown senders become
// leads in stage 11), number 2 (Cloud API) and number 3 (WAHA, without a secret for
// its webhooks), an account that has none of it, and the providers' servers as far
// as receiving needs them.
type mailbox struct {
	db       *db.DB
	clock    *dbtest.Clock
	actor    authz.Actor
	handler  http.Handler
	service  *messaging.Service
	inbox    *messaging.Inbox
	kinds    []jobs.Kind
	events   *events.Log
	provider *http.ServeMux // what WAHA and Meta answer
	mediaDir string
}

func eachMailbox(t *testing.T, test func(t *testing.T, w *mailbox)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { test(t, newMailbox(t, d, clock)) })
}

func newMailbox(t *testing.T, d *db.DB, clock *dbtest.Clock) *mailbox {
	t.Helper()
	w := &mailbox{db: d, clock: clock, actor: dbtest.Account(t, d, clock, 1), events: &events.Log{}, provider: http.NewServeMux(), mediaDir: t.TempDir()}
	theirs := dbtest.Account(t, d, clock, 2)
	server := httptest.NewServer(w.provider)
	t.Cleanup(server.Close)
	box, err := secrets.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	seal := func(plain string) string {
		sealed, err := box.Seal(plain)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	for id, provider := range map[int64]string{1: "waha", 2: "cloud_api", 3: "waha"} {
		dbtest.Exec(t, d, `INSERT INTO whatsapp_instances (id, account_id, provider, display_name, is_primary, status, base_url, session, token_sealed, creates_leads, lead_pipeline_id, lead_stage_id,
				created_at, updated_at) VALUES ($1, 1, $2, 'Número', $3, 'connected', $4, 'default', $5, TRUE, 1, 11, $6, $6)`, id, provider, id == 1, server.URL, seal("chave"), clock.Now())
	}
	dbtest.Exec(t, d, `UPDATE whatsapp_instances SET hook_secret_sealed = $1 WHERE account_id = 1 AND id <> 3`, seal(hookSecret))
	dbtest.Exec(t, d, `UPDATE whatsapp_instances SET phone_number_id = '1055', verify_token_sealed = $1 WHERE account_id = 1 AND id = 2`, seal("verifica"))

	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	a := accounts.New(d, accounts.Options{Clock: clock.Now})
	people := leads.New(d, w.events, a, pipelines.New(d), customfields.New(d), tasks.New(d, w.events, clock.Now))
	w.service = messaging.New(d, messaging.Options{
		Log: w.events, Queue: jobs.NewQueue(), Leads: people, Clock: clock.Now, Secrets: box, Automation: a.Automation, MediaDir: w.mediaDir,
		Providers: messaging.ProvidersOf(waha.New(exchange.Config{}), cloudapi.New(exchange.Config{})),
	})
	w.inbox = messaging.NewInbox(w.service, messaging.InboxOptions{Notes: log, MediaLimit: 1000})
	w.kinds = append(w.service.Kinds(), w.inbox.Kinds()...)
	router := api.NewRouter(api.Config{
		DB: d, Log: log, Clock: clock.Now,
		Authenticate: func(_ context.Context, key string) (api.Principal, error) {
			return api.Principal{Actor: map[string]authz.Actor{"ours": w.actor, "theirs": theirs}[key]}, nil
		},
		Allow: func(context.Context, int64, int64) (api.Allowance, error) { return api.Allowance{OK: true}, nil },
	})
	w.service.Routes(router)
	w.inbox.Mount(router)
	w.handler = router.Handler()
	return w
}

// request sends a request with headers and gives the answer.
func (w *mailbox) request(t *testing.T, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer
}

// ask sends a request of our account, or of another whose key stands before the
// method, and insists on the status.
func (w *mailbox) ask(t *testing.T, status int, method, path, body string) string {
	t.Helper()
	key, verb, other := strings.Cut(method, " ")
	if !other {
		key, verb = "ours", method
	}
	answer := w.request(t, verb, api.Base+path, body, "X-API-Key", key)
	if answer.Code != status {
		t.Errorf("%s %s %s: %d %s, want %d", method, path, body, answer.Code, answer.Body, status)
	}
	return answer.Body.String()
}

func signedWAHA(body string) []string {
	mac := hmac.New(sha512.New, []byte(hookSecret))
	mac.Write([]byte(body))
	return []string{"X-Webhook-Hmac", hex.EncodeToString(mac.Sum(nil))}
}

func signedMeta(body string) []string {
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(body))
	return []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac.Sum(nil))}
}

// deliver brings webhooks, signed, to numbers 1 and 2.
func (w *mailbox) deliver(t *testing.T, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		path, signature := "/hooks/waha/1", signedWAHA(body)
		if strings.Contains(body, `"entry"`) {
			path, signature = "/hooks/whatsapp-cloud/2", signedMeta(body)
		}
		if answer := w.request(t, http.MethodPost, path, body, signature...); answer.Code != 200 || answer.Body.String() != `{"success":true}` {
			t.Errorf("%s: %d %s", body, answer.Code, answer.Body)
		}
	}
}

// work works off all that is due.
func (w *mailbox) work(t *testing.T) {
	t.Helper()
	if err := jobs.RunDue(t.Context(), w.kinds...); err != nil {
		t.Error(err)
	}
}

// hookKind is the kind of work that webhooks are.
func (w *mailbox) hookKind(t *testing.T) jobs.Kind {
	t.Helper()
	i := slices.IndexFunc(w.kinds, func(k jobs.Kind) bool { return k.Name == "inbound_hook" })
	if i < 0 {
		t.Fatal("no work is of webhooks")
	}
	return w.kinds[i]
}

// receive is deliver and work.
func (w *mailbox) receive(t *testing.T, bodies ...string) {
	t.Helper()
	w.deliver(t, bodies...)
	w.work(t)
}

// fromWAHA is the webhook of a message; more are further members of its payload.
func (w *mailbox) fromWAHA(id, from, body, more string) string {
	return w.fromWAHAAt(w.clock.Now(), id, from, body, more)
}

// fromWAHAAt is that of a message whose own time is another one.
func (w *mailbox) fromWAHAAt(at time.Time, id, from, body, more string) string {
	return fmt.Sprintf(`{"id":"evt","timestamp":%d,"event":"message","session":"default","payload":{"id":"false_%s_%s","timestamp":%d,"from":%q,"fromMe":false,"body":%q,"hasMedia":false%s}}`,
		w.clock.Now().UnixMilli(), from, id, at.Unix(), from, body, more)
}

// echoWAHA is the webhook of a message from our own number.
func (w *mailbox) echoWAHA(id, to, body string) string {
	return fmt.Sprintf(`{"id":"evt","timestamp":%d,"event":"message.any","session":"default","payload":{"id":"true_%s_%s","timestamp":%d,"from":"5511999887700@c.us","to":%q,"fromMe":true,"body":%q,"hasMedia":false,"ack":1}}`,
		w.clock.Now().UnixMilli(), to, id, w.clock.Now().Unix(), to, body)
}

// ackWAHA is the webhook of how far a message to Maria has come.
func (w *mailbox) ackWAHA(id string, ack int) string {
	return fmt.Sprintf(`{"id":"evt","timestamp":%d,"event":"message.ack","session":"default","payload":{"id":"true_%s_%s","to":%q,"fromMe":true,"ack":%d}}`,
		w.clock.Now().UnixMilli(), maria, id, maria, ack)
}

// fromMeta is a webhook whose value has these members.
func fromMeta(members string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"1","phone_number_id":"1055"},` + members + `}}]}]}`
}

// sent writes down a message of ours to a phone on number 1, as sending does.
func (w *mailbox) sent(t *testing.T, id int64, status, providerID, body string) {
	t.Helper()
	w.conversation(t)
	var provided *string
	if providerID != "" {
		provided = &providerID
	}
	dbtest.Exec(t, w.db, `INSERT INTO messages (id, account_id, conversation_id, instance_id, direction, type, body, provider_msg_id, status, sent_by, at, created_at, updated_at)
		VALUES ($1, 1, 50, 1, 'out', 'text', $2, $3, $4, 'api', $5, $5, $5)`, id, body, provided, status, w.clock.Now())
}

// conversation makes conversation 50 of number 1 with +5511988887777, once.
func (w *mailbox) conversation(t *testing.T) {
	t.Helper()
	dbtest.Exec(t, w.db, `INSERT INTO conversations (id, account_id, instance_id, phone_key, phone, status, last_message_at, created_at, updated_at)
		VALUES (50, 1, 1, '5511988887777', '+5511988887777', 'open', $1, $1, $1) ON CONFLICT (account_id, instance_id, phone_key) DO NOTHING`, w.clock.Now())
}

// texts reads a column of texts.
func (w *mailbox) texts(t *testing.T, sql string) string {
	t.Helper()
	var texts []string
	if err := w.db.Read(t.Context(), func(q db.Querier) (err error) {
		texts, err = db.Collect(q.Query(sql), func(r *db.Rows, s *string) { r.Scan(s) })
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(texts, " | ")
}

func (w *mailbox) wants(t *testing.T, want, sql string) {
	t.Helper()
	if got := w.texts(t, sql); got != want {
		t.Errorf("%.60s…\n got %s\nwant %s", strings.Join(strings.Fields(sql), " "), got, want)
	}
}

// What tests look at.
const (
	theMessages      = `SELECT direction || ' ' || type || ' ' || status || ' ' || COALESCE(sent_by, '-') || ' ' || COALESCE(body, '') FROM messages WHERE account_id = 1 ORDER BY COALESCE(provider_msg_id, body)`
	theConversations = `SELECT phone || ' ' || status || ' unread ' || unread_count || ' ' || COALESCE(contact_name, '-') FROM conversations WHERE account_id = 1 ORDER BY id`
	theLeads         = `SELECT name || ' ' || COALESCE(phone, '-') || ' ' || COALESCE(source, '-') FROM leads WHERE account_id = 1 ORDER BY id`
	theEvents        = `SELECT type FROM events WHERE account_id = 1 ORDER BY id`
	theHooks         = `SELECT state FROM inbound_hooks WHERE account_id = 1 ORDER BY id`
)

// parse reads a time of the tests.
func parse(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// get reads one row.
func (w *mailbox) get(t *testing.T, sql string, dest ...any) {
	t.Helper()
	if err := w.db.Read(t.Context(), func(q db.Querier) error { return db.Get(q.Query(sql), dest...) }); err != nil {
		t.Fatal(err)
	}
}

// say answers a request of ours as a provider does.
func say(answer http.ResponseWriter, format string, args ...any) {
	_, _ = fmt.Fprintf(answer, format, args...) // the reader has left, then
}
