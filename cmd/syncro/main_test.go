package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/db/pgtest"
)

// asProgram makes this test binary behave as the program, so that what is tested
// is a process with its arguments, streams, signals and exit code.
const asProgram = "SYNCRO_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program prepares a run in a directory of its own.
func program(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// outcome is what a run that has ended left.
type outcome struct {
	code       int
	out, notes string
}

func execute(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var out, notes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &notes
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), notes.String()}
}

// must runs a command that has to succeed and gives what it prints.
func must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	got := execute(t, program(t, dir, args...))
	if got.code != 0 {
		t.Fatalf("syncro %s: exit %d, %s", strings.Join(args, " "), got.code, got.notes)
	}
	return strings.TrimSpace(got.out)
}

// refused runs a command that has to fail with one line that holds each of the
// reasons.
func refused(t *testing.T, cmd *exec.Cmd, code int, reasons ...string) {
	t.Helper()
	got := execute(t, cmd)
	line, found := strings.CutPrefix(got.notes, "syncro: ")
	if got.code != code || !found || strings.Count(line, "\n") != 1 || got.out != "" {
		t.Errorf("%q: exit %d, out %q, notes %q", cmd.Args[1:], got.code, got.out, got.notes)
	}
	for _, reason := range reasons {
		if !strings.Contains(line, reason) {
			t.Errorf("%q: %q does not say %q", cmd.Args[1:], line, reason)
		}
	}
}

// server is a running `syncro serve`.
type server struct {
	cmd  *exec.Cmd
	addr string
	log  chan string
}

// serve starts a server and waits until it listens.
func serve(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	s := &server{cmd: program(t, dir, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...), log: make(chan string, 1000)}
	s.start(t)
	_, rest, _ := strings.Cut(s.waitFor(t, "msg=listening"), "addr=")
	s.addr, _, _ = strings.Cut(rest, " ")
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.log)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			s.log <- lines.Text()
		}
	}()
}

// waitFor gives the next line of the log that holds a text.
func (s *server) waitFor(t *testing.T, text string) string {
	t.Helper()
	var seen []string
	for line := range s.log {
		if seen = append(seen, line); strings.Contains(line, text) {
			return line
		}
	}
	t.Fatalf("the server ended without %q:\n%s", text, strings.Join(seen, "\n"))
	return ""
}

// end waits for the process to end and gives its state.
func (s *server) end() *os.ProcessState {
	for range s.log { // to its end, which comes before Wait
	}
	_ = s.cmd.Wait() // the state says it, too
	return s.cmd.ProcessState
}

func TestWhatIsTypedWronglyIsOneLineAndExitTwo(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "account", "create", "--name", "Uma")
	must(t, dir, "account", "create", "--name", "Outra")
	for _, c := range []struct {
		args   string
		reason string
	}{
		{"", `expected one of "serve"`},
		{"frobnicate", "unexpected argument frobnicate"},
		{"serve --frobnicate", "unknown flag --frobnicate"},
		{"serve --addr nowhere --rate-limit 0 --log-level loud", `--addr "nowhere" is not HOST:PORT, such as 127.0.0.1:8080; --rate-limit must be at least 1, not 0; --log-level must be one of`},
		{"serve --data-dir missing", "--data-dir missing does not exist"},
		{"serve --database mysql://x", "--database: the database must be sqlite:PATH or postgres://"},
		{"serve --rate-limit many", "--rate-limit"},
		{"serve --workers=false", "--workers=false needs PostgreSQL"},
		{"account create", "missing flags: --name=NAME"},
		{"account create --name X --time-zone Mars/Base --max-leads=-1", "The max leads field must be at least 0. The time zone field must be a valid timezone."},
		{"account update 1", "nothing to change"},
		{"account suspend", `expected "<id>"`},
		{"user create --account 1 --name X --email nobody --role boss", "The email field must be a valid email address. The selected role is invalid."},
		{"user list", "there are 2 accounts: say which with --account ID"},
		{"key create --account 1", "missing flags: --name=NAME"},
		{"key create --account 1 --name x --scopes leads:read,leads:fly", `"leads:fly"`},
		{"key create --account 1 --name x --expires soon", "--expires must be"},
		{"key create --account 1 --name x --expires 2020-01-01", "date after now"},
		{"pipeline apply", `expected "<file>"`},
	} {
		refused(t, program(t, dir, strings.Fields(c.args)...), exitUsage, c.reason)
	}
}

