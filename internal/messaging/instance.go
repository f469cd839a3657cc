package messaging

import (
	"context"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
)

// cloudAPI is the provider that works by Meta's rules: templates, buttons, and a
// window of 24 hours in which anything else may be sent.
const cloudAPI = "cloud_api"

// Instance is a WhatsApp number as the list shows it.
type Instance struct {
	ID                   int64   `json:"id" doc:"Instance id." example:"1"`
	Provider             string  `json:"provider" enum:"waha,cloud_api" doc:"What connects the number." example:"waha"`
	DisplayName          string  `json:"display_name" doc:"Its name in the account." example:"Número principal"`
	PhoneNumber          *string `json:"phone_number" doc:"The number; null until it is known." example:"+5511999887766"`
	IsPrimary            bool    `json:"is_primary" doc:"Whether it is used when no number is named." example:"true"`
	Status               string  `json:"status" doc:"State of the connection." example:"connected"`
	SupportsTemplates    bool    `json:"supports_templates" doc:"Whether templates can be sent from it." example:"false"`
	SupportsButtons      bool    `json:"supports_buttons" doc:"Whether messages from it can have buttons." example:"false"`
	HasWindowRestriction bool    `json:"has_window_restriction" doc:"Whether only templates can be sent 24 hours after the contact's last message." example:"false"`
}

// Service runs the operations on instances and templates.
type Service struct {
	db *db.DB
}

// New makes the service.
func New(d *db.DB) *Service { return &Service{d} }

// Instances gives all numbers of the account, by id.
func (s *Service) Instances(ctx context.Context, actor authz.Actor) (instances []Instance, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		instances, err = db.Collect(q.Query(`SELECT id, provider, display_name, phone_number, is_primary, status FROM whatsapp_instances
			WHERE account_id = $1 ORDER BY id`, actor.AccountID),
			func(r *db.Rows, v *Instance) {
				r.Scan(&v.ID, &v.Provider, &v.DisplayName, &v.PhoneNumber, &v.IsPrimary, &v.Status)
				official := v.Provider == cloudAPI
				v.SupportsTemplates, v.SupportsButtons, v.HasWindowRestriction = official, official, official
			})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing WhatsApp instances: %w", err)
	}
	return instances, nil
}
