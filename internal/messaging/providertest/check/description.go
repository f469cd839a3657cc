package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// description is an OpenAPI document.
type description struct {
	doc      any
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema // by pointer
}

// resource is the name under which the compiler has the document.
const resource = "https://description.invalid/openapi"

func decode(text []byte) (any, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	return value, nil
}

func open(name string) (*description, error) {
	text, err := os.ReadFile(name) //nolint:gosec // the directory is what whoever runs the check says
	if err != nil {
		return nil, err // as it is: the caller asks whether it exists
	}
	if filepath.Ext(name) == ".yaml" {
		var tree any
		if err := yaml.Unmarshal(text, &tree); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		if text, err = json.Marshal(plain(tree)); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	doc, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	loosen(doc, false)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(resource, doc); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return &description{doc, compiler, map[string]*jsonschema.Schema{}}, nil
}

// plain makes of YAML's values those that JSON has.
func plain(value any) any {
	switch v := value.(type) {
	case map[any]any:
		object := map[string]any{}
		for name, member := range v {
			object[fmt.Sprint(name)] = plain(member)
		}
		return object
	case map[string]any:
		for name, member := range v {
			v[name] = plain(member)
		}
	case []any:
		for i, member := range v {
			v[i] = plain(member)
		}
	}
	return value
}

// loosen takes out of a description what nothing could satisfy:
//   - a part of allOf that forbids the members of the other parts (Meta's messages);
//   - an "object" whose default or whose enum are texts (WAHA's events and types);
//
// and says "nullable" as JSON Schema does.
func loosen(value any, partOfAll bool) {
	switch v := value.(type) {
	case []any:
		for _, member := range v {
			loosen(member, false)
		}
	case map[string]any:
		if partOfAll && v["additionalProperties"] == false {
			delete(v, "additionalProperties")
		}
		if v["type"] == "object" {
			_, textDefault := v["default"].(string)
			choices, _ := v["enum"].([]any)
			if textDefault || len(choices) > 0 {
				delete(v, "type")
			}
		}
		if kind, ok := v["type"].(string); ok && v["nullable"] == true {
			v["type"] = []any{kind, "null"}
		}
		for name, member := range v {
			parts, ok := member.([]any)
			if name != "allOf" || !ok {
				loosen(member, false)
				continue
			}
			for _, part := range parts {
				loosen(part, true)
			}
		}
	}
}

// validate says what is wrong with a body by the schema at a pointer.
func (d *description) validate(pointer string, body []byte) []string {
	value, err := decode(body)
	if err != nil {
		return []string{err.Error()}
	}
	return d.validateValue(pointer, value)
}

func (d *description) validateValue(pointer string, value any) []string {
	schema := d.compiled[pointer]
	if schema == nil {
		if !d.has(pointer) {
			return []string{"there is no schema at " + pointer}
		}
		var err error
		if schema, err = d.compiler.Compile(resource + "#" + fragment(pointer)); err != nil {
			return []string{err.Error()}
		}
		d.compiled[pointer] = schema
	}
	if err := schema.Validate(value); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// fragment escapes a pointer for use in a URL.
func fragment(pointer string) string {
	parts := strings.Split(pointer, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

// has tells whether a pointer leads to something.
func (d *description) has(pointer string) bool {
	_, ok := d.at(pointer)
	return ok
}

func (d *description) at(pointer string) (any, bool) {
	value := d.doc
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		switch v := value.(type) {
		case map[string]any:
			member, ok := v[part]
			if !ok {
				return nil, false
			}
			value = member
		case []any:
			i := slices.Index([]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, part)
			if i < 0 || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// operation is a path and method that are described.
type operation struct {
	at   string // pointer
	spec map[string]any
}

// operations are those that a request may be meant for.
func (d *description) operations(method, path string) (found []operation) {
	asked := strings.Split(path, "/")
	for template := range object(d.doc, "paths") {
		parts := strings.Split(template, "/")
		if len(parts) != len(asked) {
			continue
		}
		fits := true
		for i, part := range parts {
			fits = fits && (part == asked[i] || strings.HasPrefix(part, "{") && asked[i] != "")
		}
		method := strings.ToLower(method)
		if spec := object(d.doc, "paths", template, method); fits && spec != nil {
			found = append(found, operation{"/paths/" + strings.ReplaceAll(template, "/", "~1") + "/" + method, spec})
		}
	}
	// A path that is named word for word is meant before one that fits.
	slices.SortFunc(found, func(a, b operation) int {
		if n := strings.Count(a.at, "{") - strings.Count(b.at, "{"); n != 0 {
			return n
		}
		return strings.Compare(a.at, b.at)
	})
	if len(found) > 0 {
		fewest := strings.Count(found[0].at, "{")
		found = slices.DeleteFunc(found, func(o operation) bool { return strings.Count(o.at, "{") > fewest })
	}
	return found
}

// parameters are the names of an operation's parameters in the query, and of those
// that are required.
func (d *description) parameters(o operation) (asked, required []string) {
	for _, p := range list(o.spec, "parameters") {
		p := object(d.follow(p))
		if name, ok := p["name"].(string); ok && p["in"] == "query" {
			if asked = append(asked, name); p["required"] == true {
				required = append(required, name)
			}
		}
	}
	return asked, required
}

// parameterElsewhere tells whether any reading operation has a parameter: Meta
// describes fields, limit and after with some lists only, and has them with all.
func (d *description) parameterElsewhere(name string) bool {
	for _, path := range object(d.doc, "paths") {
		if spec := object(path, "get"); spec != nil {
			if asked, _ := d.parameters(operation{spec: spec}); slices.Contains(asked, name) {
				return true
			}
		}
	}
	return false
}

// follow replaces a reference by what it refers to.
func (d *description) follow(value any) any {
	for {
		reference, ok := object(value)["$ref"].(string)
		if !ok {
			return value
		}
		if value, ok = d.at(strings.TrimPrefix(reference, "#")); !ok {
			return nil
		}
	}
}

// object is the object at a path of members, nil when there is none.
func object(value any, path ...string) map[string]any {
	for _, name := range path {
		members, _ := value.(map[string]any)
		value = members[name]
	}
	members, _ := value.(map[string]any)
	return members
}

// list is the array under a member, nil when there is none.
func list(value any, name string) []any {
	members, _ := object(value)[name].([]any)
	return members
}
