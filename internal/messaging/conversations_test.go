package messaging_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/messaging"
)

// listed are the ids of a list, in order.
func (w *mailbox) listed(t *testing.T, path string) string {
	t.Helper()
	var answer struct {
		Data []struct{ ID int64 }
		Meta struct {
			Total   *int
			HasMore bool `json:"has_more"`
		}
	}
	body := w.ask(t, 200, "GET", path, "")
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err, body)
	}
	var ids []string
	for _, one := range answer.Data {
		ids = append(ids, fmt.Sprint(one.ID))
	}
	if answer.Meta.Total != nil {
		ids = append(ids, fmt.Sprint("of ", *answer.Meta.Total))
	} else if answer.Meta.HasMore {
		ids = append(ids, "and more")
	}
	return strings.Join(ids, " ")
}

// talk makes conversations 50 to 53, each an hour older than the one before.
func (w *mailbox) talk(t *testing.T) {
	t.Helper()
	dbtest.Lead(t, w.db, w.clock, w.actor, 100, "Joao Conceicao")
	dbtest.Exec(t, w.db, `UPDATE leads SET name = 'João Conceição', search_text = 'joao conceicao', search_phone = '5511988887777 551188887777' WHERE account_id = 1 AND id = 100`)
	for i, c := range []struct {
		instance int
		phone    string
		lead     *int
		status   string
		owner    *int
		unread   int
	}{
		{1, "5511988887777", new(100), "open", new(11), 2},
		{2, "5511988887777", new(100), "open", nil, 0},
		{1, "5521977776666", nil, "closed", new(12), 0},
		{1, "5531966665555", nil, "open", nil, 1},
	} {
		at := w.clock.Now().Add(-time.Duration(i) * time.Hour)
		dbtest.Exec(t, w.db, `INSERT INTO conversations (id, account_id, instance_id, phone_key, phone, lead_id, status, assigned_to, unread_count, last_message_at, last_inbound_at, created_at, updated_at)
			VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9, $9)`, 50+i, c.instance, c.phone, "+"+c.phone, c.lead, c.status, c.owner, c.unread, at)
	}
}

func TestConversationsAreListedTheNewestFirst(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		w.talk(t)
		for query, want := range map[string]string{
			"": "50 51 52 53 of 4", "?status=open": "50 51 53 of 3", "?status=closed": "52 of 1", "?assigned_to=11": "50 of 1", "?assigned_to=21": "of 0",
			"?instance_id=1": "50 52 53 of 3", "?instance_id=99": "of 0", "?lead_id=100": "50 51 of 2", "?unread=true": "50 53 of 2", "?unread=0": "51 52 of 2",
			"?q=conceição": "50 51 of 2", "?q=JOAO": "50 51 of 2", "?q=(21) 97777-6666": "52 of 1", "?q=1188887777": "50 51 of 2", "?q=98888-7777&instance_id=2": "51 of 1",
			"?q=%25": "of 0", "?per_page=2": "50 51 of 4", "?per_page=3&page=2": "53 of 4", "?status=": "50 51 52 53 of 4",
		} {
			if got := w.listed(t, "/conversations"+strings.ReplaceAll(query, " ", "%20")); got != want {
				t.Errorf("%q lists %s, want %s", query, got, want)
			}
		}
		w.ask(t, 422, "GET", "/conversations?status=lida", "")
		want := `{"success":true,"conversation":{"id":51,"phone":"+5511988887777","contact_name":null,"status":"open","instance_id":2,"lead_id":100,"lead":{"id":100,"name":"João Conceição"},` +
			`"assigned_to":null,"assigned_user":null,"unread_count":0,"last_message_at":"2026-06-30T12:00:00Z","last_inbound_at":"2026-06-30T12:00:00Z","window_closes_at":"2026-07-01T12:00:00Z",` +
			`"created_at":"2026-06-30T12:00:00Z","updated_at":"2026-06-30T12:00:00Z"}}`
		if got := w.ask(t, 200, "GET", "/conversations/51", ""); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := w.ask(t, 200, "GET", "/conversations/50", ""); !strings.Contains(got, `"window_closes_at":null`) || !strings.Contains(got, `"assigned_user":{"id":11,"name":"Ana"}`) {
			t.Errorf("of a number without a window: %s", got)
		}
		// A lead in the trash is nowhere.
		dbtest.Exec(t, w.db, `UPDATE leads SET deleted_at = $1 WHERE account_id = 1 AND id = 100`, w.clock.Now())
		if got := w.ask(t, 200, "GET", "/conversations/50", ""); !strings.Contains(got, `"lead_id":null,"lead":null`) {
			t.Errorf("with its lead in the trash: %s", got)
		}
		if got := w.listed(t, "/conversations?q=joao"); got != "of 0" {
			t.Errorf("a lead in the trash is found: %s", got)
		}
	})
}

