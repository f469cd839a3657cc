package leads

import (
	"context"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/input"
	"syncro/internal/timeline"
)

// Update changes what was sent (PUT and PATCH /leads/{id}).
func (s *Service) Update(ctx context.Context, actor authz.Actor, id int64, expected *int64, form *input.Form[UpdateFields]) (LeadAnswer, error) {
	f := &form.Fields
	d, u, err := s.lookUp(ctx, actor, f.PipelineID, f.StageID, &f.Details, &form.Problems)
	if err != nil {
		return LeadAnswer{}, err
	}
	var l *Lead
	err = s.write(ctx, actor, &u, func(tx *db.Tx) error {
		var err error
		if l, err = lock(tx, actor, id); err != nil {
			return err
		}
		if err := requireStage(form, l); err != nil {
			return err
		}
		if expected != nil && *expected != l.Version {
			return timeline.Stale(tx, actor, timeline.Lead, id, *expected, l.Version)
		}
		before := *l
		if f.Name.Given() {
			l.Name = f.Name.Value
		}
		f.apply(l, u.fields, false)
		if f.Status.Given() {
			l.Archived = Status(f.Status.Value) == Archived
		}
		if f.OptedOut.Given() {
			l.optOut(f.OptedOut.Value, tx.Now())
		}
		return s.edit(tx, actor, &u, d, &before, l)
	})
	return s.shown(&u, l), err
}

// OptOut prepares what a lead's own words do: the function that it gives marks a
// lead, in the caller's transaction, as wanting no messages any more, or as
// wanting them again (companion-api.md section 2, "Opt-out").
func (s *Service) OptOut(ctx context.Context, actor authz.Actor) (func(tx *db.Tx, leadID int64, out bool) error, error) {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx, leadID int64, out bool) error {
		l, err := lock(tx, actor, leadID)
		if err != nil {
			return err
		}
		before := *l
		l.optOut(out, tx.Now())
		return s.edit(tx, actor, &u, draft{}, &before, l)
	}, nil
}

// optOut keeps the time at which a lead first said so.
func (l *Lead) optOut(out bool, now time.Time) {
	switch {
	case !out:
		l.OptedOutAt = nil
	case l.OptedOutAt == nil:
		l.OptedOutAt = &now
	}
}

// requireStage is the form's refusal; another pipeline without a stage of it is one.
func requireStage(form *input.Form[UpdateFields], l *Lead) error {
	complete := *form
	f := &form.Fields
	if f.PipelineID.Given() && f.PipelineID.Value != l.PipelineID && !f.StageID.Sent && !form.Problems.Has("stage_id") {
		complete.Problems = form.Problems.Clone()
		complete.Problems.Required("stage_id")
	}
	return complete.Err()
}

// Tagged is the answer of the operations on a lead's tags.
type Tagged struct {
	Success bool     `json:"success" doc:"Always true." example:"true"`
	LeadID  int64    `json:"lead_id" doc:"Id of the lead." example:"123"`
	Tags    []string `json:"tags" doc:"The lead's tags, in order of adding." example:"[\"vip\",\"enterprise\"]"`
	version int64
}

// RecordVersion is the lead's version.
func (t Tagged) RecordVersion() int64 { return t.version }

// AddTags adds tags to a lead and keeps those it has (POST /leads/{id}/tags).
func (s *Service) AddTags(ctx context.Context, actor authz.Actor, id int64, expected *int64, form *input.Form[TagFields]) (Tagged, error) {
	return s.retag(ctx, actor, id, expected, form.Err, timeline.TagAdded, "Tags adicionadas: ",
		func(tags []string) []string { return withTags(tags, form.Fields.Tags.Value) })
}

// RemoveTag takes a tag from a lead (DELETE /leads/{id}/tags/{tag}); one that is
// not there is no failure.
func (s *Service) RemoveTag(ctx context.Context, actor authz.Actor, id int64, expected *int64, tag string) (Tagged, error) {
	key := tagKey(strings.TrimSpace(tag))
	nothingToCheck := func() error { return nil }
	return s.retag(ctx, actor, id, expected, nothingToCheck, timeline.TagRemoved, "Tags removidas: ", func(tags []string) []string {
		var rest []string
		for _, t := range tags {
			if tagKey(t) != key {
				rest = append(rest, t)
			}
		}
		return rest
	})
}

func (s *Service) retag(ctx context.Context, actor authz.Actor, id int64, expected *int64, check func() error,
	event timeline.EventType, words string, edit func([]string) []string,
) (Tagged, error) {
	var answer Tagged
	u, err := s.setup(ctx, actor)
	if err != nil {
		return answer, err
	}
	err = s.write(ctx, actor, &u, func(tx *db.Tx) error {
		l, err := s.claim(tx, actor, id, expected, check)
		if err != nil {
			return err
		}
		before, was := *l, l.TagNames()
		is := edit(l.TagNames())
		l.setTags(is)
		var events []timeline.Event
		if changed := append(without(is, was), without(was, is)...); len(changed) > 0 {
			events = append(events, timeline.Event{LeadID: id, Type: event, Description: words + strings.Join(changed, ", ") + "."})
		}
		if err := s.change(tx, actor, &u, &before, l, events...); err != nil {
			return err
		}
		answer = Tagged{Success: true, LeadID: id, Tags: append([]string{}, is...), version: l.Version}
		return nil
	})
	return answer, err
}

// Delete puts a lead into the trash (DELETE /leads/{id}): it is gone from every
// list and endpoint, and can be restored for 30 days.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, id int64, expected *int64) error {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return err
	}
	return s.write(ctx, actor, &u, func(tx *db.Tx) error {
		l, err := s.claim(tx, actor, id, expected, func() error { return nil })
		if err != nil {
			return err
		}
		before, now := *l, tx.Now()
		l.DeletedAt = &now
		return s.change(tx, actor, &u, &before, l, timeline.Event{LeadID: id, Type: timeline.Deleted, Description: "Lead movido para a lixeira."})
	})
}
