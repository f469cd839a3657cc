package sequences_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/api/apitest"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/jobs"
	"syncro/internal/leads"
	"syncro/internal/messaging"
	"syncro/internal/pipelines"
	"syncro/internal/secrets"
	"syncro/internal/sequences"
	"syncro/internal/tasks"
)

// world is a server with one account: users 11 Ana and 12 Bruno; stages 11
// Proposta, 12 Documentação (which requires a task), 13 Ganho; number 1, connected
// without a window, and 2, official; template 1 of number 2, with two variables;
// leads 100 João and 101 Maria.
type world struct {
	t        testing.TB
	db       *db.DB
	clock    *dbtest.Clock
	log      *events.Log
	queue    *jobs.Queue
	box      *secrets.Box
	inbox    *messaging.Inbox
	actor    authz.Actor
	handler  http.Handler
	options  func(*events.Log) sequences.Options
	service  *sequences.Service
	provider *provider
}

func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { test(t, newWorld(t, d, clock)) })
}

func newWorld(t testing.TB, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	scripted := &provider{}
	w := worldWith(t, d, clock, messaging.ProvidersOf(&side{scripted, "waha", false}, &side{scripted, "cloud_api", true}))
	w.provider = scripted
	return w
}

func worldWith(t testing.TB, d *db.DB, clock *dbtest.Clock, providers messaging.Providers) *world {
	t.Helper()
	w := &world{t: t, db: d, clock: clock, log: &events.Log{}, queue: jobs.NewQueue(), actor: dbtest.Account(t, d, clock, 1)}
	for id, stage := range map[int64][]any{12: {"Documentação", "open"}, 13: {"Ganho", "won"}} {
		dbtest.Exec(t, d, `INSERT INTO stages (id, account_id, pipeline_id, name, color, kind, probability, sort_order, created_at, updated_at)
			VALUES ($1, 1, 1, $2, '#FFFFFF', $3, 50, $1, $4, $4)`, id, stage[0], stage[1], clock.Now())
	}
	dbtest.Exec(t, d, `INSERT INTO stage_requirements (account_id, stage_id, subject, type, priority, due_in_days, created_at) VALUES (1, 12, 'Conferir', 'task', 'low', 1, $1)`, clock.Now())
	for id, provider := range map[int64]string{1: "waha", 2: "cloud_api"} {
		dbtest.Exec(t, d, `INSERT INTO whatsapp_instances (id, account_id, provider, display_name, is_primary, status, created_at, updated_at)
			VALUES ($1, 1, $2, 'Número', $3, 'connected', $4, $4)`, id, provider, id == 1, clock.Now())
	}
	dbtest.Exec(t, d, `INSERT INTO whatsapp_templates (id, account_id, instance_id, name, language, category, status, body, variables_count, header_type, components, created_at, updated_at)
		VALUES (1, 1, 2, 'lembrete', 'pt_BR', 'UTILITY', 'APPROVED', 'Olá {{1}}, de {{2}}', 2, 'none', '[]', $1, $1)`, clock.Now())
	for id, who := range map[int64][]string{100: {"João Silva", joaosPhone}, 101: {"Maria Souza", "+5511999887701"}} {
		dbtest.Lead(t, d, clock, w.actor, id, who[0])
		dbtest.Exec(t, d, `UPDATE leads SET phone = $2 WHERE account_id = 1 AND id = $1`, id, who[1])
	}
	people := accounts.New(d, accounts.Options{Clock: clock.Now})
	board, fields, chores := pipelines.New(d), customfields.New(d), tasks.New(d, w.log, clock.Now)
	crm := leads.New(d, w.log, people, board, fields, chores, sequences.Include())
	var err error
	w.box, err = secrets.New(make([]byte, 32))
	check(t, err)
	messages := messaging.New(d, messaging.Options{
		Log: w.log, Queue: w.queue, Leads: crm, Providers: providers, Secrets: w.box, Clock: clock.Now, Automation: people.Automation, MediaDir: t.TempDir(),
	})
	logger := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	w.inbox = messaging.NewInbox(messages, messaging.InboxOptions{Notes: logger})
	w.options = func(log *events.Log) sequences.Options {
		return sequences.Options{
			Log: log, Queue: w.queue, Accounts: people, Pipelines: board, CustomFields: fields, Tasks: chores, Leads: crm, Messaging: messages, Clock: clock.Now,
		}
	}
	w.service = sequences.New(d, w.options(w.log))
	router := api.NewRouter(api.Config{
		DB: d, Log: logger, Clock: clock.Now,
		Authenticate: func(context.Context, string) (api.Principal, error) { return api.Principal{Actor: w.actor}, nil },
		Allow:        func(context.Context, int64, int64) (api.Allowance, error) { return api.Allowance{OK: true}, nil },
	})
	crm.Routes(router)
	chores.Routes(router)
	w.service.Routes(router)
	w.inbox.Mount(router)
	w.handler = router.Handler()
	return w
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// answer is what the server answered.
type answer struct {
	status int
	text   string
	body   map[string]any
}

// at digs in the body: at("lead", "tags", 0).
func (a answer) at(path ...any) any { return apitest.Dig(a.body, path...) }

// ask sends a request to the server and demands its status.
func (w *world) ask(status int, method, path string, body any) answer {
	w.t.Helper()
	got := apitest.Ask(w.handler, "crm_key", method, path, body)
	if got.Status != status {
		w.t.Fatalf("%s %s: %d %s; want %d", method, path, got.Status, got.Text, status)
	}
	return answer{got.Status, got.Text, got.Body}
}

// sequence makes an active sequence of steps, written as JSON.
func (w *world) sequence(more string, steps string) int64 {
	w.t.Helper()
	made := w.ask(201, "POST", "/sequences", `{"name":"Boas-vindas","is_active":true,`+more+`"steps":[`+steps+`]}`)
	id, _ := made.at("sequence", "id").(float64)
	return int64(id)
}

func (w *world) enroll(lead, sequence int64) answer {
	w.t.Helper()
	return w.ask(200, "POST", fmt.Sprintf("/leads/%d/enroll-sequence", lead), map[string]any{"sequence_id": sequence})
}

// explained is what is said of a lead in a sequence.
func (w *world) explained(lead, sequence int64) answer {
	w.t.Helper()
	return w.ask(200, "GET", fmt.Sprintf("/leads/%d/sequences/%d/explain", lead, sequence), nil)
}

// expect demands how a lead stands in a sequence: its status, its step and what has
// become of the steps that ran, as "1 done, 2 skipped (blocked)".
func (w *world) expect(lead, sequence int64, status string, step int, history ...string) answer {
	w.t.Helper()
	x := w.explained(lead, sequence)
	var ran []string
	list, _ := x.at("history").([]any)
	for i := range list {
		text := fmt.Sprintf("%v %v", x.at("history", i, "step"), x.at("history", i, "outcome"))
		if reason := x.at("history", i, "reason"); reason != nil {
			text += fmt.Sprintf(" (%v)", reason)
		}
		ran = append(ran, text)
	}
	if x.at("status") != status || x.at("current_step") != float64(step) || !slices.Equal(ran, history) {
		w.t.Errorf("lead %d is %v at step %v after %q\nwant %s at step %d after %q", lead, x.at("status"), x.at("current_step"), ran, status, step, history)
	}
	return x
}

// pass lets time go by and the engine do what is due.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	check(w.t, jobs.RunDue(w.t.Context(), w.service.Kinds()...))
}

