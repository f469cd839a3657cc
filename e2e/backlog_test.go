package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"syncro/internal/app"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/leads"
	"syncro/internal/messaging/simulator"
	"syncro/internal/netguard"
	"syncro/internal/secrets"
)

// many is how many enrolments, and how many deliveries, are due at the beginning.
const many = 1000

// firstLead is the id of the first of as many leads; the others follow.
const firstLead = 1001

// greeting is what the sequence's message says.
const greeting = "Olá! Podemos conversar?"

func phoneOf(lead int64) string { return fmt.Sprintf("+55119%08d", 80_000_000+lead) }

// backlog is an installation that has much to do and whose processes are killed.
// What they reach, the WhatsApp provider and the target of the webhooks, lives in
// the test's own process and outlives them.
type backlog struct {
	installation
	outside *outside
	client  *client // of the API, without workers, in the test's own process
	watch   *db.DB  // the same database, seen by the test
}

// outside is what the processes reach. Every request that leaves them passes
// through it, and one that is chosen beforehand springs a trap.
type outside struct {
	whatsApp *simulator.Simulator
	url      string

	mu       sync.Mutex
	passed   int
	springs  int  // the number of the request that springs the trap; 0 for none
	answered bool // whether that request takes effect before
	trap     func()
	hooks    map[string][]string // the bodies that came for each Webhook-Id
}

// set lets the n-th request from now on spring a trap: before it takes effect or
// after that, but in any case before its answer is read.
func (o *outside) set(n int, answered bool, trap func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.passed, o.springs, o.answered, o.trap = 0, n, answered, trap
}

// count counts a request, and gives what it has to do before and after it takes effect.
func (o *outside) count() (before, after func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, after = func() {}, func() {}
	if o.passed++; o.passed != o.springs {
		return before, after
	}
	if o.answered {
		return before, o.trap
	}
	return o.trap, after
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever asked has been killed in the middle of it
	}
	before, after := o.count()
	before()
	if r.URL.Path == "/hook" {
		o.mu.Lock()
		id := r.Header.Get("Webhook-Id")
		o.hooks[id] = append(o.hooks[id], string(body))
		o.mu.Unlock()
	} else {
		r.Body = io.NopCloser(bytes.NewReader(body))
		o.whatsApp.ServeHTTP(w, r)
	}
	after()
}

// arrived are the bodies of the webhooks so far, by their ids.
func (o *outside) arrived() map[string][]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make(map[string][]string, len(o.hooks))
	for id, bodies := range o.hooks {
		all[id] = append([]string(nil), bodies...)
	}
	return all
}

