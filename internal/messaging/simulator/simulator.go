// Package simulator plays both WhatsApp providers over real HTTP, for `syncro demo`
// and for tests. It is honest: it refuses what the real services refuse, calls
// webhooks with their signatures, and counts what reaches each customer, so that a
// test can demand that nothing was sent twice.
//
// Numbers are told to it with [Simulator.Add]; each has its own token, its session
// or ids, and the address of its webhook. Customers need not be told: every phone
// is on WhatsApp under its key (Brazilian mobiles with the ninth digit), unless
// [Simulator.Register] says otherwise, but for two that always behave the same:
// [RefusedPhone] and [AbsentPhone].
//
// What a person or a test makes the customers do is in control.go, over HTTP too:
// POST /simulator/inbound, /simulator/status, /simulator/session, /simulator/template,
// /simulator/failures, GET /simulator/messages.
//
// It shares no code with the adapters that it is used to test.
package simulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"syncro/internal/phones"
)

// Phones that always behave the same.
const (
	RefusedPhone = "+5511900000000" // is on WhatsApp, but takes no message
	AbsentPhone  = "+5511900000001" // is not on WhatsApp
)

// Config is how the simulator behaves; the zero value is the machine's clock and no
// news that nobody asked for.
type Config struct {
	Clock func() time.Time
	// After waits for [Failure].Delay; time.After if nil.
	After func(time.Duration) <-chan time.Time
	// Statuses makes each message tell of itself, in the background: sent,
	// delivered, read.
	Statuses bool
	// Page is how many templates a page of their list holds, whatever is asked: 25
	// if zero.
	Page int
}

// Simulator is both providers at once.
type Simulator struct {
	config Config
	hooks  *http.Client
	mux    http.Handler

	background sync.WaitGroup
	slots      chan struct{} // webhooks in the background at once
	stop       context.Context
	stopNow    context.CancelFunc

	mu        sync.Mutex
	numbers   []*Number
	customers map[string]customer  // by phone key
	inbound   map[string]time.Time // newest inbound message, by number and phone key
	heard     map[string]int64     // ids of inbound messages, with their instance
	seen      map[string]bool      // of them, or of WAHA's chats, those that were read
	messages  []Message
	index     map[string]int // of messages, by id
	counts    map[string]int // of messages that reached a customer
	attempts  map[string]int // of requests to send
	failures  []*Failure
	files     map[string]file
	calls     []HookCall
	made      int64 // counts down the instances of sessions that were made over HTTP
}

// customer is what is special about a phone.
type customer struct {
	waID   string // digits; "" for nobody
	hidden string // chat id that hides the phone
}

// New makes a simulator without numbers.
func New(c Config) *Simulator {
	if c.Clock == nil {
		c.Clock = time.Now //nolint:forbidigo // a service of its own has a clock of its own
	}
	if c.After == nil {
		c.After = time.After
	}
	if c.Page == 0 {
		c.Page = 25
	}
	s := &Simulator{
		config: c, hooks: &http.Client{Timeout: 30 * time.Second}, slots: make(chan struct{}, 8),
		customers: map[string]customer{}, inbound: map[string]time.Time{}, heard: map[string]int64{}, seen: map[string]bool{}, index: map[string]int{}, counts: map[string]int{}, attempts: map[string]int{},
		files: map[string]file{},
	}
	s.stop, s.stopNow = context.WithCancel(context.Background())
	s.Register(AbsentPhone, "")
	waha, files, cloud, control := s.waha(), s.wahaFiles(), s.cloud(), s.Control()
	s.mux = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/simulator/"):
			control.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/files/"):
			files.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/"):
			waha.ServeHTTP(w, r)
		default:
			cloud.ServeHTTP(w, r)
		}
	})
	return s
}

// ServeHTTP answers as the providers do, and to /simulator/.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close waits for the webhooks on their way, as long as ctx lets it.
func (s *Simulator) Close(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		s.background.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.stopNow()
	<-done
}

// Start serves on an address ("127.0.0.1:0" for any free port) until stop is called.
func (s *Simulator) Start(ctx context.Context, addr string) (url string, stop func(context.Context) error, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", nil, fmt.Errorf("starting the simulator of the WhatsApp providers: %w", err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if err != nil {
			err = server.Close() // somebody still waits for a slow answer
		}
		s.Close(ctx)
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}

// Number is a WhatsApp number of an account, at one of the providers.
type Number struct {
	InstanceID int64
	Provider   string // "waha" or "cloud_api"
	Phone      string
	Token      string
	HookURL    string // "" for none
	HookSecret string

	Session string // WAHA
	Engine  string // WAHA: GOWS, WEBJS (default), NOWEB
	Status  string // WAHA: WORKING if empty

	PhoneNumberID, BusinessID string // Cloud API
	Templates                 []Template
}

// Template is a message template of a number of the Cloud API.
type Template struct {
	ID, Name, Language, Category, Status string
	Body                                 string
	HeaderType                           string // "none", "text", "image", "video", "document"
}

// Add tells of a number; one of the same instance is replaced.
func (s *Simulator) Add(n Number) {
	if n.Status == "" {
		n.Status = working
	}
	if n.Engine == "" {
		n.Engine = "WEBJS"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, known := range s.numbers {
		if known.InstanceID == n.InstanceID {
			s.numbers[i] = &n
			return
		}
	}
	s.numbers = append(s.numbers, &n)
}

// find gives a copy of the first number that is looked for.
func (s *Simulator) find(is func(*Number) bool) (Number, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.numbers {
		if is(n) {
			return *n, true
		}
	}
	return Number{}, false
}

func (s *Simulator) instance(id int64) (Number, error) {
	n, ok := s.find(func(n *Number) bool { return n.InstanceID == id })
	if !ok {
		return Number{}, fmt.Errorf("the simulator has no number %d", id)
	}
	return n, nil
}

// Register says under which digits a phone is on WhatsApp ("551187654321", without
// its ninth digit), or with "" that it is not.
func (s *Simulator) Register(phone, waID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.customers[phones.Key(phone)]
	c.waID = waID
	s.customers[phones.Key(phone)] = c
}

// Hide makes a customer write to WAHA's numbers under an id that hides the phone.
func (s *Simulator) Hide(phone, lid string) {
	waID, _ := s.whatsApp(phone)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.customers[phones.Key(phone)] = customer{waID: waID, hidden: lid + "@lid"}
}

// whatsApp is under which digits a phone is on WhatsApp, false if it is not.
func (s *Simulator) whatsApp(phone string) (waID string, ok bool) {
	key := phones.Key(plus(phone))
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, special := s.customers[key]; special {
		return known.waID, known.waID != ""
	}
	return key, len(key) >= 8 && len(key) <= 15
}

// plus makes E.164 of digits.
func plus(phone string) string {
	if digits := phones.Digits(phone); digits != "" {
		return "+" + digits
	}
	return phone
}

// SawInbound says that a customer has written to a number, which opens its window
// of 24 hours; no webhook comes.
func (s *Simulator) SawInbound(instanceID int64, phone string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := windowKey(instanceID, phone); s.inbound[key].Before(at) {
		s.inbound[key] = at
	}
}

func windowKey(instanceID int64, phone string) string {
	return fmt.Sprintf("%d %s", instanceID, phones.Key(plus(phone)))
}

// windowOpen tells whether a customer has written to a number in the last 24 hours.
func (s *Simulator) windowOpen(instanceID int64, phone string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.inbound[windowKey(instanceID, phone)]
	return ok && s.config.Clock().Sub(at) < 24*time.Hour
}
