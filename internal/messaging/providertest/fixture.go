package providertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"syncro/internal/messaging"
)

// Case is one call of a provider and the exchanges that it makes
// (testdata/calls.json).
type Case struct {
	Name string `json:"name"`
	// Call is send, check_number, list_templates, read_session, resolve_hidden, open_media,
	// tell_read, start_session, pairing_code or create_template.
	Call       string                `json:"call"`
	Connection map[string]string     `json:"connection"` // what differs from the subject's
	Message    messaging.Outgoing    `json:"message"`    // to send
	Template   messaging.NewTemplate `json:"template"`   // to make
	Argument   string                `json:"argument"`   // of the other calls
	Exchanges  []Exchange            `json:"exchanges"`
	Want       json.RawMessage       `json:"want"`  // result, without what is empty
	Error      *WantError            `json:"error"` // or this
}

// Exchange is one request, exactly as it has to be, and its answer.
type Exchange struct {
	Method string            `json:"method"`
	Path   string            `json:"path"` // escaped
	Query  map[string]string `json:"query"`
	Header map[string]string `json:"header"` // what must be there; others may be
	Body   json.RawMessage   `json:"body"`
	Schema string            `json:"schema"` // of the body: testdata/schemas/<schema>.json
	Answer Answer            `json:"answer"`
	// OffSpec says why the provider's own description does not know this exchange;
	// then make check-providers leaves it alone.
	OffSpec string `json:"off_spec"`
}

// Answer is what the provider says.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   json.RawMessage   `json:"body"`
	Text   string            `json:"text"` // instead of Body, when it is no JSON
}

// Bytes is the answer's body.
func (a Answer) Bytes() []byte {
	if a.Text != "" {
		return []byte(a.Text)
	}
	return a.Body
}

// WantError is a SendError that is expected.
type WantError struct {
	Outcome    messaging.Outcome `json:"outcome"`
	Code       string            `json:"code"`
	Message    string            `json:"message"` // "" for any
	RetryAfter int               `json:"retry_after"`
}

// HookCase is a webhook and what it tells (testdata/hooks.json).
type HookCase struct {
	Name       string            `json:"name"`
	OffSpec    string            `json:"off_spec"` // as in Exchange
	Connection map[string]string `json:"connection"`
	Body       json.RawMessage   `json:"body"`
	Text       string            `json:"text"` // instead of Body, when it is no JSON
	Want       json.RawMessage   `json:"want"` // list of messaging.Incoming, without what is empty
	Refused    bool              `json:"refused"`
}

// Bytes is the webhook's body.
func (h HookCase) Bytes() []byte {
	if h.Text != "" {
		return []byte(h.Text)
	}
	return h.Body
}

// Load reads a file of fixtures; a member that is not known is a mistake in it.
func Load[T any](dir, name string) ([]T, error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("reading fixtures: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var list []T
	if err := decoder.Decode(&list); err != nil {
		return nil, fmt.Errorf("reading fixtures %s: %w", name, err)
	}
	return list, nil
}

// connect changes what a fixture wants changed.
func connect(c messaging.Connection, changes map[string]string) messaging.Connection {
	for name, value := range changes {
		switch name {
		case "Session":
			c.Session = value
		case "PhoneNumberID":
			c.PhoneNumberID = value
		case "BusinessID":
			c.BusinessID = value
		case "APIVersion":
			c.APIVersion = value
		case "Token":
			c.Token = value
		case "BaseURL":
			c.BaseURL = value
		default:
			panic("a fixture changes " + name + " of the connection")
		}
	}
	return c
}

// prune takes out of a JSON value what is empty, so that a fixture names only what
// is there. It is nil for an empty value.
func prune(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, member := range v {
			if member = prune(member); member != nil {
				kept[name] = member
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	case []any:
		var kept []any
		for _, member := range v {
			kept = append(kept, prune(member))
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	case string:
		if v == "" || strings.HasPrefix(v, "0001-01-01T") {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return value
}

// pruned is a value as a fixture writes it.
func pruned(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	return prune(plain), nil
}
