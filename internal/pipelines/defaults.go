package pipelines

import "syncro/internal/db"

// CreateDefaults gives a new account what it begins with: the pipeline Vendas and
// three reasons for losing a sale.
func CreateDefaults(tx *db.Tx, accountID int64) error {
	pipelineID, err := AddPipeline(tx, accountID, Pipeline{Name: "Vendas", SortOrder: 1})
	if err != nil {
		return err
	}
	stages := []Stage{
		{Name: "Novo", Color: "#45B7D1", Kind: Open, Probability: 10},
		{Name: "Proposta", Color: "#4ECDC4", Kind: Open, Probability: 40},
		{Name: "Negociação", Color: "#F7B731", Kind: Open, Probability: 70},
		{Name: "Ganho", Color: "#20BF6B", Kind: Won, Probability: 100},
		{Name: "Perdido", Color: "#EB3B5A", Kind: Lost, Probability: 0},
	}
	for i, stage := range stages {
		stage.PipelineID, stage.SortOrder = pipelineID, i+1
		if _, err := AddStage(tx, accountID, stage); err != nil {
			return err
		}
	}
	for i, name := range []string{"Preço alto", "Sem resposta", "Escolheu concorrente"} {
		if _, err := AddLostReason(tx, accountID, LostReason{Name: name, SortOrder: i + 1}); err != nil {
			return err
		}
	}
	return nil
}
