package tasks

import (
	"context"
	"errors"
	"fmt"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/timeline"
)

// ofUser are the pending tasks of a user, without those whose lead is hidden: those
// that are done stay his, for history.
const ofUser = ` WHERE t.account_id = $1 AND t.assigned_to = $2 AND t.completed_at IS NULL AND l.deleted_at IS NULL AND l.merged_into IS NULL`

// Owned are the pending tasks of users, for package accounts, which hands them over
// when a user leaves.
func (s *Service) Owned() accounts.Belongings {
	return accounts.Belongings{
		Name: "tasks", One: "tarefa pendente", Many: "tarefas pendentes",
		Count: func(q db.Querier, actor authz.Actor, userID int64) (n int64, err error) {
			err = db.Get(q.Query(`SELECT count(*) FROM tasks t`+joins+ofUser, actor.AccountID, userID), &n)
			return n, err
		},
		HandOver: s.handOver,
	}
}

// handOver gives the tasks of a user that are due first to another one or to nobody.
func (s *Service) handOver(ctx context.Context, actor authz.Actor, from int64, to *int64, most int64) (given int64, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		var heir *timeline.Person
		if to != nil {
			user, err := holdUser(tx, actor, *to)
			if errors.Is(err, db.ErrNoRows) {
				return faults.New(faults.Conflict, "O responsável informado acaba de ser removido.")
			}
			if err != nil {
				return fmt.Errorf("looking up user %d: %w", *to, err)
			}
			heir = &user
		}
		owned, err := db.Collect(tx.Query(columns+` FROM tasks t`+joins+ofUser+` ORDER BY t.due_date, t.due_time, t.id LIMIT $3 FOR UPDATE OF t`,
			actor.AccountID, from, most), scan)
		if err != nil {
			return fmt.Errorf("reading the tasks of user %d: %w", from, err)
		}
		for i := range owned {
			r := owned[i]
			r.AssignedTo, r.AssignedUser = to, heir
			r.Version++
			r.UpdatedAt = calendar.Instant{Time: tx.Now()}
			if err := s.save(tx, actor, &owned[i], &r, differences(&owned[i].Task, &r.Task)); err != nil {
				return err
			}
		}
		given = int64(len(owned))
		return nil
	})
	return given, err
}
