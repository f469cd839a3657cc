package messaging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// Provider speaks to one WhatsApp service on behalf of the numbers that are
// connected through it. What only some services can do are the capabilities below
// ([NumberChecker], [TemplateLister], …), found by type assertion.
//
// A provider holds no state of a number: what it needs to know comes with each
// call. It is safe for concurrent use, follows no redirect, and never puts a token
// or a secret into an error.
type Provider interface {
	// Name is the provider as instances name it: "waha", "cloud_api".
	Name() string
	// Traits are the rules that the service works by.
	Traits() Traits
	// Send sends one message, once: it never repeats a request. The error is a
	// [*SendError] that says what may be done next.
	Send(ctx context.Context, c Connection, m Outgoing) (Sent, error)
	// VerifyHook checks the signature over the raw bytes of a webhook's body, in
	// constant time. It gives [ErrNoHookSecret] or [ErrHookSignature].
	VerifyHook(c Connection, header http.Header, raw []byte) error
	// ReadHook reads what a verified webhook tells, in its order and at most once
	// each. What it does not know it leaves out, and with it that a message was edited
	// or taken back: what has come stays as it came. Only a body that cannot be read at
	// all is an error. What concerns a number other than the connection's is left
	// out, too: each number has a hook of its own.
	ReadHook(c Connection, raw []byte) ([]Incoming, error)
}

// Traits are the rules that a service works by (companion-api.md section 8).
type Traits struct {
	Templates bool // sends templates
	Buttons   bool // messages can have buttons
	Window    bool // anything but a template only within 24 hours of the customer's newest message
}

// Providers are the providers that the program knows, by name.
type Providers map[string]Provider

// ProvidersOf collects providers under their names.
func ProvidersOf(list ...Provider) Providers {
	known := make(Providers, len(list))
	for _, p := range list {
		known[p.Name()] = p
	}
	return known
}

// Connection is how one number is reached: its instance, with the secrets in the
// clear. It prints without them.
type Connection struct {
	InstanceID, AccountID int64
	Provider              string
	BaseURL               string // "" for the provider's own address, if it has one
	Session               string // WAHA: name of the session
	PhoneNumberID         string // Cloud API
	BusinessID            string // Cloud API: the WhatsApp Business Account, which owns the templates
	APIVersion            string // Cloud API: "v23.0"; "" for the adapter's default

	Token       string // WAHA's API key, Meta's access token
	HookSecret  string // key of the webhooks' signature
	VerifyToken string // Cloud API: what Meta repeats when the webhook is set up
}

// String names the connection without its secrets.
func (c Connection) String() string {
	return fmt.Sprintf("%s number %d of account %d", c.Provider, c.InstanceID, c.AccountID)
}

// GoString is String: %#v must not print secrets either.
func (c Connection) GoString() string { return c.String() }

// LogValue is what a log shows of the connection.
func (c Connection) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("instance_id", c.InstanceID), slog.Int64("account_id", c.AccountID), slog.String("provider", c.Provider))
}

// Kind is what a message is made of.
type Kind string

// The kinds that can be sent. The others only arrive.
const (
	KindText     Kind = "text"
	KindImage    Kind = "image"
	KindAudio    Kind = "audio"
	KindDocument Kind = "document"
	KindTemplate Kind = "template"

	KindVideo       Kind = "video"
	KindSticker     Kind = "sticker"
	KindInteractive Kind = "interactive" // an answer picked from a list or from reply buttons
	KindButton      Kind = "button"      // a template's button
	KindLocation    Kind = "location"
	KindContacts    Kind = "contacts"
	KindReaction    Kind = "reaction" // Body is the emoji, "" when it is taken back
	KindUnsupported Kind = "unsupported"
)

// Outgoing is a message to send.
type Outgoing struct {
	// To is the phone in E.164, or better the chat id that the provider has named
	// for it: of [NumberChecker], [Sent].WaID or [IncomingMessage].ChatID. The ninth
	// digit is as the provider has confirmed it.
	To       string
	Kind     Kind
	Body     string // of a text
	MediaURL string // fetched by the provider; http or https
	Caption  string // of an image or a document
	FileName string // of a document
	Template *OutgoingTemplate
}

// OutgoingTemplate is a template with what is to stand in it. The caller has made
// sure that the number of variables is right.
type OutgoingTemplate struct {
	Name, Language string
	Variables      []string // of the body, in order
	HeaderType     string   // "none", "text", "image", "video", "document"
	HeaderMediaURL string
}

