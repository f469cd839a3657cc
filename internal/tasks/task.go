package tasks

import (
	"time"

	"syncro/internal/calendar"
	"syncro/internal/input"
	"syncro/internal/timeline"
)

// The states of a task.
const (
	Pending   = "pending"
	Completed = "completed"
)

// defaultPriority is that of a task created without one.
const defaultPriority = "medium"

// Task is a task as answers show it.
type Task struct {
	ID           int64             `json:"id" doc:"Task id." example:"45"`
	Subject      string            `json:"subject" doc:"What is to be done." example:"Ligar para o cliente"`
	Description  *string           `json:"description" doc:"Details." example:"Confirmar o horário da visita."`
	Type         string            `json:"type" doc:"Sort of task." enum:"call,email,task,visit,whatsapp,meeting" example:"call"`
	Status       string            `json:"status" doc:"Whether it is done." enum:"pending,completed" example:"pending"`
	Priority     string            `json:"priority" doc:"How urgent it is." enum:"low,medium,high" example:"medium"`
	DueDate      calendar.Date     `json:"due_date" format:"date" doc:"Day by which it is to be done." example:"2026-07-01"`
	DueTime      *calendar.Clock   `json:"due_time" doc:"Time of that day, HH:MM in the account's time zone." example:"14:30"`
	CompletedAt  *calendar.Instant `json:"completed_at" doc:"When it was completed."`
	LeadID       *int64            `json:"lead_id" doc:"Lead it is for; null when it stands alone." example:"123"`
	Lead         *Lead             `json:"lead" doc:"That lead."`
	AssignedTo   *int64            `json:"assigned_to" doc:"User who is to do it." example:"12"`
	AssignedUser *timeline.Person  `json:"assigned_user" doc:"That user."`
	Notes        *string           `json:"notes" doc:"Notes on how it went." example:"Pediu retorno em julho."`
	IsOverdue    bool              `json:"is_overdue" doc:"Pending and past due in the account's time zone." example:"false"`
	CreatedAt    calendar.Instant  `json:"created_at" doc:"When it was created."`
	UpdatedAt    calendar.Instant  `json:"updated_at" doc:"When it was last changed."`

	Version int64 `json:"-"` // counts changes; the ETag
}

// Lead is the lead of a task.
type Lead struct {
	ID    int64   `json:"id" doc:"Lead id." example:"123"`
	Name  string  `json:"name" doc:"Lead name." example:"João Silva"`
	Phone *string `json:"phone" doc:"Lead phone." example:"+5511999887766"`
	Email *string `json:"email" doc:"Lead email." example:"joao@acme.com.br"`
}

// CreateFields are what a task is created with.
type CreateFields struct {
	Subject     input.Field[string]         `json:"subject" required:"true" maxLength:"255" doc:"What is to be done." example:"Ligar para o cliente"`
	Type        input.Field[string]         `json:"type" required:"true" enum:"call,email,task,visit,whatsapp,meeting" doc:"Sort of task." example:"call"`
	DueDate     input.Field[calendar.Date]  `json:"due_date" required:"true" doc:"Day by which it is to be done." example:"2026-07-01"`
	DueTime     input.Field[calendar.Clock] `json:"due_time" doc:"Time of that day, HH:MM in the account's time zone." example:"14:30"`
	Priority    input.Field[string]         `json:"priority" enum:"low,medium,high" doc:"How urgent it is (default medium)." example:"medium"`
	LeadID      input.Field[int64]          `json:"lead_id" doc:"Lead it is for." example:"123"`
	AssignedTo  input.Field[int64]          `json:"assigned_to" doc:"User who is to do it (from the same account)." example:"12"`
	Description input.Field[string]         `json:"description" maxLength:"2000" doc:"Details." example:"Confirmar o horário da visita."`
	Notes       input.Field[string]         `json:"notes" maxLength:"2000" doc:"Notes on how it went." example:"Pediu retorno em julho."`
}

// UpdateFields are what can be changed of a task.
type UpdateFields struct {
	Subject     input.Field[string]         `json:"subject" whenSent:"required" maxLength:"255" doc:"What is to be done." example:"Ligar para o cliente"`
	Type        input.Field[string]         `json:"type" whenSent:"required" enum:"call,email,task,visit,whatsapp,meeting" doc:"Sort of task." example:"call"`
	Status      input.Field[string]         `json:"status" whenSent:"required" enum:"pending,completed" doc:"Completes or reopens it." example:"completed"`
	DueDate     input.Field[calendar.Date]  `json:"due_date" whenSent:"required" doc:"Day by which it is to be done." example:"2026-07-01"`
	DueTime     input.Field[calendar.Clock] `json:"due_time" doc:"Time of that day, HH:MM in the account's time zone." example:"14:30"`
	Priority    input.Field[string]         `json:"priority" whenSent:"required" enum:"low,medium,high" doc:"How urgent it is." example:"medium"`
	LeadID      input.Field[int64]          `json:"lead_id" doc:"Lead it is for." example:"123"`
	AssignedTo  input.Field[int64]          `json:"assigned_to" doc:"User who is to do it (from the same account)." example:"12"`
	Description input.Field[string]         `json:"description" maxLength:"2000" doc:"Details." example:"Confirmar o horário da visita."`
	Notes       input.Field[string]         `json:"notes" maxLength:"2000" doc:"Notes on how it went." example:"Pediu retorno em julho."`
}

// Filter says which tasks a list holds; what is not given does not restrict it.
type Filter struct {
	LeadID     input.Field[int64]         `query:"lead_id" doc:"Tasks of this lead." example:"123"`
	AssignedTo input.Field[int64]         `query:"assigned_to" doc:"Tasks of this user." example:"12"`
	Status     input.Field[string]        `query:"status" enum:"pending,completed" doc:"Pending or completed ones." example:"pending"`
	Type       input.Field[string]        `query:"type" enum:"call,email,task,visit,whatsapp,meeting" doc:"Tasks of this sort." example:"call"`
	Priority   input.Field[string]        `query:"priority" enum:"low,medium,high" doc:"Tasks of this priority." example:"high"`
	DueFrom    input.Field[calendar.Date] `query:"due_from" doc:"Due on this day or later." example:"2026-07-01"`
	DueTo      input.Field[calendar.Date] `query:"due_to" doc:"Due on this day or earlier." example:"2026-07-31"`
}

// record is a task with what is not shown of it.
type record struct {
	Task
	requirementID *int64
	stageVisit    *int64
	leadVisit     *int64 // the present visit of its lead
}

// mandatory tells whether the lead may not leave its stage without the task.
func (r *record) mandatory() bool {
	return r.requirementID != nil && r.stageVisit != nil && r.leadVisit != nil && *r.stageVisit == *r.leadVisit
}

// shown completes what depends on the time of the request.
func (r *record) shown(now time.Time, loc *time.Location) Task {
	task := r.Task
	task.IsOverdue = task.Status == Pending && past(task.DueDate, task.DueTime, now, loc)
	return task
}

// past tells whether a day, or the minute of it, is over. Wall clocks are
// compared, so that it does not matter whether the minute exists in the zone.
func past(day calendar.Date, at *calendar.Clock, now time.Time, loc *time.Location) bool {
	if today := calendar.DateOf(now, loc); day != today {
		return day < today
	}
	return at != nil && *at < calendar.Clock(now.In(loc).Format("15:04"))
}
