package messaging_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"syncro/internal/api"
	"syncro/internal/db"
	"syncro/internal/messaging/simulator"
)

// manage sends a request as ours, or as another whose key stands before the method,
// and demands the status.
func (o *office) manage(status int, method, path, body string) map[string]any {
	o.Helper()
	key, verb, other := strings.Cut(method, " ")
	if !other {
		key, verb = "ours", method
	}
	r := httptest.NewRequestWithContext(o.Context(), verb, api.Base+path, strings.NewReader(body))
	r.Header.Set("X-API-Key", key)
	answer := httptest.NewRecorder()
	o.handler.ServeHTTP(answer, r)
	if answer.Code != status {
		o.Errorf("%s %s %s: %d %s, want %d", method, path, body, answer.Code, answer.Body, status)
	}
	for _, hidden := range []string{"segredo-do-hook", "chave-secreta"} {
		if strings.Contains(answer.Body.String(), hidden) {
			o.Errorf("%s %s shows a credential: %s", method, path, answer.Body)
		}
	}
	var got map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		o.Error(err)
	}
	return got
}

// instance is that of an answer.
func instance(answer map[string]any) map[string]any {
	v, _ := answer["instance"].(map[string]any)
	return v
}

// primaries are the numbers of the list that are primary.
func (o *office) primaries() (ids []float64) {
	o.Helper()
	list, _ := o.manage(200, "GET", "/whatsapp/instances", "")["data"].([]any)
	for _, one := range list {
		v, _ := one.(map[string]any)
		if id, ok := v["id"].(float64); ok && v["is_primary"] == true {
			ids = append(ids, id)
		}
	}
	return ids
}

func TestANumberIsConnectedPairedAndDisconnected(t *testing.T) {
	eachOffice(t, func(o *office) {
		made := instance(o.manage(201, "POST", "/whatsapp/instances", fmt.Sprintf(
			`{"provider":"waha","display_name":"Nova","base_url":%q,"session":"nova","token":"token","hook_secret":"segredo-do-hook","creates_leads":true,"lead_stage_id":11}`, o.service.server.URL)))
		id := fmt.Sprint(made["id"])
		path := "/whatsapp/instances/" + id
		if made["status"] != "disconnected" || made["is_primary"] != false || made["has_token"] != true || made["has_verify_token"] != false || made["hook_path"] != "/hooks/waha/"+id || made["lead_pipeline_id"] != 1.0 {
			o.Errorf("made %v", made)
		}
		for _, route := range []string{"GET ", "PUT ", "DELETE ", "PUT /primary", "POST /check", "POST /start", "GET /qr", "POST /templates/sync"} {
			method, rest, _ := strings.Cut(route, " ")
			o.manage(404, "theirs "+method, path+rest, "{}")
		}
		if got := instance(o.manage(200, "POST", path+"/check", "")); got["status"] != "failed" || got["status_reason"] == nil {
			o.Errorf("without a session it is %v", got)
		}
		o.clock.Advance(1e9)
		if got := instance(o.manage(200, "POST", path+"/start", "")); got["status"] != "pairing" {
			o.Errorf("started it is %v", got)
		}
		qr, _ := o.manage(200, "GET", path+"/qr", "")["qr"].(map[string]any)
		if qr["value"] != "2@simulador,nova" || !strings.HasPrefix(fmt.Sprint(qr["image"]), "iVBORw0KGgo") {
			o.Errorf("the code is %v", qr)
		}
		if err := o.service.SetSession(o.Context(), -1, "WORKING"); err != nil { // somebody scans it
			o.Fatal(err)
		}
		o.clock.Advance(1e9)
		if got := instance(o.manage(200, "POST", path+"/check", "")); got["status"] != "connected" || got["phone_number"] != "+5511999887700" || got["status_reason"] != nil {
			o.Errorf("scanned it is %v", got)
		}
		o.manage(409, "GET", path+"/qr", "")
		o.manage(200, "PUT", path, `{"display_name":"Novíssima","lead_stage_id":null,"creates_leads":false}`)
		if got := instance(o.manage(200, "GET", path, "")); got["display_name"] != "Novíssima" || got["lead_stage_id"] != nil || got["session"] != "nova" || got["has_hook_secret"] != true {
			o.Errorf("changed it is %v", got)
		}
		o.service.Fail(simulator.Failure{Everything: true, Status: 500})
		o.clock.Advance(1e9)
		if got := instance(o.manage(200, "POST", path+"/check", "")); got["status"] != "disconnected" {
			o.Errorf("away it is %v", got)
		}
		if got := o.manage(502, "POST", path+"/start", ""); got["provider_error"] == nil {
			o.Errorf("away it starts with %v", got)
		}
		o.service.Heal()
		o.manage(200, "DELETE", path, "")
		o.manage(404, "GET", path, "")
		o.manage(404, "POST", path+"/check", "")
		var kept string
		if err := o.db.Read(o.Context(), func(q db.Querier) error {
			return db.Get(q.Query(`SELECT COALESCE(token_sealed, hook_secret_sealed, base_url, 'nothing') FROM whatsapp_instances WHERE account_id = 1 AND display_name = 'Novíssima'`), &kept)
		}); err != nil || kept != "nothing" {
			o.Errorf("of a number that is gone there is %q, %v", kept, err)
		}
		o.manage(422, "POST", "/whatsapp/instances/2/start", "")
		o.manage(422, "GET", "/whatsapp/instances/2/qr", "")
		o.manage(422, "POST", "/whatsapp/instances/1/templates/sync", "")
	})
}

