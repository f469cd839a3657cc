package tasks

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/timeline"
)

// LeadRef is the lead that enters a stage.
type LeadRef struct {
	ID         int64
	Name       string
	AssignedTo *int64 // who gets the tasks
}

// Stage is the stage that is entered and what it demands.
type Stage struct {
	Name         string
	Requirements []Requirement
}

// Requirement is a task that must be completed before a lead leaves the stage.
type Requirement struct {
	ID        int64
	Subject   string // with {{lead_name}} and {{stage_name}}
	Type      string
	Priority  string
	DueInDays int64
}

// CreateMandatory makes the tasks that a stage demands of a lead that enters it
// on the given visit. A requirement that has been deleted since the stage was
// read makes none.
func (s *Service) CreateMandatory(tx *db.Tx, actor authz.Actor, lead LeadRef, stage Stage, visit int64) error {
	today := calendar.DateOf(tx.Now(), actor.Location)
	names := strings.NewReplacer("{{lead_name}}", lead.Name, "{{stage_name}}", stage.Name)
	for _, requirement := range stage.Requirements {
		subject := cut(names.Replace(requirement.Subject))
		made, err := tx.Exec(`INSERT INTO tasks (account_id, lead_id, subject, type, priority, due_date, assigned_to, requirement_id, stage_visit,
				created_by, created_at, updated_at)
			SELECT account_id, $3, $4::text, $5::text, $6::text, $7::text, $8::bigint, id, $9, $10::bigint, $11::timestamptz, $11::timestamptz
			FROM stage_requirements WHERE account_id = $1 AND id = $2 FOR SHARE`,
			actor.AccountID, requirement.ID, lead.ID, subject, requirement.Type, requirement.Priority, today.AddDays(int(requirement.DueInDays)),
			lead.AssignedTo, visit, actor.PerformedBy(), tx.Now())
		if err != nil {
			return fmt.Errorf("making the task of requirement %d: %w", requirement.ID, err)
		}
		if made == 0 {
			continue
		}
		if err := tell(tx, actor, &lead.ID, timeline.TaskCreated, "Tarefa criada: "+subject); err != nil {
			return err
		}
	}
	return nil
}

// cut keeps a subject within its length, which a long name can exceed.
func cut(subject string) string {
	const most = 255
	if utf8.RuneCountInString(subject) <= most {
		return subject
	}
	return string([]rune(subject)[:most])
}

// BlockingTask is a task that keeps a lead in its stage, as the refusal shows it
// (companion-api.md section 1, "422 blocked").
type BlockingTask struct {
	ID      int64  `json:"id" doc:"Task id." example:"45"`
	Subject string `json:"subject" doc:"What is to be done." example:"Ligar para o cliente"`
	Type    string `json:"type" doc:"Sort of task." enum:"call,email,task,visit,whatsapp,meeting" example:"call"`
}

// PendingMandatory gives the tasks for which a lead on its present visit may not
// leave its stage. The caller holds the lead, so that its visit does not end meanwhile.
func PendingMandatory(q db.Querier, actor authz.Actor, leadID, visit int64) ([]BlockingTask, error) {
	return db.Collect(q.Query(`SELECT id, subject, type FROM tasks
		WHERE account_id = $1 AND lead_id = $2 AND stage_visit = $3 AND requirement_id IS NOT NULL AND completed_at IS NULL ORDER BY id`,
		actor.AccountID, leadID, visit),
		func(r *db.Rows, t *BlockingTask) { r.Scan(&t.ID, &t.Subject, &t.Type) })
}
