package sequences_test

import (
	"testing"
	"time"

	"syncro/internal/events"
	"syncro/internal/jobs"
	"syncro/internal/messaging"
	"syncro/internal/sequences"
)

func TestAClockThatIsSetBackOrForwardRepeatsAndForgetsNothing(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", hello+`,{"type":"message","delay_minutes":60,"settings":{"body":"Ainda aí?"}},`+call)
		w.enroll(100, id)
		w.pass(0)
		w.expect(100, id, "active", 2, "1 done")
		w.pass(-3 * time.Hour)
		w.expect(100, id, "active", 2, "1 done")
		w.enroll(101, id) // what begins now goes by the clock as it is now
		w.pass(0)
		w.expect(101, id, "active", 2, "1 done")
		w.pass(time.Hour)
		w.expect(101, id, "active", 3, "1 done", "2 done")
		w.expect(100, id, "active", 2, "1 done") // what was planned keeps its time
		w.pass(3 * time.Hour)
		w.expect(100, id, "active", 3, "1 done", "2 done")
		w.pass(30 * day)
		w.expect(100, id, "completed", 3, "1 done", "2 done", "3 done")
		w.pass(-60 * day)
		w.expect(100, id, "completed", 3, "1 done", "2 done", "3 done")
		if said := w.provider.said(); len(said) != 4 {
			t.Errorf("sent %q", said)
		}
	})
}

func TestAClockThatIsSetWhileAMessageGoesOut(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", hello)
		other := sequences.New(w.db, w.options(&events.Log{})) // its services tell w.log
		w.provider.during = func(messaging.Outgoing) {
			w.clock.Advance(time.Hour) // the lease seems to be over, and another node takes the step
			check(t, jobs.RunDue(t.Context(), other.Kinds()...))
		}
		w.enroll(100, id)
		w.pass(0)
		w.expect(100, id, "completed", 1, "1 done") // the other one had it down as unknown, until the first one told
		w.provider.during = func(messaging.Outgoing) { w.clock.Advance(-2 * time.Hour) }
		w.enroll(101, id)
		w.pass(0)
		w.expect(101, id, "completed", 1, "1 done")
		if said := w.provider.said(); len(said) != 2 {
			t.Errorf("sent %q", said)
		}
		if n := w.count(`SELECT count(*) FROM messages WHERE account_id = 1 AND status = 'sent'`); n != 2 {
			t.Errorf("%d messages stand as sent", n) // whoever sent it knows, however late
		}
	})
}
