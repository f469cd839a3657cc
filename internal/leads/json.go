package leads

import (
	"strconv"
	"time"

	"syncro/internal/calendar"
	"syncro/internal/money"
)

// renderer writes leads as JSON. It is the one place that knows a lead's shape on
// the wire; [View] describes the same shape to the OpenAPI document, and a test
// holds the two together.
//
// Lists are written by hand because they are most of what the server does: 50
// leads through encoding/json cost more than reading them from the database.
type renderer struct {
	setup
	stale bool // a lead referred to something that the snapshot lacks
}

// lead writes a lead without its closing brace, so that relations can follow.
func (r *renderer) lead(b []byte, l *Lead) []byte {
	b = strconv.AppendInt(append(b, `{"id":`...), l.ID, 10)
	b = appendString(append(b, `,"name":`...), l.Name)
	b = appendText(append(b, `,"phone":`...), l.Phone)
	b = appendText(append(b, `,"email":`...), l.Email)
	b = appendText(append(b, `,"company":`...), l.Company)
	b = appendText(append(b, `,"birthday":`...), l.Birthday)
	b = append(b, `,"value":`...)
	if l.ValueCents == nil {
		b = append(b, "null"...)
	} else {
		b = money.Cents(*l.ValueCents).AppendJSON(b)
	}
	b = appendText(append(b, `,"source":`...), l.Source)
	b = append(append(b, `,"tags":`...), l.Tags...)
	b = strconv.AppendInt(append(b, `,"pipeline_id":`...), l.PipelineID, 10)
	b = strconv.AppendInt(append(b, `,"stage_id":`...), l.StageID, 10)
	b = appendText(append(b, `,"notes":`...), l.Notes)
	b = appendText(append(b, `,"utm_source":`...), l.UTM[0])
	b = appendText(append(b, `,"utm_medium":`...), l.UTM[1])
	b = appendText(append(b, `,"utm_campaign":`...), l.UTM[2])
	b = appendText(append(b, `,"utm_term":`...), l.UTM[3])
	b = appendText(append(b, `,"utm_content":`...), l.UTM[4])
	b = r.whereabouts(b, l)
	b = appendInstant(append(b, `,"created_at":`...), l.CreatedAt)
	b = r.fields.AppendJSON(append(b, `,"custom_fields":`...), l.CustomValues)
	b = append(append(append(b, `,"status":"`...), l.Status()...), '"')
	return appendInstant(append(b, `,"updated_at":`...), l.UpdatedAt)
}

func (r *renderer) whereabouts(b []byte, l *Lead) []byte {
	stage, ok := r.board.Stage(l.StageID)
	pipeline, ok2 := r.board.Pipeline(l.PipelineID)
	if !ok || !ok2 {
		r.stale = true
		return b
	}
	b = append(append(b, `,"stage":`...), stage.RefJSON...)
	return append(append(b, `,"pipeline":`...), pipeline.RefJSON...)
}

// owner writes what include=owner adds.
func (r *renderer) owner(b []byte, l *Lead) []byte {
	if l.AssignedTo == nil {
		return append(b, `,"assigned_to":null,"owner":null`...)
	}
	user, ok := r.users.ByID(*l.AssignedTo)
	if !ok {
		r.stale = true
		return b
	}
	b = strconv.AppendInt(append(b, `,"assigned_to":`...), user.ID, 10)
	b = strconv.AppendInt(append(b, `,"owner":{"id":`...), user.ID, 10)
	b = appendString(append(b, `,"name":`...), user.Name)
	b = appendString(append(b, `,"email":`...), user.Email)
	return append(b, '}')
}

// score writes what include=score adds.
func (r *renderer) score(b []byte, l *Lead) []byte {
	b = strconv.AppendInt(append(b, `,"score":`...), l.Score, 10)
	b = append(b, `,"score_updated_at":`...)
	if l.ScoreUpdatedAt == nil {
		return append(b, "null"...)
	}
	return appendInstant(b, *l.ScoreUpdatedAt)
}

func appendText(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendString(b, s)
}

func appendInstant(b []byte, t time.Time) []byte { return calendar.Instant{Time: t}.AppendJSON(b) }

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string. Texts in the database are valid UTF-8.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	clean := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[clean:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
		clean = i + 1
	}
	return append(append(b, s[clean:]...), '"')
}