// stack makes a backlog: leads, each enrolled in a sequence whose first step is due,
// and each with a delivery of its enrolment that is due.
func stack(t *testing.T, e engine) *backlog {
	t.Helper()
	b := &backlog{
		installation: install(t, e),
		outside:      &outside{whatsApp: simulator.New(simulator.Config{}), hooks: map[string][]string{}},
	}
	server := httptest.NewServer(b.outside)
	t.Cleanup(server.Close)
	b.outside.url = server.URL
	b.whatsAppNumber(t)

	c := app.Default()
	c.DataDir, c.Database, c.Webhooks, c.LogLevel = b.dir, b.url, netguard.Loopback, "error"
	a, err := app.Open(t.Context(), c, c.Log(t.Output()))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(a.Handler())
	defer func() {
		front.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	b.client = &client{front.URL, b.key(t, "--rate-limit", "1000000")}
	if _, err := leads.Load(t.Context(), a.DB, 1, func(yield func(*leads.Lead) bool) {
		for id := int64(firstLead); id < firstLead+many; id++ {
			if !yield(&leads.Lead{ID: id, Name: fmt.Sprint("Lead ", id), Phone: phoneOf(id), PipelineID: 1, StageID: 1, CreatedAt: time.Now()}) {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	b.client.want(t, 201, "POST", "/webhooks", fields{"target_url": b.outside.url + "/hook", "events": []string{"sequence.enrolled", "sequence.completed"}})
	made := b.client.want(t, 201, "POST", "/sequences", fields{"name": "Boas-vindas", "is_active": true, "steps": []fields{
		{"type": "message", "settings": fields{"body": greeting}},
		{"type": "task", "settings": fields{"subject": "Ligar", "type": "call"}},
		{"type": "action", "settings": fields{"action": "add_tag", "tag": "fim"}},
	}})
	var group sync.WaitGroup
	slots := make(chan struct{}, 8)
	for id := firstLead; id < firstLead+many; id++ {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if got := b.client.do(t, "POST", fmt.Sprintf("/leads/%d/enroll-sequence", id), fields{"sequence_id": made.at("sequence", "id")}); got.status != 200 {
				t.Errorf("lead %d: %d %s", id, got.status, got.text)
			}
		})
	}
	group.Wait()
	return b
}

// whatsAppNumber connects the account to the simulator.
func (b *backlog) whatsAppNumber(t *testing.T) {
	t.Helper()
	box, err := secrets.Load("", b.dir)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := box.Seal("token")
	if err != nil {
		t.Fatal(err)
	}
	clock := dbtest.NewClock()
	b.watch = dbtest.Open(t, strings.Replace(b.url, "sqlite:", "sqlite:"+b.dir+string(filepath.Separator), 1), clock)
	dbtest.Exec(t, b.watch, `INSERT INTO whatsapp_instances (id, account_id, provider, display_name, phone_number, is_primary, status, base_url, session, token_sealed, hook_secret_sealed, created_at, updated_at)
		VALUES (1, 1, 'waha', 'Número principal', '+5511999887700', TRUE, 'connected', $1, 'default', $2, $2, $3, $3)`, b.outside.url, sealed, clock.Now())
	b.outside.whatsApp.Add(simulator.Number{InstanceID: 1, Provider: "waha", Phone: "+5511999887700", Token: "token", Session: "default"})
}

// count counts rows.
func (b *backlog) count(t testing.TB, sql string, args ...any) (n int64) {
	t.Helper()
	if err := b.watch.Read(t.Context(), func(q db.Querier) error { return db.Get(q.Query(sql, args...), &n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// node starts a process on the backlog: `serve`, or another command.
func (b *backlog) node(t *testing.T, args ...string) *process {
	t.Helper()
	args = append(args, "--database", b.url, "--webhook-allow", netguard.Loopback)
	if args[0] == "worker" {
		return launch(t, command(b.dir, args...))
	}
	return start(t, b.dir, args...)
}

// await waits until so many requests more have left the processes.
func (b *backlog) await(t *testing.T, requests int) {
	t.Helper()
	passed := make(chan struct{})
	b.outside.set(requests, false, func() { close(passed) })
	arrive(t, passed, requests)
}

// killAt has a process killed when so many requests more have left the processes,
// and waits until it is dead.
func (b *backlog) killAt(t *testing.T, p *process, requests int, answered bool) {
	t.Helper()
	b.outside.set(requests, answered, func() {
		_ = p.cmd.Process.Kill() // if it has ended already, there is nothing to kill
		<-p.ended
	})
	arrive(t, p.ended, requests)
}

func arrive(t *testing.T, done <-chan struct{}, requests int) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(afterAll):
		t.Fatalf("%d requests have not come within %s", requests, afterAll)
	}
}

// elapse lets the leases of the dead end, as if somebody came a minute later. It is
// for a moment in which no process lives.
func (b *backlog) elapse(t *testing.T) {
	t.Helper()
	now := time.Now()
	dbtest.Exec(t, b.watch, `UPDATE sequence_enrollments SET due_at = $1 WHERE account_id = 1 AND running`, now)
	dbtest.Exec(t, b.watch, `UPDATE webhook_deliveries SET leased_until = $1 WHERE account_id = 1 AND state = 'delivering'`, now)
}

// afterAll bounds the work on a backlog, the leases of the dead included.
const afterAll = 4 * time.Minute

// finish waits until nothing is left to do.
func (b *backlog) finish(t *testing.T) {
	t.Helper()
	wait := func(what, sql string) {
		t.Helper()
		waitFor(t, afterAll, "no "+what+" left", func() bool { return b.count(t, sql) == 0 })
	}
	wait("enrolments", `SELECT count(*) FROM sequence_enrollments WHERE account_id = 1 AND status = 'active'`)
	wait("deliveries", `SELECT count(*) FROM webhook_deliveries WHERE account_id = 1 AND state NOT IN ('delivered', 'dead')`)
	// What the dead were sending is given up after two minutes. Nobody sends any more,
	// so that they can have passed already.
	dbtest.Exec(t, b.watch, `UPDATE messages SET updated_at = $1 WHERE account_id = 1 AND status = 'sending'`, time.Now().Add(-10*time.Minute))
	wait("messages", `SELECT count(*) FROM messages WHERE account_id = 1 AND status = 'sending'`)
}

// verify demands that everything was done, and nothing twice.
func (b *backlog) verify(t *testing.T) {
	t.Helper()
	if n := b.count(t, `SELECT count(*) FROM sequence_enrollments WHERE account_id = 1 AND status = 'completed'`); n != many {
		t.Errorf("%d of %d enrolments are completed", n, many)
	}
	for position := range 3 {
		if n := b.count(t, `SELECT count(DISTINCT enrollment_id) FROM sequence_runs WHERE account_id = 1 AND position = $1 AND outcome IN ('done', 'unknown')`, position+1); n != many {
			t.Errorf("step %d ran for %d enrolments", position+1, n)
		}
	}
	if n := b.count(t, `SELECT count(*) FROM sequence_runs WHERE account_id = 1`); n != 3*many {
		t.Errorf("%d runs of steps, want %d", n, 3*many)
	}
	for what, sql := range map[string]string{
		"tasks":                `SELECT count(*) FROM tasks WHERE account_id = 1`,
		"leads with a task":    `SELECT count(DISTINCT lead_id) FROM tasks WHERE account_id = 1`,
		"tags":                 `SELECT count(*) FROM lead_events WHERE account_id = 1 AND event_type = 'tag_added'`,
		"leads with the tag":   `SELECT count(DISTINCT lead_id) FROM lead_events WHERE account_id = 1 AND event_type = 'tag_added'`,
		"leads with a message": `SELECT count(DISTINCT lead_id) FROM messages WHERE account_id = 1 AND direction = 'out'`,
		"messages":             `SELECT count(*) FROM messages WHERE account_id = 1`,
	} {
		if n := b.count(t, sql); n != many {
			t.Errorf("%d %s, want %d", n, what, many)
		}
	}
	b.verifyMessages(t)
	b.verifyWebhooks(t)
}

// verifyMessages demands that no customer has got a message twice, and that each
// message is what it is said to be.
func (b *backlog) verifyMessages(t *testing.T) {
	t.Helper()
	for _, m := range b.outside.whatsApp.Doubled() {
		t.Errorf("%s got the message twice", m.To)
	}
	status := map[int64]string{}
	if err := b.watch.Read(t.Context(), func(q db.Querier) error {
		rows := q.Query(`SELECT lead_id, status FROM messages WHERE account_id = 1 ORDER BY lead_id`)
		for rows.Next() {
			var lead int64
			var text string
			rows.Scan(&lead, &text)
			status[lead] = text
		}
		return rows.Err()
	}); err != nil {
		t.Fatal(err)
	}
	unknown := 0
	for lead := int64(firstLead); lead < firstLead+many; lead++ {
		switch got, attempts := b.outside.whatsApp.Count(phoneOf(lead), greeting), b.outside.whatsApp.Attempts(phoneOf(lead), greeting); {
		case attempts > 1:
			t.Errorf("the provider was asked %d times for the message to lead %d", attempts, lead)
		case status[lead] == "sent" && got == 1:
		case status[lead] == "unknown":
			unknown++
		default:
			t.Errorf("lead %d got %d messages, which stand as %q", lead, got, status[lead])
		}
	}
	t.Logf("%d messages reached somebody, %d are unknown", b.outside.whatsApp.Sent(), unknown)
}

// verifyWebhooks demands that every event arrived, each time under the same id and
// with the same bytes.
func (b *backlog) verifyWebhooks(t *testing.T) {
	t.Helper()
	told := map[string]string{}
	if err := b.watch.Read(t.Context(), func(q db.Querier) error {
		rows := q.Query(`SELECT event_id, body FROM events WHERE account_id = 1 AND type IN ('sequence.enrolled', 'sequence.completed')`)
		for rows.Next() {
			var id, body string
			rows.Scan(&id, &body)
			told[id] = body
		}
		return rows.Err()
	}); err != nil {
		t.Fatal(err)
	}
	if len(told) != 2*many {
		t.Errorf("%d events, want %d", len(told), 2*many)
	}
	arrived, repeated := b.outside.arrived(), 0
	for id, body := range told {
		if len(arrived[id]) == 0 {
			t.Errorf("%s has not arrived", id)
		}
		for _, got := range arrived[id] {
			if got != body {
				t.Errorf("%s arrived as %s\nwant %s", id, got, body)
			}
		}
		repeated += max(0, len(arrived[id])-1)
		delete(arrived, id)
	}
	for id := range arrived {
		t.Errorf("%s arrived, which was never told", id)
	}
	t.Logf("%d webhooks arrived, %d more than once", len(told), repeated)
}
