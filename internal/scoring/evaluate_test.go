package scoring

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"syncro/internal/calendar"
	"syncro/internal/leads"
)

func TestConditionsCompareTheLeadWithTheirValues(t *testing.T) {
	value := int64(150_050)
	h := &happening{
		messageType: "image",
		lead:        &leads.Lead{Source: "Indicação", ValueCents: &value, Tags: `["VIP","Parceiro Ouro"]`, Email: "a@b.br"},
		custom:      []byte(`{"porte":"100+","funcionarios":250,"interesses":["CRM","ERP"],"ativo":true,"visita":"2026-07-01"}`),
	}
	for condition, want := range map[string]bool{
		"source equals indicacao":                 true,
		"source not_equals indicação":             false,
		"source equals indica":                    false,
		"source contains DICA":                    true,
		"source not_contains site":                true,
		"source gt a":                             false,
		"value equals 1500.5":                     true,
		"value equals 1500.50":                    true,
		"value gt 1500.50":                        false,
		"value gte 1500.50":                       true,
		"value lt 1500.51":                        true,
		"value lte 1500.49":                       false,
		"value gt muito":                          false,
		"value gt inf":                            false,
		"tag equals vip":                          true,
		"tag equals ouro":                         false,
		"tag contains ouro":                       true,
		"tag not_equals frio":                     true,
		"tag not_contains parceiro":               false,
		"has_email equals true":                   true,
		"has_phone equals true":                   false,
		"has_company not_equals true":             true,
		"message_type equals image":               true,
		"message_type equals text":                false,
		"custom_fields.porte equals 100+":         true,
		"custom_fields.funcionarios gte 250":      true,
		"custom_fields.funcionarios lt 9":         false, // as numbers, not as texts
		"custom_fields.interesses contains crm":   true,
		"custom_fields.interesses not_equals crm": false,
		"custom_fields.ativo equals true":         true,
		"custom_fields.visita gt 2026-06-30":      true,
		"custom_fields.visita lt 2026-06-30":      false,
		"custom_fields.ausente equals x":          false,
		"custom_fields.ausente not_equals x":      true,
		"custom_fields.ausente lt 1":              false,
	} {
		parts := strings.SplitN(condition, " ", 3)
		if _, got := h.meets([]Condition{{parts[0], Operator(parts[1]), parts[2]}}); got != want {
			t.Errorf("%s: %v", condition, got)
		}
	}
}

func TestRulesFireWhenTheirEventHappensAllConditionsHoldAndTheyHaveRested(t *testing.T) {
	now := time.Date(2026, 6, 30, 13, 0, 0, 0, time.UTC)
	site := Condition{fieldSource, Equals, "site"}
	rules := []Rule{
		{ID: 1, Name: "Chegou", Event: LeadCreated, Points: 5, Active: true},
		{ID: 2, Name: "Do site", Event: LeadCreated, Conditions: []Condition{site}, Points: 10, Active: true},
		{ID: 3, Name: "Do site com e-mail", Event: LeadCreated, Conditions: []Condition{site, {fieldHasEmail, Equals, "true"}}, Points: 100, Active: true},
		{ID: 4, Name: "Desligada", Event: LeadCreated, Points: 1000},
		{ID: 5, Name: "Respondeu", Event: MessageReceived, Points: 3, CooldownHours: 24, Active: true},
		{ID: 6, Name: "Mandou foto", Event: MessageMediaReceived, Points: -1, Active: true},
		{ID: 7, Name: "Completo", Event: ProfileComplete, Points: 7, Active: true},
	}
	for _, c := range []struct {
		name   string
		events []Event
		fired  map[int64]time.Time
		want   string
		points int64
	}{
		{"conditions are joined by AND", []Event{LeadCreated}, nil, `Chegou: lead_created | Do site: lead_created; source equals "site" (Site)`, 15},
		{"all rules of an event are summed", []Event{MessageReceived, MessageMediaReceived}, nil, "Respondeu: message_received | Mandou foto: message_media_received", 2},
		{"a rule rests for its cooldown", []Event{MessageReceived, MessageMediaReceived}, map[int64]time.Time{5: now.Add(-24*time.Hour + time.Second), 6: now}, "Mandou foto: message_media_received", -1},
		{"and then fires again", []Event{MessageReceived}, map[int64]time.Time{5: now.Add(-24 * time.Hour)}, "Respondeu: message_received", 3},
		{"a profile is complete once", []Event{ProfileComplete}, map[int64]time.Time{7: now.AddDate(-5, 0, 0)}, "", 0},
		{"another event is nothing to it", []Event{LeadWon}, nil, "", 0},
	} {
		firing, points := evaluate(holds(rules, &happening{events: c.events, lead: &leads.Lead{Source: "Site"}}), c.fired, now)
		var reasons []string
		for _, f := range firing {
			reasons = append(reasons, f.reason)
		}
		if got := strings.Join(reasons, " | "); got != c.want || points != c.points {
			t.Errorf("%s: %q, %d points", c.name, got, points)
		}
	}
}

func TestARuleIsRefusedWithEverythingThatIsWrongWithIt(t *testing.T) {
	r := Rule{Name: " ", Event: "lead_seen", Conditions: []Condition{{"custom_fields.", "like", strings.Repeat("x", 256)}, {"score", Equals, "1"}}, Points: 10_001, CooldownHours: -1}
	problems := r.check()
	var fields []string
	for _, p := range problems.Problems() {
		fields = append(fields, p.Field)
	}
	want := "[name event conditions.0.field conditions.0.operator conditions.0.value conditions.1.field points cooldown_hours]"
	if got := fmt.Sprint(fields); got != want {
		t.Errorf("refused for %s", got)
	}
}

func TestDecayCountsTheDaysAfterTheQuietOnesOnce(t *testing.T) {
	for _, c := range []struct {
		from, on, active string
		quiet, want      int64
	}{
		{"2026-07-01", "2026-07-02", "2026-06-25", 7, 0}, // the seventh quiet day
		{"2026-07-02", "2026-07-03", "2026-06-25", 7, 1},
		{"2026-07-01", "2026-07-05", "2026-06-25", 7, 3}, // days that were missed
		{"2026-07-01", "2026-07-05", "2026-01-01", 7, 4},
		{"2026-07-01", "2026-07-02", "2026-07-02", 0, 0},
		{"2026-02-28", "2026-03-01", "2026-02-20", 3, 1},
	} {
		if got := due(date(c.from), date(c.on), date(c.active), c.quiet); max(0, got) != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func date(text string) calendar.Date { return calendar.Date(text) }
