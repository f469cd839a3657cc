package pipelines

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
)

// Routes declares the pipelines' part of the API (companion-api.md section 3).
func (s *Service) Routes(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/pipelines", Scope: authz.PipelinesRead,
		ID: "listPipelines", Tag: "Pipelines", Summary: "List pipelines, stages and lost reasons",
		Description: "All pipelines with their stages, both in the order of the board, and the reasons for which sales are lost. The lists are not under `data`.",
	}, s.list)
}

type pipelineList struct {
	Success     bool             `json:"success" doc:"Always true." example:"true"`
	Pipelines   []pipelineItem   `json:"pipelines" nullable:"false" doc:"The pipelines, in order."`
	LostReasons []lostReasonItem `json:"lost_reasons" nullable:"false" doc:"The reasons for which sales are lost, in order."`
}

type pipelineItem struct {
	ID     int64       `json:"id" doc:"Identifier of the pipeline." example:"1"`
	Name   string      `json:"name" doc:"Its name, unique in the account." example:"Vendas"`
	Stages []stageItem `json:"stages" nullable:"false" doc:"Its stages, in board order."`
}

type stageItem struct {
	ID     int64  `json:"id" doc:"Identifier of the stage." example:"5"`
	Name   string `json:"name" doc:"Its name, unique in the pipeline." example:"Proposta"`
	Color  string `json:"color" doc:"Its colour on the board." example:"#4ECDC4"`
	IsWon  bool   `json:"is_won" doc:"Whether leads in it are won." example:"false"`
	IsLost bool   `json:"is_lost" doc:"Whether leads in it are lost." example:"false"`
}

type lostReasonItem struct {
	ID   int64  `json:"id" doc:"Identifier of the reason." example:"1"`
	Name string `json:"name" doc:"Its name." example:"Preço alto"`
}

func (s *Service) list(ctx context.Context, c *api.Call) (pipelineList, error) {
	board, err := s.Board(ctx, c.Actor)
	if err != nil {
		return pipelineList{}, err
	}
	answer := pipelineList{
		Success:     true,
		Pipelines:   make([]pipelineItem, 0, len(board.Pipelines())),
		LostReasons: make([]lostReasonItem, 0, len(board.LostReasons())),
	}
	for _, pipeline := range board.Pipelines() {
		item := pipelineItem{pipeline.ID, pipeline.Name, make([]stageItem, 0, len(pipeline.Stages))}
		for _, stage := range pipeline.Stages {
			item.Stages = append(item.Stages, stageItem{stage.ID, stage.Name, stage.Color, stage.Kind == Won, stage.Kind == Lost})
		}
		answer.Pipelines = append(answer.Pipelines, item)
	}
	for _, reason := range board.LostReasons() {
		answer.LostReasons = append(answer.LostReasons, lostReasonItem{reason.ID, reason.Name})
	}
	return answer, nil
}
