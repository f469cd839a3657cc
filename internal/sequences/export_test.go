package sequences

import "context"

// ClaimAll claims what is due of an account, as a process does that dies before it
// runs any of it.
func (s *Service) ClaimAll(ctx context.Context, account int64) error {
	_, err := s.claimAll(ctx, account)
	return err
}

// PerformAll claims what is due of an account and runs it in this goroutine.
func (s *Service) PerformAll(ctx context.Context, account int64) error {
	r, err := s.claimAll(ctx, account)
	if err != nil {
		return err
	}
	for _, c := range r.claims {
		if err := c.perform(ctx, r.round); err != nil {
			return err
		}
	}
	return nil
}

type claimed struct {
	*round
	claims []*claim
}

func (s *Service) claimAll(ctx context.Context, account int64) (c claimed, err error) {
	c.round = newRound(s)
	if c.actor, err = s.Accounts.Automation(ctx, account); err != nil {
		return c, err
	}
	if err := c.look(ctx); err != nil {
		return c, err
	}
	_, c.claims, err = c.claim(ctx, 1000)
	return c, err
}

// The statements whose plans are looked at.
const (
	DueSQL   = dueSQL
	ClaimSQL = claimSQL
)
