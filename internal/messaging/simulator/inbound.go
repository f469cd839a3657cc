package simulator

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"syncro/internal/phones"
)

// Inbound is what a customer writes to a number.
type Inbound struct {
	InstanceID int64     `json:"instance_id"`
	Phone      string    `json:"phone"`
	Body       string    `json:"body"`
	Name       string    `json:"name"`
	Kind       string    `json:"type"`       // text (default), image, audio, document
	ID         string    `json:"message_id"` // "" for a new one; a known one is told again
	At         time.Time `json:"at"`         // zero for now
	// FromMe is a message that the account itself has written on the handset (WAHA).
	FromMe bool `json:"from_me"`
}

// HookCall is a webhook that was called.
type HookCall struct {
	InstanceID int64
	Body       []byte
	Status     int // 0 when there was no answer
}

// file is a medium that a customer has sent.
type file struct {
	mimeType, extension string
	bytes               []byte
}

// pixel is an image of one pixel.
var pixel, _ = base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

// Write makes a customer write. The error says that the webhook was not accepted;
// WAHA calls it twice for a message, as message and as message.any.
func (s *Simulator) Write(ctx context.Context, in Inbound) (id string, err error) {
	n, err := s.instance(in.InstanceID)
	if err != nil {
		return "", err
	}
	waID, ok := s.whatsApp(in.Phone)
	if !ok {
		return "", fmt.Errorf("%q is not on WhatsApp", in.Phone)
	}
	if in.At.IsZero() {
		in.At = s.config.Clock()
	}
	if in.Kind == "" {
		in.Kind = "text"
	}
	var medium file
	switch in.Kind {
	case "text":
		if in.Body == "" {
			return "", errors.New("the customer writes nothing: body is empty")
		}
	case "image":
		medium = file{"image/png", ".png", pixel}
	case "audio":
		medium = file{"audio/ogg; codecs=opus", ".ogg", []byte("OggS")}
	case "document":
		medium = file{"application/pdf", ".pdf", []byte("%PDF-1.4\n%%EOF\n")}
	default:
		return "", fmt.Errorf("customers write text, image, audio or document, not %q", in.Kind)
	}
	if n.Provider == "cloud_api" {
		if in.FromMe {
			return "", errors.New("a number of the Cloud API has no handset")
		}
		return s.writeCloud(ctx, n, in, waID, medium)
	}
	return s.writeWAHA(ctx, n, in, waID, medium)
}

func (s *Simulator) writeWAHA(ctx context.Context, n Number, in Inbound, waID string, medium file) (string, error) {
	if in.ID == "" {
		in.ID = "3A" + token()
	}
	s.mu.Lock()
	chat := s.customers[phones.Key(plus(in.Phone))].hidden
	s.mu.Unlock()
	if chat == "" {
		chat = waID + "@c.us"
	}
	own := phones.Digits(n.Phone) + "@c.us"
	from, to, events, name := chat, own, []string{"message", "message.any"}, in.Name
	if in.FromMe {
		from, to, events, name = own, chat, []string{"message.any"}, ""
	}
	payload := map[string]any{
		"id": fmt.Sprintf("%t_%s_%s", in.FromMe, chat, in.ID), "timestamp": in.At.Unix(), "from": from, "to": to, "fromMe": in.FromMe, "body": in.Body,
		"hasMedia": medium.bytes != nil, "media": nil, "ack": 1, "ackName": "SERVER", "_data": map[string]any{"notifyName": name},
	}
	if medium.bytes != nil {
		name := s.keep(in.ID+medium.extension, medium)
		payload["media"] = map[string]any{"url": "http://localhost:3000/api/files/" + n.Session + "/" + name, "mimetype": medium.mimeType, "filename": name}
	}
	for _, event := range events {
		if err := s.call(ctx, n, wahaHook(s.config.Clock(), n, event, payload)); err != nil {
			return in.ID, err
		}
	}
	return in.ID, nil
}

func wahaHook(now time.Time, n Number, event string, payload any) any {
	return map[string]any{
		"id": "evt_" + token(), "timestamp": now.UnixMilli(), "event": event, "session": n.Session, "me": wahaMe(n), "payload": payload,
		"engine": n.Engine, "environment": map[string]any{"version": "2024.9.1", "engine": n.Engine, "tier": "PLUS"},
	}
}

func (s *Simulator) writeCloud(ctx context.Context, n Number, in Inbound, waID string, medium file) (string, error) {
	if in.ID == "" {
		in.ID = "wamid." + token()
	}
	s.SawInbound(n.InstanceID, in.Phone, in.At)
	s.mu.Lock()
	s.heard[in.ID] = n.InstanceID
	s.mu.Unlock()
	message := map[string]any{"from": waID, "id": in.ID, "timestamp": strconv.FormatInt(in.At.Unix(), 10), "type": in.Kind}
	if medium.bytes == nil {
		message["text"] = map[string]any{"body": in.Body}
	} else {
		content := map[string]any{"id": s.keep(strconv.FormatInt(in.At.UnixNano(), 10), medium), "mime_type": medium.mimeType, "sha256": checksum(medium.bytes)}
		if in.Kind == "document" {
			content["filename"] = "documento" + medium.extension
		}
		if in.Body != "" && in.Kind != "audio" {
			content["caption"] = in.Body
		}
		message[in.Kind] = content
	}
	return in.ID, s.call(ctx, n, cloudHook(n, map[string]any{
		"contacts": []any{map[string]any{"profile": map[string]any{"name": in.Name}, "wa_id": waID}}, "messages": []any{message},
	}))
}

