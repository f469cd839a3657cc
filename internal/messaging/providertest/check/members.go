package main

import (
	"slices"
	"strings"
)

// allowedMembers are the paths of all members that a schema of ours allows
// ("template.language.code"; arrays do not count).
func allowedMembers(schema any) []string {
	own := &description{doc: schema}
	paths := map[string]bool{}
	own.collect(schema, "", paths, nil)
	var sorted []string
	for path := range paths {
		sorted = append(sorted, path)
	}
	slices.Sort(sorted)
	return sorted
}

// describedMembers adds the paths of the members that an operation's body is
// described with, by its schema or by its examples: Meta names the caption and the
// file name of a medium only in these.
func (d *description) describedMembers(o operation, paths map[string]bool) {
	content := object(o.spec, "requestBody", "content", "application/json")
	d.collect(content["schema"], "", paths, nil)
	for _, example := range object(content, "examples") {
		exampleMembers(object(d.follow(example))["value"], "", paths)
	}
}

// collect adds the members of a schema, of whatever it refers to and consists of.
func (d *description) collect(schema any, prefix string, paths map[string]bool, within []string) {
	if reference, ok := object(schema)["$ref"].(string); ok {
		if slices.Contains(within, reference) {
			return // it contains itself
		}
		within = append(slices.Clone(within), reference)
		schema = d.follow(schema)
	}
	for _, group := range []string{"allOf", "oneOf", "anyOf"} {
		for _, part := range list(schema, group) {
			d.collect(part, prefix, paths, within)
		}
	}
	for _, reference := range object(schema, "discriminator", "mapping") {
		d.collect(map[string]any{"$ref": reference}, prefix, paths, within)
	}
	if items := object(schema)["items"]; items != nil {
		d.collect(items, prefix, paths, within)
	}
	for name, member := range object(schema, "properties") {
		path := strings.TrimPrefix(prefix+"."+name, ".")
		paths[path] = true
		d.collect(member, path, paths, within)
	}
}

func exampleMembers(value any, prefix string, paths map[string]bool) {
	switch v := value.(type) {
	case []any:
		for _, member := range v {
			exampleMembers(member, prefix, paths)
		}
	case map[string]any:
		for name, member := range v {
			path := strings.TrimPrefix(prefix+"."+name, ".")
			paths[path] = true
			exampleMembers(member, path, paths)
		}
	}
}
