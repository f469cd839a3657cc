package messaging_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
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
	"syncro/internal/messaging/simulator"
	"syncro/internal/messaging/waha"
	"syncro/internal/netguard"
	"syncro/internal/pipelines"
	"syncro/internal/secrets"
	"syncro/internal/tasks"
)

// service plays both WhatsApp services, and notes for which phones it is asked.
type service struct {
	*simulator.Simulator
	server  *httptest.Server
	mu      sync.Mutex
	checked []string
}

// The phones of the tests.
const (
	joao   = "+5511999887766" // of lead 100
	twelve = "551199887766"   // how WhatsApp knows it
	nobody = "+5511977776666"
)

func newService(t *testing.T, clock *dbtest.Clock) *service {
	s := &service{Simulator: simulator.New(simulator.Config{Clock: clock.Now})}
	s.Register(joao, twelve)
	s.Register(nobody, "")
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/contacts/check-exists" {
			s.mu.Lock()
			s.checked = append(s.checked, r.URL.Query().Get("phone"))
			s.mu.Unlock()
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.server.Close()
		s.Close(context.WithoutCancel(t.Context()))
	})
	return s
}

// office is an account with two connected numbers and one that is not, and what is
// needed to send by them; and another account.
type office struct {
	*testing.T
	db       *db.DB
	clock    *dbtest.Clock
	service  *service
	sending  *messaging.Service
	actor    authz.Actor
	handler  http.Handler
	happened []events.Event
	mu       sync.Mutex
}

func eachOffice(t *testing.T, test func(o *office)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { test(newOffice(t, d, clock)) })
}

func newOffice(t *testing.T, d *db.DB, clock *dbtest.Clock) *office {
	t.Helper()
	o := &office{T: t, db: d, clock: clock, service: newService(t, clock), actor: dbtest.Account(t, d, clock, 1)}
	theirs := dbtest.Account(t, d, clock, 2)
	box, err := secrets.New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	token, err := box.Seal("token")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []struct {
		id, account   int64
		provider, who string
		primary       bool
		status        string
	}{
		{1, 1, "waha", "Principal", true, "connected"}, {2, 1, "cloud_api", "Oficial", false, "connected"}, {3, 1, "waha", "Reserva", false, "disconnected"},
		{4, 2, "cloud_api", "Deles", true, "connected"},
	} {
		dbtest.Exec(t, d, `INSERT INTO whatsapp_instances (id, account_id, provider, display_name, phone_number, is_primary, status, base_url, session, phone_number_id, token_sealed, created_at, updated_at)
			VALUES ($1, $2, $3, $4, '+5511999887700', $5, $6, $7, $8, $8, $9, $10, $10)`,
			n.id, n.account, n.provider, n.who, n.primary, n.status, o.service.server.URL, fmt.Sprint(9000+n.id), token, clock.Now())
		o.service.Add(number(n.id, n.provider))
	}
	for _, l := range []struct {
		id    int64
		actor authz.Actor
		phone any
	}{{100, o.actor, "+5511999887766"}, {101, o.actor, nil}, {102, o.actor, nobody}, {103, o.actor, "+5511900000000"}, {104, o.actor, "ramal 22"}, {200, theirs, "+5511999887766"}} {
		dbtest.Lead(t, d, clock, l.actor, l.id, "João")
		dbtest.Exec(t, d, `UPDATE leads SET phone = $3 WHERE account_id = $1 AND id = $2`, l.actor.AccountID, l.id, l.phone)
	}
	for _, tpl := range [][]any{{1, 1, 2, "lembrete", "APPROVED", "Olá {{1}}, {{2}}.", 2, "none"}, {2, 1, 2, "promo", "PENDING", "Oi", 0, "none"}, {3, 1, 2, "foto", "APPROVED", "Veja, {{1}}", 1, "image"}, {4, 2, 4, "deles", "APPROVED", "Oi", 0, "none"}} {
		dbtest.Exec(t, d, `INSERT INTO whatsapp_templates (id, account_id, instance_id, name, language, category, status, body, variables_count, header_type, components, created_at, updated_at)
			VALUES ($1, $2, $3, $4, 'pt_BR', 'UTILITY', $5, $6, $7, $8, '[]', $9, $9)`, append(tpl, clock.Now())...)
	}
	if d.Engine() == db.Postgres { // which does not count ids that it is given
		for _, table := range []string{"whatsapp_instances", "whatsapp_templates"} {
			dbtest.Exec(t, d, `ALTER TABLE `+table+` ALTER COLUMN id RESTART WITH 100`)
		}
	}
	o.serve(box, map[string]authz.Actor{"ours": o.actor, "theirs": theirs})
	return o
}

