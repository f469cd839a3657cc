package webhooks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/input"
	"syncro/internal/netguard"
	"syncro/internal/webhooks"
)

func TestAWebhookIsMadeShownChangedAndDeleted(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.ask(t, 201, "POST", "/webhooks", `{"target_url":"http://127.0.0.1:9/hook","events":["lead.won","lead.created","lead.won"],"source":"n8n"}`)
		secret := made["secret"].(string)
		if want := fmt.Sprintf("map[events:[lead.won lead.created] id:%v secret:%s success:true]", made["id"], secret); fmt.Sprint(made) != want || len(secret) != 64 {
			t.Errorf("made %v", made)
		}
		path := fmt.Sprint("/webhooks/", made["id"])
		list := w.ask(t, 200, "GET", "/webhooks", "")
		item := map[string]any{
			"id": made["id"], "target_url": "http://127.0.0.1:9/hook", "events": []any{"lead.won", "lead.created"}, "source": "n8n", "is_active": true,
			"failure_count": 0.0, "last_success_at": nil, "last_failure_at": nil, "created_at": "2026-06-30T13:00:00Z",
		}
		if got := list["data"].([]any); len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(item) || len(list["supported_events"].([]any)) != len(events.Types()) {
			t.Errorf("list %v", list)
		}
		item["success"], item["last_failure_reason"] = true, nil
		if got := w.ask(t, 200, "GET", path, ""); fmt.Sprint(got) != fmt.Sprint(item) {
			t.Errorf("one %v", got)
		}
		item["target_url"], item["is_active"], item["events"] = "http://127.0.0.1:9/other", false, []any{"task.created"}
		if got := w.ask(t, 200, "PUT", path, `{"target_url":"http://127.0.0.1:9/other","is_active":"0","events":["task.created"]}`); fmt.Sprint(got) != fmt.Sprint(item) {
			t.Errorf("changed %v", got)
		}
		w.ask(t, 200, "PUT", path, `{}`)
		if got := w.ask(t, 200, "GET", path, ""); fmt.Sprint(got) != fmt.Sprint(item) {
			t.Errorf("changed by nothing %v", got)
		}
		for _, other := range []string{"GET", "PUT", "DELETE"} {
			w.askAs(t, "theirs", 404, other, path, "")
		}
		w.ask(t, 200, "DELETE", path, "")
		if got := w.ask(t, 404, "GET", path, "")["message"]; got != "Webhook não encontrado." {
			t.Errorf("deleted: %v", got)
		}
	})
}

func TestWhatIsWrongWithAWebhookIsSaidInOneAnswer(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const private = "The target url field must not lead to a private, loopback or link-local address."
		w.start(t, "", func(_ context.Context, _, host string) ([]netip.Addr, error) {
			return []netip.Addr{map[string]netip.Addr{"inside.example": netip.MustParseAddr("10.0.0.7")}[host]}, nil
		})
		for body, want := range map[string]string{
			`{}`: `target_url:[The target url field is required.] events:[The events field is required.]`,
			`{"target_url":"nowhere","events":[],"source":"zapier"}`: `target_url:[The target url field must be a valid URL.] events:[The events field is required.] ` +
				`source:[The selected source is invalid.]`,
			`{"target_url":"ftp://a.example/","events":["lead.won","lead.exploded",7],"secret":"ção"}`: `target_url:[The target url field must be a valid URL.] ` +
				`events.1:[The selected events.1 is invalid.] events.2:[The selected events.2 is invalid.] ` +
				`secret:[The secret field must only contain single-byte alphanumeric characters and symbols.]`,
			`{"target_url":"http://2130706433/","events":"lead.won"}`:                                    `target_url:[The target url field must be a valid URL.] events:[The events field must be an array.]`,
			`{"target_url":"http://127.0.0.1/","events":["lead.won"]}`:                                   `target_url:[` + private + `]`,
			`{"target_url":"https://inside.example/","events":["lead.won"]}`:                             `target_url:[` + private + `]`,
			`{"target_url":"http://[::ffff:169.254.169.254]/","events":["task.x"]}`:                      `target_url:[` + private + `] events.0:[The selected events.0 is invalid.]`,
			`{"target_url":"https://a.example/` + strings.Repeat("x", 2048) + `","events":["lead.won"]}`: `target_url:[The target url field must not be greater than 2048 characters.]`,
		} {
			answer := w.ask(t, 422, "POST", "/webhooks", body)
			if got := inOrder(answer["errors"], want); got != want {
				t.Errorf("%.80s\n got %s\nwant %s", body, got, want)
			}
		}
		dbtestSubscription(t, w, 77)
		w.ask(t, 422, "PUT", "/webhooks/77", `{"target_url":"http://10.0.0.1/"}`)
		w.ask(t, 422, "PUT", "/webhooks/77", `{"target_url":null,"events":null,"is_active":""}`)
		w.ask(t, 404, "PUT", "/webhooks/78", `{"target_url":"http://10.0.0.1/"}`)
	})
}

