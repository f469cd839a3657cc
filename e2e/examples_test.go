package e2e

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// example is a request of the reference with the answer that stands below it, both
// word for word, and with what is known of it besides.
type example struct {
	title   string
	before  string // the title of the example that goes before it
	command string
	answer  string
	status  int
	// otherwise are members, by path, whose values the demo has otherwise than the
	// reference; nil where no document says what they are.
	otherwise map[string]any
	lead      []any    // where a lead stands in the answer
	more      []string // what it has besides its base object
	// after looks at what the request has done.
	after func(t *testing.T, c *client)
}

// joao is the lead of the reference.
const joao = "/leads/123"

var examples = []example{
	{
		title: "List leads",
		command: `curl "https://app.syncro.chat/api/v1/leads?pipeline_id=1&per_page=2&include=owner" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI"`,
		answer: `{
  "success": true,
  "data": [
    {
      "id": 123,
      "name": "João Silva",
      "phone": "+5511999887766",
      "email": "[email protected]",
      "company": "ACME",
      "value": 5000,
      "source": "site",
      "tags": [
        "vip"
      ],
      "pipeline_id": 1,
      "stage_id": 5,
      "stage": {
        "id": 5,
        "name": "Proposta"
      },
      "pipeline": {
        "id": 1,
        "name": "Vendas"
      },
      "created_at": "2026-06-30T10:00:00Z",
      "custom_fields": {},
      "assigned_to": 12,
      "owner": {
        "id": 12,
        "name": "Ana",
        "email": "[email protected]"
      }
    }
  ],
  "meta": {
    "total": 250,
    "per_page": 2,
    "current_page": 1,
    "last_page": 125,
    "has_more": true
  }
}`,
		status: 200, lead: []any{"data", 0}, more: []string{"assigned_to", "owner"},
		// The newest lead comes first, which in the demo is 250.
		otherwise: map[string]any{
			"data.0.id": 250.0, "data.0.name": nil, "data.0.phone": nil, "data.0.email": nil, "data.0.company": nil, "data.0.created_at": nil,
			"data.0.owner.email": "ana@minhaempresa.com.br",
		},
	},
	{
		title: "Create lead",
		command: `curl -X POST "https://app.syncro.chat/api/v1/leads" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "João Silva",
    "phone": "+5511999887766",
    "email": "[email protected]",
    "value": 5000,
    "source": "site",
    "tags": [
      "vip"
    ],
    "pipeline_id": 1,
    "stage_id": 5,
    "assigned_to": 12,
    "custom_fields": {
      "tamanho_empresa": "100+"
    }
  }'`,
		answer: `{
  "success": true,
  "lead": {
    "id": 123,
    "name": "João Silva",
    "pipeline_id": 1,
    "stage_id": 5,
    "stage": {
      "id": 5,
      "name": "Proposta"
    },
    "pipeline": {
      "id": 1,
      "name": "Vendas"
    },
    "created_at": "2026-06-30T10:00:00Z",
    "custom_fields": {
      "tamanho_empresa": "100+"
    }
  }
}`,
		status: 201, lead: []any{"lead"}, otherwise: map[string]any{"lead.id": 1001.0, "lead.created_at": nil},
		after: func(t *testing.T, c *client) {
			t.Helper()
			holds(t, "the lead", c.lead(t, "/leads/1001", "owner"), parsed(t, `{"phone":"+5511999887766","email":"joao@acme.com.br",
				"value":5000,"source":"site","tags":["vip"],"assigned_to":12,"status":"active","company":null,"birthday":null,"notes":null,"utm_source":null}`))
		},
	},
	{
		title: "Create or update lead (upsert)",
		command: `curl -X POST "https://app.syncro.chat/api/v1/leads/upsert" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "João Silva",
    "email": "[email protected]",
    "pipeline_id": 1,
    "stage_id": 5,
    "match_by": "email"
  }'`,
		answer: `{
  "success": true,
  "created": true,
  "lead": {
    "id": 123,
    "name": "João Silva",
    "stage_id": 5
  }
}`,
		// The demo knows the address: the answer is lead 123, as documented, but not new.
		status: 200, lead: []any{"lead"}, otherwise: map[string]any{"created": false},
	},
	{
		title: "Fetch lead by ID",
		command: `curl "https://app.syncro.chat/api/v1/leads/123?include=owner%2Ctasks%2Cnotes" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI"`,
		answer: `{
  "success": true,
  "lead": {
    "id": 123,
    "name": "João Silva",
    "stage_id": 5
  }
}`,
		status: 200, lead: []any{"lead"}, more: []string{"assigned_to", "owner", "tasks", "notes_list"},
	},
	{
		title: "Move lead to another stage",
		command: `curl -X PUT "https://app.syncro.chat/api/v1/leads/123/stage" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI" \
  -H "Content-Type: application/json" \
  -d '{
    "stage_id": 7,
    "pipeline_id": 1
  }'`,
		answer: `{
  "success": true,
  "lead_id": 123
}`,
		status: 200,
		after: func(t *testing.T, c *client) {
			t.Helper()
			holds(t, "the lead", c.lead(t, joao), parsed(t, `{"pipeline_id":1,"stage_id":7,"stage":{"id":7,"name":"Negociação"}}`))
		},
	},
	{
		title: "Mark as won",
		command: `curl -X PUT "https://app.syncro.chat/api/v1/leads/123/won" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI" \
  -H "Content-Type: application/json" \
  -d '{
    "stage_id": 10,
    "value": 7500
  }'`,
		answer: `{
  "success": true,
  "lead_id": 123
}`,
		status: 200,
		after: func(t *testing.T, c *client) {
			t.Helper()
			holds(t, "the lead", c.lead(t, joao, "sales"), parsed(t, `{"stage_id":10,"value":5000,"lost_sales":[],"sales":[{"pipeline_id":1,"value":7500,"closed_by":12}]}`))
		},
	},
	{
		title: "Mark as lost",
		command: `curl -X PUT "https://app.syncro.chat/api/v1/leads/123/lost" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI" \
  -H "Content-Type: application/json" \
  -d '{
    "stage_id": 11,
    "reason_id": 3
  }'`,
		answer: `{
  "success": true,
  "lead_id": 123
}`,
		status: 200,
		after: func(t *testing.T, c *client) {
			t.Helper()
			holds(t, "the lead", c.lead(t, joao, "sales"), parsed(t, `{"stage_id":11,"sales":[],"lost_sales":[{"pipeline_id":1,"reason_id":3,"lost_by":12}]}`))
		},
	},
	{
		title: "Delete lead",
		command: `curl -X DELETE "https://app.syncro.chat/api/v1/leads/123" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI"`,
		answer: `{
  "success": true
}`,
		status: 200,
		after: func(t *testing.T, c *client) {
			t.Helper()
			c.want(t, 404, "GET", joao, nil)
		},
	},
	{
		title: "Add tags",
		command: `curl -X POST "https://app.syncro.chat/api/v1/leads/123/tags" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI" \
  -H "Content-Type: application/json" \
  -d '{
    "tags": [
      "vip",
      "enterprise"
    ]
  }'`,
		answer: `{
  "success": true,
  "lead_id": 123,
  "tags": [
    "vip",
    "enterprise"
  ]
}`,
		status: 200,
	},
	{
		title: "Remove a tag",
		command: `curl -X DELETE "https://app.syncro.chat/api/v1/leads/123/tags/vip" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI"`,
		answer: `{
  "success": true,
  "lead_id": 123,
  "tags": [
    "enterprise"
  ]
}`,
		status: 200,
		after: func(t *testing.T, c *client) {
			t.Helper()
			same(t, "the lead's tags", c.lead(t, joao)["tags"], `["enterprise"]`)
		},
	},
	{
		title: "Enroll in nurture sequence",
		command: `curl -X POST "https://app.syncro.chat/api/v1/leads/123/enroll-sequence" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI" \
  -H "Content-Type: application/json" \
  -d '{
    "sequence_id": 1
  }'`,
		answer: `{
  "success": true,
  "lead_id": 123,
  "sequence_id": 1,
  "lead_sequence_id": 45,
  "status": "active",
  "next_step_at": "2026-07-01T10:00:00Z"
}`,
		status: 200, otherwise: map[string]any{"lead_sequence_id": 1.0, "next_step_at": nil},
		after: func(t *testing.T, c *client) {
			t.Helper()
			holds(t, "the lead", c.lead(t, joao, "sequences"), parsed(t, `{"active_sequence":{"id":1,"name":"Boas-vindas","total_steps":3,"status":"active"},
				"sequences":[{"id":1,"sequence_id":1,"name":"Boas-vindas","status":"active"}]}`))
		},
	},
	{
		title:  "Remove from sequence",
		before: "Enroll in nurture sequence",
		command: `curl -X DELETE "https://app.syncro.chat/api/v1/leads/123/enroll-sequence/1" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI"`,
		answer: `{
  "success": true,
  "lead_id": 123,
  "sequence_id": 1,
  "status": "exited_manual"
}`,
		status: 200,
		after: func(t *testing.T, c *client) {
			t.Helper()
			holds(t, "the lead", c.lead(t, joao, "sequences"), parsed(t, `{"active_sequence":null,"sequences":[{"sequence_id":1,"status":"exited_manual","next_step_at":null}]}`))
		},
	},
	{
		title: "Send WhatsApp (text or image)",
		command: `curl -X POST "https://app.syncro.chat/api/v1/leads/123/send-whatsapp" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI" \
  -H "Content-Type: application/json" \
  -d '{
    "type": "text",
    "body": "Olá! Tudo bem?",
    "instance_id": 1
  }'`,
		answer: `{
  "success": true,
  "conversation_id": 99,
  "message_id": 456,
  "provider_msg_id": "wamid.xyz123"
}`,
		status: 200, otherwise: map[string]any{"message_id": 1001.0, "provider_msg_id": nil},
		after: func(t *testing.T, c *client) {
			t.Helper()
			holds(t, "the newest message", c.want(t, 200, "GET", "/conversations/99/messages", nil).at("data", 0), parsed(t, `{"id":1001,"direction":"out","type":"text","body":"Olá! Tudo bem?"}`))
		},
	},
	{
		title: "Send template (HSM)",
		command: `curl -X POST "https://app.syncro.chat/api/v1/leads/123/send-whatsapp-template" \
  -H "X-API-Key: crm_SUA_CHAVE_AQUI" \
  -H "Content-Type: application/json" \
  -d '{
    "template_id": 1,
    "variables": [
      "João",
      "Proposta",
      "30/07"
    ],
    "instance_id": 2
  }'`,
		answer: `{
  "success": true,
  "conversation_id": 99,
  "message_id": 457,
  "provider_msg_id": "wamid.xyz456",
  "template_name": "lembrete_proposta"
}`,
		// A template is of the other number, which has a conversation of its own.
		status: 200, otherwise: map[string]any{"conversation_id": 1001.0, "message_id": 1001.0, "provider_msg_id": nil},
		after: func(t *testing.T, c *client) {
			t.Helper()
			holds(t, "the newest message", c.want(t, 200, "GET", "/conversations/1001/messages", nil).at("data", 0), parsed(t, `{"direction":"out","type":"template","body":"Olá João, sua Proposta vence em 30/07."}`))
		},
	},
}

