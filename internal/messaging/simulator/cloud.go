package simulator

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"syncro/internal/phones"
)

// cloud are the Cloud API's endpoints.
func (s *Simulator) cloud() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{version}/{id}/messages", s.cloudSend)
	mux.HandleFunc("GET /{version}/{id}/message_templates", s.cloudTemplates)
	mux.HandleFunc("POST /{version}/{id}/message_templates", s.cloudNewTemplate)
	mux.HandleFunc("GET /{version}/{id}", s.cloudObject)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { cloudRefuse(w, 0, 2500, "Unknown path components") })
	return mux
}

// cloudRefuse answers with an error; status 0 for the one that Meta gives the code.
func cloudRefuse(w http.ResponseWriter, status, code int, message string) {
	if status == 0 {
		status = http.StatusBadRequest
		switch code {
		case 190:
			status = http.StatusUnauthorized
		case 10, 200:
			status = http.StatusForbidden
		case 131000, 2:
			status = http.StatusInternalServerError
		case 131016:
			status = http.StatusServiceUnavailable
		case 4, 80007, 130429:
			status = http.StatusTooManyRequests
		}
	}
	writeJSON(w, status, map[string]any{"error": map[string]any{
		"message": fmt.Sprintf("(#%d) %s", code, message), "type": "OAuthException", "code": code,
		"error_data": map[string]any{"messaging_product": "whatsapp", "details": message}, "fbtrace_id": token(),
	}})
}

var cloudWords = map[int]string{
	4: "Application request limit reached", 190: "Error validating access token", 130429: "Rate limit hit", 131000: "Something went wrong",
	131016: "Service unavailable", 131026: "Message undeliverable", 131047: "Re-engagement message", 131049: "This message was not delivered to maintain healthy ecosystem engagement.",
	131056: "Too many messages sent to this number", 131031: "Account has been locked",
}

func cloudWord(code int) string {
	if words, ok := cloudWords[code]; ok {
		return words
	}
	return "Something else went wrong"
}

func cloudFailure(w http.ResponseWriter, f Failure) {
	if f.Code == 0 {
		w.WriteHeader(f.Status) // of a gateway before Meta: no words
		return
	}
	cloudRefuse(w, f.Status, f.Code, cloudWord(f.Code))
}

// cloudNumber finds the number with an id, by which of its ids, or answers why not.
func (s *Simulator) cloudNumber(w http.ResponseWriter, r *http.Request, id func(*Number) string) (Number, bool) {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if _, ok := s.find(func(n *Number) bool { return n.Provider == "cloud_api" && n.Token == bearer && bearer != "" }); !ok {
		cloudRefuse(w, 0, 190, "Invalid OAuth access token - Cannot parse access token")
		return Number{}, false
	}
	n, ok := s.find(func(n *Number) bool {
		return n.Provider == "cloud_api" && id(n) == r.PathValue("id") && n.Token == bearer
	})
	if !ok {
		cloudRefuse(w, 0, 100, "Unsupported request. Object with ID '"+r.PathValue("id")+"' does not exist, cannot be loaded due to missing permissions")
	}
	return n, ok
}

func byNumber(n *Number) string   { return n.PhoneNumberID }
func byBusiness(n *Number) string { return n.BusinessID }

// cloudBody is the body of a request to send.
type cloudBody struct {
	MessagingProduct string `json:"messaging_product"`
	RecipientType    string `json:"recipient_type"`
	To               string `json:"to"`
	Type             string `json:"type"`
	Text             *struct {
		Body string `json:"body"`
	} `json:"text"`
	Image    *cloudMedia    `json:"image"`
	Audio    *cloudMedia    `json:"audio"`
	Document *cloudMedia    `json:"document"`
	Template *cloudTemplate `json:"template"`

	Status    string `json:"status"` // "read", of an inbound message
	MessageID string `json:"message_id"`
}

type cloudMedia struct {
	Link    string `json:"link"`
	Caption string `json:"caption"`
}

type cloudTemplate struct {
	Name     string `json:"name"`
	Language struct {
		Code string `json:"code"`
	} `json:"language"`
	Components []struct {
		Type       string `json:"type"`
		Parameters []struct {
			Type     string      `json:"type"`
			Text     string      `json:"text"`
			Image    *cloudMedia `json:"image"`
			Video    *cloudMedia `json:"video"`
			Document *cloudMedia `json:"document"`
		} `json:"parameters"`
	} `json:"components"`
}