// number is a number as the simulator is told of it.
func number(id int64, provider string) simulator.Number {
	n := simulator.Number{InstanceID: id, Provider: provider, Phone: "+5511999887700", Token: "token", Session: fmt.Sprint(9000 + id), PhoneNumberID: fmt.Sprint(9000 + id), BusinessID: fmt.Sprint(8000 + id)}
	if id == 2 {
		n.Templates = []simulator.Template{
			{ID: "1", Name: "lembrete", Language: "pt_BR", Category: "UTILITY", Status: "APPROVED", Body: "Olá {{1}}, {{2}}.", HeaderType: "none"},
			{ID: "3", Name: "foto", Language: "pt_BR", Category: "UTILITY", Status: "APPROVED", Body: "Veja, {{1}}", HeaderType: "image"},
		}
	}
	return n
}

func (o *office) serve(box *secrets.Box, actors map[string]authz.Actor) {
	var log events.Log
	log.React(func(_ *db.Tx, _ authz.Actor, e events.Event) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.happened = append(o.happened, e)
		return nil
	})
	loopback, err := netguard.ParseRanges(netguard.Loopback)
	if err != nil {
		o.Fatal(err)
	}
	people := accounts.New(o.db, accounts.Options{Clock: o.clock.Now})
	o.sending = messaging.New(o.db, messaging.Options{
		Log: &log, Queue: jobs.NewQueue(), Guard: netguard.New(loopback, nil), Leads: leads.New(o.db, &log, people, pipelines.New(o.db), customfields.New(o.db), tasks.New(o.db, &log, o.clock.Now)),
		Providers: messaging.ProvidersOf(waha.New(exchange.Config{Answer: 2 * time.Second}), cloudapi.New(exchange.Config{Answer: 2 * time.Second})),
		Secrets:   box, Clock: o.clock.Now,
		Automation: func(_ context.Context, account int64) (authz.Actor, error) {
			return authz.Actor{AccountID: account}, nil
		},
	})
	router := api.NewRouter(api.Config{
		DB: o.db, Log: slog.New(slog.NewTextHandler(o.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Clock: o.clock.Now,
		Authenticate: func(_ context.Context, key string) (api.Principal, error) {
			return api.Principal{Actor: actors[key]}, nil
		},
		Allow: func(context.Context, int64, int64) (api.Allowance, error) { return api.Allowance{OK: true}, nil },
	})
	o.sending.Routes(router)
	o.handler = router.Handler()
}

// post sends a request as ours and demands an answer, in which the provider's id of
// a message is left out.
func (o *office) post(path, body string, status int, want string, headers ...string) string {
	o.Helper()
	r := httptest.NewRequestWithContext(o.Context(), http.MethodPost, api.Base+path, strings.NewReader(body))
	r.Header.Set("X-API-Key", "ours")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, r)
	if got := anyID.ReplaceAllString(w.Body.String(), ""); w.Code != status || (want != "" && got != want) {
		o.Errorf("%s %s is answered with\n%d %s\nwant\n%d %s", path, body, w.Code, w.Body, status, want)
	}
	return w.Body.String()
}

var anyID = regexp.MustCompile(`"provider_msg_id":"[^"]+",?`)

// text reads one text from the database.
func (o *office) text(sql string) (text string) {
	o.Helper()
	if err := o.db.Read(o.Context(), func(q db.Querier) error { return db.Get(q.Query(sql), &text) }); err != nil {
		o.Fatalf("%s: %v", sql, err)
	}
	return text
}

