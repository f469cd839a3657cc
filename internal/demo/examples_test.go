package demo_test

import (
	_ "embed"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"syncro/internal/db"
	"syncro/internal/demo"
)

// The requests of the reference document and their answers, word for word; its
// page masked the addresses.
//
//go:embed testdata/examples.txt
var examplesText string

// example is one of them.
type example struct {
	title  string
	method string
	target string
	header http.Header
	body   string
	answer string
}

const host = "https://app.syncro.chat"

func examples(t *testing.T) []example {
	t.Helper()
	var all []example
	for section := range strings.SplitSeq("\n"+strings.ReplaceAll(examplesText, "[email\u00a0protected]", "joao@acme.com.br"), "\n## ") {
		if title, rest, ok := strings.Cut(section, "\n"); ok && title != "" {
			command, answer, _ := strings.Cut(rest, "\n\n")
			e := example{title: title, method: "GET", header: http.Header{}, answer: answer}
			e.read(t, words(command))
			all = append(all, e)
		}
	}
	return all
}

// read takes a request from the words of a curl command.
func (e *example) read(t *testing.T, words []string) {
	t.Helper()
	for i := 1; i < len(words); i++ {
		switch word := words[i]; word {
		case "-X":
			i++
			e.method = words[i]
		case "-H":
			i++
			name, value, _ := strings.Cut(words[i], ": ")
			e.header.Set(name, value)
		case "-d":
			i++
			e.body = words[i]
		default:
			target, ok := strings.CutPrefix(word, host)
			if !ok {
				t.Fatalf("%s: what is %q?", e.title, word)
			}
			e.target = target
		}
	}
}

// words splits a command as a shell does, as far as the document needs it.
func words(command string) []string {
	var all []string
	var word strings.Builder
	begun, quote := false, rune(0)
	for _, c := range command {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			begun, quote = true, c
		case c == '\\': // before the end of a line
		case c == ' ' || c == '\n':
			if begun {
				all = append(all, word.String())
				word.Reset()
				begun = false
			}
		default:
			begun = true
			word.WriteRune(c)
		}
	}
	return append(all, word.String())
}

// base are the members of every lead: those of the document, with status and
// updated_at (companion-api.md section 1).
var base = []string{
	"id", "name", "phone", "email", "company", "birthday", "value", "source", "tags", "pipeline_id", "stage_id", "notes",
	"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "stage", "pipeline", "created_at", "custom_fields", "status", "updated_at",
}

// expectations are what an example answers on a fresh demo: the status, where a
// value is another than in the document, and what a lead has beside its base.
var expectations = map[string]struct {
	status int
	other  map[string]any
	lead   string // path of a lead
	more   []string
	random []string // members whose value is another one each time
}{
	"List leads": {status: 200, lead: "data.0", more: []string{"assigned_to", "owner"}, other: map[string]any{
		// The document's list begins with lead 123, the demo's with its newest.
		"data.0.id": 250.0, "data.0.name": "Beatriz Fontes", "data.0.phone": "+5511976543210", "data.0.email": "beatriz@padariaaurora.example",
		"data.0.company": "Padaria Aurora", "data.0.created_at": "2026-06-30T12:30:00Z", "data.0.owner.email": "ana@minhaempresa.com.br",
	}},
	"Create lead": {status: 201, lead: "lead", other: map[string]any{"lead.id": 1001.0, "lead.created_at": "2026-06-30T13:00:00Z"}},
	// The address is lead 123's, who is there.
	"Create or update lead (upsert)": {status: 200, lead: "lead", other: map[string]any{"created": false}},
	"Fetch lead by ID":               {status: 200, lead: "lead", more: []string{"assigned_to", "owner", "tasks", "notes_list"}},
	"Move lead to another stage":     {status: 200},
	"Mark as won":                    {status: 200},
	"Mark as lost":                   {status: 200},
	"Delete lead":                    {status: 200},
	"Add tags":                       {status: 200},
	"Remove a tag":                   {status: 200},
	"Send WhatsApp (text or image)":  {status: 200, other: map[string]any{"message_id": 1001.0}, random: []string{"provider_msg_id"}},
	// The other number has a conversation of its own.
	"Send template (HSM)": {status: 200, other: map[string]any{"conversation_id": 1001.0, "message_id": 1002.0}, random: []string{"provider_msg_id"}},
}

// changing are the examples after which another one would answer differently.
var changing = []string{"Create lead", "Move lead to another stage", "Mark as won", "Mark as lost", "Delete lead"}

func TestEachExampleOfTheDocumentAnswersAsDocumentedOnAFreshDemo(t *testing.T) {
	onEach(t, func(t *testing.T, engine db.Engine) {
		r, all := start(t, engine), examples(t)
		if len(all) != len(expectations) {
			t.Errorf("%d examples, %d expectations", len(all), len(expectations))
		}
		slices.SortStableFunc(all, func(a, b example) int { return slices.Index(changing, a.title) - slices.Index(changing, b.title) })
		for _, e := range all {
			t.Run(e.title, func(t *testing.T) { e.check(t, r.send(t, e.method, e.target, e.header, e.body)) })
		}
	})
}

// check compares an answer with the documented one.
func (e *example) check(t *testing.T, got answer) {
	t.Helper()
	want, ok := expectations[e.title]
	if !ok || got.status != want.status || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", got.status, got.header.Get("Content-Type"))
	}
	for path, value := range values(t, e.answer) {
		if other, differs := want.other[path]; differs {
			value = other
		}
		v, found := got.members[path]
		if found && slices.Contains(want.random, path) {
			continue
		}
		if !found || !reflect.DeepEqual(v, value) {
			t.Errorf("%s is %#v, want %#v", path, v, value)
		}
	}
	if want.lead != "" {
		hasMembers(t, got, want.lead, append(slices.Clone(base), want.more...))
	}
	if t.Failed() {
		t.Log(got.text)
	}
}

// hasMembers tells when an object of an answer has other members than these.
func hasMembers(t *testing.T, got answer, path string, want []string) {
	t.Helper()
	names := map[string]bool{}
	for member := range got.members {
		if rest, ok := strings.CutPrefix(member, path+"."); ok {
			name, _, _ := strings.Cut(rest, ".")
			names[name] = true
		}
	}
	slices.Sort(want)
	if have := slices.Sorted(maps.Keys(names)); !slices.Equal(have, want) {
		t.Errorf("%s has %v, want %v", path, have, want)
	}
}

// TestTheExamplesWorkOneAfterTheOther is a person who tries the page from top to
// bottom. What follows the deletion of lead 123 finds no lead.
func TestTheExamplesWorkOneAfterTheOther(t *testing.T) {
	onEach(t, func(t *testing.T, engine db.Engine) {
		r, deleted := start(t, engine), false
		for _, e := range examples(t) {
			got := r.send(t, e.method, e.target, e.header, e.body)
			switch {
			case deleted && (got.status != http.StatusNotFound || got.text != `{"message":"Lead não encontrado."}`):
				t.Errorf("%s, of a deleted lead: %d %s", e.title, got.status, got.text)
			case !deleted && got.status >= 300:
				t.Errorf("%s: %d %s", e.title, got.status, got.text)
			}
			deleted = deleted || e.title == "Delete lead"
		}
	})
}

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
