package sequences

import (
	"context"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// Holiday is a day that the account has decided on for itself.
type Holiday struct {
	ID        int64         `json:"id" doc:"Id." example:"1"`
	Date      calendar.Date `json:"date" format:"date" doc:"The day." example:"2027-02-09"`
	Name      string        `json:"name" doc:"What it is." example:"Carnaval"`
	IsWorkday bool          `json:"is_workday" doc:"Whether it is worked on, in spite of a national holiday." example:"false"`
}

// Day is a day that is a national holiday, or that the account has decided on.
type Day struct {
	ID         *int64        `json:"id" doc:"Id of the account's decision; null when it has made none." example:"1"`
	Date       calendar.Date `json:"date" format:"date" doc:"The day." example:"2027-02-09"`
	Name       string        `json:"name" doc:"What it is." example:"Carnaval"`
	IsNational bool          `json:"is_national" doc:"Whether it is a national holiday of Brazil." example:"false"`
	IsWorkday  bool          `json:"is_workday" doc:"Whether it is worked on, in spite of a national holiday." example:"false"`
}

// HolidaysQuery is the query of GET /account/holidays.
type HolidaysQuery struct {
	Year input.Field[int64] `query:"year" minimum:"1950" maximum:"2199" doc:"The year; the present one in the account's time zone when left out." example:"2027"`
}

// HolidayFields are the body of POST /account/holidays.
type HolidayFields struct {
	Date      input.Field[calendar.Date] `json:"date" required:"true" doc:"The day." example:"2027-02-09"`
	Name      input.Field[string]        `json:"name" required:"true" maxLength:"191" doc:"What it is." example:"Carnaval"`
	IsWorkday input.Field[bool]          `json:"is_workday" doc:"Makes a national holiday a day like others (default false: the day is a holiday)." example:"false"`
}

const selectHolidays = `SELECT id, day, name, is_workday FROM holidays WHERE account_id = $1`

func (h *Holiday) places() []any { return []any{&h.ID, (*string)(&h.Date), &h.Name, &h.IsWorkday} }

// Holidays lists the national holidays of a year and the days of it that the
// account has decided on, by date.
func (s *Service) Holidays(ctx context.Context, actor authz.Actor, query HolidaysQuery) ([]Day, error) {
	year := int64(calendar.DateOf(s.Clock(), actor.Location).Year())
	if query.Year.Given() {
		year = query.Year.Value
	}
	first, last := calendar.Date(fmt.Sprintf("%04d-01-01", year)), calendar.Date(fmt.Sprintf("%04d-12-31", year))
	var own []Holiday
	err := s.db.Read(ctx, func(q db.Querier) (err error) {
		own, err = db.Collect(q.Query(selectHolidays+` AND day BETWEEN $2 AND $3 ORDER BY day`, actor.AccountID, string(first), string(last)),
			func(r *db.Rows, h *Holiday) { r.Scan(h.places()...) })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing holidays: %w", err)
	}
	var days []Day
	for date := first; date <= last && date != ""; date = date.AddDays(1) {
		national := nationalHoliday(date)
		switch {
		case len(own) > 0 && own[0].Date == date:
			days = append(days, Day{&own[0].ID, date, own[0].Name, national != "", own[0].IsWorkday})
			own = own[1:]
		case national != "":
			days = append(days, Day{nil, date, national, true, false})
		}
	}
	return days, nil
}

// SetHoliday decides on a day, or anew on one that was decided on. Steps that wait
// for the day are looked at again when it comes.
func (s *Service) SetHoliday(ctx context.Context, actor authz.Actor, form *input.Form[HolidayFields]) (Holiday, error) {
	f := &form.Fields
	if err := form.Err(); err != nil {
		return Holiday{}, err
	}
	day := Holiday{Date: f.Date.Value, Name: f.Name.Value, IsWorkday: f.IsWorkday.Value}
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		return db.Get(tx.Query(`INSERT INTO holidays (account_id, day, name, is_workday, created_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (account_id, day) DO UPDATE SET name = excluded.name, is_workday = excluded.is_workday RETURNING id`,
			actor.AccountID, string(day.Date), day.Name, day.IsWorkday, tx.Now()), &day.ID)
	})
	if err != nil {
		return Holiday{}, fmt.Errorf("storing a holiday: %w", err)
	}
	return day, nil
}

// ForgetHoliday takes a decision back.
func (s *Service) ForgetHoliday(ctx context.Context, actor authz.Actor, id int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`DELETE FROM holidays WHERE account_id = $1 AND id = $2`, actor.AccountID, id)
		if err == nil && n == 0 {
			err = faults.Unknown("Feriado", "o")
		}
		return err
	})
}
