package messaging

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// upstream is the 502 of a request that only asks or arranges; what is seen to be
// wrong with the connection before any call is Refused.
func upstream(err error) error {
	problem := sendError(err)
	if problem.Outcome == NumberInTrouble && problem.Code == "" {
		return faults.New(faults.Refused, problem.Message, faults.Member{Name: "success", Value: false}).Because(problem)
	}
	return faults.New(faults.Upstream, providerFailed, faults.Member{Name: "success", Value: false},
		faults.Member{Name: "provider_error", Value: providerError(problem)}).Because(problem)
}

// manage reads a number's connection and its provider, as a capability.
func manage[C any](ctx context.Context, s *Service, actor authz.Actor, id int64, refusal string) (c Connection, capability C, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		c, err = s.connection(q, actor, id)
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return c, capability, errUnknownNumber()
	}
	if err != nil {
		return c, capability, err
	}
	capability, ok := s.Providers[c.Provider].(C)
	if !ok {
		return c, capability, faults.New(faults.Refused, refusal, faults.Member{Name: "success", Value: false})
	}
	return c, capability, nil
}

// CheckInstance asks the provider whether a number is connected, and remembers it.
// That it is not is an answer, no error.
func (s *Service) CheckInstance(ctx context.Context, actor authz.Actor, id int64) (v ManagedInstance, err error) {
	c, reader, err := manage[SessionReader](ctx, s, actor, id, "Este número não pode ser verificado.")
	if err != nil {
		return v, err
	}
	began := s.Clock()
	told, err := reader.ReadSession(ctx, c)
	if err != nil {
		problem := sendError(err)
		told = IncomingSession{State: SessionDisconnected, Detail: problem.Message}
		if problem.Outcome == NumberInTrouble || problem.Outcome == Permanent {
			told.State = SessionFailed
		}
	}
	return s.noteSession(ctx, actor, id, told, began)
}

// noteSession remembers the state that a number had at a time.
func (s *Service) noteSession(ctx context.Context, actor authz.Actor, id int64, told IncomingSession, at time.Time) (v ManagedInstance, err error) {
	told.At = at
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := noteSession(tx, actor, id, &told); err != nil {
			return err
		}
		v, err = s.managed(tx, actor, id)
		return err
	})
	return v, err
}

// noteSession writes the state of a number's connection, unless there is newer news.
func noteSession(tx *db.Tx, actor authz.Actor, id int64, told *IncomingSession) error {
	at := told.At
	if at.IsZero() {
		at = tx.Now()
	}
	reason := ""
	if told.State != SessionConnected {
		reason = storable(told.Detail)
	}
	return tx.Queue(`UPDATE whatsapp_instances SET status = $3, status_reason = $4, status_at = $5, phone_number = COALESCE($6::text, phone_number), updated_at = $7
		WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL AND (status_at IS NULL OR status_at <= $5)`,
		actor.AccountID, id, string(told.State), orNull(reason), at, orNull(told.Phone), tx.Now())
}

// StartInstance starts a number's session; it may then wait for its QR code.
func (s *Service) StartInstance(ctx context.Context, actor authz.Actor, id int64) (v ManagedInstance, err error) {
	c, starter, err := manage[SessionStarter](ctx, s, actor, id, "Este número não tem sessão para iniciar.")
	if err != nil {
		return v, err
	}
	began := s.Clock()
	told, err := starter.StartSession(ctx, c)
	if err != nil {
		return v, upstream(err)
	}
	return s.noteSession(ctx, actor, id, told, began)
}

// Pairing is a QR code to be scanned with the telephone.
type Pairing struct {
	Value string `json:"value" doc:"What the code says, to be drawn as a QR code; it is good for some seconds." example:"2@kXr1…"`
	Image string `json:"image" doc:"The code drawn, a PNG in base64." example:"iVBORw0KGgo…"`
}

// PairingCode gives the QR code that a number's session waits for. It is a Conflict
// when it waits for none.
func (s *Service) PairingCode(ctx context.Context, actor authz.Actor, id int64) (p Pairing, err error) {
	c, pairer, err := manage[Pairer](ctx, s, actor, id, "Este número não usa QR code.")
	if err != nil {
		return p, err
	}
	code, err := pairer.PairingCode(ctx, c)
	if errors.Is(err, ErrNotPairing) {
		return p, faults.New(faults.Conflict, "A sessão não está esperando a leitura de um QR code.").Because(err)
	}
	if err != nil {
		return p, upstream(err)
	}
	return Pairing{Value: code.Value, Image: base64.StdEncoding.EncodeToString(code.PNG)}, nil
}

// SyncResult says what a synchronisation of templates has changed.
type SyncResult struct {
	Success   bool  `json:"success" doc:"Always true." example:"true"`
	Created   int64 `json:"created" doc:"Templates that are new here." example:"2"`
	Updated   int64 `json:"updated" doc:"Templates that have changed." example:"1"`
	Gone      int64 `json:"gone" doc:"Templates that the provider no longer has; they are DISABLED." example:"0"`
	Unchanged int64 `json:"unchanged" doc:"Templates that are as they were." example:"7"`
}

// SyncTemplates takes over a number's templates as the provider has them. One that
// it no longer has becomes DISABLED, for sequences and messages may name it.
func (s *Service) SyncTemplates(ctx context.Context, actor authz.Actor, id int64) (r SyncResult, err error) {
	c, lister, err := manage[TemplateLister](ctx, s, actor, id, noTemplates)
	if err != nil {
		return r, err
	}
	began := s.Clock()
	listed, err := lister.ListTemplates(ctx, c)
	if err != nil {
		return r, upstream(err)
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		r = SyncResult{Success: true}
		if _, err := s.heldSettings(tx, actor, id); err != nil {
			return err
		}
		known, err := templatesOf(tx, actor, id)
		if err != nil {
			return err
		}
		for i := range listed {
			t := &listed[i]
			name := t.Name + " " + t.Language
			before, ok := known[name]
			delete(known, name)
			switch {
			case !ok:
				r.Created++
			case before.same(t):
				r.Unchanged++
				continue
			default:
				r.Updated++
			}
			if err := storeTemplate(tx, actor, id, t, began); err != nil {
				return err
			}
		}
		for _, gone := range known {
			if gone.status == disabled {
				r.Unchanged++
				continue
			}
			r.Gone++
			if err := tx.Queue(`UPDATE whatsapp_templates SET status = 'DISABLED', status_at = $3, updated_at = $4 WHERE account_id = $1 AND id = $2`,
				actor.AccountID, gone.id, began, tx.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("taking over templates: %w", err)
	}
	return r, nil
}
