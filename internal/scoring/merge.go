package scoring

import (
	"encoding/json"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/leads"
)

// mergedScore is what a merge made of the primary's score.
type mergedScore struct {
	Before, After int64
	UpdatedAt     *time.Time // before
}

// Relation is what scoring has of leads: the log goes over, and the score is
// computed anew (companion-api.md section 2, "Merge"). It is the sum of both, less
// the points of rules that would not have fired on one lead: because they had
// fired within their cooldown, or fire but once.
func Relation() leads.Relation {
	const table, remembered = "score_log", "score"
	return leads.Relation{
		Move: func(tx *db.Tx, actor authz.Actor, m *leads.Merge) error {
			if err := m.Note(tx, actor, table, `NULL`); err != nil {
				return err
			}
			doubled, err := doubledPoints(tx, actor, m)
			if err != nil {
				return err
			}
			s := mergedScore{Before: m.Primary.Score, UpdatedAt: m.Primary.ScoreUpdatedAt}
			s.After = max(0, m.Primary.Score+m.Secondary.Score-doubled)
			if err := m.Remember(tx, actor, remembered, m.Primary.ID, s); err != nil {
				return err
			}
			if err := m.HandOver(tx, actor, table); err != nil || s.After == s.Before {
				return err
			}
			return setScore(tx, actor, m.Primary.ID, s.After)
		},
		Return: func(tx *db.Tx, actor authz.Actor, m *leads.Merge) error {
			if err := m.HandBack(tx, actor, table); err != nil {
				return err
			}
			return m.Remembered(tx, actor, remembered, func(id int64, was []byte) error {
				var s mergedScore
				if err := json.Unmarshal(was, &s); err != nil {
					return fmt.Errorf("reading the score of lead %d: %w", id, err)
				}
				if m.Primary.Score == s.After { // nothing has moved it since
					return tx.Queue(`UPDATE leads SET score = $3, score_updated_at = $4 WHERE account_id = $1 AND id = $2`, actor.AccountID, id, s.Before, s.UpdatedAt)
				}
				return setScore(tx, actor, id, max(0, s.Before+m.Primary.Score-s.After))
			})
		},
	}
}

// doubledPoints adds up the points of firings that the two leads would not have had
// as one.
func doubledPoints(tx *db.Tx, actor authz.Actor, m *leads.Merge) (points int64, err error) {
	fired := map[int64]time.Time{}
	rows := tx.Query(`SELECT g.rule_id, g.points, g.created_at, r.event, r.cooldown_hours FROM score_log g JOIN scoring_rules r ON r.account_id = g.account_id AND r.id = g.rule_id
		WHERE g.account_id = $1 AND g.lead_id = ANY($2) ORDER BY g.created_at, g.id`, actor.AccountID, []int64{m.Primary.ID, m.Secondary.ID})
	for rows.Next() {
		var rule, given, cooldown int64
		var at time.Time
		var event string
		rows.Scan(&rule, &given, &at, &event, &cooldown)
		last, before := fired[rule]
		if before && (Event(event) == ProfileComplete || at.Sub(last) < time.Duration(cooldown)*time.Hour) {
			points += given
			continue
		}
		fired[rule] = at
	}
	return points, rows.Err()
}
