package setup

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"syncro/internal/customfields"
	"syncro/internal/db"
)

func (p *plan) fields(entries []fieldEntry, current []customfields.Field) error {
	matched := match(entries, func(e fieldEntry) string { return e.name }, current, func(c customfields.Field) string { return c.Name })
	slots, moved := arrange(collect(current, func(c customfields.Field) int { return c.SortOrder }), matched)
	var names []string
	for _, slot := range slots {
		var next customfields.Field
		var d differences
		if slot.old >= 0 {
			next = current[slot.old]
		}
		if slot.entry >= 0 {
			if err := p.field(&next, entries[slot.entry], &d); err != nil {
				return err
			}
		} else {
			p.kept("custom field " + next.Name)
		}
		next.SortOrder = slot.sortOrder
		names = append(names, next.Name)
		switch {
		case slot.old < 0:
			p.added("custom field " + next.Name)
			p.step(func(tx *db.Tx) error {
				_, err := customfields.Add(tx, p.accountID, next)
				return err
			})
		case len(d) > 0 || next.SortOrder != current[slot.old].SortOrder:
			p.changed("custom field "+next.Name, d)
			p.step(func(tx *db.Tx) error { return customfields.Update(tx, p.accountID, next) })
		}
	}
	p.reordered("custom fields", moved, names)
	return nil
}

// field makes of a field what its entry says. A new field has no id yet.
func (p *plan) field(next *customfields.Field, entry fieldEntry, d *differences) error {
	before := next.Type
	label := entry.label
	if before == "" {
		next.Name, next.Active = entry.name, true
		if label == nil {
			label = new(spoken(entry.name))
		}
		if entry.fieldType == nil {
			p.problems.add(entry.path+".type", "is required for a new custom field")
			return nil
		}
	}
	set(d, "label", &next.Label, label)
	set(d, "type", &next.Type, entry.fieldType)
	if before != "" && before != next.Type {
		has, err := customfields.HasValues(p.q, p.accountID, next.ID)
		if err != nil {
			return err
		}
		if has {
			p.problems.add(entry.path+".type", "leads have values in the field, so its type stays %s: add another field", before)
		}
	}
	p.options(next, entry, d)
	set(d, "is_required", &next.Required, entry.required)
	set(d, "is_active", &next.Active, entry.active)
	set(d, "show_on_card", &next.ShowOnCard, entry.showOnCard)
	return nil
}

// options makes a field's options those of its entry and, behind the ones they
// stood behind, the others it has.
func (p *plan) options(next *customfields.Field, entry fieldEntry, d *differences) {
	current := next.Options
	same := func(option string) string { return option }
	var options []string
	if next.Type.HasOptions() {
		matched := match(entry.options, same, current, same)
		slots, _ := arrange(make([]int, len(current)), matched)
		for _, slot := range slots {
			if slot.old >= 0 {
				options = append(options, current[slot.old])
			} else {
				options = append(options, entry.options[slot.entry])
			}
			if entry.hasOptions && slot.entry < 0 {
				p.kept("option " + next.Name + " / " + current[slot.old])
			}
		}
	}
	switch {
	case next.Type.HasOptions() && len(options) == 0:
		p.problems.add(entry.path+".options", "is required: a %s chooses among options", next.Type)
	case !next.Type.HasOptions() && len(entry.options) > 0:
		p.problems.add(entry.path+".options", "has no meaning for the type %s", next.Type)
	}
	if !slices.Equal(options, current) {
		*d = append(*d, "options "+listed(current)+" → "+listed(options))
		next.Options = options
	}
}

// spoken is the label of a field that has none: "tamanho_empresa" is "Tamanho empresa".
func spoken(name string) string {
	words := strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' }), " ")
	first, size := utf8.DecodeRuneInString(words)
	return string(unicode.ToUpper(first)) + words[size:]
}

func listed(options []string) string {
	if len(options) == 0 {
		return "none"
	}
	return strings.Join(options, ", ")
}
