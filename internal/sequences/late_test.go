package sequences_test

import (
	"fmt"
	"testing"
	"time"

	"syncro/internal/db/dbtest"
	"syncro/internal/messaging/simulator"
)

// official is a step that sends by the official number, and what goes out instead
// when the window is closed.
const (
	official     = `{"type":"message","settings":{"body":"Oi, {{nome}}","instance_id":2}}`
	withFallback = `{"type":"message","settings":{"body":"Oi, {{nome}}","instance_id":2,"fallback_template":{"template_id":1,"variables":["{{nome}}","nós"]}}}`
	fallbackText = "Olá João Silva, de nós"
)

// open opens the official number's window for João.
func (w *simulated) open() {
	w.t.Helper()
	_, err := w.whatsApp.Write(w.t.Context(), simulator.Inbound{InstanceID: 2, Phone: joaosPhone, Body: "Oi", At: w.clock.Now()})
	check(w.t, err)
	w.goOn(0)
}

// refuse lets a webhook tell that the newest message, which was accepted, was refused
// for the closed window.
func (w *simulated) refuse() {
	w.t.Helper()
	sent := w.whatsApp.Messages()
	check(w.t, w.whatsApp.Tell(w.t.Context(), sent[len(sent)-1].ID, "failed", 131047))
}

func TestAWindowThatTurnsOutToBeClosedHasTheFallbackSentThen(t *testing.T) {
	eachSimulated(t, func(t *testing.T, w *simulated) {
		id := w.sequence("", withFallback+`,{"type":"message","delay_minutes":60,"settings":{"body":"Até"}}`)
		w.open()
		w.enroll(100, id)
		w.goOn(0)
		w.expect(100, id, "active", 2, "1 done")
		w.refuse()
		w.whatsApp.Fail(simulator.Failure{InstanceID: 2, Status: 429, Times: 1}) // the first attempt at the template
		w.goOn(0)
		w.expect(100, id, "active", 2, "1 failed (429: Too Many Requests)")
		w.whatsApp.Heal()
		w.goOn(time.Minute)
		w.goOn(time.Hour)
		w.expect(100, id, "completed", 2, "1 done (fallback_template)", "2 done")
		if n := w.whatsApp.Count(joaosPhone, fallbackText); n != 1 || w.whatsApp.Attempts(joaosPhone, "Oi, João Silva") != 1 || len(w.whatsApp.Doubled()) != 0 {
			t.Errorf("the template went out %d times, the message %d times", n, w.whatsApp.Attempts(joaosPhone, "Oi, João Silva"))
		}
	})
}

func TestAStepWhoseWindowTurnsOutToBeClosedIsSkippedWithoutAFallback(t *testing.T) {
	eachSimulated(t, func(t *testing.T, w *simulated) {
		id := w.sequence("", official+`,`+call)
		w.open()
		w.enroll(100, id)
		w.goOn(0)
		w.refuse()
		w.goOn(0)
		w.expect(100, id, "active", 2, "1 skipped (window_closed)")
	})
}

func TestALeadThatHasLeftGetsNoFallback(t *testing.T) {
	eachSimulated(t, func(t *testing.T, w *simulated) {
		id := w.sequence("", withFallback+`,`+call)
		w.open()
		w.enroll(100, id)
		w.goOn(0)
		w.ask(200, "DELETE", fmt.Sprintf("/leads/100/enroll-sequence/%d", id), nil)
		w.refuse()
		w.goOn(0)
		w.goOn(time.Hour)
		w.expect(100, id, "exited_manual", 2, "1 skipped (window_closed)")
		if n := w.whatsApp.Attempts(joaosPhone, fallbackText); n != 0 {
			t.Errorf("the template was sent %d times", n)
		}
	})
}

func TestAProcessThatDiedBeforeWritingDownItsStepStillSendsTheFallbackOnce(t *testing.T) {
	eachSimulated(t, func(t *testing.T, w *simulated) {
		id := w.sequence("", withFallback+`,`+call)
		w.open()
		w.enroll(100, id)
		w.goOn(0)
		// As the process leaves it that dies once the message is settled.
		dbtest.Exec(t, w.db, `DELETE FROM sequence_runs WHERE account_id = 1`)
		dbtest.Exec(t, w.db, `UPDATE sequence_enrollments SET position = 1, running = TRUE, next_step_at = previous_at, due_at = $1 WHERE account_id = 1`, w.clock.Now().Add(time.Minute))
		w.refuse()
		w.goOn(0)
		w.expect(100, id, "active", 1)
		for range 3 {
			w.goOn(time.Minute)
		}
		w.expect(100, id, "active", 2, "1 done (fallback_template)")
		if n := w.whatsApp.Count(joaosPhone, fallbackText); n != 1 || w.whatsApp.Attempts(joaosPhone, "Oi, João Silva") != 1 {
			t.Errorf("the template went out %d times, the message %d times", n, w.whatsApp.Attempts(joaosPhone, "Oi, João Silva"))
		}
	})
}
