package cloudapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"syncro/internal/messaging"
)

// maxPages bounds a listing whose cursors never end; Meta allows an account 6,000
// templates at most.
const maxPages = 200

// listed is a template as Meta lists it.
type listed struct {
	ID             string          `json:"id"`
	Name           string          `json:"name"`
	Status         string          `json:"status"`
	Category       string          `json:"category"`
	Language       string          `json:"language"`
	Components     json.RawMessage `json:"components"`
	QualityScore   json.RawMessage `json:"quality_score"`
	RejectedReason string          `json:"rejected_reason"`
}

// ListTemplates lists the templates of the number's business account, page by page.
// The cursor is taken, never the ready-made address of the next page: the token
// goes only where the connection says.
func (a *Adapter) ListTemplates(ctx context.Context, c messaging.Connection) ([]messaging.ListedTemplate, error) {
	r, err := request(c, http.MethodGet, c.BusinessID, "/message_templates")
	if err != nil {
		return nil, err
	}
	var list []messaging.ListedTemplate
	query := url.Values{"fields": {"id,name,status,category,language,components,quality_score,rejected_reason"}, "limit": {"100"}}
	for range maxPages {
		r.Query = query
		var page struct {
			Data   []listed `json:"data"`
			Paging struct {
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
				Next string `json:"next"`
			} `json:"paging"`
		}
		if err := a.ask(ctx, c, r, &page); err != nil {
			return nil, err
		}
		for _, t := range page.Data {
			list = append(list, t.read())
		}
		after := page.Paging.Cursors.After
		if page.Paging.Next == "" || after == "" || after == query.Get("after") {
			return list, nil
		}
		query.Set("after", after)
	}
	return nil, &messaging.SendError{Outcome: messaging.RetryLater, Message: "A lista de templates não termina."}
}

// newTemplate is the body of the request that makes a template.
type newTemplate struct {
	Name       string    `json:"name"`
	Language   string    `json:"language"`
	Category   string    `json:"category"`
	Components []newPart `json:"components"`
}

type newPart struct {
	Type    string   `json:"type"`
	Format  string   `json:"format,omitempty"`
	Text    string   `json:"text"`
	Example *example `json:"example,omitempty"`
}

// example holds one list of values for the variables of a body.
type example struct {
	BodyText [][]string `json:"body_text"`
}

// CreateTemplate hands a template in. Meta decides about it later.
func (a *Adapter) CreateTemplate(ctx context.Context, c messaging.Connection, t messaging.NewTemplate) (messaging.ListedTemplate, error) {
	r, err := request(c, http.MethodPost, c.BusinessID, "/message_templates")
	if err != nil {
		return messaging.ListedTemplate{}, err
	}
	body := newTemplate{Name: t.Name, Language: t.Language, Category: t.Category}
	if t.Header != "" {
		body.Components = append(body.Components, newPart{Type: "HEADER", Format: "TEXT", Text: t.Header})
	}
	text := newPart{Type: "BODY", Text: t.Body}
	if len(t.Examples) > 0 {
		text.Example = &example{[][]string{t.Examples}}
	}
	body.Components = append(body.Components, text)
	if t.Footer != "" {
		body.Components = append(body.Components, newPart{Type: "FOOTER", Text: t.Footer})
	}
	r.Body = body
	answer, err := a.client.Do(ctx, r)
	if err != nil {
		return messaging.ListedTemplate{}, err
	}
	if !answer.OK() {
		return messaging.ListedTemplate{}, refusal(c, answer)
	}
	var made struct {
		ID       string `json:"id"`
		Status   string `json:"status"`
		Category string `json:"category"`
	}
	if err := json.Unmarshal(answer.Body, &made); err != nil || made.ID == "" {
		return messaging.ListedTemplate{}, answer.Refused("A resposta do provedor não traz o id do template.")
	}
	components, err := json.Marshal(body.Components)
	if err != nil {
		return messaging.ListedTemplate{}, &messaging.SendError{Outcome: messaging.Permanent, Message: "O template não pode ser escrito em JSON.", Cause: err}
	}
	listed := listed{ID: made.ID, Name: t.Name, Language: t.Language, Category: made.Category, Status: made.Status, Components: components}
	if listed.Category == "" { // Meta may put it into another one, and then says so
		listed.Category = t.Category
	}
	if listed.Status == "" {
		listed.Status = "PENDING"
	}
	return listed.read(), nil
}

var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_]+)\s*\}\}`)

func (t listed) read() messaging.ListedTemplate {
	out := messaging.ListedTemplate{
		ProviderID: t.ID, Name: t.Name, Language: t.Language, Category: t.Category, Status: templateStatus(t.Status),
		RejectedReason: t.RejectedReason, HeaderType: "none", Components: t.Components,
	}
	if out.RejectedReason == "NONE" {
		out.RejectedReason = ""
	}
	var score struct {
		Score string `json:"score"`
	}
	if json.Unmarshal(t.QualityScore, &score) == nil {
		out.QualityScore = score.Score
	}
	var components []struct {
		Type   string `json:"type"`
		Format string `json:"format"`
		Text   string `json:"text"`
	}
	if json.Unmarshal(t.Components, &components) != nil {
		out.Components = json.RawMessage(`[]`)
	}
	for _, part := range components {
		switch part.Type {
		case "HEADER":
			out.HeaderType = strings.ToLower(part.Format)
		case "BODY":
			out.Body, out.VariablesCount = part.Text, countVariables(part.Text)
		}
	}
	return out
}

// countVariables counts the variables of a text, each once.
func countVariables(body string) int64 {
	names := map[string]bool{}
	for _, match := range placeholder.FindAllStringSubmatch(body, -1) {
		names[match[1]] = true
	}
	return int64(len(names))
}

// templateStatus is one of the five that the API shows. Meta has more, none of
// which can be sent.
func templateStatus(status string) string {
	switch status {
	case "APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED":
		return status
	case "IN_APPEAL":
		return "REJECTED"
	default:
		return "DISABLED"
	}
}
