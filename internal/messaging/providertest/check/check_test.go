package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syncro/internal/messaging/providertest"
)

// tiny is a description with the contradictions that real ones have.
const tiny = `
paths:
  /{Version}/{id}/messages:
    post:
      parameters:
        - {name: dry, in: query, required: true}
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Text'}, examples: {one: {value: {text: {caption: x}}}}}}}
      responses: {"200": {content: {application/json: {schema: {type: object, required: [id]}}}}}
  /{Version}/list:
    get:
      parameters: [{name: fields, in: query}]
      responses: {"200": {content: {application/json: {schema: {type: array}}}}}
  /{Version}/{id}:
    get: {responses: {}}
components:
  schemas:
    Base: {type: object, required: [to], properties: {to: {type: string}, kind: {type: object, default: "text"}}}
    Text:
      allOf:
        - $ref: '#/components/schemas/Base'
        - {type: object, additionalProperties: false, required: [text], properties: {text: {type: object, properties: {body: {type: string, nullable: true}}}}}
    Problem: {type: object, required: [error]}
`

func TestWhatDisagreesWithADescriptionIsFound(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "tiny.yaml")
	if err := os.WriteFile(name, []byte(tiny), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := open(name)
	if err != nil {
		t.Fatal(err)
	}
	exchange := func(query map[string]string, body string, status int, answer string) providertest.Exchange {
		return providertest.Exchange{Method: "POST", Path: "/v1/7/messages", Query: query, Body: []byte(body), Answer: providertest.Answer{Status: status, Body: []byte(answer)}}
	}
	dry := map[string]string{"dry": "1"}
	for name, c := range map[string]struct {
		exchange providertest.Exchange
		want     string // part of the report; "" for none
	}{
		"all is well":               {exchange(dry, `{"to":"5","kind":"text","text":{"body":null}}`, 200, `{"id":1}`), ""},
		"a parameter of other ways": {exchange(map[string]string{"dry": "1", "fields": "id"}, `{"to":"5","text":{}}`, 200, `{"id":1}`), ""},
		"a missing parameter":       {exchange(nil, `{"to":"5","text":{}}`, 200, `{"id":1}`), "dry is required"},
		"an unknown parameter":      {exchange(map[string]string{"dry": "1", "x": "y"}, `{"to":"5","text":{}}`, 200, `{"id":1}`), "x is not described"},
		"a missing member":          {exchange(dry, `{"text":{}}`, 200, `{"id":1}`), "'to'"},
		"a wrong type":              {exchange(dry, `{"to":5,"text":{}}`, 200, `{"id":1}`), "want string"},
		"a wrong answer":            {exchange(dry, `{"to":"5","text":{}}`, 200, `{}`), "'id'"},
		"an answer not described":   {exchange(dry, `{"to":"5","text":{}}`, 201, `{}`), "an answer 201"},
		"a refusal in other words":  {exchange(dry, `{"to":"5","text":{}}`, 400, `{}`), "'error'"},
		"a path that is not there":  {providertest.Exchange{Method: "GET", Path: "/v1/7/messages"}, "is not described"},
		"the word before the id":    {providertest.Exchange{Method: "GET", Path: "/v1/list", Answer: providertest.Answer{Status: 200, Body: []byte(`[]`)}}, ""},
	} {
		var out bytes.Buffer
		check := &checker{description: d, out: &out, schemas: map[string][]operation{}, provider: provider{problem: "Problem"}}
		check.exchange(name, c.exchange)
		if c.want == "" && (out.Len() > 0 || check.exchanges != 1) || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s is reported as %q, want %q", name, out.String(), c.want)
		}
	}

	described := map[string]bool{}
	d.describedMembers(d.operations("POST", "/v1/7/messages")[0], described)
	for _, path := range []string{"to", "kind", "text", "text.body", "text.caption"} {
		if !described[path] {
			t.Errorf("the member %s is not found", path)
		}
	}
	if len(described) != 5 {
		t.Errorf("the members are %v", described)
	}
}

func TestMissingDescriptionsAreNamed(t *testing.T) {
	err := run(&bytes.Buffer{}, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "PROVIDER_SPECS") {
		t.Errorf("it says %v", err)
	}
}
