package setup

import (
	"context"
	"slices"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/pipelines"
)

// RequirementFields are a requirement in a body.
type RequirementFields struct {
	Subject   input.Field[string] `json:"subject" required:"true" maxLength:"255" doc:"What is to be done; {{lead_name}} and {{stage_name}} can be used. Unique in the stage whatever its case." example:"Conferir documentos de {{lead_name}}"`
	Type      input.Field[string] `json:"type" enum:"call,email,task,visit,whatsapp,meeting" doc:"Sort of task (default task)." example:"task"`
	Priority  input.Field[string] `json:"priority" enum:"low,medium,high" doc:"How urgent it is (default medium)." example:"high"`
	DueInDays input.Field[int64]  `json:"due_in_days" minimum:"0" maximum:"3650" doc:"Days from the entry into the stage until it is due (default 0)." example:"2"`
}

// RequirementChanges are the body of PUT /stage-requirements/{id}.
type RequirementChanges struct {
	Subject   input.Field[string] `json:"subject" whenSent:"required" maxLength:"255" doc:"What is to be done; {{lead_name}} and {{stage_name}} can be used." example:"Conferir documentos de {{lead_name}}"`
	Type      input.Field[string] `json:"type" whenSent:"required" enum:"call,email,task,visit,whatsapp,meeting" doc:"Sort of task." example:"task"`
	Priority  input.Field[string] `json:"priority" whenSent:"required" enum:"low,medium,high" doc:"How urgent it is." example:"high"`
	DueInDays input.Field[int64]  `json:"due_in_days" whenSent:"required" minimum:"0" maximum:"3650" doc:"Days from the entry into the stage until it is due." example:"2"`
}

func (f RequirementFields) requirement() pipelines.Requirement {
	r := pipelines.Requirement{Subject: f.Subject.Value, Type: "task", Priority: "medium", DueInDays: int(f.DueInDays.Value)}
	assign(&r.Type, f.Type)
	assign(&r.Priority, f.Priority)
	return r
}

// checkRequirement adds what the form's own rules do not see; besides is the
// requirement's own id among the others.
func checkRequirement(prefix, subject string, others []pipelines.Requirement, besides int64, problems *faults.Bag) {
	name := prefix + "subject"
	for _, used := range placeholder.FindAllString(subject, -1) {
		if !slices.Contains(requirementPlaceholders, used) {
			problems.Add(name, "The "+name+" field must not hold placeholders other than {{lead_name}} and {{stage_name}}.")
			break
		}
	}
	if slices.ContainsFunc(others, func(o pipelines.Requirement) bool {
		return (besides == 0 || o.ID != besides) && key(o.Subject) == key(subject)
	}) {
		problems.Add(name, "The "+name+" has already been taken.")
	}
}

// CreateRequirement adds a requirement to a stage. It binds from the next entry into
// the stage on.
func (e *Editor) CreateRequirement(ctx context.Context, actor authz.Actor, stageID int64, form *input.Form[RequirementFields]) (r pipelines.Requirement, err error) {
	err = e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		s, ok := board.Stage(stageID)
		if !ok {
			return unknownStage()
		}
		problems := form.Problems.Clone()
		checkRequirement("", form.Fields.Subject.Value, s.Requirements, 0, &problems)
		if err := with(form, problems); err != nil {
			return err
		}
		r = form.Fields.requirement()
		r.StageID = stageID
		r.ID, err = pipelines.AddRequirement(tx, actor.AccountID, r)
		return err
	})
	return r, err
}

// UpdateRequirement changes what is sent of a requirement. The tasks it has made
// stay as they are.
func (e *Editor) UpdateRequirement(ctx context.Context, actor authz.Actor, id int64, form *input.Form[RequirementChanges]) (r pipelines.Requirement, err error) {
	err = e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		s, at := requirementOf(board, id)
		if at < 0 {
			return unknownRequirement()
		}
		r = s.Requirements[at]
		f, problems := form.Fields, form.Problems.Clone()
		assign(&r.Subject, f.Subject)
		assign(&r.Type, f.Type)
		assign(&r.Priority, f.Priority)
		if f.DueInDays.Given() {
			r.DueInDays = int(f.DueInDays.Value)
		}
		checkRequirement("", r.Subject, s.Requirements, id, &problems)
		if err := with(form, problems); err != nil {
			return err
		}
		return pipelines.UpdateRequirement(tx, actor.AccountID, r)
	})
	return r, err
}

// DeleteRequirement removes a requirement and releases the tasks it has made.
func (e *Editor) DeleteRequirement(ctx context.Context, actor authz.Actor, id int64) error {
	return e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		s, at := requirementOf(board, id)
		if at < 0 {
			return unknownRequirement()
		}
		return pipelines.RemoveRequirement(tx, actor.AccountID, s.Requirements[at])
	})
}

// requirementOf finds a requirement and its stage; its place in it is negative when
// there is none.
func requirementOf(board *pipelines.Board, id int64) (s pipelines.Stage, at int) {
	for _, p := range board.Pipelines() {
		for _, s := range p.Stages {
			if at := slices.IndexFunc(s.Requirements, func(r pipelines.Requirement) bool { return r.ID == id }); at >= 0 {
				return s, at
			}
		}
	}
	return s, -1
}
