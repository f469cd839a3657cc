package tasks

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/timeline"
)

// LeadRef is the lead that enters a stage.
type LeadRef struct {
	ID           int64
	Name         string
	Phone, Email string // "" for none
	AssignedTo   *int64 // who gets the tasks
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
	if len(stage.Requirements) == 0 {
		return nil
	}
	now := calendar.Instant{Time: tx.Now()}
	today := calendar.DateOf(now.Time, actor.Location)
	names := strings.NewReplacer("{{lead_name}}", lead.Name, "{{stage_name}}", stage.Name)
	shown := &Lead{lead.ID, lead.Name, textOrNil(lead.Phone), textOrNil(lead.Email)}
	var owner *timeline.Person
	if lead.AssignedTo != nil {
		switch user, err := holdUser(tx, actor, *lead.AssignedTo); {
		case err == nil:
			owner = &user
		case errors.Is(err, db.ErrNoRows): // he is deleted: an undo has given the lead back to him
			lead.AssignedTo = nil
		default:
			return fmt.Errorf("looking up user %d: %w", *lead.AssignedTo, err)
		}
	}
	standing, err := stillDemanded(tx, actor, stage.Requirements)
	if err != nil {
		return err
	}
	for _, requirement := range stage.Requirements {
		if !slices.Contains(standing, requirement.ID) {
			continue
		}
		r := record{Task: Task{
			Subject: cut(names.Replace(requirement.Subject)), Type: requirement.Type, Status: Pending, Priority: requirement.Priority,
			DueDate: today.AddDays(int(requirement.DueInDays)), LeadID: &lead.ID, Lead: shown, AssignedTo: lead.AssignedTo, AssignedUser: owner,
			CreatedAt: now, UpdatedAt: now, Version: 1,
		}}
		r.requirementID, r.stageVisit = &requirement.ID, &visit
		if err := insert(tx, actor, &r); err != nil {
			return fmt.Errorf("making the task of requirement %d: %w", requirement.ID, err)
		}
		task := r.shown(tx.Now(), actor.Location)
		if err := s.tell(tx, actor, Facts{After: &task}, nil, events.TaskCreated); err != nil {
			return err
		}
	}
	return nil
}

// WithdrawMandatory takes back the tasks that a lead's visit made, because the visit
// is undone: those that nobody has touched are deleted, the others stay as ordinary
// tasks. The caller holds the lead.
func (s *Service) WithdrawMandatory(tx *db.Tx, actor authz.Actor, leadID, visit int64) error {
	made, err := db.Collect(tx.Query(columns+` FROM tasks t`+joins+` WHERE t.account_id = $1 AND t.lead_id = $2 AND t.stage_visit = $3 ORDER BY t.id FOR UPDATE OF t`,
		actor.AccountID, leadID, visit), scan)
	if err != nil {
		return fmt.Errorf("reading the tasks of a visit: %w", err)
	}
	for _, r := range made {
		if r.Version > 1 {
			r.requirementID, r.stageVisit = nil, nil
			if err := update(tx, actor, &r); err != nil {
				return err
			}
			continue
		}
		if err := s.discard(tx, actor, &r); err != nil {
			return fmt.Errorf("deleting the mandatory task %d: %w", r.ID, err)
		}
	}
	return nil
}

// stillDemanded are the ids of those requirements that are there; they stay until
// the transaction ends.
func stillDemanded(tx *db.Tx, actor authz.Actor, requirements []Requirement) ([]int64, error) {
	ids := make([]int64, len(requirements))
	for i, r := range requirements {
		ids[i] = r.ID
	}
	standing, err := db.Column[int64](tx.Query(`SELECT id FROM stage_requirements WHERE account_id = $1 AND id = ANY($2) ORDER BY id FOR SHARE`, actor.AccountID, ids))
	if err != nil {
		return nil, fmt.Errorf("reading a stage's requirements: %w", err)
	}
	return standing, nil
}

func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
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
