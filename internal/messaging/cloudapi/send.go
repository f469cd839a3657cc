package cloudapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"syncro/internal/messaging"
	"syncro/internal/messaging/exchange"
	"syncro/internal/phones"
)

// MaxText is how many characters a text may have.
const MaxText = 4096

// outgoing is the body of a request that sends.
type outgoing struct {
	MessagingProduct string    `json:"messaging_product"`
	RecipientType    string    `json:"recipient_type"`
	To               string    `json:"to"`
	Type             string    `json:"type"`
	Text             *text     `json:"text,omitempty"`
	Image            *media    `json:"image,omitempty"`
	Audio            *media    `json:"audio,omitempty"`
	Document         *media    `json:"document,omitempty"`
	Template         *template `json:"template,omitempty"`
}

type text struct {
	Body       string `json:"body"`
	PreviewURL bool   `json:"preview_url"`
}

type media struct {
	Link     string `json:"link"`
	Caption  string `json:"caption,omitempty"`
	FileName string `json:"filename,omitempty"`
}

type template struct {
	Name       string      `json:"name"`
	Language   language    `json:"language"`
	Components []component `json:"components,omitempty"`
}

// language: Meta's description asks for the policy, too.
type language struct {
	Policy string `json:"policy"`
	Code   string `json:"code"`
}

type component struct {
	Type       string      `json:"type"`
	Parameters []parameter `json:"parameters"`
}

type parameter struct {
	Type     string `json:"type"`
	Text     string `json:"text,omitempty"`
	Image    *media `json:"image,omitempty"`
	Video    *media `json:"video,omitempty"`
	Document *media `json:"document,omitempty"`
}

// Send sends a message.
func (a *Adapter) Send(ctx context.Context, c messaging.Connection, m messaging.Outgoing) (messaging.Sent, error) {
	body, why := compose(m)
	if why != "" {
		return messaging.Sent{}, &messaging.SendError{Outcome: messaging.Permanent, Message: why}
	}
	r, err := request(c, http.MethodPost, c.PhoneNumberID, "/messages")
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
		Contacts []struct {
			WaID string `json:"wa_id"`
		} `json:"contacts"`
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(answer.Body, &taken); err != nil || len(taken.Messages) == 0 || taken.Messages[0].ID == "" {
		return messaging.Sent{}, answer.Refused("A resposta do provedor não traz o id da mensagem.")
	}
	sent := messaging.Sent{ProviderID: taken.Messages[0].ID}
	if len(taken.Contacts) > 0 {
		sent.WaID = taken.Contacts[0].WaID
	}
	return sent, nil
}

// read is the body of a request that shows a message as read, with those before it.
type read struct {
	MessagingProduct string `json:"messaging_product"`
	Status           string `json:"status"`
	MessageID        string `json:"message_id"`
}

// TellRead shows a message as read.
func (a *Adapter) TellRead(ctx context.Context, c messaging.Connection, _, id string) error {
	r, err := request(c, http.MethodPost, c.PhoneNumberID, "/messages")
	if err != nil {
		return err
	}
	r.Body = read{"whatsapp", "read", id}
	answer, err := a.client.Ask(ctx, r)
	if err != nil {
		return err
	}
	if !answer.OK() {
		return exchange.Repeatable(refusal(c, answer))
	}
	return nil
}

// compose makes the request's body, or says why there is none.
func compose(m messaging.Outgoing) (body outgoing, why string) {
	body = outgoing{MessagingProduct: "whatsapp", RecipientType: "individual", To: phones.Digits(m.To), Type: string(m.Kind)}
	if body.To == "" {
		return body, "Não há telefone para onde enviar."
	}
	switch m.Kind {
	case messaging.KindText:
		if m.Body == "" {
			return body, "A mensagem não tem texto."
		}
		if utf8.RuneCountInString(m.Body) > MaxText {
			return body, "O texto tem mais de 4096 caracteres."
		}
		body.Text = &text{Body: m.Body, PreviewURL: strings.Contains(m.Body, "https://") || strings.Contains(m.Body, "http://")}
		return body, ""
	case messaging.KindTemplate:
		return composeTemplate(body, m.Template)
	}
	if !isLink(m.MediaURL) {
		return body, "O endereço da mídia não é uma URL http ou https."
	}
	switch m.Kind {
	case messaging.KindImage:
		body.Image = &media{Link: m.MediaURL, Caption: m.Caption}
	case messaging.KindAudio:
		body.Audio = &media{Link: m.MediaURL}
	case messaging.KindDocument:
		body.Document = &media{Link: m.MediaURL, Caption: m.Caption, FileName: m.FileName}
	default:
		return body, "Este número não envia mensagens do tipo " + string(m.Kind) + "."
	}
	return body, ""
}

func composeTemplate(body outgoing, t *messaging.OutgoingTemplate) (_ outgoing, why string) {
	if t == nil || t.Name == "" || t.Language == "" {
		return body, "A mensagem não indica o template."
	}
	body.Template = &template{Name: t.Name, Language: language{"deterministic", t.Language}}
	if t.HeaderMediaURL != "" && !isLink(t.HeaderMediaURL) {
		return body, "O endereço da mídia do cabeçalho não é uma URL http ou https."
	}
	header := parameter{Type: t.HeaderType}
	link := &media{Link: t.HeaderMediaURL}
	switch t.HeaderType {
	case "image":
		header.Image = link
	case "video":
		header.Video = link
	case "document":
		header.Document = link
	default:
		link = nil // a text stands in the template
	}
	if link != nil {
		if link.Link == "" {
			return body, "O cabeçalho do template exige uma mídia."
		}
		body.Template.Components = append(body.Template.Components, component{"header", []parameter{header}})
	}
	if len(t.Variables) > 0 {
		variables := component{Type: "body"}
		for _, value := range t.Variables {
			if value == "" {
				return body, "Uma variável do template está vazia."
			}
			variables.Parameters = append(variables.Parameters, parameter{Type: "text", Text: value})
		}
		body.Template.Components = append(body.Template.Components, variables)
	}
	return body, ""
}

func isLink(text string) bool {
	link, err := url.Parse(text)
	return err == nil && (link.Scheme == "http" || link.Scheme == "https") && link.Host != ""
}
