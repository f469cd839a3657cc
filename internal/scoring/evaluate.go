package scoring

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"syncro/internal/calendar"
	"syncro/internal/leads"
	"syncro/internal/money"
	"syncro/internal/searchtext"
)

// happening is what rules judge.
type happening struct {
	events      []Event
	lead        *leads.Lead
	messageType string          // "" when it is not about a message
	custom      json.RawMessage // the lead's custom fields by name, as the API shows them
}

// firing is a rule that fires, and why.
type firing struct {
	rule   *Rule
	reason string
}

// holds gives the rules that wait for what has happened and whose conditions hold,
// each with its reason.
func holds(rules []Rule, h *happening) (fires []firing) {
	for i := range rules {
		r := &rules[i]
		if !r.Active || !slices.Contains(h.events, r.Event) {
			continue
		}
		if because, ok := h.meets(r.Conditions); ok {
			fires = append(fires, firing{r, r.Name + ": " + string(r.Event) + because})
		}
	}
	return fires
}

// evaluate gives the rules of those that hold which are not at rest, and their
// points in all. fired tells when each rule has last fired for this lead.
func evaluate(held []firing, fired map[int64]time.Time, now time.Time) (fires []firing, points int64) {
	for _, f := range held {
		last, before := fired[f.rule.ID]
		rest := time.Duration(f.rule.CooldownHours) * time.Hour
		if before && (f.rule.Event == ProfileComplete || now.Before(last.Add(rest))) {
			continue
		}
		fires = append(fires, f)
		points += f.rule.Points
	}
	return fires, points
}

// meets tells whether all conditions hold, and with which values.
func (h *happening) meets(conditions []Condition) (because string, ok bool) {
	var text strings.Builder
	for _, c := range conditions {
		values := h.values(c.Field)
		if !c.Operator.holds(values, c.Value) {
			return "", false
		}
		fmt.Fprintf(&text, "; %s %s %q (%s)", c.Field, c.Operator, c.Value, strings.Join(values, ", "))
	}
	return text.String(), true
}

// values are what a field has: none, one, or several.
func (h *happening) values(field string) []string {
	l := h.lead
	switch field {
	case fieldSource:
		return given(l.Source)
	case fieldValue:
		if l.ValueCents == nil {
			return nil
		}
		return []string{string(money.Cents(*l.ValueCents).AppendJSON(nil))}
	case fieldTag:
		return l.TagNames()
	case fieldHasEmail:
		return []string{strconv.FormatBool(l.Email != "")}
	case fieldHasCompany:
		return []string{strconv.FormatBool(l.Company != "")}
	case fieldHasPhone:
		return []string{strconv.FormatBool(l.Phone != "")}
	case fieldMessageType:
		return given(h.messageType)
	default:
		return h.customValues(strings.TrimPrefix(field, customField))
	}
}

func given(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func (h *happening) customValues(name string) []string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(h.custom, &fields) != nil {
		return nil // our own writing
	}
	raw, ok := fields[name]
	if !ok {
		return nil
	}
	var several []string
	if json.Unmarshal(raw, &several) == nil {
		return several
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return given(one)
	}
	return []string{string(raw)} // a number or a boolean as it is written
}

// holds compares the values of a field with that of a condition:
//
//   - equals: one of the values is it, whatever the case and the accents; numbers by
//     their size, so that 10 equals 10.00
//   - contains: one of the values is it or has it as a part
//   - gt, gte, lt, lte: a number, or a day written YYYY-MM-DD, on both sides; there
//     is one value, and without any none of them holds
//   - not_equals and not_contains hold wherever their opposites do not, also where
//     there is no value
func (o Operator) holds(values []string, wanted string) bool {
	some := func(match func(value string) bool) bool { return slices.ContainsFunc(values, match) }
	switch o {
	case Equals:
		return some(func(v string) bool { return same(v, wanted) })
	case NotEquals:
		return !Equals.holds(values, wanted)
	case Contains:
		return some(func(v string) bool { return strings.Contains(searchtext.Fold(v), searchtext.Fold(wanted)) })
	case NotContains:
		return !Contains.holds(values, wanted)
	default:
		if len(values) != 1 {
			return false
		}
		order, both := compare(values[0], wanted)
		switch {
		case !both:
			return false
		case o == Greater:
			return order > 0
		case o == AtLeast:
			return order >= 0
		case o == Less:
			return order < 0
		default:
			return order <= 0
		}
	}
}

func same(a, b string) bool {
	if order, both := compare(a, b); both {
		return order == 0
	}
	return searchtext.Fold(a) == searchtext.Fold(b)
}

// compare puts two numbers or two days in order.
func compare(a, b string) (order int, both bool) {
	x, isX := number(a)
	y, isY := number(b)
	if isX && isY {
		return cmp.Compare(x, y), true
	}
	day, errDay := calendar.ParseDate(a)
	other, errOther := calendar.ParseDate(strings.TrimSpace(b))
	return strings.Compare(string(day), string(other)), errDay == nil && errOther == nil
}

// number reads a decimal number; "inf" and "0x1p4" are texts.
func number(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	if text == "" || strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}
