package bulk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"syncro/internal/authz"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
)

// readFilter reads a filter, an object whose members are the parameters of the list
// of leads. Unlike there, an unknown one is a problem: it could be a misspelt one,
// without which the filter selects too much.
func readFilter(actor authz.Actor, sent input.Object, problems *faults.Bag) leads.Criteria {
	values := url.Values{}
	for name, raw := range sent.Members() {
		if !isFilter(name) {
			problems.Add("filter."+name, "The filter."+faults.Spoken(name)+" field is unknown.")
			continue
		}
		key, list := asParameter(name, raw)
		values[key] = list
	}
	criteria, found, err := input.Query[leads.Criteria](values)
	if err != nil {
		problems.Add("filter", "The filter field must hold text.")
	}
	criteria.Check(actor, &found)
	for _, p := range found.Problems() {
		field, _, _ := strings.Cut(p.Field, ".")
		problems.Add("filter."+p.Field, strings.Replace(p.Message, faults.Spoken(field), "filter."+faults.Spoken(field), 1))
	}
	return criteria
}

// isFilter tells whether a list of leads knows the parameter.
func isFilter(name string) bool {
	t := reflect.TypeFor[leads.Criteria]()
	for field := range t.Fields() {
		if field.Tag.Get("query") == name {
			return true
		}
	}
	return false
}

// asParameter writes a JSON value as a query has it: the key and its values. What is
// neither a list nor one value becomes a text that no filter takes for a value.
func asParameter(name string, raw json.RawMessage) (key string, values []string) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	_ = decoder.Decode(&value) // the body has been read before
	switch v := value.(type) {
	case nil:
		return name, nil
	case []any:
		for _, item := range v {
			values = append(values, fmt.Sprint(item))
		}
		return name + "[]", values
	default:
		return name, []string{fmt.Sprint(v)}
	}
}