// Sent is what a provider says of a message that it has accepted.
type Sent struct {
	ProviderID string // the message's id at the provider: never empty
	// WaID is whom the provider took To for, as chat id to send to from now on: the
	// ninth digit as WhatsApp has it. It is empty when the provider does not tell.
	WaID string
}

// Outcome is what an error of a provider means to the caller.
type Outcome string

// The outcomes (whatsapp-providers.md, "Error" and "Rules"). Only NotSent and
// RetryLater may be sent again without being asked.
const (
	// NotSent: it certainly did not go out, for there was no connection.
	NotSent Outcome = "not_sent"
	// RetryLater: the provider has refused for a reason that passes.
	RetryLater Outcome = "retry_later"
	// Permanent: the provider has refused, and would do so again.
	Permanent Outcome = "permanent"
	// WindowClosed: the 24 hours are over; only a template can be sent.
	WindowClosed Outcome = "window_closed"
	// NumberInTrouble: the number cannot send anything until somebody has seen to it
	// (token, permission, session): stop and show it. The message did not go out.
	NumberInTrouble Outcome = "number_in_trouble"
	// NotOnWhatsApp: nobody there has this number.
	NotOnWhatsApp Outcome = "not_on_whatsapp"
	// Unknown: the request went out, and nobody knows what became of it.
	Unknown Outcome = "unknown"
)

// SendError is why a message was not sent, or why nobody knows. The capabilities
// fail with it, too, never with Unknown: what only asks can be asked again.
type SendError struct {
	Outcome    Outcome
	Code       string        // the provider's own, "131026"; an HTTP status, "422"; or "" when there was no answer
	Message    string        // the provider's own words, or ours; shown to the account, no secrets in it
	RetryAfter time.Duration // how long the provider asks to wait; 0 when it does not say
	Cause      error         // what failed underneath, without secrets
}

