package pipelines

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestABoardFindsWhatItHoldsAndNothingElse(t *testing.T) {
	board := NewBoard(
		[]Pipeline{{ID: 3, Name: "Pós-venda"}, {ID: 1, Name: "Vendas"}},
		[]Stage{
			{ID: 10, PipelineID: 1, Name: "Ganho", Kind: Won},
			{ID: 5, PipelineID: 1, Name: "Proposta", Kind: Open},
			{ID: 20, PipelineID: 3, Name: "Onboarding", Kind: Open},
			{ID: 99, PipelineID: 9, Name: "of no pipeline", Kind: Open},
		},
		[]Requirement{{ID: 1, StageID: 5, Subject: "Ligar"}, {ID: 2, StageID: 99, Subject: "of no stage"}, {ID: 3, StageID: 5, Subject: "Visitar"}},
		[]LostReason{{ID: 2, Name: "Sem resposta"}},
	)
	if got := board.PipelineIDs(); !slices.Equal(got, []int64{3, 1}) {
		t.Errorf("pipelines in the order %v", got)
	}
	if got := board.StagesOfKind(Open); !slices.Equal(got, []int64{20, 5}) {
		t.Errorf("open stages %v", got)
	}
	if got := board.StagesOfKind(Won, Lost); !slices.Equal(got, []int64{10}) {
		t.Errorf("closed stages %v", got)
	}
	if stage, ok := board.Stage(5); !ok || stage.PipelineID != 1 || len(stage.Requirements) != 2 || stage.RefJSON != `{"id":5,"name":"Proposta"}` {
		t.Errorf("stage 5 is %+v, %v", stage, ok)
	}
	if pipeline, ok := board.Pipeline(1); !ok || len(pipeline.Stages) != 2 || pipeline.RefJSON != `{"id":1,"name":"Vendas"}` {
		t.Errorf("pipeline 1 is %+v, %v", pipeline, ok)
	}
	if reason, ok := board.LostReason(2); !ok || reason.Name != "Sem resposta" {
		t.Errorf("reason 2 is %+v, %v", reason, ok)
	}
	if _, ok := board.Stage(99); ok {
		t.Error("found a stage without its pipeline")
	}
	if _, ok := board.Pipeline(5); ok {
		t.Error("found pipeline 5")
	}
	if _, ok := board.LostReason(5); ok {
		t.Error("found reason 5")
	}
}

func TestTheNameInAReferenceIsEscapedAsJSONAsks(t *testing.T) {
	name := "\"A\\B\" <ção> & \n\x01\u2028"
	var back struct {
		ID   int64
		Name string
	}
	text := refJSON(7, name)
	if err := json.Unmarshal([]byte(text), &back); err != nil || back.ID != 7 || back.Name != name {
		t.Errorf("%s reads back as %+v, %v", text, back, err)
	}
}
