package webhooks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
)

// deliveryColumns are those of a subscription's deliveries as scanDelivery wants them.
const deliveryColumns = `SELECT id, event_id, event_type, cause, state, attempts, next_attempt_at, response_status, response_body, error, duration_ms,
	created_at, updated_at FROM webhook_deliveries WHERE account_id = $1 AND subscription_id = $2`

func scanDelivery(rows *db.Rows, d *Delivery) {
	var at *time.Time
	rows.Scan(&d.ID, &d.EventID, &d.Event, &d.Cause, &d.State, &d.Attempts, &at, &d.ResponseStatus, &d.ResponseBody, &d.Error, &d.DurationMS,
		&d.CreatedAt.Time, &d.UpdatedAt.Time)
	d.NextAttemptAt = calendar.InstantOf(at)
}

// selectDeliveries reads a page of a subscription's log, newest first, and its total.
func selectDeliveries(q db.Querier, actor authz.Actor, id int64, f DeliveryFilter, limit, offset int64) ([]Delivery, int64, error) {
	const inState = ` AND ($3 = '' OR state = $3)`
	var total int64
	err := db.Get(q.Query(`SELECT count(*) FROM webhook_deliveries WHERE account_id = $1 AND subscription_id = $2`+inState, actor.AccountID, id, f.State.Value), &total)
	if err != nil {
		return nil, 0, fmt.Errorf("counting deliveries: %w", err)
	}
	page, err := db.Collect(q.Query(deliveryColumns+inState+` ORDER BY id DESC LIMIT $4 OFFSET $5`, actor.AccountID, id, f.State.Value, limit, offset), scanDelivery)
	if err != nil {
		return nil, 0, fmt.Errorf("listing deliveries: %w", err)
	}
	return page, total, nil
}

func findDelivery(q db.Querier, actor authz.Actor, id, deliveryID int64) (Delivery, error) {
	all, err := db.Collect(q.Query(deliveryColumns+` AND id = $3`, actor.AccountID, id, deliveryID), scanDelivery)
	switch {
	case err != nil:
		return Delivery{}, fmt.Errorf("reading a delivery: %w", err)
	case len(all) == 0:
		return Delivery{}, unknownDelivery()
	}
	return all[0], nil
}

// insertDelivery stores a delivery that somebody asked for, and gives it its id.
func insertDelivery(tx *db.Tx, actor authz.Actor, id int64, d *Delivery, lease *time.Time) error {
	var at *time.Time
	if d.NextAttemptAt != nil {
		at = &d.NextAttemptAt.Time
	}
	err := db.Get(tx.Query(`INSERT INTO webhook_deliveries (account_id, subscription_id, event_id, event_type, cause, state, attempts, next_attempt_at, leased_until,
			created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING id`,
		actor.AccountID, id, d.EventID, d.Event, d.Cause, d.State, d.Attempts, at, lease, d.CreatedAt.Time), &d.ID)
	if err != nil {
		return fmt.Errorf("inserting a delivery: %w", err)
	}
	return nil
}

// inTurn is the condition that no older event of the same lead is before its first
// attempt, or in it, on the way to the same subscription.
const inTurn = ` AND (d.lead_id IS NULL OR d.attempts > 0 OR NOT EXISTS (
		SELECT 1 FROM webhook_deliveries o WHERE o.account_id = d.account_id AND o.subscription_id = d.subscription_id AND o.lead_id = d.lead_id
			AND o.id < d.id AND o.state IN ('pending', 'delivering') AND o.attempts <= 1))`