func (e *SendError) Error() string {
	text := string(e.Outcome)
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap is the cause.
func (e *SendError) Unwrap() error { return e.Cause }

// Retryable tells whether the message may be sent again without being asked.
func (e *SendError) Retryable() bool { return e.Outcome == NotSent || e.Outcome == RetryLater }

// Why a webhook, or a request to set one up, is refused.
var (
	ErrNoHookSecret  = errors.New("the number has no secret for its webhooks")
	ErrHookSignature = errors.New("the webhook's signature is missing or wrong")
	ErrHookChallenge = errors.New("the webhook's challenge is not ours")
)

// NumberChecker can say whether a phone is on WhatsApp, and under which chat id:
// the reliable answer to the ninth digit. To be cached.
type NumberChecker interface {
	CheckNumber(ctx context.Context, c Connection, phone string) (chatID string, exists bool, err error)
}

// TemplateLister can list the templates of a number.
type TemplateLister interface {
	// ListTemplates gives all of them, however many pages that takes.
	ListTemplates(ctx context.Context, c Connection) ([]ListedTemplate, error)
}

// ListedTemplate is a template as the provider has it.
type ListedTemplate struct {
	ProviderID, Name, Language, Category string
	Status                               string // APPROVED, PENDING, REJECTED, PAUSED, DISABLED
	QualityScore, RejectedReason         string // "" when the provider does not say
	Body                                 string
	VariablesCount                       int64
	HeaderType                           string          // "none", "text", "image", "video", "document", "location"
	Components                           json.RawMessage // array of objects
}

// TemplateCreator can make templates, about which the provider then decides.
type TemplateCreator interface {
	// CreateTemplate gives the template as the provider has it now. What went wrong
	// after the request went out may have made it all the same: listing tells.
	CreateTemplate(ctx context.Context, c Connection, t NewTemplate) (ListedTemplate, error)
}

// NewTemplate is a template to be made.
type NewTemplate struct {
	Name, Language, Category string
	Body                     string   // with {{1}}, {{2}}, …
	Examples                 []string // of the variables, in order
	Header, Footer           string   // "" for none
}

// SessionStarter can start the session of a number.
type SessionStarter interface {
	// StartSession starts it, or makes it where there is none; one that runs goes on.
	StartSession(ctx context.Context, c Connection) (IncomingSession, error)
}

// ErrNotPairing is why there is no code: the session does not wait for one.
var ErrNotPairing = errors.New("the session waits for no QR code")

// PairingQR is a code to scan.
type PairingQR struct {
	Value string
	PNG   []byte
}

// Pairer can show the code that pairs a number with its telephone.
type Pairer interface {
	// PairingCode gives it, or [ErrNotPairing].
	PairingCode(ctx context.Context, c Connection) (PairingQR, error)
}

// SessionReader can say whether a number is connected.
type SessionReader interface {
	ReadSession(ctx context.Context, c Connection) (IncomingSession, error)
}

// HookChallenger is asked to prove that a hook is ours before webhooks come.
type HookChallenger interface {
	// AnswerChallenge gives the text to answer with, or [ErrHookChallenge].
	AnswerChallenge(c Connection, query url.Values) (challenge string, err error)
}

// MediaOpener can fetch the bytes of a medium that a customer has sent.
type MediaOpener interface {
	// OpenMedia gives the bytes; the caller limits and closes them. The token goes to
	// the provider's own addresses only.
	OpenMedia(ctx context.Context, c Connection, m IncomingMedia) (io.ReadCloser, error)
}

// ReadTeller can show a customer that what they wrote was read.
type ReadTeller interface {
	// TellRead shows it of a message, and of those before it in its chat.
	TellRead(ctx context.Context, c Connection, chatID, providerID string) error
}

// HiddenResolver can tell whose phone stands behind a hidden chat id ("…@lid").
type HiddenResolver interface {
	// ResolveHidden gives the phone in E.164, "" when the provider does not know it.
	ResolveHidden(ctx context.Context, c Connection, chatID string) (phone string, err error)
}

// Incoming is one thing that a webhook tells; one of the four is set.
type Incoming struct {
	Message  *IncomingMessage
	Status   *IncomingStatus
	Session  *IncomingSession
	Template *IncomingTemplate
}

// IncomingMessage is a message of a customer, or the echo of one of ours.
type IncomingMessage struct {
	ProviderID string
	// FromMe marks an echo: a message from our number, written on the handset unless
	// its id is known.
	FromMe bool
	// Phone is the other side's in E.164 with the ninth digit as the provider has
	// it; "" when the chat id does not hold one (groups, hidden ids).
	Phone  string
	ChatID string // where to answer
	Group  bool   // in a group, not in a chat of two
	Hidden bool   // ChatID hides the phone: see [HiddenResolver]
	Name   string // as the customer calls themselves; "" when unknown
	At     time.Time
	Kind   Kind
	Body   string // text, caption, or what a button, a place, a contact says
	Media  *IncomingMedia
	// ReplyTo is the id of the message that is answered or reacted to; "" for none.
	ReplyTo string
	// Status is how far an echo has come; "" otherwise.
	Status Status
}

// IncomingMedia refers to a medium of a message; [MediaOpener] fetches it.
type IncomingMedia struct {
	Reference string // a media id, or a URL; "" when the provider offers no file
	MimeType  string
	FileName  string
	SHA256    string // as the provider has it
}

// IncomingStatus is how far a message of ours has come, in whatever order such
// news arrive.
type IncomingStatus struct {
	ProviderID string
	Status     Status // StatusSending, StatusSent, StatusDelivered, StatusRead, StatusPlayed, StatusFailed
	At         time.Time
	WaID       string // whom it went to; "" when the provider does not tell
	// Problem is why it has failed, with the outcome that the same code has when a
	// send is answered with it; nil unless it has.
	Problem *SendError
}

// IncomingTemplate is what the provider has decided about a template of the
// connection's business account.
type IncomingTemplate struct {
	Name, Language string
	Status         string // as in [ListedTemplate]
	RejectedReason string // "" unless it is rejected
	At             time.Time
}

// SessionState is whether a number can be used.
type SessionState string

// The states of a number's connection.
const (
	SessionConnected    SessionState = "connected"
	SessionConnecting   SessionState = "connecting"
	SessionPairing      SessionState = "pairing" // waits for its QR code to be scanned
	SessionDisconnected SessionState = "disconnected"
	SessionFailed       SessionState = "failed"
)

// IncomingSession is the state of a number's connection.
type IncomingSession struct {
	State  SessionState
	Detail string // the provider's own word
	Phone  string // the number's own phone in E.164; "" when the provider does not tell
	At     time.Time
}
