package netguard

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// The limits of a connection; how long a whole request may take is for its caller
// to say, by its context.
const (
	dialLimit      = 10 * time.Second
	idleLimit      = 30 * time.Second
	maxIdlePerHost = 4
	maxIdle        = 256
	maxHeaders     = 64 << 10
)

// Dial opens a connection, if its address is one that the guard lets through. It is
// for clients that have rules of their own; one of the environment's proxies would
// get past it.
func (g *Guard) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialLimit, Control: g.control}
	return dialer.DialContext(ctx, network, address)
}

// Client makes a client whose connections are all checked by the guard.
func (g *Guard) Client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: g.Dial, ForceAttemptHTTP2: true, TLSHandshakeTimeout: dialLimit,
			MaxIdleConns: maxIdle, MaxIdleConnsPerHost: maxIdlePerHost, IdleConnTimeout: idleLimit, MaxResponseHeaderBytes: maxHeaders,
			DisableCompression: true, // a small answer could be unpacked into a huge one
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// maxDrained is how much of a body is read only to use its connection again.
const maxDrained = 64 << 10

// Excerpt reads the beginning of an answer's body, at most limit bytes, and so
// much of the rest as is worth having the connection back.
func Excerpt(body io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, limit))
	if err != nil {
		return text, err
	}
	if _, err = io.CopyN(io.Discard, body, maxDrained); errors.Is(err, io.EOF) {
		err = nil
	}
	return text, err
}
