package leads

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/timeline"
)

// Unmerged is the answer of an unmerge.
type Unmerged struct {
	Success bool     `json:"success" doc:"Always true." example:"true"`
	Lead    View     `json:"lead" doc:"The lead that is its own again."`
	Primary View     `json:"primary" doc:"The lead that it was merged into."`
	Kept    []string `json:"kept" nullable:"false" doc:"Fields of the primary that were changed since the merge, and stay as they are." example:"[\"phone\"]"`
	lead    LeadAnswer
	primary LeadAnswer
}

// AppendJSON writes the answer.
func (a Unmerged) AppendJSON(dst []byte) []byte {
	dst = append(append(dst, `{"success":true,"lead":`...), a.lead.written...)
	dst = append(append(dst, `,"primary":`...), a.primary.written...)
	dst = append(dst, `,"kept":[`...)
	for i, name := range a.Kept {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, name)
	}
	return append(dst, "]}"...)
}

// RecordVersion is the version of the lead that is its own again.
func (a Unmerged) RecordVersion() int64 { return a.lead.version }

// Unmerge takes a merged lead out of the one that it became part of (POST
// /leads/{id}/unmerge). Each row goes back to where it came from; what the primary
// has got since the merge stays with it, fields that were changed since included.
// Merges of merges are undone from the outside in. The plan must have room for the
// lead.
func (s *Service) Unmerge(ctx context.Context, actor authz.Actor, id int64, expected *int64) (Unmerged, error) {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return Unmerged{}, err
	}
	var m Merge
	var kept []string
	err = s.write(ctx, actor, &u, func(tx *db.Tx) (err error) {
		if m, err = lockMerge(tx, actor, id); err != nil {
			return err
		}
		if err := checkLimit(tx, actor); err != nil {
			return err
		}
		if err := current(tx, actor, m.Secondary, expected); err != nil {
			return err
		}
		kept, err = s.part(tx, actor, &u, &m)
		return err
	})
	return Unmerged{Success: true, Kept: kept, lead: s.shown(&u, m.Secondary), primary: s.shown(&u, m.Primary)}, err
}

// lockMerge locks both leads of the merge by which a lead is merged.
func lockMerge(tx *db.Tx, actor authz.Actor, id int64) (m Merge, err error) {
	l, err := find(tx, actor, id)
	switch {
	case err != nil:
		return m, err
	case l.MergedInto == nil:
		return m, faults.New(faults.Conflict, "O lead não está mesclado.")
	}
	both, err := lockBoth(tx, actor, id, *l.MergedInto)
	if err != nil {
		return m, err
	}
	m.Secondary, m.Primary = both[id], both[*l.MergedInto]
	switch {
	case m.Secondary == nil:
		return m, errUnknown()
	case m.Secondary.MergedInto == nil:
		return m, faults.New(faults.Conflict, "O lead não está mesclado.")
	case m.Primary == nil:
		return m, faults.New(faults.Conflict, "O lead em que este foi mesclado está na lixeira. Restaure-o primeiro.")
	case m.Primary.MergedInto != nil:
		return m, faults.New(faults.Conflict, "O lead em que este foi mesclado também foi mesclado. Desfaça aquela mesclagem primeiro.")
	}
	err = db.Get(tx.Query(`SELECT id, merged_at FROM merges WHERE account_id = $1 AND secondary_id = $2 FOR UPDATE`, actor.AccountID, id), &m.ID, &m.At)
	if errors.Is(err, db.ErrNoRows) {
		err = faults.New(faults.Conflict, "Não há registro desta mesclagem: ela não pode ser desfeita.")
	}
	return m, err
}

