package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"

	"syncro/internal/db"
	"syncro/internal/faults"
)

// Appender is an answer that writes its own JSON, for those that are worth it.
type Appender interface {
	AppendJSON(dst []byte) []byte
}

// Versioned is an answer that holds one record; its version becomes the ETag.
type Versioned interface {
	RecordVersion() int64
}

// Creation is an answer that only sometimes tells of a creation.
type Creation interface {
	WasCreated() bool
}

// Done is the answer of an operation that has nothing to tell.
type Done struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
}

// buffers keep what answers are written into before they are sent.
var buffers = sync.Pool{New: func() any { return &bytes.Buffer{} }}

// maxPooled keeps one huge answer from being remembered for ever.
const maxPooled = 1 << 18

func writeJSON(w http.ResponseWriter, status int, v any) error {
	buffer := buffers.Get().(*bytes.Buffer)
	buffer.Reset()
	defer func() {
		if buffer.Cap() <= maxPooled {
			buffers.Put(buffer)
		}
	}()
	if own, ok := v.(Appender); ok {
		buffer.Write(own.AppendJSON(buffer.AvailableBuffer()))
	} else {
		encoder := json.NewEncoder(buffer)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(v); err != nil {
			return err
		}
		buffer.Truncate(buffer.Len() - 1) // the encoder's newline
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(buffer.Len())}
	w.WriteHeader(status)
	_, err := w.Write(buffer.Bytes())
	return err
}

// statuses is the one table from kinds of refusal to HTTP.
var statuses = map[faults.Kind]int{
	faults.Invalid:         http.StatusUnprocessableEntity,
	faults.Refused:         http.StatusUnprocessableEntity,
	faults.Malformed:       http.StatusBadRequest,
	faults.Unauthenticated: http.StatusUnauthorized,
	faults.Forbidden:       http.StatusForbidden,
	faults.NotFound:        http.StatusNotFound,
	faults.MethodUnknown:   http.StatusMethodNotAllowed,
	faults.Conflict:        http.StatusConflict,
	faults.Stale:           http.StatusPreconditionFailed,
	faults.TooLarge:        http.StatusRequestEntityTooLarge,
	faults.RateLimited:     http.StatusTooManyRequests,
	faults.Upstream:        http.StatusBadGateway,
	faults.Unavailable:     http.StatusServiceUnavailable,
}

// refuse answers with a refusal. An error that is none is logged, once and here,
// and answered without its text.
func (r *Router) refuse(w http.ResponseWriter, q *http.Request, err error) {
	ctx := q.Context()
	var e *faults.Error
	switch {
	case errors.As(err, &e):
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		e = faults.New(faults.Unavailable, "A requisição foi cancelada.")
	case db.Unreachable(err):
		r.Log.ErrorContext(ctx, "the database is out of reach", "error", err, "request_id", RequestID(ctx))
		e = faults.New(faults.Unavailable, "Serviço temporariamente indisponível. Tente novamente em instantes.", faults.Member{Name: "retry_after", Value: 5})
	default:
		r.Log.ErrorContext(ctx, "a request failed", "error", err, "request_id", RequestID(ctx), "method", q.Method, "path", q.URL.Path)
		e = faults.New(0, "Erro interno do servidor.")
	}
	status, ok := statuses[e.Kind]
	if !ok {
		status = http.StatusInternalServerError
	}
	for _, m := range e.Members {
		if m.Name == "retry_after" {
			w.Header().Set("Retry-After", jsonText(m.Value))
		}
	}
	if err := writeJSON(w, status, refusalBody{e}); err != nil {
		r.Log.ErrorContext(ctx, "writing a refusal", "error", err, "request_id", RequestID(ctx))
	}
}

// BodyOf is the JSON object that a refusal is answered with, for answers that tell
// of several requests at once.
func BodyOf(e *faults.Error) json.RawMessage { return refusalBody{e}.AppendJSON(nil) }

// StatusOf is the status that a refusal is answered with.
func StatusOf(e *faults.Error) int { return statuses[e.Kind] }

// refusalBody writes a refusal as companion-api.md section 1 shows it: "success"
// where there is one, the message, its further members, the problems by field.
type refusalBody struct{ *faults.Error }

// AppendJSON writes the body.
func (b refusalBody) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	members := b.Members
	if len(members) > 0 && members[0].Name == "success" {
		dst = append(append(append(dst, `"success":`...), jsonText(members[0].Value)...), ',')
		members = members[1:]
	}
	dst = append(append(dst, `"message":`...), jsonText(b.Message)...)
	for _, m := range members {
		dst = append(append(dst, ','), jsonText(m.Name)...)
		dst = append(append(dst, ':'), jsonText(m.Value)...)
	}
	if problems := b.Problems.Problems(); len(problems) > 0 {
		dst = append(dst, `,"errors":{`...)
		for i, p := range problems {
			switch {
			case i > 0 && problems[i-1].Field == p.Field:
				dst = append(dst[:len(dst)-1], ',')
			case i > 0:
				dst = append(append(append(dst, ','), jsonText(p.Field)...), ":["...)
			default:
				dst = append(append(dst, jsonText(p.Field)...), ":["...)
			}
			dst = append(append(dst, jsonText(p.Message)...), ']')
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// jsonText is a value as JSON; members of refusals are plain values that always
// have one.
func jsonText(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "null"
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
