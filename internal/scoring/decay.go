package scoring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// Decay is what an account's leads lose while nothing happens to them.
type Decay struct {
	PointsPerDay int64 `json:"points_per_day" doc:"Points that each day without activity costs; 0: none." example:"2"`
	AfterDays    int64 `json:"after_days" doc:"After how many days without activity it begins." example:"30"`
}

// The limits of decay.
const (
	maxDailyPoints = 1000
	maxQuietDays   = 3650
)

// SetDecay changes an account's decay. Days before it was switched on cost nothing.
func (s *Service) SetDecay(ctx context.Context, actor authz.Actor, d Decay) error {
	var problems faults.Bag
	if d.PointsPerDay < 0 || d.PointsPerDay > maxDailyPoints {
		problems.Addf("points_per_day", "The points per day field must be between 0 and %d.", maxDailyPoints)
	}
	if d.AfterDays < 0 || d.AfterDays > maxQuietDays {
		problems.Addf("after_days", "The after days field must be between 0 and %d.", maxQuietDays)
	}
	if err := problems.Err(); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		today := calendar.DateOf(tx.Now(), actor.Location)
		_, err := tx.Exec(`INSERT INTO score_decay (account_id, points_per_day, after_days, decayed_on, running_from, updated_at) VALUES ($1, $2, $3, $4, 0, $5)
			ON CONFLICT (account_id) DO UPDATE SET points_per_day = excluded.points_per_day, after_days = excluded.after_days, updated_at = excluded.updated_at,
				decayed_on = CASE WHEN score_decay.points_per_day = 0 THEN excluded.decayed_on ELSE score_decay.decayed_on END,
				running_on = CASE WHEN score_decay.points_per_day = 0 THEN NULL ELSE score_decay.running_on END`,
			actor.AccountID, d.PointsPerDay, d.AfterDays, today, tx.Now())
		if err != nil {
			return fmt.Errorf("storing the decay of scores: %w", err)
		}
		return nil
	})
}

// decayBatch is how many leads lose points in one transaction.
const decayBatch = 500

// RunDecay takes what is due from the scores of all accounts: once for each day of
// the account's calendar, days that were missed included. It can stop at
// any moment, and several nodes can run it at once: how far it has come stands in
// the transaction that takes the points.
func (s *Service) RunDecay(ctx context.Context) error {
	var accounts []int64
	if err := s.db.Read(ctx, func(q db.Querier) (err error) {
		accounts, err = db.Column[int64](q.Query(`SELECT account_id FROM score_decay WHERE points_per_day > 0 ORDER BY account_id`))
		return err
	}); err != nil {
		return fmt.Errorf("looking for accounts whose scores decay: %w", err)
	}
	var failed error
	for _, id := range accounts {
		if err := s.decayAccount(ctx, id); err != nil {
			failed = errors.Join(failed, fmt.Errorf("decaying the scores of account %d: %w", id, err))
		}
	}
	return failed
}

func (s *Service) decayAccount(ctx context.Context, accountID int64) error {
	actor, err := s.accounts.Automation(ctx, accountID)
	if err != nil {
		return err
	}
	for more := true; more && ctx.Err() == nil; {
		if err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
			more, err = decay(tx, actor)
			return err
		}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// run is how far an account's decay has come.
type run struct {
	Decay
	from calendar.Date // all leads have had their due up to here
	on   calendar.Date // the day that this run is for; "" when none is running
	last int64         // the lead up to which it has come
}

// decay works off one batch and tells whether there is more.
func decay(tx *db.Tx, actor authz.Actor) (more bool, err error) {
	r, today := run{}, calendar.DateOf(tx.Now(), actor.Location)
	if err := db.Get(tx.Query(`SELECT points_per_day, after_days, decayed_on, COALESCE(running_on, ''), running_from FROM score_decay
		WHERE account_id = $1 FOR UPDATE`, actor.AccountID), &r.PointsPerDay, &r.AfterDays, &r.from, &r.on, &r.last); err != nil {
		return false, err
	}
	if r.on == "" {
		if r.PointsPerDay == 0 || r.from >= today {
			return false, nil
		}
		r.on, r.last = today, 0
	}
	quiet, err := scoredLeads(tx, actor, r.last)
	if err != nil {
		return false, err
	}
	for _, l := range quiet {
		if err := r.take(tx, actor, l); err != nil {
			return false, err
		}
		r.last = l.id
	}
	if len(quiet) < decayBatch {
		return false, tx.Queue(`UPDATE score_decay SET decayed_on = $2, running_on = NULL, running_from = 0 WHERE account_id = $1`, actor.AccountID, r.on)
	}
	return true, tx.Queue(`UPDATE score_decay SET running_on = $2, running_from = $3 WHERE account_id = $1`, actor.AccountID, r.on, r.last)
}

// scored is a lead with a score, and when something last happened to it.
type scored struct {
	id, score int64
	active    time.Time
}

// scoredLeads reads and holds the next leads that have anything to lose.
func scoredLeads(tx *db.Tx, actor authz.Actor, after int64) ([]scored, error) {
	return db.Collect(tx.Query(`SELECT l.id, l.score, l.updated_at,
			(SELECT e.created_at FROM lead_events e WHERE e.account_id = $1 AND e.lead_id = l.id ORDER BY e.id DESC LIMIT 1)
		FROM leads l WHERE l.account_id = $1 AND l.id > $2 AND l.score > 0 AND l.deleted_at IS NULL AND l.merged_into IS NULL ORDER BY l.id LIMIT $3 FOR UPDATE OF l`,
		actor.AccountID, after, decayBatch), func(rows *db.Rows, l *scored) {
		var event *time.Time
		rows.Scan(&l.id, &l.score, &l.active, &event)
		if event != nil && event.After(l.active) {
			l.active = *event
		}
	})
}

// take takes from a lead what is due: the points for each day since the last run
// that came after the quiet days.
func (r *run) take(tx *db.Tx, actor authz.Actor, l scored) error {
	days := due(r.from, r.on, calendar.DateOf(l.active, actor.Location), r.AfterDays)
	if days <= 0 {
		return nil
	}
	after := max(0, l.score-days*r.PointsPerDay)
	if err := setScore(tx, actor, l.id, after); err != nil {
		return err
	}
	return logLine(tx, actor, line{
		leadID: l.id, event: "decay", points: -days * r.PointsPerDay, score: after,
		reason: fmt.Sprintf("no activity since %s: %d × %d points", calendar.DateOf(l.active, actor.Location), days, r.PointsPerDay),
	})
}

// due is how many days after from, up to on, are more than quiet days after the
// last activity.
func due(from, on, active calendar.Date, quiet int64) int64 {
	return min(daysBetween(from, on), daysBetween(active, on)-quiet)
}

func daysBetween(a, b calendar.Date) int64 {
	return int64(b.Start(time.UTC).Sub(a.Start(time.UTC)) / (24 * time.Hour))
}
