package sequences

import (
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/leads"
	"syncro/internal/messaging"
	"syncro/internal/pipelines"
)

// react ends or advances the enrolments of a lead that something has happened to,
// in the transaction of that something.
func (s *Service) react(tx *db.Tx, actor authz.Actor, e events.Event) error {
	switch e.Type {
	case events.LeadStageChanged, events.LeadDeleted, events.LeadMerged, events.LeadUpdated:
		change, ok := e.Facts.(leads.Facts)
		if !ok || change.After == nil || (e.Type == events.LeadUpdated && !optedOut(change)) {
			return nil
		}
		return s.reactToLead(tx, actor, e.Type, change)
	case events.MessageReceived:
		message, ok := e.Facts.(messaging.Facts)
		if !ok || message.LeadID == nil {
			return nil
		}
		return s.reactToReply(tx, actor, message)
	case events.MessageSent, events.MessageStatusChanged:
		message, ok := e.Facts.(messaging.Facts)
		if !ok {
			return nil
		}
		return s.correctRun(tx, actor, message)
	default:
		return nil
	}
}

// optedOut tells whether a change of a lead is that it wants no messages any more.
func optedOut(c leads.Facts) bool {
	return c.After.OptedOutAt != nil && (c.Before == nil || c.Before.OptedOutAt == nil)
}

// reactToLead reacts to a change of a lead, whom whoever changes it has locked.
func (s *Service) reactToLead(tx *db.Tx, actor authz.Actor, what events.Type, change leads.Facts) error {
	live, err := liveOf(tx, actor, change.After.ID)
	if err != nil || len(live) == 0 {
		return err
	}
	f := facts{lead: change.After, days: workdays{zone: actor.Location}}
	switch {
	case change.After.DeletedAt != nil:
		f.lead = nil
	case what == events.LeadStageChanged:
		if f.happened, err = moveInto(tx, actor, change.After.StageID); err != nil {
			return err
		}
	}
	for _, e := range live {
		if f.happened == moved && e.id == actor.Enrollment {
			continue // its own step has moved the lead
		}
		p, err := planOf(tx, actor, e.sequenceID, e.version)
		if err != nil {
			return err
		}
		e.shown = change.Shown
		if d := next(p, e, &f, tx.Now()); d.do == exit {
			if err := s.end(tx, actor, p, e, d.status, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// moveInto is what a move into a stage is to an enrolment.
func moveInto(q db.Querier, actor authz.Actor, stageID int64) (occurrence, error) {
	var kind string
	if err := db.Get(q.Query(`SELECT kind FROM stages WHERE account_id = $1 AND id = $2`, actor.AccountID, stageID), &kind); err != nil {
		return nothing, fmt.Errorf("reading a stage: %w", err)
	}
	if pipelines.Kind(kind) == pipelines.Open {
		return moved, nil
	}
	return closed, nil
}

// reactToReply reacts to a message of a lead. One that asks to be left alone has
// opted the lead out before (package messaging).
func (s *Service) reactToReply(tx *db.Tx, actor authz.Actor, m messaging.Facts) error {
	leadID := *m.LeadID
	enrolled, err := anyLive(tx, actor, leadID)
	if err != nil || !enrolled {
		return err
	}
	err = holdLead(tx, actor, leadID)
	if faults.Is(err, faults.NotFound) {
		return nil // in the trash, and so in no sequence any more
	}
	if err != nil {
		return err
	}
	lead, err := leads.Find(tx, actor, leadID)
	if err != nil {
		return err
	}
	live, err := liveOf(tx, actor, leadID)
	if err != nil {
		return err
	}
	for _, e := range live {
		e.shown = m.Lead
		if err := s.replied(tx, actor, e, lead); err != nil {
			return err
		}
	}
	return nil
}

// replied lets an enrolment have a reply of its lead.
func (s *Service) replied(tx *db.Tx, actor authz.Actor, e *enrollment, lead *leads.Lead) error {
	p, err := planOf(tx, actor, e.sequenceID, e.version)
	if err != nil {
		return err
	}
	e.repliedAt = new(tx.Now())
	f := facts{lead: lead, happened: replied, days: workdays{zone: actor.Location, own: map[calendar.Date]bool{}}}
	switch d := next(p, e, &f, tx.Now()); {
	case d.do == exit:
		return s.end(tx, actor, p, e, d.status, "")
	case d.do == jump && d.reason == becauseReplied:
		days, err := restDays(tx, actor)
		if err != nil {
			return err
		}
		return s.jumped(tx, actor, p, e, d, days)
	default: // to be remembered until a step asks for it
		return tx.Queue(`UPDATE sequence_enrollments SET replied_at = $3 WHERE account_id = $1 AND id = $2`, actor.AccountID, e.id, e.repliedAt)
	}
}