// dbtestSubscription writes one that could not be made: its target is not allowed.
func dbtestSubscription(t *testing.T, w *world, id int64) {
	t.Helper()
	if err := w.db.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO webhook_subscriptions (id, account_id, target_url, events, source, secret, created_at, updated_at)
			VALUES ($1, 1, 'http://127.0.0.1:9/', ' lead.won ', 'api', '', $2, $2)`, id, tx.Now())
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// inOrder prints the problems of an answer in the order in which want has them.
func inOrder(problems any, want string) string {
	fields, _ := problems.(map[string]any)
	var parts []string
	for len(fields) > 0 {
		first, at := "", len(want)+1
		for field := range fields {
			i := strings.Index(want, field+":[")
			if i < 0 {
				i = len(want)
			}
			if i < at {
				first, at = field, i
			}
		}
		parts = append(parts, fmt.Sprintf("%s:%v", first, fields[first]))
		delete(fields, first)
	}
	return strings.Join(parts, " ")
}

func TestTheBodiesNameTheEventsThereAre(t *testing.T) {
	names, err := json.Marshal(events.Types())
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"target_url":"https://a.example/","events":%s}`, names)
	made, changed := input.Decode[webhooks.CreateFields]([]byte(body)), input.Decode[webhooks.UpdateFields]([]byte(body))
	if err := made.Err(); err != nil {
		t.Error(err)
	}
	if err := changed.Err(); err != nil {
		t.Error(err)
	}
}

func TestARetriedCreationShowsItsSecretAgainThoughItIsKeptSealed(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const body = `{"target_url":"http://127.0.0.1:9/","events":["lead.won"]}`
		made := w.askAs(t, "ours", 201, "POST", "/webhooks", body, "Idempotency-Key", "k1")
		if again := w.askAs(t, "ours", 201, "POST", "/webhooks", body, "Idempotency-Key", "k1"); fmt.Sprint(again) != fmt.Sprint(made) {
			t.Errorf("first %v, then %v", made, again)
		}
		var kept string
		if err := w.db.Read(t.Context(), func(q db.Querier) error {
			return db.Get(q.Query(`SELECT body FROM idempotency_keys WHERE account_id = 1`), &kept)
		}); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(kept, "s1.") || strings.Contains(kept, made["secret"].(string)) {
			t.Errorf("kept %q", kept)
		}
	})
}

func TestASecretIsStoredSealed(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.ask(t, 201, "POST", "/webhooks", `{"target_url":"http://127.0.0.1:9/","events":["lead.won"],"secret":"segredo escolhido"}`)
		if made["secret"] != "segredo escolhido" {
			t.Errorf("made %v", made)
		}
		var stored string
		if err := w.db.Read(t.Context(), func(q db.Querier) error {
			return db.Get(q.Query(`SELECT secret FROM webhook_subscriptions WHERE account_id = 1`), &stored)
		}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(stored, "escolhido") || !strings.HasPrefix(stored, "s1.") {
			t.Errorf("stored %q", stored)
		}
		if strings.Contains(w.logged.String(), "escolhido") {
			t.Error("the secret is in the log")
		}
	})
}

func TestAnEventReachesOnlyThoseWhoWantIt(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.emit(t, events.LeadWon, 100, 0) // nobody listens yet
		won, created, inactive, theirs := newTarget(t), newTarget(t), newTarget(t), newTarget(t)
		w.subscribe(t, won.url, events.LeadWon, events.LeadLost)
		w.subscribe(t, created.url, events.LeadCreated)
		path, _ := w.subscribe(t, inactive.url, events.LeadWon)
		w.ask(t, 200, "PUT", path, `{"is_active":false}`)
		w.askAs(t, "theirs", 201, "POST", "/webhooks", fmt.Sprintf(`{"target_url":%q,"events":["lead.won"]}`, theirs.url))
		w.emit(t, events.LeadWon, 100, 1)
		w.emit(t, events.LeadCreated, 101, 2)
		w.emit(t, events.LeadAssigned, 101, 3)
		w.run(t)
		if got := won.all(); len(got) != 1 || got[0].number(t) != 1 {
			t.Errorf("won: %v", got)
		}
		if got := created.all(); len(got) != 1 || got[0].number(t) != 2 {
			t.Errorf("created: %v", got)
		}
		if len(inactive.all())+len(theirs.all()) != 0 {
			t.Error("somebody else was told")
		}
		// An event that is not committed is none.
		_ = w.db.Write(t.Context(), func(tx *db.Tx) error {
			if err := w.events.Emit(tx, w.ours, events.Event{Type: events.LeadWon, Data: json.RawMessage(`{}`)}); err != nil {
				return err
			}
			return context.Canceled
		})
		w.run(t)
		if got := won.all(); len(got) != 1 {
			t.Errorf("after an event that was undone: %v", got)
		}
	})
}

func TestAnotherNodesWebhookIsHeardOfToo(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.emit(t, events.LeadWon, 100, 0) // this node knows now that nobody listens
		here := *w
		w.start(t, netguard.Loopback, nil)
		to := newTarget(t)
		w.subscribe(t, to.url, events.LeadWon) // on the other node
		here.emit(t, events.LeadWon, 100, 1)
		w.run(t)
		if got := to.all(); len(got) != 1 {
			t.Errorf("got %v", got)
		}
	})
}

func TestOldDeliveriesAreForgotten(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		to := newTarget(t)
		path, _ := w.subscribe(t, to.url, events.LeadWon)
		w.emit(t, events.LeadWon, 100, 1)
		w.run(t)
		w.clock.Advance(webhooks.KeptFor - time.Microsecond)
		for i, want := range []int{1, 0} {
			if err := w.webhooks.ForgetOld(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := w.deliveries(t, path); len(got) != want {
				t.Errorf("%d: %v", i, got)
			}
			w.clock.Advance(2 * time.Microsecond)
		}
	})
}
