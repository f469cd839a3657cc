package e2e

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"syncro/internal/db/dbtest"
)

// refused runs a command that has to fail with one line that gives the reason.
func refused(t *testing.T, cmd *exec.Cmd, code int, reasons ...string) {
	t.Helper()
	got := execute(t, cmd)
	if got.code != code || !strings.HasPrefix(got.notes, "syncro: ") || strings.Count(got.notes, "\n") != 1 || got.out != "" {
		t.Errorf("%q: exit %d, out %q, notes %q", cmd.Args[1:], got.code, got.out, got.notes)
	}
	if !containsAll(got.notes, reasons...) {
		t.Errorf("%q: %q does not say %q", cmd.Args[1:], got.notes, reasons)
	}
}

func TestAWrongCommandLineIsOneLineAndExitTwo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "account", "create", "--name", "Uma")
	must(t, dir, "account", "create", "--name", "Outra")
	for args, reason := range map[string]string{
		"":                   `expected one of "serve"`,
		"frobnicate":         "unexpected argument frobnicate",
		"serve --frobnicate": "unknown flag --frobnicate",
		"serve extra":        "extra",
		"serve --addr nowhere --rate-limit 0 --log-level loud":         `--addr "nowhere" is not HOST:PORT, such as 127.0.0.1:8080; --rate-limit must be at least 1, not 0; --log-level must be one of`,
		"serve --addr 127.0.0.1:99999":                                 "--addr",
		"serve --data-dir missing":                                     "--data-dir missing does not exist",
		"serve --database mysql://x":                                   "--database: the database must be sqlite:PATH or postgres://",
		"serve --rate-limit many":                                      "--rate-limit",
		"serve --workers=false":                                        "--workers=false needs PostgreSQL",
		"demo --database redis://x":                                    "--database",
		"account create":                                               "missing flags: --name=NAME",
		"account create --name X --time-zone Mars/Base --max-leads=-1": "The max leads field must be at least 0. The time zone field must be a valid timezone.",
		"account update 1":                                             "nothing to change",
		"account suspend":                                              `expected "<id>"`,
		"user create --account 1 --name X --email nobody --role boss":  "The email field must be a valid email address. The selected role is invalid.",
		"user list":              "there are 2 accounts: say which with --account ID",
		"key create --account 1": "missing flags: --name=NAME",
		"key create --account 1 --name x --scopes leads:read,leads:fly": `"leads:fly"`,
		"key create --account 1 --name x --expires soon":                "--expires must be",
		"key create --account 1 --name x --expires 2020-01-01":          "date after now",
		"key revoke":                       "id",
		"key rotate":                       "id",
		"key rotate 1 --overlap=-1m":       "--overlap must not be negative",
		"pipeline apply":                   `expected "<file>"`,
		"pipeline apply one.json two.json": "two.json",
	} {
		refused(t, command(dir, strings.Fields(args)...), 2, reason)
	}
}

func TestAFailureIsOneLineAndExitOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	t.Run("a busy port, which nothing is written for", func(t *testing.T) {
		busy, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer busy.Close()
		for _, name := range []string{"serve", "demo"} {
			refused(t, command(dir, name, "--addr", busy.Addr().String(), "--database", "sqlite:none.db"), 1, busy.Addr().String(), "in use")
		}
		if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
			t.Error("a database was made")
		}
	})
	t.Run("a file that is no database, and a damaged one", func(t *testing.T) {
		must(t, dir, "account", "create", "--name", "Empresa", "--database", "sqlite:damaged.db")
		damaged := filepath.Join(dir, "damaged.db")
		content, err := os.ReadFile(damaged)
		if err != nil {
			t.Fatal(err)
		}
		copy(content[100:], bytes.Repeat([]byte("x"), len(content)-100))
		for name, text := range map[string][]byte{"text.db": bytes.Repeat([]byte("x"), 5000), "damaged.db": content} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range []string{"serve --addr 127.0.0.1:0", "migrate", "account list"} {
				refused(t, command(dir, append(strings.Fields(args), "--database", "sqlite:"+name)...), 1, name)
			}
			if after, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(after, text) {
				t.Errorf("%s was changed (%v)", name, err)
			}
		}
	})
	t.Run("a schema that is newer than the program", func(t *testing.T) {
		for _, url := range []string{"sqlite:" + filepath.Join(dir, "newer.db"), postgres.url(t)} {
			d := dbtest.Open(t, url, dbtest.NewClock())
			dbtest.Exec(t, d, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
			for _, args := range []string{"serve --addr 127.0.0.1:0", "demo --addr 127.0.0.1:0", "migrate", "account list"} {
				refused(t, command(dir, append(strings.Fields(args), "--database", url)...), 1, "9999", "newer")
			}
		}
	})
	t.Run("a database of the demo, to be served, and any other, to be made a demo", func(t *testing.T) {
		for _, e := range []engine{sqlite, postgres} {
			dir, url := t.TempDir(), e.url(t)
			p := start(t, dir, "demo", "--database", url)
			if code := p.stop(t); code != 0 {
				t.Errorf("the demo ended with %d", code)
			}
			refused(t, command(dir, "serve", "--addr", "127.0.0.1:0", "--database", url), 1, "demo")
			own := install(t, e)
			refused(t, command(own.dir, "demo", "--addr", "127.0.0.1:0", "--database", own.url), 1, "demo")
			if list := own.run(t, "account", "list"); strings.Count(list, "\n") != 1 {
				t.Errorf("the accounts afterwards:\n%s", list)
			}
		}
	})
	t.Run("what does not exist", func(t *testing.T) {
		refused(t, command(dir, "account", "suspend", "7"), 1, "there is no account 7")
		refused(t, command(dir, "key", "list"), 1, "there is no account yet", "syncro account create")
		refused(t, command(dir, "pipeline", "apply", "missing.json"), 1, "missing.json: no such file")
		must(t, dir, "account", "create", "--name", "Empresa")
		refused(t, command(dir, "key", "revoke", "99"), 1, "account 1 has no key 99")
		refused(t, command(dir, "worker"), 1, "`syncro worker` needs PostgreSQL")
	})
}

