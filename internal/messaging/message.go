package messaging

import (
	"errors"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// Direction is whether a message came from the customer or went to them.
type Direction string

// The directions.
const (
	Inbound  Direction = "in"
	Outbound Direction = "out"
)

// SentBy is who sent a message of ours (whatsapp-providers.md, "Rules").
type SentBy string

// The senders. A message of the customer's has none.
const (
	ByHuman      SentBy = "human"
	ByAPI        SentBy = "api"
	BySequence   SentBy = "sequence"
	ByHandset    SentBy = "handset" // written on the telephone itself
	ByAutomation SentBy = "automation"
)

// Message is one message of a conversation. Texts that are not set are "".
type Message struct {
	ID             int64
	ConversationID int64
	InstanceID     int64
	LeadID         *int64 // the conversation's lead when it was written
	Direction      Direction
	Kind           Kind
	Body           string // text, a template's with its variables filled in, or a medium's caption
	Media          Media
	ProviderID     string // the message's id at the provider, unique per instance; "" until it has accepted it
	Status         Status
	ErrorCode      string
	ErrorMessage   string
	ErrorOutcome   Outcome // what that means to whoever sent it
	SentBy         SentBy
	UserID         *int64
	TemplateID     *int64
	// ClientRef is what the message was sent for, once: the step of an enrolment.
	ClientRef string
	Attempts  int64 // calls to the provider
	At        time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Media is the file of a message. URL is where the provider fetches ours, or what
// it names a customer's by.
type Media struct {
	URL      string
	MimeType string
	Name     string
	Size     *int64
	File     string // name in the blob folder, once it was fetched
}

const messageColumns = `id, conversation_id, instance_id, lead_id, direction, type, body, media_url, media_mime, media_name, media_size, media_file,
	provider_msg_id, status, error_code, error_message, error_outcome, sent_by, user_id, template_id, client_ref, attempts, at, created_at, updated_at`

// places are where messageColumns are read into.
func (m *Message) places() []any {
	return []any{
		&m.ID, &m.ConversationID, &m.InstanceID, &m.LeadID, &m.Direction, &m.Kind, &m.Body, &m.Media.URL, &m.Media.MimeType, &m.Media.Name, &m.Media.Size, &m.Media.File,
		&m.ProviderID, &m.Status, &m.ErrorCode, &m.ErrorMessage, &m.ErrorOutcome, &m.SentBy, &m.UserID, &m.TemplateID, &m.ClientRef, &m.Attempts, &m.At, &m.CreatedAt, &m.UpdatedAt,
	}
}

// insertMessage stores a new message and gives it its id.
func insertMessage(tx *db.Tx, actor authz.Actor, m *Message) error {
	m.CreatedAt, m.UpdatedAt = tx.Now(), tx.Now()
	err := db.Get(tx.Query(`INSERT INTO messages (account_id, conversation_id, instance_id, lead_id, direction, type, body, media_url, media_mime, media_name, media_size, media_file,
			provider_msg_id, status, error_code, error_message, sent_by, user_id, template_id, client_ref, attempts, at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $23) RETURNING id`,
		actor.AccountID, m.ConversationID, m.InstanceID, m.LeadID, string(m.Direction), string(m.Kind), orNull(m.Body),
		orNull(m.Media.URL), orNull(m.Media.MimeType), orNull(m.Media.Name), m.Media.Size, orNull(m.Media.File),
		orNull(m.ProviderID), string(m.Status), orNull(m.ErrorCode), orNull(m.ErrorMessage), orNull(string(m.SentBy)), m.UserID, m.TemplateID, orNull(m.ClientRef),
		m.Attempts, m.At, m.CreatedAt), &m.ID)
	if err != nil {
		return fmt.Errorf("storing a message: %w", err)
	}
	return nil
}

// findMessage reads a message.
func findMessage(q db.Querier, actor authz.Actor, id int64) (*Message, error) {
	return getMessage(q.Query(`SELECT `+messageColumns+` FROM messages WHERE account_id = $1 AND id = $2`, actor.AccountID, id))
}

const lockMessageSQL = `SELECT ` + messageColumns + ` FROM messages WHERE account_id = $1 AND id = $2 FOR UPDATE`

// lockMessage reads a message for a change to it.
func lockMessage(tx *db.Tx, actor authz.Actor, id int64) (*Message, error) {
	return getMessage(tx.Query(lockMessageSQL, actor.AccountID, id))
}

// lockAgain reads a message, and before it its conversation, for a change to both.
func (m *Message) lockAgain(tx *db.Tx, actor authz.Actor) (*Conversation, *Message, error) {
	both := tx.Pipeline(
		db.Statement{SQL: lockConversationSQL, Args: []any{actor.AccountID, m.ConversationID}},
		db.Statement{SQL: lockMessageSQL, Args: []any{actor.AccountID, m.ID}})
	conversation, err := getConversation(both.Next())
	message, err2 := getMessage(both.Next())
	return conversation, message, errors.Join(err, err2)
}

// lockByProviderID reads the message that an instance's provider knows by an id,
// for a change to it.
func lockByProviderID(tx *db.Tx, actor authz.Actor, instanceID int64, providerID string) (*Message, error) {
	return getMessage(tx.Query(`SELECT `+messageColumns+` FROM messages WHERE account_id = $1 AND instance_id = $2 AND provider_msg_id = $3 FOR UPDATE`,
		actor.AccountID, instanceID, providerID))
}

// lockByClientRef reads the message that was sent for a reference.
func lockByClientRef(tx *db.Tx, actor authz.Actor, ref string) (*Message, error) {
	return getMessage(tx.Query(`SELECT `+messageColumns+` FROM messages WHERE account_id = $1 AND client_ref = $2 FOR UPDATE`, actor.AccountID, ref))
}

// messageFor reads the message that was sent for a reference.
func messageFor(q db.Querier, actor authz.Actor, ref string) (*Message, error) {
	return getMessage(q.Query(`SELECT `+messageColumns+` FROM messages WHERE account_id = $1 AND client_ref = $2`, actor.AccountID, ref))
}

// restartMessage makes a message that has failed one that is about to be sent
// again, perhaps by another number.
func restartMessage(tx *db.Tx, actor authz.Actor, m *Message) error {
	m.UpdatedAt = tx.Now()
	_, err := tx.Exec(`UPDATE messages SET conversation_id = $3, instance_id = $4, lead_id = $5, type = $6, body = $7, media_url = $8, media_name = $9,
			status = $10, error_code = NULL, error_message = NULL, error_outcome = NULL, template_id = $11, attempts = $12, at = $13, updated_at = $13
		WHERE account_id = $1 AND id = $2`,
		actor.AccountID, m.ID, m.ConversationID, m.InstanceID, m.LeadID, string(m.Kind), orNull(m.Body), orNull(m.Media.URL), orNull(m.Media.Name),
		string(m.Status), m.TemplateID, m.Attempts, m.At)
	return err
}

// getMessage reads one message; the error for none is of kind [faults.NotFound].
func getMessage(rows *db.Rows) (*Message, error) {
	m := &Message{}
	err := db.Get(rows, m.places()...)
	if errors.Is(err, db.ErrNoRows) {
		return nil, faults.Unknown("Mensagem", "a")
	}
	if err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	return m, nil
}

// storeProgress writes how far a message has come.
func storeProgress(tx *db.Tx, actor authz.Actor, m *Message) error {
	m.UpdatedAt = tx.Now()
	return tx.Queue(`UPDATE messages SET provider_msg_id = $3, status = $4, error_code = $5, error_message = $6, attempts = $7, updated_at = $8, error_outcome = $9
		WHERE account_id = $1 AND id = $2`,
		actor.AccountID, m.ID, orNull(m.ProviderID), string(m.Status), orNull(m.ErrorCode), orNull(m.ErrorMessage), m.Attempts, m.UpdatedAt, orNull(string(m.ErrorOutcome)))
}
