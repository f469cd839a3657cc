package input

import (
	"bytes"
	"encoding/json"
	"reflect"

	"syncro/internal/calendar"
	"syncro/internal/faults"
	"syncro/internal/money"
)

// shape is what sort of thing a client sent.
type shape uint8

const (
	null    shape = iota
	blank         // a JSON string of nothing but white space; a null, except inside arrays
	text          // any other JSON string, or a query parameter
	number        // a JSON number
	boolean       // true or false
	array         // a JSON array, or a query parameter with brackets
	object        // a JSON object
)

// incoming is one value as a client sent it.
type incoming struct {
	shape shape
	text  string          // of a text, trimmed, or a number or a boolean, verbatim
	raw   json.RawMessage // of anything in a body
	items []string        // of an array in a query, trimmed and without empty ones
}

// received is one value out of a body that is known to be valid JSON.
func received(raw []byte) incoming {
	switch raw[0] {
	case '"':
		if content := clean(unquoted(raw)); content != "" {
			return incoming{shape: text, text: content, raw: raw}
		}
		return incoming{shape: blank, raw: raw}
	case '{':
		return incoming{shape: object, raw: raw}
	case '[':
		return incoming{shape: array, raw: raw}
	case 'n':
		return incoming{shape: null, raw: raw}
	case 't', 'f':
		return incoming{shape: boolean, text: string(raw), raw: raw}
	}
	return incoming{shape: number, text: string(raw), raw: raw}
}

// Read converts one value of a valid JSON document, such as a member of an
// [Object], by the rules that hold for fields. It is false where the value is
// none of type T; null and "" are nulls of every type, and nothing was not sent.
func Read[T any](raw json.RawMessage) (Field[T], bool) {
	var field Field[T]
	var problems faults.Bag
	if raw = bytes.Trim(raw, jsonSpace); len(raw) > 0 {
		free := rule{maxLength: -1, itemMaxLength: -1, minItems: -1, maxItems: -1}
		field.receive(received(raw), &free, "", &problems)
	}
	return field, problems.Empty()
}

func (f *Field[T]) kind() reflect.Type { return reflect.TypeFor[T]() }

func (f *Field[T]) missing(r *rule, path string, problems *faults.Bag) {
	if r.required {
		problems.Required(path)
	}
}

func (f *Field[T]) receive(in incoming, r *rule, path string, problems *faults.Bag) {
	empty := in.shape == null || in.shape == blank
	switch {
	case empty && (r.required || r.neverNull):
		problems.Required(path)
	case empty:
		f.Sent, f.Null = true, true
	case convert(&f.Value, in, r, path, problems):
		f.Sent = true
	default:
		var none T
		f.Value = none
	}
}

func isArray(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t != reflect.TypeFor[json.RawMessage]()
}

// decodable tells whether convert knows the type.
func decodable(t reflect.Type) bool {
	switch reflect.New(t).Interface().(type) {
	case *string, *bool, *int64, *money.Cents, *calendar.Date, *calendar.Clock, *[]string, *[]int64, *Object, *json.RawMessage:
		return true
	}
	return t.Kind() == reflect.Struct || (t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct)
}
