package setup

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"syncro/internal/customfields"
	"syncro/internal/pipelines"
)

// The longest texts, in characters, and the greatest numbers.
const (
	maxName    = 100
	maxLabel   = 255
	maxSubject = 255 // a task's (companion-api.md section 5)
	maxOption  = 255
	maxDays    = 3650
)

// File is a setup file that has been found to be right in itself.
type File struct {
	pipelines []pipelineEntry
	reasons   []reasonEntry
	fields    []fieldEntry

	hasPipelines, hasReasons, hasFields bool
}

// In the entries nil means that the file leaves the member out, and so does a
// false has… of a list.

type pipelineEntry struct {
	path      string
	name      string
	stages    []stageEntry
	hasStages bool
}

type stageEntry struct {
	path            string
	name            string
	color           *string
	kind            *pipelines.Kind
	kindPath        string // of the member that says the kind
	probability     *int
	rottingDays     *int
	neverRots       bool // the file says null
	requirements    []requirementEntry
	hasRequirements bool
}

type requirementEntry struct {
	path         string
	subject      string
	taskType     *string
	taskPriority *string
	dueInDays    *int
}

type reasonEntry struct {
	path string
	name string
}

type fieldEntry struct {
	path       string
	name       string
	label      *string
	fieldType  *customfields.Type
	options    []string
	hasOptions bool
	required   *bool
	active     *bool
	showOnCard *bool
}

