package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"syncro/internal/phones"
)

// working is the only state in which a session sends.
const working = "WORKING"

// waha are WAHA's endpoints.
func (s *Simulator) waha() http.Handler {
	mux := http.NewServeMux()
	for _, kind := range []string{"Text", "Image", "File", "Voice"} {
		mux.HandleFunc("POST /api/send"+kind, func(w http.ResponseWriter, r *http.Request) { s.wahaSend(w, r, kind) })
	}
	mux.HandleFunc("POST /api/sendSeen", s.wahaSeen)
	mux.HandleFunc("GET /api/contacts/check-exists", s.wahaCheck)
	mux.HandleFunc("GET /api/sessions/{session}", s.wahaSession)
	mux.HandleFunc("GET /api/{session}/lids/{lid}", s.wahaLid)
	mux.HandleFunc("POST /api/sessions", s.wahaCreate)
	mux.HandleFunc("POST /api/sessions/{session}/start", s.wahaStart)
	mux.HandleFunc("GET /api/{session}/auth/qr", s.wahaQR)
	return mux
}

// wahaFiles are the media that customers have sent.
func (s *Simulator) wahaFiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/files/{session}/{file}", func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.wahaNumber(w, r, r.PathValue("session"), false); ok {
			s.serveFile(w, r.PathValue("file"))
		}
	})
	return mux
}

func wahaRefuse(w http.ResponseWriter, status int, message any) {
	writeJSON(w, status, map[string]any{"statusCode": status, "error": http.StatusText(status), "message": message})
}

func wahaFailure(w http.ResponseWriter, f Failure) {
	status, message := f.Status, "The message was not sent."
	if status == 0 {
		status = http.StatusBadRequest
	}
	if f.Code != 0 {
		message = fmt.Sprintf("WhatsApp refuses the message (%d).", f.Code)
	}
	wahaRefuse(w, status, message)
}

// wahaNumber finds the number of a session, or answers why not.
func (s *Simulator) wahaNumber(w http.ResponseWriter, r *http.Request, session string, send bool) (Number, bool) {
	key := r.Header.Get("X-Api-Key")
	if _, ok := s.find(func(n *Number) bool { return n.Provider == "waha" && n.Token == key && key != "" }); !ok {
		writeJSON(w, http.StatusUnauthorized, map[string]any{"message": "Unauthorized", "statusCode": 401})
		return Number{}, false
	}
	n, ok := s.find(func(n *Number) bool { return n.Provider == "waha" && n.Session == session && n.Token == key })
	if !ok {
		wahaRefuse(w, http.StatusNotFound, fmt.Sprintf("Session %q does not exist", session))
		return Number{}, false
	}
	if send && n.Status != working {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]any{
			"error":   "Session status is not as expected. Try again later or restart the session",
			"session": n.Session, "status": n.Status, "expected": []string{working},
		})
		return Number{}, false
	}
	return n, true
}

// wahaBody is the body of the requests that send.
type wahaBody struct {
	Session string  `json:"session"`
	ChatID  string  `json:"chatId"`
	Text    *string `json:"text"`
	Caption string  `json:"caption"`
	File    *struct {
		MimeType string `json:"mimetype"`
		URL      string `json:"url"`
	} `json:"file"`
}

// problems are what WAHA's validation says.
func (b wahaBody) problems(kind string) (list []string) {
	if b.Session == "" {
		list = append(list, "session should not be empty")
	}
	name, server, _ := strings.Cut(b.ChatID, "@")
	if name == "" || server != "c.us" && server != "g.us" && server != "lid" {
		list = append(list, "chatId must be a chat id")
	}
	switch {
	case kind == "Text" && (b.Text == nil || *b.Text == ""):
		list = append(list, "text must be a string")
	case kind != "Text" && b.File == nil:
		list = append(list, "file should not be empty")
	case kind != "Text" && b.File.MimeType == "":
		list = append(list, "file.mimetype must be a string")
	case kind != "Text" && !isWeb(b.File.URL):
		list = append(list, "file.url must be a URL")
	case kind == "Voice" && !strings.HasPrefix(b.File.MimeType, "audio/ogg"):
		list = append(list, "file.mimetype must be audio/ogg; codecs=opus")
	}
	return list
}

