package calendar

import (
	"errors"
	"fmt"
	"time"
)

// Clock is a time of day as HH:MM, or "" for none. Clocks compare as strings.
type Clock string

// ErrClock is what [ParseClock] refuses with.
var ErrClock = errors.New("not a time of day in the form HH:MM")

// ParseClock reads a time of day. The hour may have one digit and seconds may
// follow; they are dropped, for tasks are kept to the minute.
func ParseClock(text string) (Clock, error) {
	if len(text) > 1 && text[1] == ':' {
		text = "0" + text
	}
	r := reader{rest: text}
	hour := r.number(2, 23)
	r.expect(':')
	minute := r.number(2, 59)
	if r.accept(":") {
		r.number(2, 59)
	}
	if r.failed || r.rest != "" {
		return "", ErrClock
	}
	return Clock(fmt.Sprintf("%02d:%02d", hour, minute)), nil
}

// SinceMidnight is how far into the day the clock shows, on a day of 24 hours.
func (c Clock) SinceMidnight() time.Duration {
	t, _ := time.Parse("15:04", string(c)) // a Clock is real by construction; none is midnight
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}
