package input

import (
	"reflect"

	"syncro/internal/faults"
)

// Field is one member that a client may send.
type Field[T any] struct {
	Value T
	Sent  bool
	Null  bool // sent as null or as "", which mean the same
}

// Of is a field that was sent with this value, for callers inside the program.
func Of[T any](value T) Field[T] { return Field[T]{Value: value, Sent: true} }

// Given tells whether a value was sent.
func (f Field[T]) Given() bool { return f.Sent && !f.Null }

// Cleared tells whether null or "" was sent.
func (f Field[T]) Cleared() bool { return f.Sent && f.Null }

// Ptr points to the value, or is nil when none was sent.
func (f Field[T]) Ptr() *T {
	if !f.Given() {
		return nil
	}
	return &f.Value
}

// Form is a body, decoded as far as it could be, with the problems found so far.
//
// A service is handed the form, not only its fields, because of the order of
// checks (companion-api.md section 1): it looks up the record and the plan's
// limit first, adds what its look-ups find wrong to Problems, and then asks Err.
type Form[T any] struct {
	Fields    T
	Problems  faults.Bag
	malformed error
}

// Unreadable is the form of a body that could not be read, whose Err is err.
func Unreadable[T any](err error) Form[T] { return Form[T]{malformed: err} }

// Malformed is the refusal of a body that could not be read at all, or nil.
func (f *Form[T]) Malformed() error { return f.malformed }

// Err is the refusal of the form, or nil when nothing is wrong with it. Problems
// come in the order of the struct's fields, whenever they were found.
func (f *Form[T]) Err() error {
	if f.malformed != nil {
		return f.malformed
	}
	if f.Problems.Empty() {
		return nil
	}
	f.Problems.SortBy(bodyPlan(reflect.TypeFor[T]()).names)
	return f.Problems.Err()
}
