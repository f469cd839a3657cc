package setup

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
)

// StageFields are a stage in the body of a creation.
type StageFields struct {
	Name         input.Field[string]              `json:"name" required:"true" maxLength:"100" doc:"Name, unique in the pipeline whatever its case." example:"Proposta"`
	Color        input.Field[string]              `json:"color" doc:"Its colour on the board (default by its place and kind)." example:"#4ECDC4"`
	Kind         input.Field[string]              `json:"kind" enum:"open,won,lost" doc:"What leads in it are (default open)." example:"open"`
	Probability  input.Field[int64]               `json:"probability" minimum:"0" maximum:"100" doc:"Percent, for forecasts (default 50); always 100 in a won stage and 0 in a lost one." example:"40"`
	RottingDays  input.Field[int64]               `json:"rotting_days" minimum:"1" maximum:"3650" doc:"A lead that stays for more days is rotting; null for never." example:"7"`
	Requirements input.Field[[]RequirementFields] `json:"requirements" maxItems:"50" doc:"Tasks that each lead that enters it gets and must complete before it leaves."`
}

// StageChanges are the body of PUT /stages/{id}.
type StageChanges struct {
	Name        input.Field[string] `json:"name" whenSent:"required" maxLength:"100" doc:"Name, unique in the pipeline whatever its case." example:"Proposta"`
	Color       input.Field[string] `json:"color" whenSent:"required" doc:"Its colour on the board." example:"#4ECDC4"`
	Kind        input.Field[string] `json:"kind" whenSent:"required" enum:"open,won,lost" doc:"What leads in it are. It does not change while the stage holds leads." example:"open"`
	Probability input.Field[int64]  `json:"probability" whenSent:"required" minimum:"0" maximum:"100" doc:"Percent, for forecasts; always 100 in a won stage and 0 in a lost one." example:"40"`
	RottingDays input.Field[int64]  `json:"rotting_days" minimum:"1" maximum:"3650" doc:"A lead that stays for more days is rotting; null for never." example:"7"`
}

// maxVacated is how many leads the removal of a stage moves itself.
const maxVacated = 5000

// stage is the stage that is to be made; place is where it will stand.
func (f StageFields) stage(place int) pipelines.Stage {
	s := pipelines.Stage{Name: f.Name.Value, Color: f.Color.Value, Kind: pipelines.Open, Probability: openProbability}
	if f.Kind.Given() {
		s.Kind = pipelines.Kind(f.Kind.Value)
	}
	if s.Kind != pipelines.Open {
		s.Probability = standardProbability(s.Kind)
	}
	if !f.Color.Given() {
		s.Color = standardColor(s.Kind, place)
	}
	if f.Probability.Given() {
		s.Probability = int(f.Probability.Value)
	}
	if f.RottingDays.Given() {
		s.RottingDays = new(int(f.RottingDays.Value))
	}
	for _, r := range f.Requirements.Value {
		s.Requirements = append(s.Requirements, r.requirement())
	}
	return s
}

// check adds what is wrong with a stage that is to be made beside others to
// problems, under names that begin with prefix.
func (f StageFields) check(prefix string, s *pipelines.Stage, others []pipelines.Stage, problems *faults.Bag) {
	checkStage(prefix, s, others, problems)
	for i, r := range f.Requirements.Value {
		checkRequirement(prefix+at("requirements", i), r.Subject.Value, s.Requirements[:i], 0, problems)
	}
}

// checkStage adds what the form's own rules do not see.
func checkStage(prefix string, s *pipelines.Stage, others []pipelines.Stage, problems *faults.Bag) {
	if slices.ContainsFunc(others, func(o pipelines.Stage) bool { return (s.ID == 0 || o.ID != s.ID) && key(o.Name) == key(s.Name) }) {
		problems.Add(prefix+"name", "The "+prefix+"name has already been taken.")
	}
	if !colorForm.MatchString(s.Color) && !problems.Has(prefix+"color") {
		problems.Add(prefix+"color", "The "+prefix+"color field format is invalid.")
	}
	s.Color = strings.ToUpper(s.Color)
	if s.Kind != pipelines.Open && s.Probability != standardProbability(s.Kind) {
		problems.Add(prefix+"probability", "The "+prefix+"probability field must be "+strconv.Itoa(standardProbability(s.Kind))+" in a "+string(s.Kind)+" stage.")
	}
}

// at is how the problems of a list's item begin: "stages.0.".
func at(list string, i int) string { return list + "." + strconv.Itoa(i) + "." }

func addStage(tx *db.Tx, actor authz.Actor, s *pipelines.Stage) (err error) {
	if s.ID, err = pipelines.AddStage(tx, actor.AccountID, *s); err != nil {
		return err
	}
	for i := range s.Requirements {
		r := &s.Requirements[i]
		r.StageID = s.ID
		if r.ID, err = pipelines.AddRequirement(tx, actor.AccountID, *r); err != nil {
			return err
		}
	}
	return nil
}

