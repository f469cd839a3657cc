package providertest

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"syncro/internal/messaging"
	"syncro/internal/messaging/exchange"
)

func (s Subject) signatures(t *testing.T) {
	p := s.New(exchange.Config{})
	raw := load[HookCase](t, "hooks.json")[0].Bytes()
	right := s.Sign(s.Connection.HookSecret, raw)
	refused := func(name string, want error, change func(c *messaging.Connection, header http.Header, raw []byte) []byte) {
		c, header, body := s.Connection, right.Clone(), append([]byte(nil), raw...)
		body = change(&c, header, body)
		if err := p.VerifyHook(c, header, body); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if err := p.VerifyHook(s.Connection, right, raw); err != nil {
		t.Fatal(err)
	}
	each := func(header http.Header, change func(string) string) {
		for name, values := range header {
			header.Set(name, change(values[0]))
		}
	}
	refused("a changed byte", messaging.ErrHookSignature, func(_ *messaging.Connection, _ http.Header, raw []byte) []byte {
		raw[len(raw)/2] ^= 1
		return raw
	})
	refused("white space added", messaging.ErrHookSignature, func(_ *messaging.Connection, _ http.Header, raw []byte) []byte { return append(raw, '\n') })
	refused("no signature", messaging.ErrHookSignature, func(_ *messaging.Connection, header http.Header, raw []byte) []byte {
		clear(header)
		return raw
	})
	for name, change := range map[string]func(string) string{
		"an empty signature":   func(string) string { return "" },
		"half a signature":     func(text string) string { return text[:len(text)/2] },
		"another signature":    func(text string) string { return strings.Map(rotate, text) },
		"an unknown algorithm": func(text string) string { return "sha1=" + text },
	} {
		refused(name, messaging.ErrHookSignature, func(_ *messaging.Connection, header http.Header, raw []byte) []byte {
			each(header, change)
			return raw
		})
	}
	refused("another secret", messaging.ErrHookSignature, func(c *messaging.Connection, _ http.Header, raw []byte) []byte {
		c.HookSecret += "x"
		return raw
	})
	refused("no secret", messaging.ErrNoHookSecret, func(c *messaging.Connection, header http.Header, raw []byte) []byte {
		c.HookSecret = ""
		clear(header)
		maps.Copy(header, s.Sign("", raw))
		return raw
	})
}

// rotate makes another hex digit of one.
func rotate(r rune) rune {
	switch {
	case r >= '0' && r < '9', r >= 'a' && r < 'f':
		return r + 1
	case r == '9':
		return 'a'
	case r == 'f':
		return '0'
	}
	return r
}

// oddities puts every sort of value in every place of every webhook: nothing may
// panic, and what stands beside an odd event must still be read.
func (s Subject) oddities(t *testing.T) {
	p := s.New(exchange.Config{})
	for _, c := range load[HookCase](t, "hooks.json") {
		if c.Text != "" {
			continue
		}
		var body any
		if err := json.Unmarshal(c.Body, &body); err != nil {
			t.Fatal(err)
		}
		everywhere(body, func() {
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.ReadHook(s.Connection, text); err != nil {
				t.Errorf("%s: %v: %s", c.Name, err, text)
			}
		})
		for end := 0; end < len(c.Body); end += 1 + len(c.Body)/50 {
			if _, err := p.ReadHook(s.Connection, c.Body[:end]); err == nil {
				t.Errorf("%s: %d bytes of it are accepted", c.Name, end)
			}
		}
	}
}

// everywhere puts odd values into each place below a value, one after the other,
// and calls try for each.
func everywhere(value any, try func()) {
	odd := []any{nil, "odd", -1e300, []any{nil}, map[string]any{"id": []any{}}}
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			for _, v[name] = range odd {
				try()
			}
			delete(v, name)
			try()
			v[name] = member
			everywhere(member, try)
		}
	case []any:
		for i, member := range v {
			for _, v[i] = range odd {
				try()
			}
			v[i] = member
			everywhere(member, try)
		}
	}
}
