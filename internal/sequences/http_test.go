package sequences_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"syncro/internal/input"
	"syncro/internal/sequences"
)

func TestEnrollingAndLeavingAnswerAsDocumented(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", `{"type":"message","delay_minutes":90,"settings":{"body":"Olá"}}`)
		empty := w.ask(201, "POST", "/sequences", `{"name":"Vazia","is_active":true}`).at("sequence", "id")
		inactive := w.ask(201, "POST", "/sequences", `{"name":"Parada","steps":[`+hello+`]}`).at("sequence", "id")
		enroll := func(status int, body string) string {
			return w.ask(status, "POST", "/leads/100/enroll-sequence", body).text
		}
		const invalid = `{"message":"The selected sequence id is invalid.","errors":{"sequence_id":["The selected sequence id is invalid."]}}`
		for _, other := range []any{empty, inactive, 999} {
			if got := enroll(422, fmt.Sprintf(`{"sequence_id":%v}`, other)); got != invalid {
				t.Errorf("sequence %v: %s", other, got)
			}
		}
		if got := enroll(422, `{}`); got != `{"message":"The sequence id field is required.","errors":{"sequence_id":["The sequence id field is required."]}}` {
			t.Errorf("none: %s", got)
		}
		want := fmt.Sprintf(`{"success":true,"lead_id":100,"sequence_id":%d,"lead_sequence_id":1,"status":"active","next_step_at":"2026-06-30T14:30:00Z"}`, id)
		if got := enroll(200, fmt.Sprintf(`{"sequence_id":"%d"}`, id)); got != want {
			t.Errorf("enrolled with %s\nwant %s", got, want)
		}
		if got := enroll(422, fmt.Sprintf(`{"sequence_id":%d}`, id)); got != `{"success":false,"message":"O lead já está nesta sequência.","already_enrolled":true}` {
			t.Errorf("again: %s", got)
		}
		lead := w.ask(200, "GET", "/leads/100?include=sequences,events", nil)
		if text := fmt.Sprintf(`"active_sequence":{"id":%d,"name":"Boas-vindas","current_step":1,"total_steps":1,"status":"active"},`+
			`"sequences":[{"id":1,"sequence_id":%d,"name":"Boas-vindas","status":"active","next_step_at":"2026-06-30T14:30:00Z"}]`, id, id); !strings.Contains(lead.text, text) {
			t.Errorf("the lead shows %s\nwant %s", lead.text, text)
		}
		if lead.at("lead", "events", 0, "event_type") != "sequence_enrolled" {
			t.Errorf("the timeline has %v", lead.at("lead", "events"))
		}
		leave := fmt.Sprintf("/leads/100/enroll-sequence/%d", id)
		if got, want := w.ask(200, "DELETE", leave, nil).text, fmt.Sprintf(`{"success":true,"lead_id":100,"sequence_id":%d,"status":"exited_manual"}`, id); got != want {
			t.Errorf("left with %s\nwant %s", got, want)
		}
		if got := w.ask(404, "DELETE", leave, nil).text; got != `{"message":"O lead não está nesta sequência."}` {
			t.Errorf("left again: %s", got)
		}
		if again := w.enroll(100, id); again.at("lead_sequence_id") == 1.0 {
			t.Errorf("a new enrolment is no new row: %s", again.text)
		}
		for _, path := range []string{"/leads/999/enroll-sequence", "/leads/abc/enroll-sequence"} {
			if got := w.ask(404, "POST", path, `{}`).text; got != `{"message":"Lead não encontrado."}` {
				t.Errorf("%s: %s", path, got)
			}
		}
		w.ask(404, "DELETE", fmt.Sprintf("/leads/999/enroll-sequence/%d", id), nil)
		w.ask(404, "GET", fmt.Sprintf("/leads/101/sequences/%d/explain", id), nil)
	})
}

func TestOfManyWhoEnrollALeadAtOnceOneDoes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", hello)
		var enrolled sync.WaitGroup
		results := make(chan error, 16)
		for range cap(results) {
			enrolled.Go(func() {
				_, err := w.service.Enroll(t.Context(), w.actor, 100, &input.Form[sequences.EnrollFields]{Fields: sequences.EnrollFields{SequenceID: input.Of(id)}})
				results <- err
			})
		}
		enrolled.Wait()
		close(results)
		in := 0
		for err := range results {
			if err == nil {
				in++
			} else if err.Error() != "O lead já está nesta sequência." {
				t.Error(err)
			}
		}
		if in != 1 {
			t.Errorf("%d are in", in)
		}
	})
}