// CreateStage adds a stage to a pipeline, behind its last open one: closed stages
// stand at the end of a board.
func (e *Editor) CreateStage(ctx context.Context, actor authz.Actor, pipelineID int64, form *input.Form[StageFields]) (s pipelines.Stage, err error) {
	err = e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		p, ok := board.Pipeline(pipelineID)
		if !ok {
			return unknownPipeline()
		}
		problems := form.Problems.Clone()
		place := len(p.Stages)
		s = form.Fields.stage(place)
		form.Fields.check("", &s, p.Stages, &problems)
		if err := with(form, problems); err != nil {
			return err
		}
		if s.Kind == pipelines.Open {
			for place > 0 && p.Stages[place-1].Kind != pipelines.Open {
				place--
			}
		}
		s.PipelineID, s.SortOrder = p.ID, place+1
		for i, other := range p.Stages {
			if i >= place {
				i++
			}
			if err := reorder(tx, actor, other, i+1); err != nil {
				return err
			}
		}
		return addStage(tx, actor, &s)
	})
	return s, err
}

// reorder gives a stage its place, if that is another one.
func reorder(tx *db.Tx, actor authz.Actor, s pipelines.Stage, place int) error {
	if s.SortOrder == place {
		return nil
	}
	s.SortOrder = place
	return pipelines.UpdateStage(tx, actor.AccountID, s)
}

// UpdateStage changes what is sent of a stage.
func (e *Editor) UpdateStage(ctx context.Context, actor authz.Actor, id int64, form *input.Form[StageChanges]) (s pipelines.Stage, err error) {
	err = e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		var ok bool
		if s, ok = board.Stage(id); !ok {
			return unknownStage()
		}
		p, _ := board.Pipeline(s.PipelineID)
		f, problems := form.Fields, form.Problems.Clone()
		before := s.Kind
		assign(&s.Name, f.Name)
		assign(&s.Color, f.Color)
		if f.Kind.Given() {
			s.Kind = pipelines.Kind(f.Kind.Value)
		}
		if s.Kind != before {
			s.Probability = standardProbability(s.Kind)
			held, err := pipelines.HoldsLeads(tx, actor.AccountID, id)
			if err != nil {
				return err
			}
			if held {
				problems.Add("kind", "The kind field cannot change while the stage holds leads.")
			}
		}
		if f.Probability.Given() {
			s.Probability = int(f.Probability.Value)
		}
		if f.RottingDays.Sent {
			s.RottingDays = nil
			if f.RottingDays.Given() {
				s.RottingDays = new(int(f.RottingDays.Value))
			}
		}
		checkStage("", &s, p.Stages, &problems)
		if err := with(form, problems); err != nil {
			return err
		}
		return pipelines.UpdateStage(tx, actor.AccountID, s)
	})
	return s, err
}

// OrderStages puts the stages of a pipeline into an order.
func (e *Editor) OrderStages(ctx context.Context, actor authz.Actor, pipelineID int64, form *input.Form[OrderFields]) error {
	return e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		p, ok := board.Pipeline(pipelineID)
		if !ok {
			return unknownPipeline()
		}
		ids, err := ordered(form, collect(p.Stages, func(s pipelines.Stage) int64 { return s.ID }))
		if err != nil {
			return err
		}
		for i, id := range ids {
			s, _ := board.Stage(id)
			if err := reorder(tx, actor, s, i+1); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteQuery says where the leads of a stage go that is removed.
type DeleteQuery struct {
	TargetStageID input.Field[int64] `query:"target_stage_id" doc:"Stage to which the leads move that it holds: one of the same kind, a closed one in the same pipeline." example:"6"`
}

// DeleteStage removes a stage. The leads that it holds move to the target first,
// with all that a move entails; without a target it must hold none.
func (e *Editor) DeleteStage(ctx context.Context, actor authz.Actor, id int64, query DeleteQuery) error {
	board, err := e.board(ctx, actor)
	if err != nil {
		return err
	}
	from, ok := board.Stage(id)
	if !ok {
		return unknownStage()
	}
	if query.TargetStageID.Given() {
		if err := e.vacate(ctx, actor, board, from, query.TargetStageID.Value); err != nil {
			return err
		}
	}
	return e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		if _, ok := board.Stage(id); !ok {
			return unknownStage()
		}
		if err := refuseHeld(tx, actor, from, "A etapa tem leads: informe em target_stage_id a etapa que os recebe."); err != nil {
			return err
		}
		return stillReferred(pipelines.RemoveStage(tx, actor.AccountID, from))
	})
}

// vacate moves the leads of a stage that is to be removed.
func (e *Editor) vacate(ctx context.Context, actor authz.Actor, board *pipelines.Board, from pipelines.Stage, targetID int64) error {
	var problems faults.Bag
	to, ok := board.Stage(targetID)
	if !ok || to.ID == from.ID || to.Kind != from.Kind || (to.Kind != pipelines.Open && to.PipelineID != from.PipelineID) {
		problems.Selected("target_stage_id")
		return problems.Err()
	}
	var n int64
	err := e.db.Read(ctx, func(q db.Querier) (err error) {
		n, err = leads.InStage(q, actor, from)
		return err
	})
	if err != nil {
		return err
	}
	if n > maxVacated {
		return inUse("A etapa tem leads demais para uma só requisição: mova-os antes com uma ação em massa.", "leads", n)
	}
	return e.leads.Vacate(ctx, actor, from, to)
}

// refuseHeld refuses to remove a stage while leads, those in the trash and merged
// ones included, are in it.
func refuseHeld(q db.Querier, actor authz.Actor, s pipelines.Stage, message string) error {
	held, err := pipelines.HoldsLeads(q, actor.AccountID, s.ID)
	if err != nil || !held {
		return err
	}
	n, err := leads.InStage(q, actor, s)
	if err != nil {
		return err
	}
	return inUse(message, "leads", n)
}
