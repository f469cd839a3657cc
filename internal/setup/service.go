package setup

import (
	"context"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/db"
)

// Changes are what applying a file does to an account.
type Changes struct {
	// Lines say it, one change a line: "+ stage Vendas / Proposta",
	// "~ stage Vendas / Ganho: color #20BF6B → #00FF00". Empty when the account is
	// as the file says already.
	Lines []string
	// Kept names what the account has and the file has not; it stays.
	Kept []string
}

// Service applies setup files.
type Service struct {
	db       *db.DB
	accounts *accounts.Service
}

// New makes the service.
func New(d *db.DB, a *accounts.Service) *Service { return &Service{d, a} }

// Plan tells what [Service.Apply] would do. Its error is [Problems] when the file
// cannot be applied to the account.
func (s *Service) Plan(ctx context.Context, accountID int64, file *File) (changes Changes, err error) {
	if _, err := s.accounts.Get(ctx, authz.Actor{AccountID: accountID}); err != nil {
		return Changes{}, err
	}
	err = s.db.Read(ctx, func(q db.Querier) error {
		p, err := newPlan(q, accountID, file)
		if err != nil {
			return err
		}
		changes = p.changes
		return nil
	})
	return changes, err
}

// Apply brings the account to what the file says, in one transaction, and tells
// what it did. Errors are those of [Service.Plan]; then nothing is written.
func (s *Service) Apply(ctx context.Context, accountID int64, file *File) (changes Changes, err error) {
	if _, err := s.accounts.Get(ctx, authz.Actor{AccountID: accountID}); err != nil {
		return Changes{}, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		// Two appliers at once would both add what is missing.
		if err := lockSetup(tx, accountID); err != nil {
			return err
		}
		p, err := newPlan(tx, accountID, file)
		if err != nil {
			return err
		}
		changes = p.changes
		if len(p.steps) == 0 {
			return nil
		}
		for _, step := range p.steps {
			if err := step(tx); err != nil {
				return err
			}
		}
		return s.accounts.SetupChanged(tx, accountID)
	})
	if err != nil {
		return Changes{}, err
	}
	return changes, nil
}