// compare walks over a documented value and holds an answer against it.
func (e *example) compare(t *testing.T, path string, got, documented any) {
	t.Helper()
	if other, ok := e.otherwise[path]; ok {
		if documented = other; other == nil {
			if text, _ := got.(string); text == "" {
				t.Errorf("%s is %v", path, got)
			}
			return
		}
	}
	object, _ := documented.(map[string]any)
	list, _ := documented.([]any)
	_, objects := dig(documented, 0).(map[string]any)
	switch {
	case len(object) > 0:
		for name, member := range object {
			e.compare(t, strings.TrimPrefix(path+"."+name, "."), dig(got, name), member)
		}
	case objects:
		for i, item := range list {
			e.compare(t, fmt.Sprintf("%s.%d", path, i), dig(got, i), item)
		}
	case !reflect.DeepEqual(got, documented):
		t.Errorf("%s is %v, want %v", path, got, documented)
	}
}

func TestEachExampleOfTheReferenceAnswersAsDocumentedOnAFreshDemo(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		for _, x := range examples {
			t.Run(x.title, func(t *testing.T) {
				c := freshDemo(t, e)
				if x.before != "" {
					c.run(t, examples[titled(x.before)].command)
				}
				got := c.run(t, x.command)
				if got.status != x.status || got.header.Get("Content-Type") != "application/json" {
					t.Fatalf("%d %s %s", got.status, got.header.Get("Content-Type"), got.text)
				}
				documented, _ := parsed(t, strings.ReplaceAll(x.answer, masked, unmasked)).(map[string]any)
				keys(t, "the answer", got.body, slices.Collect(maps.Keys(documented))...)
				x.compare(t, "", got.body, documented)
				if x.lead != nil {
					wholeLead(t, "the lead", got.at(x.lead...), x.more...)
				}
				if x.after != nil {
					x.after(t, c)
				}
			})
		}
	})
}

// titled is where the example of a title stands.
func titled(title string) int {
	return slices.IndexFunc(examples, func(x example) bool { return x.title == title })
}

// A person tries the page from top to bottom, and has to leave the deletion for
// the end: what follows it on the page finds no lead.
func TestTheExamplesWorkOneAfterTheOther(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		deletion := titled("Delete lead")
		for i, x := range examples {
			if i == deletion {
				continue
			}
			if got := c.run(t, x.command); got.status != x.status {
				t.Errorf("%s: %d %s, want %d", x.title, got.status, got.text, x.status)
			}
		}
		c.run(t, examples[deletion].command).is(t, "the deletion", 200, `{"success":true}`)
		for _, x := range examples[deletion:] {
			c.run(t, x.command).is(t, x.title, 404, `{"message":"Lead não encontrado."}`)
		}
	})
}