// part undoes a merge whose leads are locked, and names what stays in the primary.
func (s *Service) part(tx *db.Tx, actor authz.Actor, u *setup, m *Merge) (kept []string, err error) {
	var states string
	var visit int64
	if err := db.Get(tx.Query(`SELECT states, primary_visit FROM merges WHERE account_id = $1 AND id = $2`, actor.AccountID, m.ID), &states, &visit); err != nil {
		return nil, err
	}
	var done combined
	if err := json.Unmarshal([]byte(states), &done); err != nil {
		return nil, fmt.Errorf("reading merge %d: %w", m.ID, err)
	}
	later, err := laterMerges(tx, actor, m)
	if err != nil {
		return nil, err
	}
	before, merged := *m.Primary, *m.Secondary
	kept = done.separate(m.Primary, u.fields, later.inherit)
	if err := later.store(tx, actor); err != nil {
		return nil, err
	}
	for _, r := range s.relations {
		if r.Return == nil {
			continue
		}
		if err := r.Return(tx, actor, m); err != nil {
			return nil, fmt.Errorf("taking lead %d out of %d: %w", m.Secondary.ID, m.Primary.ID, err)
		}
	}
	if m.Primary.Visit != visit { // it has come into its stage since, perhaps on a sale that has gone back
		stage, ok := u.board.Stage(m.Primary.StageID)
		if !ok {
			return nil, errOutdated
		}
		if err := s.record(tx, actor, &move{before: m.Primary, after: m.Primary, to: stage}); err != nil {
			return nil, err
		}
	}
	for _, sql := range []string{
		`UPDATE leads SET merged_into = NULL WHERE account_id = $1 AND id = (SELECT secondary_id FROM merges WHERE account_id = $1 AND id = $2)`,
		`DELETE FROM merges WHERE account_id = $1 AND id = $2`,
	} {
		if err := tx.Queue(sql, actor.AccountID, m.ID); err != nil {
			return nil, err
		}
	}
	m.Secondary.MergedInto = nil
	if err := s.change(tx, actor, u, &merged, m.Secondary, timeline.Event{
		LeadID: m.Secondary.ID, Type: timeline.Restored, Description: fmt.Sprintf("Mesclagem com %s (%d) desfeita.", m.Primary.Name, m.Primary.ID),
	}); err != nil {
		return nil, err
	}
	return kept, s.change(tx, actor, u, &before, m.Primary, timeline.Event{
		LeadID: m.Primary.ID, Type: timeline.Updated, Description: fmt.Sprintf("Mesclagem de %s (%d) desfeita.", m.Secondary.Name, m.Secondary.ID),
	})
}

// later are the merges into the same primary that came after one.
type later struct {
	ids     []int64
	states  []combined
	changed map[int]bool
}

func laterMerges(tx *db.Tx, actor authz.Actor, m *Merge) (*later, error) {
	l := &later{changed: map[int]bool{}}
	rows := tx.Query(`SELECT id, states FROM merges WHERE account_id = $1 AND primary_id = $2 AND id > $3 ORDER BY id`, actor.AccountID, m.Primary.ID, m.ID)
	defer rows.Close()
	for rows.Next() {
		var id int64
		var text string
		rows.Scan(&id, &text)
		if rows.Err() != nil {
			break
		}
		var done combined
		if err := json.Unmarshal([]byte(text), &done); err != nil {
			return nil, fmt.Errorf("reading merge %d: %w", id, err)
		}
		l.ids, l.states = append(l.ids, id), append(l.states, done)
	}
	return l, rows.Err()
}

// inherit settles a field that a later merge has changed further: when that one is
// undone, the field goes back to what it was before this one.
func (l *later) inherit(field string, states [2]string) bool {
	for i, done := range l.states {
		if next, ok := done.Fields[field]; ok && next[0] == states[1] {
			done.Fields[field] = [2]string{states[0], next[1]}
			l.changed[i] = true
			return true
		}
	}
	return false
}

func (l *later) store(tx *db.Tx, actor authz.Actor) error {
	for i := range l.changed {
		text, err := json.Marshal(l.states[i])
		if err != nil {
			return fmt.Errorf("writing down a merge: %w", err)
		}
		if err := tx.Queue(`UPDATE merges SET states = $3 WHERE account_id = $1 AND id = $2`, actor.AccountID, l.ids[i], string(text)); err != nil {
			return err
		}
	}
	return nil
}
