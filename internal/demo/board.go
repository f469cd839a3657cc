package demo

import (
	"time"

	"syncro/internal/pipelines"
)

// stages are those of all accounts.
var stages = []struct {
	account int64
	pipelines.Stage
}{
	{mine, pipelines.Stage{ID: 4, PipelineID: 1, Name: "Prospecção", Color: "#45B7D1", Kind: pipelines.Open, Probability: 10}},
	{mine, pipelines.Stage{ID: 5, PipelineID: 1, Name: "Proposta", Color: "#4ECDC4", Kind: pipelines.Open, Probability: 40}},
	{mine, pipelines.Stage{ID: 7, PipelineID: 1, Name: "Negociação", Color: "#F7B731", Kind: pipelines.Open, Probability: 60}},
	{mine, pipelines.Stage{ID: 8, PipelineID: 1, Name: "Documentação", Color: "#A55EEA", Kind: pipelines.Open, Probability: 80}},
	{mine, pipelines.Stage{ID: 10, PipelineID: 1, Name: "Ganho", Color: "#20BF6B", Kind: pipelines.Won, Probability: 100}},
	{mine, pipelines.Stage{ID: 11, PipelineID: 1, Name: "Perdido", Color: "#EB3B5A", Kind: pipelines.Lost}},
	{mine, pipelines.Stage{ID: 20, PipelineID: 3, Name: "Onboarding", Color: "#45B7D1", Kind: pipelines.Open, Probability: 50}},
	{mine, pipelines.Stage{ID: 21, PipelineID: 3, Name: "Ativo", Color: "#4ECDC4", Kind: pipelines.Open, Probability: 80}},
	{mine, pipelines.Stage{ID: 22, PipelineID: 3, Name: "Renovado", Color: "#20BF6B", Kind: pipelines.Won, Probability: 100}},
	{mine, pipelines.Stage{ID: 23, PipelineID: 3, Name: "Cancelado", Color: "#EB3B5A", Kind: pipelines.Lost}},
	{theirs, pipelines.Stage{ID: 30, PipelineID: 2, Name: "Novo", Color: "#45B7D1", Kind: pipelines.Open, Probability: 20}},
	{theirs, pipelines.Stage{ID: 31, PipelineID: 2, Name: "Ganho", Color: "#20BF6B", Kind: pipelines.Won, Probability: 100}},
	{theirs, pipelines.Stage{ID: 32, PipelineID: 2, Name: "Perdido", Color: "#EB3B5A", Kind: pipelines.Lost}},
	{full, pipelines.Stage{ID: 40, PipelineID: 4, Name: "Novo", Color: "#45B7D1", Kind: pipelines.Open, Probability: 20}},
}

// documents is what stage 8 requires.
var documents = pipelines.Requirement{ID: 1, StageID: 8, Subject: "Conferir documentos de {{lead_name}}", Type: "task", Priority: "medium", DueInDays: 2}

func stageOf(id int64) pipelines.Stage {
	for _, s := range stages {
		if s.ID == id {
			return s.Stage
		}
	}
	return pipelines.Stage{}
}

func boardTables(now time.Time) []table {
	at := before(now)
	staged := table{name: "stages", columns: "id account_id pipeline_id name color kind probability sort_order created_at updated_at"}
	for i, s := range stages {
		staged.rows = append(staged.rows, []any{s.ID, s.account, s.PipelineID, s.Name, s.Color, string(s.Kind), s.Probability, i + 1, at, at})
	}
	return []table{
		{"pipelines", "id account_id name sort_order created_at updated_at", [][]any{
			{1, mine, "Vendas", 1, at, at},
			{2, theirs, "Vendas", 1, at, at},
			{3, mine, "Pós-venda", 2, at, at},
			{4, full, "Vendas", 1, at, at},
		}},
		staged,
		{"stage_requirements", "id account_id stage_id subject type priority due_in_days created_at", [][]any{
			{documents.ID, mine, documents.StageID, documents.Subject, documents.Type, documents.Priority, documents.DueInDays, at},
		}},
		{"lost_reasons", "id account_id name sort_order created_at", [][]any{
			{1, mine, "Preço alto", 1, at},
			{2, mine, "Sem resposta", 2, at},
			{3, mine, "Escolheu concorrente", 3, at},
		}},
		{"custom_fields", "id account_id name label field_type options is_required is_active show_on_card sort_order created_at updated_at", [][]any{
			{1, mine, "tamanho_empresa", "Tamanho da empresa", "select", `["1-10","11-50","51-200","100+","200+"]`, false, true, true, 1, at, at},
			{2, mine, "setor", "Setor", "text", `[]`, false, true, true, 2, at, at},
			{3, mine, "funcionarios", "Funcionários", "number", `[]`, false, true, false, 3, at, at},
			{4, mine, "receita", "Receita", "currency", `[]`, false, true, false, 4, at, at},
			{5, mine, "data_reuniao", "Data da reunião", "date", `[]`, false, true, false, 5, at, at},
			{6, mine, "interesses", "Interesses", "multiselect", `["crm","whatsapp","automacao"]`, false, true, false, 6, at, at},
			{7, mine, "aceita_contato", "Aceita contato", "checkbox", `[]`, false, true, false, 7, at, at},
			{8, mine, "campo_antigo", "Campo antigo", "text", `[]`, false, false, false, 8, at, at},
		}},
	}
}
