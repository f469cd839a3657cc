package messaging

import (
	"errors"

	"syncro/internal/faults"
)

// SkipReason says why a send was refused before anything was recorded or sent
// (companion-api.md section 1, "422 other sends").
type SkipReason string

// The reasons.
const (
	SkipNoPhone       SkipReason = "no_phone"
	SkipOptedOut      SkipReason = "opted_out"
	SkipNoInstance    SkipReason = "no_instance"
	SkipWindowClosed  SkipReason = "window_closed"
	SkipNotOnWhatsApp SkipReason = "not_on_whatsapp"
)

var skipMessages = map[SkipReason]string{ //nolint:gosec // sentences, no credentials
	SkipNoPhone:       "O lead não possui telefone.",
	SkipOptedOut:      "O lead pediu para não receber mensagens.",
	SkipNoInstance:    "Nenhum número de WhatsApp conectado.",
	SkipWindowClosed:  "Janela de 24h fechada — use um template.",
	SkipNotOnWhatsApp: "O telefone do lead não está no WhatsApp.",
}

// skipped is the refusal for a reason.
func skipped(reason SkipReason) *faults.Error {
	return faults.New(faults.Refused, skipMessages[reason],
		faults.Member{Name: "success", Value: false}, faults.Member{Name: "skip_reason", Value: string(reason)})
}

// ReasonOf tells for which reason a send was refused, "" when it was for none.
func ReasonOf(err error) SkipReason {
	if refusal, ok := errors.AsType[*faults.Error](err); ok {
		for _, m := range refusal.Members {
			if reason, ok := m.Value.(string); ok && m.Name == "skip_reason" {
				return SkipReason(reason)
			}
		}
	}
	return ""
}

// ProviderError is what the provider said, as answers show it.
type ProviderError struct {
	Code    string `json:"code" doc:"The provider's own code, or what happened when there was no answer." example:"131026"`
	Message string `json:"message" doc:"The provider's own words." example:"Message undeliverable"`
}

func providerError(e *SendError) ProviderError {
	shown := ProviderError{Code: e.Code, Message: e.Message}
	if shown.Code == "" {
		shown.Code = string(e.Outcome)
	}
	if shown.Message == "" {
		shown.Message = "O provedor não respondeu."
	}
	return shown
}

// providerFailed is the message of a 502.
const providerFailed = "Falha no provedor WhatsApp."

// failedAtProvider is the 502 for a message that was recorded: it failed, or
// nobody knows what became of it. Its cause is the [*SendError].
func failedAtProvider(m *Message, problem *SendError) error {
	if problem.Outcome == WindowClosed {
		return skipped(SkipWindowClosed).Because(problem) // the provider counts the hours, too
	}
	return faults.New(faults.Upstream, providerFailed, faults.Member{Name: "success", Value: false},
		faults.Member{Name: "provider_error", Value: providerError(problem)},
		faults.Member{Name: "message_id", Value: m.ID}, faults.Member{Name: "delivery", Value: string(m.Status)}).Because(problem)
}

// sendError is an error of a provider. One that is not of the contract's type says
// nothing about what went out, so that nobody knows.
func sendError(err error) *SendError {
	if e, ok := errors.AsType[*SendError](err); ok {
		return e
	}
	return &SendError{Outcome: Unknown, Message: "O provedor não respondeu.", Cause: err}
}
