package sequences

import (
	"testing"
	"time"

	"syncro/internal/calendar"
)

// Where the clocks change, the hours of a day are one stretch of time: from the first
// moment at which the clocks show its beginning, or have skipped it, to the first at
// which they show its end.
func TestSendingHoursWhereTheClocksChange(t *testing.T) {
	const newYork, saoPaulo = "America/New_York", "America/Sao_Paulo"
	for _, test := range []struct {
		what, zone  string
		from, until string // "" for none
		weekdays    []int64
		at, want    string
	}{
		{"begin in the hour that is skipped", newYork, "02:30", "05:00", nil, "2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z"},
		{"lie in the hour that is skipped: the day has none", newYork, "02:15", "02:45", nil, "2026-03-08T06:00:00Z", "2026-03-09T06:15:00Z"},
		{"end in the hour that is skipped", newYork, "01:00", "02:30", nil, "2026-03-08T06:59:00Z", "2026-03-08T06:59:00Z"},
		{"have ended in the hour that is skipped", newYork, "01:00", "02:30", nil, "2026-03-08T07:00:00Z", "2026-03-09T05:00:00Z"},
		{"are those of the clocks after the change", newYork, "09:00", "18:00", nil, "2026-03-07T23:30:00Z", "2026-03-08T13:00:00Z"},
		{"are those of the clocks before it", newYork, "09:00", "18:00", nil, "2026-03-06T23:30:00Z", "2026-03-07T14:00:00Z"},
		{"begin the first time that an hour is shown", newYork, "01:30", "03:00", nil, "2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z"},
		{"go on while it is shown again", newYork, "01:30", "03:00", nil, "2026-11-01T06:10:00Z", "2026-11-01T06:10:00Z"},
		{"do not begin again", newYork, "01:30", "01:45", nil, "2026-11-01T06:35:00Z", "2026-11-02T06:30:00Z"},
		{"of a day without a midnight begin with the day", saoPaulo, "", "", []int64{7}, "2018-11-03T20:00:00Z", "2018-11-04T03:00:00Z"},
		{"begin at a midnight that there is not", saoPaulo, "00:00", "08:00", nil, "2018-11-04T02:59:00Z", "2018-11-04T03:00:00Z"},
		{"until midnight hold through the hour before it, twice", saoPaulo, "23:15", "", []int64{6}, "2018-02-18T02:30:00Z", "2018-02-18T02:30:00Z"},
		{"end the first time that their end is shown", saoPaulo, "23:15", "23:30", []int64{6}, "2018-02-18T02:20:00Z", "2018-02-25T02:15:00Z"},
		{"know nothing of a summer time that was given up", saoPaulo, "09:00", "18:00", nil, "2026-11-01T05:00:00Z", "2026-11-01T12:00:00Z"},
	} {
		h := &SendingHours{Weekdays: test.weekdays, OnHolidays: true}
		if test.from != "" {
			h.From = new(calendar.Clock(test.from))
		}
		if test.until != "" {
			h.Until = new(calendar.Clock(test.until))
		}
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		opens, ok := h.opens(at, workdays{zone: zoneOf(t, test.zone)})
		if got := opens.UTC().Format(time.RFC3339); !ok || got != test.want {
			t.Errorf("sending hours %s: from %s on it is %s, want %s", test.what, test.at, got, test.want)
		}
	}
}

func TestADelayIsATimeThatPassesWhateverTheClocksShow(t *testing.T) {
	p := plan{steps: []Step{{Position: 1, Type: Message}, {Position: 2, Type: Message, DelayMinutes: 24 * 60}}}
	days := workdays{zone: zoneOf(t, "America/New_York")}
	for previous, want := range map[string]string{
		"2026-03-07T14:00:00Z": "2026-03-08T14:00:00Z", // 9:00, and the next day 10:00
		"2026-10-31T13:00:00Z": "2026-11-01T13:00:00Z", // 9:00, and the next day 8:00
	} {
		ran, err := time.Parse(time.RFC3339, previous)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := p.begin(2, ran, days); !ok || at.UTC().Format(time.RFC3339) != want {
			t.Errorf("a day after %s is %s, want %s", previous, at.UTC(), want)
		}
	}
}
