package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// receiver is another system that hears by webhook. It knows nothing of this
// program but the secret it was given, and verifies with the official library of
// Standard Webhooks.
type receiver struct {
	mu     sync.Mutex
	heard  []heard
	server *httptest.Server
}

type heard struct {
	header http.Header
	body   []byte
}

func listen(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.heard = append(r.heard, heard{request.Header, body})
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.server.Close)
	return r
}

// all is what has been heard up to now, in the order of its arrival.
func (r *receiver) all() []heard {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]heard(nil), r.heard...)
}

// events are those of what was heard, once their signatures have been verified.
func (r *receiver) events(t *testing.T, secret string) []any {
	t.Helper()
	standard, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := standardwebhooks.NewWebhookRaw([]byte("another secret"))
	if err != nil {
		t.Fatal(err)
	}
	var events []any
	for _, h := range r.all() {
		event := parsed(t, string(h.body))
		if err := standard.Verify(h.body, h.header); err != nil {
			t.Errorf("%s: %v, headers %v", h.body, err, h.header)
		}
		if wrong.Verify(h.body, h.header) == nil {
			t.Errorf("%s passes with another secret", h.body)
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(h.body)
		if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); h.header.Get("X-Syncro-Signature") != want {
			t.Errorf("X-Syncro-Signature is %s, want %s", h.header.Get("X-Syncro-Signature"), want)
		}
		if h.header.Get("X-Syncro-Event") != dig(event, "type") || h.header.Get("Webhook-Id") != dig(event, "id") || h.header.Get("X-Syncro-Delivery") == "" {
			t.Errorf("headers %v of %s", h.header, h.body)
		}
		events = append(events, event)
	}
	return events
}

// TestTheStoryOfOneLead is what the program is for, from end to end, as a CRM, a
// customer and another system see it.
func TestTheStoryOfOneLead(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		r := listen(t)
		subscribed := c.want(t, 201, "POST", "/webhooks", fields{"target_url": r.server.URL + "/syncro", "events": []string{
			"lead.created", "sequence.enrolled", "message.sent", "message.received", "sequence.exited", "lead.stage_changed", "lead.won",
		}})
		secret, _ := subscribed.at("secret").(string)

		path := c.path(t, fields{"name": "Rita Lima", "phone": "+5511988771122", "stage_id": proposal})
		enrolled := c.want(t, 200, "POST", path+"/enroll-sequence", fields{"sequence_id": 1})
		same(t, "the enrolment", enrolled.at("status"), `"active"`)

		const greeting = "Olá Rita Lima, que bom ter você por aqui!"
		eventually(t, "the customer has the first message of the sequence", func() bool {
			for _, sent := range items(c.simulator(t, "GET", "/messages", nil).at("data")) {
				if dig(sent, "body") == greeting {
					return true
				}
			}
			return false
		})
		eventually(t, "the sequence waits for its next step", func() bool {
			return dig(c.lead(t, path, "sequences")["active_sequence"], "current_step") == 2.0
		})

		c.simulator(t, "POST", "/inbound", fields{"phone": "+5511988771122", "instance_id": 1, "body": "Quero sim!"})
		eventually(t, "the reply takes the lead out of the sequence", func() bool {
			return dig(c.lead(t, path, "sequences")["sequences"], 0, "status") == "exited_reply"
		})
		lead := c.lead(t, path, "sequences", "conversation")
		holds(t, "the lead", lead, parsed(t, `{"active_sequence":null,"sequences":[{"sequence_id":1,"next_step_at":null}],
			"conversation":{"phone":"+5511988771122","status":"open","unread_count":1,"instance_id":1}}`))
		// Of which second they are is all that providers say of customers' messages, so
		// that either can be the newer one.
		said := each(c.want(t, 200, "GET", "/conversations/"+text(dig(lead, "conversation", "id"))+"/messages", nil).at("data"), "body")
		if len(said) != 2 || countOf(said, greeting) != 1 || countOf(said, "Quero sim!") != 1 {
			t.Errorf("the conversation is %v", said)
		}

		c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won, "value": 7500})
		holds(t, "the lead", c.lead(t, path, "sales"), parsed(t, `{"stage_id":10,"sales":[{"value":7500}]}`))
		same(t, "its events", c.events(t, path), `["created","sequence_enrolled","message_sent","message_received","sequence_exited","stage_changed","sale_won"]`)

		eventually(t, "the other system has heard it all", func() bool { return len(r.all()) >= 7 })
		told := r.events(t, secret)
		same(t, "what it heard, in its order", each(told, "type"),
			`["lead.created","sequence.enrolled","message.sent","message.received","sequence.exited","lead.stage_changed","lead.won"]`)
		id := dig(lead, "id")
		for i, want := range []any{
			fields{"lead": fields{"id": id, "name": "Rita Lima", "stage_id": proposal}, "previous": fields{}},
			fields{"lead_sequence": fields{"lead_id": id, "sequence_id": 1, "status": "active"}},
			fields{"message": fields{"lead_id": id, "direction": "out", "body": greeting}},
			fields{"message": fields{"lead_id": id, "direction": "in", "body": "Quero sim!"}},
			fields{"lead_sequence": fields{"lead_id": id, "status": "exited_reply"}, "previous": fields{"status": "active"}},
			fields{"lead": fields{"id": id, "stage_id": won}, "previous": fields{"stage_id": proposal}},
			fields{"lead": fields{"id": id, "stage_id": won}},
		} {
			holds(t, "data of "+text(dig(told, i, "type")), dig(told, i, "data"), parsed(t, text(want)))
			same(t, "account", dig(told, i, "account_id"), "1")
		}

		hook := "/webhooks/" + text(subscribed.at("id"))
		eventually(t, "the log has every delivery as delivered", func() bool {
			log := c.want(t, 200, "GET", hook+"/deliveries", nil)
			return countOf(each(log.at("data"), "state"), "delivered") == 7 && log.at("meta", "total") == 7.0
		})
		holds(t, "the webhook", c.want(t, 200, "GET", hook, nil).body, parsed(t, `{"is_active":true,"failure_count":0,"last_failure_at":null}`))
	})
}

// simulator asks the provider that the demo plays.
func (c *client) simulator(t *testing.T, method, path string, body any) answer {
	t.Helper()
	sent := ""
	if body != nil {
		sent = text(body)
	}
	got, err := exchange(method, c.base+"/simulator"+path, http.Header{}, sent)
	if err != nil || got.status != 200 {
		t.Fatalf("%s %s: %d %s, %v", method, path, got.status, got.text, err)
	}
	return got
}
