package messaging_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"syncro/internal/api"
	"syncro/internal/db/dbtest"
	"syncro/internal/jobs"
	"syncro/internal/messaging"
)

const maria = "551188887777@c.us" // without the ninth digit, as WhatsApp knows her

func TestAWebhookIsTakenOnlyWithItsProvidersSignature(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		body := w.fromWAHA("A1", maria, "Oi", "")
		meta := fromMeta(`"messages":[]`)
		big := strings.Repeat("x", 4<<20+1)
		for _, c := range []struct {
			what, method, path, body string
			headers                  []string
			status                   int
		}{
			{"no signature", "POST", "/hooks/waha/1", body, nil, 401},
			{"another body's signature", "POST", "/hooks/waha/1", body + " ", signedWAHA(body), 401},
			{"the other provider's signature", "POST", "/hooks/whatsapp-cloud/2", meta, signedWAHA(meta), 401},
			{"a number without a secret", "POST", "/hooks/waha/3", body, signedWAHA(body), 403},
			{"an unknown number", "POST", "/hooks/waha/99", body, signedWAHA(body), 404},
			{"no number", "POST", "/hooks/waha/um", body, signedWAHA(body), 404},
			{"the other provider's number", "POST", "/hooks/waha/2", body, signedWAHA(body), 404},
			{"too long a body", "POST", "/hooks/waha/1", big, signedWAHA(big), 413},
			{"WAHA asks for nothing", "GET", "/hooks/waha/1", "", nil, 405},
			{"a wrong verify token", "GET", "/hooks/whatsapp-cloud/2?hub.mode=subscribe&hub.verify_token=x&hub.challenge=42", "", nil, 403},
			{"another method", "DELETE", "/hooks/whatsapp-cloud/2", "", nil, 405},
		} {
			if answer := w.request(t, c.method, c.path, c.body, c.headers...); answer.Code != c.status || !strings.Contains(answer.Body.String(), `"message":`) {
				t.Errorf("%s: %d %s, want %d", c.what, answer.Code, answer.Body, c.status)
			}
		}
		w.wants(t, "", theHooks)
		answer := w.request(t, "GET", "/hooks/whatsapp-cloud/2?hub.mode=subscribe&hub.verify_token=verifica&hub.challenge=42", "")
		if answer.Code != 200 || answer.Body.String() != "42" {
			t.Errorf("the challenge is answered with %d %s", answer.Code, answer.Body)
		}
		w.deliver(t, body)
		w.wants(t, "pending", theHooks) // stored and answered; the rest is a job's
		w.wants(t, "", theMessages)
	})
}

func TestAMessageIsTakenOnceWhateverTheProviderRepeats(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		dbtest.Lead(t, w.db, w.clock, w.actor, 100, "Maria")
		dbtest.Exec(t, w.db, `UPDATE leads SET phone = '+5511988887777', phone_key = '5511988887777' WHERE account_id = 1 AND id = 100`)
		body := w.fromWAHA("A1", maria, "Oi", `,"_data":{"notifyName":"Mari"}`)
		w.receive(t, body, body, strings.Replace(body, `"message"`, `"message.any"`, 1), "["+body+","+body+"]")
		w.wants(t, "in text received - Oi", theMessages)
		w.wants(t, "+5511988887777 open unread 1 Mari", theConversations)
		w.wants(t, "Maria +5511988887777 -", theLeads)
		w.wants(t, "message.received", theEvents)
		w.wants(t, "message_received Mensagem recebida pelo WhatsApp: Oi", `SELECT event_type || ' ' || description FROM lead_events WHERE account_id = 1 AND lead_id = 100`)
		w.wants(t, "done | done | done | done", theHooks)

		// The other form of her number is the same conversation; a late message does not move the window back.
		w.clock.Advance(time.Hour)
		late := w.fromWAHAAt(w.clock.Now().Add(-2*time.Hour), "A2", "5511988887777@c.us", "antes", "")
		future := w.fromWAHAAt(w.clock.Now().Add(48*time.Hour), "A3", maria, "depois", "")
		w.receive(t, late)
		if at := w.lastInbound(t); !at.Equal(parse(t, "2026-06-30T13:00:00Z")) {
			t.Errorf("a late message moved the window to %s", at)
		}
		w.receive(t, future)
		if at := w.lastInbound(t); !at.Equal(w.clock.Now()) {
			t.Errorf("a message from the future moved the window to %s", at)
		}
		w.wants(t, "+5511988887777 open unread 3 Mari", theConversations)
	})
}

