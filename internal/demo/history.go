package demo

import (
	"slices"
	"strings"
	"time"

	"syncro/internal/calendar"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
	"syncro/internal/timeline"
)

// fixture is the leads and what happened to them up to now.
type fixture struct {
	now    time.Time
	zone   *time.Location
	leads  map[int64][]*leads.Lead // by account
	tasks  []*task
	events []event
	sales  [][]any
	losses [][]any
	notes  [][]any
}

type event struct {
	account     int64
	lead        int64
	kind        timeline.EventType
	description string
	by          int64
	at          time.Time
}

type task struct {
	id          int64
	lead        *leads.Lead
	subject     string
	kind        string
	priority    string
	due         calendar.Date
	dueTime     any // HH:MM
	completed   *time.Time
	requirement any // id; only of mandatory tasks, as the visit
	visit       any
	created     time.Time
	updated     time.Time
}

func newFixture(now time.Time) (*fixture, error) {
	zone, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		return nil, err
	}
	f := &fixture{now: now, zone: zone, leads: map[int64][]*leads.Lead{}}
	for id := int64(1); id < joao; id++ {
		f.generate(id)
	}
	f.named()
	for id := int64(lastNamed + 1); id < newest; id++ {
		f.generate(id)
	}
	f.newestLead()
	f.otherAccounts()
	return f, nil
}

// tables are the rows of all that hangs on leads.
func (f *fixture) tables() []table {
	slices.SortStableFunc(f.events, func(a, b event) int { return a.at.Compare(b.at) }) // their ids tell their order
	events := table{name: "lead_events", columns: "account_id lead_id event_type description performed_by created_at"}
	for _, e := range f.events {
		events.rows = append(events.rows, []any{e.account, e.lead, string(e.kind), e.description, e.by, e.at})
	}
	tasks := table{name: "tasks", columns: `id account_id lead_id subject type priority due_date due_time assigned_to completed_at requirement_id stage_visit
		created_by created_at updated_at`}
	for _, t := range f.tasks {
		tasks.rows = append(tasks.rows, []any{
			t.id, mine, t.lead.ID, t.subject, t.kind, t.priority, string(t.due), t.dueTime, t.lead.AssignedTo, t.completed, t.requirement, t.visit,
			ana, t.created, t.updated,
		})
	}
	return slices.Concat(f.joaoTables(), conversationTables(f.now), []table{
		tasks, events,
		{"lead_notes", "account_id lead_id body author_id created_at", f.notes},
		{"sales", "account_id lead_id pipeline_id value_cents closed_by closed_at", f.sales},
		{"lost_sales", "account_id lead_id pipeline_id reason_id lost_by lost_at", f.losses},
	})
}

// story tells how a lead of an account came to where it is.
type story struct {
	*fixture
	account int64
	by      int64 // the user who did it all
	lead    *leads.Lead
}

// begin makes a lead and puts it into its first stage. What is known of it is set
// in l.
func (f *fixture) begin(account, by int64, l *leads.Lead, stage int64) *story {
	l.CreatedBy = &by
	f.leads[account] = append(f.leads[account], l)
	s := &story{f, account, by, l}
	s.tell(timeline.Created, "Lead criado.", l.CreatedAt)
	s.enter(stageOf(stage), l.CreatedAt)
	return s
}

// move takes the lead to another stage; the tasks that keep it where it is are
// completed on that occasion.
func (s *story) move(stage int64, at time.Time) {
	for _, t := range s.tasks {
		if t.lead == s.lead && t.requirement != nil && t.completed == nil {
			s.complete(t, at)
		}
	}
	to := stageOf(stage)
	s.tell(timeline.StageChanged, "Etapa alterada de "+stageOf(s.lead.StageID).Name+" para "+to.Name+".", at)
	s.enter(to, at)
}

func (s *story) enter(to pipelines.Stage, at time.Time) {
	l := s.lead
	l.PipelineID, l.StageID, l.StageSince, l.UpdatedAt = to.PipelineID, to.ID, at, at
	l.Visit++
	if l.MandatoryTasks = to.ID == documents.StageID; l.MandatoryTasks {
		subject := strings.ReplaceAll(documents.Subject, "{{lead_name}}", l.Name)
		t := s.task(documents.Type, subject, at, documents.DueInDays)
		t.requirement, t.visit = documents.ID, l.Visit
	}
	switch to.Kind {
	case pipelines.Won:
		s.sales = append(s.sales, []any{s.account, l.ID, to.PipelineID, l.ValueCents, s.by, at})
		s.tell(timeline.SaleWon, "Venda registrada em "+to.Name+".", at)
	case pipelines.Lost:
		reason := any(1 + l.ID%3)
		if l.ID%7 == 0 {
			reason = nil
		}
		s.losses = append(s.losses, []any{s.account, l.ID, to.PipelineID, reason, s.by, at})
		s.tell(timeline.SaleLost, "Perda registrada em "+to.Name+".", at)
	}
}

func (s *story) tell(kind timeline.EventType, description string, at time.Time) {
	s.events = append(s.events, event{s.account, s.lead.ID, kind, description, s.by, at})
}

// task gives the lead a pending task.
func (s *story) task(kind, subject string, at time.Time, dueInDays int) *task {
	t := &task{
		id: int64(len(s.tasks) + 1), lead: s.lead, subject: subject, kind: kind, priority: "medium",
		due: calendar.DateOf(at, s.zone).AddDays(dueInDays), created: at, updated: at,
	}
	if t.id >= mariaTask {
		t.id++ // that id is taken
	}
	s.tasks = append(s.tasks, t)
	s.tell(timeline.TaskCreated, "Tarefa criada: "+subject, at)
	return t
}

// complete completes a task.
func (s *story) complete(t *task, at time.Time) {
	t.completed, t.updated = &at, at
	s.tell(timeline.TaskCompleted, "Tarefa concluída: "+t.subject, at)
}

func (s *story) note(body string, author int64, at time.Time) {
	s.notes = append(s.notes, []any{s.account, s.lead.ID, body, author, at})
	s.events = append(s.events, event{s.account, s.lead.ID, timeline.NoteAdded, "Nota adicionada.", author, at})
}
