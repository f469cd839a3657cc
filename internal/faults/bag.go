package faults

import (
	"fmt"
	"slices"
	"strings"
)

// Bag collects what is wrong with the fields of one request, in the order in
// which they are reported. The zero value is empty and ready.
type Bag struct {
	problems []Problem
}

// Problem is one field, or one member of it ("tags.0", "custom_fields.setor"),
// and what is wrong with it.
type Problem struct {
	Field   string
	Message string
}

// Add notes a problem with a field.
func (b *Bag) Add(field, message string) {
	b.problems = append(b.problems, Problem{field, message})
}

// Addf notes a problem with a formatted message.
func (b *Bag) Addf(field, format string, args ...any) {
	b.Add(field, fmt.Sprintf(format, args...))
}

// Selected notes that a field refers to something that is not there, in the
// wording of the reference: "The selected stage id is invalid.".
func (b *Bag) Selected(field string) {
	b.Add(field, "The selected "+Spoken(field)+" is invalid.")
}

// Required notes that a field is missing.
func (b *Bag) Required(field string) {
	b.Add(field, "The "+Spoken(field)+" field is required.")
}

// Spoken is a field's name as messages say it: "stage_id" is "stage id".
func Spoken(field string) string { return strings.ReplaceAll(field, "_", " ") }

// Has tells whether the field, or a member of it, has a problem already.
func (b *Bag) Has(field string) bool {
	return slices.ContainsFunc(b.problems, func(p Problem) bool {
		return p.Field == field || strings.HasPrefix(p.Field, field+".")
	})
}

// Empty tells whether there is no problem.
func (b *Bag) Empty() bool { return len(b.problems) == 0 }

// Problems lists the problems in order.
func (b *Bag) Problems() []Problem { return b.problems }

// SortBy orders the problems as their fields stand in order; members of a field
// stay with it, unknown fields come last, equal ones keep their order.
func (b *Bag) SortBy(order []string) {
	rank := func(field string) int {
		head, _, _ := strings.Cut(field, ".")
		if i := slices.Index(order, head); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(b.problems, func(x, y Problem) int { return rank(x.Field) - rank(y.Field) })
}

// Err is the refusal that reports the bag, or nil when the bag is empty.
//
// The message is the first problem's, followed by the number of the others, as
// companion-api.md section 1 has it.
func (b *Bag) Err() error {
	if b.Empty() {
		return nil
	}
	message := b.problems[0].Message
	switch more := len(b.problems) - 1; {
	case more == 1:
		message += " (and 1 more error)"
	case more > 1:
		message += fmt.Sprintf(" (and %d more errors)", more)
	}
	return &Error{Kind: Invalid, Message: message, Problems: *b}
}

// Clone is a bag with the same problems, to which more can be added apart.
func (b *Bag) Clone() Bag { return Bag{slices.Clone(b.problems)} }