// Parse reads a setup file. Its error is [Problems].
func Parse(text []byte) (*File, error) {
	var problems Problems
	root := read(text, &problems)
	if problems != nil && root == nil {
		return nil, problems
	}
	file := &File{}
	e, ok := examine("", root, &problems, "pipelines", "lost_reasons", "custom_fields")
	if !ok {
		return nil, problems
	}
	var items []any
	items, file.hasPipelines = e.list("pipelines")
	for i, item := range items {
		file.pipelines = append(file.pipelines, readPipeline(index("pipelines", i), item, &problems))
	}
	items, file.hasReasons = e.list("lost_reasons")
	for i, item := range items {
		file.reasons = append(file.reasons, readReason(index("lost_reasons", i), item, &problems))
	}
	items, file.hasFields = e.list("custom_fields")
	for i, item := range items {
		file.fields = append(file.fields, readField(index("custom_fields", i), item, &problems))
	}
	unique(file.pipelines, func(p pipelineEntry) (string, string) { return p.path + ".name", p.name }, &problems)
	unique(file.reasons, func(r reasonEntry) (string, string) { return r.path, r.name }, &problems)
	unique(file.fields, func(f fieldEntry) (string, string) { return f.path + ".name", f.name }, &problems)
	if err := problems.err(); err != nil {
		return nil, err
	}
	return file, nil
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// unique reports what has the name of something before it.
func unique[T any](entries []T, pathAndName func(T) (path, name string), problems *Problems) {
	first := map[string]string{}
	for _, entry := range entries {
		path, name := pathAndName(entry)
		if name == "" {
			continue
		}
		if other, taken := first[key(name)]; taken {
			problems.add(path, "%q stands at %s already", name, other)
			continue
		}
		first[key(name)] = path
	}
}

// key is what names are matched by.
func key(name string) string { return strings.ToLower(name) }

func readPipeline(path string, value any, problems *Problems) pipelineEntry {
	p := pipelineEntry{path: path}
	e, ok := examine(path, value, problems, "name", "stages")
	if !ok {
		return p
	}
	p.name = deref(e.name("name", maxName))
	var items []any
	items, p.hasStages = e.list("stages")
	for i, item := range items {
		p.stages = append(p.stages, readStage(index(e.at("stages"), i), item, problems))
	}
	unique(p.stages, func(s stageEntry) (string, string) { return s.path + ".name", s.name }, problems)
	return p
}

var colorForm = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

func readStage(path string, value any, problems *Problems) stageEntry {
	s := stageEntry{path: path}
	e, ok := examine(path, value, problems,
		"name", "color", "kind", "is_won", "is_lost", "probability", "rotting_days", "requirements")
	if !ok {
		return s
	}
	s.name = deref(e.name("name", maxName))
	if color := e.text("color", maxName); color != nil {
		if !colorForm.MatchString(*color) {
			problems.add(e.at("color"), "must be a colour like #4ECDC4, not %q", *color)
		}
		upper := strings.ToUpper(*color)
		s.color = &upper
	}
	s.kind, s.kindPath = readKind(e)
	s.probability = e.number("probability", 0, 100)
	if days, present := e.members.get("rotting_days"); present && days == nil {
		s.neverRots = true
	} else {
		s.rottingDays = e.number("rotting_days", 1, maxDays)
	}
	var items []any
	items, s.hasRequirements = e.list("requirements")
	for i, item := range items {
		s.requirements = append(s.requirements, readRequirement(index(e.at("requirements"), i), item, problems))
	}
	unique(s.requirements, func(r requirementEntry) (string, string) { return r.path + ".subject", r.subject }, problems)
	return s
}

// readKind reads a stage's kind, which may be said as a word or as GET /pipelines
// says it.
func readKind(e entry) (kind *pipelines.Kind, path string) {
	word := e.choice("kind", string(pipelines.Open), string(pipelines.Won), string(pipelines.Lost))
	won, lost := e.boolean("is_won"), e.boolean("is_lost")
	var flags *pipelines.Kind
	switch isWon, isLost := won != nil && *won, lost != nil && *lost; {
	case isWon && isLost:
		e.problems.add(e.at("is_lost"), "cannot be true when is_won is")
	case isWon:
		flags, path = new(pipelines.Won), e.at("is_won")
	case isLost:
		flags, path = new(pipelines.Lost), e.at("is_lost")
	case won != nil:
		flags, path = new(pipelines.Open), e.at("is_won")
	case lost != nil:
		flags, path = new(pipelines.Open), e.at("is_lost")
	}
	if word == nil {
		return flags, path
	}
	kind = new(pipelines.Kind(*word))
	if flags != nil && *flags != *kind {
		e.problems.add(path, "does not agree with the kind %s", *word)
	}
	return kind, e.at("kind")
}

// What tasks can be (companion-api.md section 5).
var (
	taskTypes      = []string{"call", "email", "task", "visit", "whatsapp", "meeting"}
	taskPriorities = []string{"low", "medium", "high"}
)

var placeholder = regexp.MustCompile(`\{\{[^}]*\}\}`)

// requirementPlaceholders are those that the subject of a requirement can have.
var requirementPlaceholders = []string{"{{lead_name}}", "{{stage_name}}"}

func readRequirement(path string, value any, problems *Problems) requirementEntry {
	r := requirementEntry{path: path}
	e, ok := examine(path, value, problems, "subject", "type", "priority", "due_in_days")
	if !ok {
		return r
	}
	r.subject = deref(e.name("subject", maxSubject))
	for _, used := range placeholder.FindAllString(r.subject, -1) {
		if !slices.Contains(requirementPlaceholders, used) {
			problems.add(e.at("subject"), "%s is unknown; {{lead_name}} and {{stage_name}} can be used", used)
		}
	}
	r.taskType = e.choice("type", taskTypes...)
	r.taskPriority = e.choice("priority", taskPriorities...)
	r.dueInDays = e.number("due_in_days", 0, maxDays)
	return r
}

// readReason reads a reason: its name, or an object with it as in GET /pipelines.
func readReason(path string, value any, problems *Problems) reasonEntry {
	r := reasonEntry{path: path}
	if _, ok := value.(string); ok {
		r.name = deref(checkText(path, value, maxName, problems))
		return r
	}
	if _, ok := value.(object); !ok {
		problems.add(path, "must be a name or an object, not %s", kindOf(value))
		return r
	}
	if e, ok := examine(path, value, problems, "name"); ok {
		r.name = deref(e.name("name", maxName))
	}
	return r
}

// A field's name is the key of its value in every client.
var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

func readField(path string, value any, problems *Problems) fieldEntry {
	f := fieldEntry{path: path}
	e, ok := examine(path, value, problems, "name", "label", "type", "options", "is_required", "is_active", "show_on_card")
	if !ok {
		return f
	}
	f.name = deref(e.name("name", maxName))
	if f.name != "" && !fieldName.MatchString(f.name) {
		problems.add(e.at("name"), "must be of the letters a to z, digits, _ and -, beginning with a letter")
	}
	f.label = e.text("label", maxLabel)
	if word := e.choice("type", typeNames()...); word != nil {
		f.fieldType = new(customfields.Type(*word))
	}
	var items []any
	items, f.hasOptions = e.list("options")
	for i, item := range items {
		path := index(e.at("options"), i)
		option := checkText(path, item, maxOption, problems)
		if option == nil {
			continue
		}
		if slices.ContainsFunc(f.options, func(o string) bool { return key(o) == key(*option) }) {
			problems.add(path, "%q stands twice", *option)
		}
		f.options = append(f.options, *option)
	}
	f.required, f.active, f.showOnCard = e.boolean("is_required"), e.boolean("is_active"), e.boolean("show_on_card")
	return f
}

func typeNames() []string {
	var names []string
	for _, t := range customfields.Types() {
		names = append(names, string(t))
	}
	return names
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
