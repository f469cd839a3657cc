package scoring

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"syncro/internal/calendar"
	"syncro/internal/faults"
	"syncro/internal/money"
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
	Field    string   `json:"field" doc:"source, value, tag, has_email, has_company, has_phone, message_type or custom_fields.<name>." example:"source"`
	Operator Operator `json:"operator" enum:"equals,not_equals,gt,gte,lt,lte,contains,not_contains" doc:"How it is compared." example:"equals"`
	Value    string   `json:"value" doc:"With what." example:"site"`
}

// Rule gives points to a lead when an event happens to it.
type Rule struct {
	ID            int64            `json:"id" doc:"Identifier of the rule." example:"4"`
	Name          string           `json:"name" doc:"What it is called in the log." example:"Veio do site"`
	Event         Event            `json:"event" enum:"message_received,message_media_received,lead_created,profile_complete,stage_advanced,stage_regressed,lead_won,lead_lost,task_completed" doc:"What it waits for." example:"lead_created"`
	Conditions    []Condition      `json:"conditions" nullable:"false" doc:"All of them must hold; [] for none."`
	Points        int64            `json:"points" doc:"What the lead gets; may be negative." example:"10"`
	CooldownHours int64            `json:"cooldown_hours" doc:"For how many hours it rests for a lead after it has fired for it." example:"24"`
	Active        bool             `json:"is_active" doc:"Whether it fires." example:"true"`
	CreatedAt     calendar.Instant `json:"created_at" doc:"When it was made."`
	UpdatedAt     calendar.Instant `json:"updated_at" doc:"When it was last changed."`
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
	switch c.Field {
	case fieldValue:
		if _, err := money.Parse(c.Value); err != nil {
			problems.Addf(place+"value", "The %svalue field must be a number.", place)
			return
		}
	case fieldHasEmail, fieldHasCompany, fieldHasPhone:
		if c.Value != "true" && c.Value != "false" {
			problems.Addf(place+"value", "The %svalue field must be true or false.", place)
			return
		}
	}
	if utf8.RuneCountInString(c.Value) > maxValue {
		problems.Addf(place+"value", "The %svalue field must not be greater than %d characters.", place, maxValue)
	}
}