func TestAnUnknownSenderBecomesALeadWhereTheNumberSaysSo(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		// Eight first messages at once, each told of by two webhooks, make one conversation and one lead.
		for i := range 8 {
			body := w.fromWAHA(fmt.Sprint("A", i), maria, "Oi", `,"_data":{"notifyName":"Mari"}`)
			w.deliver(t, body, strings.Replace(body, `"message"`, `"message.any"`, 1))
		}
		keys, err := w.hookKind(t).Due(t.Context(), 100)
		if err != nil || len(keys) != 16 {
			t.Fatalf("%v %v are due", keys, err)
		}
		var group sync.WaitGroup
		for _, key := range append(keys, keys...) {
			group.Go(func() {
				if err := w.hookKind(t).Work(t.Context(), key); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		w.wants(t, "Mari +5511988887777 whatsapp", theLeads)
		w.wants(t, "+5511988887777 open unread 8 Mari", theConversations)
		w.wants(t, "11", `SELECT CAST(stage_id AS text) FROM leads WHERE account_id = 1`)

		// The plan has no room for another one: the message is taken all the same.
		dbtest.Exec(t, w.db, `UPDATE accounts SET max_leads = 1 WHERE id = 1`)
		w.receive(t, w.fromWAHA("B1", "5521977776666@c.us", "Oi", ""))
		dbtest.Exec(t, w.db, `UPDATE accounts SET max_leads = NULL WHERE id = 1`)
		dbtest.Exec(t, w.db, `UPDATE whatsapp_instances SET creates_leads = FALSE WHERE account_id = 1`)
		w.receive(t, w.fromWAHA("B2", "5531977776666@c.us", "Oi", ""))
		w.wants(t, "Mari +5511988887777 whatsapp", theLeads)
		w.wants(t, "+5511988887777 open unread 8 Mari | +5521977776666 open unread 1 - | +5531977776666 open unread 1 -", theConversations)
		// Once it is set to, the next message makes one.
		dbtest.Exec(t, w.db, `UPDATE whatsapp_instances SET creates_leads = TRUE WHERE account_id = 1`)
		w.receive(t, w.fromWAHA("B3", "5531977776666@c.us", "Alô?", ""))
		w.wants(t, "Mari +5511988887777 whatsapp | +5531977776666 +5531977776666 whatsapp", theLeads)
	})
}

func TestAStateNeverMovesBackwardsWhateverTheOrderOfItsNews(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		w.sent(t, 60, "sent", "M1", "Olá")
		w.receive(t, w.ackWAHA("M1", 3), w.ackWAHA("M1", 2), w.ackWAHA("M1", 1), w.ackWAHA("M1", 3), w.ackWAHA("FOREIGN", 3))
		w.wants(t, "out text read api Olá", theMessages)
		w.wants(t, "message.status_changed", theEvents)
		w.wants(t, "done | done | done | done | done", theHooks)

		// Several of each at once, and a failure with its reason.
		dbtest.Exec(t, w.db, `UPDATE messages SET instance_id = 2, status = 'sent', provider_msg_id = 'wamid.1' WHERE account_id = 1 AND id = 60`)
		now := w.clock.Now().Unix()
		w.receive(t, fromMeta(fmt.Sprintf(`"contacts":[{"wa_id":"551188887777","profile":{"name":"Mari"}}],
			"messages":[{"from":"551188887777","id":"wamid.in","timestamp":"%d","type":"text","text":{"body":"Oi"}},{"from":"551188887777","id":"wamid.in2","timestamp":"%d","type":"poll_update"}],
			"statuses":[{"id":"wamid.1","status":"failed","timestamp":"%d","recipient_id":"551188887777","errors":[{"code":131047,"title":"Re-engagement message"}]}]`, now, now, now)))
		w.wants(t, "out text failed api Olá | in text received - Oi | in unsupported received - ", theMessages)
		w.wants(t, "131047", `SELECT error_code FROM messages WHERE account_id = 1 AND id = 60`)
	})
}

