// Package waha connects numbers through WAHA, a server that drives an ordinary
// WhatsApp account, one "session" for each (whatsapp-providers.md, "WAHA").
//
// # Words
//
// A chat id is a phone's digits and "@c.us"; of a group it ends in "@g.us", and
// "@lid" hides whose it is. A message id comes in three shapes, by the engine that
// WAHA runs on, and as a different one in webhooks: this package reduces them all
// to what they have in common ([messageID]), so that an answer, its acks and its
// echo meet.
//
// There are no templates and no window of 24 hours.
package waha

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"syncro/internal/messaging"
	"syncro/internal/messaging/exchange"
)

// Name is the provider's name.
const Name = "waha"

// Adapter is the provider.
type Adapter struct{ client *exchange.Client }

var (
	_ messaging.Provider       = (*Adapter)(nil)
	_ messaging.NumberChecker  = (*Adapter)(nil)
	_ messaging.SessionReader  = (*Adapter)(nil)
	_ messaging.HiddenResolver = (*Adapter)(nil)
	_ messaging.MediaOpener    = (*Adapter)(nil)
	_ messaging.ReadTeller     = (*Adapter)(nil)
	_ messaging.SessionStarter = (*Adapter)(nil)
	_ messaging.Pairer         = (*Adapter)(nil)
)

// New makes the provider.
func New(c exchange.Config) *Adapter { return &Adapter{exchange.New(c)} }

// Name is "waha".
func (*Adapter) Name() string { return Name }

// Traits are those of an ordinary WhatsApp account.
func (*Adapter) Traits() messaging.Traits { return messaging.Traits{} }

// request begins a request, after what can be seen to be wrong with the connection.
func request(c messaging.Connection, method, path string) (exchange.Request, error) {
	missing := ""
	switch {
	case c.BaseURL == "":
		missing = "O número não tem o endereço do servidor WAHA."
	case c.Session == "":
		missing = "O número não tem a sessão do WAHA."
	case c.Token == "":
		missing = "O número não tem a chave de API do WAHA."
	}
	if missing != "" {
		return exchange.Request{}, &messaging.SendError{Outcome: messaging.NumberInTrouble, Message: missing}
	}
	return exchange.Request{Method: method, URL: strings.TrimRight(c.BaseURL, "/") + path, Header: http.Header{"X-Api-Key": {c.Token}}}, nil
}

// refusal is what an answer other than a 2xx means. WAHA has no codes of its own:
// it says 422 when the session is not working.
func refusal(c messaging.Connection, a exchange.Answer) error {
	var said struct {
		Message json.RawMessage `json:"message"`
		Error   json.RawMessage `json:"error"`
		Status  string          `json:"status"`
	}
	_ = json.Unmarshal(a.Body, &said) // garbage says nothing
	message := words(said.Message)
	if message == "" {
		message = words(said.Error)
	}
	if said.Status != "" {
		message = strings.TrimSpace(message + " (" + said.Status + ")")
	}
	e := a.Refused(exchange.Words(message, c.Token))
	if a.Status == http.StatusUnprocessableEntity {
		e.Outcome = messaging.NumberInTrouble
	}
	return e
}

// words reads a message that is a text, or a list of them.
func words(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, "; ")
	}
	return ""
}

// ask makes a GET and reads its answer into out.
func (a *Adapter) ask(ctx context.Context, c messaging.Connection, path string, query url.Values, out any) error {
	r, err := request(c, http.MethodGet, path)
	if err != nil {
		return err
	}
	r.Query = query
	answer, err := a.client.Ask(ctx, r)
	if err != nil {
		return err
	}
	if !answer.OK() {
		return exchange.Repeatable(refusal(c, answer))
	}
	if err := json.Unmarshal(answer.Body, out); err != nil {
		return exchange.Repeatable(answer.Refused("A resposta do provedor não é o que foi pedido."))
	}
	return nil
}

// CheckNumber asks whether a phone is on WhatsApp.
func (a *Adapter) CheckNumber(ctx context.Context, c messaging.Connection, phone string) (string, bool, error) {
	digits := digitsOf(phone)
	var found struct {
		NumberExists *bool  `json:"numberExists"`
		ChatID       chatID `json:"chatId"`
	}
	if err := a.ask(ctx, c, "/api/contacts/check-exists", url.Values{"phone": {digits}, "session": {c.Session}}, &found); err != nil {
		return "", false, err
	}
	switch {
	case found.NumberExists == nil:
		return "", false, &messaging.SendError{Outcome: messaging.RetryLater, Message: "A resposta não diz se o número existe."}
	case !*found.NumberExists:
		return "", false, nil
	case found.ChatID == "":
		return digits + person, true, nil
	}
	return string(found.ChatID), true, nil
}

// ReadSession asks for the state of the number's session.
func (a *Adapter) ReadSession(ctx context.Context, c messaging.Connection) (messaging.IncomingSession, error) {
	var session struct {
		Status string `json:"status"`
		Me     *me    `json:"me"`
	}
	if err := a.ask(ctx, c, "/api/sessions/"+url.PathEscape(c.Session), nil, &session); err != nil {
		return messaging.IncomingSession{}, err
	}
	return messaging.IncomingSession{State: sessionState(session.Status), Detail: session.Status, Phone: session.Me.phone()}, nil
}

// ResolveHidden asks whose phone stands behind a "@lid".
func (a *Adapter) ResolveHidden(ctx context.Context, c messaging.Connection, id string) (string, error) {
	var found struct {
		Phone chatID `json:"pn"`
	}
	// WAHA wants the @ escaped.
	path := "/api/" + url.PathEscape(c.Session) + "/lids/" + url.QueryEscape(id)
	err := a.ask(ctx, c, path, nil, &found)
	if e, ok := errors.AsType[*messaging.SendError](err); ok && e.Code == "404" {
		return "", nil
	}
	return found.Phone.phone(), err
}
