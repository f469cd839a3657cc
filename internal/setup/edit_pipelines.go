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

// PipelineFields are the body of POST /pipelines.
type PipelineFields struct {
	Name   input.Field[string]        `json:"name" required:"true" maxLength:"100" doc:"Name, unique in the account whatever its case." example:"Pós-venda"`
	Stages input.Field[[]StageFields] `json:"stages" maxItems:"100" doc:"Its stages, in board order; they can be added later, too."`
}

// PipelineChanges are the body of PUT /pipelines/{id}.
type PipelineChanges struct {
	Name input.Field[string] `json:"name" whenSent:"required" maxLength:"100" doc:"Name, unique in the account whatever its case." example:"Pós-venda"`
}

// CreatePipeline adds a pipeline, with its stages, behind the others.
func (e *Editor) CreatePipeline(ctx context.Context, actor authz.Actor, form *input.Form[PipelineFields]) (p pipelines.Pipeline, err error) {
	err = e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		problems := form.Problems.Clone()
		if pipelineNamed(board, form.Fields.Name.Value, 0) {
			taken(&problems)
		}
		p = pipelines.Pipeline{Name: form.Fields.Name.Value, SortOrder: 1}
		if all := board.Pipelines(); len(all) > 0 {
			p.SortOrder = all[len(all)-1].SortOrder + 1
		}
		for i, fields := range form.Fields.Stages.Value {
			stage := fields.stage(i)
			fields.check(at("stages", i), &stage, p.Stages, &problems)
			stage.SortOrder = i + 1
			p.Stages = append(p.Stages, stage)
		}
		if err := with(form, problems); err != nil {
			return err
		}
		if p.ID, err = pipelines.AddPipeline(tx, actor.AccountID, p); err != nil {
			return err
		}
		for i := range p.Stages {
			p.Stages[i].PipelineID = p.ID
			if err := addStage(tx, actor, &p.Stages[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return p, err
}

// RenamePipeline changes what is sent of a pipeline.
func (e *Editor) RenamePipeline(ctx context.Context, actor authz.Actor, id int64, form *input.Form[PipelineChanges]) (p pipelines.Pipeline, err error) {
	err = e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		var ok bool
		if p, ok = board.Pipeline(id); !ok {
			return unknownPipeline()
		}
		problems := form.Problems.Clone()
		if name := form.Fields.Name; name.Given() && pipelineNamed(board, name.Value, id) {
			taken(&problems)
		}
		if err := with(form, problems); err != nil {
			return err
		}
		assign(&p.Name, form.Fields.Name)
		return pipelines.UpdatePipeline(tx, actor.AccountID, p)
	})
	return p, err
}

func pipelineNamed(board *pipelines.Board, name string, besides int64) bool {
	return slices.ContainsFunc(board.Pipelines(), func(p pipelines.Pipeline) bool { return p.ID != besides && key(p.Name) == key(name) })
}

// OrderPipelines puts the pipelines into an order.
func (e *Editor) OrderPipelines(ctx context.Context, actor authz.Actor, form *input.Form[OrderFields]) error {
	return e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		ids, err := ordered(form, board.PipelineIDs())
		if err != nil {
			return err
		}
		for i, id := range ids {
			p, _ := board.Pipeline(id)
			p.SortOrder = i + 1
			if err := pipelines.UpdatePipeline(tx, actor.AccountID, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeletePipeline removes a pipeline whose stages hold no leads. Its sales stay with
// their leads.
func (e *Editor) DeletePipeline(ctx context.Context, actor authz.Actor, id int64) error {
	return e.editBoard(ctx, actor, func(tx *db.Tx, board *pipelines.Board) error {
		p, ok := board.Pipeline(id)
		if !ok {
			return unknownPipeline()
		}
		for _, stage := range p.Stages {
			if err := refuseHeld(tx, actor, stage, "O pipeline tem leads: exclua antes suas etapas, informando target_stage_id."); err != nil {
				return err
			}
		}
		return stillReferred(pipelines.RemovePipeline(tx, actor.AccountID, p))
	})
}

// stillReferred is the refusal of a removal that a lead, arriving at the same
// moment, makes impossible.
func stillReferred(err error) error {
	if v, ok := db.ViolationOf(err); ok && v.Kind == db.ForeignKey {
		return faults.New(faults.Conflict, "O registro acaba de entrar em uso. Tente novamente.").Because(err)
	}
	return err
}
