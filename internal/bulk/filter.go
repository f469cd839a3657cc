package bulk

import (
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
		values[name+"[]"], values[name] = asParameter(raw)
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
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("query") == name {
			return true
		}
	}
	return false
}

// asParameter writes a JSON value as a query has it: a list, or one value.
func asParameter(raw json.RawMessage) (list, one []string) {
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil { // the body has been read before
		return nil, nil
	}
	switch v := value.(type) {
	case nil:
		return nil, nil
	case []any:
		for _, item := range v {
			list = append(list, fmt.Sprint(item))
		}
		return list, nil
	default:
		return nil, []string{fmt.Sprint(v)}
	}
}
