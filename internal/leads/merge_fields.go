package leads

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"syncro/internal/customfields"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// What a merge can be told to take a field from.
const (
	fromPrimary   = "primary"
	fromSecondary = "secondary"
)

// mergedField is a field of its own that a merge may fill: how it is read, "" where
// there is nothing, and written.
type mergedField struct {
	name string
	get  func(l *Lead) string
	set  func(l *Lead, value string)
}

func textField(name string, place func(l *Lead) *string) mergedField {
	return mergedField{name, func(l *Lead) string { return *place(l) }, func(l *Lead, value string) { *place(l) = value }}
}

func numberField(name string, place func(l *Lead) **int64) mergedField {
	return mergedField{
		name,
		func(l *Lead) string {
			if n := *place(l); n != nil {
				return strconv.FormatInt(*n, 10)
			}
			return ""
		},
		func(l *Lead, value string) {
			*place(l) = nil
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				*place(l) = &n
			}
		},
	}
}

// optedOutField is the one that nobody chooses: who has opted out once has.
const optedOutField = "opted_out"

var mergedFields = func() []mergedField {
	fields := []mergedField{
		textField("name", func(l *Lead) *string { return &l.Name }),
		textField("phone", func(l *Lead) *string { return &l.Phone }),
		textField("email", func(l *Lead) *string { return &l.Email }),
		textField("company", func(l *Lead) *string { return &l.Company }),
		textField("birthday", func(l *Lead) *string { return &l.Birthday }),
		numberField("value", func(l *Lead) **int64 { return &l.ValueCents }),
		textField("source", func(l *Lead) *string { return &l.Source }),
		textField("notes", func(l *Lead) *string { return &l.Notes }),
	}
	for i, name := range utmNames {
		fields = append(fields, textField(name, func(l *Lead) *string { return &l.UTM[i] }))
	}
	return append(fields, numberField("assigned_to", func(l *Lead) **int64 { return &l.AssignedTo }), mergedField{
		optedOutField,
		func(l *Lead) string {
			if l.OptedOutAt == nil {
				return ""
			}
			return l.OptedOutAt.UTC().Format(time.RFC3339Nano)
		},
		func(l *Lead, value string) {
			l.OptedOutAt = nil
			if at, err := time.Parse(time.RFC3339Nano, value); err == nil {
				l.OptedOutAt = &at
			}
		},
	})
}()

// choices are what a caller wants of each field; what is left out goes by the rules.
type choices struct {
	fields map[string]string
	custom map[int64]string
}

// choicesOf reads the member fields of a merge's body.
func choicesOf(sent input.Object, set *customfields.Set, problems *faults.Bag) choices {
	c := choices{map[string]string{}, map[int64]string{}}
	side := func(raw json.RawMessage) (string, bool) {
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err == nil && (text == fromPrimary || text == fromSecondary)
	}
	for name, raw := range sent.Members() {
		if name == "custom_fields" {
			var custom map[string]json.RawMessage
			if json.Unmarshal(raw, &custom) != nil {
				problems.Selected("fields.custom_fields")
			}
			for field, raw := range custom {
				from, ok := side(raw)
				f, known := set.ByName(field)
				if !ok || !known {
					problems.Selected("fields.custom_fields." + field)
				}
				c.custom[f.ID] = from
			}
			continue
		}
		from, ok := side(raw)
		known := name == "tags" || (name != optedOutField && slices.ContainsFunc(mergedFields, func(f mergedField) bool { return f.name == name }))
		if !ok || !known {
			problems.Selected("fields." + name)
		}
		c.fields[name] = from
	}
	return c
}

// combined are the states of what a merge changed in the primary: before, after.
type combined struct {
	Fields map[string][2]string `json:"fields,omitempty"`
	Tags   [2]string            `json:"tags"`
	Custom [2]string            `json:"custom"`
}

// combine fills the primary from the secondary (companion-api.md section 2,
// "Merge"): what is empty is filled, the larger value wins, tags are united; a
// choice goes before that.
func combine(primary, secondary *Lead, c choices) combined {
	done := combined{Fields: map[string][2]string{}, Tags: [2]string{primary.Tags}, Custom: [2]string{primary.CustomValues}}
	for _, f := range mergedFields {
		was, other := f.get(primary), f.get(secondary)
		take := was == ""
		switch {
		case c.fields[f.name] != "":
			take = c.fields[f.name] == fromSecondary
		case f.name == "value" && was != "" && other != "":
			take = *secondary.ValueCents > *primary.ValueCents
		case f.name == optedOutField && was != "" && other != "":
			take = secondary.OptedOutAt.Before(*primary.OptedOutAt)
		}
		if take && other != was {
			f.set(primary, other)
			done.Fields[f.name] = [2]string{was, other}
		}
	}
	switch c.fields["tags"] {
	case fromPrimary:
	case fromSecondary:
		primary.Tags = secondary.Tags
	default:
		primary.setTags(withTags(primary.TagNames(), secondary.TagNames()))
	}
	var has map[string]json.RawMessage
	_ = json.Unmarshal([]byte(primary.CustomValues), &has) // our own writing
	taken := slices.DeleteFunc(customfields.Differing(primary.CustomValues, secondary.CustomValues), func(id int64) bool {
		_, filled := has[strconv.FormatInt(id, 10)]
		if choice := c.custom[id]; choice != "" {
			return choice == fromPrimary
		}
		return filled
	})
	if len(taken) > 0 {
		primary.CustomValues = customfields.Taking(primary.CustomValues, secondary.CustomValues, taken)
	}
	done.Tags[1], done.Custom[1] = primary.Tags, primary.CustomValues
	return done
}

// separate takes out of the primary what a merge has put into it. What was changed
// since stays, and is named; fields are asked about first by inherited, which may
// settle one otherwise.
func (done *combined) separate(primary *Lead, set *customfields.Set, inherited func(field string, states [2]string) bool) (kept []string) {
	for _, f := range mergedFields {
		states, changed := done.Fields[f.name]
		switch {
		case !changed:
		case f.get(primary) == states[1]:
			f.set(primary, states[0])
		case !inherited(f.name, states):
			kept = append(kept, f.name)
		}
	}
	if primary.Tags == done.Tags[1] {
		primary.Tags = done.Tags[0]
	} else {
		was, became := (&Lead{Tags: done.Tags[0]}).TagNames(), (&Lead{Tags: done.Tags[1]}).TagNames()
		primary.setTags(withTags(without(primary.TagNames(), without(became, was)), without(was, became)))
	}
	if primary.CustomValues == done.Custom[1] {
		primary.CustomValues = done.Custom[0]
		return kept
	}
	since := customfields.Differing(primary.CustomValues, done.Custom[1])
	back := customfields.Differing(done.Custom[0], done.Custom[1])
	for _, f := range set.Fields() {
		if slices.Contains(back, f.ID) && slices.Contains(since, f.ID) {
			kept = append(kept, "custom_fields."+f.Name)
		}
	}
	back = slices.DeleteFunc(back, func(id int64) bool { return slices.Contains(since, id) })
	primary.CustomValues = customfields.Taking(primary.CustomValues, done.Custom[0], back)
	return kept
}
