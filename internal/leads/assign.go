package leads

import (
	"context"
	"fmt"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/teams"
)

// AssignFields is the body of PUT /leads/{id}/assign.
type AssignFields struct {
	UserID input.Field[int64] `json:"user_id" doc:"User who gets the lead; null takes it from whoever has it. Either this or team_id." example:"12"`
	TeamID input.Field[int64] `json:"team_id" doc:"Team of which one member gets the lead, each in turn. Either this or user_id." example:"2"`
}

// Assign gives a lead to a user, to nobody, or to the member of a team whose turn
// it is. Of two leads that are given to a team at the same time, each goes to
// another member.
func (s *Service) Assign(ctx context.Context, actor authz.Actor, id int64, expected *int64, form *input.Form[AssignFields]) (LeadAnswer, error) {
	w, done, err := s.one(ctx, actor, func(w *Writer) (Write, error) { return w.Assign(ctx, id, expected, form) })
	if err != nil {
		return LeadAnswer{}, err
	}
	return s.shownWithOwner(&w.setup, done.Lead), nil
}

// Assign prepares [Service.Assign].
func (w *Writer) Assign(ctx context.Context, id int64, expected *int64, form *input.Form[AssignFields]) (Write, error) {
	change, err := w.Assigning(ctx, form)
	return w.onLead(id, expected, form.Err, change), err
}

// Assigning prepares the change of [Service.Assign] for many leads.
func (w *Writer) Assigning(ctx context.Context, form *input.Form[AssignFields]) (Change, error) {
	f := &form.Fields
	switch {
	case f.UserID.Sent && f.TeamID.Given():
		form.Problems.Add("team_id", "The team id field must not be sent together with user id.")
	case !f.UserID.Sent && !f.TeamID.Given() && form.Problems.Empty():
		form.Problems.Add("user_id", "The user id field is required when team id is not present.")
	}
	var found faults.Bag
	if _, err := w.lookUp(ctx, input.Field[int64]{}, input.Field[int64]{}, &Details{AssignedTo: f.UserID}, &found); err != nil {
		return nil, err
	}
	if !found.Empty() {
		form.Problems.Selected("user_id")
	}
	return func(tx *db.Tx, l *Lead) error {
		before := *l
		if l.AssignedTo = f.UserID.Ptr(); f.TeamID.Given() {
			var problems faults.Bag
			next, err := teams.Next(tx, w.actor, f.TeamID.Value, &problems)
			if err == nil {
				err = problems.Err()
			}
			if err != nil {
				return err
			}
			l.AssignedTo = &next
		}
		return w.service.edit(tx, w.actor, &w.setup, draft{}, &before, l)
	}, nil
}

// holdOwner refuses a new owner who has been deleted since the setup was read, and
// keeps him from being deleted before the transaction ends.
func holdOwner(tx *db.Tx, actor authz.Actor, before, after *Lead) error {
	if after.AssignedTo == nil || (before != nil && same(before.AssignedTo, after.AssignedTo)) {
		return nil
	}
	active, err := accounts.HoldUser(tx, actor, *after.AssignedTo)
	if err == nil && !active {
		err = justRemoved()
	}
	return err
}

// Owned are the listed leads of users, for package accounts, which hands them over
// when a user leaves.
func (s *Service) Owned() accounts.Belongings {
	return accounts.Belongings{
		Name: "leads", One: "lead", Many: "leads",
		Count: func(q db.Querier, actor authz.Actor, userID int64) (n int64, err error) {
			err = db.Get(q.Query(`SELECT count(*) FROM leads WHERE account_id = $1 AND assigned_to = $2 AND `+listed, actor.AccountID, userID), &n)
			return n, err
		},
		HandOver: s.handOver,
	}
}

// handOver gives the first leads of a user, by id, to another one or to nobody.
func (s *Service) handOver(ctx context.Context, actor authz.Actor, from int64, to *int64, most int64) (given int64, err error) {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, actor, &u, func(tx *db.Tx) error {
		owned, err := db.Collect(tx.Query(`SELECT `+allColumns+` FROM leads WHERE account_id = $1 AND assigned_to = $2 AND `+listed+`
			ORDER BY id LIMIT $3 FOR UPDATE`, actor.AccountID, from, most), func(r *db.Rows, l *Lead) { r.Scan(l.all()...) })
		if err != nil {
			return fmt.Errorf("reading the leads of user %d: %w", from, err)
		}
		for i := range owned {
			l := &owned[i]
			before := *l
			l.AssignedTo = to
			if err := s.edit(tx, actor, &u, draft{}, &before, l); err != nil {
				return err
			}
		}
		given = int64(len(owned))
		return nil
	})
	return given, err
}

// Count counts the listed leads of the actor's account, as the plan's limit does.
func Count(q db.Querier, actor authz.Actor) (int64, error) { return countListed(q, actor.AccountID) }