func TestAConversationIsReadByCursorInTheOrderOfItsMessagesOwnTimes(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		w.talk(t)
		// Message 5 has arrived late; 2 and 3 are of the same moment.
		for id, minute := range map[int]int{1: 1, 2: 2, 3: 2, 4: 4, 5: 3} {
			dbtest.Exec(t, w.db, `INSERT INTO messages (id, account_id, conversation_id, instance_id, direction, type, body, status, at, created_at, updated_at)
				VALUES ($1, 1, 50, 1, 'in', 'text', 'x', 'received', $2, $2, $2)`, id, w.clock.Now().Add(time.Duration(minute)*time.Minute))
		}
		for query, want := range map[string]string{
			"": "4 5 3 2 1", "?limit=2": "4 5 and more", "?limit=5": "4 5 3 2 1", "?before=5&limit=2": "3 2 and more", "?before=2": "1", "?before=1": "",
			"?after=4": "", "?after=1&limit=2": "3 2 and more", "?after=3": "4 5", "?after=1&before=4&limit=9": "5 3 2", "?limit=1000": "4 5 3 2 1",
		} {
			if got := w.listed(t, "/conversations/50/messages"+query); got != want {
				t.Errorf("%q reads %s, want %s", query, got, want)
			}
		}
		w.ask(t, 422, "GET", "/conversations/50/messages?before=99", "")
		w.ask(t, 422, "GET", "/conversations/51/messages?after=1", "")
		w.ask(t, 422, "GET", "/conversations/50/messages?limit=0", "")
		w.ask(t, 404, "GET", "/conversations/99/messages", "")
		want := `{"success":true,"data":[{"id":4,"conversation_id":50,"instance_id":1,"lead_id":null,"direction":"in","type":"text","body":"x","media":null,"provider_msg_id":null,"status":"received",` +
			`"error":null,"sent_by":null,"user_id":null,"template_id":null,"sent_at":"2026-06-30T13:04:00Z","updated_at":"2026-06-30T13:04:00Z"}],"meta":{"limit":1,"has_more":true,"oldest_id":4,"newest_id":4}}`
		if got := w.ask(t, 200, "GET", "/conversations/50/messages?limit=1", ""); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestAConversationIsSeenToGivenAwayClosedAndLinked(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		w.talk(t)
		dbtest.Lead(t, w.db, w.clock, w.actor, 101, "Outra")
		for _, step := range []struct{ path, body, shows string }{
			{"/conversations/50/read", "", `"unread_count":0`},
			{"/conversations/50/read", "", `"unread_count":0`},
			{"/conversations/50/assign", `{"assigned_to":"12"}`, `"assigned_to":12,"assigned_user":{"id":12,"name":"Bruno"}`},
			{"/conversations/50/assign", `{"assigned_to":null}`, `"assigned_to":null,"assigned_user":null`},
			{"/conversations/50/close", "", `"status":"closed"`},
			{"/conversations/50/reopen", "", `"status":"open"`},
			{"/conversations/50/close", "", `"status":"closed"`},
			{"/conversations/50/lead", `{"lead_id":101}`, `"lead_id":101,"lead":{"id":101,"name":"Outra"}`},
			{"/conversations/50/lead", `{"lead_id":""}`, `"lead_id":null,"lead":null`},
		} {
			if got := w.ask(t, 200, "PUT", step.path, step.body); !strings.Contains(got, step.shows) {
				t.Errorf("%s %s: %s", step.path, step.body, got)
			}
		}
		for _, wrong := range []struct{ path, body, problem string }{
			{"/conversations/50/assign", `{}`, `"assigned_to":["The assigned to field is required."]`},
			{"/conversations/50/assign", `{"assigned_to":21}`, `"assigned_to":["The selected assigned to is invalid."]`},
			{"/conversations/50/lead", `{"lead_id":999}`, `"lead_id":["The selected lead id is invalid."]`},
			{"/conversations/50/lead", `{"lead_id":"x"}`, `"lead_id":[`},
		} {
			if got := w.ask(t, 422, "PUT", wrong.path, wrong.body); !strings.Contains(got, wrong.problem) {
				t.Errorf("%s %s: %s", wrong.path, wrong.body, got)
			}
		}
		// The customer's next message opens it again.
		w.receive(t, w.fromWAHA("A1", maria, "Oi", ""))
		if got := w.ask(t, 200, "GET", "/conversations/50", ""); !strings.Contains(got, `"status":"open"`) || !strings.Contains(got, `"unread_count":1`) {
			t.Errorf("after a message: %s", got)
		}
		for _, path := range []string{"", "/messages", "/read", "/close", "/reopen", "/assign", "/lead"} {
			method := "PUT"
			if path == "" || path == "/messages" {
				method = "GET"
			}
			w.ask(t, 404, "theirs "+method, "/conversations/50"+path, `{"assigned_to":21,"lead_id":1}`)
		}
		w.ask(t, 404, "theirs POST", "/conversations/50/messages", `{"type":"text","body":"x"}`)
	})
}

