package leads

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/money"
	"syncro/internal/timeline"
)

// Reverted is what has become of a lead one of whose changes was reverted.
type Reverted struct {
	Changed bool // whether anything was put back
	// Kept names what stays as it is, because it was changed since or cannot be had
	// back: fields as the API names them; "deleted" and "merged" for a lead that is
	// in the trash, gone or merged; what was done with a lead that would have been
	// removed ("tasks", "note_added", …).
	Kept []string
}

// Revert prepares the undoing of single changes: the function that it gives puts
// back, in the caller's transaction, what the change that made a version of a lead
// has replaced.
//
//   - A field gets its old value unless a later change touched it; of tags and
//     custom fields that is decided one by one. Changes that have been reverted, and
//     those that reverted them, count as if they had never been.
//   - A move goes back to the stage and to the visit in which the lead was: the sale
//     or lost sale that it made is removed, the one that it voided is valid again, the
//     mandatory tasks that it made are deleted, or, if somebody has touched them, stay
//     as ordinary ones. A sale that was amended since holds the lead where it is.
//   - A deletion is restored, if the plan has room for it (Refused otherwise).
//   - A creation (version 1) goes into the trash, unless the lead was changed or
//     worked with since: a task, note, message or enrolment of it.
//
// Nothing else comes back: the score, messages that were sent or cancelled,
// enrolments that ended. Reverting is a change like any other, with its version,
// its events, and its place on the timeline.
func (s *Service) Revert(ctx context.Context, actor authz.Actor) (func(tx *db.Tx, id, version int64) (Reverted, error), error) {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx, id, version int64) (Reverted, error) {
		r, err := s.revert(tx, actor, &u, id, version)
		if err != nil && !faults.Is(err, faults.Refused) {
			err = fmt.Errorf("reverting version %d of lead %d: %w", version, id, err)
		}
		return r, err
	}, nil
}

func (s *Service) revert(tx *db.Tx, actor authz.Actor, u *setup, id, version int64) (Reverted, error) {
	l, err := lockAny(tx, actor, id)
	switch {
	case faults.Is(err, faults.NotFound):
		return Reverted{Kept: []string{"deleted"}}, nil
	case err != nil:
		return Reverted{}, err
	case l.MergedInto != nil:
		return Reverted{Kept: []string{"merged"}}, nil
	}
	past, err := timeline.History(tx, actor, timeline.Lead, id, version)
	if err != nil {
		return Reverted{}, err
	}
	before := *l
	r := &reversal{service: s, tx: tx, actor: actor, setup: u, lead: l, before: &before, version: version}
	if version == 1 {
		r.read(past)
		return r.creation()
	}
	if len(past) == 0 || past[0].Version != version {
		return Reverted{}, fmt.Errorf("the lead has had no such change")
	}
	r.change = past[0].Changed
	r.read(past[1:])
	if _, deleted := r.change["deleted"]; !deleted && l.DeletedAt != nil {
		return Reverted{Kept: []string{"deleted"}}, nil
	}
	return r.perform()
}

// reversal is the reverting of one change under way.
type reversal struct {
	service *Service
	tx      *db.Tx
	actor   authz.Actor
	setup   *setup
	lead    *Lead // as it becomes
	before  *Lead
	version int64
	change  map[string]timeline.Values // what is reverted
	touched map[string]bool            // fields, tags and custom fields that later changes touched
	kept    []string
	moved   bool
}

// perform puts the fields back, one by one.
func (r *reversal) perform() (Reverted, error) {
	for _, field := range slices.Sorted(maps.Keys(r.change)) {
		if err := r.field(field, r.change[field]); err != nil {
			return Reverted{}, err
		}
	}
	return r.finish()
}

func (r *reversal) finish() (Reverted, error) {
	r.lead.beside = append(r.lead.beside, timeline.Change{Field: reverted, New: r.version})
	changed := len(differences(r.before, r.lead)) > 0
	err := r.service.change(r.tx, r.actor, r.setup, r.before, r.lead, r.events()...)
	slices.Sort(r.kept)
	return Reverted{Changed: changed, Kept: slices.Compact(r.kept)}, err
}

