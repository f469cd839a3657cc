package scoring

import (
	"encoding/json"
	"errors"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

const ruleColumns = `id, name, event, conditions, points, cooldown_hours, is_active, created_at, updated_at`

// readRules reads rules of ruleColumns.
func readRules(rows *db.Rows) ([]Rule, error) {
	defer rows.Close()
	var rules []Rule
	for rows.Next() {
		r, conditions := Rule{}, ""
		rows.Scan(&r.ID, &r.Name, &r.Event, &conditions, &r.Points, &r.CooldownHours, &r.Active, &r.CreatedAt.Time, &r.UpdatedAt.Time)
		if rows.Err() != nil {
			break
		}
		if err := json.Unmarshal([]byte(conditions), &r.Conditions); err != nil {
			return nil, fmt.Errorf("reading the conditions of scoring rule %d: %w", r.ID, err)
		}
		rules = append(rules, r)
	}
	return rules, rows.Err()
}

func selectRules(q db.Querier, accountID int64) ([]Rule, error) {
	return readRules(q.Query(`SELECT `+ruleColumns+` FROM scoring_rules WHERE account_id = $1 ORDER BY id`, accountID))
}

func findRule(q db.Querier, actor authz.Actor, id int64) (Rule, error) {
	return oneRule(q.Query(`SELECT `+ruleColumns+` FROM scoring_rules WHERE account_id = $1 AND id = $2`, actor.AccountID, id))
}

func lockRule(tx *db.Tx, actor authz.Actor, id int64) (Rule, error) {
	return oneRule(tx.Query(`SELECT `+ruleColumns+` FROM scoring_rules WHERE account_id = $1 AND id = $2 FOR UPDATE`, actor.AccountID, id))
}

func oneRule(rows *db.Rows) (Rule, error) {
	found, err := readRules(rows)
	switch {
	case err != nil:
		return Rule{}, err
	case len(found) == 0:
		return Rule{}, unknownRule()
	}
	return found[0], nil
}

func unknownRule() error { return faults.Unknown("Regra de pontuação", "a") }

// conditionsText are conditions as they are stored.
func (r *Rule) conditionsText() (string, error) {
	if len(r.Conditions) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(r.Conditions)
	return string(text), err
}

func insert(tx *db.Tx, actor authz.Actor, r *Rule) (id int64, err error) {
	conditions, err := r.conditionsText()
	if err != nil {
		return 0, err
	}
	err = db.Get(tx.Query(`INSERT INTO scoring_rules (account_id, name, event, conditions, points, cooldown_hours, is_active, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id`,
		actor.AccountID, r.Name, string(r.Event), conditions, r.Points, r.CooldownHours, r.Active, tx.Now()), &id)
	return id, err
}

func updateRule(tx *db.Tx, actor authz.Actor, r *Rule) error {
	conditions, err := r.conditionsText()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE scoring_rules SET name = $3, event = $4, conditions = $5, points = $6, cooldown_hours = $7, is_active = $8, updated_at = $9
		WHERE account_id = $1 AND id = $2`,
		actor.AccountID, r.ID, r.Name, string(r.Event), conditions, r.Points, r.CooldownHours, r.Active, tx.Now())
	return err
}

func removeRule(tx *db.Tx, actor authz.Actor, id int64) error {
	n, err := tx.Exec(`DELETE FROM scoring_rules WHERE account_id = $1 AND id = $2`, actor.AccountID, id)
	if err == nil && n == 0 {
		err = unknownRule()
	}
	return err
}

func findDecay(q db.Querier, actor authz.Actor) (d Decay, err error) {
	err = db.Get(q.Query(`SELECT points_per_day, after_days FROM score_decay WHERE account_id = $1`, actor.AccountID), &d.PointsPerDay, &d.AfterDays)
	if errors.Is(err, db.ErrNoRows) {
		return Decay{}, nil
	}
	return d, err
}

func selectLog(q db.Querier, actor authz.Actor, leadID, limit, offset int64) (lines []LogLine, total int64, err error) {
	if err := db.Get(q.Query(`SELECT count(*) FROM score_log WHERE account_id = $1 AND lead_id = $2`, actor.AccountID, leadID), &total); err != nil {
		return nil, 0, fmt.Errorf("counting the scores of lead %d: %w", leadID, err)
	}
	lines, err = db.Collect(q.Query(`SELECT id, rule_id, event, points, score, reason, created_at FROM score_log
		WHERE account_id = $1 AND lead_id = $2 ORDER BY id DESC LIMIT $3 OFFSET $4`, actor.AccountID, leadID, limit, offset),
		func(r *db.Rows, l *LogLine) {
			r.Scan(&l.ID, &l.RuleID, &l.Event, &l.Points, &l.Score, &l.Reason, &l.CreatedAt.Time)
		})
	return lines, total, err
}
