package teams

import (
	"context"
	"slices"
	"strconv"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/searchtext"
)

// Team is a group of users.
type Team struct {
	ID        int64            `json:"id" doc:"Identifier of the team." example:"2"`
	Name      string           `json:"name" doc:"Its name." example:"Vendas internas"`
	Members   []Member         `json:"members" nullable:"false" doc:"The users in it, by id."`
	CreatedAt calendar.Instant `json:"created_at" doc:"When it was made."`
	UpdatedAt calendar.Instant `json:"updated_at" doc:"When its name or members last changed."`
}

// Member is a user in a team.
type Member struct {
	ID   int64  `json:"id" doc:"Identifier of the user." example:"12"`
	Name string `json:"name" doc:"Name of the user." example:"Ana"`
}

// maxMembers is how many users a team can have.
const maxMembers = 1000

// Fields are the body of POST /teams.
type Fields struct {
	Name    input.Field[string]  `json:"name" required:"true" maxLength:"191" doc:"Name, unique in the account without regard to case and accents." example:"Vendas internas"`
	UserIDs input.Field[[]int64] `json:"user_ids" maxItems:"1000" doc:"Its members." example:"[12,14]"`
}

// Changes are the body of PUT and PATCH /teams/{id}.
type Changes struct {
	Name    input.Field[string]  `json:"name" whenSent:"required" maxLength:"191" doc:"Name, unique in the account without regard to case and accents." example:"Vendas internas"`
	UserIDs input.Field[[]int64] `json:"user_ids" maxItems:"1000" doc:"Its members, in place of those it has; null or [] for none." example:"[12,14]"`
}

// Service keeps teams. It is safe for concurrent use.
type Service struct{ db *db.DB }

// New makes the service.
func New(d *db.DB) *Service { return &Service{d} }

// Next is whose turn it is to get a lead, for the rest of the transaction: nobody
// else takes a turn of the team meanwhile. Its problems are those of a member
// "team_id" of a form: no such team, or nobody in it.
func Next(tx *db.Tx, actor authz.Actor, teamID int64, problems *faults.Bag) (userID int64, err error) {
	last, found, err := lockTurn(tx, actor, teamID)
	switch {
	case err != nil:
		return 0, err
	case !found:
		problems.Selected("team_id")
		return 0, nil
	}
	userID, found, err = memberAfter(tx, actor, teamID, last)
	switch {
	case err != nil:
		return 0, err
	case !found:
		problems.Add("team_id", "The selected team has no members.")
		return 0, nil
	}
	return userID, takeTurn(tx, actor, teamID, userID)
}

// List gives the account's teams by name.
func (s *Service) List(ctx context.Context, actor authz.Actor) (teams []Team, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		if teams, err = selectTeams(q, actor); err != nil {
			return err
		}
		return withMembers(q, actor, teams)
	})
	return teams, err
}

// Get gives a team.
func (s *Service) Get(ctx context.Context, actor authz.Actor, id int64) (team Team, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		team, err = find(q, actor, id)
		return err
	})
	return team, err
}

// Create makes a team.
func (s *Service) Create(ctx context.Context, actor authz.Actor, form *input.Form[Fields]) (team Team, err error) {
	f := &form.Fields
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		whole := copied(form)
		if err := check(tx, actor, 0, f.Name, f.UserIDs, &whole.Problems); err != nil {
			return err
		}
		if err := whole.Err(); err != nil {
			return err
		}
		id, err := insert(tx, actor, f.Name.Value)
		if err != nil {
			return nameTaken(err)
		}
		if err := setMembers(tx, actor, id, f.UserIDs.Value); err != nil {
			return err
		}
		team, err = find(tx, actor, id)
		return err
	})
	return team, err
}

// Update changes what was sent of a team.
func (s *Service) Update(ctx context.Context, actor authz.Actor, id int64, form *input.Form[Changes]) (Team, error) {
	f := &form.Fields
	return s.change(ctx, actor, id, func(tx *db.Tx, t *Team) error {
		whole := copied(form)
		if err := check(tx, actor, id, f.Name, f.UserIDs, &whole.Problems); err != nil {
			return err
		}
		if err := whole.Err(); err != nil {
			return err
		}
		if f.Name.Given() {
			t.Name = f.Name.Value
		}
		if f.UserIDs.Sent {
			return setMembers(tx, actor, id, f.UserIDs.Value)
		}
		return nil
	})
}

// Join puts a user into a team, who may be there already.
func (s *Service) Join(ctx context.Context, actor authz.Actor, id, userID int64) (Team, error) {
	return s.change(ctx, actor, id, func(tx *db.Tx, t *Team) error {
		switch active, err := accounts.HoldUser(tx, actor, userID); {
		case err != nil:
			return err
		case !active:
			return faults.Unknown("Usuário", "o")
		case len(t.Members) >= maxMembers:
			return faults.New(faults.Refused, "O time já tem o número máximo de membros.")
		}
		return addMember(tx, actor, id, userID)
	})
}

// Leave takes a user out of a team. The leads that he got stay his.
func (s *Service) Leave(ctx context.Context, actor authz.Actor, id, userID int64) (Team, error) {
	return s.change(ctx, actor, id, func(tx *db.Tx, t *Team) error {
		if !slices.ContainsFunc(t.Members, func(m Member) bool { return m.ID == userID }) {
			return faults.Unknown("Usuário", "o")
		}
		return removeMember(tx, actor, id, userID)
	})
}

// Delete removes a team. The leads that were given to its members stay theirs.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, id int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error { return remove(tx, actor, id) })
}

// change lets apply change a team that is held, and stores its name.
func (s *Service) change(ctx context.Context, actor authz.Actor, id int64, apply func(tx *db.Tx, t *Team) error) (team Team, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		switch _, found, err := lockTurn(tx, actor, id); {
		case err != nil:
			return err
		case !found:
			return unknown()
		}
		if team, err = find(tx, actor, id); err != nil {
			return err
		}
		if err := apply(tx, &team); err != nil {
			return err
		}
		if err := update(tx, actor, id, team.Name); err != nil {
			return nameTaken(err)
		}
		team, err = find(tx, actor, id)
		return err
	})
	return team, err
}

// check adds to problems when another team has the name, or the account lacks a user.
func check(q db.Querier, actor authz.Actor, id int64, name input.Field[string], userIDs input.Field[[]int64], problems *faults.Bag) error {
	if name.Given() {
		taken, err := hasName(q, actor, searchtext.Fold(name.Value), id)
		if err != nil {
			return err
		}
		if taken {
			problems.Add("name", nameIsTaken)
		}
	}
	if len(userIDs.Value) == 0 {
		return nil
	}
	active, err := activeOf(q, actor, userIDs.Value)
	if err != nil {
		return err
	}
	for i, userID := range userIDs.Value {
		if !slices.Contains(active, userID) {
			problems.Selected("user_ids." + strconv.Itoa(i))
		}
	}
	return nil
}

const nameIsTaken = "The name has already been taken."

func nameTaken(err error) error {
	if !db.UniqueOn(err, "teams.account_id,name_key") {
		return err
	}
	var problems faults.Bag
	problems.Add("name", nameIsTaken)
	return problems.Err()
}

// copied is a form to add what look-ups find to: a transaction may run twice.
func copied[T any](form *input.Form[T]) input.Form[T] {
	whole := *form
	whole.Problems = form.Problems.Clone()
	return whole
}
