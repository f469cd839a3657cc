package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strconv"
	"unicode/utf8"

	"syncro/internal/faults"
)

// Decode reads a body. An empty one is an empty object. What the fields hold of
// type [Object] or json.RawMessage are parts of body, which therefore must not
// be changed as long as they are used.
func Decode[T any](body []byte) Form[T] {
	var form Form[T]
	raw, err := readable(body)
	if err != nil {
		form.malformed = err
		return form
	}
	bodyPlan(reflect.TypeFor[T]()).decode(reflect.ValueOf(&form.Fields).Elem(), raw, "", &form.Problems)
	return form
}

// decode reads an object into a struct of the plan's type, naming its members
// with prefix before them.
func (p *plan) decode(fields reflect.Value, raw []byte, prefix string, problems *faults.Bag) {
	var few [32]json.RawMessage
	sent := few[:]
	if len(p.rules) > len(few) {
		sent = make([]json.RawMessage, len(p.rules))
	}
	for key, value := range members(raw) {
		if i, known := p.find(key); known {
			sent[i] = value
		}
	}
	for i := range p.rules {
		r := &p.rules[i]
		path := r.name
		if prefix != "" {
			path = prefix + path
		}
		if sent[i] == nil {
			r.target(fields).missing(r, path, problems)
		} else {
			r.target(fields).receive(received(sent[i]), r, path, problems)
		}
	}
}

// find is the number of the rule for a key in its quotes.
func (p *plan) find(key []byte) (int, bool) {
	if bytes.IndexByte(key, '\\') >= 0 {
		i, known := p.byName[unquoted(key)]
		return i, known
	}
	i, known := p.byName[string(key[1:len(key)-1])]
	return i, known
}

// elements yields what an array holds.
func (in incoming) elements() iter.Seq[incoming] {
	return func(yield func(incoming) bool) {
		for _, item := range in.items {
			if !yield(incoming{shape: text, text: item}) {
				return
			}
		}
		for raw := range elements(in.raw) {
			if !yield(received(raw)) {
				return
			}
		}
	}
}

const jsonSpace = " \n\r\t"

// readable is the JSON object that a body holds, or the refusal that says what
// is wrong with it and where.
func readable(body []byte) ([]byte, error) {
	raw := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), jsonSpace)
	skipped := len(body) - len(raw)
	raw = bytes.TrimRight(raw, jsonSpace)
	if len(raw) == 0 {
		return []byte("{}"), nil
	}
	if i := invalidUTF8(raw); i >= 0 {
		return nil, malformed(body, skipped+i, "The request body is not valid UTF-8")
	}
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		return nil, malformed(body, skipped+i, "The request body holds a NUL character")
	}
	if !json.Valid(raw) {
		return nil, notJSON(body, raw, skipped)
	}
	if raw[0] != '{' {
		return nil, faults.New(faults.Malformed, "The request body must be a JSON object.")
	}
	if i, what := unusableEscape(raw); i >= 0 {
		return nil, malformed(body, skipped+i, "The request body holds "+what)
	}
	return raw, nil
}

func notJSON(body, raw []byte, skipped int) error {
	var syntax *json.SyntaxError
	err := json.Unmarshal(raw, new(json.RawMessage))
	if !errors.As(err, &syntax) {
		return faults.New(faults.Malformed, "The request body is not valid JSON.").Because(err)
	}
	at := int(syntax.Offset)
	if syntax.Error() != "unexpected end of JSON input" {
		at-- // the offset counts the byte that is wrong
	}
	return malformed(body, skipped+max(at, 0), "The request body is not valid JSON: "+syntax.Error())
}

// malformed is a refusal that says where in the body its cause is, counting
// lines and, in them, characters from 1.
func malformed(body []byte, at int, what string) error {
	before := body[:at]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(bytes.TrimPrefix(before[bytes.LastIndexByte(before, '\n')+1:], []byte("\ufeff")))
	return faults.New(faults.Malformed, fmt.Sprintf("%s at line %d, column %d (byte %d).", what, line, column, at))
}

func invalidUTF8(raw []byte) int {
	if utf8.Valid(raw) {
		return -1
	}
	for i := 0; i < len(raw); {
		c, size := utf8.DecodeRune(raw[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// unusableEscape finds an escape in valid JSON that stands for no character a
// text could hold: NUL, or half of a surrogate pair, which has no UTF-8.
func unusableEscape(raw []byte) (at int, what string) {
	for i := 0; ; {
		next := bytes.IndexByte(raw[i:], '\\')
		if next < 0 {
			return -1, ""
		}
		i += next
		if raw[i+1] != 'u' {
			i += 2
			continue
		}
		switch unit := codeUnit(raw[i:]); {
		case unit == 0:
			return i, "a NUL character"
		case unit >= 0xd800 && unit < 0xdc00 && bytes.HasPrefix(raw[i+6:], []byte(`\u`)) && codeUnit(raw[i+6:])&^0x3ff == 0xdc00:
			i += 12
		case unit&^0x7ff == 0xd800:
			return i, "half of a surrogate pair"
		default:
			i += 6
		}
	}
}

// codeUnit is the number in the escape at the start of raw.
func codeUnit(raw []byte) uint64 {
	unit, _ := strconv.ParseUint(string(raw[2:6]), 16, 32) // valid JSON has four hexadecimal digits there
	return unit
}
