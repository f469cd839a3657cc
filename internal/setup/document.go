package setup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is what is wrong with one member of a file.
type Problem struct {
	Path    string // "pipelines[0].stages[2].color"; empty for the file as a whole
	Message string
}

// Problems are all that is wrong with a file, in its order.
type Problems []Problem

// Error lists the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = "the file " + problem.Message
		if problem.Path != "" {
			lines[i] = problem.Path + ": " + problem.Message
		}
	}
	return strings.Join(lines, "\n")
}

// err is the problems as an error, nil when there are none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p *Problems) add(path, format string, args ...any) {
	*p = append(*p, Problem{path, fmt.Sprintf(format, args...)})
}

// object is a JSON object with its members in their order.
type object []member

type member struct {
	name  string
	value any // an object, []any, string, json.Number, bool or nil
}

// read reads a JSON text whole. It is stricter than encoding/json, which is silent
// about a member that stands twice.
func read(text []byte, problems *Problems) any {
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // what some editors begin a file with
	if !utf8.Valid(text) {
		problems.add("", "is not UTF-8 text")
		return nil
	}
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		var syntax *json.SyntaxError
		if !errors.As(err, &syntax) {
			problems.add("", "is not JSON: %v", err)
			return nil
		}
		before := text[:min(max(syntax.Offset-1, 0), int64(len(text)))]
		line := bytes.Count(before, []byte("\n")) + 1
		column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
		problems.add("", "is not JSON: line %d, column %d: %v", line, column, err)
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := readValue(decoder, "", problems)
	if err != nil {
		problems.add("", "is not JSON: %v", err)
	}
	return value
}

func readValue(decoder *json.Decoder, path string, problems *Problems) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			item, err := readValue(decoder, path+"["+strconv.Itoa(len(list))+"]", problems)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = decoder.Token()
		return list, err
	case json.Delim('{'):
		members := object{}
		for decoder.More() {
			key, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			name, _ := key.(string)
			if _, doubled := members.get(name); doubled {
				problems.add(join(path, name), "stands twice")
			}
			value, err := readValue(decoder, join(path, name), problems)
			if err != nil {
				return nil, err
			}
			members = append(members, member{name, value})
		}
		_, err = decoder.Token()
		return members, err
	}
	return token, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (o object) get(name string) (any, bool) {
	for _, m := range o {
		if m.name == name {
			return m.value, true
		}
	}
	return nil, false
}

// entry is an object of the file under examination. Its methods return nil for a
// member that is not there and for one that is wrong, which is then a problem.
type entry struct {
	path     string
	members  object
	problems *Problems
}

// examine looks at a value that must be an object with no other members than
// these.
func examine(path string, value any, problems *Problems, known ...string) (entry, bool) {
	members, ok := value.(object)
	if !ok {
		problems.add(path, "must be an object, not %s", kindOf(value))
		return entry{}, false
	}
	e := entry{path, members, problems}
	for _, m := range members {
		if !slices.Contains(known, m.name) {
			problems.add(e.at(m.name), "is unknown; the members here are %s", strings.Join(known, ", "))
		}
	}
	return e, true
}

func (e entry) at(name string) string { return join(e.path, name) }

func (e entry) has(name string) bool {
	_, ok := e.members.get(name)
	return ok
}

// list gives the items of a list; present tells a list without items from none.
func (e entry) list(name string) (items []any, present bool) {
	value, ok := e.members.get(name)
	if !ok {
		return nil, false
	}
	items, ok = value.([]any)
	if !ok {
		e.problems.add(e.at(name), "must be a list, not %s", kindOf(value))
	}
	return items, ok
}

func (e entry) text(name string, longest int) *string {
	value, ok := e.members.get(name)
	if !ok {
		return nil
	}
	return checkText(e.at(name), value, longest, e.problems)
}

// name is a text that must be there.
func (e entry) name(name string, longest int) *string {
	if !e.has(name) {
		e.problems.add(e.at(name), "is required")
	}
	return e.text(name, longest)
}

// checkText trims a text and sees that it can be stored and shown in one line.
func checkText(path string, value any, longest int, problems *Problems) *string {
	text, ok := value.(string)
	if !ok {
		problems.add(path, "must be a text, not %s", kindOf(value))
		return nil
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		problems.add(path, "must not be empty")
	case strings.ContainsFunc(text, unicode.IsControl):
		problems.add(path, "must not hold control characters")
	case utf8.RuneCountInString(text) > longest:
		problems.add(path, "must not be longer than %d characters", longest)
	default:
		return &text
	}
	return nil
}

func (e entry) choice(name string, choices ...string) *string {
	value, ok := e.members.get(name)
	if !ok {
		return nil
	}
	text, isText := value.(string)
	if !isText || !slices.Contains(choices, text) {
		e.problems.add(e.at(name), "must be one of %s, not %s", strings.Join(choices, ", "), quote(value))
		return nil
	}
	return &text
}

func (e entry) boolean(name string) *bool {
	value, ok := e.members.get(name)
	if !ok {
		return nil
	}
	b, ok := value.(bool)
	if !ok {
		e.problems.add(e.at(name), "must be true or false, not %s", quote(value))
		return nil
	}
	return &b
}

func (e entry) number(name string, least, most int) *int {
	value, ok := e.members.get(name)
	if !ok {
		return nil
	}
	digits, _ := value.(json.Number)
	n, err := strconv.Atoi(digits.String())
	if err != nil || n < least || n > most {
		e.problems.add(e.at(name), "must be a whole number from %d to %d, not %s", least, most, quote(value))
		return nil
	}
	return &n
}

func kindOf(value any) string {
	switch value.(type) {
	case object:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	}
	return "null"
}

// quote is a value as it stands in the file, or its kind when it has parts.
func quote(value any) string {
	switch v := value.(type) {
	case string:
		return strconv.Quote(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return kindOf(value)
}
