package leads

import (
	"encoding/json"
	"slices"
	"strings"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/money"
	"syncro/internal/timeline"
)

// change stores a lead that an operation has changed, with all that a change
// entails; if nothing differs, nothing is stored. What happened is told besides.
func (s *Service) change(tx *db.Tx, actor authz.Actor, u *setup, before, after *Lead, happened ...timeline.Event) error {
	if !u.knows(after) {
		return errOutdated
	}
	changes := differences(before, after)
	if len(changes) == 0 {
		return s.tell(tx, actor, u, before, after, nil, happened)
	}
	after.Version, after.UpdatedAt = before.Version+1, tx.Now()
	if err := store(tx, actor, after, changes); err != nil {
		return err
	}
	if err := s.reindex(tx, actor, before, after); err != nil {
		return err
	}
	if err := timeline.RecordChange(tx, actor, timeline.Lead, after.ID, after.Version, slices.Concat(changes, asides(before, after))); err != nil {
		return err
	}
	after.beside = nil
	return s.tell(tx, actor, u, before, after, changes, happened)
}

// reindex keeps counters, tags and search in step with a lead; before is nil for
// a new one.
func (s *Service) reindex(tx *db.Tx, actor authz.Actor, before, after *Lead) error {
	if err := recount(tx, actor, placeOf(before), placeOf(after)); err != nil {
		return err
	}
	if err := indexTags(tx, actor, before, after); err != nil {
		return err
	}
	if before == nil || before.listed() != after.listed() || before.searchText() != after.searchText() || before.searchPhone() != after.searchPhone() {
		return s.queueForSearch(tx, actor, after.ID)
	}
	return nil
}

// without are the elements of a that are not in b.
func without(a, b []string) []string {
	var rest []string
	for _, s := range a {
		if !slices.Contains(b, s) {
			rest = append(rest, s)
		}
	}
	return rest
}

// differences are the fields in which two states of a lead differ, named as the
// API names them.
func differences(before, after *Lead) []timeline.Change {
	var changes []timeline.Change
	note := func(differ bool, field string, was, is any) {
		if differ {
			changes = append(changes, timeline.Change{Field: field, Old: was, New: is})
		}
	}
	texts := func(field, was, is string) { note(was != is, field, text(was), text(is)) }
	texts("name", before.Name, after.Name)
	note(before.PipelineID != after.PipelineID, "pipeline_id", before.PipelineID, after.PipelineID)
	note(before.StageID != after.StageID, "stage_id", before.StageID, after.StageID)
	texts("phone", before.Phone, after.Phone)
	texts("email", before.Email, after.Email)
	texts("company", before.Company, after.Company)
	texts("birthday", before.Birthday, after.Birthday)
	note(!same(before.ValueCents, after.ValueCents), "value", amount(before.ValueCents), amount(after.ValueCents))
	texts("source", before.Source, after.Source)
	note(before.Tags != after.Tags, "tags", json.RawMessage(before.Tags), json.RawMessage(after.Tags))
	texts("notes", before.Notes, after.Notes)
	for i, name := range utmNames {
		texts(name, before.UTM[i], after.UTM[i])
	}
	note(!same(before.AssignedTo, after.AssignedTo), "assigned_to", before.AssignedTo, after.AssignedTo)
	note(before.CustomValues != after.CustomValues, "custom_fields", json.RawMessage(before.CustomValues), json.RawMessage(after.CustomValues))
	note(before.Status() != after.Status(), "status", before.Status(), after.Status())
	note((before.OptedOutAt == nil) != (after.OptedOutAt == nil), "opted_out", before.OptedOutAt != nil, after.OptedOutAt != nil)
	note((before.DeletedAt == nil) != (after.DeletedAt == nil), "deleted", before.DeletedAt != nil, after.DeletedAt != nil)
	return changes
}

var utmNames = [5]string{"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"}

// movedOnly tells whether changes are those of a move and nothing else.
func movedOnly(changes []timeline.Change) bool {
	return !slices.ContainsFunc(changes, func(c timeline.Change) bool { return c.Field != "stage_id" && c.Field != "pipeline_id" })
}

func same(a, b *int64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// editEvents are the events of an edit of fields: "updated", naming the fields,
// and "assigned", both only where they apply. Moves have events of their own.
func (u *setup) editEvents(before, after *Lead) []timeline.Event {
	var fields []string
	var events []timeline.Event
	for _, c := range differences(before, after) {
		switch c.Field {
		case "pipeline_id", "stage_id":
		case "assigned_to":
			events = append(events, timeline.Event{LeadID: after.ID, Type: timeline.Assigned, Description: u.assignment(after)})
		default:
			fields = append(fields, c.Field)
		}
	}
	if len(fields) == 0 {
		return events
	}
	updated := timeline.Event{LeadID: after.ID, Type: timeline.Updated, Description: "Campos alterados: " + strings.Join(fields, ", ") + "."}
	return append([]timeline.Event{updated}, events...)
}

func (u *setup) assignment(l *Lead) string {
	if l.AssignedTo == nil {
		return "Responsável removido."
	}
	user, _ := u.users.ByID(*l.AssignedTo)
	return "Responsável: " + user.Name + "."
}

// amount is a value as the API shows it.
func amount(cents *int64) any {
	if cents == nil {
		return nil
	}
	return money.Cents(*cents)
}