func isWeb(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (s *Simulator) wahaSend(w http.ResponseWriter, r *http.Request, kind string) {
	var body wahaBody
	if !readJSON(r, &body) {
		wahaRefuse(w, http.StatusBadRequest, "Unexpected token in JSON")
		return
	}
	n, ok := s.wahaNumber(w, r, body.Session, true)
	if !ok {
		return
	}
	if problems := body.problems(kind); problems != nil {
		wahaRefuse(w, http.StatusBadRequest, problems)
		return
	}
	to, server, _ := strings.Cut(body.ChatID, "@")
	if server == "lid" {
		to = s.unhide(body.ChatID)
	}
	waID, exists := s.whatsApp(to)
	m := Message{
		ID: "3EB0" + token(), InstanceID: n.InstanceID, To: to, Kind: strings.ToLower(kind), Body: body.Caption, Status: "sending",
		// WAHA takes what goes to a phone in the wrong form; nobody gets it.
		Lost: server == "c.us" && waID != to || to == "",
	}
	if kind == "Text" {
		m.Body = *body.Text
	} else {
		m.MediaURL = body.File.URL
	}
	s.delivery(w, r, n, m, wahaFailure, func() bool {
		if server == "c.us" && !exists {
			wahaRefuse(w, http.StatusBadRequest, "The number "+to+" is not on WhatsApp")
		}
		return server != "c.us" || exists
	}, func(m Message) {
		chat := body.ChatID
		serialized := "true_" + chat + "_" + m.ID
		switch n.Engine {
		case "GOWS":
			writeJSON(w, http.StatusCreated, map[string]any{"id": serialized, "timestamp": s.config.Clock().Unix(), "from": phones.Digits(n.Phone) + "@c.us", "fromMe": true, "to": chat, "body": m.Body, "ack": 0})
		case "NOWEB":
			writeJSON(w, http.StatusCreated, map[string]any{
				"key":    map[string]any{"remoteJid": strings.Replace(chat, "@c.us", "@s.whatsapp.net", 1), "fromMe": true, "id": m.ID},
				"status": "PENDING", "messageTimestamp": s.config.Clock().Unix(),
			})
		default:
			writeJSON(w, http.StatusCreated, map[string]any{
				"id": map[string]any{"fromMe": true, "remote": chat, "id": m.ID, "_serialized": serialized}, "ack": 0, "body": m.Body, "to": chat,
			})
		}
	})
}

// asked lets a question fail, and tells whether it has.
func (s *Simulator) asked(w http.ResponseWriter, r *http.Request, n Number, refuse func(http.ResponseWriter, Failure)) (failed bool) {
	f, fails := s.failure(n.InstanceID, "", true)
	if !fails {
		return false
	}
	if !s.wait(r, f) {
		return true
	}
	if !f.answers() {
		return false
	}
	f.write(w, refuse)
	return true
}

func (s *Simulator) wahaCheck(w http.ResponseWriter, r *http.Request) {
	n, ok := s.wahaNumber(w, r, r.URL.Query().Get("session"), true)
	if !ok || s.asked(w, r, n, wahaFailure) {
		return
	}
	phone := r.URL.Query().Get("phone")
	if phones.Digits(phone) == "" {
		wahaRefuse(w, http.StatusBadRequest, "phone should not be empty")
		return
	}
	waID, exists := s.whatsApp(phone)
	answer := map[string]any{"numberExists": exists}
	if exists {
		answer["chatId"] = waID + "@c.us"
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Simulator) wahaSession(w http.ResponseWriter, r *http.Request) {
	n, ok := s.wahaNumber(w, r, r.PathValue("session"), false)
	if !ok || s.asked(w, r, n, wahaFailure) {
		return
	}
	answer := map[string]any{"name": n.Session, "status": n.Status, "engine": map[string]any{"engine": n.Engine}}
	if n.Status == working {
		answer["me"] = wahaMe(n)
	}
	writeJSON(w, http.StatusOK, answer)
}

// wahaSeen takes it that a chat was read.
func (s *Simulator) wahaSeen(w http.ResponseWriter, r *http.Request) {
	var body wahaBody
	if !readJSON(r, &body) {
		wahaRefuse(w, http.StatusBadRequest, "Unexpected token in JSON")
		return
	}
	n, ok := s.wahaNumber(w, r, body.Session, true)
	if !ok || s.asked(w, r, n, wahaFailure) {
		return
	}
	if name, _, found := strings.Cut(body.ChatID, "@"); !found || name == "" {
		wahaRefuse(w, http.StatusBadRequest, []string{"chatId must be a chat id"})
		return
	}
	s.sees(body.ChatID)
	writeJSON(w, http.StatusCreated, map[string]any{})
}

func wahaMe(n Number) map[string]any {
	return map[string]any{"id": phones.Digits(n.Phone) + "@c.us", "pushName": "Simulador"}
}

func (s *Simulator) wahaLid(w http.ResponseWriter, r *http.Request) {
	n, ok := s.wahaNumber(w, r, r.PathValue("session"), false)
	if !ok || s.asked(w, r, n, wahaFailure) {
		return
	}
	lid := strings.TrimSuffix(r.PathValue("lid"), "@lid") + "@lid"
	answer := map[string]any{"lid": lid, "pn": nil}
	if phone := s.unhide(lid); phone != "" {
		answer["pn"] = phone + "@c.us"
	}
	writeJSON(w, http.StatusOK, answer)
}

// unhide is whose phone stands behind a hidden id, "" for nobody's.
func (s *Simulator) unhide(lid string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.customers {
		if c.hidden == lid {
			return c.waID
		}
	}
	return ""
}

func readJSON(r *http.Request, v any) bool {
	return json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20)).Decode(v) == nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who does not read it has gone
}