// events tell what the reversal has done.
func (r *reversal) events() (events []timeline.Event) {
	note := func(what timeline.EventType, words string) {
		events = append(events, timeline.Event{LeadID: r.lead.ID, Type: what, Description: words})
	}
	switch {
	case r.before.DeletedAt == nil && r.lead.DeletedAt != nil:
		note(timeline.Deleted, "Criação desfeita: lead movido para a lixeira.")
		return events
	case r.before.DeletedAt != nil && r.lead.DeletedAt == nil:
		note(timeline.Restored, "Exclusão desfeita: lead restaurado.")
	}
	if r.moved {
		from, _ := r.setup.board.Stage(r.before.StageID)
		to, _ := r.setup.board.Stage(r.lead.StageID)
		note(timeline.StageChanged, "Mudança desfeita: etapa de "+from.Name+" de volta para "+to.Name+".")
	}
	return append(events, r.setup.editEvents(r.before, r.lead)...)
}

// keep notes that a field stays as it is.
func (r *reversal) keep(field string) error {
	r.kept = append(r.kept, field)
	return nil
}

// field puts one field back.
func (r *reversal) field(field string, was timeline.Values) error {
	switch field {
	case "tags":
		return r.tags(was)
	case "custom_fields":
		return r.customFields(was)
	case "pipeline_id", outSince, stayLeft, saleMade, saleVoided, lossMade, lossVoided, reverted:
		return nil // part of another field
	}
	if r.touched[field] {
		return r.keep(field)
	}
	switch field {
	case "stage_id":
		return r.stage(was)
	case "value":
		r.lead.ValueCents = nil
		if text := string(was.Old()); text != "null" {
			cents, err := money.Parse(text)
			value := int64(cents)
			r.lead.ValueCents = &value
			return err
		}
	case "assigned_to":
		return r.owner(was)
	case "status":
		old, err := read[Status](was.Old())
		r.lead.Archived = old == Archived
		return err
	case "opted_out":
		old, err := read[*time.Time](r.change[outSince].Old())
		r.lead.OptedOutAt = old
		return err
	case "deleted":
		return r.restore(was)
	default:
		return r.text(field, was)
	}
	return nil
}

// text puts one of the fields back that are texts. One that is none, such as a
// merge, is not what Revert is for.
func (r *reversal) text(field string, was timeline.Values) (err error) {
	l := r.lead
	places := map[string]*string{
		"name": &l.Name, "phone": &l.Phone, "email": &l.Email, "company": &l.Company, "birthday": &l.Birthday, "source": &l.Source, "notes": &l.Notes,
	}
	for i, name := range utmNames {
		places[name] = &l.UTM[i]
	}
	place, ok := places[field]
	if !ok {
		return r.keep(field)
	}
	*place, err = read[string](was.Old())
	return err
}

// owner puts the owner back, unless that user is there no more.
func (r *reversal) owner(was timeline.Values) error {
	old, err := read[*int64](was.Old())
	if err != nil {
		return err
	}
	if old != nil && !r.setup.users.Active(*old) {
		return r.keep("assigned_to")
	}
	r.lead.AssignedTo = old
	return nil
}

// restore takes the lead out of the trash. Restores are not taken back.
func (r *reversal) restore(was timeline.Values) error {
	old, err := read[bool](was.Old())
	if err != nil || old {
		return err
	}
	if r.lead.DeletedAt == nil {
		return nil
	}
	r.lead.DeletedAt = nil
	return checkLimit(r.tx, r.actor)
}

// tags takes back the tags that the change added and adds those that it took, but
// for those that were added or taken since.
func (r *reversal) tags(was timeline.Values) error {
	old, is, err := both[[]string](was)
	if err != nil {
		return err
	}
	if r.before.Tags == string(was.New()) {
		r.lead.setTags(old)
		return nil
	}
	added, taken := without(tagKeys(is), tagKeys(old)), without(tagKeys(old), tagKeys(is))
	tags := slices.DeleteFunc(r.lead.TagNames(), func(name string) bool {
		key := tagKey(name)
		return slices.Contains(added, key) && !r.touched[atom("tags", key)]
	})
	for _, name := range old {
		if key := tagKey(name); slices.Contains(taken, key) && !r.touched[atom("tags", key)] {
			tags = withTags(tags, []string{name})
		}
	}
	r.lead.setTags(tags)
	return r.keep("tags")
}

