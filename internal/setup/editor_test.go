package setup_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/api/apitest"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
	"syncro/internal/setup"
	"syncro/internal/tasks"
)

// desk is a server on which an administrator edits the setup of an account.
type desk struct {
	t       *testing.T
	db      *db.DB
	handler http.Handler
	key     string
	account int64
}

func eachDesk(t *testing.T, test func(d desk)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a := accounts.New(d, accounts.Options{Clock: clock.Now, RateLimit: 1_000_000})
		account, err := a.Create(t.Context(), accounts.NewAccount{Name: "Minha Empresa", AdminName: "Ana", AdminEmail: "ana@exemplo.com.br"},
			func(tx *db.Tx, actor authz.Actor) error { return pipelines.CreateDefaults(tx, actor.AccountID) })
		if err != nil {
			t.Fatal(err)
		}
		_, key, err := a.CreateKey(t.Context(), account.ID, accounts.NewKey{Name: "test", Scopes: authz.AllScopes()})
		if err != nil {
			t.Fatal(err)
		}
		var log events.Log
		boards, fields, chores := pipelines.New(d), customfields.New(d), tasks.New(d, &log, clock.Now)
		deals := leads.New(d, &log, a, boards, fields, chores)
		limiter := accounts.NewRateLimiter(d, clock.Now)
		router := api.NewRouter(api.Config{DB: d, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Clock: clock.Now, Authenticate: a.Authenticate, Allow: limiter.Take, Peek: limiter.Peek})
		boards.Routes(router)
		fields.Routes(router)
		chores.Routes(router)
		deals.Routes(router)
		setup.NewEditor(d, a, deals).Routes(router)
		test(desk{t, d, router.Handler(), key, account.ID})
	})
}

// ask sends a request and gives what was answered.
func (d desk) ask(method, path, body string) (status int, answer string) {
	got := apitest.Ask(d.handler, d.key, method, path, body)
	return got.Status, got.Text
}

// want demands an answer that holds a text.
func (d desk) want(status int, method, path, body, text string) string {
	d.t.Helper()
	got, answer := d.ask(method, path, body)
	if got != status || !strings.Contains(answer, text) {
		d.t.Fatalf("%s %s %s\nanswered %d %s\nwant     %d … %s", method, path, body, got, answer, status, text)
	}
	return answer
}

// names lists what GET /pipelines shows of the pipelines' stages and the reasons.
func (d desk) names() string {
	d.t.Helper()
	var board struct {
		Pipelines []struct {
			Name   string
			Stages []struct{ Name string }
		}
		LostReasons []struct{ Name string } `json:"lost_reasons"`
	}
	if err := json.Unmarshal([]byte(d.want(200, "GET", "/pipelines", "", "")), &board); err != nil {
		d.t.Fatal(err)
	}
	var text strings.Builder
	for _, p := range board.Pipelines {
		text.WriteString(p.Name + ":")
		for _, s := range p.Stages {
			text.WriteString(" " + s.Name)
		}
		text.WriteString("; ")
	}
	for _, r := range board.LostReasons {
		text.WriteString(r.Name + ",")
	}
	return text.String()
}

func (d desk) expectNames(want string) {
	d.t.Helper()
	if got := d.names(); got != want {
		d.t.Errorf("the board is  %s\nit should be %s", got, want)
	}
}

// lead makes a lead in a stage of the default pipeline.
func (d desk) lead(stage int, more string) {
	d.t.Helper()
	d.want(201, "POST", "/leads", fmt.Sprintf(`{"name":"João","pipeline_id":1,"stage_id":%d%s}`, stage, more), "")
}

func (d desk) count(query string, args ...any) (n int64) {
	d.t.Helper()
	if err := d.db.Read(d.t.Context(), func(q db.Querier) error { return db.Get(q.Query(query, args...), &n) }); err != nil {
		d.t.Fatal(err)
	}
	return n
}

