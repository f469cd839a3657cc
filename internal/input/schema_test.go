package input_test

import (
	"encoding/json"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"syncro/internal/input"
)

func TestTheSchemaSaysWhatTheTagsCheck(t *testing.T) {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	if ref := (input.Form[create]{}).Schema(registry).Ref; ref != "#/components/schemas/Create" {
		t.Fatalf("the form's schema refers to %q", ref)
	}
	body := registry.Map()["Create"]
	if body.AdditionalProperties != true {
		t.Error("unknown members are not allowed")
	}
	asJSON := func(v any) string {
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	if got := asJSON(body.Required); got != `["name","pipeline_id","stage_id"]` {
		t.Errorf("required: %s", got)
	}
	for name, want := range map[string]string{
		"name":             `{"type":"string","description":"Lead name","examples":["João Silva"],"maxLength":255}`,
		"stage_id":         `{"type":"integer","description":"Target stage","format":"int64","examples":[5]}`,
		"value":            `{"type":["number","null"],"examples":[5000],"minimum":0,"maximum":9999999999.99}`,
		"email":            `{"type":["string","null"],"format":"email","examples":["joao@acme.com.br"],"maxLength":191}`,
		"birthday":         `{"type":["string","null"],"format":"date","examples":["1990-01-15"]}`,
		"due_time":         `{"type":["string","null"],"pattern":"^\\d{2}:\\d{2}$"}`,
		"tags":             `{"type":["array","null"],"examples":[["vip","enterprise"]],"items":{"type":"string","maxLength":50},"maxItems":500}`,
		"user_ids":         `{"type":"array","items":{"type":"integer","format":"int64"},"minItems":2}`,
		"events":           `{"type":["array","null"],"items":{"type":"string","enum":["lead.won","lead.lost"]}}`,
		"custom_fields":    `{"type":["object","null"],"examples":[{"tamanho_empresa":"100+"}],"additionalProperties":true}`,
		"match_by":         `{"type":["string","null"],"enum":["email","phone","email_or_phone"]}`,
		"override_opt_out": `{"type":["boolean","null"]}`,
		"target_url":       `{"type":"string","format":"uri"}`,
		"address":          `{"$ref":"#/components/schemas/Address"}`,
		"lines":            `{"type":["array","null"],"items":{"$ref":"#/components/schemas/Line"},"maxItems":3}`,
		"payload":          `{}`,
	} {
		var got, wanted any
		_ = json.Unmarshal([]byte(asJSON(body.Properties[name])), &got)
		_ = json.Unmarshal([]byte(want), &wanted)
		if asJSON(got) != asJSON(wanted) {
			t.Errorf("%s:\n got %s\nwant %s", name, asJSON(got), asJSON(wanted))
		}
	}
	if got := asJSON(registry.Map()["Line"].Required); got != `["product_id"]` {
		t.Errorf("a nested struct requires %s", got)
	}
}

func TestParametersAreDescribed(t *testing.T) {
	params := input.Parameters[filters](huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer))
	if len(params) != 8 || params[2].Name != "tags" || params[2].In != "query" || params[2].Description != "Any of these" {
		t.Fatalf("%+v", params[2])
	}
	if s := params[5].Schema; s.Type != huma.TypeInteger || s.Nullable || *s.Minimum != 1 || params[5].Example != 50.0 {
		t.Errorf("per_page: %+v", s)
	}
}
