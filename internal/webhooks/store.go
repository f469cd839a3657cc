package webhooks

import (
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
)

// columns are those of an account's subscriptions as scan wants them.
const columns = `SELECT id, target_url, events, source, is_active, failure_count, last_success_at, last_failure_at, last_failure_reason, created_at,
	secret, old_secret, old_secret_until FROM webhook_subscriptions WHERE account_id = $1`

func scan(rows *db.Rows, r *record) {
	var names string
	var success, failure *time.Time
	rows.Scan(&r.ID, &r.TargetURL, &names, &r.Source, &r.IsActive, &r.FailureCount, &success, &failure, &r.LastFailureReason, &r.CreatedAt.Time,
		&r.sealed, &r.oldSealed, &r.oldSealedUntil)
	r.Events, r.LastSuccessAt, r.LastFailureAt = unstored(names), calendar.InstantOf(success), calendar.InstantOf(failure)
}

func selectSubscriptions(q db.Querier, actor authz.Actor) ([]Subscription, error) {
	all, err := db.Collect(q.Query(columns+` ORDER BY id`, actor.AccountID), func(rows *db.Rows, s *Subscription) {
		var r record
		scan(rows, &r)
		*s = r.Subscription
	})
	if err != nil {
		return nil, fmt.Errorf("listing webhooks: %w", err)
	}
	return all, nil
}

func find(q db.Querier, actor authz.Actor, id int64) (record, error) {
	return one(q.Query(columns+` AND id = $2`, actor.AccountID, id))
}

// lock finds a subscription and keeps others from changing it until the
// transaction ends.
func lock(tx *db.Tx, actor authz.Actor, id int64) (record, error) {
	return one(tx.Query(columns+` AND id = $2 FOR UPDATE`, actor.AccountID, id))
}

func one(rows *db.Rows) (record, error) {
	var r record
	found := rows.Next()
	if found {
		scan(rows, &r)
	}
	if err := rows.Close(); err != nil {
		return r, fmt.Errorf("reading a webhook: %w", err)
	}
	if !found {
		return r, unknown()
	}
	return r, nil
}

// insert stores a new subscription and gives it its id.
func insert(tx *db.Tx, actor authz.Actor, r *record) error {
	err := db.Get(tx.Query(`INSERT INTO webhook_subscriptions (account_id, target_url, events, source, secret, is_active, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, TRUE, $6, $6) RETURNING id`,
		actor.AccountID, r.TargetURL, stored(r.Events), r.Source, r.sealed, r.CreatedAt.Time), &r.ID)
	if err != nil {
		return fmt.Errorf("inserting a webhook: %w", err)
	}
	return nil
}

func update(tx *db.Tx, actor authz.Actor, r *record) error {
	return tx.Queue(`UPDATE webhook_subscriptions SET target_url = $3, events = $4, updated_at = $5 WHERE account_id = $1 AND id = $2`,
		actor.AccountID, r.ID, r.TargetURL, stored(r.Events), tx.Now())
}

func rotate(tx *db.Tx, actor authz.Actor, id int64, sealed, oldSealed string, until time.Time) error {
	return tx.Queue(`UPDATE webhook_subscriptions SET secret = $3, old_secret = $4, old_secret_until = $5, updated_at = $6 WHERE account_id = $1 AND id = $2`,
		actor.AccountID, id, sealed, oldSealed, until, tx.Now())
}

func activate(tx *db.Tx, actor authz.Actor, id int64) error {
	return tx.Queue(`UPDATE webhook_subscriptions SET is_active = TRUE, failure_count = 0, last_failure_reason = NULL, updated_at = $3
		WHERE account_id = $1 AND id = $2`, actor.AccountID, id, tx.Now())
}

// deactivate switches a subscription off, for a reason if the program does it, and
// gives up its deliveries: events that follow are not kept for it either.
func deactivate(tx *db.Tx, accountID, id int64, reason *string) error {
	if err := tx.Queue(`UPDATE webhook_subscriptions SET is_active = FALSE, last_failure_reason = COALESCE($3::text, last_failure_reason), updated_at = $4
		WHERE account_id = $1 AND id = $2`, accountID, id, reason, tx.Now()); err != nil {
		return err
	}
	return tx.Queue(`UPDATE webhook_deliveries SET state = 'dead', error = $3, next_attempt_at = NULL, updated_at = $4
		WHERE account_id = $1 AND subscription_id = $2 AND state IN ('pending', 'failed')`, accountID, id, reasonInactive, tx.Now())
}

func remove(tx *db.Tx, actor authz.Actor, id int64) error {
	return tx.Queue(`DELETE FROM webhook_subscriptions WHERE account_id = $1 AND id = $2`, actor.AccountID, id)
}
