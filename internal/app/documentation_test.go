package app

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

const golden = "../../docs/openapi.json"

func TestTheOpenAPIDocumentIsTheOneInDocs(t *testing.T) {
	text, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Error("the API has changed: go test ./internal/app -run OpenAPI -update, and read the difference")
	}
	if again, err := Document(); err != nil || !bytes.Equal(text, again) {
		t.Errorf("a second document differs from the first (%v)", err)
	}
}

func TestTheDocumentIsServedCompressed(t *testing.T) {
	clock := dbtest.NewClock()
	h := testApp(t, dbtest.Open(t, dbtest.URL(t, db.SQLite), clock), clock).Handler()
	request := httptest.NewRequest(http.MethodGet, "/openapi.json", nil)
	request.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request)
	if w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", w.Header())
	}
	unzipped, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	served, err := io.ReadAll(unzipped)
	want, _ := Document()
	if err != nil || !bytes.Equal(served, want) {
		t.Errorf("what is served is not what `syncro openapi` prints (%v)", err)
	}
}

func TestTheDocumentationPageNeedsNoOtherHost(t *testing.T) {
	clock := dbtest.NewClock()
	h := testApp(t, dbtest.Open(t, dbtest.URL(t, db.SQLite), clock), clock).Handler()
	page := get(h, "GET", "/docs")
	if page.Code != 200 || !strings.Contains(page.Header().Get("Content-Security-Policy"), "default-src 'self'") {
		t.Fatalf("%d %v", page.Code, page.Header())
	}
	html := page.Body.String()
	if !strings.Contains(html, "validatorUrl: null") || !strings.Contains(html, "/openapi.json") {
		t.Errorf("the page:\n%s", html)
	}
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(html, -1)
	if len(links) < 4 {
		t.Fatalf("the page has only the links %v", links)
	}
	for _, link := range links {
		if !strings.HasPrefix(link[1], "/docs/") {
			t.Errorf("the page links to %s", link[1])
			continue
		}
		asset := get(h, "GET", link[1])
		if asset.Code != 200 || asset.Body.Len() == 0 {
			t.Errorf("%s: %d", link[1], asset.Code)
		}
		if strings.HasSuffix(link[1], ".css") {
			for _, used := range regexp.MustCompile(`(?:url\(|@import)["']?([^"')]{0,40})`).FindAllStringSubmatch(asset.Body.String(), -1) {
				if !strings.HasPrefix(used[1], "data:") {
					t.Errorf("%s uses %s", link[1], used[1])
				}
			}
		}
	}
}