// refusal is a code with the details that Meta gives.
type refusal struct {
	code    int
	details string
}

func (s *Simulator) cloudSend(w http.ResponseWriter, r *http.Request) {
	n, ok := s.cloudNumber(w, r, byNumber)
	if !ok {
		return
	}
	var body cloudBody
	if !readJSON(r, &body) {
		cloudRefuse(w, 0, 100, "Invalid parameter")
		return
	}
	if body.Status != "" {
		s.cloudRead(w, r, n, body)
		return
	}
	m, wrong := body.read(n)
	if wrong != nil {
		cloudRefuse(w, 0, wrong.code, wrong.details)
		return
	}
	m.ID, m.InstanceID, m.Status = "wamid."+token(), n.InstanceID, "accepted"
	waID, exists := s.whatsApp(body.To)
	s.delivery(w, r, n, m, cloudFailure, func() bool {
		switch {
		case !exists:
			cloudRefuse(w, 0, 131026, cloudWord(131026))
		case body.Type != "template" && !s.windowOpen(n.InstanceID, body.To):
			cloudRefuse(w, 0, 131047, "Message failed to send because more than 24 hours have passed since the customer last replied to this number.")
		default:
			return true
		}
		return false
	}, func(m Message) {
		writeJSON(w, http.StatusOK, map[string]any{
			"messaging_product": "whatsapp", "contacts": []any{map[string]any{"input": body.To, "wa_id": waID}},
			"messages": []any{map[string]any{"id": m.ID, "message_status": "accepted"}},
		})
	})
}

// cloudRead takes it that a message was read.
func (s *Simulator) cloudRead(w http.ResponseWriter, r *http.Request, n Number, body cloudBody) {
	if s.asked(w, r, n, cloudFailure) {
		return
	}
	s.mu.Lock()
	known := s.heard[body.MessageID] == n.InstanceID
	s.mu.Unlock()
	if body.Status != "read" || body.MessagingProduct != "whatsapp" || !known {
		cloudRefuse(w, 0, 100, "Invalid parameter")
		return
	}
	s.sees(body.MessageID)
	writeJSON(w, http.StatusOK, map[string]any{"success": true})
}

// read makes a message of a request, or says what is wrong with it.
func (b cloudBody) read(n Number) (Message, *refusal) {
	m := Message{To: phones.Digits(b.To), Kind: b.Type}
	switch {
	case b.MessagingProduct != "whatsapp":
		return m, &refusal{100, "The parameter messaging_product is required."}
	case b.RecipientType != "" && b.RecipientType != "individual":
		return m, &refusal{100, "Param recipient_type must be one of {individual}"}
	case b.To == "":
		return m, &refusal{100, "The parameter to is required."}
	case len(m.To) < 5:
		return m, &refusal{131009, "Parameter value is not valid"}
	}
	media := map[string]*cloudMedia{"image": b.Image, "audio": b.Audio, "document": b.Document}
	switch b.Type {
	case "text":
		if b.Text == nil || b.Text.Body == "" {
			return m, &refusal{131008, "The parameter text['body'] is required."}
		}
		if utf8.RuneCountInString(b.Text.Body) > 4096 {
			return m, &refusal{100, "Param text['body'] must be at most 4096 characters long."}
		}
		m.Body = b.Text.Body
	case "image", "audio", "document":
		medium := media[b.Type]
		if medium == nil {
			return m, &refusal{131008, "The parameter " + b.Type + " is required."}
		}
		if !isWeb(medium.Link) {
			return m, &refusal{131009, "Param " + b.Type + "['link'] is not a valid URL."}
		}
		m.Body, m.MediaURL = medium.Caption, medium.Link
	case "template":
		if b.Template == nil {
			return m, &refusal{131008, "The parameter template is required."}
		}
		return b.Template.fill(n, m)
	default:
		return m, &refusal{131051, "Message type is currently not supported."}
	}
	return m, nil
}

var placeholder = regexp.MustCompile(`\{\{\s*[0-9]+\s*\}\}`)

// variables are how many values the template's text needs.
func (t Template) variables() int {
	most := 0
	for _, match := range placeholder.FindAllString(t.Body, -1) {
		if number, err := strconv.Atoi(phones.Digits(match)); err == nil {
			most = max(most, number)
		}
	}
	return most
}

