package sequences

import (
	"slices"
	"time"

	"syncro/internal/calendar"
)

// daysAhead is how far the next time within sending hours is looked for. Within a
// year every weekday comes some fifty times.
const daysAhead = 366

// opens is the first time from t on that lies within the hours. It is false when
// there is none within a year, which takes an account that rests on all days.
func (h *SendingHours) opens(t time.Time, w workdays) (time.Time, bool) {
	if h == nil {
		return t, true
	}
	day := calendar.DateOf(t, w.zone)
	for range daysAhead {
		if h.on(day, w) {
			from, until := h.within(day, w.zone)
			if t.After(from) {
				from = t
			}
			if from.Before(until) {
				return from, true
			}
		}
		day = day.AddDays(1)
	}
	return time.Time{}, false
}

// on tells whether the hours are on a day at all.
func (h *SendingHours) on(day calendar.Date, w workdays) bool {
	number := int64(day.Weekday()+6)%7 + 1 // 1 is Monday
	return (len(h.Weekdays) == 0 || slices.Contains(h.Weekdays, number)) && (h.OnHolidays || !w.holiday(day))
}

// within are the hours of a day.
func (h *SendingHours) within(day calendar.Date, zone *time.Location) (from, until time.Time) {
	from, until = day.Start(zone), day.AddDays(1).Start(zone)
	if h.From != nil {
		from = day.At(*h.From, zone)
	}
	if h.Until != nil {
		until = day.At(*h.Until, zone)
	}
	return from, until
}
