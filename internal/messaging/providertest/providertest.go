// Package providertest is what every WhatsApp provider has to pass: tables of calls
// and webhooks, kept as data in the adapter's testdata, and the promises of
// messaging.Provider that hold for all of them.
//
// calls.json holds for each call the exact HTTP exchanges and the result;
// hooks.json the webhooks and what they tell; schemas/ what we promise to send. The
// command check, beside this package, holds all of that against the providers' own
// descriptions.
package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"syncro/internal/messaging"
	"syncro/internal/messaging/exchange"
	"syncro/internal/netguard"
)

// Subject is a provider to be tried.
type Subject struct {
	New        func(exchange.Config) messaging.Provider
	Connection messaging.Connection // complete but for the address
	Message    messaging.Outgoing   // one that it can send
	Accepted   string               // answer to it
	Sign       func(secret string, raw []byte) http.Header
}

// Run tries a provider with the fixtures of its testdata.
func Run(t *testing.T, s Subject) {
	t.Helper()
	t.Run("calls", s.calls)
	t.Run("webhooks", s.hooks)
	t.Run("failures", s.failures)
	t.Run("signatures", s.signatures)
	t.Run("odd webhooks", s.oddities)
}

func (s Subject) calls(t *testing.T) {
	cases := load[Case](t, "calls.json")
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			made := 0
			address := ""
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if made++; made > len(c.Exchanges) {
					t.Errorf("there is a request too many: %s %s", r.Method, r.URL)
					return
				}
				e := c.Exchanges[made-1]
				checkRequest(t, r, e)
				for name, value := range e.Answer.Header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(e.Answer.Status)
				_, _ = w.Write(bytes.ReplaceAll(e.Answer.Bytes(), []byte("BASE_URL"), []byte(address)))
			}))
			defer server.Close()
			connection := s.Connection
			address = server.URL
			connection.BaseURL = address
			got, err := call(t, s.New(exchange.Config{}), connect(connection, c.Connection), c)
			checkResult(t, c, got, err)
			if made != len(c.Exchanges) {
				t.Errorf("it made %d of %d requests", made, len(c.Exchanges))
			}
		})
	}
}

// call makes the call of a case.
func call(t *testing.T, p messaging.Provider, c messaging.Connection, what Case) (any, error) {
	t.Helper()
	switch what.Call {
	case "", "send":
		return p.Send(t.Context(), c, what.Message)
	case "check_number":
		chatID, exists, err := p.(messaging.NumberChecker).CheckNumber(t.Context(), c, what.Argument)
		return map[string]any{"ChatID": chatID, "Exists": exists}, err
	case "list_templates":
		return p.(messaging.TemplateLister).ListTemplates(t.Context(), c)
	case "read_session":
		return p.(messaging.SessionReader).ReadSession(t.Context(), c)
	case "resolve_hidden":
		return p.(messaging.HiddenResolver).ResolveHidden(t.Context(), c, what.Argument)
	case "start_session":
		return p.(messaging.SessionStarter).StartSession(t.Context(), c)
	case "pairing_code":
		return p.(messaging.Pairer).PairingCode(t.Context(), c)
	case "create_template":
		return p.(messaging.TemplateCreator).CreateTemplate(t.Context(), c, what.Template)
	case "tell_read":
		chat, id, _ := strings.Cut(what.Argument, " ")
		return nil, p.(messaging.ReadTeller).TellRead(t.Context(), c, chat, id)
	case "open_media":
		body, err := p.(messaging.MediaOpener).OpenMedia(t.Context(), c, messaging.IncomingMedia{Reference: what.Argument})
		if err != nil {
			return nil, err
		}
		defer body.Close()
		text, err := io.ReadAll(body)
		return string(text), err
	default:
		return nil, fmt.Errorf("the call %q is not known", what.Call)
	}
}