func TestAConnectionIsCheckedBeforeItIsKept(t *testing.T) {
	eachOffice(t, func(o *office) {
		waha := func(more string) string {
			return `{"provider":"waha","display_name":"N","base_url":"https://waha.example","session":"s","token":"chave-secreta"` + more + `}`
		}
		for body, want := range map[string]string{
			`{}`: "provider", `{"provider":"telegrama"}`: "provider",
			`{"provider":"waha"}`:                                                              "display_name base_url session token",
			`{"provider":"cloud_api"}`:                                                         "display_name phone_number_id token",
			waha(`,"base_url":"http://10.0.0.1/"`):                                             "base_url",
			waha(`,"base_url":"http://169.254.169.254/latest"`):                                "base_url",
			waha(`,"base_url":"ftp://waha.example"`):                                           "base_url",
			waha(`,"session":"../x"`):                                                          "session",
			waha(`,"token":"quebra\nde linha"`):                                                "token",
			waha(`,"creates_leads":true`):                                                      "lead_stage_id",
			waha(`,"creates_leads":true,"lead_stage_id":21`):                                   "lead_stage_id",   // another account's
			`{"provider":"cloud_api","display_name":"N","phone_number_id":"9004","token":"t"}`: "phone_number_id", // another account's
			`{"provider":"cloud_api","display_name":"N","phone_number_id":"x","business_id":"y","api_version":"23","token":"t"}`: "phone_number_id business_id api_version",
		} {
			errors, _ := o.manage(422, "POST", "/whatsapp/instances", body)["errors"].(map[string]any)
			if len(errors) != len(strings.Fields(want)) {
				o.Errorf("%s is refused for %v, want %s", body, errors, want)
			}
			for field := range strings.FieldsSeq(want) {
				if errors[field] == nil {
					o.Errorf("%s is refused for %v, want %s", body, errors, want)
				}
			}
		}
		o.manage(422, "PUT", "/whatsapp/instances/1", `{"base_url":"http://192.168.0.7"}`)
		o.manage(422, "PUT", "/whatsapp/instances/1", `{"token":null}`)
		o.manage(422, "PUT", "/whatsapp/instances/2", `{"phone_number_id":"9004"}`)
		o.manage(400, "POST", "/whatsapp/instances", `{`)
	})
}