func TestAFailureIsOneLineAndExitOne(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "text.db"), bytes.Repeat([]byte("x"), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, program(t, dir, "serve", "--addr", busy.Addr().String()), exitFailure, busy.Addr().String()+" is in use: choose another --addr")
	if _, err := os.Stat(filepath.Join(dir, "syncro.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a server without a port made a database (%v)", err)
	}
	for _, command := range []string{"serve --addr 127.0.0.1:0", "migrate", "account list"} {
		refused(t, program(t, dir, append(strings.Fields(command), "--database", "sqlite:text.db")...), exitFailure, "text.db is not a SQLite database")
	}
	refused(t, program(t, dir, "worker"), exitFailure, "`syncro worker` needs PostgreSQL")
	refused(t, program(t, dir, "account", "suspend", "7"), exitFailure, "there is no account 7")
	refused(t, program(t, dir, "key", "list"), exitFailure, "there is no account yet")
	refused(t, program(t, dir, "pipeline", "apply", "missing.json"), exitFailure, "missing.json: no such file")

	newer := filepath.Join(dir, "newer.db")
	d := dbtest.Open(t, "sqlite:"+newer, dbtest.NewClock())
	dbtest.Exec(t, d, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
	refused(t, program(t, dir, "serve", "--addr", "127.0.0.1:0", "--database", "sqlite:"+newer), exitFailure, "schema version 9999", "newer syncro")
}

func TestThePasswordOfADatabaseIsNeverPrinted(t *testing.T) {
	for _, secret := range []string{"s3cr3t", "p%40ss%3Aw%2Frd", "half:open", "bad%zz"} {
		url := "postgres://syncro:" + secret + "@127.0.0.1:1/syncro?connect_timeout=2"
		viaEnvironment := program(t, t.TempDir(), "serve", "--addr", "127.0.0.1:0")
		viaEnvironment.Env = append(viaEnvironment.Env, "SYNCRO_DATABASE="+url)
		for _, cmd := range []*exec.Cmd{
			viaEnvironment,
			program(t, t.TempDir(), "serve", "--addr", "127.0.0.1:0", "--database", url),
			program(t, t.TempDir(), "migrate", "--database", url+"&sslmode=odd"),
			program(t, t.TempDir(), "account", "list", url),
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
	refused(t, program(t, t.TempDir(), "serve", "--addr", "127.0.0.1:0", "--database", "postgres://syncro:s3cr3t@127.0.0.1:1/syncro"), exitFailure, "PostgreSQL cannot be reached")
}

func TestADatabaseOfTheDemoIsNotServed(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		url, clock := dbtest.URL(t, engine), dbtest.NewClock()
		d := dbtest.Open(t, url, clock)
		dbtest.Account(t, d, clock, 1)
		dbtest.Exec(t, d, `UPDATE accounts SET is_demo = TRUE`)
		refused(t, program(t, t.TempDir(), "serve", "--addr", "127.0.0.1:0", "--database", url), exitFailure, "made by `syncro demo`")
	}
}

func TestARunningRequestFinishesAfterASignalAndNewOnesAreRefused(t *testing.T) {
	for _, url := range []string{"sqlite:syncro.db", pgtest.URL(t)} {
		dir := t.TempDir()
		must(t, dir, "account", "create", "--name", "Empresa", "--database", url)
		key := must(t, dir, "key", "create", "--name", "teste", "--database", url)
		s := serve(t, dir, "--database", url)
		upload := startUpload(t, s.addr, key, `{"name":"Ana","pipeline_id":1,"stage_id":1}`)
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		s.waitFor(t, "stopping")
		awaitRefusal(t, s.addr)
		if status := upload.finish(t); status != http.StatusCreated {
			t.Errorf("the request that was running got %d", status)
		}
		s.waitFor(t, "msg=stopped")
		if state := s.end(); state.ExitCode() != 0 {
			t.Errorf("the server ended with %v", state)
		}
	}
}

func TestAWorkerAndAServerWithoutWorkersRunOnPostgreSQLUntilASignal(t *testing.T) {
	dir, url := t.TempDir(), pgtest.URL(t)
	must(t, dir, "account", "create", "--name", "Empresa", "--database", url)
	worker := &server{cmd: program(t, dir, "worker", "--database", url), log: make(chan string, 1000)}
	worker.start(t)
	worker.waitFor(t, "msg=working")
	for _, s := range []*server{worker, serve(t, dir, "--database", url, "--workers=false")} {
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		s.waitFor(t, "msg=stopped")
		if state := s.end(); state.ExitCode() != 0 {
			t.Errorf("it ended with %v", state)
		}
	}
}

func TestASecondSignalStopsAtOnce(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "account", "create", "--name", "Empresa")
	key := must(t, dir, "key", "create", "--name", "teste")
	s := serve(t, dir)
	startUpload(t, s.addr, key, `{}`)
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, "stopping")
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, "stopped at once")
	if state := s.end(); state.ExitCode() != exitFailure {
		t.Errorf("the server ended with %v", state)
	}
}

