package simulator

import (
	"slices"

	"syncro/internal/phones"
)

// Message is a message that the simulator has accepted.
type Message struct {
	ID         string `json:"id"` // as the adapters report it
	InstanceID int64  `json:"instance_id"`
	To         string `json:"to"` // digits, as they were given
	Kind       string `json:"kind"`
	Body       string `json:"body"`      // text, caption, or the filled template
	MediaURL   string `json:"media_url"` // also of a template's header
	Status     string `json:"status"`    // newest that a webhook has told
	// Lost marks a message to a chat id that nobody has: WAHA accepts it, and it
	// reaches nobody.
	Lost bool `json:"lost"`
}

func countKey(to, body string) string { return phones.Key(plus(to)) + "\n" + body }

// what is the message's text, or the address of a medium without one.
func (m Message) what() string {
	if m.Body == "" {
		return m.MediaURL
	}
	return m.Body
}

// attempted counts a request to send, whatever becomes of it.
func (s *Simulator) attempted(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts[countKey(m.To, m.what())]++
}

// accept writes a message down.
func (s *Simulator) accept(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index[m.ID] = len(s.messages)
	s.messages = append(s.messages, m)
	if !m.Lost {
		s.counts[countKey(m.To, m.what())]++
	}
}

// Seen tells whether the account has shown that it has read a message of a customer's
// (Cloud API), or a chat (WAHA).
func (s *Simulator) Seen(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[id]
}

func (s *Simulator) sees(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[id] = true
}

// Messages are all accepted messages, in order.
func (s *Simulator) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Count is how often a customer has got a text (of media without a caption: their
// URL), in whichever form of the phone.
func (s *Simulator) Count(to, body string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[countKey(to, body)]
}

// Attempts is how often somebody has asked for a text to be sent, refusals and
// failures included.
func (s *Simulator) Attempts(to, body string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts[countKey(to, body)]
}

// Sent is how many messages have reached their customers.
func (s *Simulator) Sent() (total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, count := range s.counts {
		total += count
	}
	return total
}

// Doubled are the messages that a customer has got more than once, each once.
func (s *Simulator) Doubled() (doubled []Message) {
	seen := map[string]int{}
	for _, m := range s.Messages() {
		if m.Lost {
			continue
		}
		if key := countKey(m.To, m.what()); seen[key] < 2 {
			if seen[key]++; seen[key] == 2 {
				doubled = append(doubled, m)
			}
		}
	}
	return doubled
}