// types are the events so far, with the state of their messages.
func (o *office) types() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for _, e := range o.happened {
		all = append(all, string(e.Type)+" "+e.Facts.(messaging.Facts).Status)
	}
	return strings.Join(all, ", ")
}

// inbound notes that lead 100 wrote to number 2, in conversation 99.
func (o *office) inbound(at time.Time) {
	dbtest.Exec(o, o.db, `INSERT INTO conversations (id, account_id, instance_id, phone_key, phone, lead_id, status, last_inbound_at, last_message_at, created_at, updated_at)
		VALUES (99, 1, 2, '5511999887766', '+5511999887766', 100, 'open', $1, $1, $1, $1)`, at)
	o.service.SawInbound(2, joao, at)
}

const (
	hello   = `{"type":"text","body":"Olá! Tudo bem?"}`
	toLead  = "/leads/100/send-whatsapp"
	toLeadT = "/leads/100/send-whatsapp-template"
)

func TestATextGoesOutByThePrimaryNumberToTheFormThatWhatsAppKnows(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.post(toLead, hello, 200, `{"success":true,"conversation_id":1,"message_id":1,}`)
		o.post(toLead, hello, 200, `{"success":true,"conversation_id":1,"message_id":2,}`)
		sent := o.service.Messages()
		if len(sent) != 2 || sent[1].To != twelve || sent[1].InstanceID != 1 || sent[1].Body != "Olá! Tudo bem?" || sent[1].Lost {
			o.Fatalf("the provider was sent %+v", sent)
		}
		if len(o.service.checked) != 1 {
			o.Errorf("the provider was asked for %v", o.service.checked)
		}
		if got := o.text(`SELECT status || ' ' || sent_by || ' ' || direction || ' ' || body FROM messages WHERE account_id = 1 AND id = 2`); got != "sent api out Olá! Tudo bem?" {
			o.Errorf("the message is %q", got)
		}
		if got := o.types(); got != "message.sent sent, message.sent sent" {
			o.Errorf("others heard %q", got)
		}
		if got := o.text(`SELECT description FROM lead_events WHERE account_id = 1 AND lead_id = 100 AND event_type = 'message_sent' ORDER BY id LIMIT 1`); !strings.Contains(got, "Olá! Tudo bem?") {
			o.Errorf("the timeline says %q", got)
		}
		if got := o.text(`SELECT body FROM events WHERE account_id = 1 AND type = 'message.sent' ORDER BY id LIMIT 1`); !strings.Contains(got, `"provider_msg_id":"`+sent[0].ID+`"`) || !strings.Contains(got, `"previous":{}`) {
			o.Errorf("the event is %s", got)
		}
	})
}

func TestAnImageIsFetchedByTheProvider(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.post(toLead, `{"type":"image","media_url":"https://exemplo.com.br/foto.jpg","body":"Veja"}`, 200, "")
		if sent := o.service.Messages()[0]; sent.Kind != "image" || sent.MediaURL != "https://exemplo.com.br/foto.jpg" || sent.Body != "Veja" {
			o.Errorf("the provider was sent %+v", sent)
		}
	})
}

func TestATemplateGoesOutByItsOwnNumberAtAnyTime(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.post(toLeadT, `{"template_id":1,"variables":["João","até logo"]}`, 200, `{"success":true,"conversation_id":1,"message_id":1,"template_name":"lembrete"}`)
		o.post(toLeadT, `{"template_id":"3","variables":["João"],"header_media_url":"https://exemplo.com.br/foto.jpg","instance_id":2}`, 200, "")
		if got := o.text(`SELECT body || ' ' || type || ' ' || instance_id FROM messages WHERE account_id = 1 AND id = 1`); got != "Olá João, até logo. template 2" {
			o.Errorf("the message is %q", got)
		}
		sent := o.service.Messages()
		if sent[0].To != "5511999887766" || sent[0].Body != "Olá João, até logo." || sent[1].To != twelve || sent[1].MediaURL != "https://exemplo.com.br/foto.jpg" {
			o.Errorf("the provider was sent %+v: the second send uses the form that the first was confirmed with", sent)
		}
	})
}