// upload is a request whose body the server waits for.
type upload struct {
	conn net.Conn
	read *bufio.Reader
	body string
}

// startUpload sends a request without its body, and returns when the server has
// asked for it: then the request is running.
func startUpload(t *testing.T, addr, key, body string) *upload {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /api/v1/leads HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", key, len(body))
	if err != nil {
		t.Fatal(err)
	}
	u := &upload{conn, bufio.NewReader(conn), body}
	if line, err := u.read.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	_, _ = u.read.ReadString('\n')
	return u
}

func (u *upload) finish(t *testing.T) int {
	t.Helper()
	if _, err := io.WriteString(u.conn, u.body); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(u.read, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// awaitRefusal returns when nothing listens any more.
func awaitRefusal(t *testing.T, addr string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			_ = conn.Close()
		}
		if time.Now().After(deadline) {
			t.Fatal("new connections are still accepted")
		}
	}
}

func TestTheCommandsAdministerWhatARunningServerServes(t *testing.T) {
	for _, url := range []string{"sqlite:syncro.db", pgtest.URL(t)} {
		dir := t.TempDir()
		run := func(args ...string) string { t.Helper(); return must(t, dir, append(args, "--database", url)...) }
		if line := run("migrate"); !strings.HasPrefix(line, "The schema went from version 0 to ") {
			t.Errorf("migrate: %s", line)
		}
		if line := run("migrate"); !strings.HasPrefix(line, "The schema is up to date") {
			t.Errorf("migrating again: %s", line)
		}
		s := serve(t, dir, "--database", url)
		if id := run("account", "create", "--name", "Minha Empresa", "--max-leads", "10"); id != "1" {
			t.Errorf("the first account is %s", id)
		}
		key := run("key", "create", "--name", "n8n", "--expires", "90d", "--rate-limit", "2")
		ask := func() int {
			t.Helper()
			request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+"/api/v1/pipelines", nil)
			request.Header.Set("X-API-Key", key)
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			return answer.StatusCode
		}
		if got := [...]int{ask(), ask(), ask()}; got != [...]int{200, 200, 429} {
			t.Errorf("a key of two requests a minute: %v", got)
		}
		if user := run("user", "create", "--name", "Bruno", "--email", "bruno@empresa.com.br", "--role", "manager"); user != "2" {
			t.Errorf("the second user is %s", user)
		}
		run("account", "update", "1", "--plan", "scale", "--time-zone", "America/Manaus")
		run("account", "suspend", "1")
		for list, cells := range map[string][]string{
			"account": {"Minha Empresa", "scale", "suspended", "10", "America/Manaus"},
			"user":    {"Administrador", "admin@localhost", "Bruno", "manager"},
			"key":     {"n8n", key[:12] + "…", "active", "leads:read,leads:write"},
		} {
			table := run(list, "list")
			for _, cell := range cells {
				if !strings.Contains(table, cell) {
					t.Errorf("%s list has no %s:\n%s", list, cell, table)
				}
			}
		}
		run("account", "activate", "1")
		run("key", "revoke", "1")
		if table := run("key", "list"); !strings.Contains(table, "revoked") || strings.Contains(table, key) {
			t.Errorf("after the key was revoked:\n%s", table)
		}
		refused(t, program(t, dir, "key", "revoke", "99", "--database", url), exitFailure, "account 1 has no key 99")
	}
}

