package e2e

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fieldsInOrder are the names under "errors", as the text of an answer has them.
func fieldsInOrder(t *testing.T, a answer) []string {
	t.Helper()
	var body struct {
		Errors json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal([]byte(a.text), &body); err != nil || body.Errors == nil {
		t.Fatalf("%v in %s", err, a.text)
	}
	decoder := json.NewDecoder(strings.NewReader(string(body.Errors)))
	var names []string
	for depth := 0; ; {
		token, err := decoder.Token()
		if err != nil {
			return names
		}
		switch token := token.(type) {
		case json.Delim:
			if token == '{' || token == '[' {
				depth++
			} else {
				depth--
			}
		case string:
			if depth == 1 {
				names = append(names, token)
			}
		}
	}
}

func TestWhatIsWrongWithFields(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		long := func(n int) string { return strings.Repeat("é", n) }
		t.Run("one wrong field is the message and the only error", func(t *testing.T) {
			c.do(t, "POST", "/leads", fields{"pipeline_id": 1, "stage_id": 5}).is(t, "no name", 422, invalid("name", "The name field is required."))
			for _, x := range []struct {
				field   string
				value   any
				message string
			}{
				{"name", nil, "The name field is required."},
				{"name", "", "The name field is required."},
				{"name", "  ", "The name field is required."},
				{"name", []string{"x"}, "The name field must be a string."},
				{"name", long(256), "The name field must not be greater than 255 characters."},
				{"stage_id", 999, "The selected stage id is invalid."},
				{"stage_id", onboarding, "The selected stage id is invalid."},
				{"phone", "123456789012345678901", "The phone field must not be greater than 20 characters."},
				{"email", "nobody", "The email field must be a valid email address."},
				{"email", strings.Repeat("a", 180) + "@acme.com.br", "The email field must not be greater than 191 characters."},
				{"company", long(192), "The company field must not be greater than 191 characters."},
				{"value", -0.01, "The value field must be at least 0."},
				{"value", "x", "The value field must be a number."},
				{"value", 10_000_000_000, "The value field must not be greater than 9999999999.99."},
				{"source", long(101), "The source field must not be greater than 100 characters."},
				{"tags", "vip", "The tags field must be an array."},
				{"notes", long(2001), "The notes field must not be greater than 2000 characters."},
				{"utm_source", long(101), "The utm source field must not be greater than 100 characters."},
				{"utm_medium", long(101), "The utm medium field must not be greater than 100 characters."},
				{"utm_campaign", long(201), "The utm campaign field must not be greater than 200 characters."},
				{"utm_term", long(201), "The utm term field must not be greater than 200 characters."},
				{"utm_content", long(201), "The utm content field must not be greater than 200 characters."},
				{"assigned_to", 15, "The selected assigned to is invalid."},
				{"assigned_to", 999, "The selected assigned to is invalid."},
				{"assigned_to", "ana", "The assigned to field must be an integer."},
			} {
				body := fields{"name": "x", "pipeline_id": 1, "stage_id": 5, x.field: x.value}
				c.do(t, "POST", "/leads", body).is(t, "a creation with "+x.field, 422, invalid(x.field, x.message))
				if x.field != "stage_id" { // which alone is another refusal there
					c.do(t, "PATCH", joao, fields{x.field: x.value}).is(t, "an update with "+x.field, 422, invalid(x.field, x.message))
				}
			}
			for field, value := range map[string]any{"birthday": "15/01/1990", "birthday ": "1990-02-30", "custom_fields": "x"} {
				field = strings.TrimSpace(field)
				got := c.want(t, 422, "POST", "/leads", fields{"name": "x", "pipeline_id": 1, "stage_id": 5, field: value})
				if names := fieldsInOrder(t, got); !slices.Equal(names, []string{field}) {
					t.Errorf("%v: %s", value, got.text)
				}
			}
		})
		t.Run("the longest values are taken, counted in characters", func(t *testing.T) {
			longest := fields{
				"name": long(255), "phone": "12345678901234567890", "email": strings.Repeat("a", 62) + "@" + strings.Repeat("b", 63) + "." + strings.Repeat("c", 60) + ".br",
				"company": long(191), "value": 9_999_999_999.99, "source": long(100), "notes": long(2000),
				"utm_source": long(100), "utm_medium": long(100), "utm_campaign": long(200), "utm_term": long(200), "utm_content": long(200), "tags": []any{long(50)},
			}
			lead := c.create(t, longest).at("lead")
			for name, value := range longest {
				if name != "phone" && name != "tags" && dig(lead, name) != value {
					t.Errorf("%s is %v", name, dig(lead, name))
				}
			}
		})
		t.Run("all wrong fields are reported at once, shapes and look-ups together, in the order of the fields", func(t *testing.T) {
			wrong := fields{
				"custom_fields": fields{"tamanho_empresa": "huge", "funcionarios": "many"}, "assigned_to": 15, "utm_content": long(201), "utm_source": []int{1}, "notes": long(2001),
				"tags": []any{"ok", long(51), 7}, "source": long(101), "value": -1, "birthday": "x", "company": long(192), "email": "nobody", "phone": long(21), "stage_id": 30, "pipeline_id": 2,
			}
			got := c.want(t, 422, "POST", "/leads", wrong)
			want := []string{
				"name", "pipeline_id", "stage_id", "phone", "email", "company", "birthday", "value", "source", "tags.1", "notes", "utm_source", "utm_content",
				"assigned_to", "custom_fields.tamanho_empresa", "custom_fields.funcionarios",
			}
			names := fieldsInOrder(t, got)
			if !slices.Equal(names, want) {
				t.Errorf("fields %v\nwant   %v", names, want)
			}
			message, _ := got.at("message").(string)
			if wanted := "The name field is required. (and " + strconv.Itoa(len(names)-1) + " more errors)"; message != wanted {
				t.Errorf("message %q, want %q", message, wanted)
			}
			holds(t, "the answer", got.body, parsed(t, `{"errors":{"pipeline_id":["The selected pipeline id is invalid."],"tags.1":["The tags.1 field must not be greater than 50 characters."],
				"custom_fields.tamanho_empresa":["The selected custom_fields.tamanho_empresa is invalid."]}}`))
		})
		t.Run("two wrong fields are the first message and 1 more error", func(t *testing.T) {
			c.do(t, "POST", "/leads", fields{"name": "x", "pipeline_id": 1, "stage_id": 5, "value": -1, "email": "x"}).is(t, "two", 422,
				`{"message":"The email field must be a valid email address. (and 1 more error)","errors":{"email":["The email field must be a valid email address."],"value":["The value field must be at least 0."]}}`)
		})
		t.Run("an unknown or foreign pipeline fails pipeline_id, a stage that is not of it stage_id", func(t *testing.T) {
			for _, x := range []struct {
				pipeline, stage int
				wrong           []string
			}{
				{1, 999, []string{"stage_id"}}, {1, 30, []string{"stage_id"}}, {1, onboarding, []string{"stage_id"}}, {3, proposal, []string{"stage_id"}},
			} {
				for _, request := range [][2]string{{"POST", "/leads"}, {"PUT", joao + "/stage"}, {"PATCH", joao}} {
					got := c.want(t, 422, request[0], request[1], fields{"name": "x", "pipeline_id": x.pipeline, "stage_id": x.stage})
					if names := fieldsInOrder(t, got); !slices.Equal(names, x.wrong) {
						t.Errorf("%v %v: %s", request, x, got.text)
					}
				}
			}
			for _, pipeline := range []int{2, 999, 0, -1} {
				got := c.want(t, 422, "POST", "/leads", fields{"name": "x", "pipeline_id": pipeline, "stage_id": 5})
				if names := fieldsInOrder(t, got); names[0] != "pipeline_id" {
					t.Errorf("pipeline %d: %s", pipeline, got.text)
				}
			}
		})
		t.Run("moves and conclusions name the fields they need", func(t *testing.T) {
			for _, x := range []struct {
				path  string
				body  fields
				wrong []string
			}{
				{"/stage", fields{}, []string{"stage_id", "pipeline_id"}},
				{"/stage", fields{"stage_id": negotiation}, []string{"pipeline_id"}},
				{"/won", fields{}, []string{"stage_id"}},
				{"/won", fields{"stage_id": won, "value": -1}, []string{"value"}},
				{"/won", fields{"stage_id": 999, "value": "x"}, []string{"stage_id", "value"}},
				{"/lost", fields{"stage_id": lost, "reason_id": 999}, []string{"reason_id"}},
				{"/lost", fields{"stage_id": lost, "reason_id": "x"}, []string{"reason_id"}},
			} {
				got := c.want(t, 422, "PUT", joao+x.path, x.body)
				if names := fieldsInOrder(t, got); !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(x.wrong))) {
					t.Errorf("%s %v: %s", x.path, x.body, got.text)
				}
			}
		})
		t.Run("a bad query parameter is a 422 under its name", func(t *testing.T) {
			for query, wrong := range map[string]string{
				"status=nope": "status", "status=OPEN": "status", "pipeline_id=x": "pipeline_id", "stage_id=1.5": "stage_id", "assigned_to=ana": "assigned_to", "sort=color": "sort", "sort=-": "sort",
				"created_from=yesterday": "created_from", "created_to=2026-02-30": "created_to", "updated_since=2026-06-30T25:00:00Z": "updated_since",
				"page=0": "page", "page=-1": "page", "page=x": "page", "per_page=0": "per_page", "per_page=-5": "per_page", "per_page=many": "per_page", "pipeline_id[]=1": "pipeline_id",
			} {
				got := c.want(t, 422, "GET", "/leads?"+query, nil)
				if names := fieldsInOrder(t, got); !slices.Equal(names, []string{wrong}) {
					t.Errorf("%s: %s", query, got.text)
				}
			}
			c.do(t, "GET", "/leads?page=0", nil).is(t, "page 0", 422, invalid("page", "The page field must be at least 1."))
			c.do(t, "GET", "/leads?status=nope", nil).is(t, "status", 422, invalid("status", "The selected status is invalid."))
			all := c.want(t, 422, "GET", "/leads?status=nope&page=0&created_to=x&pipeline_id=x", nil)
			if names := fieldsInOrder(t, all); len(names) != 4 || !strings.HasSuffix(all.at("message").(string), " (and 3 more errors)") {
				t.Errorf("four at once: %s", all.text)
			}
		})
		t.Run("nothing of that was written", func(t *testing.T) {
			holds(t, "lead 123", c.lead(t, joao), parsed(t, `{"name":"João Silva","stage_id":5,"value":5000,"status":"active"}`))
		})
	})
}
