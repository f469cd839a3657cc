package e2e

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestDocumentation(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, t.TempDir(), "demo")
	get := func(t *testing.T, path string, header http.Header) answer {
		t.Helper()
		got, err := exchange("GET", "http://"+p.addr+path, header, "")
		if err != nil || got.status != 200 {
			t.Fatalf("%s: %d, %v", path, got.status, err)
		}
		return got
	}
	t.Run("syncro openapi and /openapi.json are docs/openapi.json", func(t *testing.T) {
		if got := execute(t, command(t.TempDir(), "openapi")); got.code != 0 || got.out != string(golden) {
			t.Errorf("exit %d: the document of the program is another: go run ./cmd/syncro openapi > docs/openapi.json", got.code)
		}
		if got := get(t, "/openapi.json", http.Header{}); got.text != string(golden) {
			t.Error("the served document is another")
		}
	})
	t.Run("every documented path answers a request without a key with a 401", func(t *testing.T) {
		document, _ := parsed(t, string(golden)).(map[string]any)
		paths, _ := document["paths"].(map[string]any)
		for path, methods := range paths {
			methods, _ := methods.(map[string]any)
			for method := range methods {
				if len(method) > len("options") || method == "parameters" {
					continue
				}
				url := "http://" + p.addr + "/api/v1" + strings.TrimPrefix(regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "123"), "/api/v1")
				got, err := exchange(strings.ToUpper(method), url, http.Header{}, "")
				if err != nil || got.status != 401 || got.text != noKey {
					t.Errorf("%s %s: %d %s, %v", method, path, got.status, got.text, err)
				}
			}
		}
		for _, path := range []string{"/leads", "/leads/upsert", "/leads/{id}", "/leads/{id}/stage", "/leads/{id}/won", "/leads/{id}/lost", "/leads/{id}/tags", "/leads/{id}/tags/{tag}", "/pipelines", "/custom-fields", "/tasks", "/tasks/{id}", "/tasks/{id}/complete", "/tasks/{id}/reopen", "/account", "/users", "/sequences", "/whatsapp/instances", "/whatsapp/templates"} {
			if paths[path] == nil && paths["/api/v1"+path] == nil {
				t.Errorf("%s is not documented", path)
			}
		}
	})
	t.Run("the page to browse it asks no foreign host", func(t *testing.T) {
		page := get(t, "/docs", http.Header{})
		links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page.text, -1)
		if len(links) == 0 {
			t.Fatalf("the page:\n%s", page.text)
		}
		for _, link := range links {
			if !strings.HasPrefix(link[1], "/") || strings.HasPrefix(link[1], "//") {
				t.Errorf("the page links to %s", link[1])
				continue
			}
			get(t, link[1], http.Header{})
		}
		if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'self'") || strings.Contains(policy, "http") {
			t.Errorf("Content-Security-Policy: %s", policy)
		}
	})
	t.Run("answers are compressed for those who ask, and the same", func(t *testing.T) {
		header := http.Header{"X-Api-Key": {everything}}
		plain := get(t, "/api/v1/leads?per_page=200", http.Header{"X-Api-Key": {everything}, "Accept-Encoding": {"identity"}})
		header.Set("Accept-Encoding", "gzip")
		request, err := http.NewRequest(http.MethodGet, "http://"+p.addr+"/api/v1/leads?per_page=200", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = header
		response, err := browser.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("headers %v", response.Header)
		}
		unpacked, err := gzip.NewReader(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(unpacked)
		if err != nil || string(text) != plain.text {
			t.Errorf("unpacked it is another answer (%v)", err)
		}
		if plain.header.Get("Content-Encoding") != "" {
			t.Errorf("not asked for: %v", plain.header)
		}
	})
}
