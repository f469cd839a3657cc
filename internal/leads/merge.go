package leads

import (
	"context"
	"encoding/json"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/timeline"
)

// Merge merges a lead into another one (POST /leads/{id}/merge, companion-api.md
// section 2, "Merge"): what the secondary has becomes the primary's, and it is kept
// as merged. Of two simultaneous merges of the same leads one wins, and the other
// is refused as a conflict.
func (s *Service) Merge(ctx context.Context, actor authz.Actor, id int64, expected *int64, form *input.Form[MergeFields]) (LeadAnswer, error) {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return LeadAnswer{}, err
	}
	f := &form.Fields
	var wanted choices
	if f.Fields.Given() {
		wanted = choicesOf(f.Fields.Value, u.fields, &form.Problems)
	}
	if f.SecondaryID.Given() && f.SecondaryID.Value == id {
		form.Problems.Add("secondary_id", "The secondary id field must be another lead.")
	}
	var primary *Lead
	err = s.write(ctx, actor, &u, func(tx *db.Tx) error {
		var secondary *Lead
		both, err := lockBoth(tx, actor, id, f.SecondaryID.Value)
		if err != nil {
			return err
		}
		if primary, secondary = both[id], both[f.SecondaryID.Value]; primary == nil {
			return errUnknown()
		}
		if err := checkMerge(form, secondary); err != nil {
			return err
		}
		if primary.MergedInto != nil || secondary.MergedInto != nil {
			return faults.New(faults.Conflict, "O lead já foi mesclado.")
		}
		if err := current(tx, actor, primary, expected); err != nil {
			return err
		}
		if err := current(tx, actor, secondary, f.SecondaryVersion.Ptr()); err != nil {
			return err
		}
		return s.unite(tx, actor, &u, primary, secondary, wanted)
	})
	return s.shown(&u, primary), err
}

// checkMerge is the form's refusal; an unknown secondary is one.
func checkMerge(form *input.Form[MergeFields], secondary *Lead) error {
	complete := *form
	if form.Fields.SecondaryID.Given() && secondary == nil {
		complete.Problems = form.Problems.Clone()
		complete.Problems.Selected("secondary_id")
	}
	return complete.Err()
}

// lockBoth locks two leads that are not in the trash, in the order of their ids, so
// that nobody who locks them, too, waits for us in a circle.
func lockBoth(tx *db.Tx, actor authz.Actor, a, b int64) (map[int64]*Lead, error) {
	rows := tx.Query(`SELECT `+allColumns+` FROM leads WHERE account_id = $1 AND id = ANY($2) AND deleted_at IS NULL ORDER BY id FOR UPDATE`, actor.AccountID, []int64{a, b})
	both := map[int64]*Lead{}
	for rows.Next() {
		l := &Lead{}
		rows.Scan(l.all()...)
		both[l.ID] = l
	}
	return both, rows.Err()
}

// current refuses a lead that is not of the version that the caller knows.
func current(tx *db.Tx, actor authz.Actor, l *Lead, expected *int64) error {
	if expected == nil || *expected == l.Version {
		return nil
	}
	return timeline.Stale(tx, actor, timeline.Lead, l.ID, *expected, l.Version)
}

// unite makes the merge of two leads that are locked and fit for it.
func (s *Service) unite(tx *db.Tx, actor authz.Actor, u *setup, primary, secondary *Lead, wanted choices) error {
	before, apart := *primary, *secondary
	done := combine(primary, secondary, wanted)
	states, err := json.Marshal(done)
	if err != nil {
		return fmt.Errorf("writing down a merge: %w", err)
	}
	m := &Merge{Primary: primary, Secondary: secondary, At: tx.Now()}
	if err := db.Get(tx.Query(`INSERT INTO merges (account_id, primary_id, secondary_id, states, primary_visit, merged_by, merged_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`, actor.AccountID, primary.ID, secondary.ID, string(states), primary.Visit, actor.PerformedBy(), m.At), &m.ID); err != nil {
		return fmt.Errorf("writing down a merge: %w", err)
	}
	for _, r := range s.relations {
		if r.Move == nil {
			continue
		}
		if err := r.Move(tx, actor, m); err != nil {
			return fmt.Errorf("merging lead %d into %d: %w", secondary.ID, primary.ID, err)
		}
	}
	if err := tx.Queue(`UPDATE leads SET merged_into = $3 WHERE account_id = $1 AND id = $2`, actor.AccountID, secondary.ID, primary.ID); err != nil {
		return err
	}
	secondary.MergedInto = &primary.ID
	if err := s.change(tx, actor, u, &apart, secondary); err != nil {
		return err
	}
	changes := differences(&before, primary)
	if err := s.change(tx, actor, u, &before, primary); err != nil {
		return err
	}
	return s.tellMerged(tx, actor, u, &before, m, changes)
}

// tellMerged tells of a merge; the event names the lead that is gone, too.
func (s *Service) tellMerged(tx *db.Tx, actor authz.Actor, u *setup, before *Lead, m *Merge, changes []timeline.Change) error {
	if err := timeline.Record(tx, actor, timeline.Event{
		LeadID: m.Primary.ID, Type: timeline.Merged, Description: fmt.Sprintf("Lead %s (%d) mesclado a este.", m.Secondary.Name, m.Secondary.ID),
	}); err != nil {
		return err
	}
	shown := u.shown(m.Primary)
	data, err := eventData(shown, changes)
	if err != nil {
		return err
	}
	data = fmt.Appendf(data[:len(data)-1], `,"merged_lead_id":%d}`, m.Secondary.ID)
	return s.log.Emit(tx, actor, events.Event{Type: events.LeadMerged, LeadID: &m.Primary.ID, Data: data, Facts: Facts{Before: before, After: m.Primary, Shown: shown, Merged: m.Secondary}})
}
