// Package exchange makes the HTTP exchanges of the WhatsApp providers, and says of
// one that failed whether the request can have arrived.
//
// The rule of whatsapp-providers.md is that a message is never sent twice without
// being asked, so what matters is the moment from which a request may be at the
// provider. That is when a connection is handed to it: [httptrace.ClientTrace]
// tells so before the first byte can be written. (WroteRequest would be later by a
// hair, but comes from another goroutine: a request given up in between can still
// go out after it was taken for unsent.) The transport repeats a POST by itself
// only when it has written nothing of it, and then asks for a connection anew.
//
// Redirects are not followed, answers are read up to a limit, and errors hold
// neither headers nor bodies that were sent.
package exchange

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"syncro/internal/messaging"
	"syncro/internal/netguard"
)

// Config bounds the exchanges; what is zero has a default.
type Config struct {
	Connect time.Duration // until the connection stands: 10 s, and as much for TLS
	Answer  time.Duration // from then until the answer begins: 30 s
	// Idle is how long an unused connection is kept: 1 s, which serves a busy number.
	// A message written into a connection that the server is just closing (Node, and
	// so WAHA, does after 5 s) is one of which nobody knows; a new connection costs
	// less.
	Idle time.Duration
	// Dial, if set, opens the connections: the place to refuse addresses, with
	// [netguard.ErrRefused]. No proxy of the environment is asked, which would connect
	// on our behalf past it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// MaxAnswer is how much of an answer is read.
const MaxAnswer = 1 << 20

// Client makes exchanges.
type Client struct {
	http  *http.Client
	whole time.Duration
}

// New makes a client.
func New(c Config) *Client {
	defaults := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	defaults(&c.Connect, 10*time.Second)
	defaults(&c.Answer, 30*time.Second)
	defaults(&c.Idle, time.Second)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	return &Client{
		whole: 2*c.Connect + c.Answer,
		http: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					ctx, cancel := context.WithTimeout(ctx, c.Connect)
					defer cancel()
					return c.Dial(ctx, network, address)
				},
				TLSHandshakeTimeout:   c.Connect,
				ResponseHeaderTimeout: c.Answer,
				IdleConnTimeout:       c.Idle,
				MaxIdleConnsPerHost:   16,
				// HTTP/1.1: with HTTP/2 the transport repeats requests by rules of its
				// own, and one stuck connection holds up all numbers.
				TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
			},
		},
	}
}

// Request is what is asked.
type Request struct {
	Method string
	URL    string
	Query  url.Values
	Header http.Header
	Body   any // sent as JSON; nil for none
}

// Answer is what came back, whatever its status.
type Answer struct {
	Status     int
	Body       []byte
	RetryAfter time.Duration // 0 when not told
}

// OK tells whether the request was accepted.
func (a Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// Do makes one exchange. The error is a [*messaging.SendError]: NotSent if the
// request certainly did not go out, Unknown if it may have, NumberInTrouble if it
// cannot even be made.
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.whole)
	defer cancel()
	response, err := c.open(ctx, r)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	answer := Answer{Status: response.StatusCode, RetryAfter: retryAfter(response.Header)}
	answer.Body, err = io.ReadAll(io.LimitReader(response.Body, MaxAnswer+1))
	if err == nil && len(answer.Body) > MaxAnswer {
		err = fmt.Errorf("the answer is longer than %d bytes", MaxAnswer)
	}
	if err != nil && answer.OK() {
		return Answer{}, &messaging.SendError{Outcome: messaging.Unknown, Message: "A resposta do provedor não pôde ser lida.", Cause: plain(err)}
	}
	return answer, nil // of a refusal the status is enough
}

// Ask makes an exchange that changes nothing, for which Unknown is RetryLater.
func (c *Client) Ask(ctx context.Context, r Request) (Answer, error) {
	answer, err := c.Do(ctx, r)
	return answer, Repeatable(err)
}

