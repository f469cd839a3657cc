// Package messaging is how an account talks to its leads (companion-api.md
// section 8).
//
// An instance is a WhatsApp number of the account, connected through a provider:
// WAHA, or Meta's Cloud API ("cloud_api"). A template is a message that Meta has
// approved, or not yet; it belongs to the instance it was made for. So far both
// can be listed; nothing can be sent yet.
package messaging