// fill fills a template, or says what is wrong.
func (t *cloudTemplate) fill(n Number, m Message) (Message, *refusal) {
	var known *Template
	for i := range n.Templates {
		if n.Templates[i].Name == t.Name && n.Templates[i].Language == t.Language.Code {
			known = &n.Templates[i]
		}
	}
	switch {
	case known == nil || known.Status == "PENDING" || known.Status == "REJECTED":
		return m, &refusal{132001, "Template name (" + t.Name + ") does not exist in " + t.Language.Code}
	case known.Status == "PAUSED":
		return m, &refusal{132015, "Template is paused due to low quality"}
	case known.Status != "APPROVED":
		return m, &refusal{132016, "Template is disabled"}
	}
	var values []string
	header := ""
	for _, part := range t.Components {
		for _, p := range part.Parameters {
			switch {
			case part.Type == "body" && p.Type == "text":
				if strings.ContainsAny(p.Text, "\n\t") || strings.Contains(p.Text, "     ") {
					return m, &refusal{100, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"}
				}
				values = append(values, p.Text)
			case part.Type == "header":
				medium := map[string]*cloudMedia{"image": p.Image, "video": p.Video, "document": p.Document}[p.Type]
				if medium == nil || !isWeb(medium.Link) || p.Type != known.HeaderType {
					return m, &refusal{132012, "header: Format mismatch, expected " + strings.ToUpper(known.HeaderType)}
				}
				header, m.MediaURL = p.Type, medium.Link
			}
		}
	}
	if want := known.variables(); len(values) != want {
		return m, &refusal{132000, fmt.Sprintf("body: number of localizable_params (%d) does not match the expected number of params (%d)", len(values), want)}
	}
	if needs := known.HeaderType; (needs == "image" || needs == "video" || needs == "document") && header == "" {
		return m, &refusal{132012, "header: Format mismatch, expected " + strings.ToUpper(needs)}
	}
	m.Body = placeholder.ReplaceAllStringFunc(known.Body, func(match string) string {
		number, err := strconv.Atoi(phones.Digits(match))
		if err != nil || number < 1 || number > len(values) {
			return match
		}
		return values[number-1]
	})
	return m, nil
}

func (s *Simulator) cloudTemplates(w http.ResponseWriter, r *http.Request) {
	n, ok := s.cloudNumber(w, r, byBusiness)
	if !ok || s.asked(w, r, n, cloudFailure) {
		return
	}
	start := 0
	if after := r.URL.Query().Get("after"); after != "" {
		var err error
		if start, err = strconv.Atoi(strings.TrimPrefix(after, "after")); err != nil || start < 0 || start > len(n.Templates) {
			cloudRefuse(w, 0, 100, "Invalid parameter")
			return
		}
	}
	end := min(start+s.config.Page, len(n.Templates))
	data := []any{}
	for i, t := range n.Templates[start:end] {
		if t.ID == "" {
			t.ID = strconv.Itoa(1192339204654487 + start + i)
		}
		components := []any{}
		if t.HeaderType != "" && t.HeaderType != "none" {
			components = append(components, map[string]any{"type": "HEADER", "format": strings.ToUpper(t.HeaderType)})
		}
		components = append(components, map[string]any{"type": "BODY", "text": t.Body})
		data = append(data, map[string]any{
			"id": t.ID, "name": t.Name, "language": t.Language, "category": t.Category, "status": t.Status, "components": components,
			"quality_score": map[string]any{"score": "UNKNOWN"}, "rejected_reason": "NONE",
		})
	}
	paging := map[string]any{"cursors": map[string]any{"before": fmt.Sprint("after", start), "after": fmt.Sprint("after", end)}}
	if end < len(n.Templates) {
		paging["next"] = "http://" + r.Host + r.URL.Path + "?after=" + fmt.Sprint("after", end)
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": data, "paging": paging})
}

// cloudObject answers for a number, or for a medium that a customer has sent.
func (s *Simulator) cloudObject(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if f, ok := s.file(id); ok {
		writeJSON(w, http.StatusOK, map[string]any{
			"messaging_product": "whatsapp", "url": "http://" + r.Host + "/simulator/media/" + id, "mime_type": f.mimeType, "id": id, "file_size": strconv.Itoa(len(f.bytes)),
		})
		return
	}
	n, ok := s.cloudNumber(w, r, byNumber)
	if !ok || s.asked(w, r, n, cloudFailure) {
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": n.PhoneNumberID, "display_phone_number": plus(n.Phone), "verified_name": "Simulador", "quality_rating": "GREEN",
	})
}
