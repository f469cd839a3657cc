package sequences_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"syncro/internal/messaging"
)

const (
	day   = 24 * time.Hour
	hello = `{"type":"message","settings":{"body":"Olá {{nome}}"}}`
	call  = `{"type":"task","delay_minutes":1440,"settings":{"subject":"Ligar para {{nome}} de {{empresa}}","type":"call","due_in_days":1,"fallbacks":{"empresa":"sua empresa"}}}`
)

func TestASequenceRunsByItself(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", hello+`,{"type":"template","delay_minutes":60,"settings":{"template_id":1,"variables":["{{primeiro_nome}}","{{empresa}}"],"fallbacks":{"empresa":"casa"}}},`+call)
		enrolled := w.enroll(100, id)
		if enrolled.at("status") != "active" || enrolled.at("next_step_at") != "2026-06-30T13:00:00Z" {
			t.Errorf("enrolled with %s", enrolled.text)
		}
		w.pass(0)
		w.expect(100, id, "active", 2, "1 done")
		w.pass(59 * time.Minute)
		w.expect(100, id, "active", 2, "1 done")
		w.pass(time.Minute)
		x := w.expect(100, id, "active", 3, "1 done", "2 done")
		if x.at("next", "at") != "2026-07-01T14:00:00Z" || x.at("next", "text") != "Ligar para João Silva de sua empresa" {
			t.Errorf("next is %v", x.at("next"))
		}
		w.pass(day)
		x = w.expect(100, id, "completed", 3, "1 done", "2 done", "3 done")
		if want := []string{"Olá João Silva", `lembrete["João" "casa"]`}; !slices.Equal(w.provider.said(), want) {
			t.Errorf("sent %q, want %q", w.provider.said(), want)
		}
		task := w.ask(200, "GET", fmt.Sprintf("/tasks/%v", x.at("history", 2, "task_id")), nil)
		if task.at("task", "subject") != "Ligar para João Silva de sua empresa" || task.at("task", "due_date") != "2026-07-02" || task.at("task", "type") != "call" {
			t.Errorf("the task is %s", task.text)
		}
		if x.at("history", 0, "message_id") == nil || x.at("next") != nil {
			t.Errorf("explained as %s", x.text)
		}
		if got, want := w.events("sequence.%"), []string{"sequence.enrolled", "sequence.completed"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		if n := w.count(`SELECT count(*) FROM events WHERE account_id = 1 AND type LIKE 'sequence.%' AND strpos(body, '"data":{"lead":{"id":100,"name":"João Silva","phone":"+5511999887700"') > 0
			AND strpos(body, '"lead_sequence":{"id":') > 0`); n != 2 {
			t.Errorf("%d of 2 events show the whole lead", n)
		}
		listed := w.ask(200, "GET", "/sequences", nil)
		if listed.at("data", 0, "completed_enrollments") != 1.0 || listed.at("data", 0, "active_enrollments") != 0.0 {
			t.Errorf("listed as %s", listed.text)
		}
	})
}

