package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// client asks a server with one key.
type client struct {
	base string // http://host:port
	key  string
}

func (c *client) as(key string) *client { return &client{c.base, key} }

// answer is what a server answered.
type answer struct {
	status int
	header http.Header
	text   string
	body   any
}

// browser keeps one machine's connections within bounds; it follows nothing.
var browser = &http.Client{
	Timeout:       patience,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 32, MaxConnsPerHost: 32},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// exchange sends a request as it is.
func exchange(method, url string, header http.Header, body string) (answer, error) {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header = header
	response, err := browser.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	got := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	if strings.HasPrefix(got.header.Get("Content-Type"), "application/json") && len(text) > 0 {
		err = json.Unmarshal(text, &got.body)
	}
	return got, err
}

// do sends a request below /api/v1; body is marshalled unless it is a text.
// headers are names and values in turn.
func (c *client) do(t testing.TB, method, path string, body any, headers ...string) answer {
	t.Helper()
	header := http.Header{}
	if c.key != "" {
		header.Set("X-API-Key", c.key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	text, ok := body.(string)
	if !ok && body != nil {
		marshalled, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(marshalled)
	}
	got, err := exchange(method, c.base+"/api/v1"+path, header, text)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
	}
	return got
}

// want sends a request and demands its status.
func (c *client) want(t testing.TB, status int, method, path string, body any, headers ...string) answer {
	t.Helper()
	got := c.do(t, method, path, body, headers...)
	if got.status != status {
		t.Fatalf("%s %s: %d %s; want %d", method, path, got.status, got.text, status)
	}
	return got
}

// fields are the members of a body.
type fields map[string]any

// create makes a lead in Prospecção, unless the fields say otherwise.
func (c *client) create(t testing.TB, more fields) answer {
	t.Helper()
	body := fields{"name": "Lead de teste", "pipeline_id": 1, "stage_id": prospecting}
	maps.Copy(body, more)
	return c.want(t, 201, "POST", "/leads", body)
}

// path makes a lead and gives the path of its endpoint.
func (c *client) path(t testing.TB, more fields) string {
	t.Helper()
	return fmt.Sprintf("/leads/%v", c.create(t, more).at("lead", "id"))
}

// lead shows the lead at a path with includes.
func (c *client) lead(t testing.TB, path string, includes ...string) map[string]any {
	t.Helper()
	lead, _ := c.want(t, 200, "GET", path+"?include="+strings.Join(includes, ","), nil).at("lead").(map[string]any)
	return lead
}

// move is the body of a move to a stage of account 1.
func move(stage int) fields {
	pipeline := 1
	if stage >= onboarding {
		pipeline = 3
	}
	return fields{"stage_id": stage, "pipeline_id": pipeline}
}

// ids are the leads that a list gives, all on one page.
func (c *client) ids(t testing.TB, query string) []int64 {
	t.Helper()
	got := c.want(t, 200, "GET", "/leads?per_page=200&"+query, nil)
	var ids []int64
	for _, id := range each(got.at("data"), "id") {
		n, _ := id.(float64)
		ids = append(ids, int64(n))
	}
	if total := got.at("meta", "total"); total != float64(len(ids)) {
		t.Errorf("%s: %d leads on the page, a total of %v", query, len(ids), total)
	}
	return ids
}

// events are the types of a lead's events, oldest first.
func (c *client) events(t testing.TB, path string) []any {
	t.Helper()
	newestFirst := each(c.lead(t, path, "events")["events"], "event_type")
	events := make([]any, len(newestFirst))
	for i, event := range newestFirst {
		events[len(events)-1-i] = event
	}
	return events
}
