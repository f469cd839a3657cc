package leads

import (
	"encoding/json"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/pipelines"
	"syncro/internal/timeline"
)

// Facts are what reactions to an event of a lead decide by.
type Facts struct {
	Before *Lead // nil for a creation
	After  *Lead
	Shown  json.RawMessage // After as events show it
	Merged *Lead           // by a merge: what became part of the lead
}

// eventTypes are the events that others hear of, by what happened.
var eventTypes = map[timeline.EventType]events.Type{
	timeline.Created: events.LeadCreated, timeline.Updated: events.LeadUpdated, timeline.StageChanged: events.LeadStageChanged,
	timeline.SaleWon: events.LeadWon, timeline.SaleLost: events.LeadLost, timeline.Assigned: events.LeadAssigned,
	timeline.TagAdded: events.LeadTagAdded, timeline.TagRemoved: events.LeadTagRemoved, timeline.Merged: events.LeadMerged,
	timeline.Deleted: events.LeadDeleted, timeline.Restored: events.LeadRestored,
}

// tell records what happened to a lead on its timeline and for those who listen.
func (s *Service) tell(tx *db.Tx, actor authz.Actor, u *setup, before, after *Lead, changes []timeline.Change, happened []timeline.Event) error {
	if len(happened) == 0 {
		return nil
	}
	if err := timeline.Record(tx, actor, happened...); err != nil {
		return err
	}
	shown := u.shown(after)
	data, err := eventData(shown, changes)
	if err != nil {
		return err
	}
	for _, e := range happened {
		if err := s.log.Emit(tx, actor, events.Event{Type: eventTypes[e.Type], LeadID: &after.ID, Data: data, Facts: Facts{Before: before, After: after, Shown: shown}}); err != nil {
			return err
		}
	}
	return nil
}

// shown is a lead as events show it.
func (u *setup) shown(l *Lead) json.RawMessage {
	r := renderer{setup: *u}
	return append(r.owner(r.lead(make([]byte, 0, 1024), l), l), '}')
}

// Shown gives a lead as events show it, whether it is listed, in the trash or merged,
// for the events of what belongs to it. It is for the inside of a transaction that
// changes nothing of the account's setup.
func (s *Service) Shown(q db.Querier, actor authz.Actor, id int64) (json.RawMessage, error) {
	l, err := get(q.Query(`SELECT `+allColumns+` FROM leads WHERE account_id = $1 AND id = $2`, actor.AccountID, id))
	if faults.Is(err, faults.NotFound) {
		return json.RawMessage("null"), nil // purged
	}
	if err != nil {
		return nil, err
	}
	var u setup
	if u.board, err = s.pipelines.BoardWithin(q, actor); err != nil {
		return nil, err
	}
	if u.fields, err = s.customFields.SetWithin(q, actor); err != nil {
		return nil, err
	}
	if u.users, err = s.accounts.UsersWithin(q, actor); err != nil {
		return nil, err
	}
	if !u.knows(l) { // it refers to what is newer than the snapshot
		if u.board, err = pipelines.LoadBoard(q, actor.AccountID); err != nil {
			return nil, err
		}
		if u.users, err = accounts.LoadUsers(q, actor.AccountID); err != nil {
			return nil, err
		}
	}
	return u.shown(l), nil
}

// eventData is the lead as it is now, and what the change replaced.
func eventData(shown json.RawMessage, changes []timeline.Change) (json.RawMessage, error) {
	data := append(make([]byte, 0, len(shown)+256), `{"lead":`...)
	data = append(append(data, shown...), `,"previous":{`...)
	for i, c := range changes {
		if i > 0 {
			data = append(data, ',')
		}
		old, err := jsonOf(c.Old)
		if err != nil {
			return nil, err
		}
		data = append(append(appendString(data, c.Field), ':'), old...)
	}
	return append(data, "}}"...), nil
}
