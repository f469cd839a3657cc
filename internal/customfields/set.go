package customfields

import (
	"cmp"
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"

	"syncro/internal/faults"
)

// none is how a lead without values is stored, and shown.
const none = "{}"

// Set is the fields of one account, ready for reading and writing the values of
// its leads. It does not change once made; it may be shared.
type Set struct {
	fields []Field
	byName map[string]int // active fields, as places in fields
	byID   []shown        // ascending
}

// shown is how a field appears in a lead: the member's name with its colon, or
// nothing when the field is not active.
type shown struct {
	id     int64
	member string
}

// NewSet makes a set of an account's fields, ordered by their sort order and
// their ids.
func NewSet(fields []Field) *Set {
	s := &Set{fields: slices.Clone(fields), byName: make(map[string]int, len(fields)), byID: make([]shown, 0, len(fields))}
	slices.SortFunc(s.fields, func(a, b Field) int {
		return cmp.Or(cmp.Compare(a.SortOrder, b.SortOrder), cmp.Compare(a.ID, b.ID))
	})
	for i := range s.fields {
		field := &s.fields[i]
		if field.Options == nil {
			field.Options = []string{} // options are never null
		}
		one := shown{id: field.ID}
		if field.Active {
			s.byName[field.Name] = i
			one.member = string(append(appendString(nil, field.Name), ':'))
		}
		s.byID = append(s.byID, one)
	}
	slices.SortFunc(s.byID, func(a, b shown) int { return cmp.Compare(a.id, b.id) })
	return s
}

// Fields lists the set's fields, inactive ones too, in order. The caller does not
// change them.
func (s *Set) Fields() []Field { return s.fields }

// ByName finds an active field.
func (s *Set) ByName(name string) (Field, bool) {
	i, ok := s.byName[name]
	if !ok {
		return Field{}, false
	}
	return s.fields[i], true
}

// Merge puts the values a client sent, by the names of their fields, into a
// lead's stored ones: empty ones clear, fields that were not sent keep what they
// have, unknown and inactive names are ignored, of a name sent twice the last
// counts. Problems go under "custom_fields.<name>", in the order of the set; what
// has one stays as it was.
func (s *Set) Merge(stored string, sent iter.Seq2[string, json.RawMessage], problems *faults.Bag) string {
	raws := make(map[int]json.RawMessage)
	for name, raw := range sent {
		if i, ok := s.byName[name]; ok {
			raws[i] = raw
		}
	}
	values := members(stored)
	for i, field := range s.fields {
		raw, ok := raws[i]
		if !ok {
			continue
		}
		value, cleared, problem := field.Convert(raw)
		if problem != "" {
			problems.Add("custom_fields."+field.Name, problem)
			continue
		}
		at, found := slices.BinarySearchFunc(values, field.ID, func(m member, id int64) int { return cmp.Compare(m.id, id) })
		switch {
		case found && cleared:
			values = slices.Delete(values, at, at+1)
		case found:
			values[at].value = string(value)
		case !cleared:
			values = slices.Insert(values, at, member{field.ID, string(value)})
		}
	}
	return write(values)
}

// Revalue converts the value of one field in a lead's stored ones. With a problem
// they are returned as they were.
func Revalue(stored string, fieldID int64, convert func(json.RawMessage) (value json.RawMessage, cleared bool, problem string)) (values, problem string) {
	all := members(stored)
	at := slices.IndexFunc(all, func(m member) bool { return m.id == fieldID })
	if at < 0 {
		return stored, ""
	}
	value, cleared, problem := convert(json.RawMessage(all[at].value))
	switch {
	case problem != "":
		return stored, problem
	case cleared:
		all = slices.Delete(all, at, at+1)
	default:
		all[at].value = string(value)
	}
	return write(all), ""
}

// AppendJSON appends a lead's stored values as the API shows them: an object
// keyed by the names of the active fields, in ascending order of their ids.
func (s *Set) AppendJSON(dst []byte, stored string) []byte {
	if len(stored) <= len(none) {
		return append(dst, none...)
	}
	dst = append(dst, '{')
	start, at := len(dst), 0
	for rest := stored[1:]; ; {
		one, after, ok := next(rest)
		if !ok {
			return append(dst, '}')
		}
		rest = after
		// Both lists ascend, so the search goes on where it stopped.
		for at < len(s.byID) && s.byID[at].id < one.id {
			at++
		}
		if at == len(s.byID) || s.byID[at].id != one.id || s.byID[at].member == "" {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(dst, s.byID[at].member...), one.value...)
	}
}

// member is one value of a stored object.
type member struct {
	id    int64
	value string
}

func members(stored string) []member {
	var all []member
	if stored == "" {
		return nil
	}
	for rest := stored[1:]; ; {
		one, after, ok := next(rest)
		if !ok {
			return all
		}
		all, rest = append(all, one), after
	}
}

func write(values []member) string {
	if len(values) == 0 {
		return none
	}
	var dst []byte
	for _, one := range values {
		dst = append(dst, ',', '"')
		dst = strconv.AppendInt(dst, one.id, 10)
		dst = append(dst, '"', ':')
		dst = append(dst, one.value...)
	}
	dst[0] = '{'
	return string(append(dst, '}'))
}

// next takes the first member off the rest of a stored object, which begins
// behind its brace or behind a value. It is false at the end. The object is one
// that write made, so it has no blanks and its keys are numbers.
func next(rest string) (one member, after string, ok bool) {
	rest = strings.TrimPrefix(rest, ",")
	if len(rest) == 0 || rest[0] != '"' {
		return member{}, "", false
	}
	i := 1
	for ; i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i++ {
		one.id = one.id*10 + int64(rest[i]-'0')
	}
	if !strings.HasPrefix(rest[i:], `":`) {
		return member{}, "", false
	}
	rest = rest[i+2:]
	end := valueEnd(rest)
	one.value = rest[:end]
	return one, rest[end:], end > 0
}

// valueEnd is the length of the JSON value that s begins with, 0 when it has no end.
func valueEnd(s string) int {
	if s == "" {
		return 0
	}
	switch s[0] {
	case '"':
		return stringEnd(s)
	case '[', '{':
		depth := 0
		for i := 0; i < len(s); i++ {
			switch s[i] {
			case '[', '{':
				depth++
			case ']', '}':
				if depth--; depth == 0 {
					return i + 1
				}
			case '"':
				n := stringEnd(s[i:])
				if n == 0 {
					return 0
				}
				i += n - 1
			}
		}
		return 0
	}
	return max(0, strings.IndexAny(s, ",}"))
}

// stringEnd is the length of the JSON string that s begins with, 0 when it has no
// end: a quote ends it unless an odd number of backslashes stands before it.
func stringEnd(s string) int {
	for i := 1; ; i++ {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			return 0
		}
		i += n
		slashes := i
		for s[slashes-1] == '\\' {
			slashes--
		}
		if (i-slashes)%2 == 0 {
			return i + 1
		}
	}
}
