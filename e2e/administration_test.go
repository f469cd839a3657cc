package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestAdministration(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		i := installation{t.TempDir(), e.url(t)}
		if line := i.run(t, "migrate"); !strings.Contains(line, "version 0 to ") {
			t.Errorf("the first migration says %q", line)
		}
		if line := i.run(t, "migrate"); !strings.Contains(line, "up to date") {
			t.Errorf("the second migration says %q", line)
		}
		c := i.serve(t).client("")

		t.Run("a new account has an admin, a pipeline and three lost reasons", func(t *testing.T) {
			if id := i.run(t, "account", "create", "--name", "Minha Empresa", "--plan", "scale", "--max-leads", "2", "--time-zone", "America/Manaus"); id != "1" {
				t.Errorf("its id is %q", id)
			}
			c.key = i.key(t, "--rate-limit", "100000")
			if !regexp.MustCompile(`^crm_[A-Za-z0-9_-]{32,}$`).MatchString(c.key) {
				t.Errorf("the key is %q", c.key)
			}
			holds(t, "the account", c.want(t, 200, "GET", "/account", nil).at("account"), parsed(t, `{"id":1,"name":"Minha Empresa","plan":"scale"}`))
			board := c.want(t, 200, "GET", "/pipelines", nil)
			same(t, "pipelines", each(board.at("pipelines"), "name"), `["Vendas"]`)
			stages := board.at("pipelines", 0, "stages")
			same(t, "stages", each(stages, "name"), `["Novo","Proposta","Negociação","Ganho","Perdido"]`)
			same(t, "won", each(stages, "is_won"), `[false,false,false,true,false]`)
			same(t, "lost", each(stages, "is_lost"), `[false,false,false,false,true]`)
			if reasons := items(board.at("lost_reasons")); len(reasons) != 3 {
				t.Errorf("lost reasons %v", reasons)
			}
			same(t, "users", each(c.want(t, 200, "GET", "/users", nil).at("data"), "role"), `["admin"]`)
		})
		t.Run("it is listed, changed, suspended and activated while the server runs", func(t *testing.T) {
			body := fields{"name": "x", "pipeline_id": 1, "stage_id": 1}
			c.want(t, 201, "POST", "/leads", body)
			c.want(t, 201, "POST", "/leads", body)
			c.want(t, 422, "POST", "/leads", body)
			i.run(t, "account", "update", "1", "--max-leads", "0", "--name", "Outra")
			eventually(t, "the limit is lifted", func() bool { return c.do(t, "POST", "/leads", body).status == 201 })
			if list := i.run(t, "account", "list"); !containsAll(list, "Outra", "scale", "active", "America/Manaus") {
				t.Errorf("the list:\n%s", list)
			}
			i.run(t, "account", "suspend", "1")
			eventually(t, "the account is suspended", func() bool { return c.do(t, "GET", "/leads", nil).text == inactive })
			i.run(t, "account", "activate", "1")
			eventually(t, "the account is active", func() bool { return c.do(t, "GET", "/leads", nil).status == 200 })
		})
		t.Run("a key has the scopes, the end and the limit it was made with", func(t *testing.T) {
			reader := i.key(t, "--scopes", "leads:read,users:read", "--rate-limit", "3", "--expires", "90d")
			got := c.as(reader).want(t, 200, "GET", "/leads", nil)
			if headerNumber(t, got, "RateLimit-Limit") != 3 {
				t.Errorf("headers %v", got.header)
			}
			c.as(reader).do(t, "GET", "/pipelines", nil).is(t, "another scope", 403, unscoped("pipelines:read"))
			brief := i.key(t, "--expires", "1ms")
			c.as(brief).do(t, "GET", "/leads", nil).is(t, "an expired key", 401, oldKey)
			list := i.run(t, "key", "list")
			if !containsAll(list, "leads:read,users:read", "active", "expired", reader[:8]) || strings.Contains(list, reader) {
				t.Errorf("the list:\n%s", list)
			}
			plain := i.key(t)
			for _, path := range []string{"/leads", "/pipelines", "/custom-fields", "/sequences", "/tasks", "/whatsapp/instances", "/users", "/account"} {
				c.as(plain).want(t, 200, "GET", path, nil)
			}
		})
		t.Run("WhatsApp numbers are connected, listed and checked", func(t *testing.T) {
			if id := i.run(t, "instance", "create", "--provider", "waha", "--name", "Principal", "--base-url", "http://127.0.0.1:1", "--session", "default", "--token", "chave-secreta",
				"--webhook-allow", "127.0.0.1"); id != "1" {
				t.Errorf("the number is %q", id)
			}
			if list := i.run(t, "instance", "list"); !containsAll(list, "waha", "Principal", "yes", "disconnected") || strings.Contains(list, "chave-secreta") {
				t.Errorf("the numbers are %s", list)
			}
			if state := i.run(t, "instance", "check", "1", "--webhook-allow", "127.0.0.1"); state != "disconnected" {
				t.Errorf("the number is %q", state)
			}
		})
		t.Run("a key acts as the first admin, then manager, then viewer", func(t *testing.T) {
			if id := i.run(t, "user", "create", "--name", "Bruno", "--email", "bruno@empresa.com.br", "--role", "manager"); id != "2" {
				t.Errorf("the user's id is %q", id)
			}
			if list := i.run(t, "user", "list"); !containsAll(list, "Administrador", "admin@localhost", "admin", "Bruno", "bruno@empresa.com.br", "manager") {
				t.Errorf("the list:\n%s", list)
			}
			eventually(t, "the user can be assigned", func() bool {
				return c.do(t, "PATCH", "/leads/1", fields{"assigned_to": 2}).status == 200
			})
			same(t, "performed by", dig(c.lead(t, "/leads/1", "events")["events"], 0, "performed_by"), `1`)
		})
		t.Run("pipelines and custom fields come from a file, which can be applied again", func(t *testing.T) {
			file := filepath.Join(i.dir, "vendas.json")
			const wanted = `{"pipelines":[{"name":"Pós-venda","stages":[{"name":"Onboarding","requirements":[{"subject":"Ligar para {{lead_name}} em {{stage_name}}","type":"call","priority":"high","due_in_days":1}]},{"name":"Renovado","kind":"won"}]}],
				"lost_reasons":["Sumiu"],"custom_fields":[{"name":"porte","label":"Porte","type":"select","options":["P","G"]}]}`
			if err := os.WriteFile(file, []byte(wanted), 0o600); err != nil {
				t.Fatal(err)
			}
			planned := i.run(t, "pipeline", "apply", file, "--dry-run")
			same(t, "pipelines after a dry run", each(c.want(t, 200, "GET", "/pipelines", nil).at("pipelines"), "name"), `["Vendas"]`)
			applied := execute(t, command(i.dir, "pipeline", "apply", file, "--database", i.url))
			if strings.TrimSpace(applied.out) != planned || !containsAll(planned, "+ pipeline Pós-venda", "porte", "Sumiu") || !strings.Contains(applied.notes, "kept: pipeline Vendas") {
				t.Errorf("planned:\n%s\napplied:\n%s%s", planned, applied.out, applied.notes)
			}
			if again := i.run(t, "pipeline", "apply", file); again != "" {
				t.Errorf("applied again:\n%s", again)
			}
			var board answer
			eventually(t, "the server shows the pipeline", func() bool {
				board = c.want(t, 200, "GET", "/pipelines", nil)
				return len(items(board.at("pipelines"))) == 2
			})
			stage := board.at("pipelines", 1, "stages", 0, "id")
			made := c.want(t, 201, "POST", "/leads", fields{"name": "Rita", "pipeline_id": board.at("pipelines", 1, "id"), "stage_id": stage, "custom_fields": fields{"porte": "G"}})
			same(t, "custom fields", made.at("lead", "custom_fields"), `{"porte":"G"}`)
			task := dig(c.lead(t, "/leads/"+text(made.at("lead", "id")), "tasks")["tasks"], 0)
			holds(t, "the task", task, parsed(t, `{"subject":"Ligar para Rita em Onboarding","type":"call","priority":"high"}`))
			if err := os.WriteFile(file, []byte(`{"pipelines":[{"name":"X","stages":[{"name":"Y","color":"red"}]}],"colour":1}`), 0o600); err != nil {
				t.Fatal(err)
			}
			got := execute(t, command(i.dir, "pipeline", "apply", file, "--database", i.url))
			if got.code != 1 || !containsAll(got.notes, file+": pipelines[0].stages[0].color: ", "colour", "was not applied: 2 problems") {
				t.Errorf("a wrong file: exit %d\n%s", got.code, got.notes)
			}
		})
	})
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	if line := must(t, t.TempDir(), "version"); !strings.HasPrefix(line, "syncro ") || strings.Contains(line, "\n") {
		t.Errorf("the version is %q", line)
	}
	if help := must(t, t.TempDir(), "--help"); !containsAll(help, "serve", "demo", "migrate", "account", "pipeline", "user", "key", "openapi") {
		t.Errorf("the help:\n%s", help)
	}
}
