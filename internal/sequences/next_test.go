package sequences

import (
	"testing"
	"time"
	_ "time/tzdata"

	"syncro/internal/calendar"
	"syncro/internal/customfields"
	"syncro/internal/leads"
)

// noon is a Tuesday, 13:00 in São Paulo.
var noon = time.Date(2026, 6, 30, 16, 0, 0, 0, time.UTC)

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// business are office hours on working days.
func business() *SendingHours {
	return &SendingHours{From: new(calendar.Clock("09:00")), Until: new(calendar.Clock("18:00")), Weekdays: []int64{1, 2, 3, 4, 5}}
}

// situation is what a case of the table starts from: an active sequence of five
// steps, of which the second is due, and a lead that is fine.
type situation struct {
	plan plan
	e    enrollment
	f    facts
	now  time.Time
}

func plain(t *testing.T) *situation {
	s := &situation{
		now: noon,
		plan: plan{active: true, exitOnReply: true, steps: []Step{
			{Type: Message},
			{Type: Message, DelayMinutes: 60},
			{Type: WaitReply, Settings: Settings{TimeoutMinutes: 120, OnReplyStep: new(int64(5)), OnTimeoutStep: new(int64(4))}},
			{Type: Condition, Settings: Settings{Field: "value", Operator: "gte", Value: "1000", ThenStep: new(int64(5)), ElseStep: new(int64(0))}},
			{Type: Task},
		}},
		e: enrollment{status: Active, position: 2, previousAt: noon.Add(-time.Hour), nextStepAt: &noon},
		f: facts{lead: &leads.Lead{ID: 1, Name: "João", ValueCents: new(int64(100_000))}, days: workdays{zone: zoneOf(t, "America/Sao_Paulo")}},
	}
	for i := range s.plan.steps {
		s.plan.steps[i].Position = int64(i + 1)
	}
	return s
}

// at puts the enrolment before a step that is due.
func (s *situation) at(position int64) { s.e.position = position }

// wait lets the third step hold the enrolment since an hour ago.
func (s *situation) wait() {
	s.at(3)
	s.e.waiting, s.e.previousAt = true, s.now.Add(-2*time.Hour)
	s.e.nextStepAt = new(s.now.Add(time.Hour))
}

