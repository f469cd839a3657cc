package cloudapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"syncro/internal/messaging"
)

// VerifyHook checks X-Hub-Signature-256, "sha256=" and the HMAC-SHA256 of the body
// in hex.
func (*Adapter) VerifyHook(c messaging.Connection, header http.Header, raw []byte) error {
	if c.HookSecret == "" {
		return messaging.ErrNoHookSecret
	}
	text, ok := strings.CutPrefix(header.Get("X-Hub-Signature-256"), "sha256=")
	signature, err := hex.DecodeString(text)
	if !ok || err != nil {
		return messaging.ErrHookSignature
	}
	mac := hmac.New(sha256.New, []byte(c.HookSecret))
	mac.Write(raw)
	if !hmac.Equal(signature, mac.Sum(nil)) {
		return messaging.ErrHookSignature
	}
	return nil
}

// AnswerChallenge repeats Meta's challenge if it comes with the number's verify token.
func (*Adapter) AnswerChallenge(c messaging.Connection, query url.Values) (string, error) {
	token := query.Get("hub.verify_token")
	if c.VerifyToken == "" || query.Get("hub.mode") != "subscribe" || subtle.ConstantTimeCompare([]byte(token), []byte(c.VerifyToken)) != 1 {
		return "", messaging.ErrHookChallenge
	}
	return query.Get("hub.challenge"), nil
}

// hook is a webhook.
type hook struct {
	Entry []struct {
		ID      string          `json:"id"`   // of the business account
		Time    json.RawMessage `json:"time"` // seconds
		Changes []struct {
			Field string          `json:"field"`
			Value json.RawMessage `json:"value"`
		} `json:"changes"`
	} `json:"entry"`
}

// value is what changed under the fields "messages" and "smb_message_echoes".
type value struct {
	Metadata struct {
		PhoneNumberID string `json:"phone_number_id"`
	} `json:"metadata"`
	Contacts []struct {
		WaID    string `json:"wa_id"`
		Profile struct {
			Name string `json:"name"`
		} `json:"profile"`
	} `json:"contacts"`
	Messages []json.RawMessage `json:"messages"`
	Echoes   []json.RawMessage `json:"message_echoes"` // of what was written in the WhatsApp Business app
	Statuses []json.RawMessage `json:"statuses"`
	Errors   []metaError       `json:"errors"`
}

type status struct {
	ID          string      `json:"id"`
	Status      string      `json:"status"`
	Timestamp   string      `json:"timestamp"`
	RecipientID string      `json:"recipient_id"`
	Errors      []metaError `json:"errors"`
}

// ReadHook reads a webhook with everything that it holds.
func (*Adapter) ReadHook(c messaging.Connection, raw []byte) ([]messaging.Incoming, error) {
	var h hook
	if !json.Valid(raw) || !decode(raw, &h) {
		return nil, fmt.Errorf("reading a Cloud API webhook: %d bytes that are no JSON object", len(raw))
	}
	var list []messaging.Incoming
	seen := map[string]bool{}
	add := func(key string, in messaging.Incoming) {
		if !seen[key] {
			seen[key] = true
			list = append(list, in)
		}
	}
	for _, entry := range h.Entry {
		for _, change := range entry.Changes {
			if change.Field == "message_template_status_update" && (entry.ID == c.BusinessID || c.BusinessID == "") {
				if t, ok := readTemplate(change.Value, unix(string(entry.Time))); ok {
					add("template "+t.Name+" "+t.Language+" "+t.Status, messaging.Incoming{Template: &t})
				}
			}
			var v value
			if change.Field != "messages" && change.Field != "smb_message_echoes" || !decode(change.Value, &v) || v.Metadata.PhoneNumberID != c.PhoneNumberID {
				continue
			}
			names := map[string]string{}
			for _, contact := range v.Contacts {
				names[contact.WaID] = contact.Profile.Name
			}
			for _, raw := range v.Messages {
				if m, ok := readMessage(raw, names); ok {
					add("message "+m.ProviderID, messaging.Incoming{Message: &m})
				}
			}
			for _, raw := range v.Echoes {
				if m, ok := readEcho(raw); ok {
					add("message "+m.ProviderID, messaging.Incoming{Message: &m})
				}
			}
			for _, raw := range v.Statuses {
				if s, ok := readStatus(c, raw); ok {
					add("status "+s.ProviderID+" "+string(s.Status), messaging.Incoming{Status: &s})
				}
			}
			if p := problem(c, v.Errors); len(v.Errors) > 0 && p.Outcome == messaging.NumberInTrouble {
				add("session "+p.Code, messaging.Incoming{Session: &messaging.IncomingSession{State: messaging.SessionFailed, Detail: p.Code + " " + p.Message}})
			}
		}
	}
	return list, nil
}

// readTemplate reads what Meta has decided about a template.
func readTemplate(raw json.RawMessage, at time.Time) (messaging.IncomingTemplate, bool) {
	var told struct {
		Event    string `json:"event"`
		Name     string `json:"message_template_name"`
		Language string `json:"message_template_language"`
		Reason   string `json:"reason"`
	}
	if !decode(raw, &told) || told.Name == "" || told.Language == "" {
		return messaging.IncomingTemplate{}, false
	}
	t := messaging.IncomingTemplate{Name: told.Name, Language: told.Language, At: at}
	switch told.Event {
	case "APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL":
		t.Status = templateStatus(told.Event)
	case "REINSTATED":
		t.Status = "APPROVED"
	case "DELETED", "PENDING_DELETION", "LIMIT_EXCEEDED", "ARCHIVED":
		t.Status = "DISABLED"
	default: // FLAGGED and the like warn of a change that has not come yet
		return messaging.IncomingTemplate{}, false
	}
	if t.Status == "REJECTED" && told.Reason != "NONE" {
		t.RejectedReason = told.Reason
	}
	return t, true
}

func readStatus(c messaging.Connection, raw json.RawMessage) (messaging.IncomingStatus, bool) {
	var s status
	if !decode(raw, &s) || s.ID == "" {
		return messaging.IncomingStatus{}, false
	}
	in := messaging.IncomingStatus{ProviderID: s.ID, At: unix(s.Timestamp), WaID: s.RecipientID}
	switch s.Status {
	case "sent":
		in.Status = messaging.StatusSent
	case "delivered":
		in.Status = messaging.StatusDelivered
	case "read":
		in.Status = messaging.StatusRead
	case "played":
		in.Status = messaging.StatusPlayed
	case "failed":
		in.Status, in.Problem = messaging.StatusFailed, problem(c, s.Errors)
	default:
		return messaging.IncomingStatus{}, false
	}
	return in, true
}

// unix reads Meta's times, seconds in a text; zero for none.
func unix(text string) time.Time {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// decode reads JSON and leaves out members of a type that is not expected: one odd
// member is no reason to lose a customer's message.
func decode(raw json.RawMessage, v any) bool {
	err := json.Unmarshal(raw, v)
	var odd *json.UnmarshalTypeError
	return err == nil || errors.As(err, &odd)
}