func TestWhatIsWrongIsRefusedBeforeAnythingIsSent(t *testing.T) {
	invalid := func(pairs ...string) string {
		var members []string
		for i := 0; i < len(pairs); i += 2 {
			members = append(members, fmt.Sprintf("%q:[%q]", pairs[i], pairs[i+1]))
		}
		message := pairs[1]
		if len(members) == 2 {
			message += " (and 1 more error)"
		}
		return fmt.Sprintf(`{"message":%q,"errors":{%s}}`, message, strings.Join(members, ","))
	}
	skipped := func(message, reason string) string {
		return fmt.Sprintf(`{"success":false,"message":%q,"skip_reason":%q}`, message, reason)
	}
	const (
		noNumber   = "The selected instance id is invalid."
		unapproved = "The selected template id is not approved."
	)
	eachOffice(t, func(o *office) {
		o.post("/leads/200/send-whatsapp", hello, 404, `{"message":"Lead não encontrado."}`)
		o.post("/leads/999/send-whatsapp-template", `nonsense`, 404, `{"message":"Lead não encontrado."}`)
		o.post(toLead, `{`, 400, "")
		for body, want := range map[string]string{
			`{}`:                               invalid("type", "The type field is required."),
			`{"type":"video"}`:                 invalid("type", "The selected type is invalid."),
			`{"type":"text"}`:                  invalid("body", "The body field is required."),
			`{"type":"image","body":"Oi"}`:     invalid("media_url", "The media url field is required."),
			`{"type":"image","media_url":"x"}`: invalid("media_url", "The media url field must be a valid URL."),
			`{"type":"image","media_url":"ftp://a.br/x.jpg"}`:            invalid("media_url", "The media url field must be a valid URL."),
			`{"type":"text","instance_id":99}`:                           invalid("body", "The body field is required.", "instance_id", noNumber),
			`{"type":"text","body":"Oi","instance_id":3}`:                invalid("instance_id", "The selected instance id is not connected."),
			`{"type":"text","body":"Oi","instance_id":4}`:                invalid("instance_id", noNumber), // the other account's
			`{"type":"text","body":"` + strings.Repeat("ç", 4097) + `"}`: invalid("body", "The body field must not be greater than 4096 characters."),
			`{"type":"text","body":"Oi","instance_id":2}`:                skipped("Janela de 24h fechada — use um template.", "window_closed"),
		} {
			o.post(toLead, body, 422, want)
		}
		for body, want := range map[string]string{
			`{}`:                                   invalid("template_id", "The template id field is required."),
			`{"template_id":99}`:                   invalid("template_id", "The selected template id is invalid."),
			`{"template_id":4}`:                    invalid("template_id", "The selected template id is invalid."), // the other account's
			`{"template_id":2}`:                    invalid("template_id", unapproved),
			`{"template_id":1,"variables":["a"]}`:  invalid("variables", "The variables field must contain 2 items."),
			`{"template_id":1}`:                    invalid("variables", "The variables field must contain 2 items."),
			`{"template_id":2,"variables":["a"]}`:  invalid("template_id", unapproved, "variables", "The variables field must contain 0 items."),
			`{"template_id":3,"variables":["a"]}`:  invalid("header_media_url", "The header media url field is required."),
			`{"template_id":2,"instance_id":1}`:    invalid("template_id", unapproved, "instance_id", "The selected instance id does not own the template."),
			`{"template_id":99,"instance_id":"4"}`: invalid("template_id", "The selected template id is invalid.", "instance_id", noNumber),
		} {
			o.post(toLeadT, body, 422, want)
		}
		o.post(toLeadT, `{"template_id":1,"variables":["a"," "]}`, 422, "")
		for lead, want := range map[int]string{
			101: skipped("O lead não possui telefone.", "no_phone"), 104: skipped("O lead não possui telefone.", "no_phone"),
			102: skipped("O telefone do lead não está no WhatsApp.", "not_on_whatsapp"),
		} {
			o.post(fmt.Sprintf("/leads/%d/send-whatsapp", lead), hello, 422, want)
		}
		o.post("/leads/102/send-whatsapp", hello, 422, "")
		if got := strings.Join(o.service.checked, " "); got != "5511977776666 551177776666" {
			o.Errorf("the provider was asked for %q: both forms, once", got)
		}
		dbtest.Exec(o, o.db, `UPDATE leads SET opted_out_at = $1 WHERE account_id = 1 AND id = 100`, o.clock.Now())
		o.post(toLead, hello, 422, skipped("O lead pediu para não receber mensagens.", "opted_out"))
		if len(o.service.Messages()) != 0 || o.types() != "" || o.text(`SELECT '' || COUNT(*) FROM messages WHERE account_id = 1`) != "0" {
			o.Errorf("all the same %v was sent, %q heard of", o.service.Messages(), o.types())
		}
		o.post(toLead, `{"type":"text","body":"Oi","override_opt_out":true}`, 200, "")
		dbtest.Exec(o, o.db, `UPDATE whatsapp_instances SET status = 'disconnected' WHERE account_id = 1`)
		o.post(toLead, hello, 422, skipped("O lead pediu para não receber mensagens.", "opted_out"))
		dbtest.Exec(o, o.db, `UPDATE leads SET opted_out_at = NULL WHERE account_id = 1`)
		o.post(toLead, hello, 422, skipped("Nenhum número de WhatsApp conectado.", "no_instance"))
		o.post(toLeadT, `{"template_id":1,"variables":["a","b"]}`, 422, skipped("Nenhum número de WhatsApp conectado.", "no_instance"))
	})
}

