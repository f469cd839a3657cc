package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
)

// requestInfo is what the log says of a request; the context carries it.
type requestInfo struct {
	id      string
	account int64
}

type requestKey struct{}

// RequestID is the id of the request that a context belongs to, "" for none. It
// is in the X-Request-Id header of the answer and in every log line about it.
func RequestID(ctx context.Context) string {
	if info, ok := ctx.Value(requestKey{}).(*requestInfo); ok {
		return info.id
	}
	return ""
}

func noteAccount(ctx context.Context, id int64) {
	if info, ok := ctx.Value(requestKey{}).(*requestInfo); ok {
		info.account = id
	}
}

// logged gives each request its id and its line in the log. The line has the
// path without its query, which may hold personal data.
func (r *Router) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		start := r.Clock()
		info := &requestInfo{id: requestID(q.Header.Get("X-Request-Id"))}
		ctx := context.WithValue(q.Context(), requestKey{}, info)
		q = q.WithContext(ctx)
		w.Header()["X-Request-Id"] = []string{info.id}
		observed := &observedWriter{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				r.panicked(observed, q, p)
			}
			r.Log.LogAttrs(ctx, slog.LevelInfo, "request", slog.String("method", q.Method), slog.String("path", q.URL.Path),
				slog.Int("status", observed.status), slog.Int64("bytes", observed.bytes), slog.Duration("took", r.Clock().Sub(start)),
				slog.Int64("account_id", info.account), slog.String("request_id", info.id))
		}()
		next.ServeHTTP(observed, q)
	})
}

// panicked answers a request whose handler panicked, if nothing was sent yet.
func (r *Router) panicked(w *observedWriter, q *http.Request, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p) // the server's own way to cut a connection
	}
	err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	if w.status != 0 {
		r.Log.ErrorContext(q.Context(), "a request failed half-way", "error", err, "request_id", RequestID(q.Context()))
		return
	}
	r.refuse(w, q, err)
}

// requestID takes over the caller's id where it is a plain short one, so that a
// request can be followed through several systems, and makes one otherwise.
func requestID(theirs string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
	}
	if theirs != "" && len(theirs) <= 64 && strings.IndexFunc(theirs, func(c rune) bool { return !plain(c) }) < 0 {
		return theirs
	}
	var raw [8]byte
	n := rand.Uint64() //nolint:gosec // an id to find a log line by, not a secret
	for i := range raw {
		raw[i] = byte(n >> (8 * i))
	}
	return hex.EncodeToString(raw[:])
}

// observedWriter notes what was answered.
type observedWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *observedWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *observedWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *observedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
