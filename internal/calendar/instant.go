package calendar

import (
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Instant is a point in time as every answer prints it: in UTC and in whole
// seconds, 2026-06-30T10:00:00Z (companion-api.md section 1, "Answers"). It
// wraps a time.Time so that a column is scanned into its Time.
type Instant struct{ time.Time }

const instantLayout = "2006-01-02T15:04:05Z"

// InstantOf wraps a time that may be missing.
func InstantOf(t *time.Time) *Instant {
	if t == nil {
		return nil
	}
	return &Instant{*t}
}

// AppendJSON appends the instant as a JSON string.
func (i Instant) AppendJSON(dst []byte) []byte {
	dst = append(dst, '"')
	dst = i.UTC().AppendFormat(dst, instantLayout)
	return append(dst, '"')
}

// MarshalJSON writes the instant as [Instant.AppendJSON] does.
func (i Instant) MarshalJSON() ([]byte, error) {
	return i.AppendJSON(make([]byte, 0, len(instantLayout)+2)), nil
}

// Schema describes an instant for the OpenAPI document.
func (Instant) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Examples: []any{"2026-06-30T10:00:00Z"}}
}
