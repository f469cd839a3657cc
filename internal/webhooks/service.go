package webhooks

import (
	"context"
	"net/http"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/input"
	"syncro/internal/jobs"
	"syncro/internal/netguard"
	"syncro/internal/secrets"
)

// Service keeps subscriptions and delivers to them. It is safe for concurrent use.
type Service struct {
	db        *db.DB
	events    *events.Log
	queue     *jobs.Queue
	box       *secrets.Box
	guard     *netguard.Guard
	client    *http.Client
	clock     func() time.Time
	limit     time.Duration // of an attempt
	listening *listening
	gate      *gate
}

// Options are what a [Service] needs beside its database.
type Options struct {
	Events *events.Log
	Queue  *jobs.Queue
	Box    *secrets.Box
	Guard  *netguard.Guard
	Clock  func() time.Time // that of the database's transactions
}

// New makes the service and lets it react to events.
func New(d *db.DB, o Options) *Service {
	s := &Service{
		db: d, events: o.Events, queue: o.Queue, box: o.Box, guard: o.Guard, client: o.Guard.Client(), clock: o.Clock, limit: attemptLimit,
		listening: newListening(), gate: newGate(),
	}
	o.Events.React(s.fanOut)
	return s
}

// List gives the account's subscriptions, by id.
func (s *Service) List(ctx context.Context, actor authz.Actor) ([]Subscription, error) {
	var all []Subscription
	err := s.db.Read(ctx, func(q db.Querier) (err error) {
		all, err = selectSubscriptions(q, actor)
		return err
	})
	return all, err
}

// Get gives a subscription.
func (s *Service) Get(ctx context.Context, actor authz.Actor, id int64) (Detail, error) {
	var r record
	err := s.db.Read(ctx, func(q db.Querier) (err error) {
		r, err = find(q, actor, id)
		return err
	})
	return r.Detail, err
}

// Create makes a subscription and gives it with its secret.
func (s *Service) Create(ctx context.Context, actor authz.Actor, form *input.Form[CreateFields]) (Subscription, string, error) {
	f, whole := form.Fields, copied(form)
	checkSecret(f.Secret, &whole.Problems)
	if err := s.checkTarget(ctx, f.TargetURL, &whole.Problems); err != nil {
		return Subscription{}, "", err
	}
	if err := whole.Err(); err != nil {
		return Subscription{}, "", err
	}
	secret, sealed, err := s.sealedSecret(f.Secret)
	if err != nil {
		return Subscription{}, "", err
	}
	var r record
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		r = record{sealed: sealed, Detail: Detail{Subscription: Subscription{
			TargetURL: f.TargetURL.Value, Events: wanted(f.Events.Value), Source: defaultSource, IsActive: true, CreatedAt: calendar.Instant{Time: tx.Now()},
		}}}
		if f.Source.Given() {
			r.Source = f.Source.Value
		}
		s.listening.forgetAfter(tx, actor.AccountID)
		return insert(tx, actor, &r)
	})
	return r.Subscription, secret, err
}

// Update changes what is sent of a subscription.
func (s *Service) Update(ctx context.Context, actor authz.Actor, id int64, form *input.Form[UpdateFields]) (Detail, error) {
	if _, err := s.Get(ctx, actor, id); err != nil {
		return Detail{}, err
	}
	f, whole := form.Fields, copied(form)
	if err := s.checkTarget(ctx, f.TargetURL, &whole.Problems); err != nil {
		return Detail{}, err
	}
	if err := whole.Err(); err != nil {
		return Detail{}, err
	}
	var r record
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if r, err = lock(tx, actor, id); err != nil {
			return err
		}
		if f.TargetURL.Given() {
			r.TargetURL = f.TargetURL.Value
		}
		if f.Events.Given() {
			r.Events = wanted(f.Events.Value)
		}
		if err := update(tx, actor, &r); err != nil {
			return err
		}
		if f.IsActive.Given() && f.IsActive.Value != r.IsActive {
			if r.IsActive {
				err = deactivate(tx, actor.AccountID, id, nil)
			} else {
				r.FailureCount, r.LastFailureReason = 0, nil
				err = activate(tx, actor, id)
			}
			r.IsActive = f.IsActive.Value
		}
		s.listening.forgetAfter(tx, actor.AccountID)
		return err
	})
	return r.Detail, err
}

// Delete removes a subscription with its deliveries.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, id int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := lock(tx, actor, id); err != nil {
			return err
		}
		s.listening.forgetAfter(tx, actor.AccountID)
		return remove(tx, actor, id)
	})
}

// Rotation is a new secret, and until when the one before signs, too.
type Rotation struct {
	ID             int64            `json:"id" doc:"Webhook id." example:"1"`
	Secret         string           `json:"secret" doc:"The new secret; it is not shown again." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	OldSecretUntil calendar.Instant `json:"old_secret_until" doc:"Until then deliveries carry a signature by the former secret as well."`
}

// Rotate gives a subscription a new secret. For [rotationTime] deliveries are
// signed by the former one, too; the one before that is forgotten.
func (s *Service) Rotate(ctx context.Context, actor authz.Actor, id int64, form *input.Form[RotateFields]) (Rotation, error) {
	var made Rotation
	var fresh, sealed string
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		r, err := lock(tx, actor, id)
		if err != nil {
			return err
		}
		whole := copied(form)
		checkSecret(form.Fields.Secret, &whole.Problems)
		if err := whole.Err(); err != nil {
			return err
		}
		if fresh, sealed, err = s.sealedSecret(form.Fields.Secret); err != nil {
			return err
		}
		until := tx.Now().Add(rotationTime)
		made = Rotation{ID: id, Secret: fresh, OldSecretUntil: calendar.Instant{Time: until}}
		return rotate(tx, actor, id, sealed, r.sealed, until)
	})
	return made, err
}

// copied is a form to add problems to: a transaction may run twice.
func copied[T any](form *input.Form[T]) input.Form[T] {
	whole := *form
	whole.Problems = form.Problems.Clone()
	return whole
}
