package webhooks

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"syncro/internal/calendar"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/netguard"
)

// Subscription is a subscription as lists show it.
type Subscription struct {
	ID            int64             `json:"id" doc:"Webhook id." example:"1"`
	TargetURL     string            `json:"target_url" doc:"Where events are sent." example:"https://exemplo.com.br/webhooks/syncro"`
	Events        []events.Type     `json:"events" doc:"Types of events it wants." example:"[\"lead.created\",\"lead.won\"]"`
	Source        string            `json:"source" enum:"api,n8n" doc:"Who made it." example:"api"`
	IsActive      bool              `json:"is_active" doc:"Whether events are sent. It is switched off by the answer 410 and by 100 failed attempts in a row." example:"true"`
	FailureCount  int64             `json:"failure_count" doc:"Failed attempts since the last one that succeeded." example:"0"`
	LastSuccessAt *calendar.Instant `json:"last_success_at" doc:"When an attempt last succeeded."`
	LastFailureAt *calendar.Instant `json:"last_failure_at" doc:"When an attempt last failed."`
	CreatedAt     calendar.Instant  `json:"created_at" doc:"When it was created."`
}

// Detail is a subscription with what only its own page shows.
type Detail struct {
	Subscription
	LastFailureReason *string `json:"last_failure_reason" doc:"Why the last attempt failed, or why it was switched off." example:"HTTP 503"`
}

// CreateFields are what a subscription is created with.
type CreateFields struct {
	TargetURL input.Field[string]   `json:"target_url" required:"true" maxLength:"2048" format:"uri" doc:"Where events are sent: http or https, and not a private address." example:"https://exemplo.com.br/webhooks/syncro"`
	Events    input.Field[[]string] `json:"events" required:"true" enum:"lead.created,lead.updated,lead.stage_changed,lead.won,lead.lost,lead.assigned,lead.tag_added,lead.tag_removed,lead.merged,lead.deleted,lead.restored,task.created,task.updated,task.completed,task.deleted,message.received,message.sent,message.status_changed,sequence.enrolled,sequence.completed,sequence.exited" doc:"Types of events it wants." example:"[\"lead.created\",\"lead.won\"]"`
	Source    input.Field[string]   `json:"source" enum:"api,n8n" doc:"Who makes it (default api)." example:"api"`
	Secret    input.Field[string]   `json:"secret" maxLength:"255" doc:"Key of the signatures, in ASCII; generated when left out." example:"um-segredo-longo-e-aleatorio"`
}

// UpdateFields are what can be changed of a subscription.
type UpdateFields struct {
	TargetURL input.Field[string]   `json:"target_url" whenSent:"required" maxLength:"2048" format:"uri" doc:"Where events are sent: http or https, and not a private address." example:"https://exemplo.com.br/webhooks/syncro"`
	Events    input.Field[[]string] `json:"events" whenSent:"required" enum:"lead.created,lead.updated,lead.stage_changed,lead.won,lead.lost,lead.assigned,lead.tag_added,lead.tag_removed,lead.merged,lead.deleted,lead.restored,task.created,task.updated,task.completed,task.deleted,message.received,message.sent,message.status_changed,sequence.enrolled,sequence.completed,sequence.exited" doc:"Types of events it wants." example:"[\"lead.won\"]"`
	IsActive  input.Field[bool]     `json:"is_active" whenSent:"required" doc:"Switches it on or off; switching it on starts the count of failures anew." example:"true"`
}

// RotateFields are what a secret is rotated with.
type RotateFields struct {
	Secret input.Field[string] `json:"secret" maxLength:"255" doc:"The new key of the signatures, in ASCII; generated when left out." example:"outro-segredo-longo-e-aleatorio"`
}

// record is a subscription with what is not shown of it.
type record struct {
	Detail
	sealed         string // the secret
	oldSealed      *string
	oldSealedUntil *time.Time
}

// defaultSource is that of a subscription created without one.
const defaultSource = "api"

// rotationTime is for how long a rotated secret still signs.
const rotationTime = 24 * time.Hour

const secretBytes = 32

// newSecret is 64 hexadecimal characters.
func newSecret() string {
	random := make([]byte, secretBytes)
	_, _ = rand.Read(random) // never fails
	return hex.EncodeToString(random)
}

// unknown is the refusal for a subscription that is not there.
func unknown() error { return faults.Unknown("Webhook", "o") }

// wanted are the types that were asked for, each once.
func wanted(sent []string) (types []events.Type) {
	for _, name := range sent {
		if t := events.Type(name); !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return types
}

// stored and unstored are types as the column has them, in which one is found
// with a space on either side.
func stored(types []events.Type) string {
	var text strings.Builder
	for _, t := range types {
		text.WriteString(" " + string(t))
	}
	return text.String() + " "
}

func unstored(text string) []events.Type {
	types := []events.Type{}
	for name := range strings.FieldsSeq(text) {
		types = append(types, events.Type(name))
	}
	return types
}

// checkTarget adds what is wrong with a target that was sent. It asks the network.
func (s *Service) checkTarget(ctx context.Context, target input.Field[string], problems *faults.Bag) error {
	if !target.Given() {
		return nil
	}
	switch err := s.guard.CheckURL(ctx, target.Value); {
	case err == nil:
	case errors.Is(err, netguard.ErrNotWeb):
		problems.Add("target_url", "The target url field must be a valid URL.")
	case errors.Is(err, netguard.ErrRefused):
		problems.Add("target_url", "The target url field must not lead to a private, loopback or link-local address.")
	default:
		return fmt.Errorf("checking a target: %w", err)
	}
	return nil
}

// checkSecret adds what is wrong with a secret that was sent: its bytes are the
// key, which a receiver must be able to type.
func checkSecret(secret input.Field[string], problems *faults.Bag) {
	if strings.IndexFunc(secret.Value, func(c rune) bool { return c < 0x20 || c > 0x7e }) >= 0 {
		problems.Add("secret", "The secret field must only contain single-byte alphanumeric characters and symbols.")
	}
}

// sealedSecret is the secret that was sent, or a new one, in both its forms.
func (s *Service) sealedSecret(sent input.Field[string]) (secret, sealed string, err error) {
	if secret = sent.Value; !sent.Given() {
		secret = newSecret()
	}
	sealed, err = s.box.Seal(secret)
	return secret, sealed, err
}
