package app

import (
	"context"
	"errors"
	"io"
	"net/http"

	"syncro/internal/db"
)

// mountHealth serves the two questions that a supervisor asks: whether the process
// is alive, and whether it can do its work.
func (a *App) mountHealth() {
	a.router.Mount("/healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		health(w, http.StatusOK, `{"status":"ok"}`)
	}))
	a.router.Mount("/readyz", http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		ctx, cancel := context.WithTimeout(q.Context(), probeLimit)
		defer cancel()
		err := a.DB.Ready(ctx)
		if err == nil {
			health(w, http.StatusOK, `{"status":"ok"}`)
			return
		}
		// The reason is public, so it is one of three fixed ones; the log has the rest.
		reason := "database unreachable"
		switch {
		case errors.Is(err, db.ErrSchemaMissing):
			reason = "database schema older than the program"
		case errors.Is(err, db.ErrSchemaNewer):
			reason = "database schema newer than the program"
		}
		a.log.WarnContext(ctx, "not ready", "error", err)
		health(w, http.StatusServiceUnavailable, `{"status":"unavailable","reason":"`+reason+`"}`)
	}))
}

func health(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // a prober that has gone asks again
}
