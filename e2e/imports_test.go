package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// people is a file of so many leads.
func people(n int) string {
	var file strings.Builder
	file.WriteString("nome;email;telefone;valor\n")
	for i := range n {
		fmt.Fprintf(&file, "Pessoa %d;p%d@exemplo.com.br;(11) 9%08d;\"1.%03d,50\"\n", i, i, 60_000_000+i, i%1000)
	}
	return file.String()
}

// settle waits until an import is as wanted, and gives it.
func settle(t *testing.T, c *client, path string, wanted func(i map[string]any) bool) map[string]any {
	t.Helper()
	var answered struct{ Import map[string]any }
	waitFor(t, 4*patience, path, func() bool {
		if err := json.Unmarshal([]byte(c.do(t, "GET", path, nil).text), &answered); err != nil {
			t.Fatal(err)
		}
		return wanted(answered.Import)
	})
	return answered.Import
}

func TestAnImportWhoseServerIsKilledLosesNoRowAndRepeatsNone(t *testing.T) {
	t.Parallel()
	for _, e := range []engine{sqlite, postgres} {
		t.Run(string(e), func(t *testing.T) {
			i := install(t, e)
			key := i.key(t, "--rate-limit", "1000000")
			const rows = 3000
			p := i.serve(t)
			c := p.client(key)
			up := c.do(t, "POST", "/imports?filename=p.csv", people(rows), "Content-Type", "text/csv")
			var made struct{ Import struct{ ID int } }
			if err := json.Unmarshal([]byte(up.text), &made); err != nil || up.status != 201 {
				t.Fatalf("%d %s", up.status, up.text)
			}
			path := fmt.Sprintf("/imports/%d", made.Import.ID)
			for n, step := range []string{"start", "undo"} {
				c.do(t, "POST", path+"/"+step, nil)
				under := func(i map[string]any) bool {
					if n == 0 {
						return i["done"].(float64) > 0
					}
					return i["reverted"].(float64) > 0
				}
				settle(t, c, path, under)
				if err := p.cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				<-p.ended
				p = i.serve(t)
				c = p.client(key)
				over := settle(t, c, path, func(i map[string]any) bool {
					return i["state"] == "done" && n == 0 || i["state"] == "undone" || i["state"] == "failed"
				})
				if over["created"] != float64(rows) || over["failed"] != 0.0 || (n == 1 && over["reverted"] != float64(rows)) {
					t.Errorf("%s: %v", step, over)
				}
				seen := map[string]int{}
				_, leads, _ := strings.Cut(c.do(t, "GET", "/leads/export?format=csv", nil).text, "\r\n")
				for line := range strings.Lines(leads) {
					seen[strings.Split(line, ",")[3]]++ // its email
				}
				if want := rows * (1 - n); len(seen) != want {
					t.Errorf("after %s there are %d leads, want %d", step, len(seen), want)
				}
				for email, times := range seen {
					if times != 1 {
						t.Errorf("%s was imported %d times", email, times)
					}
				}
			}
		})
	}
}

func TestTheCommandLineImportsAndExports(t *testing.T) {
	t.Parallel()
	for _, e := range []engine{sqlite, postgres} {
		t.Run(string(e), func(t *testing.T) {
			i := install(t, e)
			file := filepath.Join(i.dir, "leads.csv")
			if err := os.WriteFile(file, []byte("Nome;Contato;Obs\nJoão;11999887766;=1+1\nMaria;11988776655;\n;11955554444;sem nome\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"import", file, "--map", "B=phone", "--tags", "feira", "--database", i.url}
			tried := execute(t, command(i.dir, append(args, "--dry-run")...))
			if tried.code != 1 || !strings.Contains(tried.out, "2 created, 0 updated, 0 unchanged, 0 skipped, 1 with problems") || !containsAll(tried.notes, "row 4, column A (Nome)", "The name field is required.") {
				t.Errorf("%+v", tried)
			}
			done := execute(t, command(i.dir, args...))
			if done.code != 1 || !strings.Contains(done.out, "Imported leads.csv: 2 created") {
				t.Errorf("%+v", done)
			}
			for _, name := range []string{"out.csv", "out.xlsx", "out.jsonl"} {
				i.run(t, "export", name, "--filter", "tags=feira")
				again := filepath.Join(i.dir, name)
				if strings.HasSuffix(name, "jsonl") {
					text, err := os.ReadFile(again)
					if err != nil || strings.Count(string(text), "\n") != 2 {
						t.Errorf("%s %v", text, err)
					}
					continue
				}
				if out := i.run(t, "import", again); !strings.Contains(out, "0 created, 0 updated, 2 unchanged") {
					t.Errorf("%s: %s", name, out)
				}
			}
			refused(t, command(i.dir, "export", "x.csv", "--filter", "nope=1", "--database", i.url), 2, "nope", "status")
			refused(t, command(i.dir, "export", "x.pdf", "--database", i.url), 2, "format")
		})
	}
}