func TestAMessageOfWhichNobodyKnewIsSettledByAnEchoOrAState(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		w.sent(t, 60, "unknown", "", "Primeira")
		w.clock.Advance(time.Minute)
		w.sent(t, 61, "unknown", "", "Segunda")
		w.clock.Advance(time.Second)
		w.receive(t, w.echoWAHA("E1", maria, "Primeira"))
		w.wants(t, "out text sent api Primeira | out text unknown api Segunda", theMessages)
		w.receive(t, w.ackWAHA("E2", 2), w.ackWAHA("E1", 3))
		w.wants(t, "out text read api Primeira | out text delivered api Segunda", theMessages)
		w.wants(t, "message.sent | message.sent | message.status_changed", theEvents)

		// While a message is being sent, news that may be of it wait for its sender.
		w.sent(t, 62, "sending", "", "Terceira")
		w.receive(t, w.ackWAHA("E3", 2), w.echoWAHA("E3", maria, "Terceira"))
		w.wants(t, "sending", `SELECT status FROM messages WHERE account_id = 1 AND id = 62`)
		dbtest.Exec(t, w.db, `UPDATE messages SET status = 'sent', provider_msg_id = 'E3' WHERE account_id = 1 AND id = 62`)
		w.clock.Advance(time.Minute)
		w.work(t)
		w.wants(t, "out text read api Primeira | out text delivered api Segunda | out text delivered api Terceira", theMessages)

		// The sender has died: once the message counts as unknown, its echo settles it.
		w.sent(t, 63, "sending", "", "Quarta")
		w.receive(t, w.echoWAHA("E4", maria, "Quarta"))
		for range 10 {
			w.clock.Advance(time.Minute)
			w.work(t)
		}
		w.wants(t, "sent", `SELECT status FROM messages WHERE account_id = 1 AND id = 63`)
		w.wants(t, "4", `SELECT CAST(COUNT(*) AS text) FROM messages WHERE account_id = 1`)
	})
}

func TestWhatIsWrittenOnTheHandsetIsPartOfTheConversation(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		w.receive(t, w.fromWAHA("A1", maria, "Oi", ""), w.echoWAHA("H1", maria, "Já te ligo"), w.echoWAHA("H1", maria, "Já te ligo"))
		w.wants(t, "in text received - Oi | out text sent handset Já te ligo", theMessages)
		w.wants(t, "+5511988887777 open unread 0 -", theConversations)
		w.wants(t, "lead.created | message.received | message.sent", theEvents)
		// A chat that is begun on the handset makes no lead.
		w.receive(t, w.echoWAHA("H2", "5541966665555@c.us", "Bom dia"))
		w.wants(t, "+5511988887777 +5511988887777 whatsapp", theLeads)
		w.wants(t, "+5511988887777 open unread 0 - | +5541966665555 open unread 0 -", theConversations)
	})
}

func TestAskingForNoMoreMessagesOptsEveryLeadOfThePersonOut(t *testing.T) {
	for text, want := range map[string]bool{
		"SAIR": true, " Parar! ": true, "stop.": true, "Não quero mais receber": true, "cancelar": true,
		"": false, "quero parar de fumar": false, "sairei às 10h": false, "não": false,
	} {
		if messaging.WantsOut(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		for id, name := range map[int64]string{100: "Maria", 101: "Maria, outro negócio"} {
			dbtest.Lead(t, w.db, w.clock, w.actor, id, name)
			dbtest.Exec(t, w.db, `UPDATE leads SET phone = '+5511988887777', phone_key = '5511988887777' WHERE account_id = 1 AND id = $1`, id)
		}
		w.receive(t, w.fromWAHA("A1", maria, "quero parar de fumar", ""))
		w.wants(t, "", `SELECT name FROM leads WHERE account_id = 1 AND opted_out_at IS NOT NULL`)
		w.receive(t, w.fromWAHA("A2", maria, "Sair!", ""))
		w.wants(t, "Maria | Maria, outro negócio", `SELECT name FROM leads WHERE account_id = 1 AND opted_out_at IS NOT NULL ORDER BY id`)
		w.wants(t, "message.received | lead.updated | lead.updated | message.received", theEvents)
	})
}

