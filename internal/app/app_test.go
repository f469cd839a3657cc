package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

// testLog shows what is worth a look when a test fails.
func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// testApp puts the program together on a test's database.
func testApp(t *testing.T, d *db.DB, clock *dbtest.Clock) *App {
	c := Default()
	c.Clock, c.RateLimit = clock.Now, 1_000_000
	return assemble(d, c, testLog(t))
}

// get asks without a connection.
func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestReadinessSaysWhatIsMissing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		c := Default()
		c.Clock = clock.Now
		h := assemble(d, c, slog.New(slog.DiscardHandler)).Handler()
		expect := func(path string, status int, body string) {
			t.Helper()
			if w := get(h, "GET", path); w.Code != status || w.Body.String() != body {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		expect("/healthz", 200, `{"status":"ok"}`)
		expect("/readyz", 200, `{"status":"ok"}`)
		dbtest.Exec(t, d, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
		expect("/readyz", 503, `{"status":"unavailable","reason":"database schema newer than the program"}`)
		dbtest.Exec(t, d, `DELETE FROM goose_db_version WHERE version_id > 1`)
		expect("/readyz", 503, `{"status":"unavailable","reason":"database schema older than the program"}`)
		expect("/healthz", 200, `{"status":"ok"}`)
		if d.Engine() == db.Postgres { // SQLite is out of reach only when its disk is
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			expect("/readyz", 503, `{"status":"unavailable","reason":"database unreachable"}`)
		}
		if w := get(h, "POST", "/healthz"); w.Code != 405 || w.Header().Get("Allow") != "GET" {
			t.Errorf("POST: %d %s", w.Code, w.Body)
		}
	})
}

// serveUntil runs a server for the time of use.
func serveUntil(t *testing.T, a *App, use func(addr string)) {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- a.Serve(ctx, l) }()
	use(l.Addr().String())
	stop()
	if err := <-ended; err != nil {
		t.Errorf("serving: %v", err)
	}
}

func TestNothingOfAServerIsLeftAfterItHasStopped(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		c := Default()
		c.Database, c.Clock = dbtest.URL(t, engine), dbtest.NewClock().Now
		before = max(before, runtime.NumGoroutine()) // the test server of PostgreSQL has some of its own
		a, err := Open(t.Context(), c, testLog(t))
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{}}
		serveUntil(t, a, func(addr string) {
			answer, err := client.Get("http://" + addr + "/readyz")
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
		})
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		client.CloseIdleConnections()
	}
	// What has been told to end may need a moment more.
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines before, now:\n%s", before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestARequestWhoseHeadIsGarbageIsRefusedInJSON(t *testing.T) {
	clock := dbtest.NewClock()
	a := testApp(t, dbtest.Open(t, dbtest.URL(t, db.SQLite), clock), clock)
	serveUntil(t, a, func(addr string) {
		for name, request := range map[string]string{
			"400 invalid header name":              "GET / HTTP/1.1\r\nHost: a\r\nX y: b\r\n\r\n",
			"400 bad request (header value)":       "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n",
			"400 missing required Host header":     "GET / HTTP/1.1\r\n\r\n",
			"400 bad request":                      "nonsense\r\n\r\n",
			"431 request header fields too large":  "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", maxHeaders+8192) + "\r\n\r\n",
			"501 unsupported transfer encoding":    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: brotli\r\n\r\n",
			"505 unsupported protocol version":     "GET / HTTP/9.1\r\nHost: a\r\n\r\n",
			"404 Rota não encontrada.":             "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
			"404 Rota não encontrada. (http 1.0)":  "GET / HTTP/1.0\r\n\r\n",
			"404 Rota não encontrada. (bad query)": "GET /?%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		} {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, request) // the server may hang up before the end
			answer, _ := io.ReadAll(conn)
			_ = conn.Close()
			status, message, _ := strings.Cut(name, " ")
			message, _, _ = strings.Cut(message, " (")
			head, body, _ := strings.Cut(string(answer), "\r\n\r\n")
			if status != "404" && status != "501" {
				message = "The request cannot be read: " + message + "."
			}
			if !strings.HasPrefix(head, "HTTP/1.1 "+status) && !strings.HasPrefix(head, "HTTP/1.0 "+status) ||
				!strings.Contains(head, "Content-Type: application/json") || (status != "501" && body != `{"message":"`+message+`"}`) {
				t.Errorf("%s:\n%s", name, answer)
			}
		}
	})
}
