package waha

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"syncro/internal/messaging"
	"syncro/internal/messaging/exchange"
)

// outgoing is the body of all the requests that send.
type outgoing struct {
	Session string `json:"session"`
	ChatID  string `json:"chatId"`
	Text    string `json:"text,omitempty"`
	File    *file  `json:"file,omitempty"`
	Caption string `json:"caption,omitempty"`
}

// file is WAHA's RemoteFile, whose type is not optional.
type file struct {
	MimeType string `json:"mimetype"`
	URL      string `json:"url"`
	FileName string `json:"filename,omitempty"`
}

// Send sends a message.
func (a *Adapter) Send(ctx context.Context, c messaging.Connection, m messaging.Outgoing) (messaging.Sent, error) {
	endpoint, body, err := compose(c, m)
	if err != nil {
		return messaging.Sent{}, err
	}
	r, err := request(c, http.MethodPost, endpoint)
	if err != nil {
		return messaging.Sent{}, err
	}
	r.Body = body
	answer, err := a.client.Do(ctx, r)
	if err != nil {
		return messaging.Sent{}, err
	}
	if !answer.OK() {
		return messaging.Sent{}, refusal(c, answer)
	}
	var taken struct {
		ID  messageID  `json:"id"`
		Key *messageID `json:"key"`
		To  chatID     `json:"to"`
	}
	if json.Unmarshal(answer.Body, &taken) == nil && taken.ID.ID == "" && taken.Key != nil {
		taken.ID = *taken.Key
	}
	if taken.ID.ID == "" {
		return messaging.Sent{}, answer.Refused("A resposta do provedor não traz o id da mensagem.")
	}
	sent := messaging.Sent{ProviderID: taken.ID.ID}
	for _, chat := range []chatID{taken.ID.Chat, taken.To} {
		if sent.WaID == "" && chat.phone() != "" {
			sent.WaID = string(chat)
		}
	}
	return sent, nil
}

func compose(c messaging.Connection, m messaging.Outgoing) (endpoint string, body outgoing, err error) {
	refuse := func(message string) (string, outgoing, error) {
		return "", outgoing{}, &messaging.SendError{Outcome: messaging.Permanent, Message: message}
	}
	body = outgoing{Session: c.Session, ChatID: m.To}
	if !strings.Contains(m.To, "@") {
		digits := digitsOf(m.To)
		if digits == "" {
			return refuse("Não há telefone para onde enviar.")
		}
		body.ChatID = digits + person
	}
	if m.Kind == messaging.KindText {
		if m.Body == "" {
			return refuse("A mensagem não tem texto.")
		}
		body.Text = m.Body
		return "/api/sendText", body, nil
	}
	if m.Kind != messaging.KindImage && m.Kind != messaging.KindAudio && m.Kind != messaging.KindDocument {
		return refuse("Este número não envia mensagens do tipo " + string(m.Kind) + ".")
	}
	media, err := url.Parse(m.MediaURL)
	if err != nil || media.Scheme != "http" && media.Scheme != "https" || media.Host == "" {
		return refuse("O endereço da mídia não é uma URL http ou https.")
	}
	extension := strings.ToLower(path.Ext(media.Path))
	body.File, body.Caption = &file{MimeType: mimeType(m.Kind, extension), URL: m.MediaURL}, m.Caption
	switch m.Kind {
	case messaging.KindImage:
		return "/api/sendImage", body, nil
	case messaging.KindAudio:
		body.Caption = ""
		if body.File.MimeType == voice {
			return "/api/sendVoice", body, nil
		}
		return "/api/sendFile", body, nil // WAHA takes nothing but Opus for a voice message
	default:
		if body.File.FileName = m.FileName; m.FileName == "" {
			body.File.FileName = path.Base(media.Path)
		}
		return "/api/sendFile", body, nil
	}
}

// seen is the body of a request that shows a chat as read. Only NOWEB wants to know
// up to which message.
type seen struct {
	Session   string `json:"session"`
	ChatID    string `json:"chatId"`
	MessageID string `json:"messageId"`
}

// TellRead shows a chat as read.
func (a *Adapter) TellRead(ctx context.Context, c messaging.Connection, chat, id string) error {
	r, err := request(c, http.MethodPost, "/api/sendSeen")
	if err != nil {
		return err
	}
	r.Body = seen{c.Session, chat, "false_" + chat + "_" + id}
	return a.tell(ctx, c, r)
}

// tell makes a request that can be repeated and whose answer says nothing more.
func (a *Adapter) tell(ctx context.Context, c messaging.Connection, r exchange.Request) error {
	answer, err := a.client.Ask(ctx, r)
	if err != nil {
		return err
	}
	if !answer.OK() {
		return exchange.Repeatable(refusal(c, answer))
	}
	return nil
}

const voice = "audio/ogg; codecs=opus"

// mimeType is what the URL's ending says of a file that nobody has fetched yet, or
// what its kind is most often.
func mimeType(kind messaging.Kind, extension string) string {
	known := map[string]string{
		".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".gif": "image/gif",
		".ogg": voice, ".oga": voice, ".opus": voice, ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".amr": "audio/amr", ".wav": "audio/wav",
		".pdf": "application/pdf", ".txt": "text/plain", ".csv": "text/csv", ".zip": "application/zip",
		".doc": "application/msword", ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		".xls": "application/vnd.ms-excel", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		".ppt": "application/vnd.ms-powerpoint", ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	}[extension]
	switch {
	case kind == messaging.KindImage && !strings.HasPrefix(known, "image/"):
		return "image/jpeg"
	case kind == messaging.KindAudio && !strings.HasPrefix(known, "audio/"):
		return "audio/mpeg"
	case known == "":
		return "application/octet-stream"
	}
	return known
}

// OpenMedia fetches a medium from the number's own server. WAHA names its files by
// the address that it knows itself under, often "localhost": only the path counts.
func (a *Adapter) OpenMedia(ctx context.Context, c messaging.Connection, m messaging.IncomingMedia) (io.ReadCloser, error) {
	media, err := url.Parse(m.Reference)
	if err != nil || !strings.HasPrefix(media.Path, "/api/files/") || strings.Contains(media.Path, "..") {
		return nil, &messaging.SendError{Outcome: messaging.Permanent, Message: "A mídia não é um arquivo do servidor WAHA do número."}
	}
	r, err := request(c, http.MethodGet, media.EscapedPath())
	if err != nil {
		return nil, err
	}
	r.Query = media.Query()
	return a.client.Open(ctx, r)
}