func checksum(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func cloudHook(n Number, value map[string]any) any {
	value["messaging_product"] = "whatsapp"
	value["metadata"] = map[string]any{"display_phone_number": phones.Digits(n.Phone), "phone_number_id": n.PhoneNumberID}
	return map[string]any{"object": "whatsapp_business_account", "entry": []any{
		map[string]any{"id": n.BusinessID, "changes": []any{map[string]any{"field": "messages", "value": value}}},
	}}
}

// Tell calls the webhook with the state of a message: sent, delivered, read,
// played or failed, the last with a code of the Cloud API.
func (s *Simulator) Tell(ctx context.Context, messageID, status string, code int) error {
	s.mu.Lock()
	at, ok := s.index[messageID]
	var m Message
	if ok {
		m = s.messages[at]
	}
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("no message %q was sent", messageID)
	}
	n, err := s.instance(m.InstanceID)
	if err != nil {
		return err
	}
	return s.tell(ctx, n, m, status, code)
}

func (s *Simulator) tell(ctx context.Context, n Number, m Message, status string, code int) error {
	now := s.config.Clock()
	acks := map[string]int{"failed": -1, "sent": 1, "delivered": 2, "read": 3, "played": 4}
	ack, ok := acks[status]
	if !ok {
		return fmt.Errorf("messages are not %q", status)
	}
	s.mu.Lock()
	if at, known := s.index[m.ID]; known {
		s.messages[at].Status = status
	}
	s.mu.Unlock()
	if n.Provider == "waha" {
		return s.call(ctx, n, wahaHook(now, n, "message.ack", map[string]any{
			"id": "true_" + m.To + "@c.us_" + m.ID, "from": phones.Digits(n.Phone) + "@c.us", "to": m.To + "@c.us", "fromMe": true, "ack": ack,
		}))
	}
	waID, _ := s.whatsApp(m.To)
	told := map[string]any{"id": m.ID, "status": status, "timestamp": strconv.FormatInt(now.Unix(), 10), "recipient_id": waID}
	if status == "failed" {
		if code == 0 {
			code = 131026
		}
		told["errors"] = []any{map[string]any{"code": code, "title": cloudWord(code), "message": cloudWord(code), "error_data": map[string]any{"details": cloudWord(code)}}}
	}
	return s.call(ctx, n, cloudHook(n, map[string]any{"statuses": []any{told}}))
}

// SetSession changes the state of a number's session (WAHA) and tells of it. The
// state "" is WORKING.
func (s *Simulator) SetSession(ctx context.Context, instanceID int64, status string) error {
	n, err := s.instance(instanceID)
	if err != nil {
		return err
	}
	if n.Provider != "waha" {
		return fmt.Errorf("number %d has no session", instanceID)
	}
	n.Status = status
	s.Add(n)
	if n, err = s.instance(instanceID); err != nil {
		return err
	}
	return s.call(ctx, n, wahaHook(s.config.Clock(), n, "session.status", map[string]any{"name": n.Session, "status": n.Status}))
}

// Call calls a number's webhook with any body, signed as its provider does.
func (s *Simulator) Call(ctx context.Context, instanceID int64, body []byte) error {
	n, err := s.instance(instanceID)
	if err != nil {
		return err
	}
	return s.post(ctx, n, body)
}

// Calls are the newest webhooks that were called, up to a thousand.
func (s *Simulator) Calls() []HookCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]HookCall(nil), s.calls...)
}

func (s *Simulator) call(ctx context.Context, n Number, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("writing a webhook: %w", err)
	}
	return s.post(ctx, n, text)
}

func (s *Simulator) post(ctx context.Context, n Number, body []byte) error {
	if n.HookURL == "" {
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.HookURL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("calling the webhook of number %d: %w", n.InstanceID, err)
	}
	request.Header.Set("Content-Type", "application/json")
	if n.Provider == "waha" {
		mac := hmac.New(sha512.New, []byte(n.HookSecret))
		mac.Write(body)
		request.Header.Set("X-Webhook-Hmac", hex.EncodeToString(mac.Sum(nil)))
		request.Header.Set("X-Webhook-Hmac-Algorithm", "sha512")
	} else {
		mac := hmac.New(sha256.New, []byte(n.HookSecret))
		mac.Write(body)
		request.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	made := HookCall{InstanceID: n.InstanceID, Body: body}
	response, err := s.hooks.Do(request)
	if err == nil {
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16)) // only the status counts
		if made.Status = response.StatusCode; made.Status < 200 || made.Status > 299 {
			err = fmt.Errorf("it answers %s", response.Status)
		}
	}
	s.mu.Lock()
	const kept = 1000
	if s.calls = append(s.calls, made); len(s.calls) > kept {
		s.calls = append([]HookCall(nil), s.calls[1:]...)
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("calling the webhook of number %d: %w", n.InstanceID, err)
	}
	return nil
}

// inBackground runs what calls webhooks by itself, a few at once.
func (s *Simulator) inBackground(do func()) {
	s.background.Go(func() {
		select {
		case s.slots <- struct{}{}:
			do()
			<-s.slots
		case <-s.stop.Done():
		}
	})
}

func (s *Simulator) keep(name string, f file) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = f
	return name
}

func (s *Simulator) file(name string) (file, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[name]
	return f, ok
}

func (s *Simulator) serveFile(w http.ResponseWriter, name string) {
	f, ok := s.file(name)
	if !ok {
		wahaRefuse(w, http.StatusNotFound, "Not Found")
		return
	}
	w.Header().Set("Content-Type", f.mimeType)
	_, _ = w.Write(f.bytes)
}

// token is what ids are made of.
func token() string { return rand.Text()[:20] }