func TestBranchesLandWhereTheyShould(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", hello+`,{"type":"wait_reply","settings":{"timeout_minutes":60,"on_reply_step":4,"on_timeout_step":3}},
			{"type":"message","settings":{"body":"Ainda aí?"}},
			{"type":"condition","delay_minutes":10,"settings":{"field":"has_email","operator":"equals","value":"true","then_step":5,"else_step":6}},
			{"type":"action","settings":{"action":"add_tag","tag":"com email"}},
			{"type":"action","settings":{"action":"add_tag","tag":"fim"}}`)
		w.enroll(100, id)
		w.enroll(101, id)
		w.pass(0)
		w.expect(100, id, "active", 2, "1 done")
		w.pass(30 * time.Minute)
		w.reply(100) // is waited for, and no reason to leave
		w.expect(100, id, "active", 4, "1 done", "2 done (replied)")
		w.pass(9 * time.Minute)
		w.expect(100, id, "active", 4, "1 done", "2 done (replied)")
		w.pass(time.Minute) // the branch's delay counts from the reply
		w.expect(100, id, "completed", 6, "1 done", "2 done (replied)", "4 done (condition_false)", "6 done")
		w.pass(20 * time.Minute)
		w.expect(101, id, "active", 4, "1 done", "2 done (timeout)", "3 done")
		w.ask(200, "PUT", "/leads/101", `{"email":"maria@a.br"}`)
		w.pass(10 * time.Minute)
		w.expect(101, id, "completed", 6, "1 done", "2 done (timeout)", "3 done", "4 done (condition_true)", "5 done", "6 done")
		if tags := w.ask(200, "GET", "/leads/100", nil).at("lead", "tags"); fmt.Sprint(tags) != "[fim]" {
			t.Errorf("the branch not taken has left %v", tags)
		}
	})
}

func TestWhatEndsAnEnrolment(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		later := `{"type":"message","delay_minutes":60,"settings":{"body":"Olá"}}`
		stays := w.sequence(`"exit_on_reply":false,`, later)
		leaves := w.sequence(`"exit_on_stage_change":true,`, later)
		again := func(lead int64) {
			t.Helper()
			for _, id := range []int64{stays, leaves} {
				if status := w.ask(200, "GET", fmt.Sprintf("/leads/%d?include=sequences", lead), nil).at("lead", "active_sequence", "status"); status == nil || id == leaves {
					w.enroll(lead, id)
				}
			}
		}
		again(100)
		w.reply(100)
		w.expect(100, stays, "active", 1)
		w.expect(100, leaves, "exited_reply", 1)
		again(100)
		w.ask(200, "PUT", "/leads/100/stage", `{"stage_id":12,"pipeline_id":1}`)
		w.expect(100, stays, "active", 1)
		w.expect(100, leaves, "exited_stage_change", 1)
		again(100)
		w.ask(200, "PUT", "/leads/100", `{"opted_out":true}`)
		w.expect(100, stays, "exited_opt_out", 1)
		w.expect(100, leaves, "exited_opt_out", 1)
		w.reply(100) // overwrites nothing
		w.expect(100, leaves, "exited_opt_out", 1)

		w.enroll(101, stays)
		w.reply(101)
		w.expect(101, stays, "active", 1)
		w.ask(200, "PUT", "/leads/101/won", `{"stage_id":13}`)
		w.expect(101, stays, "exited_won_lost", 1)
		w.enroll(101, stays) // what is won already can be enrolled
		w.ask(200, "DELETE", fmt.Sprintf("/leads/101/enroll-sequence/%d", stays), nil)
		w.expect(101, stays, "exited_manual", 1)
		w.enroll(101, leaves)
		w.ask(200, "DELETE", "/leads/101", nil)
		if n := w.count(`SELECT count(*) FROM sequence_enrollments WHERE account_id = 1 AND status = 'exited_deleted'`); n != 1 {
			t.Errorf("%d enrolments ended with their lead", n)
		}
		w.pass(day)
		if said := w.provider.said(); len(said) != 0 {
			t.Errorf("sent %q to leads that had left", said)
		}
	})
}

func TestASequencesOwnMove(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		move := func(stage int) string {
			return fmt.Sprintf(`{"type":"action","settings":{"action":"move_stage","stage_id":%d}}`, stage)
		}
		own := w.sequence(`"exit_on_stage_change":true,`, move(12)+`,`+move(11)+`,`+move(13))
		other := w.sequence(`"exit_on_stage_change":true,`, `{"type":"message","delay_minutes":60,"settings":{"body":"Olá"}}`)
		w.enroll(100, own)
		w.enroll(100, other)
		w.pass(0)
		// Into the stage that requires a task; not out of it.
		w.expect(100, own, "completed", 3, "1 done", "2 skipped (blocked)", "3 skipped (blocked)")
		w.expect(100, other, "exited_stage_change", 1)

		wins := w.sequence("", `{"type":"action","settings":{"action":"assign_user","assigned_to":12}},`+move(13)+`,`+hello)
		w.enroll(101, wins)
		w.pass(0)
		w.expect(101, wins, "exited_won_lost", 2, "1 done", "2 done")
		if lead := w.ask(200, "GET", "/leads/101?include=owner", nil); lead.at("lead", "stage", "name") != "Ganho" || lead.at("lead", "assigned_to") != 12.0 {
			t.Errorf("the lead is %s", lead.text)
		}
	})
}

func TestAClosedWindow(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", `{"type":"message","settings":{"body":"Olá","instance_id":2}},
			{"type":"message","settings":{"body":"Olá {{nome}}","instance_id":2,"fallback_template":{"template_id":1,"variables":["{{nome}}","nós"]}}},`+call)
		w.enroll(100, id)
		w.pass(0)
		w.expect(100, id, "active", 3, "1 skipped (window_closed)", "2 done (fallback_template)")
		if want := []string{`lembrete["João Silva" "nós"]`}; !slices.Equal(w.provider.said(), want) {
			t.Errorf("sent %q, want %q", w.provider.said(), want)
		}
	})
}

func TestWhatDidNotGoOutIsTriedAgainAndThenFails(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", hello+`,`+call)
		w.provider.answerJoao(&messaging.SendError{Outcome: messaging.NotSent, Message: "connection refused"})
		w.enroll(100, id)
		w.enroll(101, id)
		w.pass(0)
		x := w.expect(100, id, "active", 1)
		if x.at("reason") != "retry" || x.at("next", "at") != "2026-06-30T13:01:00Z" || x.at("last_error") != "connection refused" {
			t.Errorf("explained as %s", x.text)
		}
		w.expect(101, id, "active", 2, "1 done")
		w.pass(time.Minute)
		w.provider.answerJoao(&messaging.SendError{Outcome: messaging.RetryLater, Code: "429", Message: "slow down", RetryAfter: time.Hour})
		w.pass(5 * time.Minute)
		if x := w.explained(100, id); x.at("next", "at") != "2026-06-30T14:06:00Z" {
			t.Errorf("what the provider asks for is not heeded: %s", x.text)
		}
		w.provider.answerJoao(nil)
		w.pass(time.Hour) // recovers by itself
		w.expect(100, id, "active", 2, "1 done")
		if n := w.count(`SELECT count(*) FROM messages WHERE account_id = 1 AND lead_id = 100`); n != 1 {
			t.Errorf("%d messages stand for one step", n)
		}

		w.ask(200, "PUT", "/leads/101", `{"phone":""}`)
		silent := w.sequence("", hello)
		w.enroll(101, silent)
		w.provider.answerJoao(&messaging.SendError{Outcome: messaging.NotSent, Message: "connection refused"})
		w.enroll(100, silent)
		for range 9 {
			w.pass(8 * time.Hour)
		}
		if x := w.expect(100, silent, "failed", 1, "1 failed (connection refused)"); x.at("last_error") != "connection refused" {
			t.Errorf("explained as %s", x.text)
		}
		w.expect(101, silent, "failed", 1, "1 failed (O lead não possui telefone.)")
		if got := w.events("sequence.exited"); len(got) != 2 {
			t.Errorf("told %q", got)
		}
	})
}

func TestAMessageThatNobodyKnowsOfIsNotSentAgain(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", hello+`,`+call)
		w.provider.answerJoao(&messaging.SendError{Outcome: messaging.Unknown, Message: "timed out"})
		w.enroll(100, id)
		w.pass(0)
		w.expect(100, id, "active", 2, "1 unknown (timed out)")
		w.provider.answerJoao(nil)
		w.pass(day)
		w.expect(100, id, "completed", 2, "1 unknown (timed out)", "2 done")
		if said := w.provider.said(); len(said) != 0 {
			t.Errorf("sent %q", said)
		}
	})
}

// A process that dies leaves what it has committed and nothing else: the rows that
// the database holds at that moment are what the next process finds.
func TestAProcessThatDiesInTheMiddleOfAStep(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", hello+`,`+call)
		type dying struct{}
		// While the provider is called the message is recorded; the process ends there.
		w.provider.during = func(messaging.Outgoing) { panic(dying{}) }
		w.enroll(100, id)
		died := make(chan any)
		go func() {
			defer func() { died <- recover() }()
			_ = w.service.PerformAll(t.Context(), 1)
		}()
		if <-died == nil {
			t.Fatal("the process lives")
		}
		w.provider.during = nil
		w.pass(30 * time.Second)
		w.expect(100, id, "active", 1) // the lease of the dead
		w.pass(30 * time.Second)
		w.expect(100, id, "active", 2, "1 unknown (Falha no provedor WhatsApp.)")
		w.pass(day)
		if said := w.provider.said(); len(said) != 0 {
			t.Errorf("sent %q", said)
		}

		// Before the message is recorded it has not been sent: now it is.
		w.enroll(101, id)
		check(t, w.service.ClaimAll(t.Context(), 1))
		w.pass(30 * time.Second)
		w.expect(101, id, "active", 1)
		check(t, w.service.Release(t.Context())) // as a server on SQLite does at its start
		w.pass(0)
		w.expect(101, id, "active", 2, "1 done")
	})
}

func TestWhatHappensWhileAMessageGoesOut(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		asks := w.sequence("", hello+`,{"type":"wait_reply","settings":{"timeout_minutes":60,"on_reply_step":0}},`+call)
		w.provider.during = func(messaging.Outgoing) { w.reply(100) }
		w.enroll(100, asks)
		w.pass(0)
		w.expect(100, asks, "completed", 3, "1 done", "2 done (replied)")

		tells := w.sequence("", hello+`,`+hello)
		w.provider.during = func(messaging.Outgoing) { w.ask(200, "PUT", "/leads/101", `{"opted_out":true}`) }
		w.enroll(101, tells)
		w.pass(0)
		w.expect(101, tells, "exited_opt_out", 1, "1 done")
		if said := w.provider.said(); len(said) != 2 {
			t.Errorf("sent %q", said)
		}
	})
}

func TestInactiveSequencesAndPausedEnrolmentsAreHeld(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", `{"type":"message","delay_minutes":10,"settings":{"body":"Olá"}},`+call)
		w.enroll(100, id)
		w.enroll(101, id)
		w.ask(200, "PUT", fmt.Sprintf("/leads/101/enroll-sequence/%d/pause", id), nil)
		w.ask(200, "POST", fmt.Sprintf("/sequences/%d/deactivate", id), nil)
		w.pass(time.Hour)
		if x := w.expect(100, id, "active", 1); x.at("reason") != "sequence_inactive" || x.at("next") != nil {
			t.Errorf("explained as %s", x.text)
		}
		w.ask(200, "POST", fmt.Sprintf("/sequences/%d/activate", id), nil)
		w.pass(0)
		w.expect(100, id, "active", 2, "1 done")
		if x := w.expect(101, id, "paused", 1); x.at("reason") != "paused" {
			t.Errorf("explained as %s", x.text)
		}
		w.ask(200, "PUT", fmt.Sprintf("/leads/101/enroll-sequence/%d/resume", id), nil)
		w.pass(0)
		w.expect(101, id, "active", 2, "1 done")
	})
}

func TestAnEditLeavesRunningEnrolmentsOnTheirSteps(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", hello+`,`+call)
		w.enroll(100, id)
		w.pass(0)
		path := fmt.Sprintf("/sequences/%d", id)
		edited := w.ask(200, "PUT", path, `{"steps":[{"type":"action","settings":{"action":"add_tag","tag":"novo"}}]}`)
		if edited.at("sequence", "total_steps") != 1.0 {
			t.Errorf("edited to %s", edited.text)
		}
		w.enroll(101, id)
		w.pass(day)
		w.expect(101, id, "completed", 1, "1 done")
		if x := w.expect(100, id, "completed", 2, "1 done", "2 done"); x.at("total_steps") != 2.0 || x.at("outdated") != true {
			t.Errorf("explained as %s", x.text)
		}
		steps := w.count(`SELECT count(*) FROM sequence_steps WHERE account_id = 1 AND sequence_id = $1`, id)
		w.ask(200, "PUT", path, map[string]any{"name": "Outra", "steps": edited.at("sequence", "steps")}) // as it was read
		if again := w.count(`SELECT count(*) FROM sequence_steps WHERE account_id = 1 AND sequence_id = $1`, id); again != steps {
			t.Errorf("the same steps became a new version")
		}

		w.ask(200, "PUT", path, `{"steps":[`+hello+`,`+call+`]}`)
		w.enroll(100, id)
		w.ask(200, "DELETE", path, nil)
		w.ask(404, "GET", path, nil)
		w.pass(0)
		lead := w.ask(200, "GET", "/leads/100?include=sequences", nil)
		if lead.at("lead", "sequences", 0, "status") != "exited_manual" || lead.at("lead", "sequences", 1, "status") != "completed" || lead.at("lead", "active_sequence") != nil {
			t.Errorf("after the sequence is deleted the lead shows %s", lead.text)
		}
	})
}