func TestPipelinesStagesAndReasonsAreEditedAndSeenAtOnce(t *testing.T) {
	eachDesk(t, func(d desk) {
		d.want(201, "POST", "/pipelines", `{"name":"Pós-venda","stages":[{"name":"Onboarding","color":"#aabbcc","rotting_days":"7",
			"requirements":[{"subject":"Ligar para {{lead_name}}","type":"call"}]},{"name":"Renovado","kind":"won"},{"name":"Cancelado","kind":"lost"}]}`,
			`"pipeline":{"id":2,"name":"Pós-venda","sort_order":2,"stages":[{"id":6,"pipeline_id":2,"name":"Onboarding","color":"#AABBCC","kind":"open","is_won":false,"is_lost":false,"probability":50,"rotting_days":7,"sort_order":1,`+
				`"requirements":[{"id":1,"stage_id":6,"subject":"Ligar para {{lead_name}}","type":"call","priority":"medium","due_in_days":0}]},{"id":7,"pipeline_id":2,"name":"Renovado","color":"#20BF6B","kind":"won","is_won":true,`)
		d.want(201, "POST", "/pipelines/2/stages", `{"name":"Uso"}`, `"sort_order":2`)
		d.want(200, "PUT", "/pipelines/order", `{"ids":[2,1]}`, "")
		d.want(200, "PUT", "/pipelines/1/stages/order", `{"ids":["2",1,3,4,5]}`, "")
		d.want(200, "PATCH", "/pipelines/2", `{"name":"Pós"}`, `"name":"Pós"`)
		d.want(200, "PUT", "/stages/1", `{"name":"Entrada","rotting_days":null,"probability":5}`, `"probability":5,"rotting_days":null`)
		d.want(201, "POST", "/lost-reasons", `{"name":"Sem orçamento"}`, `"lost_reason":{"id":4,"name":"Sem orçamento","sort_order":4}`)
		d.want(200, "PUT", "/lost-reasons/order", `{"ids":[4,3,2,1]}`, "")
		d.want(200, "PUT", "/lost-reasons/4", `{"name":"Orçamento"}`, "")
		d.expectNames("Pós: Onboarding Uso Renovado Cancelado; Vendas: Proposta Entrada Negociação Ganho Perdido; Orçamento,Escolheu concorrente,Sem resposta,Preço alto,")
		d.want(200, "GET", "/stages/6", "", `"stage":{"id":6,`)
		d.want(200, "GET", "/pipelines/2", "", `"requirements":[{"id":1,`)
		d.want(200, "PUT", "/stage-requirements/1", `{"due_in_days":3}`, `"subject":"Ligar para {{lead_name}}","type":"call","priority":"medium","due_in_days":3`)
		d.want(200, "DELETE", "/stage-requirements/1", "", "")
		d.want(404, "DELETE", "/stage-requirements/1", "", "Requisito não encontrado.")
		d.want(200, "DELETE", "/lost-reasons/1", "", "")
		d.want(200, "DELETE", "/pipelines/2", "", "")
		d.expectNames("Vendas: Proposta Entrada Negociação Ganho Perdido; Orçamento,Escolheu concorrente,Sem resposta,")
	})
}

