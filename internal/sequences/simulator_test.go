package sequences_test

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/jobs"
	"syncro/internal/messaging"
	"syncro/internal/messaging/cloudapi"
	"syncro/internal/messaging/exchange"
	"syncro/internal/messaging/simulator"
	"syncro/internal/messaging/waha"
)

const mariasPhone = "+5511999887701"

// simulated is a world whose numbers are those of the simulator, over HTTP in both
// directions.
type simulated struct {
	*world
	whatsApp *simulator.Simulator
	provider *httptest.Server
	refuses  atomic.Bool // connections to the provider
}

// dial connects to the provider, unless it is out of reach.
func (w *simulated) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if w.refuses.Load() && "http://"+address == w.provider.URL {
		return nil, syscall.ECONNREFUSED
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// unreachable takes the provider out of reach, or back.
func (w *simulated) unreachable(gone bool) {
	w.refuses.Store(gone)
	w.provider.CloseClientConnections()
}

func eachSimulated(t *testing.T, test func(t *testing.T, w *simulated)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := &simulated{whatsApp: simulator.New(simulator.Config{Clock: clock.Now})}
		reach := exchange.Config{Dial: w.dial}
		w.world = worldWith(t, d, clock, messaging.ProvidersOf(waha.New(reach), cloudapi.New(reach)))
		ours := httptest.NewServer(w.handler)
		w.provider = httptest.NewServer(w.whatsApp)
		t.Cleanup(func() {
			ours.Close()
			w.provider.Close()
			w.whatsApp.Close(t.Context())
		})
		sealed, err := w.box.Seal("token")
		check(t, err)
		dbtest.Exec(t, d, `UPDATE whatsapp_instances SET base_url = $1, token_sealed = $2, hook_secret_sealed = $2 WHERE account_id = 1`, w.provider.URL, sealed)
		dbtest.Exec(t, d, `UPDATE whatsapp_instances SET session = 'default' WHERE account_id = 1 AND id = 1`)
		dbtest.Exec(t, d, `UPDATE whatsapp_instances SET phone_number_id = '106', business_id = '102' WHERE account_id = 1 AND id = 2`)
		w.whatsApp.Add(simulator.Number{
			InstanceID: 1, Provider: "waha", Phone: "+5511999887799", Token: "token", Session: "default", HookURL: ours.URL + "/hooks/waha/1", HookSecret: "token",
		})
		w.whatsApp.Add(simulator.Number{
			InstanceID: 2, Provider: "cloud_api", Phone: "+5521987654321", Token: "token", PhoneNumberID: "106", BusinessID: "102",
			HookURL: ours.URL + "/hooks/whatsapp-cloud/2", HookSecret: "token",
			Templates: []simulator.Template{{ID: "1", Name: "lembrete", Language: "pt_BR", Category: "UTILITY", Status: "APPROVED", Body: "Olá {{1}}, de {{2}}", HeaderType: "none"}},
		})
		test(t, w)
	})
}

// go lets time go by and everything that is due be done.
func (w *simulated) goOn(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	check(w.t, jobs.RunDue(w.t.Context(), slices.Concat(w.inbox.Kinds(), w.service.Kinds())...))
}

// write lets a customer write to number 1.
func (w *simulated) write(phone, text string) {
	w.t.Helper()
	_, err := w.whatsApp.Write(w.t.Context(), simulator.Inbound{InstanceID: 1, Phone: phone, Body: text, At: w.clock.Now()})
	check(w.t, err)
	w.goOn(0)
}

