package leads

import (
	"encoding/json"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/timeline"
)

// Facts are what reactions to an event of a lead decide by.
type Facts struct {
	Before *Lead // nil for a creation
	After  *Lead
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
	data, err := s.eventData(u, after, changes)
	if err != nil {
		return err
	}
	for _, e := range happened {
		if err := s.log.Emit(tx, actor, events.Event{Type: eventTypes[e.Type], LeadID: &after.ID, Data: data, Facts: Facts{before, after}}); err != nil {
			return err
		}
	}
	return nil
}

// eventData is the lead as it is now, and what the change replaced.
func (s *Service) eventData(u *setup, l *Lead, changes []timeline.Change) (json.RawMessage, error) {
	r := renderer{setup: *u}
	data := append(make([]byte, 0, 1024), `{"lead":`...)
	data = append(r.owner(r.lead(data, l), l), `},"previous":{`...)
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
