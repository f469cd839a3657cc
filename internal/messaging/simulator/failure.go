package simulator

import (
	"net/http"
	"strconv"
	"time"

	"syncro/internal/phones"
)

// Failure is something that goes wrong with requests to send. What it waits for
// comes first, then what it answers; a failure that only waits lets the request
// through.
type Failure struct {
	InstanceID int64  `json:"instance_id"` // of this number only; 0 for all
	Phone      string `json:"phone"`       // to this customer only; "" for all
	Times      int    `json:"times"`       // how many requests it hits; 0 for all until Heal
	Everything bool   `json:"everything"`  // hits questions (check-exists, sessions, templates), too

	Hold  <-chan struct{} `json:"-"`        // the answer waits until it is closed
	Delay time.Duration   `json:"-"`        // the answer waits so long
	Wait  int64           `json:"delay_ms"` // the same, over HTTP

	Status     int  `json:"status"`      // an HTTP status; with Code a default
	Code       int  `json:"code"`        // an error code of the Cloud API; WAHA says it in words
	RetryAfter int  `json:"retry_after"` // seconds
	Garbage    bool `json:"garbage"`     // an answer that is no JSON
	Cut        bool `json:"cut"`         // no answer: the connection is cut
	// Taken lets the customer get the message before the answer goes wrong.
	Taken bool `json:"taken"`
	// Later accepts the message; that it has failed, with Code, comes by webhook.
	Later bool `json:"later"`
}

// Fail makes requests fail from now on. Of several failures that fit, the one told
// first hits.
func (s *Simulator) Fail(f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Wait > 0 {
		f.Delay = time.Duration(f.Wait) * time.Millisecond
	}
	s.failures = append(s.failures, &f)
}

// Heal ends all failures.
func (s *Simulator) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = nil
}

// failure finds what goes wrong with a request.
func (s *Simulator) failure(instanceID int64, phone string, question bool) (Failure, bool) {
	key := phones.Key(plus(phone))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.failures {
		if f.InstanceID != 0 && f.InstanceID != instanceID || f.Phone != "" && phones.Key(plus(f.Phone)) != key || question && !f.Everything {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.failures = append(s.failures[:i:i], s.failures[i+1:]...)
			}
		}
		return *f, true
	}
	if key == phones.Key(RefusedPhone) && !question {
		return Failure{Code: 131026}, true
	}
	return Failure{}, false
}

// wait waits as a failure wants; false when the caller has gone away meanwhile.
func (s *Simulator) wait(r *http.Request, f Failure) bool {
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-r.Context().Done():
			return false
		}
	}
	if f.Delay > 0 {
		select {
		case <-s.config.After(f.Delay):
		case <-r.Context().Done():
			return false
		}
	}
	return true
}

// answers tells whether the failure has an answer of its own.
func (f Failure) answers() bool {
	return f.Cut || f.Garbage || f.Status != 0 || f.Code != 0 && !f.Later
}

// write answers. refuse writes a refusal in the words of the provider.
func (f Failure) write(w http.ResponseWriter, refuse func(http.ResponseWriter, Failure)) {
	switch {
	case f.Cut:
		if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = connection.Close() // cut is cut
		}
	case f.Garbage:
		if f.Status != 0 {
			w.WriteHeader(f.Status)
		}
		_, _ = w.Write([]byte("<html><body>It works!</body></html>"))
	default:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		refuse(w, f)
	}
}

// delivery is what the providers have in common about a request to send: it may
// fail, it may be refused, or the message is taken. allowed says whether the
// provider takes it, and answers if not; accepted makes the answer.
func (s *Simulator) delivery(w http.ResponseWriter, r *http.Request, n Number, m Message,
	refuse func(http.ResponseWriter, Failure), allowed func() bool, accepted func(Message)) {
	s.attempted(m)
	f, fails := s.failure(n.InstanceID, m.To, false)
	if fails && f.answers() && !f.Taken {
		if s.wait(r, f) {
			f.write(w, refuse)
		}
		return
	}
	if !allowed() {
		return
	}
	s.accept(m)
	if fails && !s.wait(r, f) {
		return
	}
	if fails && f.answers() {
		f.write(w, refuse)
		return
	}
	accepted(m)
	switch {
	case fails && f.Later:
		s.inBackground(func() { _ = s.tell(s.stop, n, m, "failed", f.Code) }) // told as far as possible
	case s.config.Statuses && !m.Lost:
		s.inBackground(func() {
			for _, status := range []string{"sent", "delivered", "read"} {
				_ = s.tell(s.stop, n, m, status, 0) // told as far as possible
			}
		})
	}
}
