package jobs

import (
	"context"
	"fmt"
	"time"

	"syncro/internal/db"
)

// Kind is a kind of work, declared by the feature that does it.
type Kind struct {
	// Name is lower case with underscores, such as "webhook_deliver"; it has at
	// least two characters and never changes once jobs of it may be queued.
	Name string
	// Concurrency is how many of them this process does at once.
	Concurrency int
	// Timeout ends the context of one Work.
	Timeout time.Duration
	// Work looks at the row behind a key and does what it needs now. It may be
	// called at any time, for a row that needs nothing or is gone, and twice at
	// once: it claims its row first. An error is logged and nothing else; whether
	// and when to try again stands in the row.
	Work func(ctx context.Context, key string) error
	// Due gives the keys of rows that need work now, at most limit, those that
	// have waited longest first.
	Due func(ctx context.Context, limit int) ([]string, error)
}

// Queue is where transactions leave work. It is made before the features, which
// write to it, and given to the [Runner], which is made of their kinds.
type Queue struct {
	wake chan struct{}
}

// NewQueue makes a queue.
func NewQueue() *Queue { return &Queue{wake: make(chan struct{}, 1)} }

// Enqueue asks for work on a key from due on, if the transaction is committed. The
// row behind the key is what counts: it must say itself that it is due, so that the
// work is found even if the job is lost. For work that is due later than now that
// is all there is: it is found by its row, about a second after its time.
func (q *Queue) Enqueue(tx *db.Tx, kind, key string, due time.Time) error {
	if due.After(tx.Now()) {
		return nil
	}
	if err := tx.Queue(`INSERT INTO job_outbox (kind, key) VALUES ($1, $2)`, kind, key); err != nil {
		return fmt.Errorf("enqueueing %s %s: %w", kind, key, err)
	}
	tx.AfterCommit(q.awaken)
	return nil
}

// awaken tells the pump, without waiting for it, that there is something.
func (q *Queue) awaken() {
	select {
	case q.wake <- struct{}{}:
	default: // it has been told already
	}
}

// sameKeyLimit is how often [RunDue] works on one key before it gives up.
const sameKeyLimit = 1000

// RunDue works off everything that is due by the features' own rows, one by one in
// this goroutine, until nothing is. It is for tests, which set the clock and then
// want to see what has become of it; an error of a Work ends it.
func RunDue(ctx context.Context, kinds ...Kind) error {
	done := map[string]int{}
	for worked := true; worked; {
		worked = false
		for _, kind := range kinds {
			keys, err := kind.Due(ctx, sweepLimit)
			if err != nil {
				return fmt.Errorf("looking for due %s: %w", kind.Name, err)
			}
			for _, key := range keys {
				id := kind.Name + " " + key
				if done[id]++; done[id] > sameKeyLimit {
					return fmt.Errorf("%s is due still after %d times", id, sameKeyLimit)
				}
				if err := kind.Work(ctx, key); err != nil {
					return fmt.Errorf("%s: %w", id, err)
				}
				worked = true
			}
		}
	}
	return nil
}

// sweepLimit is how many due rows of a kind are asked for at once.
const sweepLimit = 1000