func TestThePasswordOfADatabaseIsNeverPrinted(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"s3cr3t", "p%40ss%3Aw%2Frd", "half:open", "bad%zz"} {
		url := "postgres://syncro:" + secret + "@127.0.0.1:1/syncro?connect_timeout=2"
		viaEnvironment := command(t.TempDir(), "serve", "--addr", "127.0.0.1:0")
		viaEnvironment.Env = append(viaEnvironment.Env, "SYNCRO_DATABASE="+url)
		for _, cmd := range []*exec.Cmd{
			viaEnvironment,
			command(t.TempDir(), "serve", "--addr", "127.0.0.1:0", "--database", url),
			command(t.TempDir(), "demo", "--addr", "127.0.0.1:0", "--database", url),
			command(t.TempDir(), "migrate", "--database", url+"&sslmode=odd"),
			command(t.TempDir(), "account", "list", url),
		} {
			got := execute(t, cmd)
			if got.code == 0 || strings.Count(got.notes, "\n") != 1 {
				t.Errorf("exit %d: %s", got.code, got.notes)
			}
			for _, form := range []string{secret, "p@ss:w/rd"} {
				if strings.Contains(got.notes+got.out, form) {
					t.Errorf("%s is in %q", form, got.notes)
				}
			}
		}
	}
	refused(t, command(t.TempDir(), "account", "list", "--database", "postgres://syncro:s3cr3t@127.0.0.1:1/syncro"), 1, "PostgreSQL cannot be reached")
}

func TestTheDemoKeepsWhatWasDoneInADatabaseThatIsNamed(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		dir, url := t.TempDir(), e.url(t)
		first := start(t, dir, "demo", "--database", url)
		made := first.client(everything).create(t, fields{"name": "Bleibt"})
		if code := first.stop(t); code != 0 {
			t.Errorf("the demo ended with %d", code)
		}
		second := start(t, dir, "demo", "--database", url)
		lead := second.client(everything).lead(t, "/leads/"+text(made.at("lead", "id")))
		same(t, "the lead", lead["name"], `"Bleibt"`)
	})
}

func TestTheDemoPrintsItsAddressAndThreeCommandsThatWork(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "demo")
	c := p.client(everything)
	c.want(t, 200, "GET", joao, nil) // it listens, so all has been printed
	printed, _ := p.log.read()
	if !strings.Contains(printed, "http://"+p.addr+"/api/v1") || !strings.Contains(printed, everything) {
		t.Errorf("it printed:\n%s", printed)
	}
	commands := regexp.MustCompile(`(?m)^\s*curl (?:.*\\\n)*.*$`).FindAllString(printed, -1)
	if len(commands) != 3 {
		t.Fatalf("%d commands in:\n%s", len(commands), printed)
	}
	for _, line := range commands {
		request, err := parseCurl(line)
		if err != nil {
			t.Fatal(err)
		}
		got, err := exchange(request.method, request.url, request.header, request.body)
		if err != nil || got.status != 200 {
			t.Errorf("%s: %d %s, %v", line, got.status, got.text, err)
		}
	}
}

func TestADemoWithoutANamedDatabaseLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir, temporary := t.TempDir(), t.TempDir()
	cmd := command(dir, "demo", "--addr", "127.0.0.1:0")
	cmd.Env = append(cmd.Env, "TMPDIR="+temporary)
	p := launch(t, cmd)
	p.addr = p.waitFor(t, address)
	p.client(everything).want(t, 200, "GET", joao, nil)
	if code := p.stop(t); code != 0 {
		t.Errorf("the demo ended with %d", code)
	}
	for _, place := range []string{dir, temporary} {
		if left, err := os.ReadDir(place); err != nil || len(left) != 0 {
			t.Errorf("%v is left, %v", left, err)
		}
	}
}
