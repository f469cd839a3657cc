package simulator

import (
	"net/http"
	"strings"
)

// Control are the endpoints by which a person or a test plays the customers and
// breaks things, all under /simulator/. Nothing protects them: the simulator is
// for the machine's own address.
func (s *Simulator) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /simulator/inbound", func(w http.ResponseWriter, r *http.Request) {
		var in Inbound
		if !readControl(w, r, &in) {
			return
		}
		id, err := s.Write(r.Context(), in)
		writeControl(w, err, map[string]any{"success": true, "message_id": id})
	})
	mux.HandleFunc("POST /simulator/status", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			MessageID string `json:"message_id"`
			Status    string `json:"status"`
			Code      int    `json:"code"`
		}
		if readControl(w, r, &in) {
			writeControl(w, s.Tell(r.Context(), in.MessageID, in.Status, in.Code), map[string]any{"success": true})
		}
	})
	mux.HandleFunc("POST /simulator/session", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			InstanceID int64  `json:"instance_id"`
			Status     string `json:"status"`
		}
		if readControl(w, r, &in) {
			writeControl(w, s.SetSession(r.Context(), in.InstanceID, in.Status), map[string]any{"success": true})
		}
	})
	mux.HandleFunc("POST /simulator/template", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			InstanceID int64  `json:"instance_id"`
			Name       string `json:"name"`
			Language   string `json:"language"`
			Status     string `json:"status"`
		}
		if readControl(w, r, &in) {
			writeControl(w, s.Decide(r.Context(), in.InstanceID, in.Name, in.Language, in.Status), map[string]any{"success": true})
		}
	})
	mux.HandleFunc("POST /simulator/failures", func(w http.ResponseWriter, r *http.Request) {
		var in Failure
		if readControl(w, r, &in) {
			s.Fail(in)
			writeControl(w, nil, map[string]any{"success": true})
		}
	})
	mux.HandleFunc("DELETE /simulator/failures", func(w http.ResponseWriter, _ *http.Request) {
		s.Heal()
		writeControl(w, nil, map[string]any{"success": true})
	})
	mux.HandleFunc("GET /simulator/messages", func(w http.ResponseWriter, _ *http.Request) {
		list := s.Messages()
		if list == nil {
			list = []Message{}
		}
		writeControl(w, nil, map[string]any{"success": true, "data": list})
	})
	mux.HandleFunc("GET /simulator/media/{id}", func(w http.ResponseWriter, r *http.Request) {
		bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, ok := s.find(func(n *Number) bool { return n.Provider == "cloud_api" && n.Token == bearer && bearer != "" }); !ok {
			cloudRefuse(w, 0, 190, cloudWord(190))
			return
		}
		s.serveFile(w, r.PathValue("id"))
	})
	return mux
}

func readControl(w http.ResponseWriter, r *http.Request, v any) bool {
	if readJSON(r, v) {
		return true
	}
	writeJSON(w, http.StatusBadRequest, map[string]any{"success": false, "message": "the body is not the JSON that is expected"})
	return false
}

func writeControl(w http.ResponseWriter, err error, answer map[string]any) {
	if err != nil {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]any{"success": false, "message": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, answer)
}