func checkRequest(t *testing.T, r *http.Request, e Exchange) {
	t.Helper()
	if r.Method != e.Method || r.URL.EscapedPath() != e.Path {
		t.Errorf("it asks %s %s\nwant %s %s", r.Method, r.URL.EscapedPath(), e.Method, e.Path)
	}
	query := map[string]string{}
	for name := range r.URL.Query() {
		query[name] = r.URL.Query().Get(name)
	}
	if len(query)+len(e.Query) > 0 && !reflect.DeepEqual(query, e.Query) {
		t.Errorf("the query is %v\nwant %v", query, e.Query)
	}
	for name, value := range e.Header {
		if got := r.Header.Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	if len(e.Body) == 0 {
		if len(body) > 0 {
			t.Errorf("there is a body: %s", body)
		}
		return
	}
	var got, want any
	if err := errors.Join(json.Unmarshal(body, &got), json.Unmarshal(e.Body, &want)); err != nil {
		t.Error(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the body is %s\nwant %s", body, e.Body)
	}
	if e.Schema == "" {
		t.Error("the exchange has a body and names no schema")
		return
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", "schemas", e.Schema+".json"))
	if err != nil {
		t.Error(err)
	} else if err := schema.Validate(got); err != nil {
		t.Error(err)
	}
}

func checkResult(t *testing.T, c Case, got any, err error) {
	t.Helper()
	if c.Error != nil {
		var e *messaging.SendError
		if !errors.As(err, &e) {
			t.Fatalf("it gives %v, %v", got, err)
		}
		if e.Outcome != c.Error.Outcome || e.Code != c.Error.Code || c.Error.Message != "" && e.Message != c.Error.Message ||
			e.RetryAfter != time.Duration(c.Error.RetryAfter)*time.Second {
			t.Errorf("it gives %s (code %q, retry after %s)\nwant %+v", e, e.Code, e.RetryAfter, *c.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, c.Want)
}

func compare(t *testing.T, got any, want json.RawMessage) {
	t.Helper()
	left, err := pruned(got)
	right, wantErr := pruned(want)
	if err = errors.Join(err, wantErr); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(left, right) {
		text, _ := json.MarshalIndent(left, "", "  ")
		t.Errorf("it gives %s\nwant %s", text, want)
	}
}

func (s Subject) hooks(t *testing.T) {
	for _, c := range load[HookCase](t, "hooks.json") {
		t.Run(c.Name, func(t *testing.T) {
			p, connection := s.New(exchange.Config{}), connect(s.Connection, c.Connection)
			if err := p.VerifyHook(connection, s.Sign(connection.HookSecret, c.Bytes()), c.Bytes()); err != nil {
				t.Error(err)
			}
			list, err := p.ReadHook(connection, c.Bytes())
			if (err != nil) != c.Refused {
				t.Fatalf("it gives %v, %v", list, err)
			}
			compare(t, list, c.Want)
		})
	}
}

// failures tries what goes wrong below HTTP, and that nothing is sent twice.
func (s Subject) failures(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	config := exchange.Config{}
	expect := func(name string, want messaging.Outcome, handler http.HandlerFunc) {
		t.Run(name, func(t *testing.T) {
			address, requests := closed.URL, make(chan string, 10)
			if handler != nil {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					requests <- r.URL.Path
					_, _ = io.Copy(io.Discard, r.Body)
					handler(w, r)
				}))
				defer server.Close()
				address = server.URL
			}
			connection := s.Connection
			connection.BaseURL = address
			_, err := s.New(config).Send(t.Context(), connection, s.Message)
			var e *messaging.SendError
			if !errors.As(err, &e) || e.Outcome != want {
				t.Errorf("it gives %v, want %s", err, want)
			}
			if handler != nil && len(requests) != 1 {
				t.Errorf("it made %d requests", len(requests))
			}
			if err != nil && bytes.Contains([]byte(err.Error()), []byte(connection.Token)) {
				t.Errorf("the token stands in the error %q", err)
			}
		})
	}
	expect("nobody is there", messaging.NotSent, nil)
	expect("the connection is cut before the answer", messaging.Unknown, func(w http.ResponseWriter, _ *http.Request) { cut(t, w) })
	expect("the answer is cut short", messaging.Unknown, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte(`{"id":`))
	})
	config.Answer = 100 * time.Millisecond
	expect("the answer does not come in time", messaging.Unknown, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	config = exchange.Config{}
	expect("the answer is a 500", messaging.Unknown, answer(500, `{"error":"boom"}`))
	expect("a gateway speaks instead", messaging.Unknown, answer(502, `<html>Bad Gateway</html>`))
	expect("the answer is garbage", messaging.Unknown, answer(200, `<html>OK</html>`))
	expect("the answer is empty", messaging.Unknown, answer(200, ``))
	expect("the answer names no message", messaging.Unknown, answer(201, `{"messages":[],"id":null}`))
	expect("the answer does not end", messaging.Unknown, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		for range 2 * exchange.MaxAnswer / 1024 {
			if _, err := w.Write(make([]byte, 1024)); err != nil {
				return
			}
		}
	})
	expect("too much is asked", messaging.RetryLater, answer(429, `slow down`))
	expect("the address has moved", messaging.NumberInTrouble, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	expect("the token is repeated in a refusal", messaging.Permanent, answer(400, `{"message":"`+s.Connection.Token+`","error":{"message":"`+s.Connection.Token+`"}}`))

	t.Run("the caller gives up first", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		connection := s.Connection
		connection.BaseURL = closed.URL
		var e *messaging.SendError
		if _, err := s.New(exchange.Config{}).Send(ctx, connection, s.Message); !errors.As(err, &e) || e.Outcome != messaging.NotSent {
			t.Errorf("it gives %v", err)
		}
	})
	t.Run("the address is refused when dialled", func(t *testing.T) {
		refusing := exchange.Config{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("not there") }}
		connection := s.Connection
		connection.BaseURL = closed.URL
		var e *messaging.SendError
		if _, err := s.New(refusing).Send(t.Context(), connection, s.Message); !errors.As(err, &e) || e.Outcome != messaging.NotSent {
			t.Errorf("it gives %v", err)
		}
	})
	t.Run("an address that is not public is named as trouble", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it is reached") }))
		defer server.Close()
		connection := s.Connection
		connection.BaseURL = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) // which may have led elsewhere when it was named
		var e *messaging.SendError
		if _, err := s.New(exchange.Config{Dial: netguard.New(nil, nil).Dial}).Send(t.Context(), connection, s.Message); !errors.As(err, &e) || e.Outcome != messaging.NumberInTrouble {
			t.Errorf("it gives %v", err)
		}
	})
	t.Run("a token that no header can hold is named as trouble", func(t *testing.T) {
		connection := s.Connection
		connection.BaseURL, connection.Token = closed.URL, "line\nbreak"
		var e *messaging.SendError
		if _, err := s.New(exchange.Config{}).Send(t.Context(), connection, s.Message); !errors.As(err, &e) || e.Outcome != messaging.NumberInTrouble {
			t.Errorf("it gives %v", err)
		}
	})
	t.Run("and when nothing fails it is sent", func(t *testing.T) {
		server := httptest.NewServer(answer(201, s.Accepted))
		defer server.Close()
		connection := s.Connection
		connection.BaseURL = server.URL + "/"
		if sent, err := s.New(exchange.Config{}).Send(t.Context(), connection, s.Message); err != nil || sent.ProviderID == "" {
			t.Errorf("it gives %v, %v", sent, err)
		}
	})
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func cut(t *testing.T, w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	if err := connection.Close(); err != nil {
		t.Error(err)
	}
}

func load[T any](t *testing.T, name string) []T {
	t.Helper()
	list, err := Load[T]("testdata", name)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatalf("%s is empty", name)
	}
	return list
}
