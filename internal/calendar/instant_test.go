package calendar_test

import (
	"encoding/json"
	"testing"
	"time"

	"syncro/internal/calendar"
)

func TestInstantsArePrintedInWholeSecondsOfUTC(t *testing.T) {
	at := time.Date(2026, 6, 30, 7, 0, 0, 999_999_999, time.FixedZone("", -3*60*60))
	got, err := json.Marshal([]any{calendar.Instant{Time: at}, calendar.InstantOf(&at), calendar.InstantOf(nil)})
	if want := `["2026-06-30T10:00:00Z","2026-06-30T10:00:00Z",null]`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}
