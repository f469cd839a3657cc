package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/swaggest/swgui/v5emb"

	"syncro/internal/db"
)

// apiVersion is the version of what is under /api/v1, not of the program: the
// document changes with the API only.
const apiVersion = "1.0.0"

// Document is the OpenAPI description of the API as indented JSON. It needs no
// database.
func Document() ([]byte, error) {
	// Declaring routes reads nothing, so a database that is not open will do.
	return assemble(&db.DB{}, Default(), slog.New(slog.DiscardHandler)).document()
}

func (a *App) document() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(a.router.Document(apiVersion)); err != nil {
		return nil, fmt.Errorf("encoding the OpenAPI document: %w", err)
	}
	return text.Bytes(), nil
}

// pagePolicy keeps the browsable documentation from asking any other host: not for
// a font, an icon or a validator, whatever a later version of it may want.
const pagePolicy = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

// mountDocumentation serves the OpenAPI document and a page to browse it.
func (a *App) mountDocumentation() {
	document := sync.OnceValues(a.document)
	a.router.Mount("/openapi.json", http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		text, err := document()
		if err != nil {
			a.log.ErrorContext(q.Context(), "no OpenAPI document", "error", err)
			http.Error(w, "", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	}))
	page := v5emb.New("Syncro API", "/openapi.json", "/docs/")
	policed := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Security-Policy", pagePolicy)
		page.ServeHTTP(w, q)
	})
	a.router.Mount("/docs", policed)
	a.router.Mount("/docs/", policed)
}
