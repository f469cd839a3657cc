package messaging

import (
	"context"
	"errors"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
)

// Instance is a WhatsApp number as the list shows it.
type Instance struct {
	ID                   int64   `json:"id" doc:"Instance id." example:"1"`
	Provider             string  `json:"provider" enum:"waha,cloud_api" doc:"What connects the number." example:"waha"`
	DisplayName          string  `json:"display_name" doc:"Its name in the account." example:"Número principal"`
	PhoneNumber          *string `json:"phone_number" doc:"The number; null until it is known." example:"+5511999887700"`
	IsPrimary            bool    `json:"is_primary" doc:"Whether it is used when no number is named." example:"true"`
	Status               string  `json:"status" doc:"State of the connection: connected, connecting, pairing (waits for its QR code to be scanned), disconnected, failed." example:"connected"`
	SupportsTemplates    bool    `json:"supports_templates" doc:"Whether templates can be sent from it." example:"false"`
	SupportsButtons      bool    `json:"supports_buttons" doc:"Whether messages from it can have buttons." example:"false"`
	HasWindowRestriction bool    `json:"has_window_restriction" doc:"Whether only templates can be sent 24 hours after the contact's last message." example:"false"`
}

// connected tells whether messages can be sent from the number.
func (v *Instance) connected() bool { return v.Status == string(SessionConnected) }

const instanceColumns = `id, provider, display_name, phone_number, is_primary, status`

// places are where instanceColumns are read into.
func (v *Instance) places() []any {
	return []any{&v.ID, &v.Provider, &v.DisplayName, &v.PhoneNumber, &v.IsPrimary, &v.Status}
}

// Instances gives all numbers of the account, by id.
func (s *Service) Instances(ctx context.Context, actor authz.Actor) (instances []Instance, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		instances, err = s.instances(q, actor)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing WhatsApp instances: %w", err)
	}
	return instances, nil
}

func (s *Service) instances(q db.Querier, actor authz.Actor) ([]Instance, error) {
	return db.Collect(q.Query(`SELECT `+instanceColumns+` FROM whatsapp_instances WHERE account_id = $1 AND deleted_at IS NULL ORDER BY id`, actor.AccountID),
		func(r *db.Rows, v *Instance) {
			r.Scan(v.places()...)
			s.adorn(v)
		})
}

// adorn says of a number what its provider can do.
func (s *Service) adorn(v *Instance) {
	if p := s.Providers[v.Provider]; p != nil {
		traits := p.Traits()
		v.SupportsTemplates, v.SupportsButtons, v.HasWindowRestriction = traits.Templates, traits.Buttons, traits.Window
	}
}

// isUnknown tells of a number that the account does not have, or no longer.
func isUnknown(err error) bool { return errors.Is(err, db.ErrNoRows) }

// connection reads how a number is reached, its secrets in the clear. The error
// for an instance that the account does not have is [db.ErrNoRows].
func (s *Service) connection(q db.Querier, actor authz.Actor, instanceID int64) (Connection, error) {
	c := Connection{InstanceID: instanceID, AccountID: actor.AccountID}
	var sealed [3]string
	err := db.Get(q.Query(`SELECT provider, base_url, session, phone_number_id, business_id, api_version, token_sealed, hook_secret_sealed, verify_token_sealed
		FROM whatsapp_instances WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL`, actor.AccountID, instanceID),
		&c.Provider, &c.BaseURL, &c.Session, &c.PhoneNumberID, &c.BusinessID, &c.APIVersion, &sealed[0], &sealed[1], &sealed[2])
	if err != nil {
		return Connection{}, fmt.Errorf("reading the connection of number %d: %w", instanceID, err)
	}
	for i, place := range []*string{&c.Token, &c.HookSecret, &c.VerifyToken} {
		if *place, err = s.Secrets.Open(sealed[i]); err != nil {
			return Connection{}, fmt.Errorf("opening the secrets of number %d: %w", instanceID, err)
		}
	}
	return c, nil
}

// reportTrouble notes that a number cannot send until somebody has seen to it, so
// that it is no longer chosen and the account sees why.
func reportTrouble(tx *db.Tx, actor authz.Actor, instanceID int64, problem *SendError) error {
	return tx.Queue(`UPDATE whatsapp_instances SET status = $3, status_reason = $4, updated_at = $5 WHERE account_id = $1 AND id = $2`,
		actor.AccountID, instanceID, string(SessionFailed), problem.Error(), tx.Now())
}