func TestAReplyGoesOutByTheConversationsOwnNumber(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		w.talk(t)
		var sent []string
		w.provider.HandleFunc("POST /api/{action}", func(answer http.ResponseWriter, q *http.Request) {
			var body struct {
				ChatID, Text, Caption string
				File                  struct{ URL, Filename string }
			}
			_ = json.NewDecoder(q.Body).Decode(&body)
			sent = append(sent, fmt.Sprint(q.PathValue("action"), " ", body.ChatID, " ", body.Text, body.Caption, body.File.Filename))
			answer.WriteHeader(http.StatusCreated)
			say(answer, `{"id":"true_%s_M%d"}`, body.ChatID, len(sent))
		})
		w.provider.HandleFunc("GET /api/contacts/check-exists", func(answer http.ResponseWriter, _ *http.Request) {
			say(answer, `{"numberExists":true,"chatId":%q}`, maria)
		})
		if got, want := w.ask(t, 200, "POST", "/conversations/50/messages", `{"type":"text","body":"Claro"}`),
			`{"success":true,"conversation_id":50,"message_id":1,"provider_msg_id":"M1"}`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		w.ask(t, 200, "POST", "/conversations/50/messages", `{"type":"document","media_url":"https://a.br/p.pdf","file_name":"proposta.pdf"}`)
		w.ask(t, 200, "POST", "/conversations/50/messages", `{"type":"image","media_url":"https://a.br/f.jpg","caption":"Vitrine"}`)
		if got, want := strings.Join(sent, " | "), "sendText "+maria+" Claro | sendFile "+maria+" proposta.pdf | sendImage "+maria+" Vitrine"; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
		w.wants(t, "out text sent api Claro | out document sent api  | out image sent api Vitrine", theMessages)
		w.ask(t, 422, "POST", "/conversations/50/messages", `{"type":"text"}`)
		w.ask(t, 422, "POST", "/conversations/50/messages", `{"type":"audio","body":"x"}`)
		w.ask(t, 422, "POST", "/conversations/50/messages", `{"type":"template"}`)
		// The window of the other number is its own.
		w.clock.Advance(24 * time.Hour)
		if got := w.ask(t, 422, "POST", "/conversations/51/messages", `{"type":"text","body":"Oi"}`); !strings.Contains(got, `"skip_reason":"window_closed"`) {
			t.Errorf("after the window: %s", got)
		}
		dbtest.Exec(t, w.db, `UPDATE whatsapp_instances SET status = 'disconnected' WHERE account_id = 1 AND id = 1`)
		if got := w.ask(t, 422, "POST", "/conversations/50/messages", `{"type":"text","body":"Oi"}`); !strings.Contains(got, `"skip_reason":"no_instance"`) {
			t.Errorf("without the number: %s", got)
		}
	})
}

