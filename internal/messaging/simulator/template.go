package simulator

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var templateName = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// cloudNewTemplate takes a template in, to be decided about with [Simulator.Decide].
func (s *Simulator) cloudNewTemplate(w http.ResponseWriter, r *http.Request) {
	n, ok := s.cloudNumber(w, r, byBusiness)
	if !ok || s.asked(w, r, n, cloudFailure) {
		return
	}
	var body struct {
		Name       string `json:"name"`
		Language   string `json:"language"`
		Category   string `json:"category"`
		Components []struct {
			Type    string `json:"type"`
			Format  string `json:"format"`
			Text    string `json:"text"`
			Example struct {
				BodyText [][]string `json:"body_text"`
			} `json:"example"`
		} `json:"components"`
	}
	if !readJSON(r, &body) || !templateName.MatchString(body.Name) || body.Language == "" || !slices.Contains([]string{"UTILITY", "MARKETING", "AUTHENTICATION"}, body.Category) {
		cloudRefuse(w, 0, 100, "Invalid parameter")
		return
	}
	t := Template{Name: body.Name, Language: body.Language, Category: body.Category, Status: "PENDING", HeaderType: "none"}
	for _, part := range body.Components {
		switch part.Type {
		case "HEADER":
			t.HeaderType = strings.ToLower(part.Format)
		case "BODY":
			t.Body = part.Text
			if t.variables() > 0 && (len(part.Example.BodyText) != 1 || len(part.Example.BodyText[0]) != t.variables()) {
				cloudRefuse(w, 0, 100, "Message template components parameter is missing expected field(s): example")
				return
			}
		}
	}
	if t.Body == "" || utf8.RuneCountInString(t.Body) > 1024 {
		cloudRefuse(w, 0, 100, "Invalid parameter")
		return
	}
	if slices.ContainsFunc(n.Templates, func(o Template) bool { return o.Name == t.Name && o.Language == t.Language }) {
		cloudRefuse(w, 0, 100, "There is already "+t.Language+" content for this template.")
		return
	}
	t.ID = strconv.Itoa(594425479261596 + len(n.Templates))
	n.Templates = append(slices.Clone(n.Templates), t)
	s.Add(n)
	writeJSON(w, http.StatusOK, map[string]any{"id": t.ID, "status": t.Status, "category": t.Category})
}

// Decide gives a template another state and calls the number's webhook; DELETED
// takes it away.
func (s *Simulator) Decide(ctx context.Context, instanceID int64, name, language, status string) error {
	n, err := s.instance(instanceID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(n.Templates, func(t Template) bool { return t.Name == name && t.Language == language })
	if i < 0 {
		return fmt.Errorf("number %d has no template %s in %s", instanceID, name, language)
	}
	n.Templates = slices.Clone(n.Templates)
	id := n.Templates[i].ID
	if status == "DELETED" {
		n.Templates = slices.Delete(n.Templates, i, i+1)
	} else {
		n.Templates[i].Status = status
	}
	s.Add(n)
	return s.call(ctx, n, map[string]any{"object": "whatsapp_business_account", "entry": []any{map[string]any{
		"id": n.BusinessID, "time": s.config.Clock().Unix(), "changes": []any{map[string]any{"field": "message_template_status_update", "value": map[string]any{
			"event": status, "message_template_id": id, "message_template_name": name, "message_template_language": language, "reason": "NONE",
		}}},
	}}})
}
