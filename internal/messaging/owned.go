package messaging

import (
	"context"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// Owned are the conversations that users see to, open and closed, for package
// accounts, which hands them over when a user leaves.
func (s *Service) Owned() accounts.Belongings {
	return accounts.Belongings{
		Name: "conversations", One: "conversa", Many: "conversas",
		Count: func(q db.Querier, actor authz.Actor, userID int64) (n int64, err error) {
			err = db.Get(q.Query(`SELECT count(*) FROM conversations WHERE account_id = $1 AND assigned_to = $2`, actor.AccountID, userID), &n)
			return n, err
		},
		HandOver: s.handOver,
	}
}

// handOver gives conversations of a user to another one or to nobody. That a
// conversation is assigned is no event.
func (s *Service) handOver(ctx context.Context, actor authz.Actor, from int64, to *int64, most int64) (given int64, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if to != nil {
			switch active, err := accounts.HoldUser(tx, actor, *to); {
			case err != nil:
				return err
			case !active:
				return faults.New(faults.Conflict, "O responsável informado acaba de ser removido.")
			}
		}
		given, err = tx.Exec(`UPDATE conversations SET assigned_to = $3, version = version + 1, updated_at = $4 WHERE account_id = $1 AND id IN (
				SELECT id FROM conversations WHERE account_id = $1 AND assigned_to = $2 LIMIT $5)`,
			actor.AccountID, from, to, tx.Now(), most)
		return err
	})
	return given, err
}
