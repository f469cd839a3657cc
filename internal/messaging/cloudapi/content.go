package cloudapi

import (
	"encoding/json"
	"fmt"
	"strings"

	"syncro/internal/messaging"
)

// incoming is a message as Meta sends it: one of the members after Type is set.
type incoming struct {
	ID        string `json:"id"`
	From      string `json:"from"`
	To        string `json:"to"` // of an echo
	GroupID   string `json:"group_id"`
	Timestamp string `json:"timestamp"`
	Type      string `json:"type"`
	Context   struct {
		ID string `json:"id"`
	} `json:"context"`
	Text struct {
		Body string `json:"body"`
	} `json:"text"`
	Image    *file `json:"image"`
	Audio    *file `json:"audio"`
	Video    *file `json:"video"`
	Document *file `json:"document"`
	Sticker  *file `json:"sticker"`

	Interactive struct {
		ButtonReply reply `json:"button_reply"`
		ListReply   reply `json:"list_reply"`
	} `json:"interactive"`
	Button struct {
		Text string `json:"text"`
	} `json:"button"`
	Location struct {
		Latitude  json.Number `json:"latitude"`
		Longitude json.Number `json:"longitude"`
		Name      string      `json:"name"`
		Address   string      `json:"address"`
	} `json:"location"`
	Contacts []struct {
		Name struct {
			FormattedName string `json:"formatted_name"`
		} `json:"name"`
		Phones []struct {
			Phone string `json:"phone"`
		} `json:"phones"`
	} `json:"contacts"`
	Reaction struct {
		MessageID string `json:"message_id"`
		Emoji     string `json:"emoji"`
	} `json:"reaction"`
	System struct {
		Body string `json:"body"`
	} `json:"system"`
}

type file struct {
	ID       string `json:"id"`
	MimeType string `json:"mime_type"`
	SHA256   string `json:"sha256"`
	Caption  string `json:"caption"`
	FileName string `json:"filename"`
}

type reply struct {
	Title       string `json:"title"`
	Description string `json:"description"`
}

func readMessage(raw json.RawMessage, names map[string]string) (messaging.IncomingMessage, bool) {
	var m incoming
	if !decode(raw, &m) || m.ID == "" || m.From == "" || m.changes() {
		return messaging.IncomingMessage{}, false
	}
	in := messaging.IncomingMessage{
		ProviderID: m.ID, Phone: e164(m.From), ChatID: m.From, Name: names[m.From], At: unix(m.Timestamp), ReplyTo: m.Context.ID,
	}
	if m.GroupID != "" {
		in.Group, in.ChatID, in.Phone = true, m.GroupID, ""
	}
	in.Kind, in.Body, in.Media = m.content()
	if in.Kind == messaging.KindReaction {
		in.ReplyTo = m.Reaction.MessageID
	}
	return in, true
}

// readEcho reads a message that was written in the WhatsApp Business app, which shares
// its number with the Cloud API.
func readEcho(raw json.RawMessage) (messaging.IncomingMessage, bool) {
	var m incoming
	if !decode(raw, &m) || m.ID == "" || m.To == "" || m.changes() {
		return messaging.IncomingMessage{}, false
	}
	in := messaging.IncomingMessage{ProviderID: m.ID, FromMe: true, Phone: e164(m.To), ChatID: m.To, At: unix(m.Timestamp), ReplyTo: m.Context.ID, Status: messaging.StatusSent}
	in.Kind, in.Body, in.Media = m.content()
	return in, true
}

// changes tells of a message that only changes an earlier one.
func (m incoming) changes() bool { return m.Type == "edit" || m.Type == "revoke" }

// content tells what a message is made of. What Meta may add one day, and what it
// calls unsupported itself, is unsupported: that there was a message counts.
func (m incoming) content() (messaging.Kind, string, *messaging.IncomingMedia) {
	medium := func(kind messaging.Kind, f *file) (messaging.Kind, string, *messaging.IncomingMedia) {
		if f == nil {
			return messaging.KindUnsupported, "", nil
		}
		return kind, f.Caption, &messaging.IncomingMedia{Reference: f.ID, MimeType: f.MimeType, FileName: f.FileName, SHA256: f.SHA256}
	}
	switch m.Type {
	case "text":
		return messaging.KindText, m.Text.Body, nil
	case "image":
		return medium(messaging.KindImage, m.Image)
	case "audio":
		return medium(messaging.KindAudio, m.Audio)
	case "video":
		return medium(messaging.KindVideo, m.Video)
	case "document":
		return medium(messaging.KindDocument, m.Document)
	case "sticker":
		return medium(messaging.KindSticker, m.Sticker)
	case "interactive":
		picked := m.Interactive.ButtonReply
		if picked.Title == "" {
			picked = m.Interactive.ListReply
		}
		return messaging.KindInteractive, lines(picked.Title, picked.Description), nil
	case "button":
		return messaging.KindButton, m.Button.Text, nil
	case "location":
		return messaging.KindLocation, lines(m.Location.Name, m.Location.Address, fmt.Sprintf("%s, %s", m.Location.Latitude, m.Location.Longitude)), nil
	case "contacts":
		return messaging.KindContacts, m.cards(), nil
	case "reaction":
		return messaging.KindReaction, m.Reaction.Emoji, nil
	default:
		return messaging.KindUnsupported, m.System.Body, nil
	}
}

// cards are the contacts that were sent, one a line.
func (m incoming) cards() string {
	var list []string
	for _, contact := range m.Contacts {
		card := contact.Name.FormattedName
		for _, phone := range contact.Phones {
			card = strings.TrimSpace(card + " " + phone.Phone)
		}
		list = append(list, card)
	}
	return lines(list...)
}

// lines joins what is not empty.
func lines(list ...string) string {
	var kept []string
	for _, line := range list {
		if line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