func TestWhatHappensNext(t *testing.T) {
	in := func(d time.Duration) time.Time { return noon.Add(d) }
	local := func(day, clock string) time.Time {
		return calendar.Date(day).At(calendar.Clock(clock), zoneOf(t, "America/Sao_Paulo"))
	}
	for _, test := range []struct {
		rule  string
		given func(s *situation)
		want  decision // step, where given, by its position alone
		step  int64
	}{
		{"a step that is due runs", func(*situation) {}, decision{do: run, reason: becauseDue}, 2},
		{"a step runs the instant it is due, not before", func(s *situation) { s.e.nextStepAt = new(in(time.Microsecond)) }, decision{do: sleep, at: in(time.Microsecond), reason: becauseDelay}, 2},
		{"a step that is overdue runs once and at once", func(s *situation) { s.now = in(100 * 24 * time.Hour) }, decision{do: run, reason: becauseDue}, 2},
		{"a step whose run is under way is left alone", func(s *situation) { s.e.running = true }, decision{do: rest, reason: becauseRunning}, 2},
		{"a step that failed waits for its repetition", func(s *situation) { s.e.attempts, s.e.nextStepAt = 1, new(in(time.Minute)) }, decision{do: sleep, at: in(time.Minute), reason: becauseRetry}, 2},
		{"after the last step it is over", func(s *situation) { s.at(6) }, decision{do: complete, status: Completed, reason: becauseOver}, 0},

		{"within its sending hours a step runs", func(s *situation) { s.plan.steps[1].SendingHours = business() }, decision{do: run, reason: becauseDue}, 2},
		{"before its sending hours a step waits for them", func(s *situation) {
			s.plan.steps[1].SendingHours, s.now = business(), local("2026-06-30", "08:59")
			s.e.nextStepAt = new(s.now.Add(-time.Minute))
		}, decision{do: sleep, at: local("2026-06-30", "09:00"), reason: becauseHours}, 2},
		{"the end of the sending hours is no part of them", func(s *situation) {
			s.plan.steps[1].SendingHours, s.now = business(), local("2026-06-30", "18:00")
		}, decision{do: sleep, at: local("2026-07-01", "09:00"), reason: becauseHours}, 2},
		{"a step that the engine comes to too late waits for the next hours", func(s *situation) {
			s.plan.steps[1].SendingHours, s.now = business(), local("2026-06-30", "22:15")
		}, decision{do: sleep, at: local("2026-07-01", "09:00"), reason: becauseHours}, 2},
		{"a weekend is passed over", func(s *situation) {
			s.plan.steps[1].SendingHours, s.now = business(), local("2026-07-03", "19:00")
		}, decision{do: sleep, at: local("2026-07-06", "09:00"), reason: becauseHours}, 2},
		{"a national holiday is passed over", func(s *situation) {
			s.plan.steps[1].SendingHours, s.now = business(), local("2026-09-07", "10:00") // a Monday
		}, decision{do: sleep, at: local("2026-09-08", "09:00"), reason: becauseHours}, 2},
		{"a movable feast is passed over", func(s *situation) {
			s.plan.steps[1].SendingHours, s.now = business(), local("2027-03-26", "10:00") // Good Friday
		}, decision{do: sleep, at: local("2027-03-29", "09:00"), reason: becauseHours}, 2},
		{"hours that hold on holidays hold on them", func(s *situation) {
			s.plan.steps[1].SendingHours, s.now = business(), local("2026-09-07", "10:00")
			s.plan.steps[1].SendingHours.OnHolidays = true
		}, decision{do: run, reason: becauseDue}, 2},
		{"the account's own holiday is passed over", func(s *situation) {
			s.plan.steps[1].SendingHours = business()
			s.f.days.own = map[calendar.Date]bool{"2026-06-30": false}
		}, decision{do: sleep, at: local("2026-07-01", "09:00"), reason: becauseHours}, 2},
		{"the account's own workday is one, holiday or not", func(s *situation) {
			s.plan.steps[1].SendingHours, s.now = business(), local("2026-09-07", "10:00")
			s.f.days.own = map[calendar.Date]bool{"2026-09-07": true}
		}, decision{do: run, reason: becauseDue}, 2},
		{"an account that rests on all days is asked again tomorrow", func(s *situation) {
			s.plan.steps[1].SendingHours = business()
			s.f.days.own = map[calendar.Date]bool{}
			for day := range daysAhead + 1 {
				s.f.days.own[calendar.Date("2026-06-30").AddDays(day)] = false
			}
		}, decision{do: sleep, at: in(lookAgain), reason: becauseRestDays}, 2},
		{"the day is that of the account's zone", func(s *situation) {
			s.plan.steps[1].SendingHours = &SendingHours{Weekdays: []int64{3}}
			s.now = local("2026-06-30", "22:00") // Wednesday in UTC, Tuesday here
		}, decision{do: sleep, at: local("2026-07-01", "00:00"), reason: becauseHours}, 2},
		{"hours that the clocks skip begin when they do", func(s *situation) {
			s.f.days.zone = zoneOf(t, "America/New_York")
			s.plan.steps[1].SendingHours = &SendingHours{From: new(calendar.Clock("02:30"))}
			s.now = time.Date(2026, 3, 8, 6, 0, 0, 0, time.UTC)
			s.e.nextStepAt = &s.now
		}, decision{do: sleep, at: time.Date(2026, 3, 8, 7, 0, 0, 0, time.UTC), reason: becauseHours}, 2},
		{"hours that the clocks skip whole are those of the next day", func(s *situation) {
			s.f.days.zone = zoneOf(t, "America/New_York")
			s.plan.steps[1].SendingHours = &SendingHours{From: new(calendar.Clock("02:10")), Until: new(calendar.Clock("02:50"))}
			s.now = time.Date(2026, 3, 8, 6, 0, 0, 0, time.UTC)
			s.e.nextStepAt = &s.now
		}, decision{do: sleep, at: time.Date(2026, 3, 9, 6, 10, 0, 0, time.UTC), reason: becauseHours}, 2},

		{"wait_reply holds until its time-out", func(s *situation) { s.at(3) }, decision{do: await, at: in(2 * time.Hour), reason: becauseNoReply}, 3},
		{"wait_reply goes on holding", func(s *situation) { s.wait() }, decision{do: sleep, at: in(time.Hour), reason: becauseNoReply}, 3},
		{"a reply ends the wait on its branch", func(s *situation) { s.wait(); s.e.repliedAt = new(in(-time.Minute)) }, decision{do: jump, to: 5, reason: becauseReplied}, 3},
		{"the time-out ends the wait on its branch", func(s *situation) { s.wait(); s.now = in(time.Hour) }, decision{do: jump, to: 4, reason: becauseTimeout}, 3},
		{"a reply in time counts though it is seen after the time-out", func(s *situation) {
			s.wait()
			s.e.repliedAt, s.now = new(in(30*time.Minute)), in(5*time.Hour)
		}, decision{do: jump, to: 5, reason: becauseReplied}, 3},
		{"a reply between the message and the wait is not missed", func(s *situation) {
			s.at(3)
			s.e.repliedAt = new(in(-30 * time.Minute))
		}, decision{do: jump, to: 5, reason: becauseReplied}, 3},
		{"a reply to an earlier message ends no wait", func(s *situation) {
			s.at(3)
			s.e.repliedAt = new(in(-61 * time.Minute))
		}, decision{do: await, at: in(2 * time.Hour), reason: becauseNoReply}, 3},
		{"a branch that names no step leads to the next", func(s *situation) {
			s.wait()
			s.plan.steps[2].Settings.OnReplyStep, s.e.repliedAt = nil, &noon
		}, decision{do: jump, to: 4, reason: becauseReplied}, 3},
		{"the wait of an inactive sequence is held with it", func(s *situation) { s.wait(); s.plan.active, s.e.repliedAt = false, &noon }, decision{do: rest, reason: becauseInactive}, 0},

		{"a condition that holds leads to its step, not to the one behind it", func(s *situation) { s.at(4) }, decision{do: jump, to: 5, reason: becauseHolds}, 4},
		{"a condition that does not hold leads to the other, or to the end", func(s *situation) { s.at(4); s.f.lead.ValueCents = new(int64(99_999)) }, decision{do: jump, to: 6, reason: becauseDoesNotHold}, 4},

		{"a paused enrolment rests", func(s *situation) { s.e.status = Paused }, decision{do: rest, reason: becausePaused}, 0},
		{"an inactive sequence holds its enrolments", func(s *situation) { s.plan.active = false }, decision{do: rest, reason: becauseInactive}, 0},
		{"an enrolment that has ended does nothing more", func(s *situation) { s.e.status, s.f.happened = ExitedOptOut, replied }, decision{do: rest, reason: becauseEnded}, 0},

		{"a reply ends it", func(s *situation) { s.f.happened = replied }, decision{do: exit, status: ExitedReply, reason: becauseReplied}, 0},
		{"a reply ends a paused one, too", func(s *situation) { s.f.happened, s.e.status = replied, Paused }, decision{do: exit, status: ExitedReply, reason: becauseReplied}, 0},
		{"a reply ends nothing where the sequence does not say so", func(s *situation) { s.f.happened, s.plan.exitOnReply = replied, false }, decision{do: run, reason: becauseDue}, 2},
		{"a reply that is waited for is no reason to leave", func(s *situation) { s.wait(); s.f.happened, s.e.repliedAt = replied, &noon }, decision{do: jump, to: 5, reason: becauseReplied}, 3},
		{"nor is one that comes while the message goes out that asks for it", func(s *situation) {
			s.f.happened, s.e.running, s.e.repliedAt = replied, true, &noon
		}, decision{do: rest, reason: becauseRunning}, 2},
		{"a change of stage ends it where the sequence says so", func(s *situation) { s.f.happened, s.plan.exitOnStageChange = moved, true }, decision{do: exit, status: ExitedStageChange, reason: becauseMoved}, 0},
		{"a change of stage ends nothing elsewhere", func(s *situation) { s.f.happened = moved }, decision{do: run, reason: becauseDue}, 2},
		{"won or lost always ends it", func(s *situation) { s.f.happened = closed }, decision{do: exit, status: ExitedWonLost, reason: becauseClosed}, 0},
		{"opting out ends it, and is told as such even if it is a reply", func(s *situation) {
			s.f.happened, s.f.lead.OptedOutAt = replied, &noon
		}, decision{do: exit, status: ExitedOptOut, reason: becauseOptedOut}, 0},
		{"opting out ends one whose step is running", func(s *situation) { s.e.running, s.f.lead.OptedOutAt = true, &noon }, decision{do: exit, status: ExitedOptOut, reason: becauseOptedOut}, 0},
		{"opting out ends one of an inactive sequence", func(s *situation) { s.plan.active, s.f.lead.OptedOutAt = false, &noon }, decision{do: exit, status: ExitedOptOut, reason: becauseOptedOut}, 0},
		{"a deleted lead leaves", func(s *situation) { s.f.lead = nil }, decision{do: exit, status: ExitedDeleted, reason: becauseLeadGone}, 0},
		{"a merged lead leaves", func(s *situation) { s.f.lead.MergedInto = new(int64(2)) }, decision{do: exit, status: ExitedDeleted, reason: becauseLeadGone}, 0},
		{"a deleted sequence is left", func(s *situation) { s.plan.deleted, s.plan.active = true, false }, decision{do: exit, status: ExitedManual, reason: becauseSequenceGone}, 0},
	} {
		t.Run(test.rule, func(t *testing.T) {
			s := plain(t)
			test.given(s)
			got := next(&s.plan, &s.e, &s.f, s.now)
			var step int64
			if got.step != nil {
				step, got.step = got.step.Position, nil
			}
			if !got.at.Equal(test.want.at) {
				t.Errorf("at %s, want %s", got.at, test.want.at)
			}
			got.at, test.want.at = time.Time{}, time.Time{}
			if got != test.want || step != test.step {
				t.Errorf("%+v at step %d\nwant %+v at step %d", got, step, test.want, test.step)
			}
		})
	}
}