// watchedQueries are the queries that are made, as they were made.
type watchedQueries struct {
	db.Querier
	statements []db.Statement
}

func (w *watchedQueries) Query(sql string, args ...any) *db.Rows {
	w.statements = append(w.statements, db.Statement{SQL: sql, Args: args})
	return w.Querier.Query(sql, args...)
}

func TestListsOfConversationsAndMessagesReadOnlyTheirIndexes(t *testing.T) {
	eachMailbox(t, func(t *testing.T, w *mailbox) {
		w.talk(t)
		w.receive(t, w.fromWAHA("A1", maria, "Oi", ""))
		for query, index := range map[string]string{
			"": "conversations_newest", "status=open": "conversations_newest", "assigned_to=11&unread=true": "conversations_newest", "instance_id=1": "conversations_newest",
			"lead_id=100": "conversations_", "q=joao": "conversations_newest", "messages": "messages_of_conversation",
		} {
			if err := w.db.Read(t.Context(), func(q db.Querier) error {
				watch := &watchedQueries{Querier: q}
				err := w.service.ListForTest(watch, w.actor, query)
				if query == "messages" {
					watch.statements = nil
					err = messaging.ReadForTest(watch, w.actor, 50, 1)
				}
				if err != nil {
					return err
				}
				plan, err := w.explain(q, watch.statements[len(watch.statements)-1])
				if err != nil {
					return err
				}
				if !strings.Contains(plan, index) || strings.Contains(plan, "SCAN c") || strings.Contains(plan, "SCAN m") || strings.Contains(plan, "SCAN l") || strings.Contains(plan, "Seq Scan on conversations") || strings.Contains(plan, "Seq Scan on messages") {
					t.Errorf("%q is not read by %s:\n%s", query, index, plan)
				}
				if strings.Contains(strings.Split(plan, "page")[0], "USE TEMP B-TREE FOR ORDER BY") && index == "conversations_newest" {
					t.Errorf("%q is sorted:\n%s", query, plan)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// explain gives the plan of a statement. PostgreSQL, which would rather read a
// small table from end to end, is told not to.
func (w *mailbox) explain(q db.Querier, s db.Statement) (string, error) {
	if w.db.Engine() == db.Postgres {
		var off string
		if err := db.Get(q.Query("SELECT set_config('enable_seqscan', 'off', false)"), &off); err != nil {
			return "", err
		}
		lines, err := db.Column[string](q.Query("EXPLAIN "+s.SQL, s.Args...))
		return strings.Join(lines, "\n"), err
	}
	lines, err := db.Collect(q.Query("EXPLAIN QUERY PLAN "+s.SQL, s.Args...), func(r *db.Rows, line *string) {
		var id, parent, unused int64
		r.Scan(&id, &parent, &unused, line)
	})
	return strings.Join(lines, "\n"), err
}