func TestWhatIsWrongWithASetupIsSaidFieldByField(t *testing.T) {
	eachDesk(t, func(d desk) {
		for _, c := range [][3]string{
			{"POST /pipelines", `{"name":"vendas","stages":[{"name":"A"},{"name":"a","color":"azul","kind":"won","probability":10}]}`,
				`"errors":{"name":["The name has already been taken."],"stages.1.name":["The stages.1.name has already been taken."],"stages.1.color":["The stages.1.color field format is invalid."],"stages.1.probability":["The stages.1.probability field must be 100 in a won stage."]}`},
			{"POST /pipelines", `{"stages":[{"kind":"x"}]}`, `"errors":{"name":["The name field is required."],"stages.0.name":["The stages.0.name field is required."],"stages.0.kind":["The selected stages.0.kind is invalid."]}`},
			{"POST /pipelines/1/stages", `{"name":"PROPOSTA","requirements":[{"subject":"{{x}}"},{"subject":"{{x}}"}]}`,
				`"errors":{"name":["The name has already been taken."],"requirements.0.subject":["The requirements.0.subject field must not hold placeholders other than {{lead_name}} and {{stage_name}}."],"requirements.1.subject":[`},
			{"PUT /stages/2", `{"name":"Novo"}`, `"errors":{"name":["The name has already been taken."]}`},
			{"PUT /stages/2", `{"name":null,"color":"","rotting_days":0}`, `"errors":{"name":["The name field is required."],"color":["The color field is required."],"rotting_days":["The rotting days field must be at least 1."]}`},
			{"PUT /pipelines/order", `{"ids":[1,1]}`, `"errors":{"ids":["The ids field must hold the id of every item exactly once."]}`},
			{"PUT /pipelines/1/stages/order", `{"ids":[1,2,3,4]}`, `"errors":{"ids":["The ids field must hold`},
			{"PUT /lost-reasons/order", `{}`, `"errors":{"ids":["The ids field is required."]}`},
			{"PUT /lost-reasons/2", `{"name":"PREÇO ALTO"}`, `"errors":{"name":["The name has already been taken."]}`},
			{"DELETE /stages/1?target_stage_id=1", ``, `"errors":{"target_stage_id":["The selected target stage id is invalid."]}`},
			{"DELETE /stages/1?target_stage_id=4", ``, `"errors":{"target_stage_id":["The selected target stage id is invalid."]}`},
			{"DELETE /lost-reasons/1?target_reason_id=9", ``, `"errors":{"target_reason_id":["The selected target reason id is invalid."]}`},
			{"POST /custom-fields", `{"name":"porte da empresa","field_type":"select"}`, `"errors":{"name":["The name field format is invalid."],"options":["The options field is required."]}`},
			{"POST /custom-fields", `{"name":"x","field_type":"text","options":["a"]}`, `"errors":{"options":["The options field is prohibited for this field type."]}`},
			{"POST /custom-fields", `{"name":"x","field_type":"select","options":["a","A"]}`, `"errors":{"options.1":["The options.1 field has a duplicate value."]}`},
		} {
			method, path, _ := strings.Cut(c[0], " ")
			d.want(422, method, path, c[1], c[2])
		}
		d.want(404, "PUT", "/stages/99", `{"name":1}`, "Etapa não encontrada.")
		d.want(404, "POST", "/pipelines/99/stages", `{}`, "Pipeline não encontrado.")
		d.want(404, "PUT", "/lost-reasons/99", `{}`, "Motivo de perda não encontrado.")
		d.want(404, "PUT", "/custom-fields/99", `{}`, "Campo personalizado não encontrado.")
		d.expectNames("Vendas: Novo Proposta Negociação Ganho Perdido; Preço alto,Sem resposta,Escolheu concorrente,")
	})
}

func TestAStageGoesOnlyWhenItsLeadsHaveAPlaceToGo(t *testing.T) {
	eachDesk(t, func(d desk) {
		d.want(201, "POST", "/stages/1/requirements", `{"subject":"Qualificar"}`, "")
		for range 3 {
			d.lead(1, "")
		}
		d.lead(2, "")
		d.want(200, "DELETE", "/leads/3", "", "")
		d.want(422, "PUT", "/leads/1/stage", `{"stage_id":2,"pipeline_id":1}`, `"blocked":true`)
		d.want(422, "PUT", "/stages/1", `{"kind":"won"}`, `"errors":{"kind":["The kind field cannot change while the stage holds leads."]}`)
		d.want(422, "DELETE", "/pipelines/1", "", `"message":"O pipeline tem leads: exclua antes suas etapas, informando target_stage_id.","leads":2`)
		d.want(422, "DELETE", "/stages/1", "", `"message":"A etapa tem leads: informe em target_stage_id a etapa que os recebe.","leads":2`)
		d.want(200, "DELETE", "/stages/1?target_stage_id=2", "", "")
		d.want(404, "DELETE", "/stages/1?target_stage_id=2", "", "Etapa não encontrada.")
		d.want(200, "GET", "/leads?stage_id=2", "", `"total":3`)
		d.want(200, "GET", "/leads/1?include=events", "", `Etapa alterada de Novo para Proposta.`)
		d.want(200, "PUT", "/leads/1/stage", `{"stage_id":3,"pipeline_id":1}`, "") // its task holds it no more
		if n := d.count(`SELECT count(*) FROM leads WHERE account_id = $1 AND stage_id = 2`, d.account); n != 3 {
			t.Errorf("%d leads are in the target, want 3 with the one in the trash", n)
		}
	})
}