func TestHiddenSendersGroupsAndUnknownKindsAreDealtWith(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		known := false
		w.provider.HandleFunc("GET /api/default/lids/{lid}", func(answer http.ResponseWriter, q *http.Request) {
			if q.Header.Get("X-Api-Key") != "chave" || q.PathValue("lid") != "777@lid" {
				t.Errorf("asked for %s with %v", q.PathValue("lid"), q.Header)
			}
			if !known {
				http.Error(answer, `{}`, http.StatusNotFound)
				return
			}
			say(answer, `{"lid":"777@lid","pn":"551188887777@c.us"}`)
		})
		w.receive(t, w.fromWAHA("G1", "12036304@g.us", "grupo", ""), w.fromWAHA("L1", "777@lid", "Oi", ""), w.fromWAHA("U1", "777@lid", "", ""))
		w.wants(t, "in text received - Oi | in unsupported received - ", theMessages)
		w.wants(t, " open unread 2 -", theConversations)
		w.wants(t, "WhatsApp - whatsapp", theLeads)
		// Once the phone is known the conversation is the phone's.
		known = true
		w.receive(t, w.fromWAHA("L2", "777@lid", "Sou eu", ""))
		w.receive(t, w.fromWAHA("L3", maria, "de novo", ""))
		w.wants(t, "+5511988887777 open unread 4 -", theConversations)
	})
}

func TestTheNewestNewsOfANumbersConnectionCount(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		session := func(status string, at time.Time) string {
			return fmt.Sprintf(`{"id":"e","timestamp":%d,"event":"session.status","session":"default","me":{"id":"5511999887700@c.us"},"payload":{"status":%q}}`, at.UnixMilli(), status)
		}
		state := `SELECT status || ' ' || COALESCE(status_reason, '-') || ' ' || COALESCE(phone_number, '-') FROM whatsapp_instances WHERE account_id = 1 AND id = 1`
		w.receive(t, session("FAILED", w.clock.Now()), session("WORKING", w.clock.Now().Add(-time.Minute)))
		w.wants(t, "failed FAILED +5511999887700", state)
		w.receive(t, session("WORKING", w.clock.Now().Add(time.Second)))
		w.wants(t, "connected - +5511999887700", state)
	})
}

func TestTheFileOfAMessageIsFetchedIntoTheFolderUpToALimit(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		failures := 2
		w.provider.HandleFunc("GET /api/files/default/{file}", func(answer http.ResponseWriter, q *http.Request) {
			switch {
			case q.PathValue("file") == "big.jpg":
				say(answer, "%s", strings.Repeat("x", 1001))
			case failures > 0:
				failures--
				http.Error(answer, "later", http.StatusServiceUnavailable)
			default:
				say(answer, "%s", strings.Repeat("x", 1000))
			}
		})
		medium := func(file string) string {
			return fmt.Sprintf(`,"hasMedia":true,"media":{"url":"http://localhost:3000/api/files/default/%s","mimetype":"image/jpeg","filename":"../../foto.jpg"}`, file)
		}
		w.deliver(t, w.fromWAHA("A1", maria, "minha foto", medium("ok.jpg")), w.fromWAHA("A2", maria, "", medium("big.jpg")),
			w.fromWAHA("A3", maria, "", `,"hasMedia":true,"media":{"url":null,"mimetype":"video/mp4"}`))
		for i := range 5 { // the errors of failed attempts are those of the log
			for _, kind := range w.kinds {
				keys, err := kind.Due(t.Context(), 10)
				if err != nil {
					t.Fatal(err)
				}
				for _, key := range keys {
					_ = kind.Work(t.Context(), key)
				}
			}
			if i == 0 {
				if got := w.ask(t, 409, "GET", "/messages/1/media", ""); !strings.Contains(got, `"retry_after":5`) {
					t.Errorf("a file on its way is %s", got)
				}
			}
			w.clock.Advance(time.Minute)
		}
		w.wants(t, "in image received - minha foto | in image received -  | in video received - ", theMessages)
		w.wants(t, "1/1.jpg 1000", `SELECT media_file || ' ' || CAST(media_size AS text) FROM messages WHERE account_id = 1 AND media_file IS NOT NULL`)
		w.wants(t, "failed", `SELECT state FROM media_fetches WHERE account_id = 1`)
		for path, want := range map[string]int{"/messages/1/media": 200, "/messages/2/media": 404, "/messages/3/media": 404, "/messages/99/media": 404} {
			w.ask(t, want, "GET", path, "")
			w.ask(t, 404, "theirs GET", path, "")
		}
		answer := w.request(t, "GET", api.Base+"/messages/1/media", "", "X-API-Key", "ours", "Range", "bytes=990-")
		if h := answer.Header(); answer.Code != 206 || answer.Body.String() != strings.Repeat("x", 10) || h.Get("Content-Type") != "image/jpeg" ||
			h.Get("Content-Disposition") != "inline; filename=foto.jpg" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("the file is %d %v %s", answer.Code, h, answer.Body)
		}
		dbtest.Exec(t, w.db, `UPDATE messages SET media_mime = 'text/html', media_name = $1 WHERE account_id = 1 AND id = 1`, "a\"b;c\r\nX: é.html")
		if h := w.request(t, "GET", api.Base+"/messages/1/media", "", "X-API-Key", "ours").Header(); h.Get("Content-Type") != "application/octet-stream" ||
			!strings.HasPrefix(h.Get("Content-Disposition"), "attachment; filename") || h.Get("X") != "" {
			t.Errorf("a page is %v", h)
		}
		kept, err := os.ReadFile(filepath.Join(w.mediaDir, "1", "1.jpg"))
		if err != nil || len(kept) != 1000 {
			t.Errorf("the folder has %d bytes, %v", len(kept), err)
		}
		if left, err := os.ReadDir(filepath.Join(w.mediaDir, "1")); err != nil || len(left) != 1 {
			t.Errorf("the folder has %v, %v", left, err)
		}
	})
}

