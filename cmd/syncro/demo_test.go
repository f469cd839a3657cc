package main

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

// startDemo starts a demo and gives the URL of its API once it has printed all
// that it prints.
func startDemo(t *testing.T, cmd *exec.Cmd) (api string) {
	t.Helper()
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tries := 0
	for lines := bufio.NewScanner(pipe); tries < 3 && lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "  API   "); ok {
			api = url
		}
		if strings.HasPrefix(lines.Text(), "curl ") {
			tries++
		}
	}
	if api == "" || tries != 3 {
		t.Fatalf("printed the API %q and %d commands", api, tries)
	}
	return api
}

func stop(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the demo ended with %v", err)
	}
}

// asked asks with the demo's key and gives the status.
func asked(t *testing.T, method, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-API-Key", "crm_SUA_CHAVE_AQUI")
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	return got.StatusCode
}

func TestTheDemoAnswersAndLeavesNothingBehind(t *testing.T) {
	temporary := t.TempDir()
	cmd := program(t, t.TempDir(), "demo", "--addr", "127.0.0.1:0")
	cmd.Env = append(cmd.Env, "TMPDIR="+temporary)
	api := startDemo(t, cmd)
	for url, status := range map[string]int{strings.TrimSuffix(api, "/api/v1") + "/healthz": 200, api + "/leads/123": 200, api + "/leads/900": 404} {
		if got := asked(t, "GET", url); got != status {
			t.Errorf("%s: %d", url, got)
		}
	}
	stop(t, cmd)
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestADemoGoesOnInADatabaseThatADemoMadeAndInNoOther(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		url, dir := dbtest.URL(t, engine), t.TempDir()
		args := []string{"demo", "--addr", "127.0.0.1:0", "--database", url}
		first := program(t, dir, args...)
		if got := asked(t, "DELETE", startDemo(t, first)+"/leads/125"); got != 200 {
			t.Errorf("deleting a lead: %d", got)
		}
		stop(t, first)
		refused(t, program(t, dir, "serve", "--addr", "127.0.0.1:0", "--database", url), exitFailure, "made by `syncro demo`")
		second := program(t, dir, args...)
		if got := asked(t, "GET", startDemo(t, second)+"/leads/125"); got != 404 {
			t.Errorf("the lead that the demo before deleted: %d", got)
		}
		stop(t, second)

		url = dbtest.URL(t, engine)
		must(t, dir, "account", "create", "--name", "Empresa", "--database", url)
		refused(t, program(t, dir, "demo", "--addr", "127.0.0.1:0", "--database", url), exitFailure, "did not make")
	}
}
