package input

import (
	"cmp"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"syncro/internal/calendar"
	"syncro/internal/faults"
)

// Query reads the parameters of a query. An empty one is absent, of a doubled
// one the last counts, and unknown ones are ignored. The error is a refusal of a
// query whose text cannot be text.
//
// Arrays come as tags[]=a&tags[]=b, as tags[0]=a, as tags=a&tags=b or as
// tags=a,b; only without brackets do commas separate.
func Query[T any](values url.Values) (T, faults.Bag, error) {
	var fields T
	var problems faults.Bag
	p := queryPlan(reflect.TypeFor[T]())
	sent := p.collect(values)
	into := reflect.ValueOf(&fields).Elem()
	for i := range p.rules {
		r := &p.rules[i]
		in, err := r.parameter(sent[i])
		switch {
		case err != nil:
			return fields, problems, err
		case in.shape == null:
			r.target(into).missing(r, r.name, &problems)
		default:
			r.target(into).receive(in, r, r.name, &problems)
		}
	}
	return fields, problems, nil
}

// SortQuery puts problems in the order of the parameters of T, for those that were
// found after [Query].
func SortQuery[T any](problems *faults.Bag) { problems.SortBy(queryPlan(reflect.TypeFor[T]()).names) }

// part is one key of a query and its values: tags, tags[] or tags[7].
type part struct {
	place  int // bare ones first, then those without an index, then by index
	key    string
	values []string
}

const (
	bare = iota - 2
	unnumbered
)

// collect finds what was sent for each rule.
func (p *plan) collect(values url.Values) [][]part {
	sent := make([][]part, len(p.rules))
	for key, list := range values {
		name, bracket, bracketed := strings.Cut(key, "[")
		i, known := p.byName[name]
		if !known {
			continue
		}
		place := bare
		if bracketed {
			place = unnumbered
			if n, err := strconv.Atoi(strings.TrimSuffix(bracket, "]")); err == nil && n >= 0 {
				place = n
			}
		}
		sent[i] = append(sent[i], part{place, key, list})
	}
	return sent
}

// parameter makes one value of what was sent for a rule; it is null where that
// is nothing.
func (r *rule) parameter(parts []part) (incoming, error) {
	slices.SortFunc(parts, func(x, y part) int {
		return cmp.Or(cmp.Compare(x.place, y.place), cmp.Compare(x.key, y.key))
	})
	var items []string
	bracketed := false
	for _, p := range parts {
		for _, value := range p.values {
			switch {
			case !utf8.ValidString(value):
				return incoming{}, faults.New(faults.Malformed, fmt.Sprintf("The query parameter %s is not valid UTF-8.", r.name))
			case strings.IndexByte(value, 0) >= 0:
				return incoming{}, faults.New(faults.Malformed, fmt.Sprintf("The query parameter %s holds a NUL character.", r.name))
			}
			if r.array && p.place == bare {
				items = append(items, strings.Split(value, ",")...)
			} else {
				items = append(items, value)
			}
		}
		bracketed = bracketed || p.place != bare
	}
	if !r.array && !bracketed && len(items) > 0 {
		items = items[len(items)-1:]
	}
	for i := range items {
		items[i] = clean(items[i])
	}
	items = slices.DeleteFunc(items, func(item string) bool { return item == "" })
	switch {
	case len(items) == 0:
		return incoming{shape: null}, nil
	case r.array || bracketed: // where no array is asked for, its type is the problem
		return incoming{shape: array, items: items}, nil
	}
	return incoming{shape: text, text: items[0]}, nil
}

// MomentField reads a query's time or day in the account's zone, or reports
// under name that it is none. It is nil where nothing was sent.
func MomentField(f Field[string], loc *time.Location, name string, problems *faults.Bag) *calendar.Moment {
	if !f.Given() {
		return nil
	}
	moment, err := calendar.ParseMoment(f.Value, loc)
	if err != nil {
		must("be a valid date").report(problems, name)
		return nil
	}
	return &moment
}
