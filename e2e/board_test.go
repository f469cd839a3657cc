package e2e

import (
	"maps"
	"strings"
	"testing"
)

func TestABoardThatChangesUnderItsLeads(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		i := install(t, e)
		c := i.serve(t).client(i.key(t, "--rate-limit", "100000"))
		// apply brings the board to a file's and waits until the server shows it.
		apply := func(t *testing.T, file string) {
			t.Helper()
			cmd := command(i.dir, "pipeline", "apply", "-", "--database", i.url)
			cmd.Stdin = strings.NewReader(file)
			if got := execute(t, cmd); got.code != 0 {
				t.Fatalf("exit %d: %s", got.code, got.notes)
			}
		}
		stage := func(t *testing.T, name string) fields {
			t.Helper()
			var found fields
			eventually(t, "there is a stage "+name, func() bool {
				for _, p := range items(c.want(t, 200, "GET", "/pipelines", nil).at("pipelines")) {
					for _, s := range items(dig(p, "stages")) {
						if dig(s, "name") == name {
							found = fields{"pipeline_id": dig(p, "id"), "stage_id": dig(s, "id")}
						}
					}
				}
				return found != nil
			})
			return found
		}
		t.Run("a move from one won stage to another of the pipeline keeps the sale", func(t *testing.T) {
			apply(t, `{"pipelines":[{"name":"Vendas","stages":[{"name":"Ganho Plus","kind":"won"}]}]}`)
			path := c.path(t, with(stage(t, "Ganho"), "value", 70))
			before := c.lead(t, path, "sales")["sales"]
			c.want(t, 200, "PUT", path+"/stage", stage(t, "Ganho Plus"))
			same(t, "the sale", c.lead(t, path, "sales")["sales"], text(before))
			c.want(t, 200, "PUT", path+"/stage", stage(t, "Proposta"))
			same(t, "the sales", c.lead(t, path, "sales")["sales"], `[]`)
		})
		t.Run("a requirement that is added later binds from the next entry on", func(t *testing.T) {
			path := c.path(t, stage(t, "Negociação"))
			apply(t, `{"pipelines":[{"name":"Vendas","stages":[{"name":"Negociação","requirements":[{"subject":"Enviar contrato","type":"email","priority":"high","due_in_days":1}]},{"name":"Assinatura"}]}]}`)
			next := stage(t, "Assinatura")
			c.want(t, 200, "PUT", path+"/stage", next)
			c.want(t, 200, "PUT", path+"/stage", stage(t, "Negociação"))
			got := c.want(t, 422, "PUT", path+"/stage", next)
			holds(t, "the refusal", got.body, parsed(t, `{"blocked":true,"pending_tasks":[{"subject":"Enviar contrato","type":"email"}]}`))
		})
		t.Run("a custom field that is switched off disappears from leads and is ignored", func(t *testing.T) {
			apply(t, `{"custom_fields":[{"name":"porte","label":"Porte","type":"text"}]}`)
			var path string
			eventually(t, "the field is known", func() bool {
				made := c.create(t, with(stage(t, "Novo"), "custom_fields", fields{"porte": "G"}))
				path = "/leads/" + text(made.at("lead", "id"))
				return text(made.at("lead", "custom_fields")) == `{"porte":"G"}`
			})
			apply(t, `{"custom_fields":[{"name":"porte","label":"Porte","type":"text","is_active":false}]}`)
			eventually(t, "the field is gone", func() bool { return text(c.lead(t, path)["custom_fields"]) == `{}` })
			c.want(t, 200, "PATCH", path, fields{"custom_fields": fields{"porte": fields{"x": 1}}})
		})
	})
}

// with is fields and one more.
func with(some fields, name string, value any) fields {
	all := maps.Clone(some)
	all[name] = value
	return all
}