func TestALostReasonIsReplacedInTheSalesThatHaveIt(t *testing.T) {
	eachDesk(t, func(d desk) {
		d.lead(1, "")
		d.want(200, "PUT", "/leads/1/lost", `{"stage_id":5,"reason_id":1}`, "")
		d.want(422, "DELETE", "/lost-reasons/1", "", `"message":"O motivo consta em vendas perdidas: informe em target_reason_id o que o substitui.","lost_sales":1`)
		d.want(200, "DELETE", "/lost-reasons/1?target_reason_id=2", "", "")
		d.want(200, "GET", "/leads/1?include=sales", "", `"reason_id":2`)
	})
}

func TestAFieldsTypeChangesOnlyWhereValuesConvert(t *testing.T) {
	eachDesk(t, func(d desk) {
		d.want(201, "POST", "/custom-fields", `{"name":"porte","field_type":"text"}`, `"custom_field":{"id":1,"name":"porte","label":"Porte","field_type":"text","options":[],"is_required":false,"is_active":true,"show_on_card":false,"sort_order":1}`)
		d.want(201, "POST", "/custom-fields", `{"name":"cor","field_type":"select","options":["azul","verde"]}`, "")
		d.lead(1, `,"custom_fields":{"porte":"25","cor":"azul"}`)
		d.lead(1, `,"custom_fields":{"porte":"muitos"}`)
		d.want(422, "PUT", "/custom-fields/1", `{"field_type":"number"}`, `"errors":{"field_type":["The field type field does not suit the values of 1 leads: custom_fields.porte field must be a number."]}`)
		d.want(200, "PUT", "/leads/2", `{"custom_fields":{"porte":"7"}}`, "")
		d.want(200, "PUT", "/custom-fields/1", `{"field_type":"number","name":"empregados"}`, `"name":"empregados","label":"Porte","field_type":"number"`)
		d.want(200, "GET", "/leads/1", "", `"custom_fields":{"empregados":25,"cor":"azul"}`)
		d.want(422, "PUT", "/custom-fields/2", `{"options":["verde"]}`, `"errors":{"options":["The options field does not suit the values of 1 leads: selected custom_fields.cor is invalid."]}`)
		d.want(200, "PUT", "/custom-fields/2", `{"options":["Azul","preto"]}`, "")
		d.want(200, "GET", "/leads/1", "", `"cor":"Azul"`)
		d.want(200, "PUT", "/custom-fields/order", `{"ids":[2,1]}`, "")
		d.want(200, "PUT", "/custom-fields/1", `{"is_active":false}`, "")
		d.want(200, "GET", "/leads/1", "", `"custom_fields":{"cor":"Azul"}`)
		d.want(422, "DELETE", "/custom-fields/1", "", `"leads":2`)
		d.want(200, "DELETE", "/custom-fields/1?discard_values=true", "", "")
		if n := d.count(`SELECT count(*) FROM leads WHERE account_id = $1 AND strpos(custom_values, '"1":') > 0`, d.account); n != 0 {
			t.Errorf("%d leads have values of a field that is no more", n)
		}
		d.want(200, "GET", "/custom-fields", "", `"data":[{"id":2,`)
	})
}

func TestEditsOfOneSetupAtTheSameMomentAllCount(t *testing.T) {
	eachDesk(t, func(d desk) {
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				d.ask("POST", "/pipelines/1/stages", fmt.Sprintf(`{"name":"Etapa %d"}`, i/2))
			})
		}
		wait.Wait()
		if n := d.count(`SELECT count(DISTINCT sort_order) FROM stages WHERE account_id = $1`, d.account); n != 9 {
			t.Errorf("%d places for 5 stages and 4 new ones: %s", n, d.names())
		}
	})
}
