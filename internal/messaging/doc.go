// Package messaging is how an account talks to its leads (companion-api.md section
// 8, whatsapp-providers.md).
//
// # Words
//
// An instance is a WhatsApp number of the account, connected through a [Provider]:
// WAHA, or Meta's Cloud API ("cloud_api"). A template is a message that Meta has
// approved, or not yet; it belongs to the instance it was made for. A conversation
// is all that one instance and one customer's phone have written to each other,
// both forms of a Brazilian number being one phone. It belongs to the lead that was
// last written to in it, unless somebody has linked it to another one since.
//
// # Sending
//
//	plan ──▶ address ──▶ record ──────▶ call ──────▶ settle
//	reads    the form    transaction:   outside of   transaction:
//	only     WhatsApp    "sending"      any          "sent", "failed"
//	         knows                      transaction  or "unknown"
//
// The plan (plan.go) holds every decision: number, recipient, text, and what is in
// the way. A dry run shows it; a send refuses by it, and makes it again in the
// transaction that records. A sender that dies between record and settle leaves
// "sending", which the sweep turns into "unknown".
//
// # Receiving
//
//	webhook ──▶ inbound_hooks ──job──▶ messages, states, connections ──▶ events
//	signature   answered at once       each part in a transaction of its own
//
// Webhooks come twice, late and in any order. Working one off again is the same as
// doing it once: a message is known by its id at the provider. News that may be of a
// message which is just being sent wait until its sender has written down its id
// (take.go); one of which nobody knows what became is settled by the first echo or
// state that fits it.
//
// # States of a message
//
//	queued ──▶ sending ──▶ sent ──▶ delivered ──▶ read ──▶ played
//	   │          ├──▶ failed ◀┘
//	   ▼          └──▶ unknown ──▶ any that a webhook tells of
//	cancelled                                 received: the customer's own
//
// # Invariants
//
//   - A message of ours is recorded before its provider is called, and the provider
//     is called at most once for each time that it was asked to. Only what certainly
//     did not go out is ever sent again, by whoever asked.
//   - A state never moves backwards (status.go).
//   - One conversation per account, instance and phone; one message per instance and
//     id at the provider, and per reference of a sequence's step.
//   - The URL of a medium that we send is fetched by the provider, never by us; what
//     a customer sends is fetched from the number's own provider only (medium.go).
//   - A conversation is held before its messages, and both before leads.
package messaging
