package e2e

import (
	"slices"
	"testing"
)

func TestWhatAnAccountIsSetUpWith(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		get := func(t *testing.T, path string) answer {
			t.Helper()
			return c.want(t, 200, "GET", path, nil)
		}
		t.Run("GET /pipelines has the stages in board order, and the lost reasons beside them", func(t *testing.T) {
			got := get(t, "/pipelines")
			keys(t, "the answer", got.body, "success", "pipelines", "lost_reasons")
			same(t, "lost reasons", got.at("lost_reasons"), `[{"id":1,"name":"Preço alto"},{"id":2,"name":"Sem resposta"},{"id":3,"name":"Escolheu concorrente"}]`)
			same(t, "pipelines", each(got.at("pipelines"), "name"), `["Vendas","Pós-venda"]`)
			for i, want := range []string{
				`[[4,"Prospecção",false,false],[5,"Proposta",false,false],[7,"Negociação",false,false],[8,"Documentação",false,false],[10,"Ganho",true,false],[11,"Perdido",false,true]]`,
				`[[20,"Onboarding",false,false],[21,"Ativo",false,false],[22,"Renovado",true,false],[23,"Cancelado",false,true]]`,
			} {
				keys(t, "a pipeline", got.at("pipelines", i), "id", "name", "stages")
				var stages []any
				for _, stage := range items(got.at("pipelines", i, "stages")) {
					keys(t, "a stage", stage, "id", "name", "color", "is_won", "is_lost")
					stages = append(stages, []any{dig(stage, "id"), dig(stage, "name"), dig(stage, "is_won"), dig(stage, "is_lost")})
				}
				same(t, "stages", stages, want)
			}
			same(t, "a color", got.at("pipelines", 0, "stages", 1, "color"), `"#4ECDC4"`)
		})
		t.Run("GET /custom-fields lists the definitions, on request without the inactive ones", func(t *testing.T) {
			got := get(t, "/custom-fields")
			keys(t, "the answer", got.body, "success", "data")
			for _, field := range items(got.at("data")) {
				keys(t, "a field", field, "id", "name", "label", "field_type", "options", "is_required", "is_active", "show_on_card", "sort_order")
			}
			same(t, "names", each(got.at("data"), "name"), `["tamanho_empresa","setor","funcionarios","receita","data_reuniao","interesses","aceita_contato","campo_antigo"]`)
			same(t, "types", each(got.at("data"), "field_type"), `["select","text","number","currency","date","multiselect","checkbox","text"]`)
			same(t, "ids", each(got.at("data"), "id"), `[1,2,3,4,5,6,7,8]`)
			same(t, "options", got.at("data", 0, "options"), `["1-10","11-50","51-200","100+","200+"]`)
			same(t, "no options", got.at("data", 1, "options"), `[]`)
			for _, yes := range []string{"true", "1"} {
				active := get(t, "/custom-fields?active_only="+yes)
				if names := each(active.at("data"), "name"); len(names) != 7 || slices.Contains(names, "campo_antigo") {
					t.Errorf("%s: %v", yes, names)
				}
			}
			same(t, "all", get(t, "/custom-fields?active_only=false").at("data"), text(got.at("data")))
			c.want(t, 422, "GET", "/custom-fields?active_only=maybe", nil)
		})
		t.Run("GET /account and GET /users tell who this is", func(t *testing.T) {
			get(t, "/account").is(t, "the account", 200, `{"success":true,"account":{"id":1,"name":"Minha Empresa","plan":"scale"}}`)
			get(t, "/users").is(t, "the users", 200, `{"success":true,"data":[{"id":12,"name":"Ana","email":"ana@minhaempresa.com.br","role":"admin"},
				{"id":13,"name":"Bruno","email":"bruno@minhaempresa.com.br","role":"manager"},{"id":14,"name":"Carla","email":"carla@minhaempresa.com.br","role":"viewer"}]}`)
			same(t, "the other account", c.as(foreign).want(t, 200, "GET", "/account", nil).at("account", "id"), `2`)
			same(t, "its users", each(c.as(foreign).want(t, 200, "GET", "/users", nil).at("data"), "id"), `[15]`)
		})
		t.Run("GET /sequences lists the sequences", func(t *testing.T) {
			got := get(t, "/sequences")
			keys(t, "the answer", got.body, "success", "data")
			for _, sequence := range items(got.at("data")) {
				keys(t, "a sequence", sequence, "id", "name", "description", "channel", "is_active", "exit_on_reply", "exit_on_stage_change", "total_steps", "active_enrollments", "completed_enrollments", "created_at")
			}
			holds(t, "the sequences", got.at("data"), parsed(t, `[{"id":1,"name":"Boas-vindas","is_active":true,"total_steps":3,"channel":"whatsapp"},{"id":2,"name":"Reengajamento","is_active":false},
				{"id":3,"name":"Vazia","is_active":true,"total_steps":0,"active_enrollments":0,"completed_enrollments":0}]`))
			welcome := get(t, "/sequences/1").at("sequence", "steps")
			same(t, "the steps of Boas-vindas", each(welcome, "type"), `["message","template","task"]`)
			same(t, "their delays", each(welcome, "delay_minutes"), `[0,1440,0]`)
		})
		t.Run("GET /whatsapp/instances lists the numbers with what their providers can do", func(t *testing.T) {
			got := get(t, "/whatsapp/instances")
			for _, instance := range items(got.at("data")) {
				keys(t, "an instance", instance, "id", "provider", "display_name", "phone_number", "is_primary", "status", "supports_templates", "supports_buttons", "has_window_restriction")
			}
			holds(t, "the numbers", got.body, parsed(t, `{"success":true,"data":[
				{"id":1,"provider":"waha","display_name":"Número principal","phone_number":"+5511999887700","is_primary":true,"status":"connected","supports_templates":false,"supports_buttons":false,"has_window_restriction":false},
				{"id":2,"provider":"cloud_api","display_name":"API Oficial","phone_number":"+5521987654321","is_primary":false,"status":"connected","supports_templates":true,"supports_buttons":true,"has_window_restriction":true},
				{"id":3,"provider":"waha","is_primary":false,"status":"disconnected","supports_templates":false}]}`))
		})
		t.Run("GET /whatsapp/templates lists the templates, by number, status and language", func(t *testing.T) {
			got := get(t, "/whatsapp/templates")
			for _, template := range items(got.at("data")) {
				keys(t, "a template", template, "id", "instance_id", "name", "language", "category", "status", "body", "variables_count", "header_type", "components")
				if _, isList := dig(template, "components").([]any); !isList {
					t.Errorf("components %v", dig(template, "components"))
				}
			}
			holds(t, "the templates", got.at("data"), parsed(t, `[{"id":1,"instance_id":2,"name":"lembrete_proposta","language":"pt_BR","status":"APPROVED","variables_count":3,"header_type":"none"},
				{"id":2,"name":"promo_julho","status":"PENDING"},{"id":3,"name":"foto_produto","status":"APPROVED","variables_count":1,"header_type":"image"}]`))
			for query, ids := range map[string]string{
				"status=APPROVED": `[1,3]`, "status=PENDING": `[2]`, "status=REJECTED": `[]`, "instance_id=2": `[1,2,3]`, "instance_id=1": `[]`, "instance_id=999": `[]`, "language=pt_BR": `[1,2,3]`, "language=en": `[]`,
				"status=APPROVED&instance_id=2&language=pt_BR": `[1,3]`, "status=": `[1,2,3]`,
			} {
				same(t, query, each(get(t, "/whatsapp/templates?"+query).at("data"), "id"), ids)
			}
			c.want(t, 422, "GET", "/whatsapp/templates?status=nope", nil)
		})
		t.Run("another account sees only its own", func(t *testing.T) {
			other := c.as(foreign)
			same(t, "pipelines", each(other.want(t, 200, "GET", "/pipelines", nil).at("pipelines"), "id"), `[2]`)
			for _, path := range []string{"/custom-fields", "/sequences", "/whatsapp/instances", "/whatsapp/templates"} {
				other.do(t, "GET", path, nil).is(t, path, 200, `{"success":true,"data":[]}`)
			}
			same(t, "tasks", other.want(t, 200, "GET", "/tasks", nil).at("data"), `[]`)
		})
	})
}
