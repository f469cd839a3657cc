package demo

import (
	"time"

	"syncro/internal/leads"
)

// The leads that the document, or the design of the demo, knows by number.
const (
	joao          = 123
	maria         = 124
	withoutPhone  = 125
	closedWindow  = 126
	joaoAgain     = 127
	failing       = 128
	lastNamed     = failing
	newest        = 250
	joaoElsewhere = 900
)

// mariaTask is the task that keeps Maria in her stage.
const mariaTask = 45

// joaoCreated is when lead 123 was created, by the document.
var joaoCreated = time.Date(2026, 6, 30, 10, 0, 0, 0, time.UTC)

func (f *fixture) ago(days int) time.Time { return f.now.AddDate(0, 0, -days).Truncate(time.Second) }

func (f *fixture) named() {
	f.joao()
	f.maria()
	f.begin(mine, ana, &leads.Lead{
		ID: withoutPhone, Name: "Sem Telefone", Email: "sem.telefone@correio.example", Source: "site", CreatedAt: f.ago(70),
	}, 4)
	f.begin(mine, ana, &leads.Lead{
		ID: closedWindow, Name: "Janela Fechada", Phone: "+5521988887777", Email: "janela.fechada@correio.example", Source: "whatsapp",
		ValueCents: new(int64(320_000)), AssignedTo: new(int64(bruno)), CreatedAt: f.ago(68),
	}, 5)
	f.begin(mine, ana, &leads.Lead{
		ID: joaoAgain, Name: "João Silva – Filial Campinas", Email: "joao@acme.com.br", Company: "ACME", Source: "indicacao",
		ValueCents: new(int64(1_200_000)), AssignedTo: new(int64(bruno)), CreatedAt: f.ago(66),
	}, 4).move(7, f.ago(50))
	f.begin(mine, ana, &leads.Lead{
		ID: failing, Name: "Falha Provedor", Phone: "+5511900000000", Email: "falha.provedor@correio.example", Source: "site",
		ValueCents: new(int64(90_000)), CreatedAt: f.ago(64),
	}, 4)
}

// joao is the lead of the document's examples. He is the one that was changed
// last of those with his address, so that an upsert by it finds him.
func (f *fixture) joao() {
	end := f.now.Add(-time.Hour).Truncate(time.Second)
	if end.Before(joaoCreated) {
		end = joaoCreated
	}
	at := func(days float64) time.Time {
		moment := joaoCreated.Add(time.Duration(days * float64(24*time.Hour)))
		if moment.After(end) {
			return end
		}
		return moment
	}
	s := f.begin(mine, ana, &leads.Lead{
		ID: joao, Name: "João Silva", Phone: "+5511999887766", Email: "joao@acme.com.br", Company: "ACME", Birthday: "1990-01-15",
		ValueCents: new(int64(500_000)), Source: "site", Tags: `["vip","enterprise"]`, Notes: "Anotações do lead", UTM: [5]string{"google", "cpc", "verao_2026"},
		CustomValues: `{"1":"100+"}`, AssignedTo: new(int64(ana)), CreatedAt: joaoCreated,
	}, 4)
	s.note("Conheceu a empresa pelo site e pediu uma demonstração.", bruno, at(0.1))
	s.complete(s.task("meeting", "Demonstrar o produto", at(0.1), 2), at(2.2))
	s.move(5, at(2.25))
	s.note("Prefere contato pela manhã. Decide junto com o financeiro.", ana, at(3.05))
	call := s.task("call", "Confirmar o recebimento da proposta", at(3.1), 0)
	call.due, call.dueTime = f.day(2), "09:30"
	s.lead.Score, s.lead.ScoreUpdatedAt, s.lead.UpdatedAt = 85, &end, end
}

// joaoTables are what only João has.
func (f *fixture) joaoTables() []table {
	at := before(f.now)
	return []table{
		{"products", "id account_id name price_cents created_at updated_at", [][]any{
			{1, mine, "Licença Pro", 45_000, at, at},
			{2, mine, "Implantação", 95_000, at, at},
			{3, mine, "Treinamento", 60_000, at, at},
		}},
		{"lead_products", "id account_id lead_id product_id product_name quantity_hundredths unit_price_cents discount_hundredths created_at", [][]any{
			{1, mine, joao, 1, "Licença Pro", 1000, 45_000, 1000, joaoCreated},
			{2, mine, joao, 2, "Implantação", 100, 95_000, 0, joaoCreated},
		}},
		{"lead_contacts", "id account_id lead_id name role phone email is_primary created_at", [][]any{
			{1, mine, joao, "Márcia Prado", "Diretora financeira", "+551133445566", "marcia@acme.com.br", true, joaoCreated},
		}},
	}
}

// maria cannot leave her stage. Her mandatory task was edited since.
func (f *fixture) maria() {
	s := f.begin(mine, ana, &leads.Lead{
		ID: maria, Name: "Maria Souza", Phone: "+5511988776655", Email: "maria.souza@correio.example", Company: "Souza & Filhos", ValueCents: new(int64(780_000)),
		Source: "indicacao", Tags: `["enterprise"]`, AssignedTo: new(int64(ana)), CreatedAt: f.ago(72),
	}, 4)
	s.move(5, f.ago(30))
	s.move(documents.StageID, f.ago(1))
	t := f.tasks[len(f.tasks)-1]
	t.id, t.subject, t.kind = mariaTask, "Ligar para o cliente", "call"
}

// newestLead shows every field of the document's sample of a list, where it comes
// first.
func (f *fixture) newestLead() {
	f.begin(mine, ana, &leads.Lead{
		ID: newest, Name: "Beatriz Fontes", Phone: "+5511976543210", Email: "beatriz@padariaaurora.example", Company: "Padaria Aurora",
		ValueCents: new(int64(500_000)), Source: "site", Tags: `["vip"]`, AssignedTo: new(int64(ana)), CreatedAt: f.now.Add(-30 * time.Minute).Truncate(time.Second),
	}, 5)
}

// otherAccounts gives the other accounts' leads.
func (f *fixture) otherAccounts() {
	f.begin(theirs, 15, &leads.Lead{
		ID: joaoElsewhere, Name: "João Silva", Phone: "+5511999887766", Email: "joao@acme.com.br", Company: "ACME", ValueCents: new(int64(150_000)),
		Source: "site", AssignedTo: new(int64(15)), CreatedAt: f.ago(20),
	}, 30)
	for i, name := range []string{"Cláudia Reis", "Edson Prates", "Íris Valente"} {
		f.begin(full, 17, &leads.Lead{
			ID: int64(joaoElsewhere + 1 + i), Name: name, Email: slug(name, ".") + "@correio.example", AssignedTo: new(int64(17)), CreatedAt: f.ago(15 - i),
		}, 40)
	}
}