func TestAnAccountHasOnePrimaryNumber(t *testing.T) {
	eachOffice(t, func(o *office) {
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() { o.manage(200, "PUT", fmt.Sprintf("/whatsapp/instances/%d/primary", 1+i%3), "") })
		}
		all.Wait()
		if ids := o.primaries(); len(ids) != 1 {
			o.Errorf("primary are %v", ids)
		}
		o.manage(200, "PUT", "/whatsapp/instances/3/primary", "")
		o.manage(404, "PUT", "/whatsapp/instances/4/primary", "") // another account's
		for i := range 3 {
			all.Go(func() { o.manage(200, "DELETE", fmt.Sprintf("/whatsapp/instances/%d", 1+i), "") })
		}
		all.Wait()
		if ids := o.primaries(); len(ids) != 0 {
			o.Errorf("primary are %v", ids)
		}
		for i := range 4 {
			all.Go(func() {
				o.manage(201, "POST", "/whatsapp/instances", fmt.Sprintf(`{"provider":"cloud_api","display_name":"N","phone_number_id":"77%d","token":"t"}`, i))
			})
		}
		all.Wait()
		if ids := o.primaries(); len(ids) != 1 {
			o.Errorf("of new ones primary are %v", ids)
		}
	})
}

func TestConversationsOutliveTheirNumber(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.manage(200, "POST", "/leads/100/send-whatsapp", `{"type":"text","body":"Oi"}`)
		o.manage(200, "DELETE", "/whatsapp/instances/1", "")
		list, _ := o.manage(200, "GET", "/conversations", "")["data"].([]any)
		if len(list) != 1 {
			o.Fatalf("the conversations are %v", list)
		}
		conversation, _ := list[0].(map[string]any)
		path := fmt.Sprintf("/conversations/%v/messages", conversation["id"])
		if messages, _ := o.manage(200, "GET", path, "")["data"].([]any); len(messages) != 1 {
			o.Errorf("the messages are %v", messages)
		}
		if got := o.manage(422, "POST", path, `{"type":"text","body":"Oi"}`); got["skip_reason"] != "no_instance" {
			o.Errorf("a reply is %v", got)
		}
		if ids := o.primaries(); len(ids) != 1 || ids[0] != 2 {
			o.Errorf("primary is %v", ids)
		}
	})
}

func TestTemplatesFollowTheProvider(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.manage(200, "PUT", "/whatsapp/instances/2", `{"business_id":"8002"}`)
		sync := func(created, updated, gone, unchanged float64) {
			o.Helper()
			o.clock.Advance(1e9)
			got := o.manage(200, "POST", "/whatsapp/instances/2/templates/sync", "")
			if got["created"] != created || got["updated"] != updated || got["gone"] != gone || got["unchanged"] != unchanged {
				o.Errorf("synchronised as %v", got)
			}
		}
		sync(0, 2, 1, 0) // promo is not at the provider
		sync(0, 0, 0, 3)
		const body = `{"instance_id":2,"name":"aviso","language":"pt_BR","category":"UTILITY","body":"Olá {{1}}","examples":["João"]}`
		made, _ := o.manage(201, "POST", "/whatsapp/templates", body)["template"].(map[string]any)
		if made["status"] != "PENDING" || made["variables_count"] != 1.0 || made["name"] != "aviso" {
			o.Errorf("made %v", made)
		}
		o.manage(422, "POST", "/whatsapp/templates", body)
		for _, wrong := range []string{
			strings.Replace(body, `"aviso"`, `"Aviso!"`, 1), strings.Replace(body, `["João"]`, `[]`, 1), strings.Replace(body, "{{1}}", "{{2}}", 1),
			strings.Replace(body, `:2,`, `:1,`, 1), strings.Replace(body, `:2,`, `:4,`, 1), `{}`,
		} {
			if got := o.manage(422, "POST", "/whatsapp/templates", wrong); got["errors"] == nil {
				o.Errorf("%s gives %v", wrong, got)
			}
		}
		if err := o.service.Decide(o.Context(), 2, "aviso", "pt_BR", "APPROVED"); err != nil {
			o.Fatal(err)
		}
		sync(0, 1, 0, 3)
		if err := o.service.Decide(o.Context(), 2, "aviso", "pt_BR", "DELETED"); err != nil {
			o.Fatal(err)
		}
		sync(0, 0, 1, 3)
		o.service.Fail(simulator.Failure{InstanceID: 2, Everything: true, Code: 190})
		if got := o.manage(http.StatusBadGateway, "POST", "/whatsapp/instances/2/templates/sync", ""); got["provider_error"] == nil {
			o.Errorf("refused as %v", got)
		}
	})
}