func TestTheDelayCountsFromWhenThePreviousStepRan(t *testing.T) {
	s := plain(t)
	for _, test := range []struct {
		what     string
		position int64
		previous time.Time
		hours    *SendingHours
		want     string
	}{
		{"without a delay", 3, noon, nil, "2026-06-30T16:00:00Z"},
		{"with one", 2, noon, nil, "2026-06-30T17:00:00Z"},
		{"moved into the sending hours", 2, noon.Add(5 * time.Hour), business(), "2026-07-01T12:00:00Z"},
		{"over a week-end", 2, noon.Add(77 * time.Hour), business(), "2026-07-06T12:00:00Z"},
	} {
		s.plan.steps[test.position-1].SendingHours = test.hours
		at, ok := s.plan.begin(test.position, test.previous, s.f.days)
		if got := at.UTC().Format(time.RFC3339); got != test.want || !ok {
			t.Errorf("%s: %s, want %s", test.what, got, test.want)
		}
	}
	if _, ok := s.plan.begin(6, noon, s.f.days); ok {
		t.Error("a step begins behind the last one")
	}
}

func TestTheHolidaysOfBrazil(t *testing.T) {
	for year, sunday := range map[int]calendar.Date{
		1954: "1954-04-18", 1981: "1981-04-19", 2000: "2000-04-23", 2024: "2024-03-31", 2025: "2025-04-20", 2026: "2026-04-05", 2027: "2027-03-28", 2038: "2038-04-25", 2285: "2285-03-22",
	} {
		if got := easter(year); got != sunday {
			t.Errorf("Easter of %d: %s, want %s", year, got, sunday)
		}
	}
	var days []calendar.Date
	for day := calendar.Date("2026-01-01"); day.Year() == 2026; day = day.AddDays(1) {
		if nationalHoliday(day) != "" {
			days = append(days, day)
		}
	}
	want := []calendar.Date{"2026-01-01", "2026-04-03", "2026-04-21", "2026-05-01", "2026-09-07", "2026-10-12", "2026-11-02", "2026-11-15", "2026-11-20", "2026-12-25"}
	if len(days) != len(want) {
		t.Fatalf("%v\nwant %v", days, want)
	}
	for i := range want {
		if days[i] != want[i] {
			t.Errorf("%s, want %s", days[i], want[i])
		}
	}
	if nationalHoliday("2023-11-20") != "" {
		t.Error("Consciência Negra is a national holiday since 2024")
	}
}

