package webhooks

import (
	"fmt"
	"sync"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/events"
)

// insertDeliveries writes an event's deliveries, to all who want it.
const insertDeliveries = `INSERT INTO webhook_deliveries (account_id, subscription_id, event_id, event_type, lead_id, cause, state, next_attempt_at, created_at, updated_at)
	SELECT account_id, id, $2, $3, $4, 'event', 'pending', $5, $5, $5 FROM webhook_subscriptions
	WHERE account_id = $1 AND is_active AND strpos(events, $6) > 0`

// fanOut writes an event's deliveries. It runs with every change of every lead, of
// accounts without a subscription too: for these nothing is waited for. What is
// remembered of them may be out of date on another node, which costs no delivery:
// the statement runs in any case, and what it writes is found by the sweep.
func (s *Service) fanOut(tx *db.Tx, actor authz.Actor, e events.Event) error {
	if sample, ok := e.Facts.(*sample); ok {
		return sample.insert(tx, actor, e)
	}
	args := []any{actor.AccountID, e.ID, string(e.Type), e.LeadID, tx.Now(), " " + string(e.Type) + " "}
	somebody, err := s.listening.somebody(tx, actor.AccountID)
	if err != nil {
		return err
	}
	if !somebody {
		return tx.Queue(insertDeliveries, args...)
	}
	made, err := db.Collect(tx.Query(insertDeliveries+` RETURNING subscription_id, id`, args...), func(rows *db.Rows, k *key) {
		rows.Scan(&k.subscription, &k.delivery)
	})
	if err != nil {
		return fmt.Errorf("writing the deliveries of %s: %w", e.ID, err)
	}
	for _, k := range made {
		k.account = actor.AccountID
		if err := s.enqueue(tx, k, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

const (
	// listeningAge is how long it is taken for granted whether anybody listens.
	listeningAge = time.Second
	// maxListening is of how many accounts it is known; beyond it any one goes.
	maxListening = 10_000
)

// listening remembers which accounts have an active subscription.
type listening struct {
	mu    sync.Mutex
	known map[int64]heard
	// forgotten counts the calls of forget: what was read before one and arrives
	// after it may be out of date, and is not kept.
	forgotten int64
}

type heard struct {
	somebody bool
	asked    time.Time
}

func newListening() *listening { return &listening{known: map[int64]heard{}} }

// somebody tells whether the account has an active subscription.
func (l *listening) somebody(tx *db.Tx, accountID int64) (bool, error) {
	l.mu.Lock()
	k, ok := l.known[accountID]
	forgotten := l.forgotten
	l.mu.Unlock()
	if age := tx.Now().Sub(k.asked); ok && age >= 0 && age < listeningAge {
		return k.somebody, nil
	}
	k.asked = tx.Now()
	err := db.Get(tx.Query(`SELECT EXISTS (SELECT 1 FROM webhook_subscriptions WHERE account_id = $1 AND is_active)`, accountID), &k.somebody)
	if err != nil {
		return false, fmt.Errorf("looking for webhooks of account %d: %w", accountID, err)
	}
	l.keep(accountID, k, forgotten)
	return k.somebody, nil
}

func (l *listening) keep(accountID int64, k heard, forgotten int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.forgotten != forgotten {
		return
	}
	if _, replaced := l.known[accountID]; !replaced && len(l.known) >= maxListening {
		for other := range l.known {
			delete(l.known, other)
			break
		}
	}
	l.known[accountID] = k
}

// forgetAfter lets the account be asked again once the transaction is committed.
func (l *listening) forgetAfter(tx *db.Tx, accountID int64) {
	tx.AfterCommit(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.forgotten++
		delete(l.known, accountID)
	})
}
