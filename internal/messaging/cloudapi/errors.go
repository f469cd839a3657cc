package cloudapi

import (
	"encoding/json"
	"strconv"

	"syncro/internal/messaging"
	"syncro/internal/messaging/exchange"
)

// metaError is what Meta says of a refusal, in answers and in webhooks.
type metaError struct {
	Message   string      `json:"message"`
	Title     string      `json:"title"`
	Code      json.Number `json:"code"`
	ErrorData struct {
		Details string `json:"details"`
	} `json:"error_data"`
}

// outcomes are the codes of whatsapp-providers.md, "Error". 200 to 299 are in
// outcomeOf.
var outcomes = map[int]messaging.Outcome{
	131047: messaging.WindowClosed,

	190: messaging.NumberInTrouble, 0: messaging.NumberInTrouble, 10: messaging.NumberInTrouble,
	131031: messaging.NumberInTrouble, 133010: messaging.NumberInTrouble,

	4: messaging.RetryLater, 80007: messaging.RetryLater, 130429: messaging.RetryLater, 131056: messaging.RetryLater,
	131000: messaging.RetryLater, 131016: messaging.RetryLater, 2: messaging.RetryLater,

	131026: messaging.Permanent, 131049: messaging.Permanent, 131051: messaging.Permanent, 131052: messaging.Permanent,
	131053: messaging.Permanent, 100: messaging.Permanent, 131008: messaging.Permanent, 131009: messaging.Permanent,
	132000: messaging.Permanent, 132001: messaging.Permanent, 132005: messaging.Permanent, 132007: messaging.Permanent,
	132012: messaging.Permanent, 132015: messaging.Permanent, 132016: messaging.Permanent,
}

// outcomeOf is what a code means, false for one that is not known.
func outcomeOf(code string) (messaging.Outcome, bool) {
	number, err := strconv.Atoi(code)
	if err != nil {
		return "", false
	}
	if number >= 200 && number <= 299 {
		return messaging.NumberInTrouble, true
	}
	outcome, ok := outcomes[number]
	return outcome, ok
}

// says are Meta's words: the details tell more than the message.
func (e metaError) says() string {
	switch {
	case e.ErrorData.Details != "":
		return e.ErrorData.Details
	case e.Message != "":
		return e.Message
	}
	return e.Title
}

// refusal is what an answer other than a 2xx means: its code decides, and without
// a known one its status.
func refusal(c messaging.Connection, a exchange.Answer) *messaging.SendError {
	var said struct {
		Error metaError `json:"error"`
	}
	if json.Unmarshal(a.Body, &said) != nil {
		said.Error = metaError{} // garbage says nothing
	}
	e := a.Refused(exchange.Words(said.Error.says(), c.Token))
	if code := said.Error.Code.String(); code != "" {
		e.Code = code
		if outcome, ok := outcomeOf(code); ok {
			e.Outcome = outcome
		}
	}
	return e
}

// problem is why a message failed that had been accepted.
func problem(c messaging.Connection, errors []metaError) *messaging.SendError {
	if len(errors) == 0 {
		return &messaging.SendError{Outcome: messaging.Permanent, Message: "O provedor não informa o motivo."}
	}
	e := errors[0]
	outcome, ok := outcomeOf(e.Code.String())
	if !ok {
		outcome = messaging.Permanent
	}
	return &messaging.SendError{Outcome: outcome, Code: e.Code.String(), Message: exchange.Words(e.says(), c.Token)}
}
