package sequences_test

import (
	"encoding/json"
	"testing"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/sequences"
)

func TestSequencesAreListedWithTheNumberOfTheirSteps(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		ours, theirs := dbtest.Account(t, d, clock, 1), dbtest.Account(t, d, clock, 2)
		for _, sequence := range [][]any{{2, "Vazia", nil, false}, {1, "Boas-vindas", "Olá", true}} {
			dbtest.Exec(t, d, `INSERT INTO sequences (id, account_id, name, description, channel, is_active, exit_on_reply, exit_on_stage_change, created_at, updated_at)
				VALUES ($1, 1, $2, $3, 'whatsapp', $4, TRUE, FALSE, $5, $5)`, append(sequence, clock.Now())...)
		}
		for position := range 3 {
			dbtest.Exec(t, d, `INSERT INTO sequence_steps (account_id, sequence_id, position, type, delay_minutes, settings) VALUES (1, 1, $1, 'message', 0, '{}')`, position+1)
		}
		service := sequences.New(d, sequences.Options{Log: &events.Log{}, Clock: clock.Now})
		list, err := service.List(t.Context(), ours)
		if err != nil {
			t.Fatal(err)
		}
		want := `[{"id":1,"name":"Boas-vindas","description":"Olá","channel":"whatsapp","is_active":true,"exit_on_reply":true,"exit_on_stage_change":false,` +
			`"total_steps":3,"active_enrollments":0,"completed_enrollments":0,"created_at":"2026-06-30T13:00:00Z"},` +
			`{"id":2,"name":"Vazia","description":null,"channel":"whatsapp","is_active":false,"exit_on_reply":true,"exit_on_stage_change":false,` +
			`"total_steps":0,"active_enrollments":0,"completed_enrollments":0,"created_at":"2026-06-30T13:00:00Z"}]`
		if got, err := json.Marshal(list); err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
		if foreign, err := service.List(t.Context(), theirs); err != nil || len(foreign) != 0 {
			t.Errorf("another account gets %+v, %v", foreign, err)
		}
	})
}