// Open makes an exchange whose answer is a file, to be read as it comes and closed.
// Whatever is not a 2xx is an error.
func (c *Client) Open(ctx context.Context, r Request) (io.ReadCloser, error) {
	response, err := c.open(ctx, r)
	if err != nil {
		return nil, Repeatable(err)
	}
	if answer := (Answer{Status: response.StatusCode, RetryAfter: retryAfter(response.Header)}); !answer.OK() {
		response.Body.Close()
		return nil, Repeatable(answer.Refused("O arquivo não pode ser obtido."))
	}
	return response.Body, nil
}

func (c *Client) open(ctx context.Context, r Request) (*http.Response, error) {
	target, err := url.Parse(r.URL)
	if err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Host == "" {
		return nil, &messaging.SendError{Outcome: messaging.NumberInTrouble, Message: "O endereço do provedor não é uma URL http ou https."}
	}
	if r.Query != nil {
		target.RawQuery = r.Query.Encode()
	}
	var body io.Reader
	if r.Body != nil {
		text, err := json.Marshal(r.Body)
		if err != nil {
			return nil, &messaging.SendError{Outcome: messaging.Permanent, Message: "A mensagem não pode ser escrita em JSON.", Cause: err}
		}
		body = bytes.NewReader(text)
	}
	var gone atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { gone.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { gone.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, r.Method, target.String(), body)
	if err != nil {
		return nil, &messaging.SendError{Outcome: messaging.NumberInTrouble, Message: "O pedido ao provedor não pode ser feito."}
	}
	for name, values := range r.Header {
		for _, value := range values {
			if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
				return nil, &messaging.SendError{Outcome: messaging.NumberInTrouble, Message: "O token do número contém caracteres que nenhum token tem."}
			}
		}
		request.Header[name] = values
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	switch {
	case err == nil:
		return response, nil
	case errors.Is(err, netguard.ErrRefused):
		return nil, &messaging.SendError{Outcome: messaging.NumberInTrouble, Message: "O endereço do provedor não é público.", Cause: plain(err)}
	case gone.Load():
		return nil, &messaging.SendError{Outcome: messaging.Unknown, Message: "O provedor não respondeu.", Cause: plain(err)}
	default:
		return nil, &messaging.SendError{Outcome: messaging.NotSent, Message: "Não foi possível conectar ao provedor.", Cause: plain(err)}
	}
}

// plain is the reason without the URL, which may hold what the operator wrote
// into it.
func plain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// Refused is what an answer means that names no code which its provider's adapter
// knows. A 5xx may have come after the message was taken (whatsapp-providers.md,
// "Rules"), and so may a proxy's 408.
func (a Answer) Refused(message string) *messaging.SendError {
	e := &messaging.SendError{Outcome: messaging.Permanent, Code: strconv.Itoa(a.Status), Message: message, RetryAfter: a.RetryAfter}
	switch {
	case a.Status >= 500 || a.Status == http.StatusRequestTimeout || a.OK():
		e.Outcome = messaging.Unknown
	case a.Status == http.StatusTooManyRequests:
		e.Outcome = messaging.RetryLater
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden, a.Status == http.StatusNotFound, a.Status < 400:
		e.Outcome = messaging.NumberInTrouble // the token, the address or the session is wrong
	}
	if e.Message == "" {
		e.Message = http.StatusText(a.Status)
	}
	return e
}

// Repeatable turns the Unknown of an exchange that only asks into RetryLater.
func Repeatable(err error) error {
	if e, ok := errors.AsType[*messaging.SendError](err); ok && e.Outcome == messaging.Unknown {
		again := *e
		again.Outcome = messaging.RetryLater
		return &again
	}
	return err
}

const (
	maxRetryAfter = 24 * time.Hour
	maxMessage    = 500 // characters
)

// retryAfter reads the header in both of its forms, a date by the server's own clock.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	var wait time.Duration
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			wait = at.Sub(date)
		}
	}
	return min(max(wait, 0), maxRetryAfter)
}

// Words shortens a provider's message and takes the token out of it, should the
// provider have repeated it.
func Words(message, token string) string {
	message = strings.ToValidUTF8(message, "�")
	if token != "" {
		message = strings.ReplaceAll(message, token, "[token]")
	}
	if r := []rune(message); len(r) > maxMessage {
		message = string(r[:maxMessage]) + "…"
	}
	return message
}
