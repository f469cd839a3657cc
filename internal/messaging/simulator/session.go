package simulator

import (
	"encoding/base64"
	"net/http"
)

// scanning is the state of a session that waits for its QR code to be scanned, which
// [Simulator.SetSession] does.
const scanning = "SCAN_QR_CODE"

// wahaStart starts a session: one that was stopped waits for its QR code.
func (s *Simulator) wahaStart(w http.ResponseWriter, r *http.Request) {
	n, ok := s.wahaNumber(w, r, r.PathValue("session"), false)
	if !ok || s.asked(w, r, n, wahaFailure) {
		return
	}
	if n.Status == "STOPPED" || n.Status == "FAILED" {
		n.Status = scanning
		s.Add(n)
		s.tellSession(n)
	}
	writeJSON(w, http.StatusCreated, map[string]any{"name": n.Session, "status": n.Status})
}

// wahaCreate makes a session for who has a key.
func (s *Simulator) wahaCreate(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("X-Api-Key")
	known, ok := s.find(func(n *Number) bool { return n.Provider == "waha" && n.Token == key && key != "" })
	if !ok {
		writeJSON(w, http.StatusUnauthorized, map[string]any{"message": "Unauthorized", "statusCode": 401})
		return
	}
	var body struct {
		Name string `json:"name"`
	}
	if !readJSON(r, &body) || body.Name == "" {
		wahaRefuse(w, http.StatusBadRequest, []string{"name should not be empty"})
		return
	}
	if _, taken := s.find(func(n *Number) bool { return n.Provider == "waha" && n.Session == body.Name }); taken {
		wahaRefuse(w, http.StatusUnprocessableEntity, "Session '"+body.Name+"' already exists. Use PUT to update it.")
		return
	}
	s.mu.Lock()
	s.made--
	n := Number{InstanceID: s.made, Provider: "waha", Phone: known.Phone, Token: key, Session: body.Name, Status: scanning}
	s.mu.Unlock()
	s.Add(n)
	writeJSON(w, http.StatusCreated, map[string]any{"name": n.Session, "status": n.Status})
}

// wahaQR shows the code to scan, drawn as one pixel.
func (s *Simulator) wahaQR(w http.ResponseWriter, r *http.Request) {
	n, ok := s.wahaNumber(w, r, r.PathValue("session"), false)
	if !ok || s.asked(w, r, n, wahaFailure) {
		return
	}
	switch {
	case n.Status != scanning:
		writeJSON(w, http.StatusUnprocessableEntity, map[string]any{
			"error": "Session status is not as expected. Try again later or restart the session", "session": n.Session, "status": n.Status, "expected": []string{scanning},
		})
	case r.URL.Query().Get("format") == "raw":
		writeJSON(w, http.StatusOK, map[string]any{"value": "2@simulador," + n.Session})
	default:
		writeJSON(w, http.StatusOK, map[string]any{"mimetype": "image/png", "data": base64.StdEncoding.EncodeToString(pixel)})
	}
}

// tellSession calls the number's webhook with the state of its session, in the
// background.
func (s *Simulator) tellSession(n Number) {
	s.inBackground(func() {
		_ = s.call(s.stop, n, wahaHook(s.config.Clock(), n, "session.status", map[string]any{"name": n.Session, "status": n.Status})) // told as far as possible
	})
}
