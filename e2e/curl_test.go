package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// The reference names this host; its page masked the addresses.
const (
	documentedHost = "https://app.syncro.chat"
	masked         = "[email protected]"
	unmasked       = "joao@acme.com.br"
)

// curl is a request as a curl command makes it.
type curl struct {
	method, url string
	header      http.Header
	body        string
}

// parseCurl reads a command as a shell and curl would, as far as the reference
// and the guides use them: -X, -H, -d, -G, -i and a URL.
func parseCurl(command string) (curl, error) {
	c := curl{header: http.Header{}}
	arguments := shellWords(command)
	var data []string
	inURL := false // what is sent stands in the query
	if len(arguments) == 0 || arguments[0] != "curl" {
		return c, fmt.Errorf("%q is no curl command", command)
	}
	for i := 1; i < len(arguments); i++ {
		option := arguments[i]
		if !strings.HasPrefix(option, "-") {
			if c.url != "" {
				return c, fmt.Errorf("two URLs, %q and %q", c.url, option)
			}
			c.url = option
			continue
		}
		switch option {
		case "-G":
			inURL = true
			continue
		case "-i":
			continue
		}
		if i++; i == len(arguments) {
			return c, fmt.Errorf("%s without a value", option)
		}
		value := arguments[i]
		switch option {
		case "-X":
			c.method = value
		case "-H":
			name, text, ok := strings.Cut(value, ":")
			if !ok {
				return c, fmt.Errorf("%q is no header", value)
			}
			c.header.Add(name, strings.TrimSpace(text))
		case "-d":
			data = append(data, value)
		default:
			return c, fmt.Errorf("what is %s?", option)
		}
	}
	if c.body = strings.Join(data, "&"); inURL && c.body != "" {
		c.url, c.body = c.url+"?"+c.body, ""
	}
	if c.method == "" {
		c.method = http.MethodGet
		if c.body != "" {
			c.method = http.MethodPost
		}
	}
	if c.body != "" && c.header.Get("Content-Type") == "" {
		c.header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return c, nil
}

// shellWords splits a command at its blanks and takes the quotes off.
func shellWords(command string) []string {
	var words []string
	var word strings.Builder
	inside, quote := false, rune(0)
	for text := []rune(command); len(text) > 0; text = text[1:] {
		switch r := text[0]; {
		case quote != 0 && r == quote:
			quote = 0
		case quote == '"' && r == '\\' && len(text) > 1 && strings.ContainsRune(`"\$`+"`", text[1]), quote == 0 && r == '\\' && len(text) > 1:
			text = text[1:]
			if text[0] == '\n' {
				continue // the line goes on
			}
			word.WriteRune(text[0])
			inside = true
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			inside, quote = true, r
		case r == ' ' || r == '\t' || r == '\n':
			if inside {
				words = append(words, word.String())
				word.Reset()
			}
			inside = false
		default:
			inside = true
			word.WriteRune(r)
		}
	}
	if inside {
		words = append(words, word.String())
	}
	return words
}

// run sends the request of a documented command to this server.
func (c *client) run(t testing.TB, command string) answer {
	t.Helper()
	request, err := parseCurl(strings.ReplaceAll(command, masked, unmasked))
	if err != nil {
		t.Fatal(err)
	}
	path, ok := strings.CutPrefix(request.url, documentedHost)
	if !ok {
		t.Fatalf("%s is not on the documented host", request.url)
	}
	got, err := exchange(request.method, c.base+path, request.header, request.body)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestACurlCommandIsReadAsAShellReadsIt(t *testing.T) {
	got, err := parseCurl("curl -X PUT \"http://h/p?a=1&b=2\" \\\n  -H \"X-Key: a: b\" \\\n  -d '{\n  \"t\": \"d'\\''água \\\" x\"}'")
	if err != nil || got.method != "PUT" || got.url != "http://h/p?a=1&b=2" || got.header.Get("X-Key") != "a: b" || got.body != "{\n  \"t\": \"d'água \\\" x\"}" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := parseCurl("curl http://h/"); err != nil || got.method != "GET" || len(got.header) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := parseCurl("curl -i -G http://h/ -d a=1 -d 'b=2,3'"); err != nil || got.method != "GET" || got.url != "http://h/?a=1&b=2,3" || got.body != "" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, command := range []string{"", "wget x", "curl --data x http://h/", "curl -X", "curl a b"} {
		if _, err := parseCurl(command); err == nil {
			t.Errorf("%q is taken", command)
		}
	}
	if words := shellWords(`a  "b c"'d' \e ''`); !slices.Equal(words, []string{"a", "b cd", "e", ""}) {
		t.Errorf("%q", words)
	}
}
