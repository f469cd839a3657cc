package timeline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/faults"
	"syncro/internal/money"
	"syncro/internal/timeline"
)

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, d *db.DB, fn func(q db.Querier) error) {
	t.Helper()
	if err := d.Read(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// sameJSON holds what an answer would say against what it should.
func sameJSON(t *testing.T, got any, want string) {
	t.Helper()
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestEventsAreShownNewestFirstAndOnlyToTheirAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		ours, theirs := dbtest.Account(t, d, clock, 1), dbtest.Account(t, d, clock, 2)
		dbtest.Lead(t, d, clock, ours, 100, "João")
		write(t, d, func(tx *db.Tx) error {
			for i := range 101 {
				if err := timeline.Record(tx, ours, timeline.Event{LeadID: 100, Type: timeline.Updated, Description: fmt.Sprint(i)}); err != nil {
					return err
				}
			}
			nobody := authz.Actor{AccountID: 1}
			return timeline.Record(tx, nobody, timeline.Event{LeadID: 100, Type: timeline.TagAdded, Description: "Tag vip adicionada."},
				timeline.Event{LeadID: 100, Type: timeline.SaleWon, Description: "Venda <ganha>."})
		})
		read(t, d, func(q db.Querier) error {
			events, err := timeline.Events(q, ours, 100)
			if err != nil {
				return err
			}
			if len(events) != 100 || events[0].Type != timeline.SaleWon || events[0].PerformedBy != nil || events[1].Type != timeline.TagAdded ||
				events[2].Description != "100" || *events[2].PerformedBy != 11 || !events[2].CreatedAt.Equal(clock.Now()) {
				t.Errorf("%d events, the newest are %+v", len(events), events[:3])
			}
			foreign, err := timeline.Events(q, theirs, 100)
			if len(foreign) != 0 {
				t.Errorf("another account sees %+v", foreign)
			}
			return err
		})
	})
}

func TestNotesOfManyLeadsComeTogetherNewestFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		ours, theirs := dbtest.Account(t, d, clock, 1), dbtest.Account(t, d, clock, 2)
		for _, id := range []int64{100, 101, 102} {
			dbtest.Lead(t, d, clock, ours, id, "João")
		}
		for _, n := range []struct {
			id, lead int64
			author   any
			age      time.Duration
		}{{1, 100, 12, time.Hour}, {2, 100, nil, 2 * time.Hour}, {3, 101, 11, 0}} {
			dbtest.Exec(t, d, `INSERT INTO lead_notes (id, account_id, lead_id, body, author_id, created_at) VALUES ($1, 1, $2, 'Ligou', $3, $4)`,
				n.id, n.lead, n.author, clock.Now().Add(-n.age))
		}
		read(t, d, func(q db.Querier) error {
			notes, err := timeline.Notes(q, ours, []int64{100, 101, 102})
			if err != nil {
				return err
			}
			sameJSON(t, notes, `{"100":[{"id":1,"body":"Ligou","author":{"id":12,"name":"Bruno"},"created_at":"2026-06-30T12:00:00Z"},`+
				`{"id":2,"body":"Ligou","author":null,"created_at":"2026-06-30T11:00:00Z"}],`+
				`"101":[{"id":3,"body":"Ligou","author":{"id":11,"name":"Ana"},"created_at":"2026-06-30T13:00:00Z"}]}`)
			foreign, err := timeline.Notes(q, theirs, []int64{100, 101, 102})
			if len(foreign) != 0 {
				t.Errorf("another account sees %+v", foreign)
			}
			return err
		})
	})
}

func TestAStaleWriteIsToldWhichFieldsChangedAndByWhom(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		ana := dbtest.Account(t, d, clock, 1)
		bruno, theirs := ana, dbtest.Account(t, d, clock, 2)
		bruno.UserID = 12
		for i, change := range []struct {
			actor  authz.Actor
			fields []timeline.Change
		}{
			{ana, []timeline.Change{{"name", "João", `J"o"<ão>`}, {"value", nil, money.Cents(5050)}}},
			{ana, []timeline.Change{{"tags", []string{}, []string{"vip"}}, {"name", "x", "y"}}},
			{authz.Actor{AccountID: 1}, nil},
			{bruno, []timeline.Change{{"name", "y", "z"}}},
			{authz.Actor{AccountID: 1}, []timeline.Change{{"score", 1, 2}}},
			{theirs, []timeline.Change{{"source", nil, "site"}}},
		} {
			clock.Advance(time.Minute)
			write(t, d, func(tx *db.Tx) error {
				return timeline.RecordChange(tx, change.actor, timeline.Lead, 100, int64(i+2), change.fields)
			})
		}

		read(t, d, func(q db.Querier) error {
			var stored string
			err := db.Get(q.Query(`SELECT changes FROM record_changes WHERE account_id = 1 AND version = 2`), &stored)
			if want := `{"name":["João","J\"o\"<ão>"],"value":[null,50.5]}`; stored != want {
				t.Errorf("stored %s, want %s", stored, want)
			}
			return err
		})
		changed := func(kind timeline.Kind, since, current int64) any {
			var stale error
			read(t, d, func(q db.Querier) error {
				stale = timeline.Stale(q, ana, kind, 100, since, current)
				return nil
			})
			var refusal *faults.Error
			if !errors.As(stale, &refusal) || refusal.Kind != faults.Stale || refusal.Message != "O registro foi alterado desde a leitura." {
				t.Fatalf("got %v", stale)
			}
			return refusal.Members
		}
		sameJSON(t, changed(timeline.Lead, 2, 6), `[{"Name":"current_etag","Value":"\"6\""},{"Name":"changed","Value":[`+
			`{"field":"score","changed_by":null,"changed_at":"2026-06-30T13:05:00Z"},`+
			`{"field":"name","changed_by":{"id":12,"name":"Bruno"},"changed_at":"2026-06-30T13:04:00Z"},`+
			`{"field":"tags","changed_by":{"id":11,"name":"Ana"},"changed_at":"2026-06-30T13:02:00Z"}]}]`)
		sameJSON(t, changed(timeline.Task, 2, 6), `[{"Name":"current_etag","Value":"\"6\""},{"Name":"changed","Value":[]}]`)
	})
}