func TestTheWindowClosesAfterExactly24Hours(t *testing.T) {
	const official = `{"type":"text","body":"Oi","instance_id":2}`
	eachOffice(t, func(o *office) {
		wrote := o.clock.Now()
		o.inbound(wrote)
		o.clock.Advance(24*time.Hour - time.Microsecond)
		o.post(toLead, official, 200, `{"success":true,"conversation_id":99,"message_id":1,}`)
		o.clock.Advance(time.Microsecond)
		closed := o.post(toLead, official, 422, `{"success":false,"message":"Janela de 24h fechada — use um template.","skip_reason":"window_closed"}`)
		o.post(toLead+"?dry_run=1", official, 200, "")
		o.post(toLeadT, `{"template_id":1,"variables":["a","b"]}`, 200, "")
		if again := o.post(toLead, official, 422, ""); again != closed {
			o.Errorf("a template opened the window: %s", again)
		}
		o.post(toLead, hello, 200, "") // the other number has no window
	})
}

func TestADryRunSaysWhatWouldHappenAndSendsNothing(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.inbound(o.clock.Now().Add(-25 * time.Hour))
		o.post(toLead+"?dry_run=true", hello, 200, `{"success":true,"dry_run":true,"would_send":true,"instance":{"id":1,"provider":"waha","display_name":"Principal","phone_number":"+5511999887700"},`+
			`"phone":"+5511999887766","chat_id":"551199887766@c.us","conversation_id":null,"window":{"restricted":false,"open":true,"closes_at":null},`+
			`"message":{"type":"text","text":"Olá! Tudo bem?","media_url":null,"template_name":null},"problems":[]}`)
		o.post(toLead+"?dry_run=true", `{"type":"text","body":"Oi & tchau","instance_id":2}`, 200, `{"success":true,"dry_run":true,"would_send":false,"instance":{"id":2,"provider":"cloud_api","display_name":"Oficial","phone_number":"+5511999887700"},`+
			`"phone":"+5511999887766","chat_id":null,"conversation_id":99,"window":{"restricted":true,"open":false,"closes_at":"2026-06-30T12:00:00Z"},`+
			`"message":{"type":"text","text":"Oi & tchau","media_url":null,"template_name":null},`+
			`"problems":[{"field":null,"skip_reason":"window_closed","message":"Janela de 24h fechada — use um template.","provider_error":null}]}`)
		o.post(toLeadT+"?dry_run=true", `{"template_id":1,"variables":["João"]}`, 200, `{"success":true,"dry_run":true,"would_send":false,"instance":{"id":2,"provider":"cloud_api","display_name":"Oficial","phone_number":"+5511999887700"},`+
			`"phone":"+5511999887766","chat_id":null,"conversation_id":99,"window":{"restricted":true,"open":false,"closes_at":"2026-06-30T12:00:00Z"},`+
			`"message":{"type":"template","text":"Olá João, {{2}}.","media_url":null,"template_name":"lembrete"},`+
			`"problems":[{"field":"variables","skip_reason":null,"message":"The variables field must contain 2 items.","provider_error":null}]}`)
		if got := o.post("/leads/102/send-whatsapp?dry_run=true", hello, 200, ""); !strings.Contains(got, `"would_send":false`) || !strings.Contains(got, `"skip_reason":"not_on_whatsapp"`) {
			o.Errorf("for a phone that is not on WhatsApp it says %s", got)
		}
		o.post("/leads/200/send-whatsapp?dry_run=true", hello, 404, "")
		o.post(toLead+"?dry_run=true", `{`, 400, "")
		o.post(toLead+"?dry_run=talvez", hello, 422, "")
		if len(o.service.Messages()) != 0 || o.types() != "" {
			o.Errorf("all the same %v was sent", o.service.Messages())
		}
	})
}