func TestStepsAreChecked(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, test := range []struct{ step, field, message string }{
			{`{}`, "steps.0.type", "The steps.0.type field is required."},
			{`{"type":"message"}`, "steps.0.settings.body", "The steps.0.settings.body field is required."},
			{`{"type":"message","settings":{"type":"image"}}`, "steps.0.settings.media_url", "The steps.0.settings.media url field is required."},
			{`{"type":"message","settings":{"type":"call","body":"a"}}`, "steps.0.settings.type", "The selected steps.0.settings.type is invalid."},
			{`{"type":"message","settings":{"body":"a","instance_id":9}}`, "steps.0.settings.instance_id", "The selected steps.0.settings.instance id is invalid."},
			{`{"type":"message","settings":{"body":"{{empresa}}"}}`, "steps.0.settings.fallbacks.empresa", "The steps.0.settings.fallbacks.empresa field is required."},
			{`{"type":"message","settings":{"body":"{{cpf}}"}}`, "steps.0.settings", "The placeholder {{cpf}} is unknown; there are email, empresa, etapa, funil, nome, origem, primeiro_nome, responsavel, telefone, valor, and custom_fields.<name>."},
			{`{"type":"message","settings":{"body":"a","fallback_template":{"template_id":1,"variables":["{{nome}}"]}}}`, "steps.0.settings.fallback_template.variables", "The steps.0.settings.fallback template.variables field must contain 2 items."},
			{`{"type":"message","delay_minutes":-1,"settings":{"body":"a"}}`, "steps.0.delay_minutes", "The steps.0.delay minutes field must be at least 0."},
			{`{"type":"message","settings":{"body":"a"},"sending_hours":{"from":"18:00","until":"09:00"}}`, "steps.0.sending_hours.until", "The steps.0.sending hours.until field must be a time after from."},
			{`{"type":"message","settings":{"body":"a"},"sending_hours":{"weekdays":[1,8]}}`, "steps.0.sending_hours.weekdays.1", "The selected steps.0.sending hours.weekdays.1 is invalid."},
			{`{"type":"template","settings":{"template_id":9}}`, "steps.0.settings.template_id", "The selected steps.0.settings.template id is invalid."},
			{`{"type":"task","settings":{"type":"text","subject":"a"}}`, "steps.0.settings.type", "The selected steps.0.settings.type is invalid."},
			{`{"type":"task","settings":{"subject":"a","assigned_to":99}}`, "steps.0.settings.assigned_to", "The selected steps.0.settings.assigned to is invalid."},
			{`{"type":"action","settings":{"action":"move_stage","stage_id":99}}`, "steps.0.settings.stage_id", "The selected steps.0.settings.stage id is invalid."},
			{`{"type":"action","settings":{"action":"add_tag"}}`, "steps.0.settings.tag", "The steps.0.settings.tag field is required."},
			{`{"type":"wait_reply","settings":{}}`, "steps.0.settings.timeout_minutes", "The steps.0.settings.timeout minutes field is required."},
			{`{"type":"wait_reply","settings":{"timeout_minutes":1,"on_reply_step":1}}`, "steps.0.settings.on_reply_step", "The selected steps.0.settings.on reply step is invalid."},
			{`{"type":"condition","settings":{"field":"tag","operator":"equals","value":"vip","else_step":2}}`, "steps.0.settings.else_step", "The selected steps.0.settings.else step is invalid."},
			{`{"type":"condition","settings":{"field":"custom_fields.nada","operator":"equals","value":"1"}}`, "steps.0.settings.field", "The selected steps.0.settings.field is invalid."},
		} {
			got := w.ask(422, "POST", "/sequences", `{"name":"a","steps":[`+test.step+`]}`)
			if got.at("errors", test.field, 0) != test.message {
				t.Errorf("%s: %s\nwant %s", test.step, got.text, test.message)
			}
		}
		// All of them at once, whether they are wrong by themselves or by what they name.
		got := w.ask(422, "POST", "/sequences", `{"steps":[{"type":"wait_reply","settings":{"on_reply_step":1}},{"type":"bogus"},7,{"type":"message","settings":5},
			{"type":"message","delay_minutes":-1,"settings":{"body":"{{empresa}}"},"sending_hours":{"from":"9h","weekdays":[8]}}]}`)
		wrong, _ := got.at("errors").(map[string]any)
		if names := slices.Sorted(maps.Keys(wrong)); !slices.Equal(names, []string{
			"name", "steps.0.settings.on_reply_step", "steps.0.settings.timeout_minutes", "steps.1.type", "steps.2", "steps.3.settings",
			"steps.4.delay_minutes", "steps.4.sending_hours.from", "steps.4.sending_hours.weekdays.0", "steps.4.settings.fallbacks.empresa",
		}) {
			t.Errorf("wrong are %s", got.text)
		}
		if n := w.count(`SELECT count(*) FROM sequences WHERE account_id = 1`); n != 0 {
			t.Errorf("%d wrong sequences were stored", n)
		}
	})
}

