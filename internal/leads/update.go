package leads

import (
	"context"
	"slices"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/input"
	"syncro/internal/timeline"
)

// Update changes what was sent (PUT and PATCH /leads/{id}).
func (s *Service) Update(ctx context.Context, actor authz.Actor, id int64, expected *int64, form *input.Form[UpdateFields]) (LeadAnswer, error) {
	w, done, err := s.one(ctx, actor, func(w *Writer) (Write, error) { return w.Update(ctx, id, expected, form) })
	if err != nil {
		return LeadAnswer{}, err
	}
	return s.shown(&w.setup, done.Lead), nil
}

// Update prepares [Service.Update].
func (w *Writer) Update(ctx context.Context, id int64, expected *int64, form *input.Form[UpdateFields]) (Write, error) {
	f := &form.Fields
	d, err := w.lookUp(ctx, f.PipelineID, f.StageID, &f.Details, &form.Problems)
	if err != nil {
		return Write{}, err
	}
	return Write{Run: func(tx *db.Tx) (Written, error) {
		l, err := lock(tx, w.actor, id)
		if err != nil {
			return Written{}, err
		}
		if err := requireStage(form, l); err != nil {
			return Written{}, err
		}
		if expected != nil && *expected != l.Version {
			return Written{}, timeline.Stale(tx, w.actor, timeline.Lead, id, *expected, l.Version)
		}
		return Written{Lead: l}, w.update(tx, d, l, f)
	}}, nil
}

// update writes what was sent into a lead that is locked.
func (w *Writer) update(tx *db.Tx, d draft, l *Lead, f *UpdateFields) error {
	before := *l
	if f.Name.Given() {
		l.Name = f.Name.Value
	}
	f.apply(l, &w.setup, false)
	if f.Status.Given() {
		l.Archived = Status(f.Status.Value) == Archived
	}
	if f.OptedOut.Given() {
		l.optOut(f.OptedOut.Value, tx.Now())
	}
	return w.service.edit(tx, w.actor, &w.setup, d, &before, l)
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
	return s.retag(ctx, actor, func(w *Writer) Write { return w.AddTags(id, expected, form) })
}

// RemoveTag takes a tag from a lead (DELETE /leads/{id}/tags/{tag}); one that is
// not there is no failure.
func (s *Service) RemoveTag(ctx context.Context, actor authz.Actor, id int64, expected *int64, tag string) (Tagged, error) {
	return s.retag(ctx, actor, func(w *Writer) Write { return w.RemoveTags(id, expected, noForm, []string{strings.TrimSpace(tag)}) })
}

func (s *Service) retag(ctx context.Context, actor authz.Actor, prepare func(w *Writer) Write) (Tagged, error) {
	_, done, err := s.one(ctx, actor, func(w *Writer) (Write, error) { return prepare(w), nil })
	if err != nil {
		return Tagged{}, err
	}
	return Tagged{Success: true, LeadID: done.Lead.ID, Tags: append([]string{}, done.Lead.TagNames()...), version: done.Lead.Version}, nil
}

// noForm is the check of a write without a form.
func noForm() error { return nil }

// AddTags prepares [Service.AddTags].
func (w *Writer) AddTags(id int64, expected *int64, form *input.Form[TagFields]) Write {
	return w.onLead(id, expected, form.Err, func(tx *db.Tx, l *Lead) error { return w.addTags(tx, l, form.Fields.Tags.Value) })
}

// RemoveTags prepares the removal of tags; those that are not there are no failure.
func (w *Writer) RemoveTags(id int64, expected *int64, check func() error, tags []string) Write {
	return w.onLead(id, expected, check, func(tx *db.Tx, l *Lead) error { return w.removeTags(tx, l, tags) })
}

func (w *Writer) addTags(tx *db.Tx, l *Lead, names []string) error {
	return w.retag(tx, l, timeline.TagAdded, "Tags adicionadas: ", withTags(l.TagNames(), names))
}

func (w *Writer) removeTags(tx *db.Tx, l *Lead, names []string) error {
	keys := tagKeys(names)
	rest := slices.DeleteFunc(l.TagNames(), func(t string) bool { return slices.Contains(keys, tagKey(t)) })
	return w.retag(tx, l, timeline.TagRemoved, "Tags removidas: ", rest)
}

// retag gives a lead that is locked other tags.
func (w *Writer) retag(tx *db.Tx, l *Lead, event timeline.EventType, words string, is []string) error {
	before, was := *l, l.TagNames()
	l.setTags(is)
	var events []timeline.Event
	if changed := append(without(is, was), without(was, is)...); len(changed) > 0 {
		events = append(events, timeline.Event{LeadID: l.ID, Type: event, Description: words + strings.Join(changed, ", ") + "."})
	}
	return w.service.change(tx, w.actor, &w.setup, &before, l, events...)
}

// Delete puts a lead into the trash (DELETE /leads/{id}): it is gone from every
// list and endpoint, and can be restored for 30 days.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, id int64, expected *int64) error {
	_, _, err := s.one(ctx, actor, func(w *Writer) (Write, error) { return w.Delete(id, expected), nil })
	return err
}

// Delete prepares [Service.Delete].
func (w *Writer) Delete(id int64, expected *int64) Write {
	return w.onLead(id, expected, noForm, w.remove)
}

// remove puts a lead that is locked into the trash.
func (w *Writer) remove(tx *db.Tx, l *Lead) error {
	before, now := *l, tx.Now()
	l.DeletedAt = &now
	return w.service.change(tx, w.actor, &w.setup, &before, l, timeline.Event{LeadID: l.ID, Type: timeline.Deleted, Description: "Lead movido para a lixeira."})
}
