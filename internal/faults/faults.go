// Package faults holds the few ways in which an operation can refuse.
//
// A feature returns a *[Error] when the caller can do something about it; any
// other error is a defect or an outage, is logged once at the edge and is
// answered with a fixed sentence. One table in package api turns a [Kind] into
// an HTTP status. Messages are part of the API (companion-api.md section 1):
// Portuguese for business messages, English for messages about one field.
package faults

import (
	"errors"
	"fmt"
)

// Kind is what sort of refusal an [Error] is.
type Kind uint8

// The kinds, each with the status it is answered with.
const (
	Invalid         Kind = iota + 1 // 422: fields are wrong; Problems says which
	Refused                         // 422: a business rule forbids it
	Malformed                       // 400: the request cannot be read
	Unauthenticated                 // 401: no usable API key
	Forbidden                       // 403: the key or the account may not do this
	NotFound                        // 404: no such record in this account
	MethodUnknown                   // 405: the path exists, the method does not
	Conflict                        // 409: somebody else's work is in the way
	Stale                           // 412: the record changed since it was read
	TooLarge                        // 413: the body is over the limit
	RateLimited                     // 429: too many requests
	Upstream                        // 502: a provider failed
	Unavailable                     // 503: the server cannot do this now
)

// Error is a refusal: its kind, the message of the answer and the further
// members of the answer's JSON object.
type Error struct {
	Kind     Kind
	Message  string
	Problems Bag      // only with Invalid
	Members  []Member // written beside "message", in this order
	cause    error
}

// Member is one further member of an answer's JSON object.
type Member struct {
	Name  string
	Value any
}

func (e *Error) Error() string {
	if e.cause != nil {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.cause }

// New makes a refusal of the given kind.
func New(kind Kind, message string, members ...Member) *Error {
	return &Error{Kind: kind, Message: message, Members: members}
}

// Newf makes a refusal whose message is formatted.
func Newf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Because attaches the error that led to the refusal; it is logged, not shown.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// Is tells whether err is a refusal of the given kind.
func Is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// Unknown is the refusal for a record that does not exist in the account, with
// the Portuguese name of its kind ("Lead", "Tarefa") and the gender ending that
// the sentence needs ("o" or "a").
func Unknown(record, ending string) *Error {
	return New(NotFound, record+" não encontrad"+ending+".")
}
