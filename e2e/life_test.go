package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"syncro/internal/authz"
)

// A spreadsheet as a Brazilian office has it: semicolons, its own numbers and dates,
// a mistake, and the same contact twice.
const customers = "Nome;E-mail;Celular;Valor;Aniversário;Porte\r\n" +
	"Maria Souza;maria@souza.com.br;(11) 99888-7766;1.234,56;31/12/1980;1-10\r\n" +
	"José Lima;jose@lima.com.br;11 3333-4444;R$ 500,00;01/02/1975;11-50\r\n" +
	"Sem E-mail Certo;isto não é;;;;\r\n" +
	"Maria S.;MARIA@souza.com.br;;2.000,00;;\r\n"

func TestTheLifeOfAnAccountIsToldByTheAPIAlone(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		t.Helper()
		i := install(t, e)
		all := i.key(t, "--rate-limit", "100000", "--scopes", everyScope())
		admin := i.serve(t).client(all)

		// Set up.
		admin.want(t, 200, "PUT", "/account/settings", fields{"name": "Loja do Zé", "time_zone": "America/Manaus"})
		pipeline := admin.want(t, 201, "POST", "/pipelines", fields{"name": "Atacado", "stages": []fields{
			{"name": "Contato"}, {"name": "Visita", "requirements": []fields{{"subject": "Visitar {{lead_name}}", "type": "visit"}}},
			{"name": "Fechado", "kind": "won"}, {"name": "Desistiu", "kind": "lost"},
		}})
		stage := func(n int) any { return pipeline.at("pipeline", "stages", n, "id") }
		wholesale := pipeline.at("pipeline", "id")
		admin.want(t, 201, "POST", "/custom-fields", fields{"name": "porte", "field_type": "select", "options": []string{"1-10", "11-50"}})
		reason := admin.want(t, 201, "POST", "/lost-reasons", fields{"name": "Fechou a loja"}).at("lost_reason", "id")
		bia := admin.want(t, 201, "POST", "/users", fields{"name": "Bia", "email": "bia@loja.com.br", "role": "manager"}).at("user", "id")
		team := admin.want(t, 201, "POST", "/teams", fields{"name": "Vendas"}).at("team", "id")
		admin.want(t, 200, "PUT", fmt.Sprintf("/teams/%v/members/%v", team, bia), nil)
		product := admin.want(t, 201, "POST", "/products", fields{"name": "Caixa", "price": 99.9}).at("product", "id")
		seller := admin.as(fmt.Sprint(admin.want(t, 201, "POST", "/keys", fields{"name": "Bia", "user_id": bia, "rate_limit": 100000}).at("api_key")))
		seller.want(t, 403, "PUT", "/account/settings", fields{"name": "Outra"})

		// Imported into, after a dry run has said what is wrong.
		imported := admin.want(t, 201, "POST", "/imports?filename=clientes.csv", customers, "Content-Type", "text/csv")
		path := fmt.Sprintf("/imports/%v", imported.at("import", "id"))
		var suggested []any
		for _, column := range items(imported.at("import", "columns")) {
			suggested = append(suggested, dig(column, "field"))
		}
		if want := []any{"name", "email", "phone", "value", "birthday", "custom_fields.porte"}; !slices.Equal(suggested, want) {
			t.Fatalf("suggested %v, want %v", suggested, want)
		}
		admin.want(t, 200, "PUT", path, fields{"pipeline_id": wholesale, "stage_id": stage(0), "tags": []string{"planilha"}})
		admin.want(t, 200, "POST", path+"/dry-run", nil)
		checked := admin.await(t, path, "import", "checked")
		problems := admin.want(t, 200, "GET", path+"/problems?kind=problem", nil)
		same(t, "the row with a problem", problems.at("data", 0, "row"), "4")
		admin.want(t, 200, "POST", path+"/start", nil)
		done := admin.await(t, path, "import", "done")
		for _, count := range []string{"created", "updated", "failed"} {
			if checked.at("import", count) != done.at("import", count) {
				t.Errorf("the dry run said %s: %v, the import did %v", count, checked.at("import", count), done.at("import", count))
			}
		}
		maria := fmt.Sprintf("/leads/%v", admin.want(t, 200, "GET", "/leads?q=maria", nil).at("data", 0, "id"))
		same(t, "Maria's value", admin.lead(t, maria)["value"], "2000")

		// Worked on.
		seller.want(t, 200, "PUT", maria+"/assign", fields{"team_id": team})
		same(t, "Maria's new owner", seller.lead(t, maria, "owner")["assigned_to"], fmt.Sprint(bia))
		seller.want(t, 201, "POST", maria+"/notes", fields{"body": "Gostou da caixa."})
		seller.want(t, 201, "POST", maria+"/products", fields{"product_id": product, "quantity": 2})
		seller.want(t, 200, "PUT", maria+"/stage", fields{"pipeline_id": wholesale, "stage_id": stage(1)})
		blocked := seller.want(t, 422, "PUT", maria+"/won", fields{"stage_id": stage(2)})
		seller.want(t, 200, "PUT", fmt.Sprintf("/tasks/%v/complete", blocked.at("pending_tasks", 0, "id")), nil)
		seller.want(t, 200, "PUT", maria+"/won", fields{"stage_id": stage(2), "value": 199.8})

		// Two more that turn out to be one.
		batch := seller.want(t, 200, "POST", "/leads/batch", fields{"items": []fields{
			{"op": "upsert", "name": "Ana Dias", "email": "ana@dias.com.br", "pipeline_id": wholesale, "stage_id": stage(0)},
			{"op": "upsert", "name": "Ana Dias", "phone": "11 98765-4321", "match_by": "phone", "pipeline_id": wholesale, "stage_id": stage(0)},
		}})
		first, second := batch.at("results", 0, "lead_id"), batch.at("results", 1, "lead_id")
		merged := seller.want(t, 200, "POST", fmt.Sprintf("/leads/%v/merge", first), fields{"secondary_id": second})
		same(t, "the phone of the merged lead", merged.at("lead", "phone"), `"+5511987654321"`)

		// All that are open tagged at once, which is then undone.
		action := fields{"filter": fields{"pipeline_id": wholesale, "status": "open"}, "action": "add_tags", "tags": []string{"balanço"}}
		total := seller.want(t, 200, "POST", "/leads/bulk-actions", action).at("total")
		action["expected_total"] = total
		bulk := fmt.Sprintf("/leads/bulk-actions/%v", seller.want(t, 201, "POST", "/leads/bulk-actions", action).at("bulk_action", "id"))
		seller.await(t, bulk, "bulk_action", "done")
		same(t, "the tagged leads", seller.want(t, 200, "GET", "/leads?tags[]=balanço", nil).at("meta", "total"), fmt.Sprint(total))
		seller.want(t, 200, "POST", bulk+"/undo", nil)
		seller.await(t, bulk, "bulk_action", "undone")
		same(t, "the tagged leads after the undo", seller.want(t, 200, "GET", "/leads?tags[]=balanço", nil).at("meta", "total"), "0")
		seller.want(t, 200, "PUT", fmt.Sprintf("/leads/%v/lost", first), fields{"stage_id": stage(3), "reason_id": reason})
		seller.want(t, 200, "DELETE", fmt.Sprintf("/leads/%v", first), nil)
		seller.want(t, 200, "POST", fmt.Sprintf("/trash/%v/restore", first), nil)

		// Exported, and what was exported is imported again without changing anything.
		exported := admin.want(t, 200, "GET", "/leads/export?format=csv", nil)
		if lines := strings.Count(strings.TrimSpace(exported.text), "\n"); lines != 3 {
			t.Errorf("%d leads exported, want 3:\n%s", lines, exported.text)
		}
		again := admin.want(t, 201, "POST", "/imports?filename=volta.csv", exported.text, "Content-Type", "text/csv")
		path = fmt.Sprintf("/imports/%v", again.at("import", "id"))
		admin.want(t, 200, "POST", path+"/start", nil)
		done = admin.await(t, path, "import", "done")
		same(t, "the unchanged leads", done.at("import", "unchanged"), "3")
	})
}

func everyScope() string {
	var names []string
	for _, scope := range authz.AllScopes() {
		names = append(names, string(scope))
	}
	return strings.Join(names, ",")
}
