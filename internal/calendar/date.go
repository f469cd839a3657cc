// Package calendar holds dates and times of day that belong to no time zone, and
// reads the points in time that clients name in queries.
//
// A [Date] or a [Clock] that is not empty always names a real day or a real time
// of day: both come only from the functions that check it. A [Moment] is a
// stretch of time, because "2026-06-30" in a query means all of that day and
// "10:00:00" all of that second (companion-api.md section 2, "Filters").
package calendar

import (
	"errors"
	"time"
)

// Date is a day as YYYY-MM-DD, from 0001-01-01 to 9999-12-31, or "" for none.
// Dates compare as strings.
type Date string

const (
	dateLayout      = "2006-01-02"
	firstDate  Date = "0001-01-01"
	lastDate   Date = "9999-12-31"
)

// ErrDate is what [ParseDate] refuses with.
var ErrDate = errors.New("not a date in the form YYYY-MM-DD")

// ParseDate reads a day of the calendar in the form YYYY-MM-DD and no other.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(dateLayout, text)
	if err != nil || t.Year() < 1 {
		return "", ErrDate
	}
	return Date(text), nil
}

// DateOf is the day on which the calendar in loc stands at t.
func DateOf(t time.Time, loc *time.Location) Date {
	return clamped(t.In(loc))
}

// Start is the first instant of the day in loc. That is midnight, except where
// the clocks skipped it (America/Sao_Paulo until 2018, when summer time began):
// there the day starts at one. The start of no date is the zero time.
func (d Date) Start(loc *time.Location) time.Time {
	if d == "" {
		return time.Time{}
	}
	t := d.midnight()
	return startOf(t.Year(), t.Month(), t.Day(), loc)
}

// At is the first instant of the day at which the clocks in loc show c or more:
// where they skip c, it is when they do.
func (d Date) At(c Clock, loc *time.Location) time.Time {
	if d == "" {
		return time.Time{}
	}
	t := d.midnight().Add(c.SinceMidnight())
	return firstShowing(t, loc)
}

// Weekday is the day's weekday.
func (d Date) Weekday() time.Weekday { return d.midnight().Weekday() }

// Year is the day's year.
func (d Date) Year() int { return d.midnight().Year() }

// AddDays is the day n days later, or earlier when n is negative. It stops at
// the first and the last day there is; days after no date are no date.
func (d Date) AddDays(n int) Date {
	if d == "" {
		return ""
	}
	const allDays = 10_000 * 366
	return clamped(d.midnight().AddDate(0, 0, max(-allDays, min(n, allDays))))
}

// midnight is the start of the day in UTC, where every day has its midnight.
func (d Date) midnight() time.Time {
	t, _ := time.Parse(dateLayout, string(d)) // a Date is real by construction
	return t
}

func clamped(t time.Time) Date {
	switch {
	case t.Year() < 1:
		return firstDate
	case t.Year() > 9999:
		return lastDate
	}
	return Date(t.Format(dateLayout))
}

// startOf finds the first instant of a day, which may be given denormalised
// (the 31st of June).
func startOf(year int, month time.Month, day int, loc *time.Location) time.Time {
	return firstShowing(time.Date(year, month, day, 0, 0, 0, 0, time.UTC), loc)
}

// firstShowing finds the first instant at which the clocks in loc show what they
// would show in UTC at wanted. time.Date does not promise which side of a change of
// the clocks it takes, so both are looked at.
func firstShowing(wanted time.Time, loc *time.Location) time.Time {
	t := time.Date(wanted.Year(), wanted.Month(), wanted.Day(), wanted.Hour(), wanted.Minute(), 0, 0, loc)
	zoneStart, zoneEnd := t.ZoneBounds()
	switch shown := wall(t); {
	case shown.Before(wanted): // fell before the skipped time: the change is when it would have been
		return zoneEnd
	case shown.After(wanted): // fell behind it
		return zoneStart
	case zoneStart.IsZero():
		return t
	}
	// The time exists. It may exist twice, and then the earlier one is meant.
	_, offset := zoneStart.Add(-time.Second).Zone()
	if earlier := wanted.Add(-time.Duration(offset) * time.Second); earlier.Before(zoneStart) {
		return earlier.In(loc)
	}
	return t
}

// wall is what the clocks show at t, as if they showed it in UTC.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}
