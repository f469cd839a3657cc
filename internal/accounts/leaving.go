package accounts

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// Belongings are one sort of records that users own, known to a feature above this
// one: leads, pending tasks, conversations.
type Belongings struct {
	Name      string // of the member in the refusal that counts them
	One, Many string // in Portuguese
	// Count counts what a user owns.
	Count func(q db.Querier, actor authz.Actor, userID int64) (int64, error)
	// HandOver gives at most so many of them to another user, or to nobody, in a
	// transaction of its own, and tells how many it has given.
	HandOver func(ctx context.Context, actor authz.Actor, from int64, to *int64, most int64) (int64, error)
}

// AddBelongings makes known what users own. It is called before requests are served.
func (s *Service) AddBelongings(b ...Belongings) { s.belongings = append(s.belongings, b...) }

const (
	// mostHandedOver is how much a user may own for his deletion to hand it over
	// while the request waits. Above it is work for a bulk action.
	mostHandedOver = 5000
	// handOverSlice is how much one transaction hands over.
	handOverSlice = 200
	// handOverRounds is how often what was given to the user meanwhile is handed
	// over, too, before the deletion is refused.
	handOverRounds = 3
)

// LeavingQuery is the query of DELETE /users/{id}.
type LeavingQuery struct {
	ReassignTo input.Field[string] `query:"reassign_to" doc:"Who gets the leads, pending tasks and conversations of the user: the id of another user, or null for nobody. Required when there are any." example:"12"`
}

// DeleteUser takes a user out of the account. What he owns goes to the user that is
// named, or to nobody, some hundreds at a time and through the rules of each
// feature; only when nothing is left is he gone. Killed between, it has handed over
// a part, and the next call goes on. The row stays for history; keys that act as
// him are revoked.
func (s *Service) DeleteUser(ctx context.Context, actor authz.Actor, id int64, query LeavingQuery) error {
	heir, err := s.checkLeaving(ctx, actor, id, query.ReassignTo)
	if err != nil {
		return err
	}
	for range handOverRounds {
		for _, b := range s.belongings {
			for given := int64(handOverSlice); given == handOverSlice; {
				if given, err = b.HandOver(ctx, actor, id, heir, handOverSlice); err != nil {
					return fmt.Errorf("handing over the %s of user %d: %w", b.Name, id, err)
				}
			}
		}
		gone, err := s.deleteUser(ctx, actor, id)
		if err != nil || gone {
			return err
		}
	}
	return faults.New(faults.Conflict, "O usuário continua recebendo registros. Tente novamente.")
}

// checkLeaving finds out whether the user can go, and who gets what he owns.
func (s *Service) checkLeaving(ctx context.Context, actor authz.Actor, id int64, sent input.Field[string]) (heir *int64, err error) {
	var user User
	var owned []int64
	heirActive := true
	heir, readable := heirOf(sent)
	err = s.db.Read(ctx, func(q db.Querier) (err error) {
		if user, err = selectUser(q, actor.AccountID, id); err != nil {
			return err
		}
		if heir != nil {
			heirActive, err = isActive(q, actor.AccountID, *heir)
		}
		if err == nil {
			err = keepAnAdmin(q, actor, user)
		}
		if err == nil {
			owned, err = s.countBelongings(q, actor, id)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case user.Deleted != nil:
		return nil, unknownUser()
	case !readable, !heirActive, heir != nil && *heir == id:
		var problems faults.Bag
		problems.Selected("reassign_to")
		return nil, problems.Err()
	}
	return heir, s.refuseLeaving(owned, sent.Given())
}

// heirOf reads the id of the user who gets everything; nil is nobody.
func heirOf(sent input.Field[string]) (heir *int64, readable bool) {
	if !sent.Given() || sent.Value == "null" {
		return nil, true
	}
	id, err := strconv.ParseInt(sent.Value, 10, 64)
	return &id, err == nil
}

func (s *Service) countBelongings(q db.Querier, actor authz.Actor, userID int64) ([]int64, error) {
	counts := make([]int64, len(s.belongings))
	for i, b := range s.belongings {
		var err error
		if counts[i], err = b.Count(q, actor, userID); err != nil {
			return nil, fmt.Errorf("counting the %s of user %d: %w", b.Name, userID, err)
		}
	}
	return counts, nil
}

// refuseLeaving refuses when what the user owns has nobody to go to, or is too much.
func (s *Service) refuseLeaving(owned []int64, decided bool) error {
	var words []string
	var members []faults.Member
	total := int64(0)
	for i, b := range s.belongings {
		members = append(members, faults.Member{Name: b.Name, Value: owned[i]})
		total += owned[i]
		switch {
		case owned[i] == 1:
			words = append(words, "1 "+b.One)
		case owned[i] > 1:
			words = append(words, fmt.Sprint(owned[i], " ", b.Many))
		}
	}
	what := strings.Join(words, ", ")
	switch {
	case total == 0:
		return nil
	case total > mostHandedOver:
		return faults.New(faults.Refused, fmt.Sprintf("O usuário possui %s. Acima de %d registros, transfira-os antes com uma ação em massa.", what, mostHandedOver), members...)
	case !decided:
		return faults.New(faults.Refused, fmt.Sprintf("O usuário possui %s. Informe em reassign_to quem os recebe, ou null para ninguém.", what), members...)
	}
	return nil
}

// deleteUser marks a user as deleted, if he owns nothing. Whoever is giving him
// something holds his row, and is waited for; whoever comes later finds him gone.
func (s *Service) deleteUser(ctx context.Context, actor authz.Actor, id int64) (gone bool, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		gone = false
		user, err := claimUser(tx, actor, id)
		if err != nil {
			return err
		}
		if err := keepAnAdmin(tx, actor, user); err != nil {
			return err
		}
		owned, err := s.countBelongings(tx, actor, id)
		if err != nil {
			return err
		}
		for _, n := range owned {
			if n > 0 {
				return nil
			}
		}
		gone = true
		if err := markDeleted(tx, actor.AccountID, id); err != nil {
			return err
		}
		return s.SetupChanged(tx, actor.AccountID)
	})
	return gone, wrapped(err, "deleting user %d", id)
}

func unknownUser() error { return faults.Unknown("Usuário", "o") }
