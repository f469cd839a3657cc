// Package customfields holds the fields that an account adds to its leads: their
// definitions and the conversion of what clients send into typed values
// (companion-api.md section 4).
//
// The words: a field is a definition, with the name clients use and a type. A
// value is what one lead has in it, as JSON. A set is the fields of one account.
//
// A lead keeps its values as one compact JSON object whose keys are the fields'
// ids in ascending order, {"1":"100+","3":25}, and {} when it has none. So a
// field can be renamed without touching a lead, and a field that is switched off
// hides its values without losing them. Stored values are what Convert made, and
// converting one again changes nothing, unless its field was changed since.
package customfields
