package scoring

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"syncro/internal/faults"
)

// Event is what a rule waits for.
type Event string

// The events (companion-api.md section 10).
const (
	MessageReceived      Event = "message_received"
	MessageMediaReceived Event = "message_media_received"
	LeadCreated          Event = "lead_created"
	ProfileComplete      Event = "profile_complete"
	StageAdvanced        Event = "stage_advanced"
	StageRegressed       Event = "stage_regressed"
	LeadWon              Event = "lead_won"
	LeadLost             Event = "lead_lost"
	TaskCompleted        Event = "task_completed"
)

// Events lists them all.
func Events() []Event {
	return []Event{MessageReceived, MessageMediaReceived, LeadCreated, ProfileComplete, StageAdvanced, StageRegressed, LeadWon, LeadLost, TaskCompleted}
}

// Operator is how a condition compares.
type Operator string

// The operators.
const (
	Equals      Operator = "equals"
	NotEquals   Operator = "not_equals"
	Greater     Operator = "gt"
	AtLeast     Operator = "gte"
	Less        Operator = "lt"
	AtMost      Operator = "lte"
	Contains    Operator = "contains"
	NotContains Operator = "not_contains"
)

// Operators lists them all.
func Operators() []Operator {
	return []Operator{Equals, NotEquals, Greater, AtLeast, Less, AtMost, Contains, NotContains}
}

// The fields that conditions compare, besides customField with a field's name.
const (
	fieldSource      = "source"
	fieldValue       = "value"
	fieldTag         = "tag"
	fieldHasEmail    = "has_email"
	fieldHasCompany  = "has_company"
	fieldHasPhone    = "has_phone"
	fieldMessageType = "message_type"

	customField = "custom_fields."
)

// Condition compares a field of the lead, or of the message, with a value.
type Condition struct {
	Field    string   `json:"field"`
	Operator Operator `json:"operator"`
	Value    string   `json:"value"`
}

// Rule gives points to a lead when an event happens to it.
type Rule struct {
	ID            int64
	Name          string
	Event         Event
	Conditions    []Condition // all must hold
	Points        int64       // may be negative
	CooldownHours int64       // how long it rests for a lead that it has fired for
	Active        bool
}

// The limits of a rule.
const (
	maxName       = 191
	maxValue      = 255
	maxConditions = 20
	maxPoints     = 10_000
	maxCooldown   = 24 * 366
)

// check says what is wrong with a rule.
func (r *Rule) check() (problems faults.Bag) {
	switch r.Name = strings.TrimSpace(r.Name); {
	case r.Name == "":
		problems.Required("name")
	case utf8.RuneCountInString(r.Name) > maxName:
		problems.Addf("name", "The name field must not be greater than %d characters.", maxName)
	}
	if !slices.Contains(Events(), r.Event) {
		problems.Selected("event")
	}
	if len(r.Conditions) > maxConditions {
		problems.Addf("conditions", "The conditions field must not have more than %d items.", maxConditions)
	}
	for i, c := range r.Conditions {
		c.check(fmt.Sprintf("conditions.%d.", i), &problems)
	}
	within := func(field string, value, least, most int64) {
		switch {
		case value < least:
			problems.Addf(field, "The %s field must be at least %d.", faults.Spoken(field), least)
		case value > most:
			problems.Addf(field, "The %s field must not be greater than %d.", faults.Spoken(field), most)
		}
	}
	within("points", r.Points, -maxPoints, maxPoints)
	within("cooldown_hours", r.CooldownHours, 0, maxCooldown)
	return problems
}

func (c Condition) check(place string, problems *faults.Bag) {
	known := []string{fieldSource, fieldValue, fieldTag, fieldHasEmail, fieldHasCompany, fieldHasPhone, fieldMessageType}
	if name, custom := strings.CutPrefix(c.Field, customField); !slices.Contains(known, c.Field) && (!custom || name == "") {
		problems.Selected(place + "field")
	}
	if !slices.Contains(Operators(), c.Operator) {
		problems.Selected(place + "operator")
	}
	if utf8.RuneCountInString(c.Value) > maxValue {
		problems.Addf(place+"value", "The %svalue field must not be greater than %d characters.", place, maxValue)
	}
}