func TestASequenceAgainstTheSimulator(t *testing.T) {
	eachSimulated(t, func(t *testing.T, w *simulated) {
		id := w.sequence("", hello+`,{"type":"wait_reply","settings":{"timeout_minutes":60,"on_reply_step":3,"on_timeout_step":4}},
			{"type":"message","settings":{"body":"Que bom!"}},
			{"type":"message","delay_minutes":60,"settings":{"body":"Até mais","instance_id":2,"fallback_template":{"template_id":1,"variables":["{{nome}}","nós"]}}}`)
		w.enroll(100, id)
		w.enroll(101, id)
		w.goOn(0)
		w.write(joaosPhone, "Quero saber mais")
		w.write(mariasPhone, " sair! ")
		w.expect(100, id, "active", 4, "1 done", "2 done (replied)", "3 done")
		w.expect(101, id, "exited_opt_out", 2, "1 done")
		if got := w.events("sequence.exited"); len(got) != 1 {
			t.Errorf("told %q", got)
		}
		w.goOn(time.Hour)
		w.expect(100, id, "completed", 4, "1 done", "2 done (replied)", "3 done", "4 done (fallback_template)")
		for what, want := range map[string]int{"Olá João Silva": 1, "Que bom!": 1, "Olá João Silva, de nós": 1, "Até mais": 0} {
			if got := w.whatsApp.Count(joaosPhone, what); got != want {
				t.Errorf("João got %q %d times, want %d", what, got, want)
			}
		}
		if sent := w.whatsApp.Sent(); sent != 4 {
			t.Errorf("%d messages have reached somebody", sent)
		}
	})
}

func TestAStepThatFailsAfterwardsDoesNotCountAsDone(t *testing.T) {
	eachSimulated(t, func(t *testing.T, w *simulated) {
		id := w.sequence("", `{"type":"template","settings":{"template_id":1,"variables":["{{nome}}","nós"]}},`+call)
		w.whatsApp.Fail(simulator.Failure{InstanceID: 2, Later: true, Code: 131026})
		w.enroll(100, id)
		w.goOn(0)
		w.whatsApp.Close(t.Context()) // until its webhooks have come
		w.goOn(0)
		x := w.explained(100, id)
		if x.at("status") != "active" || x.at("current_step") != 2.0 || x.at("history", 0, "outcome") != "failed" || x.at("history", 0, "reason") == nil {
			t.Errorf("explained as %s", x.text)
		}
	})
}

func TestTheProviderFailsInEveryWay(t *testing.T) {
	eachSimulated(t, func(t *testing.T, w *simulated) {
		for i, test := range []struct {
			what    string
			failure simulator.Failure
			status  string
			outcome string // of the first step, "" for none yet
			sent    int    // after an hour in which it has healed
		}{
			{"429", simulator.Failure{Status: 429}, "active", "", 1},
			{"a cut connection, the message taken", simulator.Failure{Cut: true, Taken: true}, "completed", "unknown", 1},
			{"a cut connection", simulator.Failure{Cut: true}, "completed", "unknown", 0},
			{"500", simulator.Failure{Status: 500}, "completed", "unknown", 0},
			{"garbage", simulator.Failure{Garbage: true, Taken: true}, "completed", "unknown", 1},
		} {
			text := fmt.Sprintf("Texto %d", i)
			id := w.sequence("", fmt.Sprintf(`{"type":"message","settings":{"body":%q}}`, text))
			w.whatsApp.Fail(test.failure)
			w.enroll(100, id)
			w.goOn(0)
			x := w.explained(100, id)
			if outcome, _ := x.at("history", 0, "outcome").(string); x.at("status") != test.status || outcome != test.outcome {
				t.Errorf("%s: %s", test.what, x.text)
			}
			w.whatsApp.Heal()
			w.goOn(time.Hour)
			if x := w.explained(100, id); x.at("status") != "completed" || w.whatsApp.Count(joaosPhone, text) != test.sent {
				t.Errorf("%s: sent %d times; %s", test.what, w.whatsApp.Count(joaosPhone, text), x.text)
			}
		}
		w.provider.Close() // nobody listens any more
		id := w.sequence("", hello)
		w.enroll(101, id)
		w.goOn(0)
		if x := w.explained(101, id); x.at("reason") != "retry" || x.at("last_error") == nil {
			t.Errorf("nobody there: %s", x.text)
		}
		if doubled := w.whatsApp.Doubled(); len(doubled) != 0 {
			t.Errorf("sent twice: %+v", doubled)
		}
	})
}
