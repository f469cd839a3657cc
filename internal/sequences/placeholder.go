package sequences

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"syncro/internal/leads"
)

// values are what placeholders and conditions take from elsewhere than the lead.
type values struct {
	stage, pipeline, owner string
	custom                 json.RawMessage // custom fields by name
}

// placeholder is a name that stands for something of the lead, as {{nome}}.
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
			if name := strings.ToLower(found[1]); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// fill puts the lead into a text: for each placeholder its value or, where there
// is none, its fallback. What a save has checked leaves nothing empty.
func (f *facts) fill(text string, fallbacks map[string]string) string {
	return placeholderForm.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.ToLower(strings.TrimSpace(found[2 : len(found)-2]))
		p, known := placeholders[name]
		if !known {
			return found
		}
		if value := strings.TrimSpace(p.value(f.lead, &f.values)); value != "" {
			return value
		}
		return fallbacks[name]
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
	whole := strconv.FormatInt(*cents/100, 10)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "." + whole[i:]
	}
	return fmt.Sprintf("R$ %s,%02d", whole, *cents%100)
}
