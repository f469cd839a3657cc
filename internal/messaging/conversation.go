package messaging

import (
	"errors"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/phones"
)

// ConversationStatus is whether anybody still has to see to a conversation.
type ConversationStatus string

// The states of a conversation.
const (
	ConversationOpen   ConversationStatus = "open"
	ConversationClosed ConversationStatus = "closed"
)

// Conversation is all that one of our numbers and one customer have written to
// each other: one per account, instance and phone. Texts that are not set are "".
type Conversation struct {
	ID          int64
	InstanceID  int64
	PhoneKey    string // of phones.Key: both forms of a number share it; the chat's id where no phone is known
	Phone       string // E.164
	ChatID      string // where the provider takes messages to it, once it has said so
	ContactName string
	// LeadID is the lead that was last written to in it, or that it was linked to since.
	LeadID     *int64
	Status     ConversationStatus
	AssignedTo *int64

	LastMessageAt *time.Time
	LastInboundAt *time.Time // by the newest inbound message's own time
	UnreadCount   int64
	Version       int64
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

const conversationColumns = `id, instance_id, phone_key, phone, chat_id, contact_name, lead_id, status, assigned_to,
	last_message_at, last_inbound_at, unread_count, version, created_at, updated_at`

// places are where conversationColumns are read into.
func (c *Conversation) places() []any {
	return []any{
		&c.ID, &c.InstanceID, &c.PhoneKey, &c.Phone, &c.ChatID, &c.ContactName, &c.LeadID, &c.Status, &c.AssignedTo,
		&c.LastMessageAt, &c.LastInboundAt, &c.UnreadCount, &c.Version, &c.CreatedAt, &c.UpdatedAt,
	}
}

// windowLength is how long after the customer's newest message anything but a
// template may be sent on a number that has a window.
const windowLength = 24 * time.Hour

// windowCloses is when the conversation's window closes; nil when the customer
// has never written in it.
func (c *Conversation) windowCloses() *time.Time {
	if c.LastInboundAt == nil {
		return nil
	}
	closes := c.LastInboundAt.Add(windowLength)
	return &closes
}

// windowOpen tells whether the newest inbound message is under 24 h old.
func (c *Conversation) windowOpen(now time.Time) bool {
	closes := c.windowCloses()
	return closes != nil && now.Before(*closes)
}

// errUnknownConversation is the refusal for a conversation that the account does not have.
func errUnknownConversation() error { return faults.Unknown("Conversa", "a") }

// findConversation reads a conversation.
func findConversation(q db.Querier, actor authz.Actor, id int64) (*Conversation, error) {
	return getConversation(q.Query(`SELECT `+conversationColumns+` FROM conversations WHERE account_id = $1 AND id = $2`, actor.AccountID, id))
}

const lockConversationSQL = `SELECT ` + conversationColumns + ` FROM conversations WHERE account_id = $1 AND id = $2 FOR UPDATE`

// lockConversation reads a conversation for a change to it: nobody else changes
// it until the transaction ends.
func lockConversation(tx *db.Tx, actor authz.Actor, id int64) (*Conversation, error) {
	return getConversation(tx.Query(lockConversationSQL, actor.AccountID, id))
}

// conversationWithSQL reads the conversation of a number and a phone.
const conversationWithSQL = `SELECT ` + conversationColumns + ` FROM conversations WHERE account_id = $1 AND instance_id = $2 AND phone_key = $3`

// getConversation reads one conversation; its error is the refusal for an unknown one
// when there is none.
func getConversation(rows *db.Rows) (*Conversation, error) {
	c := &Conversation{}
	err := db.Get(rows, c.places()...)
	if errors.Is(err, db.ErrNoRows) {
		return nil, errUnknownConversation()
	}
	if err != nil {
		return nil, fmt.Errorf("reading a conversation: %w", err)
	}
	return c, nil
}

// openConversation finds the conversation of a number and a phone, or begins it,
// and locks it.
func openConversation(tx *db.Tx, actor authz.Actor, instanceID int64, phoneKey, phone string) (*Conversation, error) {
	find := func() (*Conversation, error) {
		return getConversation(tx.Query(conversationWithSQL+` FOR UPDATE`, actor.AccountID, instanceID, phoneKey))
	}
	if c, err := find(); !faults.Is(err, faults.NotFound) {
		return c, err
	}
	err := tx.Queue(`INSERT INTO conversations (account_id, instance_id, phone_key, phone, status, created_at, updated_at)
		VALUES ($1, $2, $3, $4, 'open', $5, $5) ON CONFLICT (account_id, instance_id, phone_key) DO NOTHING`,
		actor.AccountID, instanceID, phoneKey, phone, tx.Now())
	if err != nil {
		return nil, fmt.Errorf("beginning a conversation: %w", err)
	}
	return find()
}

// storeConversation writes a changed conversation and counts its version up.
func storeConversation(tx *db.Tx, actor authz.Actor, c *Conversation) error {
	c.Version++
	c.UpdatedAt = tx.Now()
	return tx.Queue(`UPDATE conversations SET phone = $3, chat_id = $4, contact_name = $5, lead_id = $6, status = $7, assigned_to = $8,
			last_message_at = $9, last_inbound_at = $10, unread_count = $11, version = $12, updated_at = $13
		WHERE account_id = $1 AND id = $2`,
		actor.AccountID, c.ID, c.Phone, orNull(c.ChatID), orNull(c.ContactName), c.LeadID, string(c.Status), c.AssignedTo,
		c.LastMessageAt, c.LastInboundAt, c.UnreadCount, c.Version, c.UpdatedAt)
}

// phoneKey is what a conversation is found by: the same for both forms of a
// number, with and without the ninth digit.
func phoneKey(phone string) string { return phones.Key(phone) }

// later is the later of two times, of which the first may be missing.
func later(a *time.Time, b time.Time) *time.Time {
	if a != nil && a.After(b) {
		return a
	}
	return &b
}

// orNull is a text as it is stored: NULL when there is none.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
