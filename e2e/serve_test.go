package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"syncro/internal/db/dbtest"
)

func TestAFirstStartSaysHowToMakeAnAccount(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		p := start(t, t.TempDir(), "serve", "--database", e.url(t))
		p.waitFor(t, regexp.MustCompile(`syncro account create --name`))
		(&client{"http://" + p.addr, everything}).want(t, 401, "GET", "/leads", nil)
		if code := p.stop(t); code != 0 {
			t.Errorf("it ended with %d", code)
		}
	})
}

// upload is a request whose body the server waits for.
type upload struct {
	conn   net.Conn
	answer *bufio.Reader
	body   string
}

// startUpload sends the head of a creation, and returns when the server asks for
// the body: then the request is running.
func startUpload(t *testing.T, addr, key, body string) *upload {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // all of its errors that matter have been seen
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("POST /api/v1/leads HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", key, len(body))
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	u := &upload{conn, bufio.NewReader(conn), body}
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := u.answer.ReadString('\n'); line != want {
			t.Fatalf("%q, %v", line, err)
		}
	}
	return u
}

func (u *upload) finish(t *testing.T) int {
	t.Helper()
	if _, err := io.WriteString(u.conn, u.body); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(u.answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestASignalLetsRunningRequestsFinishAndRefusesNewOnes(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		i := install(t, e)
		key := i.key(t)
		p := i.serve(t)
		running := startUpload(t, p.addr, key, `{"name":"Ana","pipeline_id":1,"stage_id":1}`)
		p.signal(t)
		eventually(t, "new connections are refused", func() bool {
			conn, err := net.Dial("tcp", p.addr)
			if err == nil {
				_ = conn.Close()
			}
			return errors.Is(err, syscall.ECONNREFUSED)
		})
		if status := running.finish(t); status != http.StatusCreated {
			t.Errorf("the running request got %d", status)
		}
		if code := p.stop(t); code != 0 {
			t.Errorf("it ended with %d", code)
		}
	})
}

func TestASecondSignalStopsAtOnce(t *testing.T) {
	t.Parallel()
	i := install(t, sqlite)
	key := i.key(t)
	p := i.serve(t)
	startUpload(t, p.addr, key, `{}`)
	p.signal(t)
	p.waitFor(t, regexp.MustCompile(`stopping`))
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.waitFor(t, regexp.MustCompile(`stopped at once`))
	if code := p.stop(t); code != 1 {
		t.Errorf("it ended with %d", code)
	}
}

func TestAWorkerAndAServerWithoutWorkersRunUntilASignal(t *testing.T) {
	t.Parallel()
	i := install(t, postgres)
	worker := launch(t, command(i.dir, "worker", "--database", i.url))
	worker.waitFor(t, regexp.MustCompile(`msg=working`))
	for _, p := range []*process{worker, i.serve(t, "--workers=false")} {
		p.signal(t)
		p.waitFor(t, regexp.MustCompile(`msg=stopped`))
		if code := p.stop(t); code != 0 {
			t.Errorf("%q ended with %d", p.cmd.Args[1:], code)
		}
	}
}

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		i := install(t, e)
		key := i.key(t, "--rate-limit", "100000")
		p := i.serve(t)
		acknowledged := atOnce(20, func(n int) answer {
			return p.client(key).do(t, "POST", "/leads", fields{"name": fmt.Sprint("Lead ", n), "pipeline_id": 1, "stage_id": 1}, "Idempotency-Key", fmt.Sprint(n))
		})
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-p.ended
		c := i.serve(t).client(key)
		if ids := c.ids(t, ""); len(ids) != 20 {
			t.Errorf("%d leads", len(ids))
		}
		again := c.do(t, "POST", "/leads", fields{"name": "Lead 7", "pipeline_id": 1, "stage_id": 1}, "Idempotency-Key", "7")
		if again.text != acknowledged[7].text {
			t.Errorf("a retry after the kill: %s\nfirst: %s", again.text, acknowledged[7].text)
		}
	})
}

func TestHealth(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		dir, url := t.TempDir(), e.url(t)
		p := start(t, dir, "serve", "--database", url)
		ask := func(path string) answer {
			t.Helper()
			got, err := exchange("GET", "http://"+p.addr+path, http.Header{}, "")
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			if got := ask(path); got.status != 200 {
				t.Errorf("%s: %d %s", path, got.status, got.text)
			}
		}
		d := dbtest.Open(t, strings.Replace(url, "sqlite:", "sqlite:"+dir+"/", 1), dbtest.NewClock())
		dbtest.Exec(t, d, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
		if got := ask("/readyz"); got.status != 503 {
			t.Errorf("with a newer schema: %d %s", got.status, got.text)
		}
		if got := ask("/healthz"); got.status != 200 {
			t.Errorf("/healthz: %d %s", got.status, got.text)
		}
	})
}

func TestEveryAnswerHasARequestIDThatIsInTheLog(t *testing.T) {
	t.Parallel()
	i := install(t, sqlite)
	p := i.serve(t, "--log-format", "json")
	for _, path := range []string{"/leads", "/nothing"} {
		got := p.client("").do(t, "GET", path, nil)
		id := got.header.Get("X-Request-Id")
		if id == "" {
			t.Fatalf("%s: headers %v", path, got.header)
		}
		p.waitFor(t, regexp.MustCompile(`(?m)^\{.*"`+regexp.QuoteMeta(id)+`".*\}$`))
	}
	if log, _ := p.log.read(); strings.Contains(log, i.key(t)) {
		t.Error("a key is in the log")
	}
}