func TestApplyingAFileShowsWhatItChanges(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "account", "create", "--name", "Empresa")
	file := filepath.Join(dir, "vendas.json")
	text := `{"pipelines":[{"name":"Pós-venda","stages":[{"name":"Onboarding"}]}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	planned := must(t, dir, "pipeline", "apply", file, "--dry-run")
	if !strings.Contains(planned, "+ pipeline Pós-venda") {
		t.Errorf("the plan:\n%s", planned)
	}
	fromInput := program(t, dir, "pipeline", "apply", "-")
	fromInput.Stdin = strings.NewReader(text)
	if applied := execute(t, fromInput); strings.TrimSpace(applied.out) != planned || !strings.Contains(applied.notes, "kept: pipeline Vendas") {
		t.Errorf("planned:\n%s\napplied:\n%s%s", planned, applied.out, applied.notes)
	}
	if again := must(t, dir, "pipeline", "apply", file); again != "" {
		t.Errorf("applied again:\n%s", again)
	}
	if err := os.WriteFile(file, []byte(`{"pipelines":[{"name":"X","stages":[{"name":"Y","color":"red"}]}],"colour":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got := execute(t, program(t, dir, "pipeline", "apply", file))
	if got.code != exitFailure || !strings.Contains(got.notes, file+": pipelines[0].stages[0].color: ") || !strings.Contains(got.notes, "was not applied: 2 problems") {
		t.Errorf("exit %d:\n%s", got.code, got.notes)
	}
}

func TestAFirstStartSaysHowToMakeAnAccount(t *testing.T) {
	s := &server{cmd: program(t, t.TempDir(), "serve", "--addr", "127.0.0.1:0", "--log-format", "json"), log: make(chan string, 1000)}
	s.start(t)
	s.waitFor(t, `syncro account create --name`)
	if line := s.waitFor(t, `"msg":"listening"`); !strings.HasPrefix(line, "{") {
		t.Errorf("the log is not JSON: %s", line)
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if state := s.end(); state.ExitCode() != 0 {
		t.Errorf("the server ended with %v", state)
	}
}

func TestEveryFlagIsAlsoAnEnvironmentVariable(t *testing.T) {
	var line commandLine
	parser, err := kong.New(&line, kong.Vars{"plan": "", "zone": ""})
	if err != nil {
		t.Fatal(err)
	}
	meanings := map[string]string{}
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, flag := range n.Flags {
			if flag.Name == "help" {
				continue
			}
			if len(flag.Envs) != 1 || !strings.HasPrefix(flag.Envs[0], "SYNCRO_") {
				t.Errorf("%s --%s has the variables %v", n.Path(), flag.Name, flag.Envs)
				continue
			}
			// One variable must not set flags that mean different things.
			meaning := flag.Name + " " + strings.TrimPrefix(reflect.Zero(flag.Target.Type()).Type().String(), "*")
			if known, ok := meanings[flag.Envs[0]]; ok && known != meaning {
				t.Errorf("%s sets --%s and --%s", flag.Envs[0], known, meaning)
			}
			meanings[flag.Envs[0]] = meaning
		}
		for _, child := range n.Children {
			walk(child)
		}
	}
	walk(parser.Model.Node)
	if len(meanings) < 15 {
		t.Errorf("only %d variables were found", len(meanings))
	}
}
