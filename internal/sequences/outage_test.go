package sequences_test

import (
	"log/slog"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db/dbtest"
	"syncro/internal/jobs"
	"syncro/internal/messaging/simulator"
)

// neighbour is another account: lead 200 and number 3, at a provider of its own.
type neighbour struct {
	actor    authz.Actor
	whatsApp *simulator.Simulator
	sequence int64
}

const neighboursPhone = "+5511999887702"

func (w *simulated) neighbour() *neighbour {
	w.t.Helper()
	n := &neighbour{actor: dbtest.Account(w.t, w.db, w.clock, 2), whatsApp: simulator.New(simulator.Config{Clock: w.clock.Now})}
	server := httptest.NewServer(n.whatsApp)
	w.t.Cleanup(server.Close)
	sealed, err := w.box.Seal("token")
	check(w.t, err)
	dbtest.Exec(w.t, w.db, `INSERT INTO whatsapp_instances (id, account_id, provider, display_name, is_primary, status, base_url, session, token_sealed, created_at, updated_at)
		VALUES (3, 2, 'waha', 'Número', TRUE, 'connected', $1, 'default', $2, $3, $3)`, server.URL, sealed, w.clock.Now())
	dbtest.Lead(w.t, w.db, w.clock, n.actor, 200, "Vera")
	dbtest.Exec(w.t, w.db, `UPDATE leads SET phone = $1 WHERE account_id = 2 AND id = 200`, neighboursPhone)
	n.whatsApp.Add(simulator.Number{InstanceID: 3, Provider: "waha", Token: "token", Session: "default"})
	w.as(n.actor, func() { n.sequence = w.sequence("", hello) })
	return n
}

// as does something as another actor.
func (w *simulated) as(actor authz.Actor, do func()) {
	w.t.Helper()
	ours := w.actor
	w.actor = actor
	defer func() { w.actor = ours }()
	do()
}

func TestAProviderThatIsDownForAnHour(t *testing.T) {
	eachSimulated(t, func(t *testing.T, w *simulated) {
		n := w.neighbour()
		id := w.sequence("", hello)
		w.unreachable(true)
		w.enroll(100, id)
		w.enroll(101, id)
		w.as(n.actor, func() { w.enroll(200, n.sequence) })
		w.goOn(0)
		w.as(n.actor, func() { w.expect(200, n.sequence, "completed", 1, "1 done") })
		for range 12 {
			for _, lead := range []int64{100, 101} {
				x := w.expect(lead, id, "active", 1)
				if next, _ := x.at("next", "at").(string); x.at("reason") != "retry" || x.at("last_error") == nil || next <= w.clock.Now().Format(time.RFC3339) {
					t.Errorf("explained as %s", x.text)
				}
			}
			if failed := w.count(`SELECT count(*) FROM messages WHERE account_id = 1 AND status = 'failed' AND error_code IS NOT NULL`); failed != 2 {
				t.Errorf("%d messages stand as failed", failed)
			}
			w.goOn(5 * time.Minute)
		}
		if attempts := w.count(`SELECT max(attempts) FROM messages WHERE account_id = 1`); attempts < 3 || attempts > 5 {
			t.Errorf("%d attempts in an hour", attempts)
		}
		w.unreachable(false)
		w.goOn(time.Hour)
		for _, lead := range []int64{100, 101} {
			w.expect(lead, id, "completed", 1, "1 done")
		}
		if sent := w.count(`SELECT count(*) FROM messages WHERE account_id = 1 AND status = 'sent' AND error_code IS NULL`); sent != 2 || w.whatsApp.Sent() != 2 || n.whatsApp.Sent() != 1 {
			t.Errorf("%d messages stand as sent; %d and %d have arrived", sent, w.whatsApp.Sent(), n.whatsApp.Sent())
		}
	})
}

func TestWhenAProviderWantsToBeAskedLaterIsHeeded(t *testing.T) {
	eachSimulated(t, func(t *testing.T, w *simulated) {
		for i, number := range []int64{1, 2} { // WAHA, and Meta's own 80007
			failure := []simulator.Failure{{Status: 429, RetryAfter: 5400}, {Code: 80007, RetryAfter: 5400}}[i]
			failure.InstanceID = number
			w.whatsApp.Fail(failure)
			id := w.sequence("", []string{hello, `{"type":"template","settings":{"template_id":1,"variables":["{{nome}}","nós"]}}`}[i])
			w.enroll(100, id)
			w.goOn(0)
			later := w.clock.Now().Add(5400 * time.Second).Format(time.RFC3339)
			if x := w.expect(100, id, "active", 1); x.at("reason") != "retry" || x.at("next", "at") != later {
				t.Errorf("explained as %s, want it at %s", x.text, later)
			}
			w.whatsApp.Heal()
			w.goOn(89 * time.Minute)
			w.expect(100, id, "active", 1)
			w.goOn(time.Minute)
			w.expect(100, id, "completed", 1, "1 done")
			if sent := w.whatsApp.Sent(); sent != i+1 {
				t.Errorf("%d messages have arrived", sent)
			}
		}
	})
}

func TestASlowProviderHoldsUpNoOtherAccount(t *testing.T) {
	eachSimulated(t, func(t *testing.T, w *simulated) {
		const many = 50 // more than run at once
		n := w.neighbour()
		hold := make(chan struct{})
		w.whatsApp.Fail(simulator.Failure{Hold: hold, Everything: true})
		w.fill(many, w.sequence("", hello))
		check(t, jobs.Migrate(t.Context(), w.db))
		log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
		runner, err := jobs.NewRunner(w.db, w.queue, log, slices.Concat(w.inbox.Kinds(), w.service.Kinds())...)
		check(t, err)
		check(t, runner.Start(t.Context()))
		defer func() { check(t, runner.Stop(t.Context())) }()
		w.until("the slow account's steps run", func() bool {
			return w.count(`SELECT count(*) FROM sequence_enrollments WHERE account_id = 1 AND running`) > 0
		})
		w.as(n.actor, func() { w.enroll(200, n.sequence) })
		w.until("the neighbour's message is out", func() bool { return n.whatsApp.Sent() == 1 })
		if sent := w.whatsApp.Sent(); sent != 0 {
			t.Errorf("%d messages have arrived at the slow provider's customers", sent)
		}
		close(hold)
		w.until("the slow account's are out", func() bool {
			return w.count(`SELECT count(*) FROM sequence_enrollments WHERE account_id = 1 AND status = 'completed'`) == many
		})
		if doubled := w.whatsApp.Doubled(); len(doubled) > 0 || w.whatsApp.Sent() != many {
			t.Errorf("%d messages have arrived, of them twice: %+v", w.whatsApp.Sent(), doubled)
		}
	})
}

// until waits for something that comes by itself.
func (w *simulated) until(what string, holds func() bool) {
	w.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within a minute: %s", what)
		}
	}
}