func TestARefusalOfTheProviderIsA502AndTheMessageStandsAsFailed(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.inbound(o.clock.Now())
		o.service.Fail(simulator.Failure{InstanceID: 2, Code: 131026})
		got := o.post(toLead, `{"type":"text","body":"Oi","instance_id":2}`, 502, "")
		if !strings.HasPrefix(got, `{"success":false,"message":"Falha no provedor WhatsApp.","provider_error":{"code":"131026","message":"`) || !strings.HasSuffix(got, `"},"message_id":1,"delivery":"failed"}`) {
			o.Errorf("answered with %s", got)
		}
		if got := o.text(`SELECT status || ' ' || error_code FROM messages WHERE account_id = 1 AND id = 1`); got != "failed 131026" || o.types() != "message.status_changed failed" {
			o.Errorf("the message is %s, others heard %q", got, o.types())
		}
	})
}

func TestANumberInTroubleIsShownAndNoLongerUsed(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.inbound(o.clock.Now())
		o.service.Fail(simulator.Failure{InstanceID: 2, Code: 190})
		o.post(toLead, `{"type":"text","body":"Oi","instance_id":2}`, 502, "")
		o.post(toLead, `{"type":"text","body":"Oi","instance_id":2}`, 422, "")
		if got := o.text(`SELECT status || ' ' || status_reason FROM whatsapp_instances WHERE account_id = 1 AND id = 2`); !strings.HasPrefix(got, "failed number_in_trouble 190") {
			o.Errorf("the number is %q", got)
		}
	})
}

func TestAProviderOutOfReachIsAFailureAndACutConnectionIsUnknown(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.post(toLead, hello, 200, "") // the form of the number is known from now on
		o.service.Fail(simulator.Failure{Cut: true, Taken: true})
		if got := o.post(toLead, hello, 502, ""); !strings.HasSuffix(got, `"message_id":2,"delivery":"unknown"}`) {
			o.Errorf("a cut connection is answered with %s", got)
		}
		o.service.server.Close()
		if got := o.post(toLead, hello, 502, ""); !strings.HasSuffix(got, `"message_id":3,"delivery":"failed"}`) {
			o.Errorf("no connection is answered with %s", got)
		}
		if got := o.types(); got != "message.sent sent, message.status_changed unknown, message.status_changed failed" {
			o.Errorf("others heard %q", got)
		}
	})
}