func TestPlaceholdersNeverLeaveAHole(t *testing.T) {
	f := facts{
		lead: &leads.Lead{Name: "João Silva", Company: " ", Phone: "+5511999887766", ValueCents: new(int64(123_456_789))},
		values: values{
			stage: "Proposta", pipeline: "Vendas",
			fields: customfields.NewSet([]customfields.Field{
				{ID: 1, Name: "Setor", Type: customfields.Text, Active: true}, {ID: 2, Name: "verba", Type: customfields.Currency, Active: true},
				{ID: 3, Name: "visita", Type: customfields.Date, Active: true}, {ID: 4, Name: "cores", Type: customfields.Multiselect, Active: true},
				{ID: 5, Name: "cliente", Type: customfields.Checkbox, Active: true}, {ID: 6, Name: "area", Type: customfields.Number, Active: true},
				{ID: 7, Name: "nome", Type: customfields.Text, Active: true}, {ID: 8, Name: "velho", Type: customfields.Text},
			}),
			custom: []byte(`{"Setor":"Saúde","verba":-1500.5,"visita":"2026-07-05","cores":["azul","verde"],"cliente":true,"area":12.5,"nome":"Apelido"}`),
		},
	}
	fallbacks := map[string]string{"empresa": "sua empresa", "responsavel": "nossa equipe", "custom_fields.velho": "nada"}
	for text, want := range map[string]string{
		"Olá {{nome}}, de {{ empresa }}!":           "Olá João Silva, de sua empresa!",
		"{{Primeiro_Nome}}: {{etapa}} em {{funil}}": "João: Proposta em Vendas",
		"{{valor}} com {{responsavel}}":             "R$ 1.234.567,89 com nossa equipe",
		"{{telefone}} {chaves} {{":                  "+5511999887766 {chaves} {{",
		"{{custom_fields.Setor}} e {{Setor}}":       "Saúde e Saúde",
		"{{verba}} em {{visita}}, {{area}} m²":      "-R$ 1.500,50 em 05/07/2026, 12,5 m²",
		"{{cores}}, {{cliente}}":                    "azul, verde, sim",
		"{{nome}}, o {{custom_fields.nome}}":        "João Silva, o Apelido",
		"{{custom_fields.velho}}":                   "nada",
	} {
		if got := f.fill(text, fallbacks); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
