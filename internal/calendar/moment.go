package calendar

import (
	"errors"
	"strings"
	"time"
)

// Moment is the stretch of time [From, To) that a client named, in UTC: a whole
// day, a whole second, or one microsecond, which is as fine as times are stored.
type Moment struct{ From, To time.Time }

// ErrMoment is what [ParseMoment] refuses with.
var ErrMoment = errors.New("not a date or a time in ISO 8601")

// ParseMoment reads a date or a time in ISO 8601, or near it.
//
// A date alone is that whole day in loc. A time is separated from its date by a
// "T" or a space; seconds, a fraction of up to nine digits and an offset may be
// left out, and without an offset the time is loc's. The "+" of an offset may
// have become a space, as it does in a query that was not escaped
// (companion-api.md section 1, "Loose input").
func ParseMoment(text string, loc *time.Location) (Moment, error) {
	r := reader{rest: strings.TrimSpace(text)}
	year := r.number(4, 9999)
	r.expect('-')
	month := time.Month(r.number(2, 12))
	r.expect('-')
	day := r.number(2, 31)
	if r.failed || year < 1 || month < 1 || day < 1 || day > daysIn(year, month) {
		return Moment{}, ErrMoment
	}
	if r.rest == "" {
		return Moment{startOf(year, month, day, loc).UTC(), startOf(year, month, day+1, loc).UTC()}, nil
	}

	if !r.accept("T") && !r.accept("t") {
		r.expect(' ')
	}
	hour := r.number(2, 23)
	r.expect(':')
	minute, second := r.number(2, 59), 0
	micros, length := 0, time.Second
	if r.accept(":") {
		second = r.number(2, 59)
		if r.accept(".") || r.accept(",") {
			micros, length = r.micros(), time.Microsecond
		}
	}
	if zone := r.offset(); zone != nil {
		loc = zone
	}
	if r.failed || r.rest != "" {
		return Moment{}, ErrMoment
	}
	from := time.Date(year, month, day, hour, minute, second, micros*1000, loc).UTC()
	return Moment{from, from.Add(length)}, nil
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// reader takes a text apart from its front. After a failure it stays failed, so
// that only the end needs to be asked.
type reader struct {
	rest   string
	failed bool
}

func (r *reader) accept(prefix string) bool {
	after, found := strings.CutPrefix(r.rest, prefix)
	r.rest = after
	return found
}

func (r *reader) expect(char byte) {
	if r.rest == "" || r.rest[0] != char {
		r.failed = true
		return
	}
	r.rest = r.rest[1:]
}

// digits takes the digits at the front, at most limit of them.
func (r *reader) digits(limit int) string {
	n := 0
	for n < len(r.rest) && n < limit && r.rest[n] >= '0' && r.rest[n] <= '9' {
		n++
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// number takes exactly width digits that make a number up to limit.
func (r *reader) number(width, limit int) int {
	taken, n := r.digits(width), 0
	for i := range len(taken) {
		n = n*10 + int(taken[i]-'0')
	}
	if len(taken) != width || n > limit {
		r.failed = true
	}
	return n
}

// micros takes the digits of a fraction of a second, cut off to microseconds.
func (r *reader) micros() int {
	taken, n := r.digits(9), 0
	r.failed = r.failed || taken == ""
	for i := range 6 {
		n *= 10
		if i < len(taken) {
			n += int(taken[i] - '0')
		}
	}
	return n
}

// offset takes a zone: Z, ±HH, ±HHMM or ±HH:MM, with or without a space before
// it; a space without a sign stands for the sign "+". It is nil where there is none.
func (r *reader) offset() *time.Location {
	spaced := r.accept(" ")
	sign := 1
	switch {
	case r.accept("Z"), r.accept("z"):
		return time.UTC
	case r.accept("-"):
		sign = -1
	case r.accept("+"), spaced:
	default:
		return nil
	}
	seconds := r.number(2, 23) * 3600
	if r.accept(":") || r.rest != "" {
		seconds += r.number(2, 59) * 60
	}
	return time.FixedZone("", sign*seconds)
}