func TestTheCustomerIsShownThatTheyWereReadByAJob(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		var asked []string
		w.provider.HandleFunc("POST /api/sendSeen", func(answer http.ResponseWriter, q *http.Request) {
			body, _ := io.ReadAll(q.Body) // what is missing is noticed below
			if asked = append(asked, string(body)); len(asked) == 1 {
				http.Error(answer, "later", http.StatusServiceUnavailable)
				return
			}
			answer.WriteHeader(http.StatusCreated)
			say(answer, `{}`)
		})
		w.receive(t, w.fromWAHA("A1", maria, "Oi", ""), w.fromWAHA("A2", maria, "Tem alguém?", ""))
		w.ask(t, 404, "theirs PUT", "/conversations/1/read", "")
		w.ask(t, 200, "PUT", "/conversations/1/read", "")
		if len(asked) != 0 {
			t.Error("the request itself calls the provider")
		}
		_ = jobs.RunDue(t.Context(), w.kinds...) // its error is that of the first attempt
		w.clock.Advance(10 * time.Second)
		w.work(t)
		w.ask(t, 200, "PUT", "/conversations/1/read", "") // nothing is unread
		w.clock.Advance(time.Hour)
		w.work(t)
		want := fmt.Sprintf(`{"session":"default","chatId":%q,"messageId":"false_%s_A2"}`, maria, maria)
		if len(asked) != 2 || asked[1] != want {
			t.Errorf("the provider was told %q\nwant twice %s", asked, want)
		}
		w.wants(t, "0", `SELECT CAST(count(*) AS text) FROM read_receipts WHERE account_id = 1`)
	})
}

func TestReactionsAreMessagesUnlessOursOrTakenBack(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		reaction := func(id, fromMe, emoji string) string {
			return fmt.Sprintf(`{"event":"message.reaction","session":"default","payload":{"id":"%s_%s_%s","timestamp":%d,"from":%q,"to":%q,"fromMe":%s,"reaction":{"text":%q,"messageId":"true_%s_3EB0"}}}`,
				fromMe, maria, id, w.clock.Now().Unix(), maria, maria, fromMe, emoji, maria)
		}
		w.receive(t, reaction("R1", "false", "👍"), reaction("R2", "true", "👍"), reaction("R3", "false", ""),
			fromMeta(`"messages":[{"from":"5511988887777","id":"wamid.R","type":"reaction","reaction":{"message_id":"x"}}]`))
		w.wants(t, "in reaction received - 👍", theMessages)
		w.wants(t, "done | done | done | done", theHooks)
	})
}

