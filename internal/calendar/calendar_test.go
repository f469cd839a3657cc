package calendar_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"syncro/internal/calendar"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestOnlyRealDaysAreDates(t *testing.T) {
	for _, text := range []string{"1990-01-15", "2024-02-29", "0001-01-01", "9999-12-31"} {
		if d, err := calendar.ParseDate(text); err != nil || string(d) != text {
			t.Errorf("ParseDate(%q) = %q, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "2023-02-29", "2026-13-01", "2026-00-10", "0000-01-01", "2026-1-5", "15/01/1990", "1990-01-15T00:00:00Z", " 1990-01-15", "١٩٩٠-٠١-١٥"} {
		if d, err := calendar.ParseDate(text); err == nil {
			t.Errorf("ParseDate(%q) = %q, want a refusal", text, d)
		}
	}
}

func TestDaysAreAddedAcrossMonthsAndStopAtTheEnds(t *testing.T) {
	for _, c := range []struct {
		from calendar.Date
		days int
		want calendar.Date
	}{
		{"2024-02-28", 2, "2024-03-01"}, {"2026-01-01", -1, "2025-12-31"}, {"2018-11-03", 1, "2018-11-04"},
		{"9999-12-31", 1, "9999-12-31"}, {"0001-01-01", -1, "0001-01-01"}, {"2026-01-01", 1 << 62, "9999-12-31"}, {"", 3, ""},
	} {
		if got := c.from.AddDays(c.days); got != c.want {
			t.Errorf("%q plus %d days is %q, want %q", c.from, c.days, got, c.want)
		}
	}
}

func TestADayStartsWithItsFirstInstant(t *testing.T) {
	for _, c := range []struct {
		name, zone string
		day        calendar.Date
		want       string
	}{
		{"midnight", "America/Sao_Paulo", "2026-06-30", "2026-06-30T03:00:00Z"},
		{"midnight skipped: it starts at one", "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"},
		{"the last hour of the day before came twice", "America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"},
		{"midnight came twice: the first", "America/Havana", "2023-11-05", "2023-11-05T04:00:00Z"},
		{"midnight skipped east of Greenwich", "Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00Z"},
		{"the day itself was skipped", "Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},
		{"UTC", "UTC", "2026-06-30", "2026-06-30T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.day.Start(zone(t, c.zone)).UTC().Format(time.RFC3339); got != c.want {
				t.Errorf("%s in %s starts %s, want %s", c.day, c.zone, got, c.want)
			}
		})
	}
}

// The instant before a day's start belongs to another day, through a century of
// changes of the clocks.
func TestStartsSplitTheTimeIntoDays(t *testing.T) {
	for _, name := range []string{"America/Sao_Paulo", "America/Havana", "Asia/Tehran", "Africa/Cairo"} {
		loc := zone(t, name)
		for d := calendar.Date("1925-01-01"); d < "2030-01-01"; d = d.AddDays(1) {
			start := d.Start(loc)
			if calendar.DateOf(start, loc) != d || calendar.DateOf(start.Add(-time.Second), loc) == d {
				t.Fatalf("%s: %s does not start at %s", name, d, start)
			}
		}
	}
}

func TestClocksAreReadLoosely(t *testing.T) {
	for text, want := range map[string]calendar.Clock{"09:05": "09:05", "9:05": "09:05", "09:05:00": "09:05", "23:59:59": "23:59", "00:00": "00:00"} {
		if got, err := calendar.ParseClock(text); err != nil || got != want {
			t.Errorf("ParseClock(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "24:00", "9", "9:5", "09:60", "09:05:61", "09:05:", "9:05 pm", ":30", "-1:00"} {
		if got, err := calendar.ParseClock(text); err == nil {
			t.Errorf("ParseClock(%q) = %q, want a refusal", text, got)
		}
	}
}

func TestAMomentIsAsLongAsItIsPrecise(t *testing.T) {
	const layout = "2006-01-02T15:04:05.999999Z07:00"
	for text, want := range map[string][2]string{
		"2026-06-30":                          {"2026-06-30T03:00:00Z", "2026-07-01T03:00:00Z"},
		"2018-11-03":                          {"2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"},
		"2018-02-17":                          {"2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"},
		" 2026-12-31 ":                        {"2026-12-31T03:00:00Z", "2027-01-01T03:00:00Z"},
		"2026-06-30T10:00:00Z":                {"2026-06-30T10:00:00Z", "2026-06-30T10:00:01Z"},
		"2026-06-30t10:00:00z":                {"2026-06-30T10:00:00Z", "2026-06-30T10:00:01Z"},
		"2026-06-30 10:00:00":                 {"2026-06-30T13:00:00Z", "2026-06-30T13:00:01Z"},
		"2026-06-30T10:00":                    {"2026-06-30T13:00:00Z", "2026-06-30T13:00:01Z"},
		"2026-06-30T10:00Z":                   {"2026-06-30T10:00:00Z", "2026-06-30T10:00:01Z"},
		"2026-06-30T10:00:00-0300":            {"2026-06-30T13:00:00Z", "2026-06-30T13:00:01Z"},
		"2026-06-30T10:00:00-03":              {"2026-06-30T13:00:00Z", "2026-06-30T13:00:01Z"},
		"2026-06-30T10:00:00+03:00":           {"2026-06-30T07:00:00Z", "2026-06-30T07:00:01Z"},
		"2026-06-30T10:00:00 03:00":           {"2026-06-30T07:00:00Z", "2026-06-30T07:00:01Z"},
		"2026-06-30T10:00:00 0300":            {"2026-06-30T07:00:00Z", "2026-06-30T07:00:01Z"},
		"2026-06-30 10:00:00 -03:00":          {"2026-06-30T13:00:00Z", "2026-06-30T13:00:01Z"},
		"2026-06-30T10:00:00.5Z":              {"2026-06-30T10:00:00.5Z", "2026-06-30T10:00:00.500001Z"},
		"2026-06-30T10:00:00.123456789 00:00": {"2026-06-30T10:00:00.123456Z", "2026-06-30T10:00:00.123457Z"},
	} {
		got, err := calendar.ParseMoment(text, zone(t, "America/Sao_Paulo"))
		if err != nil || got.From.Format(layout) != want[0] || got.To.Format(layout) != want[1] {
			t.Errorf("ParseMoment(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "yesterday", "2026-02-30", "2026-06-31", "2026-00-01", "0000-01-01", "2026-06-30T", "2026-06-30T24:00:00", "2026-06-30T10",
		"2026-06-30T10:60", "2026-06-30T10:00:60", "2026-06-30T10:00:00.", "2026-06-30T10:00:00.1234567890Z", "2026-06-30T10:00:00+3",
		"2026-06-30T10:00:00+03:", "2026-06-30T10:00:00+24:00", "2026-06-30T10:00:00Zx", "2026-06-30Z", "20260630", "30/06/2026", "1751277600",
	} {
		if got, err := calendar.ParseMoment(text, time.UTC); err == nil {
			t.Errorf("ParseMoment(%q) = %v, want a refusal", text, got)
		}
	}
}

func TestATimeOfDayIsTheFirstInstantAtWhichTheClocksShowIt(t *testing.T) {
	for _, test := range []struct{ zone, day, clock, want string }{
		{"America/Sao_Paulo", "2026-07-01", "09:00", "2026-07-01T12:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04", "00:30", "2018-11-04T03:00:00Z"}, // the clocks went from 00:00 to 01:00
		{"America/Sao_Paulo", "2018-11-04", "01:30", "2018-11-04T03:30:00Z"},
		{"America/Sao_Paulo", "2018-02-17", "23:30", "2018-02-18T01:30:00Z"}, // twice: the clocks went from 24:00 to 23:00
		{"America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00:00Z"},
		{"America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00Z"},
		{"UTC", "2026-11-01", "23:59", "2026-11-01T23:59:00Z"},
	} {
		if got := calendar.Date(test.day).At(calendar.Clock(test.clock), zone(t, test.zone)).UTC().Format(time.RFC3339); got != test.want {
			t.Errorf("%s %s in %s: %s, want %s", test.day, test.clock, test.zone, got, test.want)
		}
	}
}
