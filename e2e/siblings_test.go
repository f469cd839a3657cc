package e2e

import "testing"

func TestSiblings(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		siblings := func(t *testing.T, path string) (names []any, totals any) {
			t.Helper()
			lead := c.lead(t, path, "siblings")
			return each(lead["siblings"], "name"), lead["contact_totals"]
		}
		t.Run("are the account's other leads with the same email or the same phone, and the totals are of them all", func(t *testing.T) {
			path := c.path(t, fields{"name": "eu", "email": "irma@x.com.br", "phone": "+5511977776666", "value": 100})
			c.create(t, fields{"name": "email", "email": "IRMA@x.com.br", "stage_id": won, "value": 20.5})
			c.create(t, fields{"name": "fone", "phone": "11 7777-6666", "stage_id": lost, "value": 3})
			c.create(t, fields{"name": "aberto", "phone": "+5511977776666"})
			c.create(t, fields{"name": "outra", "email": "irmao@x.com.br", "phone": "+5511977776667"})
			names, totals := siblings(t, path)
			same(t, "siblings, newest first", names, `["aberto","fone","email"]`)
			same(t, "totals", totals, `{"leads":4,"open":2,"won":1,"lost":1,"won_value":20.5,"open_value":100}`)
		})
		t.Run("are never those of another account", func(t *testing.T) {
			names, _ := siblings(t, joao)
			same(t, "siblings", names, `["João Silva – Filial Campinas"]`)
			lead := c.as(foreign).lead(t, "/leads/900", "siblings")
			same(t, "lead 900", lead["siblings"], `[]`)
			holds(t, "totals", lead["contact_totals"], parsed(t, `{"leads":1}`))
		})
		t.Run("in the trash are none", func(t *testing.T) {
			path := c.path(t, fields{"email": "so@x.com.br"})
			c.want(t, 200, "DELETE", c.path(t, fields{"email": "so@x.com.br"}), nil)
			_, totals := siblings(t, path)
			holds(t, "totals", totals, parsed(t, `{"leads":1}`))
		})
	})
}