// selectDue reads which deliveries are due, of any account, the longest waiting
// first, but for those of some subscriptions.
func selectDue(q db.Querier, now time.Time, without []int64, limit int) ([]key, error) {
	keys, err := db.Collect(q.Query(`SELECT account_id, subscription_id, id, since FROM (
			SELECT d.account_id, d.subscription_id, d.id, d.next_attempt_at AS since FROM webhook_deliveries d
			WHERE d.state IN ('pending', 'failed') AND d.next_attempt_at <= $1 AND d.subscription_id <> ALL($2::bigint[])`+inTurn+`
			ORDER BY d.next_attempt_at LIMIT $3) AS waiting
		UNION ALL
		SELECT account_id, subscription_id, id, since FROM (
			SELECT d.account_id, d.subscription_id, d.id, d.leased_until AS since FROM webhook_deliveries d
			WHERE d.state = 'delivering' AND d.leased_until <= $1 AND d.subscription_id <> ALL($2::bigint[])
			ORDER BY d.leased_until LIMIT $3) AS lost
		ORDER BY since, id LIMIT $3`, now, without, limit), func(rows *db.Rows, k *key) {
		var since time.Time
		rows.Scan(&k.account, &k.subscription, &k.delivery, &since)
	})
	if err != nil {
		return nil, fmt.Errorf("looking for due deliveries: %w", err)
	}
	return keys, nil
}

// selectDueOf reads which deliveries of an account are due, but for those of some
// subscriptions and those whose lease is over, which the sweep finds.
func selectDueOf(q db.Querier, accountID int64, now time.Time, without []int64, limit int) ([]key, error) {
	keys, err := db.Collect(q.Query(`SELECT d.account_id, d.subscription_id, d.id FROM webhook_deliveries d
		WHERE d.account_id = $1 AND d.state IN ('pending', 'failed') AND d.next_attempt_at <= $2 AND d.subscription_id <> ALL($3::bigint[])`+inTurn+`
		ORDER BY d.next_attempt_at LIMIT $4`, accountID, now, without, limit), func(rows *db.Rows, k *key) {
		rows.Scan(&k.account, &k.subscription, &k.delivery)
	})
	if err != nil {
		return nil, fmt.Errorf("looking for due deliveries of account %d: %w", accountID, err)
	}
	return keys, nil
}

// claim takes a delivery for an attempt. There is none (nil) if it is not due, or
// somebody else's, or its subscription wants nothing any more.
func claim(tx *db.Tx, k key) (*attempt, error) {
	n, err := tx.Exec(`UPDATE webhook_deliveries AS d SET state = 'delivering', attempts = attempts + 1, next_attempt_at = NULL, leased_until = $3, updated_at = $4
		WHERE d.account_id = $1 AND d.id = $2
			AND ((d.state IN ('pending', 'failed') AND d.next_attempt_at <= $4) OR (d.state = 'delivering' AND d.leased_until <= $4))`+inTurn,
		k.account, k.delivery, tx.Now().Add(leaseTime), tx.Now())
	if err != nil {
		return nil, fmt.Errorf("claiming delivery %s: %w", k, err)
	}
	if n == 0 {
		return nil, nil //nolint:nilnil // said above: it is not an error to come too late
	}
	a, err := load(tx, k, tx.Now())
	if err != nil || a.active || a.test {
		return a, err
	}
	return nil, tx.Queue(`UPDATE webhook_deliveries SET state = 'dead', error = $3, leased_until = NULL WHERE account_id = $1 AND id = $2`,
		k.account, k.delivery, reasonInactive)
}

