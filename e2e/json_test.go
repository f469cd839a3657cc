package e2e

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"syncro/internal/api/apitest"
)

// at digs in a value of JSON: at("lead", "tags", 0); nil for what is not there.
func (a answer) at(path ...any) any { return dig(a.body, path...) }

func dig(v any, path ...any) any { return apitest.Dig(v, path...) }

// items are those of a list, none where there is no list.
func items(list any) []any {
	all, _ := list.([]any)
	return all
}

// each takes one member of all objects of a list.
func each(list any, member string) []any {
	values := make([]any, len(items(list)))
	for i, item := range items(list) {
		values[i] = dig(item, member)
	}
	return values
}

// parsed is a text as a value of JSON.
func parsed(t testing.TB, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// same demands that a value is that of a text of JSON, exactly.
func same(t testing.TB, what string, got any, want string) {
	t.Helper()
	if !reflect.DeepEqual(got, parsed(t, want)) {
		text, _ := json.Marshal(got)
		t.Errorf("%s: %s\nwant %s", what, text, want)
	}
}

// is demands that an answer has a status and, exactly, a body.
func (a answer) is(t testing.TB, what string, status int, want string) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: %d %s, want %d", what, a.status, a.text, status)
		return
	}
	same(t, what, a.body, want)
}

// holds reports where a value lacks what a sample of it has: members of objects
// with their values, and the items of lists one by one. Members that the sample
// does not have are left alone.
func holds(t testing.TB, path string, got, sample any) {
	t.Helper()
	switch sample := sample.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s is %v, want an object", path, got)
			return
		}
		for name, member := range sample {
			v, ok := object[name]
			if !ok {
				t.Errorf("%s has no %s", path, name)
				continue
			}
			holds(t, path+"."+name, v, member)
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) < len(sample) {
			t.Errorf("%s is %v, want %v", path, got, sample)
			return
		}
		for i, item := range sample {
			holds(t, fmt.Sprintf("%s.%d", path, i), list[i], item)
		}
	default:
		if !reflect.DeepEqual(got, sample) {
			t.Errorf("%s is %v, want %v", path, got, sample)
		}
	}
}

// keys demands that an object has these members and no others.
func keys(t testing.TB, what string, got any, want ...string) {
	t.Helper()
	object, ok := got.(map[string]any)
	if !ok {
		t.Errorf("%s is %v, want an object", what, got)
		return
	}
	for _, name := range want {
		if _, there := object[name]; !there {
			t.Errorf("%s has no %s", what, name)
		}
	}
	for name := range object {
		if !slices.Contains(want, name) {
			t.Errorf("%s has the member %s", what, name)
		}
	}
}

// base are the members of every lead: the base object of the reference, with
// status and updated_at (companion-api.md section 1).
var base = []string{
	"id", "name", "phone", "email", "company", "birthday", "value", "source", "tags", "pipeline_id", "stage_id", "notes",
	"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "stage", "pipeline", "created_at", "custom_fields", "status", "updated_at",
}

// wholeLead demands the base object of a lead, with more members.
func wholeLead(t testing.TB, what string, lead any, more ...string) {
	t.Helper()
	keys(t, what, lead, append(slices.Clone(base), more...)...)
	keys(t, what+" stage", dig(lead, "stage"), "id", "name")
	keys(t, what+" pipeline", dig(lead, "pipeline"), "id", "name")
}

func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// text is a value as JSON.
func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func countOf(list []any, what string) (n int) {
	for _, v := range list {
		if v == what {
			n++
		}
	}
	return n
}
