// Package apitest asks a server's handler in tests and looks into its answers.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"

	"syncro/internal/api"
)

// Answer is what the server answered.
type Answer struct {
	Status int
	Header http.Header
	Text   string
	Body   map[string]any // nil when the text is no JSON object
}

// Ask sends a request below [api.Base], with an API key unless it is "". body is
// marshalled unless it is a text or bytes; headers are names and values in turn.
func Ask(h http.Handler, key, method, path string, body any, headers ...string) Answer {
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	case []byte:
		raw = b
	default:
		raw, _ = json.Marshal(b) // tests send maps, lists and plain values
	}
	q := httptest.NewRequestWithContext(context.Background(), method, api.Base+path, bytes.NewReader(raw))
	if key != "" {
		q.Header.Set("X-API-Key", key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	a := Answer{Status: w.Code, Header: w.Header(), Text: w.Body.String()}
	_ = json.Unmarshal(w.Body.Bytes(), &a.Body)
	return a
}

// Dig looks into a value of JSON: Dig(body, "lead", "tags", 0); nil for what is not there.
func Dig(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}