// reply lets a lead write to number 1.
func (w *world) reply(lead int64) {
	w.t.Helper()
	check(w.t, w.db.Write(w.t.Context(), func(tx *db.Tx) error {
		return w.log.Emit(tx, authz.Actor{AccountID: 1, Location: w.actor.Location}, events.Event{
			Type: events.MessageReceived, LeadID: &lead, Data: []byte("{}"), Facts: messaging.Facts{LeadID: &lead, Direction: "in", Type: "text", Text: "Oi"},
		})
	}))
}

// events are the types of what the account's listeners were told, in order.
func (w *world) events(like string) (types []string) {
	w.t.Helper()
	check(w.t, w.db.Read(w.t.Context(), func(q db.Querier) (err error) {
		types, err = db.Column[string](q.Query(`SELECT type FROM events WHERE account_id = 1 AND type LIKE $1 ORDER BY id`, like))
		return err
	}))
	return types
}

func (w *world) count(sql string, args ...any) (n int64) {
	w.t.Helper()
	check(w.t, w.db.Read(w.t.Context(), func(q db.Querier) error { return db.Get(q.Query(sql, args...), &n) }))
	return n
}

const joaosPhone = "+5511999887700"

// provider answers sends as it is told to, and counts them.
type provider struct {
	mu     sync.Mutex
	sent   []string
	joao   error // of messages to João
	during func(m messaging.Outgoing)
}

func (p *provider) said() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

// answerJoao tells how messages to João are answered from now on.
func (p *provider) answerJoao(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.joao = err
}

// side is the provider under one of its names.
type side struct {
	*provider
	name   string
	window bool
}

func (s *side) Name() string { return s.name }

func (s *side) Traits() messaging.Traits {
	return messaging.Traits{Templates: s.window, Buttons: s.window, Window: s.window}
}

func (s *side) Send(_ context.Context, _ messaging.Connection, m messaging.Outgoing) (messaging.Sent, error) {
	if s.during != nil {
		s.during(m)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.joao != nil && m.To == joaosPhone {
		return messaging.Sent{}, s.joao
	}
	text := m.Body + m.Caption
	if m.Template != nil {
		text = fmt.Sprintf("%s%q", m.Template.Name, m.Template.Variables)
	}
	s.sent = append(s.sent, text)
	return messaging.Sent{ProviderID: fmt.Sprintf("id-%d", len(s.sent))}, nil
}

func (s *side) VerifyHook(messaging.Connection, http.Header, []byte) error { return nil }

func (s *side) ReadHook(messaging.Connection, []byte) ([]messaging.Incoming, error) { return nil, nil }
