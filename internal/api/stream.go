package api

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"

	"syncro/internal/input"
)

// Stream is an answer that is sent as it is made, such as a file that is larger
// than what a server should hold.
type Stream struct {
	ContentType string
	FileName    string // what a browser saves it as
	// Write makes it. A failure before the first byte is answered as any other; later
	// ones cut the connection, so that nobody takes a part for the whole.
	Write func(w io.Writer) error
}

// HandleStream declares a route that answers with a [Stream] of one of these types.
// Its query is read as by [HandleQuery].
func HandleStream[Q any](r *Router, route Route, types []string, handle func(ctx context.Context, c *Call, query Q) (*Stream, error)) {
	r.add(&operation{
		Route:   route,
		params:  input.Parameters[Q],
		answer:  reflect.TypeFor[Stream](),
		streams: types,
		serve: func(ctx context.Context, c *Call, _ []byte, _ error) (any, error) {
			query, err := readQuery[Q](c)
			if err != nil {
				return nil, err
			}
			return handle(ctx, c, query)
		},
	})
}

// streamPause is how long a client may take to receive a piece of a stream, however
// long all of it takes.
const streamPause = 2 * time.Minute

// stream sends an answer as it is made.
func (r *Router) stream(w http.ResponseWriter, q *http.Request, s *Stream) {
	out := &streamWriter{to: w, control: http.NewResponseController(w), stream: s}
	err := s.Write(out)
	switch {
	case err == nil:
		out.begin()
	case !out.begun:
		r.refuse(w, q, err)
	default:
		if q.Context().Err() == nil {
			r.Log.ErrorContext(q.Context(), "a stream failed half-way", "error", err, "request_id", RequestID(q.Context()))
		}
		panic(http.ErrAbortHandler)
	}
}

type streamWriter struct {
	to      http.ResponseWriter
	control *http.ResponseController
	stream  *Stream
	begun   bool
}

func (s *streamWriter) begin() {
	if s.begun {
		return
	}
	s.begun = true
	h := s.to.Header()
	h["Content-Type"] = []string{s.stream.ContentType}
	h["Content-Disposition"] = []string{`attachment; filename="` + strings.ReplaceAll(s.stream.FileName, `"`, "") + `"`}
	s.to.WriteHeader(http.StatusOK)
}

func (s *streamWriter) Write(b []byte) (int, error) {
	s.begin()
	// The limit of a whole answer gives way to one of each piece. A connection that has no limits has none to move.
	_ = s.control.SetWriteDeadline(time.Now().Add(streamPause)) //nolint:forbidigo // the network's time is the machine's
	return s.to.Write(b)
}
