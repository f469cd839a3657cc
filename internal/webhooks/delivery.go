package webhooks

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// The states of a delivery.
const (
	Pending    = "pending"    // not tried yet
	Delivering = "delivering" // being tried
	Delivered  = "delivered"
	Failed     = "failed" // to be tried again
	Dead       = "dead"   // given up
)

// Delivery is a delivery as the log shows it.
type Delivery struct {
	ID             int64             `json:"id" doc:"Delivery id, the header X-Syncro-Delivery." example:"4711"`
	EventID        string            `json:"event_id" doc:"Id of the event, which is the same in all its deliveries: the header webhook-id." example:"evt_2QFZ5Q7YV6J3H4K5L6M7N8P9"`
	Event          string            `json:"event" doc:"Type of the event." example:"lead.won"`
	Cause          string            `json:"cause" enum:"event,test,redelivery" doc:"Why it was made." example:"event"`
	State          string            `json:"state" enum:"pending,delivering,delivered,failed,dead" doc:"pending: not tried yet; failed: will be tried again; dead: given up." example:"delivered"`
	Attempts       int64             `json:"attempts" doc:"How often it was tried." example:"1"`
	NextAttemptAt  *calendar.Instant `json:"next_attempt_at" doc:"When it is tried next."`
	ResponseStatus *int64            `json:"response_status" doc:"HTTP status of the last answer." example:"200"`
	ResponseBody   *string           `json:"response_body" doc:"Beginning of the last answer's body." example:"ok"`
	Error          *string           `json:"error" doc:"Why the last attempt failed." example:"HTTP 503"`
	DurationMS     *int64            `json:"duration_ms" doc:"How long the last attempt took, in milliseconds." example:"84"`
	CreatedAt      calendar.Instant  `json:"created_at" doc:"When it was created."`
	UpdatedAt      calendar.Instant  `json:"updated_at" doc:"When its state last changed."`
}

// DeliveryFilter says which deliveries a list holds.
type DeliveryFilter struct {
	State input.Field[string] `query:"state" enum:"pending,delivering,delivered,failed,dead" doc:"Deliveries in this state." example:"dead"`
}

// waits is for how long a delivery waits after each failed attempt; after one more
// it is dead (companion-api.md section 9).
var waits = [...]time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
}

const (
	// maxFailures is how many attempts may fail in a row before a subscription is
	// switched off.
	maxFailures = 100
	// jitter is the part of a wait by which it is made longer, at most, so that what
	// failed together does not come back together.
	jitter = 0.1
	// KeptFor is how long the log goes back.
	KeptFor = 30 * 24 * time.Hour
)

// next is when a delivery is tried again after so many failed attempts, or nil.
func next(attempts int64, now time.Time) *time.Time {
	if attempts > int64(len(waits)) {
		return nil
	}
	wait := waits[attempts-1]
	at := now.Add(wait + time.Duration(float64(wait)*jitter*rand.Float64())) //nolint:gosec // nobody gains by guessing it
	return &at
}

// Deliveries gives those of a subscription from place offset on, newest first, and
// how many there are in all.
func (s *Service) Deliveries(ctx context.Context, actor authz.Actor, id int64, f DeliveryFilter, limit, offset int64) ([]Delivery, int64, error) {
	var page []Delivery
	var total int64
	err := s.db.Read(ctx, func(q db.Querier) error {
		_, err := find(q, actor, id)
		if err == nil {
			page, total, err = selectDeliveries(q, actor, id, f, limit, offset)
		}
		return err
	})
	return page, total, err
}

// inactive is the refusal to send anything again to who wants nothing any more.
const inactive = "O webhook está inativo."

// Redeliver makes a new delivery of the event of an old one.
func (s *Service) Redeliver(ctx context.Context, actor authz.Actor, id, deliveryID int64) (Delivery, error) {
	var made Delivery
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		r, err := lock(tx, actor, id)
		if err != nil {
			return err
		}
		old, err := findDelivery(tx, actor, id, deliveryID)
		if err != nil {
			return err
		}
		if !r.IsActive {
			return faults.New(faults.Refused, inactive)
		}
		now := calendar.Instant{Time: tx.Now()}
		made = Delivery{EventID: old.EventID, Event: old.Event, Cause: "redelivery", State: Pending, NextAttemptAt: &now, CreatedAt: now, UpdatedAt: now}
		if err := insertDelivery(tx, actor, id, &made, nil); err != nil {
			return err
		}
		return s.enqueue(tx, key{actor.AccountID, id, made.ID}, tx.Now())
	})
	return made, err
}

// typeTest is the type of a test. Nobody can subscribe to it.
const typeTest events.Type = "webhook.test"

// sample is a test, as the reaction to its event is told of it.
type sample struct {
	subscription int64
	lease        time.Time
	made         Delivery
}

// insert writes the delivery of a test, as one that is being tried already.
func (t *sample) insert(tx *db.Tx, actor authz.Actor, e events.Event) error {
	now := calendar.Instant{Time: tx.Now()}
	t.lease = tx.Now().Add(leaseTime)
	t.made = Delivery{EventID: e.ID, Event: string(e.Type), Cause: "test", State: Delivering, Attempts: 1, CreatedAt: now, UpdatedAt: now}
	return insertDelivery(tx, actor, t.subscription, &t.made, &t.lease)
}

// Test sends a subscription an event of its own, at once, and gives what came of
// it. It is sent to an inactive one, too, and counts neither as a success nor as a
// failure.
func (s *Service) Test(ctx context.Context, actor authz.Actor, id int64) (Delivery, error) {
	var t *sample
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := find(tx, actor, id); err != nil {
			return err
		}
		data, err := json.Marshal(map[string]any{"webhook_id": id, "message": "Evento de teste do Syncro."})
		if err != nil {
			return err
		}
		t = &sample{subscription: id}
		return s.events.Emit(tx, actor, events.Event{Type: typeTest, Data: data, Facts: t})
	})
	if err != nil {
		return Delivery{}, err
	}
	k := key{actor.AccountID, id, t.made.ID}
	var a *attempt
	err = s.db.Read(ctx, func(q db.Querier) (err error) {
		a, err = load(q, k, s.clock())
		return err
	})
	if err != nil {
		return Delivery{}, err
	}
	if _, err := s.try(ctx, a); err != nil {
		return Delivery{}, err
	}
	var after Delivery
	err = s.db.Read(ctx, func(q db.Querier) (err error) {
		after, err = findDelivery(q, actor, id, k.delivery)
		return err
	})
	return after, err
}

// unknownDelivery is the refusal for a delivery that is not there.
func unknownDelivery() error { return faults.Unknown("Entrega", "a") }

// ForgetOld removes deliveries that ended long ago; app calls it every hour.
func (s *Service) ForgetOld(ctx context.Context) error {
	for {
		var removed int64
		err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
			removed, err = removeOld(tx, tx.Now().Add(-KeptFor))
			return err
		})
		if err != nil || removed == 0 {
			return err
		}
	}
}
