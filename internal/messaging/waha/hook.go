package waha

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"syncro/internal/messaging"
)

// VerifyHook checks X-Webhook-Hmac, the HMAC-SHA512 of the body in hex.
func (*Adapter) VerifyHook(c messaging.Connection, header http.Header, raw []byte) error {
	if c.HookSecret == "" {
		return messaging.ErrNoHookSecret
	}
	signature, err := hex.DecodeString(header.Get("X-Webhook-Hmac"))
	if err != nil {
		return messaging.ErrHookSignature
	}
	mac := hmac.New(sha512.New, []byte(c.HookSecret))
	mac.Write(raw)
	if !hmac.Equal(signature, mac.Sum(nil)) {
		return messaging.ErrHookSignature
	}
	return nil
}

// envelope is a webhook.
type envelope struct {
	Timestamp moment          `json:"timestamp"`
	Event     string          `json:"event"`
	Session   string          `json:"session"`
	Me        *me             `json:"me"`
	Payload   json.RawMessage `json:"payload"`
}

// message is the payload of message and message.any.
type message struct {
	ID        messageID       `json:"id"`
	Key       *messageID      `json:"key"`
	Timestamp moment          `json:"timestamp"`
	From      chatID          `json:"from"`
	To        chatID          `json:"to"`
	FromMe    *bool           `json:"fromMe"`
	Body      *string         `json:"body"`
	HasMedia  bool            `json:"hasMedia"`
	Media     json.RawMessage `json:"media"`
	Ack       *int            `json:"ack"`
	Location  json.RawMessage `json:"location"`
	VCards    []string        `json:"vCards"`
	Reaction  *reaction       `json:"reaction"`
	ReplyTo   json.RawMessage `json:"replyTo"`
	Data      json.RawMessage `json:"_data"`
}

// reaction is what a customer thinks of a message.
type reaction struct {
	Text      string    `json:"text"` // "" when it is taken back
	MessageID messageID `json:"messageId"`
}

// ack is the payload of message.ack.
type ack struct {
	ID     messageID  `json:"id"`
	Key    *messageID `json:"key"`
	To     chatID     `json:"to"`
	FromMe *bool      `json:"fromMe"`
	Ack    *int       `json:"ack"`
}

// ReadHook reads a webhook, or several in an array. Every inbound message comes
// twice, as message and as message.any, mostly in webhooks of their own.
func (*Adapter) ReadHook(c messaging.Connection, raw []byte) ([]messaging.Incoming, error) {
	var parts []json.RawMessage
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '[' {
		if err := json.Unmarshal(raw, &parts); err != nil {
			return nil, fmt.Errorf("reading a WAHA webhook: %w", err)
		}
	} else if !json.Valid(raw) || raw[0] != '{' {
		return nil, fmt.Errorf("reading a WAHA webhook: %d bytes that are no JSON object", len(raw))
	} else {
		parts = []json.RawMessage{raw}
	}
	var list []messaging.Incoming
	seen := map[string]bool{}
	for _, part := range parts {
		var e envelope
		if !decode(part, &e) || e.Session != "" && c.Session != "" && e.Session != c.Session {
			continue
		}
		incoming, key := read(e)
		if key != "" && !seen[key] {
			seen[key] = true
			list = append(list, incoming)
		}
	}
	return list, nil
}

// read reads what one envelope tells. The key is the same for what tells the same,
// and empty for what is not known.
func read(e envelope) (incoming messaging.Incoming, key string) {
	switch e.Event {
	case "message", "message.any":
		if m, ok := readMessage(e); ok && !changes(e.Payload) {
			return messaging.Incoming{Message: &m}, "message " + m.ProviderID
		}
	case "message.reaction":
		if m, ok := readReaction(e); ok {
			return messaging.Incoming{Message: &m}, "message " + m.ProviderID
		}
	case "message.ack":
		if s, ok := readAck(e); ok {
			return messaging.Incoming{Status: &s}, "ack " + s.ProviderID + " " + string(s.Status)
		}
	case "session.status":
		var session struct {
			Status string `json:"status"`
		}
		if decode(e.Payload, &session) && session.Status != "" {
			return messaging.Incoming{Session: &messaging.IncomingSession{
				State: sessionState(session.Status), Detail: session.Status, Phone: e.Me.phone(), At: e.Timestamp.Time,
			}}, "session " + session.Status
		}
	}
	return messaging.Incoming{}, ""
}

