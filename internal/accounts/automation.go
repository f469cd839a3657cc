package accounts

import (
	"context"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
)

// Automation gives the actor for what the program does of itself for an account,
// such as a sequence's step or a message that has come in: it may do everything,
// and no user's name stands under it.
func (s *Service) Automation(ctx context.Context, accountID int64) (authz.Actor, error) {
	var zone string
	actor := authz.Actor{AccountID: accountID, Scopes: authz.AllScopes()}
	err := s.db.Read(ctx, func(q db.Querier) error {
		return db.Get(q.Query(`SELECT time_zone, phone_region, setup_version, COALESCE(max_leads, 0) FROM accounts WHERE id = $1`, accountID),
			&zone, &actor.PhoneRegion, &actor.SetupVersion, &actor.MaxLeads)
	})
	if err != nil {
		return authz.Actor{}, fmt.Errorf("reading account %d: %w", accountID, err)
	}
	if actor.Location, err = s.zone(zone); err != nil {
		return authz.Actor{}, fmt.Errorf("the time zone of account %d: %w", accountID, err)
	}
	return actor, nil
}
