package input

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"syncro/internal/faults"
	"syncro/internal/money"
)

// plan is a struct of Fields made ready for decoding, once per type.
type plan struct {
	rules  []rule
	names  []string // of the rules, in order
	byName map[string]int
}

// rule is what the tags of one Field demand. Limits are -1 where there are none.
type rule struct {
	name          string
	index         []int // of the Field, for reflect.Value.FieldByIndex
	field         reflect.StructField
	array         bool
	required      bool
	neverNull     bool // may be left out, but not emptied
	maxLength     int
	itemMaxLength int
	minItems      int
	maxItems      int
	enum          []string
	format        string
	minimum       bound
	maximum       bound
}

// bound is a limit of a number: in cents for money, else as it is.
type bound struct {
	set   bool
	text  string // as messages say it
	limit int64
}

// receiver is a Field of any type, seen from the plan.
type receiver interface {
	receive(in incoming, r *rule, path string, problems *faults.Bag)
	missing(r *rule, path string, problems *faults.Bag)
	kind() reflect.Type
}

var bodyPlans, queryPlans sync.Map // reflect.Type → *plan

// bodyPlan and queryPlan panic on a struct that cannot be decoded into. That is a
// mistake in the program, and making the OpenAPI document meets it at the start.
func bodyPlan(t reflect.Type) *plan  { return cached(&bodyPlans, t, "json") }
func queryPlan(t reflect.Type) *plan { return cached(&queryPlans, t, "query") }

func cached(plans *sync.Map, t reflect.Type, tag string) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{byName: map[string]int{}}
	p.add(t, tag, nil)
	for i, r := range p.rules {
		p.names = append(p.names, r.name)
		p.byName[r.name] = i
	}
	plans.Store(t, p)
	return p
}

func (p *plan) add(t reflect.Type, tag string, index []int) {
	for i := range t.NumField() {
		field := t.Field(i)
		at := append(append([]int(nil), index...), i)
		name, _, _ := strings.Cut(field.Tag.Get(tag), ",")
		switch {
		case field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct:
			p.add(field.Type, tag, at)
		case field.IsExported() && name != "" && name != "-":
			p.rules = append(p.rules, newRule(t, field, name, at))
		}
	}
}

func newRule(parent reflect.Type, field reflect.StructField, name string, index []int) rule {
	target, ok := reflect.TypeAssert[receiver](reflect.New(field.Type))
	if !ok {
		panic(fmt.Sprintf("input: %v.%s is a %v and no input.Field", parent, field.Name, field.Type))
	}
	kind := target.kind()
	if !decodable(kind) {
		panic(fmt.Sprintf("input: %v.%s: an input.Field cannot hold a %v", parent, field.Name, kind))
	}
	number := func(tag string) int {
		text, ok := field.Tag.Lookup(tag)
		if !ok {
			return -1
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			panic(fmt.Sprintf("input: %v.%s: %s is %q", parent, field.Name, tag, text))
		}
		return n
	}
	limit := func(tag string) bound {
		text, ok := field.Tag.Lookup(tag)
		if !ok {
			return bound{}
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if kind == reflect.TypeFor[money.Cents]() {
			var cents money.Cents
			cents, err = money.Parse(text)
			n = int64(cents)
		}
		if err != nil {
			panic(fmt.Sprintf("input: %v.%s: %s is %q", parent, field.Name, tag, text))
		}
		return bound{set: true, text: text, limit: n}
	}
	r := rule{
		name:          name,
		index:         index,
		field:         field,
		array:         isArray(kind),
		required:      field.Tag.Get("required") == "true",
		neverNull:     field.Tag.Get("whenSent") == "required",
		maxLength:     number("maxLength"),
		itemMaxLength: number("itemMaxLength"),
		minItems:      number("minItems"),
		maxItems:      number("maxItems"),
		format:        field.Tag.Get("format"),
		minimum:       limit("minimum"),
		maximum:       limit("maximum"),
	}
	if values := field.Tag.Get("enum"); values != "" {
		r.enum = strings.Split(values, ",")
	}
	return r
}

// target is the Field that the rule is about, in a struct of the plan's type.
func (r *rule) target(fields reflect.Value) receiver {
	return fields.FieldByIndex(r.index).Addr().Interface().(receiver)
}
