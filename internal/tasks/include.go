package tasks

import (
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
)

// LeadTask is a task as a lead's include shows it (leads-api.txt, "Extra relations").
type LeadTask struct {
	ID          int64             `json:"id" doc:"Task id." example:"45"`
	Subject     string            `json:"subject" doc:"What is to be done." example:"Ligar para o cliente"`
	Type        string            `json:"type" doc:"Sort of task." enum:"call,email,task,visit,whatsapp,meeting" example:"call"`
	Status      string            `json:"status" doc:"Whether it is done." enum:"pending,completed" example:"pending"`
	Priority    string            `json:"priority" doc:"How urgent it is." enum:"low,medium,high" example:"medium"`
	DueDate     calendar.Date     `json:"due_date" format:"date" doc:"Day by which it is to be done." example:"2026-07-01"`
	DueTime     *calendar.Clock   `json:"due_time" doc:"Time of that day, HH:MM in the account's time zone." example:"14:30"`
	CompletedAt *calendar.Instant `json:"completed_at" doc:"When it was completed."`
	AssignedTo  *int64            `json:"assigned_to" doc:"User who is to do it." example:"12"`
}

// ForLeads gives the tasks of leads by lead, soonest due first. The caller has
// made sure that the leads are neither merged nor in the trash.
func ForLeads(q db.Querier, actor authz.Actor, leadIDs []int64) (map[int64][]LeadTask, error) {
	rows := q.Query(`SELECT lead_id, id, subject, type, priority, due_date, due_time, completed_at, assigned_to FROM tasks
		WHERE account_id = $1 AND lead_id = ANY($2) ORDER BY due_date, due_time NULLS LAST, id`, actor.AccountID, leadIDs)
	tasks := map[int64][]LeadTask{}
	for rows.Next() {
		var (
			leadID    int64
			t         LeadTask
			completed *time.Time
		)
		rows.Scan(&leadID, &t.ID, &t.Subject, &t.Type, &t.Priority, &t.DueDate, &t.DueTime, &completed, &t.AssignedTo)
		t.Status, t.CompletedAt = status(completed), calendar.InstantOf(completed)
		tasks[leadID] = append(tasks[leadID], t)
	}
	return tasks, rows.Err()
}
