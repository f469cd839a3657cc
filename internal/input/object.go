package input

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
)

// Object is a JSON object whose members a struct cannot name, such as a lead's
// custom fields. Of members with one name the last is kept, in the first one's
// place. The values are parts of the body they were read from.
type Object struct{ members []member }

type member struct {
	name  string
	value json.RawMessage
}

// ObjectOf is an object of texts, for callers inside the program; its members are in
// the order of their names.
func ObjectOf(texts map[string]string) Object {
	var o Object
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		raw, _ := json.Marshal(texts[name]) // a text always can be written
		o.members = append(o.members, member{name, raw})
	}
	return o
}

// Members yields the members in the order in which they were sent.
func (o Object) Members() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for _, m := range o.members {
			if !yield(m.name, m.value) {
				return
			}
		}
	}
}

// Len is the number of members.
func (o Object) Len() int { return len(o.members) }

// Get is the value of a member, and whether there is one.
func (o Object) Get(name string) (json.RawMessage, bool) {
	i := slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
	if i < 0 {
		return nil, false
	}
	return o.members[i].value, true
}

// asObject reads an object, or the empty array as which PHP writes an empty one.
func (in incoming) asObject() (Object, bool) {
	var o Object
	if in.shape == array {
		for range elements(in.raw) {
			return Object{}, false
		}
		return o, len(in.items) == 0
	}
	if in.shape != object {
		return Object{}, false
	}
	const fewNames = 16 // up to here looking through them beats a map
	var places map[string]int
	for key, value := range members(in.raw) {
		name := unquoted(key)
		var at int
		var doubled bool
		if places == nil {
			at = slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
			doubled = at >= 0
		} else {
			at, doubled = places[name]
		}
		if doubled {
			o.members[at].value = value
			continue
		}
		o.members = append(o.members, member{name, value})
		switch n := len(o.members); {
		case places != nil:
			places[name] = n - 1
		case n == fewNames:
			places = make(map[string]int, 2*fewNames)
			for i, m := range o.members {
				places[m.name] = i
			}
		}
	}
	return o, true
}

// NotEmpty leaves out the members that are null, an empty text or an empty array:
// where only what is not empty counts, they were not sent.
func NotEmpty(members iter.Seq2[string, json.RawMessage]) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for name, value := range members {
			in := received(value)
			if in.shape == null || in.shape == blank || (in.shape == array && !hasElements(in.raw)) {
				continue
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

func hasElements(raw []byte) bool {
	for range elements(raw) {
		return true
	}
	return false
}
