package setup

import (
	"syncro/internal/pipelines"
)

// pipelineDetail is a pipeline as its administration sees it: GET /pipelines shows
// less.
type pipelineDetail struct {
	ID        int64         `json:"id" doc:"Identifier of the pipeline." example:"1"`
	Name      string        `json:"name" doc:"Its name, unique in the account." example:"Vendas"`
	SortOrder int           `json:"sort_order" doc:"Place among the pipelines, ascending." example:"1"`
	Stages    []stageDetail `json:"stages" nullable:"false" doc:"Its stages, in board order."`
}

type stageDetail struct {
	ID           int64               `json:"id" doc:"Identifier of the stage." example:"5"`
	PipelineID   int64               `json:"pipeline_id" doc:"Its pipeline." example:"1"`
	Name         string              `json:"name" doc:"Its name, unique in the pipeline." example:"Proposta"`
	Color        string              `json:"color" doc:"Its colour on the board." example:"#4ECDC4"`
	Kind         pipelines.Kind      `json:"kind" enum:"open,won,lost" doc:"What leads in it are." example:"open"`
	IsWon        bool                `json:"is_won" doc:"Whether leads in it are won." example:"false"`
	IsLost       bool                `json:"is_lost" doc:"Whether leads in it are lost." example:"false"`
	Probability  int                 `json:"probability" doc:"Percent, for forecasts." example:"40"`
	RottingDays  *int                `json:"rotting_days" doc:"A lead that stays for more days is rotting; null for never." example:"7"`
	SortOrder    int                 `json:"sort_order" doc:"Place on the board, ascending." example:"2"`
	Requirements []requirementDetail `json:"requirements" nullable:"false" doc:"Tasks that each lead that enters it gets and must complete before it leaves."`
}

type requirementDetail struct {
	ID        int64  `json:"id" doc:"Identifier of the requirement." example:"3"`
	StageID   int64  `json:"stage_id" doc:"Its stage." example:"5"`
	Subject   string `json:"subject" doc:"What is to be done, with placeholders." example:"Conferir documentos de {{lead_name}}"`
	Type      string `json:"type" enum:"call,email,task,visit,whatsapp,meeting" doc:"Sort of task." example:"task"`
	Priority  string `json:"priority" enum:"low,medium,high" doc:"How urgent it is." example:"high"`
	DueInDays int    `json:"due_in_days" doc:"Days from the entry into the stage until it is due." example:"2"`
}

type reasonDetail struct {
	ID        int64  `json:"id" doc:"Identifier of the reason." example:"1"`
	Name      string `json:"name" doc:"Its name, unique in the account." example:"Preço alto"`
	SortOrder int    `json:"sort_order" doc:"Place among the reasons, ascending." example:"1"`
}

func detailOf(p pipelines.Pipeline) pipelineDetail {
	d := pipelineDetail{p.ID, p.Name, p.SortOrder, make([]stageDetail, 0, len(p.Stages))}
	for _, s := range p.Stages {
		d.Stages = append(d.Stages, detailOfStage(s))
	}
	return d
}

func detailOfStage(s pipelines.Stage) stageDetail {
	d := stageDetail{s.ID, s.PipelineID, s.Name, s.Color, s.Kind, s.Kind == pipelines.Won, s.Kind == pipelines.Lost, s.Probability, s.RottingDays, s.SortOrder, make([]requirementDetail, 0, len(s.Requirements))}
	for _, r := range s.Requirements {
		d.Requirements = append(d.Requirements, requirementDetail(r))
	}
	return d
}

type pipelineAnswer struct {
	Success  bool           `json:"success" doc:"Always true." example:"true"`
	Pipeline pipelineDetail `json:"pipeline" doc:"The pipeline."`
}

type stageAnswer struct {
	Success bool        `json:"success" doc:"Always true." example:"true"`
	Stage   stageDetail `json:"stage" doc:"The stage."`
}

type requirementAnswer struct {
	Success     bool              `json:"success" doc:"Always true." example:"true"`
	Requirement requirementDetail `json:"requirement" doc:"The requirement."`
}

type reasonAnswer struct {
	Success    bool         `json:"success" doc:"Always true." example:"true"`
	LostReason reasonDetail `json:"lost_reason" doc:"The reason."`
}
