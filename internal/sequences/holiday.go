package sequences

import (
	"time"

	"syncro/internal/calendar"
)

// nationalHolidays are the fixed holidays of Brazil, by month and day: leis
// 662/1949, 6.802/1980, 10.607/2002 and 14.759/2023. Carnaval and Corpus Christi
// are none: an account that rests then adds them.
var nationalHolidays = map[string]struct {
	name  string
	since int
}{
	"01-01": {"Confraternização Universal", 1949},
	"04-21": {"Tiradentes", 1949},
	"05-01": {"Dia do Trabalho", 1949},
	"09-07": {"Independência do Brasil", 1949},
	"10-12": {"Nossa Senhora Aparecida", 1980},
	"11-02": {"Finados", 1949},
	"11-15": {"Proclamação da República", 1949},
	"11-20": {"Dia Nacional de Zumbi e da Consciência Negra", 2024},
	"12-25": {"Natal", 1949},
}

// goodFriday is so many days before Easter.
const goodFriday = 2

// nationalHoliday is the name of the national holiday that a day is, or "".
func nationalHoliday(day calendar.Date) string {
	if h, ok := nationalHolidays[string(day[len("2006-"):])]; ok && day.Year() >= h.since {
		return h.name
	}
	if day.AddDays(goodFriday) == easter(day.Year()) {
		return "Sexta-feira Santa"
	}
	return ""
}

// easter is Easter Sunday by the Gregorian calendar, after the algorithm of
// Meeus, Jones and Butcher.
func easter(year int) calendar.Date {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	month, day := (h+l-7*m+114)/31, (h+l-7*m+114)%31+1
	return calendar.DateOf(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC), time.UTC)
}

// workdays tell on which days an account rests.
type workdays struct {
	zone *time.Location
	// own are the days that the account has decided on: true is a workday, even if
	// it is a national holiday.
	own map[calendar.Date]bool
}

func (w workdays) holiday(day calendar.Date) bool {
	if work, decided := w.own[day]; decided {
		return !work
	}
	return nationalHoliday(day) != ""
}
