package sequences

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"syncro/internal/calendar"
	"syncro/internal/customfields"
	"syncro/internal/leads"
	"syncro/internal/money"
)

// values are what placeholders and conditions take from elsewhere than the lead.
type values struct {
	stage, pipeline, owner string
	custom                 json.RawMessage // custom fields by name
	fields                 *customfields.Set
}

// placeholder is a name that stands for something of the lead, as {{nome}}. Besides
// those below there are the account's custom fields, as {{custom_fields.setor}}, or
// {{setor}} where that is not one of these.
type placeholder struct {
	value func(l *leads.Lead, v *values) string
	// always tells that every lead has it, so that it needs no fallback.
	always bool
}

var placeholders = map[string]placeholder{
	"nome":          {func(l *leads.Lead, _ *values) string { return l.Name }, true},
	"primeiro_nome": {func(l *leads.Lead, _ *values) string { first, _, _ := strings.Cut(l.Name, " "); return first }, true},
	"etapa":         {func(_ *leads.Lead, v *values) string { return v.stage }, true},
	"funil":         {func(_ *leads.Lead, v *values) string { return v.pipeline }, true},
	"empresa":       {func(l *leads.Lead, _ *values) string { return l.Company }, false},
	"email":         {func(l *leads.Lead, _ *values) string { return l.Email }, false},
	"telefone":      {func(l *leads.Lead, _ *values) string { return l.Phone }, false},
	"origem":        {func(l *leads.Lead, _ *values) string { return l.Source }, false},
	"responsavel":   {func(_ *leads.Lead, v *values) string { return v.owner }, false},
	"valor":         {func(l *leads.Lead, _ *values) string { return reais(l.ValueCents) }, false},
}

// placeholderNames are the names that can be used, in order.
func placeholderNames() []string {
	names := make([]string, 0, len(placeholders))
	for name := range placeholders {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var placeholderForm = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// placeholdersIn are the names that stand in texts, each once.
func placeholdersIn(texts ...string) (names []string) {
	for _, text := range texts {
		for _, found := range placeholderForm.FindAllStringSubmatch(text, -1) {
			if name := canonical(found[1]); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// canonical is the name under which a placeholder is known: whoever writes {{Nome}}
// means {{nome}}, while custom fields are called as they are.
func canonical(name string) string {
	if lower := strings.ToLower(name); placeholders[lower].value != nil {
		return lower
	}
	return name
}

const customPrefix = "custom_fields."

// customField finds the custom field that a placeholder stands for.
func customField(fields *customfields.Set, name string) (customfields.Field, bool) {
	return fields.ByName(strings.TrimPrefix(name, customPrefix))
}

// of gives what stands for a placeholder: "" where the lead has nothing, false for
// one that does not exist, or no longer.
func (v *values) of(l *leads.Lead, name string) (string, bool) {
	if p, known := placeholders[name]; known {
		return strings.TrimSpace(p.value(l, v)), true
	}
	field, known := customField(v.fields, name)
	if !known {
		return "", false
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(v.custom, &all); err != nil {
		return "", true // a lead without values
	}
	return strings.TrimSpace(customText(field.Type, all[field.Name])), true
}

// customText is a custom field's value as Brazilians write it.
func customText(kind customfields.Type, raw json.RawMessage) string {
	var text string
	var number json.Number
	var several []string
	switch {
	case len(raw) == 0:
		return ""
	case kind == customfields.Checkbox && string(raw) == "true":
		return "sim"
	case kind == customfields.Checkbox:
		return "não"
	case json.Unmarshal(raw, &several) == nil:
		return strings.Join(several, ", ")
	case raw[0] != '"' && json.Unmarshal(raw, &number) == nil:
		if cents, err := money.Parse(number.String()); err == nil && kind == customfields.Currency {
			return reais(new(int64(cents)))
		}
		return strings.Replace(number.String(), ".", ",", 1)
	case json.Unmarshal(raw, &text) != nil:
		return ""
	}
	if _, err := calendar.ParseDate(text); err == nil && kind == customfields.Date {
		return text[8:] + "/" + text[5:7] + "/" + text[:4]
	}
	return text
}

// fill puts the lead into a text: for each placeholder its value or, where there
// is none, its fallback. What a save has checked leaves nothing empty.
func (f *facts) fill(text string, fallbacks map[string]string) string {
	return placeholderForm.ReplaceAllStringFunc(text, func(found string) string {
		name := canonical(strings.TrimSpace(found[2 : len(found)-2]))
		value, known := f.values.of(f.lead, name)
		if value != "" {
			return value
		}
		if fallback, ok := fallbacks[name]; ok || known {
			return fallback // a custom field may be gone since the sequence was saved
		}
		return found
	})
}

func (f *facts) fillAll(texts []string, fallbacks map[string]string) []string {
	filled := make([]string, len(texts))
	for i, text := range texts {
		filled[i] = f.fill(text, fallbacks)
	}
	return filled
}

// reais is an amount as Brazilians write it: R$ 5.000,00.
func reais(cents *int64) string {
	if cents == nil {
		return ""
	}
	if *cents < 0 {
		return "-" + reais(new(-*cents))
	}
	whole := strconv.FormatInt(*cents/100, 10)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "." + whole[i:]
	}
	return fmt.Sprintf("R$ %s,%02d", whole, *cents%100)
}
