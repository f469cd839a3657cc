package waha

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"syncro/internal/messaging"
)

// content tells what a message is made of.
func content(m message) (messaging.Kind, string, *messaging.IncomingMedia) {
	body := ""
	if m.Body != nil {
		body = *m.Body
	}
	var data struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(m.Data, &data) // the engines' data may be anything
	if place, ok := location(m.Location); ok {
		return messaging.KindLocation, place, nil
	}
	if len(m.VCards) > 0 {
		return messaging.KindContacts, vCardNames(m.VCards), nil
	}
	if m.HasMedia || hasMedia(m.Media) {
		media := readMedia(m.Media)
		return mediaKind(data.Type, media.MimeType), body, media
	}
	if body == "" {
		return messaging.KindUnsupported, "", nil
	}
	return messaging.KindText, body, nil
}

// changes tells, by the engines' own data, of a message that only changes or reacts to
// another one, or that WhatsApp itself has put there. They come as messages without
// content; a reaction comes as an event of its own, too.
func changes(payload json.RawMessage) bool {
	var said struct {
		Data struct {
			Type    string                     `json:"type"`    // WEBJS
			Message map[string]json.RawMessage `json:"message"` // NOWEB, and GOWS as "Message"
		} `json:"_data"`
	}
	_ = json.Unmarshal(payload, &said) // the engines' data may be anything
	for _, part := range []string{"protocolMessage", "reactionMessage", "editedMessage"} {
		if _, ok := said.Data.Message[part]; ok {
			return true
		}
	}
	return slices.Contains([]string{"revoked", "protocol", "reaction", "e2e_notification", "notification_template"}, said.Data.Type)
}

func hasMedia(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

// readMedia reads the file of a message. WAHA leaves it out when it did not
// download it: then there is a medium without a reference.
func readMedia(raw json.RawMessage) *messaging.IncomingMedia {
	var said struct {
		URL      string `json:"url"`
		MimeType string `json:"mimetype"`
		FileName string `json:"filename"`
	}
	_ = json.Unmarshal(raw, &said) // what is not said stays empty
	return &messaging.IncomingMedia{Reference: said.URL, MimeType: said.MimeType, FileName: said.FileName}
}

func mediaKind(engineType, mimeType string) messaging.Kind {
	if engineType == "sticker" {
		return messaging.KindSticker
	}
	family, _, _ := strings.Cut(mimeType, "/")
	switch family {
	case "image":
		return messaging.KindImage
	case "audio":
		return messaging.KindAudio
	case "video":
		return messaging.KindVideo
	}
	switch engineType {
	case "image":
		return messaging.KindImage
	case "audio", "ptt":
		return messaging.KindAudio
	case "video":
		return messaging.KindVideo
	}
	return messaging.KindDocument
}

// location reads the coordinates, which the engines write as numbers or as texts.
func location(raw json.RawMessage) (string, bool) {
	var place struct {
		Latitude    json.RawMessage `json:"latitude"`
		Longitude   json.RawMessage `json:"longitude"`
		Description string          `json:"description"`
	}
	if json.Unmarshal(raw, &place) != nil || place.Latitude == nil || place.Longitude == nil {
		return "", false
	}
	coordinates := fmt.Sprintf("%s, %s", strings.Trim(string(place.Latitude), `"`), strings.Trim(string(place.Longitude), `"`))
	if place.Description != "" {
		return place.Description + "\n" + coordinates, true
	}
	return coordinates, true
}

// vCardNames are the full names on vCards, one a line.
func vCardNames(cards []string) string {
	var names []string
	for _, card := range cards {
		for line := range strings.Lines(card) {
			if name, ok := strings.CutPrefix(line, "FN:"); ok {
				names = append(names, strings.TrimSpace(name))
			}
		}
	}
	return strings.Join(names, "\n")
}
