// Package cloudapi connects numbers through Meta's Cloud API, the official one
// (whatsapp-providers.md, "Meta Cloud API").
//
// # Words
//
// A number is known by its phone number id; the WhatsApp Business Account ("waba")
// above it owns the templates. A wa_id is a phone's digits as WhatsApp has them. An
// accepted message is not delivered yet: that, and most failures, come by webhook.
//
// Anything but a template can be sent only within 24 hours of the customer's newest
// message.
package cloudapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"syncro/internal/messaging"
	"syncro/internal/messaging/exchange"
	"syncro/internal/phones"
)

// Name is the provider's name.
const Name = "cloud_api"

// Where Meta is, unless a connection says otherwise.
const (
	DefaultBaseURL = "https://graph.facebook.com"
	DefaultVersion = "v23.0"
)

// Adapter is the provider.
type Adapter struct{ client *exchange.Client }

var (
	_ messaging.Provider        = (*Adapter)(nil)
	_ messaging.TemplateLister  = (*Adapter)(nil)
	_ messaging.SessionReader   = (*Adapter)(nil)
	_ messaging.HookChallenger  = (*Adapter)(nil)
	_ messaging.MediaOpener     = (*Adapter)(nil)
	_ messaging.ReadTeller      = (*Adapter)(nil)
	_ messaging.TemplateCreator = (*Adapter)(nil)
)

// New makes the provider.
func New(c exchange.Config) *Adapter { return &Adapter{exchange.New(c)} }

// Name is "cloud_api".
func (*Adapter) Name() string { return Name }

// Traits are Meta's rules.
func (*Adapter) Traits() messaging.Traits {
	return messaging.Traits{Templates: true, Buttons: true, Window: true}
}

var (
	isVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)
	isID      = regexp.MustCompile(`^[0-9]+$`)
)

// request begins a request about one of Meta's ids, after what can be seen to be
// wrong with the connection.
func request(c messaging.Connection, method, id, rest string) (exchange.Request, error) {
	base, version := c.BaseURL, c.APIVersion
	if base == "" {
		base = DefaultBaseURL
	}
	if version == "" {
		version = DefaultVersion
	}
	missing := ""
	switch {
	case c.Token == "":
		missing = "O número não tem token de acesso."
	case !isVersion.MatchString(version):
		missing = "A versão da API do número não é válida."
	case !isID.MatchString(id):
		missing = "O número não tem o id do telefone ou o da conta comercial."
	}
	if missing != "" {
		return exchange.Request{}, &messaging.SendError{Outcome: messaging.NumberInTrouble, Message: missing}
	}
	return exchange.Request{
		Method: method, URL: strings.TrimRight(base, "/") + "/" + version + "/" + id + rest,
		Header: http.Header{"Authorization": {"Bearer " + c.Token}},
	}, nil
}

// ask makes a GET and reads its answer into out.
func (a *Adapter) ask(ctx context.Context, c messaging.Connection, r exchange.Request, out any) error {
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

// ReadSession asks for the number itself: what answers is connected.
func (a *Adapter) ReadSession(ctx context.Context, c messaging.Connection) (messaging.IncomingSession, error) {
	r, err := request(c, http.MethodGet, c.PhoneNumberID, "")
	if err != nil {
		return messaging.IncomingSession{}, err
	}
	r.Query = url.Values{"fields": {"id,display_phone_number,verified_name,quality_rating"}}
	var number struct {
		DisplayPhoneNumber string `json:"display_phone_number"`
		QualityRating      string `json:"quality_rating"`
	}
	if err := a.ask(ctx, c, r, &number); err != nil {
		return messaging.IncomingSession{}, err
	}
	return messaging.IncomingSession{State: messaging.SessionConnected, Detail: number.QualityRating, Phone: e164(number.DisplayPhoneNumber)}, nil
}

// e164 is a phone in E.164 from a wa_id or from digits with punctuation.
func e164(text string) string {
	digits := phones.Digits(text)
	if digits == "" {
		return ""
	}
	return "+" + digits
}

// Where Meta keeps media.
var mediaHosts = []string{".fbsbx.com", ".facebook.com", ".fbcdn.net", ".whatsapp.net"}

// OpenMedia asks where a medium is, which holds for five minutes, and fetches it
// from there.
func (a *Adapter) OpenMedia(ctx context.Context, c messaging.Connection, m messaging.IncomingMedia) (io.ReadCloser, error) {
	r, err := request(c, http.MethodGet, m.Reference, "")
	if err != nil {
		return nil, &messaging.SendError{Outcome: messaging.Permanent, Message: "A mídia não tem id.", Cause: err}
	}
	r.Query = url.Values{"phone_number_id": {c.PhoneNumberID}}
	var found struct {
		URL string `json:"url"`
	}
	if err := a.ask(ctx, c, r, &found); err != nil {
		return nil, err
	}
	if !metaOwns(found.URL, r.URL) {
		return nil, &messaging.SendError{Outcome: messaging.Permanent, Message: "A mídia não está em um endereço da Meta."}
	}
	return a.client.Open(ctx, exchange.Request{Method: http.MethodGet, URL: found.URL, Header: r.Header})
}

// metaOwns tells whether the token may be sent to an address: one of Meta's, or
// that of the API itself.
func metaOwns(address, api string) bool {
	target, err := url.Parse(address)
	own, ownErr := url.Parse(api)
	if err != nil || ownErr != nil {
		return false
	}
	if target.Scheme == own.Scheme && target.Host == own.Host {
		return true
	}
	for _, host := range mediaHosts {
		if target.Scheme == "https" && strings.HasSuffix("."+target.Hostname(), host) {
			return true
		}
	}
	return false
}