func readMessage(e envelope) (messaging.IncomingMessage, bool) {
	var m message
	if !decode(e.Payload, &m) {
		return messaging.IncomingMessage{}, false
	}
	id := identity(m.ID, m.Key)
	fromMe := isTrue(m.FromMe, id.FromMe)
	// The chat is the other side: whom it came from, or whom it was written to. Of
	// an echo some engines say so only in the id.
	chat := m.From
	if fromMe {
		if chat = m.To; chat == "" || e.Me != nil && chat == e.Me.ID {
			chat = id.Chat
		}
		if chat == "" {
			chat = m.From
		}
	}
	if id.ID == "" || chat == "" || strings.HasSuffix(string(chat), "@broadcast") || strings.HasSuffix(string(chat), "@newsletter") {
		return messaging.IncomingMessage{}, false
	}
	in := messaging.IncomingMessage{
		ProviderID: id.ID, FromMe: fromMe, Phone: chat.phone(), ChatID: string(chat), Group: chat.isGroup(), Hidden: chat.isHidden(),
		At: m.Timestamp.Time, ReplyTo: replyTo(m.ReplyTo),
	}
	if in.At.IsZero() {
		in.At = e.Timestamp.Time
	}
	if fromMe {
		in.Status = messaging.StatusSent
		if m.Ack != nil {
			in.Status = ackStatus(*m.Ack)
		}
	}
	in.Kind, in.Body, in.Media = content(m)
	if in.Name = names(m.Data); fromMe {
		in.Name = "" // our own
	}
	return in, true
}

// readReaction reads a message.reaction, whose payload is a message with a reaction
// in the place of its content.
func readReaction(e envelope) (messaging.IncomingMessage, bool) {
	var m message
	in, ok := readMessage(e)
	if !ok || !decode(e.Payload, &m) || m.Reaction == nil {
		return messaging.IncomingMessage{}, false
	}
	in.Kind, in.Body, in.Media, in.ReplyTo = messaging.KindReaction, m.Reaction.Text, nil, m.Reaction.MessageID.ID
	return in, true
}

func readAck(e envelope) (messaging.IncomingStatus, bool) {
	var a ack
	if !decode(e.Payload, &a) || a.Ack == nil {
		return messaging.IncomingStatus{}, false
	}
	id := identity(a.ID, a.Key)
	status := ackStatus(*a.Ack)
	if id.ID == "" || status == "" || !isTrue(a.FromMe, id.FromMe) {
		return messaging.IncomingStatus{}, false // that we have read a message of theirs
	}
	in := messaging.IncomingStatus{ProviderID: id.ID, Status: status, At: e.Timestamp.Time}
	for _, chat := range []chatID{a.To, id.Chat} {
		if in.WaID == "" && chat.phone() != "" {
			in.WaID = string(chat)
		}
	}
	if status == messaging.StatusFailed {
		in.Problem = &messaging.SendError{Outcome: messaging.Permanent, Code: "ack -1", Message: "O WhatsApp não aceitou a mensagem."}
	}
	return in, true
}

func identity(id messageID, key *messageID) messageID {
	if id.ID == "" && key != nil {
		return *key
	}
	return id
}

// isTrue is the first of the answers that was given.
func isTrue(answers ...*bool) bool {
	for _, answer := range answers {
		if answer != nil {
			return *answer
		}
	}
	return false
}

func replyTo(raw json.RawMessage) string {
	var reply struct {
		ID messageID `json:"id"`
	}
	_ = json.Unmarshal(raw, &reply) // null, or a shape that is not known: no reply
	return reply.ID.ID
}

// decode reads JSON and leaves out members of a type that is not expected: engines
// differ, and one odd member is no reason to lose a customer's message.
func decode(raw json.RawMessage, v any) bool {
	err := json.Unmarshal(raw, v)
	var odd *json.UnmarshalTypeError
	return err == nil || errors.As(err, &odd)
}

// names finds what the customer calls themselves in the engines' own data.
func names(data json.RawMessage) string {
	var said struct {
		NotifyName string `json:"notifyName"`
		PushName   string `json:"pushName"`
		Info       struct {
			PushName string `json:"PushName"`
		} `json:"Info"`
	}
	_ = json.Unmarshal(data, &said) // the engines' data may be anything
	for _, name := range []string{said.NotifyName, said.PushName, said.Info.PushName} {
		if name != "" {
			return name
		}
	}
	return ""
}
