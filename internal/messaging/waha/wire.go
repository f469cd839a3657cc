package waha

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"syncro/internal/messaging"
	"syncro/internal/phones"
)

// How chat ids end.
const (
	person = "@c.us"
	group  = "@g.us"
	hidden = "@lid"
)

func digitsOf(phone string) string { return phones.Digits(phone) }

// chatID is a chat id, read from a text or from {"_serialized": …}. The engines'
// "@s.whatsapp.net" is a person, too, and a device (":12") is not part of whom.
type chatID string

// UnmarshalJSON accepts whatever the engines write; what it does not know is "".
func (c *chatID) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		var object struct {
			Serialized string `json:"_serialized"`
		}
		_ = json.Unmarshal(raw, &object) // else it is ""
		text = object.Serialized
	}
	*c = plainChat(text)
	return nil
}

func plainChat(text string) chatID {
	name, server, ok := strings.Cut(text, "@")
	if !ok {
		return chatID(text)
	}
	if device := strings.IndexByte(name, ':'); device >= 0 {
		name = name[:device]
	}
	if server == "s.whatsapp.net" {
		return chatID(name + person)
	}
	return chatID(name + "@" + server)
}

// phone is the phone that a chat id holds, "" if it holds none.
func (c chatID) phone() string {
	digits, ok := strings.CutSuffix(string(c), person)
	if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return "+" + digits
}

func (c chatID) isGroup() bool  { return strings.HasSuffix(string(c), group) }
func (c chatID) isHidden() bool { return strings.HasSuffix(string(c), hidden) }

// messageID is a message's id in whatever shape: a text (GOWS and all webhooks),
// {"_serialized": …} (WEBJS) or the parts of a key (NOWEB). Texts come bare
// ("3EB0…") or as "true_5511…@c.us_3EB0…", groups with the participant behind.
type messageID struct {
	ID     string // what all shapes have in common
	Chat   chatID // "" when the shape does not tell
	FromMe *bool  // nil when the shape does not tell
}

// UnmarshalJSON accepts whatever the engines write; what it does not know is no id.
func (m *messageID) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*m = parseMessageID(text)
		return nil
	}
	var object struct {
		Serialized string `json:"_serialized"`
		ID         string `json:"id"`
		FromMe     *bool  `json:"fromMe"`
		Remote     chatID `json:"remote"`
		RemoteJID  chatID `json:"remoteJid"`
	}
	_ = json.Unmarshal(raw, &object) // else it is no id
	*m = parseMessageID(object.Serialized)
	if m.ID == "" {
		m.ID = object.ID
	}
	if m.FromMe == nil {
		m.FromMe = object.FromMe
	}
	for _, chat := range []chatID{object.Remote, object.RemoteJID} {
		if m.Chat == "" {
			m.Chat = chat
		}
	}
	return nil
}

func parseMessageID(text string) messageID {
	parts := strings.SplitN(text, "_", 4)
	if len(parts) < 3 || parts[0] != "true" && parts[0] != "false" || !strings.Contains(parts[1], "@") {
		return messageID{ID: text}
	}
	fromMe := parts[0] == "true"
	return messageID{ID: parts[2], Chat: plainChat(parts[1]), FromMe: &fromMe}
}

// moment is a time in seconds, or in milliseconds, as a number or as a text.
type moment struct{ time.Time }

// UnmarshalJSON accepts whatever the engines write; what it does not know is no time.
func (m *moment) UnmarshalJSON(raw []byte) error {
	var number float64
	_ = json.Unmarshal(bytes.Trim(raw, `"`), &number) // else it is 0
	if number <= 0 || number > 1e14 {
		*m = moment{}
		return nil
	}
	const firstMilliseconds = 1e11 // in seconds that would be the year 5138
	if number >= firstMilliseconds {
		number /= 1000
	}
	*m = moment{time.UnixMilli(int64(number * 1000)).UTC()}
	return nil
}

// me is the number's own account.
type me struct {
	ID chatID `json:"id"`
}

func (m *me) phone() string {
	if m == nil {
		return ""
	}
	return m.ID.phone()
}

func sessionState(status string) messaging.SessionState {
	switch status {
	case "WORKING":
		return messaging.SessionConnected
	case "STARTING":
		return messaging.SessionConnecting
	case "SCAN_QR_CODE":
		return messaging.SessionPairing
	case "FAILED":
		return messaging.SessionFailed
	default: // STOPPED, and what later versions may add
		return messaging.SessionDisconnected
	}
}

// ackStatus is how far a message of ours has come, "" for an ack that is not known.
func ackStatus(ack int) messaging.Status {
	switch ack {
	case -1:
		return messaging.StatusFailed
	case 0:
		return messaging.StatusSending
	case 1:
		return messaging.StatusSent
	case 2:
		return messaging.StatusDelivered
	case 3:
		return messaging.StatusRead
	case 4:
		return messaging.StatusPlayed
	default:
		return ""
	}
}
