package demo_test

import (
	"reflect"
	"testing"

	"syncro/internal/db"
	"syncro/internal/demo"
)

func TestLead123IsTheLeadObjectOfTheDocument(t *testing.T) {
	onEach(t, func(t *testing.T, engine db.Engine) {
		r := start(t, engine)
		got := r.ask(t, demo.Key, "GET", "/leads/123?include=owner,notes,sales,tasks,score,siblings,events", "")
		for path, want := range values(t, `{"id":123,"name":"João Silva","phone":"+5511999887766","email":"joao@acme.com.br","company":"ACME",
			"birthday":"1990-01-15","value":5000.0,"source":"site","tags":["vip","enterprise"],"pipeline_id":1,"stage_id":5,"notes":"Anotações do lead",
			"utm_source":"google","utm_medium":"cpc","utm_campaign":"verao_2026","utm_term":null,"utm_content":null,
			"stage":{"id":5,"name":"Proposta"},"pipeline":{"id":1,"name":"Vendas"},"created_at":"2026-06-30T10:00:00Z",
			"custom_fields":{"tamanho_empresa":"100+"},"status":"active","assigned_to":12,"score":85,"sales":[],"lost_sales":[]}`) {
			if v, found := got.members["lead."+path]; !found || !reflect.DeepEqual(v, want) {
				t.Errorf("%s is %#v, want %#v", path, v, want)
			}
		}
		for _, path := range []string{"notes_list.1.body", "tasks.1.subject", "siblings.0.id", "events.3.event_type"} {
			if _, found := got.members["lead."+path]; !found {
				t.Errorf("there is no %s", path)
			}
		}
		if _, third := got.members["lead.notes_list.2.body"]; third || got.members["lead.siblings.0.id"] != 127.0 || got.members["lead.contact_totals.leads"] != 2.0 {
			t.Errorf("got %s", got.text)
		}
	})
}

func TestEachKeyGetsTheAnswerItIsThereFor(t *testing.T) {
	onEach(t, func(t *testing.T, engine db.Engine) {
		r := start(t, engine)
		const lead = `{"name":"Nova","pipeline_id":1,"stage_id":4}`
		for _, c := range []struct {
			key, method, path, body string
			status                  int
			answer                  string
		}{
			{"", "GET", "/leads", "", 401, `{"message":"API Key não fornecida."}`},
			{"crm_NENHUMA", "GET", "/leads", "", 401, `{"message":"API Key inválida."}`},
			{"crm_EXPIRADA", "GET", "/leads", "", 401, `{"message":"API Key expirada."}`},
			{"crm_CONTA_INATIVA", "GET", "/leads", "", 403, `{"message":"Conta inativa."}`},
			{"crm_SOMENTE_LEITURA", "POST", "/leads", lead, 403, `{"message":"API Key sem permissão para esta operação.","required_permission":"leads:write"}`},
			{"crm_PLANO_CHEIO", "POST", "/leads", `{}`, 422, `{"success":false,"message":"Limite de leads do plano atingido.","limit_reached":true}`},
			{"crm_OUTRA_CONTA", "GET", "/leads/123", "", 404, `{"message":"Lead não encontrado."}`},
			{"crm_OUTRA_CONTA", "POST", "/leads", lead, 422, `{"message":"The selected pipeline id is invalid. (and 1 more error)",
				"errors":{"pipeline_id":["The selected pipeline id is invalid."],"stage_id":["The selected stage id is invalid."]}}`},
			{demo.Key, "GET", "/leads/900", "", 404, `{"message":"Lead não encontrado."}`},
			{demo.Key, "PUT", "/leads/124/stage", `{"stage_id":7,"pipeline_id":1}`, 422, `{"success":false,"blocked":true,
				"message":"Complete mandatory tasks before moving the lead.","pending_tasks":[{"id":45,"subject":"Ligar para o cliente","type":"call"}]}`},
			{demo.Key, "PUT", "/leads/124/won", `{"stage_id":10}`, 422, `{"success":false,"blocked":true,
				"message":"Complete mandatory tasks before marking as won.","pending_tasks":[{"id":45,"subject":"Ligar para o cliente","type":"call"}]}`},
			{demo.Key, "PUT", "/leads/124/lost", `{"stage_id":11}`, 422, `{"success":false,"blocked":true,
				"message":"Complete mandatory tasks before marking as lost.","pending_tasks":[{"id":45,"subject":"Ligar para o cliente","type":"call"}]}`},
			{demo.Key, "PUT", "/leads/123/won", `{"stage_id":11}`, 422, `{"message":"A etapa informada não é uma etapa de ganho."}`},
			{demo.Key, "PUT", "/leads/123/lost", `{"stage_id":10}`, 422, `{"message":"A etapa informada não é uma etapa de perda."}`},
		} {
			got := r.ask(t, c.key, c.method, c.path, c.body)
			if got.status != c.status || !reflect.DeepEqual(got.members, values(t, c.answer)) {
				t.Errorf("%s %s with %s: %d %s", c.method, c.path, c.key, got.status, got.text)
			}
		}
		if got := r.ask(t, "crm_SOMENTE_LEITURA", "GET", "/leads", ""); got.status != 200 || got.header.Get("Ratelimit-Limit") != "60" {
			t.Errorf("reading with the key for reading: %d, limit %s", got.status, got.header.Get("Ratelimit-Limit"))
		}
		if got := r.ask(t, demo.Key, "GET", "/leads", ""); got.header.Get("Ratelimit-Limit") != "100000" {
			t.Errorf("the documentation's key may be used %s times a minute", got.header.Get("Ratelimit-Limit"))
		}
		if got := r.ask(t, "crm_OUTRA_CONTA", "GET", "/leads", ""); got.members["meta.total"] != 1.0 || got.members["data.0.id"] != 900.0 || got.members["data.0.phone"] != "+5511999887766" {
			t.Errorf("the other account sees %s", got.text)
		}
		if got := r.ask(t, "crm_PLANO_CHEIO", "GET", "/leads?stage_id=40", ""); got.members["meta.total"] != 3.0 {
			t.Errorf("the account at its limit sees %s", got.text)
		}
		for n := range 6 {
			got, status := r.ask(t, "crm_LIMITADA", "GET", "/leads/123", ""), 200
			if n == 5 {
				status = 429
			}
			if got.status != status {
				t.Errorf("request %d of the limited key: %d %s", n+1, got.status, got.text)
			}
			if n == 5 && (!reflect.DeepEqual(got.members, values(t, `{"message":"Rate limit excedido para esta API Key.","retry_after":60}`)) || got.header.Get("Retry-After") != "60") {
				t.Errorf("beyond the limit: %s, Retry-After %s", got.text, got.header.Get("Retry-After"))
			}
		}
	})
}
