package input

import (
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"syncro/internal/calendar"
	"syncro/internal/money"
)

// Schema describes the field's type for the OpenAPI document; huma adds what the
// tags say. It is nullable until [Form.Schema] has seen whether it may be.
func (Field[T]) Schema(r huma.Registry) *huma.Schema {
	nullable := func(s huma.Schema) *huma.Schema {
		s.Nullable = true
		return &s
	}
	var value T
	switch any(value).(type) {
	case string:
		return nullable(huma.Schema{Type: huma.TypeString})
	case bool:
		return nullable(huma.Schema{Type: huma.TypeBoolean})
	case int64:
		return nullable(huma.Schema{Type: huma.TypeInteger, Format: "int64"})
	case money.Cents:
		return nullable(huma.Schema{Type: huma.TypeNumber})
	case calendar.Date:
		return nullable(huma.Schema{Type: huma.TypeString, Format: "date"})
	case calendar.Clock:
		return nullable(huma.Schema{Type: huma.TypeString, Pattern: `^\d{2}:\d{2}$`})
	case []string:
		return nullable(huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}})
	case []int64:
		return nullable(huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeInteger, Format: "int64"}})
	case Object:
		return nullable(huma.Schema{Type: huma.TypeObject, AdditionalProperties: true})
	case json.RawMessage:
		return &huma.Schema{}
	}
	if t := reflect.TypeFor[T](); t.Kind() == reflect.Slice {
		return nullable(huma.Schema{Type: huma.TypeArray, Items: r.Schema(t.Elem(), true, "")})
	}
	return r.Schema(reflect.TypeFor[T](), true, "")
}

// Schema registers the struct of the form's fields and describes it: unknown
// members may be there, and null may stand only for what may be missing or cleared.
func (Form[T]) Schema(r huma.Registry) *huma.Schema {
	ref := r.Schema(reflect.TypeFor[T](), true, "")
	describe(r, ref, reflect.TypeFor[T](), map[reflect.Type]bool{})
	return ref
}

// describe adds to a registered schema what huma could not know.
func describe(r huma.Registry, ref *huma.Schema, t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	s := r.SchemaFromRef(ref.Ref)
	s.AdditionalProperties = true
	s.Required = nil
	p := bodyPlan(t)
	for i := range p.rules {
		rule := &p.rules[i]
		property := s.Properties[rule.name]
		if property == nil { // huma passes over embedded structs whose name is not exported
			property = huma.SchemaFromField(r, rule.field, "")
			s.Properties[rule.name] = property
		}
		rule.refine(property)
		if rule.required {
			s.Required = append(s.Required, rule.name)
		}
		switch nested := reflect.New(rule.field.Type).Interface().(receiver).kind(); {
		case property.Ref != "":
			describe(r, property, nested, seen)
		case property.Items != nil && property.Items.Ref != "":
			describe(r, property.Items, nested.Elem(), seen)
		}
	}
	s.PrecomputeMessages()
}

func (r *rule) refine(s *huma.Schema) {
	if r.required || r.neverNull {
		s.Nullable = false
		if r.array && s.MinItems == nil {
			one := 1
			s.MinItems = &one
		}
	}
	if r.itemMaxLength >= 0 && s.Items != nil {
		s.Items.MaxLength = &r.itemMaxLength
	}
}

// Parameters describes the query that [Query] reads into a T.
func Parameters[T any](r huma.Registry) []*huma.Param {
	var params []*huma.Param
	p := queryPlan(reflect.TypeFor[T]())
	for i := range p.rules {
		rule := &p.rules[i]
		s := huma.SchemaFromField(r, rule.field, "")
		rule.refine(s)
		s.Nullable = false // an empty parameter is an absent one
		s.PrecomputeMessages()
		param := &huma.Param{Name: rule.name, In: "query", Description: s.Description, Required: rule.required, Schema: s}
		if s.Examples != nil {
			param.Example = s.Examples[0]
		}
		params = append(params, param)
	}
	return params
}