func TestSequencesAreManaged(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.ask(201, "POST", "/sequences", `{"name":"Boas-vindas","steps":[`+hello+`,`+call+`]}`)
		if made.at("sequence", "is_active") != false || made.at("sequence", "exit_on_reply") != true || made.at("sequence", "steps", 1, "settings", "subject") != "Ligar para {{nome}} de {{empresa}}" {
			t.Errorf("made %s", made.text)
		}
		path := fmt.Sprintf("/sequences/%v", made.at("sequence", "id"))
		steps, _ := made.at("sequence", "steps").([]any)
		reordered := w.ask(200, "PUT", path, map[string]any{"steps": []any{steps[1], steps[0]}, "description": "Para todos"})
		if reordered.at("sequence", "steps", 0, "type") != "task" || reordered.at("sequence", "steps", 0, "position") != 1.0 || reordered.at("sequence", "description") != "Para todos" {
			t.Errorf("reordered to %s", reordered.text)
		}
		if got := w.ask(200, "POST", path+"/activate", nil); got.at("sequence", "is_active") != true {
			t.Errorf("activated: %s", got.text)
		}
		double := w.ask(201, "POST", path+"/duplicate", nil)
		if double.at("sequence", "name") != "Boas-vindas (cópia)" || double.at("sequence", "is_active") != false || double.at("sequence", "total_steps") != 2.0 {
			t.Errorf("duplicated to %s", double.text)
		}
		w.ask(200, "DELETE", path, nil)
		w.ask(404, "DELETE", path, nil)
		w.ask(404, "PUT", path, `{"name":"b"}`)
		if list := w.ask(200, "GET", "/sequences", nil); list.at("data", 1) != nil || list.at("data", 0, "name") != "Boas-vindas (cópia)" {
			t.Errorf("listed %s", list.text)
		}
	})
}

func TestTheAccountsHolidays(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id := w.sequence("", `{"type":"message","sending_hours":{"from":"09:00","until":"18:00","weekdays":[1,2,3,4,5]},"settings":{"body":"Olá"}}`)
		day := w.ask(201, "POST", "/account/holidays", `{"date":"2026-06-30","name":"Aniversário da cidade"}`)
		if x := w.enroll(100, id); x.at("next_step_at") != "2026-07-01T12:00:00Z" {
			t.Errorf("enrolled with %s", x.text)
		}
		if x := w.explained(100, id); x.at("explanation") != "O passo 1 (message) será executado em 01/07/2026 09:00, quando abrir o seu horário de envio." {
			t.Errorf("explained as %s", x.text)
		}
		w.ask(201, "POST", "/account/holidays", `{"date":"2026-07-01","name":"Ponte"}`)
		w.pass(0)
		if x := w.explained(100, id); x.at("next", "at") != "2026-07-02T12:00:00Z" || x.at("reason") != "sending_hours" {
			t.Errorf("explained as %s", x.text)
		}
		w.ask(200, "DELETE", fmt.Sprintf("/account/holidays/%v", day.at("holiday", "id")), nil)
		w.ask(404, "DELETE", fmt.Sprintf("/account/holidays/%v", day.at("holiday", "id")), nil)
		if x := w.enroll(101, id); x.at("next_step_at") != "2026-06-30T13:00:00Z" {
			t.Errorf("enrolled with %s", x.text)
		}
		if list := w.ask(200, "GET", "/account/holidays", nil); list.at("data", 4, "date") != "2026-07-01" || strings.Contains(list.text, "2026-06-30") {
			t.Errorf("listed %s", list.text)
		}
	})
}
