package pipelines

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// Kind says whether a lead in the stage is open, won or lost.
type Kind string

// The kinds of stage.
const (
	Open Kind = "open"
	Won  Kind = "won"
	Lost Kind = "lost"
)

// Pipeline is a way that leads go, with its stages in board order.
type Pipeline struct {
	ID        int64
	Name      string
	SortOrder int
	Stages    []Stage
	// RefJSON is how a lead shows its pipeline: {"id":1,"name":"Vendas"}.
	RefJSON string
}

// Stage is a place on a pipeline's board.
type Stage struct {
	ID           int64
	PipelineID   int64
	Name         string
	Color        string // #RRGGBB
	Kind         Kind
	Probability  int  // percent, for forecasts
	RottingDays  *int // a lead that stays longer is rotting; nil: never
	SortOrder    int
	Requirements []Requirement
	// RefJSON is how a lead shows its stage: {"id":5,"name":"Proposta"}.
	RefJSON string
}

// Requirement is a task that must be done before a lead may leave the stage.
type Requirement struct {
	ID        int64
	StageID   int64
	Subject   string // with {{lead_name}} and {{stage_name}}
	Type      string // a task's type
	Priority  string // a task's priority
	DueInDays int    // after the entry into the stage
}

// LostReason is why a sale was lost.
type LostReason struct {
	ID        int64
	Name      string
	SortOrder int
}

// Board is an account's pipelines, stages and lost reasons at one moment. It
// does not change once made, it is shared: callers change nothing they get from it.
type Board struct {
	pipelines   []Pipeline
	reasons     []LostReason
	pipelineAt  map[int64]int
	stageAt     map[int64]place
	reasonAt    map[int64]int
	pipelineIDs []int64
}

// place is where a stage stands: its pipeline's and its own index.
type place struct{ pipeline, stage int }

// NewBoard puts a board together from its parts, each in board order. Stages
// without their pipeline and requirements without their stage are left out: on
// PostgreSQL the parts are read one after the other, and one may be newer.
func NewBoard(pipelines []Pipeline, stages []Stage, requirements []Requirement, reasons []LostReason) *Board {
	b := &Board{
		pipelines:  slices.Clone(pipelines),
		reasons:    slices.Clone(reasons),
		pipelineAt: make(map[int64]int, len(pipelines)),
		stageAt:    make(map[int64]place, len(stages)),
		reasonAt:   make(map[int64]int, len(reasons)),
	}
	for i := range b.pipelines {
		p := &b.pipelines[i]
		p.Stages, p.RefJSON = nil, refJSON(p.ID, p.Name)
		b.pipelineAt[p.ID] = i
		b.pipelineIDs = append(b.pipelineIDs, p.ID)
	}
	for _, stage := range stages {
		i, ok := b.pipelineAt[stage.PipelineID]
		if !ok {
			continue
		}
		stage.Requirements, stage.RefJSON = nil, refJSON(stage.ID, stage.Name)
		b.stageAt[stage.ID] = place{i, len(b.pipelines[i].Stages)}
		b.pipelines[i].Stages = append(b.pipelines[i].Stages, stage)
	}
	for _, requirement := range requirements {
		if at, ok := b.stageAt[requirement.StageID]; ok {
			stage := &b.pipelines[at.pipeline].Stages[at.stage]
			stage.Requirements = append(stage.Requirements, requirement)
		}
	}
	for i, reason := range b.reasons {
		b.reasonAt[reason.ID] = i
	}
	return b
}

// Pipelines lists the pipelines in order.
func (b *Board) Pipelines() []Pipeline { return b.pipelines }

// PipelineIDs lists the ids of the pipelines, in order.
func (b *Board) PipelineIDs() []int64 { return b.pipelineIDs }

// LostReasons lists the reasons in order.
func (b *Board) LostReasons() []LostReason { return b.reasons }

// Pipeline finds a pipeline of the account.
func (b *Board) Pipeline(id int64) (Pipeline, bool) {
	i, ok := b.pipelineAt[id]
	if !ok {
		return Pipeline{}, false
	}
	return b.pipelines[i], true
}

// Stage finds a stage of the account, whatever its pipeline.
func (b *Board) Stage(id int64) (Stage, bool) {
	at, ok := b.stageAt[id]
	if !ok {
		return Stage{}, false
	}
	return b.pipelines[at.pipeline].Stages[at.stage], true
}

// LostReason finds a reason of the account.
func (b *Board) LostReason(id int64) (LostReason, bool) {
	i, ok := b.reasonAt[id]
	if !ok {
		return LostReason{}, false
	}
	return b.reasons[i], true
}

// StagesOfKind lists the ids of all stages of these kinds, in board order.
func (b *Board) StagesOfKind(kinds ...Kind) []int64 {
	var ids []int64
	for _, pipeline := range b.pipelines {
		for _, stage := range pipeline.Stages {
			if slices.Contains(kinds, stage.Kind) {
				ids = append(ids, stage.ID)
			}
		}
	}
	return ids
}

// refJSON is the object that stands for a record inside another one.
func refJSON(id int64, name string) string {
	var text bytes.Buffer
	text.WriteString(`{"id":` + strconv.FormatInt(id, 10) + `,"name":`)
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(name) // a string can always be encoded
	text.Truncate(text.Len() - len("\n"))
	text.WriteByte('}')
	return text.String()
}