func TestRacingRetriesWithOneKeySendOnce(t *testing.T) {
	eachOffice(t, func(o *office) {
		hold := make(chan struct{})
		o.service.Fail(simulator.Failure{Hold: hold, Times: 1})
		const clients = 8
		answers := make(chan string, clients)
		for range clients {
			go func() {
				answers <- o.post(toLead, hello, 200, "", "Idempotency-Key", "k1")
			}()
		}
		close(hold)
		first := <-answers
		for range clients - 1 {
			if again := <-answers; again != first {
				o.Errorf("one client got %s, another one %s", first, again)
			}
		}
		if n := len(o.service.Messages()); n != 1 {
			o.Errorf("%d messages were sent", n)
		}
		o.service.Fail(simulator.Failure{Status: http.StatusBadGateway})
		failed := o.post(toLead, hello, 502, "", "Idempotency-Key", "k2")
		if again := o.post(toLead, hello, 502, "", "Idempotency-Key", "k2"); again != failed || o.service.Attempts(joao, "Olá! Tudo bem?") != 2 {
			o.Errorf("after %s came %s; %d attempts", failed, again, o.service.Attempts(joao, "Olá! Tudo bem?"))
		}
	})
}

func TestAMessageWhoseSenderDiedBecomesUnknown(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.post(toLead, hello, 200, "")
		dbtest.Exec(o, o.db, `UPDATE messages SET status = 'sending', provider_msg_id = NULL WHERE account_id = 1`)
		sweep := func() {
			if err := jobs.RunDue(o.Context(), o.sending.Kinds()...); err != nil {
				o.Fatal(err)
			}
		}
		o.clock.Advance(time.Minute)
		sweep()
		if got := o.text(`SELECT status FROM messages WHERE account_id = 1`); got != "sending" {
			o.Errorf("after a minute it is %s", got)
		}
		o.clock.Advance(time.Hour)
		sweep()
		if got := o.text(`SELECT status FROM messages WHERE account_id = 1`); got != "unknown" || !strings.HasSuffix(o.types(), "message.status_changed unknown") {
			o.Errorf("it is %s, others heard %q", got, o.types())
		}
		if n := len(o.service.Messages()); n != 1 {
			o.Errorf("%d messages were sent", n)
		}
	})
}

func TestAStepSendsOneMessageHoweverOftenItIsAskedFor(t *testing.T) {
	request := messaging.SendRequest{LeadID: 100, Kind: messaging.KindText, Body: "Oi", SentBy: messaging.BySequence, EnrolmentStepRef: "45:2"}
	eachOffice(t, func(o *office) {
		o.service.Fail(simulator.Failure{Status: http.StatusTooManyRequests, Times: 1})
		failed, err := o.sending.Send(o.Context(), o.actor, request)
		if problem := problemOf(err); problem == nil || !problem.Retryable() || failed.MessageID == 0 {
			o.Fatalf("an overloaded provider gives %+v, %v", failed, err)
		}
		first, err := o.sending.Send(o.Context(), o.actor, request)
		if err != nil || first.MessageID != failed.MessageID {
			o.Fatalf("the next attempt gives %+v, %v", first, err)
		}
		dbtest.Exec(o, o.db, `UPDATE leads SET opted_out_at = $1 WHERE account_id = 1`, o.clock.Now())
		if again, err := o.sending.Send(o.Context(), o.actor, request); err != nil || again != first {
			o.Errorf("asked again it gives %+v, %v", again, err)
		}
		request.EnrolmentStepRef = "45:3"
		if _, err := o.sending.Send(o.Context(), o.actor, request); messaging.ReasonOf(err) != messaging.SkipOptedOut {
			o.Errorf("a lead that has opted out gives %v", err)
		}
		dbtest.Exec(o, o.db, `UPDATE messages SET status = 'unknown' WHERE account_id = 1`)
		request.EnrolmentStepRef = "45:2"
		if _, err := o.sending.Send(o.Context(), o.actor, request); problemOf(err) == nil || problemOf(err).Outcome != messaging.Unknown {
			o.Errorf("of an unknown one it says %v", err)
		}
		if n, attempts := o.service.Sent(), o.service.Attempts(joao, "Oi"); n != 1 || attempts != 2 {
			o.Errorf("%d messages were sent in %d attempts", n, attempts)
		}
	})
}

func problemOf(err error) *messaging.SendError {
	problem, _ := errors.AsType[*messaging.SendError](err)
	return problem
}
