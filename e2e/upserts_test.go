package e2e

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

func TestUpserts(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		upsert := func(t *testing.T, status int, body fields) answer {
			t.Helper()
			return c.want(t, status, "POST", "/leads/upsert", body)
		}
		there := func(more fields) fields {
			body := fields{"name": "Contato", "pipeline_id": 1, "stage_id": prospecting}
			maps.Copy(body, more)
			return body
		}
		t.Run("an unknown contact is created with 201, a known one updated with 200", func(t *testing.T) {
			made := upsert(t, 201, there(fields{"email": "novo@x.com.br"}))
			wholeLead(t, "the lead", made.at("lead"))
			keys(t, "the answer", made.body, "success", "created", "lead")
			again := upsert(t, 200, there(fields{"email": "novo@x.com.br", "company": "ACME"}))
			holds(t, "again", again.body, parsed(t, fmt.Sprintf(`{"success":true,"created":false,"lead":{"id":%v,"company":"ACME"}}`, made.at("lead", "id"))))
		})
		t.Run("matches by email without case, and by phone in every form and with or without its ninth digit", func(t *testing.T) {
			id := upsert(t, 201, there(fields{"email": "Forma@x.com.br", "phone": "+5511955554444"})).at("lead", "id")
			for _, contact := range []fields{
				{"email": "FORMA@X.COM.BR"}, {"phone": "11 95555-4444"}, {"phone": "(011) 95555 4444"}, {"phone": 5511955554444}, {"phone": "+55 (11) 9 5555.4444"},
			} {
				if got := upsert(t, 200, contact); got.at("lead", "id") != id {
					t.Errorf("%v: %s", contact, got.text)
				}
			}
			mobile := upsert(t, 201, there(fields{"phone": "+5511987654321"})).at("lead", "id")
			old := upsert(t, 201, there(fields{"phone": "+552187651234"})).at("lead", "id")
			for phone, want := range map[string]any{"+551187654321": mobile, "11 8765-4321": mobile, "+5521987651234": old, "21987651234": old} {
				if got := upsert(t, 200, fields{"phone": phone}); got.at("lead", "id") != want {
					t.Errorf("%s: %s", phone, got.text)
				}
			}
		})
		t.Run("a landline never gets or loses a ninth digit", func(t *testing.T) {
			fixed := upsert(t, 201, there(fields{"phone": "+551133334444"})).at("lead", "id")
			mobile := upsert(t, 201, there(fields{"phone": "+5511933334444"})).at("lead", "id")
			if fixed == mobile {
				t.Error("one lead for both")
			}
			foreignNumber := upsert(t, 201, there(fields{"phone": "+5491187654321"}))
			if got := upsert(t, 200, fields{"phone": "+5491187654321"}); got.at("lead", "id") != foreignNumber.at("lead", "id") {
				t.Errorf("got %s", got.text)
			}
		})
		t.Run("email_or_phone, the default, tries email first and then phone", func(t *testing.T) {
			byEmail := upsert(t, 201, there(fields{"email": "um@x.com.br"})).at("lead", "id")
			byPhone := upsert(t, 201, there(fields{"phone": "+5511944443333"})).at("lead", "id")
			both := fields{"email": "um@x.com.br", "phone": "+5511944443333"}
			for match, want := range map[string]any{"email": byEmail, "phone": byPhone} {
				body := maps.Clone(both)
				body["match_by"] = match
				delete(body, map[string]string{"email": "phone", "phone": "email"}[match])
				if got := upsert(t, 200, body); got.at("lead", "id") != want {
					t.Errorf("by %s: %s", match, got.text)
				}
			}
			if got := upsert(t, 200, fields{"email": "ninguem@x.com.br", "phone": "+5511944443333"}); got.at("lead", "id") != byPhone {
				t.Errorf("an unknown address with a known phone: %s", got.text)
			}
			both["match_by"] = "email_or_phone"
			if got := upsert(t, 200, both); got.at("lead", "id") != byEmail {
				t.Errorf("both known: %s", got.text)
			}
		})
		t.Run("match_by names the field that is needed", func(t *testing.T) {
			for _, x := range []struct {
				body  fields
				wrong []string
			}{
				{there(nil), []string{"phone", "email"}},
				{there(fields{"match_by": "email", "phone": "+5511944443333"}), []string{"email"}},
				{there(fields{"match_by": "phone", "email": "um@x.com.br"}), []string{"phone"}},
				{there(fields{"match_by": "email_or_phone", "phone": "", "email": nil}), []string{"phone", "email"}},
				{there(fields{"match_by": "name", "email": "um@x.com.br"}), []string{"match_by"}},
			} {
				got := upsert(t, 422, x.body)
				if names := fieldsInOrder(t, got); !slices.Equal(names, x.wrong) {
					t.Errorf("%v: %s", x.body, got.text)
				}
			}
		})
		t.Run("of several matches the most recently updated is taken", func(t *testing.T) {
			var paths []string
			for range 3 {
				paths = append(paths, c.path(t, fields{"email": "varios@x.com.br"}))
			}
			for turn, i := range []int{1, 0, 2, 1} {
				c.want(t, 200, "PATCH", paths[i], fields{"notes": fmt.Sprint("turno ", turn)})
				got := upsert(t, 200, fields{"email": "varios@x.com.br"})
				if path := fmt.Sprintf("/leads/%v", got.at("lead", "id")); path != paths[i] {
					t.Errorf("after changing %s: %s", paths[i], path)
				}
			}
		})
		t.Run("only what is sent and not empty changes, and tags replaces the set", func(t *testing.T) {
			upsert(t, 201, there(fields{"email": "so@x.com.br", "company": "ACME", "value": 5, "notes": "n", "tags": []string{"x", "y"}, "assigned_to": 12, "custom_fields": fields{"setor": "TI", "funcionarios": 2}}))
			got := upsert(t, 200, fields{"email": "so@x.com.br", "name": "", "company": nil, "value": "", "notes": "  ", "assigned_to": nil, "custom_fields": fields{"setor": "", "funcionarios": 9}})
			holds(t, "after empty fields", got.at("lead"), parsed(t, `{"name":"Contato","company":"ACME","value":5,"notes":"n","tags":["x","y"],"custom_fields":{"setor":"TI","funcionarios":9}}`))
			same(t, "tags", upsert(t, 200, fields{"email": "so@x.com.br", "tags": []string{"z"}}).at("lead", "tags"), `["z"]`)
			same(t, "the owner", c.lead(t, fmt.Sprintf("/leads/%v", got.at("lead", "id")), "owner")["assigned_to"], `12`)
		})
		t.Run("pipeline_id with stage_id moves by the rules of a move, either alone is refused", func(t *testing.T) {
			made := upsert(t, 201, there(fields{"email": "move@x.com.br", "value": 8}))
			path := fmt.Sprintf("/leads/%v", made.at("lead", "id"))
			got := upsert(t, 200, fields{"email": "move@x.com.br", "pipeline_id": 1, "stage_id": won})
			same(t, "the stage", got.at("lead", "stage_id"), `10`)
			same(t, "the sale", each(c.lead(t, path, "sales")["sales"], "value"), `[8]`)
			for field, missing := range map[string]string{"pipeline_id": "stage_id", "stage_id": "pipeline_id"} {
				got := upsert(t, 422, fields{"email": "move@x.com.br", field: map[string]int{"pipeline_id": 1, "stage_id": proposal}[field]})
				if names := fieldsInOrder(t, got); !slices.Equal(names, []string{missing}) {
					t.Errorf("%s alone: %s", field, got.text)
				}
			}
		})
		t.Run("a blocked move makes the whole upsert the 422 and changes nothing; a sync without a stage goes through", func(t *testing.T) {
			made := upsert(t, 201, there(fields{"email": "preso@x.com.br", "stage_id": documents}))
			got := upsert(t, 422, there(fields{"email": "preso@x.com.br", "company": "ACME", "tags": []string{"x"}}))
			holds(t, "blocked", got.body, parsed(t, `{"success":false,"blocked":true,"message":"Complete mandatory tasks before moving the lead."}`))
			holds(t, "the lead", c.lead(t, fmt.Sprintf("/leads/%v", made.at("lead", "id"))), parsed(t, `{"company":null,"tags":[],"stage_id":8}`))
			upsert(t, 200, fields{"email": "preso@x.com.br", "company": "ACME"})
		})
		t.Run("a creation needs name, pipeline and stage", func(t *testing.T) {
			got := upsert(t, 422, fields{"email": "incompleto@x.com.br"})
			if names := fieldsInOrder(t, got); !slices.Equal(names, []string{"name", "pipeline_id", "stage_id"}) {
				t.Errorf("got %s", got.text)
			}
			if ids := c.ids(t, "q=incompleto@x"); len(ids) != 0 {
				t.Errorf("leads %v were made", ids)
			}
		})
		t.Run("leads in the trash and of other accounts are left out", func(t *testing.T) {
			first := upsert(t, 201, there(fields{"email": "lixo@x.com.br"}))
			c.want(t, 200, "DELETE", fmt.Sprintf("/leads/%v", first.at("lead", "id")), nil)
			second := upsert(t, 201, there(fields{"email": "lixo@x.com.br"}))
			if second.at("lead", "id").(float64) <= first.at("lead", "id").(float64) {
				t.Errorf("the second has id %v, the first had %v", second.at("lead", "id"), first.at("lead", "id"))
			}
			got := c.as(foreign).want(t, 200, "POST", "/leads/upsert", fields{"email": unmasked, "phone": "+5511999887766"})
			same(t, "the other account's", got.at("lead", "id"), `900`)
			same(t, "this account's", upsert(t, 200, fields{"email": unmasked}).at("lead", "id"), `123`)
		})
	})
}
