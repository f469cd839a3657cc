package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// journal keeps what a process prints, line by line, for tests that wait for a line.
type journal struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{} // closed and replaced at each growth
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.grown)
	j.grown = make(chan struct{})
	return j.text.Write(b)
}

func (j *journal) read() (string, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String(), j.grown
}

// process is a running syncro.
type process struct {
	cmd   *exec.Cmd
	log   journal
	ended chan struct{}
	addr  string // of the API, without a path
	asked bool   // to stop: a second signal would end it at once
}

// command prepares a run in a directory, untouched by a developer's variables.
func command(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(syncro, args...)
	cmd.Dir = dir
	endWithTests(cmd)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "SYNCRO_") && !strings.HasPrefix(variable, "PG") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	return cmd
}

var address = regexp.MustCompile(`127\.0\.0\.1:[1-9][0-9]*`)

// start runs a server, `demo` or `serve`, and waits until it listens. It is
// stopped when the test ends.
func start(t testing.TB, dir string, args ...string) *process {
	t.Helper()
	p := launch(t, command(dir, append(args, "--addr", "127.0.0.1:0")...))
	p.addr = p.waitFor(t, address)
	return p
}

func launch(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, ended: make(chan struct{})}
	p.log.grown = make(chan struct{})
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // its state is read where it matters
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if text, _ := p.log.read(); t.Failed() && len(text) > 0 {
			t.Logf("%q printed:\n%s", cmd.Args[1:], text)
		}
	})
	return p
}

// waitFor waits until the process has printed what matches, and gives that.
func (p *process) waitFor(t testing.TB, what *regexp.Regexp) string {
	t.Helper()
	deadline := time.After(patience)
	for ended := false; ; {
		text, grown := p.log.read()
		if found := what.FindString(text); found != "" {
			return found
		}
		if ended {
			t.Fatalf("%q ended without printing %s:\n%s", p.cmd.Args[1:], what, text)
		}
		select {
		case <-grown:
		case <-p.ended:
			ended = true
		case <-deadline:
			t.Fatalf("%q has not printed %s:\n%s", p.cmd.Args[1:], what, text)
		}
	}
}

// signal asks the process, once, to stop.
func (p *process) signal(t testing.TB) {
	t.Helper()
	if p.asked {
		return
	}
	p.asked = true
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}

// stop ends the process in good order and gives its exit code.
func (p *process) stop(t testing.TB) int {
	t.Helper()
	p.signal(t)
	select {
	case <-p.ended:
	case <-time.After(patience):
		text, _ := p.log.read()
		t.Errorf("%q does not stop:\n%s", p.cmd.Args[1:], text)
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	return p.cmd.ProcessState.ExitCode()
}

// outcome is what a run that has ended left.
type outcome struct {
	code       int
	out, notes string
}

func execute(t testing.TB, cmd *exec.Cmd) outcome {
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
func must(t testing.TB, dir string, args ...string) string {
	t.Helper()
	got := execute(t, command(dir, args...))
	if got.code != 0 {
		t.Fatalf("syncro %s: exit %d, %s", strings.Join(args, " "), got.code, got.notes)
	}
	return strings.TrimSpace(got.out)
}
