package waha

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"syncro/internal/messaging"
	"syncro/internal/messaging/exchange"
)

// newSession is the body of the request that makes a session.
type newSession struct {
	Name  string `json:"name"`
	Start bool   `json:"start"`
}

// StartSession starts the number's session, and makes it where there is none.
func (a *Adapter) StartSession(ctx context.Context, c messaging.Connection) (messaging.IncomingSession, error) {
	r, err := request(c, http.MethodPost, "/api/sessions/"+url.PathEscape(c.Session)+"/start")
	if err != nil {
		return messaging.IncomingSession{}, err
	}
	answer, err := a.client.Ask(ctx, r)
	if err == nil && answer.Status == http.StatusNotFound {
		if r, err = request(c, http.MethodPost, "/api/sessions"); err != nil {
			return messaging.IncomingSession{}, err
		}
		r.Body = newSession{c.Session, true}
		answer, err = a.client.Ask(ctx, r)
	}
	if err != nil {
		return messaging.IncomingSession{}, err
	}
	if !answer.OK() {
		return messaging.IncomingSession{}, exchange.Repeatable(refusal(c, answer))
	}
	var started struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(answer.Body, &started); err != nil || started.Status == "" {
		return messaging.IncomingSession{}, exchange.Repeatable(answer.Refused("A resposta não diz o estado da sessão."))
	}
	return messaging.IncomingSession{State: sessionState(started.Status), Detail: started.Status}, nil
}

// PairingCode gives the code as text and as a picture, which WAHA draws.
func (a *Adapter) PairingCode(ctx context.Context, c messaging.Connection) (messaging.PairingQR, error) {
	path := "/api/" + url.PathEscape(c.Session) + "/auth/qr"
	var raw struct {
		Value string `json:"value"`
	}
	var file struct {
		MimeType string `json:"mimetype"`
		Data     string `json:"data"`
	}
	err := a.ask(ctx, c, path, url.Values{"format": {"raw"}}, &raw)
	if err == nil {
		err = a.ask(ctx, c, path, url.Values{"format": {"image"}}, &file)
	}
	if e, ok := errors.AsType[*messaging.SendError](err); ok && e.Code == "422" {
		return messaging.PairingQR{}, messaging.ErrNotPairing
	}
	if err != nil {
		return messaging.PairingQR{}, err
	}
	code := messaging.PairingQR{Value: raw.Value}
	if code.PNG, err = base64.StdEncoding.DecodeString(file.Data); err != nil || file.MimeType != "image/png" || raw.Value == "" {
		return messaging.PairingQR{}, &messaging.SendError{Outcome: messaging.RetryLater, Message: "A resposta não traz o QR code."}
	}
	return code, nil
}