func TestEventsOfMessagesShowTheWholeLead(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		w.receive(t, w.fromWAHA("A1", maria, "Oi", ""))
		var body string
		w.get(t, `SELECT body FROM events WHERE account_id = 1 AND type = 'message.received'`, &body)
		var told struct {
			Data struct {
				Lead struct {
					ID     int64          `json:"id"`
					Phone  string         `json:"phone"`
					Stage  map[string]any `json:"stage"`
					Fields map[string]any `json:"custom_fields"`
				} `json:"lead"`
				Message      map[string]any `json:"message"`
				Conversation map[string]any `json:"conversation"`
				Previous     map[string]any `json:"previous"`
			} `json:"data"`
		}
		if err := json.Unmarshal([]byte(body), &told); err != nil {
			t.Fatal(err)
		}
		data := told.Data
		if data.Lead.ID == 0 || data.Lead.Phone != "+5511988887777" || data.Lead.Stage["id"] != 11.0 || data.Lead.Fields == nil || data.Message["body"] != "Oi" || data.Conversation["id"] == nil || data.Previous == nil {
			t.Errorf("told %s", body)
		}
	})
}

func TestATemplateIsWhatItsProviderLastDecided(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		dbtest.Exec(t, w.db, `UPDATE whatsapp_instances SET business_id = '102' WHERE account_id = 1 AND id IN (2, 3)`)
		dbtest.Exec(t, w.db, `INSERT INTO whatsapp_instances (id, account_id, provider, display_name, is_primary, status, business_id, created_at, updated_at) VALUES (9, 2, 'cloud_api', 'Deles', TRUE, 'connected', '102', $1, $1)`, w.clock.Now())
		for id, owner := range map[int64][2]int64{1: {1, 1}, 2: {1, 2}, 3: {1, 3}, 9: {2, 9}} { // the account's and the number's id
			dbtest.Exec(t, w.db, `INSERT INTO whatsapp_templates (id, account_id, instance_id, name, language, category, status, body, variables_count, header_type, components, created_at, updated_at)
				VALUES ($1, $2, $3, 'promo', 'pt_BR', 'UTILITY', 'PENDING', 'Oi', 0, 'none', '[]', $4, $4)`, id, owner[0], owner[1], w.clock.Now())
		}
		decided := func(what string, at time.Duration) string {
			return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"102","time":%d,"changes":[{"field":"message_template_status_update",
				"value":{"event":%q,"message_template_id":1,"message_template_name":"promo","message_template_language":"pt_BR","reason":"INVALID_FORMAT"}}]}]}`, w.clock.Now().Add(at).Unix(), what)
		}
		const states = `SELECT status || COALESCE(rejected_reason, '') FROM whatsapp_templates WHERE account_id IN (1, 2) ORDER BY id`
		w.receive(t, decided("APPROVED", 0))
		w.wants(t, "PENDING | APPROVED | APPROVED | PENDING", states) // both numbers of the business account, and nobody else's
		w.receive(t, decided("REJECTED", -time.Hour), decided("FLAGGED", time.Minute))
		w.wants(t, "PENDING | APPROVED | APPROVED | PENDING", states)
		w.receive(t, decided("REJECTED", time.Minute))
		w.wants(t, "PENDING | REJECTEDINVALID_FORMAT | REJECTEDINVALID_FORMAT | PENDING", states)
	})
}

func TestAWebhookThatCannotBeReadIsKeptForAWhile(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		broken := "{\"event\":\x00\xff"
		w.deliver(t, broken, w.fromWAHA("A1", maria, "Oi", ""))
		keys, err := w.hookKind(t).Due(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.hookKind(t).Work(t.Context(), keys[0]); err == nil {
			t.Error("nothing is said of it")
		}
		w.work(t)
		w.wants(t, "failed | done", theHooks)
		for _, step := range []struct {
			days int
			want string
		}{{6, "failed | done"}, {2, ""}} {
			w.clock.Advance(time.Duration(step.days) * 24 * time.Hour)
			if err := w.inbox.ForgetHooks(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.wants(t, step.want, theHooks)
		}
	})
}

func (w *mailbox) lastInbound(t *testing.T) time.Time {
	t.Helper()
	var at time.Time
	w.get(t, `SELECT last_inbound_at FROM conversations WHERE account_id = 1`, &at)
	return at
}
