package scoring

import (
	"time"

	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/pipelines"
)

// load reads an account's active rules, and what they need if there are any.
func load(q db.Querier, accountID int64) (*ruleSet, error) {
	active, err := readRules(q.Query(`SELECT `+ruleColumns+` FROM scoring_rules WHERE account_id = $1 AND is_active ORDER BY id`, accountID))
	set := &ruleSet{rules: active}
	if err != nil || len(active) == 0 {
		return set, err
	}
	if set.board, err = pipelines.LoadBoard(q, accountID); err != nil {
		return nil, err
	}
	set.fields, err = customfields.LoadSet(q, accountID)
	return set, err
}

// lockScore reads a lead's score and keeps others from moving it until the
// transaction ends.
func lockScore(tx *db.Tx, actor authz.Actor, leadID int64) (score int64, err error) {
	err = db.Get(tx.Query(`SELECT score FROM leads WHERE account_id = $1 AND id = $2 FOR UPDATE`, actor.AccountID, leadID), &score)
	return score, err
}

func setScore(tx *db.Tx, actor authz.Actor, leadID, score int64) error {
	return tx.Queue(`UPDATE leads SET score = $3, score_updated_at = $4 WHERE account_id = $1 AND id = $2`, actor.AccountID, leadID, score, tx.Now())
}

// lastFirings tells when those rules that have a reason to rest fired last.
func lastFirings(tx *db.Tx, actor authz.Actor, leadID int64, held []firing) (map[int64]time.Time, error) {
	var ids []int64
	for _, f := range held {
		if f.rule.CooldownHours > 0 || f.rule.Event == ProfileComplete {
			ids = append(ids, f.rule.ID)
		}
	}
	fired := map[int64]time.Time{}
	if len(ids) == 0 {
		return fired, nil
	}
	rows := tx.Query(`SELECT rule_id, MAX(created_at) FROM score_log WHERE account_id = $1 AND lead_id = $2 AND rule_id = ANY($3) GROUP BY rule_id`,
		actor.AccountID, leadID, ids)
	for rows.Next() {
		var id int64
		var at time.Time
		rows.Scan(&id, &at)
		fired[id] = at
	}
	return fired, rows.Err()
}

// line is a line of the log: why a score moved.
type line struct {
	leadID int64
	ruleID *int64 // nil: decay
	event  string
	points int64
	score  int64
	reason string
}

func logLine(tx *db.Tx, actor authz.Actor, l line) error {
	return tx.Queue(`INSERT INTO score_log (account_id, lead_id, rule_id, event, points, score, reason, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		actor.AccountID, l.leadID, l.ruleID, l.event, l.points, l.score, l.reason, tx.Now())
}