// Release ends the leases of a process that was killed, so that its deliveries need
// not wait for them. It is for a database that has one process.
func (s *Service) Release(ctx context.Context) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE webhook_deliveries SET leased_until = $1 WHERE state = 'delivering' AND leased_until > $1`, tx.Now())
		return err
	})
}

// load reads what it takes to try a delivery at a time.
func load(q db.Querier, k key, at time.Time) (*attempt, error) {
	a := attempt{key: k}
	a.deliveryID = k.delivery
	var sealed, body, cause string
	var old *string
	var until *time.Time
	err := db.Get(q.Query(`SELECT d.event_id, d.event_type, d.attempts, d.lead_id, d.cause, e.body, s.target_url, s.is_active, s.secret, s.old_secret, s.old_secret_until
		FROM webhook_deliveries d JOIN webhook_subscriptions s ON s.account_id = d.account_id AND s.id = d.subscription_id
		JOIN events e ON e.account_id = d.account_id AND e.event_id = d.event_id
		WHERE d.account_id = $1 AND d.id = $2`, k.account, k.delivery),
		&a.eventID, &a.eventType, &a.attempts, &a.lead, &cause, &body, &a.target, &a.active, &sealed, &old, &until)
	if err != nil {
		return nil, fmt.Errorf("reading delivery %s: %w", k, err)
	}
	a.body, a.test, a.sealed = []byte(body), cause == "test", []string{sealed}
	if old != nil && until != nil && at.Before(*until) {
		a.sealed = append(a.sealed, *old)
	}
	return &a, nil
}

// record writes down what came of an attempt, unless it has been claimed anew since.
func (s *Service) record(tx *db.Tx, a *attempt, o outcome) error {
	state, at := Delivered, (*time.Time)(nil)
	if !o.ok {
		if state = Dead; !a.test && !o.gone() {
			at = next(a.attempts, tx.Now())
		}
		if at != nil {
			state = Failed
		}
	}
	n, err := tx.Exec(`UPDATE webhook_deliveries SET state = $4, next_attempt_at = $5, leased_until = NULL, response_status = $6, response_body = $7, error = $8,
			duration_ms = $9, updated_at = $10
		WHERE account_id = $1 AND id = $2 AND state = 'delivering' AND attempts = $3`,
		a.account, a.delivery, a.attempts, state, at, o.status, o.body, o.reason, o.duration.Milliseconds(), tx.Now())
	if err != nil || n == 0 || a.test {
		return err
	}
	if at != nil {
		if err := s.enqueue(tx, a.key, *at); err != nil {
			return err
		}
	}
	if a.lead != nil && a.attempts == 1 {
		if err := s.callNext(tx, a); err != nil {
			return err
		}
	}
	return s.count(tx, a, o)
}

// callNext queues the event of the same lead that has waited for this one.
func (s *Service) callNext(tx *db.Tx, a *attempt) error {
	following := key{account: a.account, subscription: a.subscription}
	err := db.Get(tx.Query(`SELECT id FROM webhook_deliveries WHERE account_id = $1 AND subscription_id = $2 AND lead_id = $3 AND id > $4
		AND state IN ('pending', 'delivering') AND attempts = 0 ORDER BY id LIMIT 1`, a.account, a.subscription, *a.lead, a.delivery), &following.delivery)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for what follows delivery %s: %w", a.key, err)
	}
	return s.enqueue(tx, following, tx.Now())
}

// count keeps the subscription's count of failures, and switches it off when that
// is enough.
func (s *Service) count(tx *db.Tx, a *attempt, o outcome) error {
	if o.ok {
		return tx.Queue(`UPDATE webhook_subscriptions SET failure_count = 0, last_success_at = $3 WHERE account_id = $1 AND id = $2`, a.account, a.subscription, tx.Now())
	}
	var failures int64
	var active bool
	err := db.Get(tx.Query(`UPDATE webhook_subscriptions SET failure_count = failure_count + 1, last_failure_at = $3, last_failure_reason = $4
		WHERE account_id = $1 AND id = $2 RETURNING failure_count, is_active`, a.account, a.subscription, tx.Now(), *o.reason), &failures, &active)
	if err != nil {
		return fmt.Errorf("counting a failure of webhook %d: %w", a.subscription, err)
	}
	if !active || (!o.gone() && failures < maxFailures) {
		return nil
	}
	reason := reasonGone
	if !o.gone() {
		reason = fmt.Sprintf(reasonFailures, failures, *o.reason)
	}
	s.listening.forgetAfter(tx, a.account)
	return deactivate(tx, a.account, a.subscription, &reason)
}

// removeOld removes some of the deliveries that ended and are older than a time,
// of which the oldest have the lowest ids.
func removeOld(tx *db.Tx, before time.Time) (int64, error) {
	const atOnce = 5000 // others wait for the transaction
	return tx.Exec(`DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries ORDER BY id LIMIT $2)
		AND created_at < $1 AND state IN ('delivered', 'dead')`, before, atOnce)
}
