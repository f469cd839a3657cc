package leads

import (
	"context"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/phones"
)

// Arrival is somebody who has written to us.
type Arrival struct {
	Phone  string // E.164; "" when it is not known
	Name   string // as they call themselves
	Source string // of the lead that is made
	// StageID is where a lead is made if there is none with the phone; 0: nowhere.
	StageID int64
}

// Arrivals prepares what a message does: the function that it gives finds, in the
// caller's transaction, the listed lead with the sender's phone in either form (of
// several the most recently updated one), or makes one. Its refusals are NotFound
// when there is none and none is to be made, or the stage is there no more, and
// Refused when the plan has no room for another lead. Of two first messages, and of
// a message and an upsert, the second finds what the first has made.
func (s *Service) Arrivals(ctx context.Context, actor authz.Actor) (func(tx *db.Tx, a Arrival) (l *Lead, err error), error) {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx, a Arrival) (*Lead, error) {
		keys := matchedBy{phone: phones.Key(a.Phone)}
		stage, known := u.board.Stage(a.StageID)
		if known && keys.phone != "" {
			if err := tx.LockKeys(keys.locks(actor)...); err != nil {
				return nil, err
			}
		}
		found, err := match(tx, actor, keys)
		switch {
		case err != nil || found != nil:
			return found, err
		case !known:
			return nil, errUnknown()
		}
		details := Details{Phone: sent(a.Phone), Source: sent(a.Source)}
		l, err := s.create(tx, actor, &u, draft{stage: stage, hasStage: true}, arrivalName(a), &details)
		if err != nil && !faults.Is(err, faults.Refused) {
			err = fmt.Errorf("making a lead of a message's sender: %w", err)
		}
		return l, err
	}, nil
}

func sent(text string) input.Field[string] {
	if text == "" {
		return input.Field[string]{}
	}
	return input.Of(text)
}

// arrivalName is what a lead is called whose sender has only perhaps told a name.
func arrivalName(a Arrival) string {
	const most = 255
	switch name := []rune(a.Name); {
	case len(name) > most:
		return string(name[:most])
	case len(name) > 0:
		return a.Name
	case a.Phone != "":
		return a.Phone
	default:
		return "WhatsApp"
	}
}

// WithPhone gives the ids of the listed leads with a phone, in either form, at most
// a hundred.
func WithPhone(q db.Querier, actor authz.Actor, phone string) ([]int64, error) {
	key := phones.Key(phone)
	if key == "" {
		return nil, nil
	}
	return db.Column[int64](q.Query(`SELECT id FROM leads WHERE account_id = $1 AND phone_key = $2 AND `+listed+` ORDER BY id LIMIT 100`, actor.AccountID, key))
}