func (r *reversal) customFields(was timeline.Values) error {
	old := string(was.Old())
	var ids []int64
	for _, id := range customfields.Differing(old, string(was.New())) {
		if r.touched[atom("custom_fields", fmt.Sprint(id))] {
			_ = r.keep("custom_fields")
			continue
		}
		ids = append(ids, id)
	}
	r.lead.CustomValues = customfields.Taking(r.lead.CustomValues, old, ids)
	return nil
}

// read notes what later changes touched. A later change that was reverted, and the
// reversal itself, touched nothing.
func (r *reversal) read(later []timeline.Past) {
	undone := map[int64]map[string]timeline.Values{}
	for _, p := range later {
		if v, ok := p.Changed[reverted]; ok {
			version, _ := read[int64](v.New())
			undone[version] = p.Changed
		}
	}
	r.touched = map[string]bool{}
	for _, p := range later {
		if _, reverts := p.Changed[reverted]; reverts {
			continue
		}
		for field, values := range p.Changed {
			if _, ok := undone[p.Version][field]; ok {
				continue
			}
			for _, a := range atoms(field, values) {
				r.touched[a] = true
			}
		}
	}
}

// atoms are the smallest things that a change of a field touches.
func atoms(field string, values timeline.Values) (all []string) {
	switch field {
	case "tags":
		old, is, _ := both[[]string](values)
		for _, key := range slices.Concat(without(tagKeys(old), tagKeys(is)), without(tagKeys(is), tagKeys(old))) {
			all = append(all, atom(field, key))
		}
	case "custom_fields":
		for _, id := range customfields.Differing(string(values.Old()), string(values.New())) {
			all = append(all, atom(field, fmt.Sprint(id)))
		}
	default:
		all = []string{field}
	}
	return all
}

func atom(field, member string) string { return field + "." + member }

// both are a change's values before and after.
func both[T any](values timeline.Values) (old, is T, err error) {
	if old, err = read[T](values.Old()); err != nil {
		return old, is, err
	}
	is, err = read[T](values.New())
	return old, is, err
}

// creation puts the lead into the trash, unless somebody has done something with it.
func (r *reversal) creation() (Reverted, error) {
	if r.lead.DeletedAt != nil {
		return Reverted{}, nil
	}
	for touched := range r.touched {
		if field, _, _ := strings.Cut(touched, "."); !strings.HasPrefix(field, timeline.Aside) {
			r.kept = append(r.kept, field)
		}
	}
	work, err := worked(r.tx, r.actor, r.lead.ID)
	if err != nil {
		return Reverted{}, err
	}
	if r.kept = append(r.kept, work...); len(r.kept) > 0 {
		slices.Sort(r.kept)
		return Reverted{Kept: slices.Compact(r.kept)}, nil
	}
	now := r.tx.Now()
	r.lead.DeletedAt = &now
	return r.finish()
}

// unmistakable are the events that tell of work with a lead beside the changes of it.
var unmistakable = []timeline.EventType{
	timeline.NoteAdded, timeline.TaskCompleted, timeline.SequenceEnrolled, timeline.MessageSent, timeline.MessageReceived, timeline.Merged,
}

// worked names what has been done with a lead beside changes of it.
func worked(tx *db.Tx, actor authz.Actor, id int64) ([]string, error) {
	kinds := make([]string, len(unmistakable))
	for i, kind := range unmistakable {
		kinds[i] = string(kind)
	}
	done, err := db.Column[string](tx.Query(`SELECT DISTINCT event_type FROM lead_events WHERE account_id = $1 AND lead_id = $2 AND event_type = ANY($3)`,
		actor.AccountID, id, kinds))
	if err != nil {
		return nil, err
	}
	var tasks bool
	err = db.Get(tx.Query(`SELECT EXISTS (SELECT 1 FROM tasks WHERE account_id = $1 AND lead_id = $2 AND (requirement_id IS NULL OR version > 1))`, actor.AccountID, id), &tasks)
	if tasks {
		done = append(done, "tasks")
	}
	return done, err
}
