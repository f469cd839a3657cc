package messaging

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/leads"
)

// Why a webhook is not worked off.
var (
	// errTooEarly: it may be about a message that is just being sent, whose sender has
	// not yet written down the provider's id of it.
	errTooEarly = errors.New("a message is still being sent")
	// errUnreadable: the provider itself does not understand it, and will not.
	errUnreadable = errors.New("the webhook cannot be read")
)

// taking is what working off one webhook needs.
type taking struct {
	*Inbox
	actor      authz.Actor
	connection Connection
	number     receiver
	arrive     func(tx *db.Tx, a leads.Arrival) (*leads.Lead, error)
	optOut     func(tx *db.Tx, leadID int64, out bool) error
	last       bool // nothing is waited for any more
}

// receiver is what a number does with senders that nobody knows.
type receiver struct {
	createsLeads bool
	stageID      *int64
}

// take works off everything that a webhook tells. One part that fails does not keep
// the others from being taken.
func (b *Inbox) take(ctx context.Context, actor authz.Actor, h hook, last bool) error {
	t := &taking{Inbox: b, actor: actor, last: last}
	err := b.db.Read(ctx, func(q db.Querier) (err error) {
		if err = db.Get(q.Query(`SELECT creates_leads, lead_stage_id FROM whatsapp_instances WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL`,
			actor.AccountID, h.instanceID), &t.number.createsLeads, &t.number.stageID); err != nil {
			return err
		}
		t.connection, err = b.connection(q, actor, h.instanceID)
		return err
	})
	if err == nil {
		t.arrive, err = b.Leads.Arrivals(ctx, actor)
	}
	if err == nil {
		t.optOut, err = b.Leads.OptOut(ctx, actor)
	}
	if err != nil {
		return fmt.Errorf("preparing webhook %d: %w", h.id, err)
	}
	provider := b.Providers[t.connection.Provider]
	if provider == nil {
		return fmt.Errorf("%w: no provider %q", errUnreadable, t.connection.Provider)
	}
	told, err := provider.ReadHook(t.connection, []byte(h.body))
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	var failed error
	early := false
	for _, one := range told {
		if err := t.takeOne(ctx, provider, one); errors.Is(err, errTooEarly) {
			early = true
		} else {
			failed = errors.Join(failed, err)
		}
	}
	if failed == nil && early {
		return errTooEarly
	}
	return failed
}

func (t *taking) takeOne(ctx context.Context, provider Provider, one Incoming) error {
	switch {
	case one.Status != nil:
		return t.write(ctx, func(tx *db.Tx) error { return t.takeStatus(tx, one.Status) })
	case one.Session != nil:
		return t.write(ctx, func(tx *db.Tx) error { return noteSession(tx, t.actor, t.connection.InstanceID, one.Session) })
	case one.Template != nil:
		return t.write(ctx, func(tx *db.Tx) error { return t.takeTemplate(tx, one.Template) })
	case one.Message == nil:
		return nil
	}
	m := *one.Message
	if m.Group {
		t.Notes.DebugContext(ctx, "a message in a group is left out", "number", t.connection, "provider_msg_id", m.ProviderID)
		return nil
	}
	if m.Kind == KindReaction && (m.FromMe || m.Body == "") {
		t.Notes.DebugContext(ctx, "a reaction of our own, or one taken back, is left out", "number", t.connection, "provider_msg_id", m.ProviderID)
		return nil
	}
	if m.Hidden && m.Phone == "" {
		phone, err := t.resolve(ctx, provider, m.ChatID)
		if err != nil {
			return err
		}
		m.Phone = phone
	}
	m.Body, m.Name = storable(m.Body), storable(m.Name)
	if m.FromMe {
		return t.write(ctx, func(tx *db.Tx) error { return t.takeEcho(tx, &m) })
	}
	return t.write(ctx, func(tx *db.Tx) error { return t.takeMessage(tx, &m) })
}

func (t *taking) write(ctx context.Context, fn func(tx *db.Tx) error) error {
	err := t.db.Write(ctx, fn)
	if db.UniqueOn(err, "messages.account_id,instance_id,provider_msg_id") {
		// Another webhook told of the message at the same moment: now it is known.
		err = t.db.Write(ctx, fn)
	}
	return err
}

// storable is a text without the one character that no database keeps.
func storable(text string) string { return strings.ReplaceAll(text, "\x00", "") }

// resolveTries is how often a provider that does not answer is asked whose phone a
// hidden id is; after that the message comes in without it.
const resolveTries = 3

// resolve asks for the phone behind a hidden id; "" when it cannot be known.
func (t *taking) resolve(ctx context.Context, provider Provider, chatID string) (string, error) {
	resolver, ok := provider.(HiddenResolver)
	if !ok {
		return "", nil
	}
	var problem error
	for range resolveTries {
		phone, err := resolver.ResolveHidden(ctx, t.connection, chatID)
		if err == nil {
			return phone, nil
		}
		problem = err
		if e := sendError(err); !e.Retryable() {
			break
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("asking for a hidden number: %w", err)
		}
	}
	t.Notes.WarnContext(ctx, "the phone behind a hidden id is not known", "number", t.connection, "chat_id", chatID, "error", problem)
	return "", nil
}

// takeTemplate notes what the provider has decided about a template, unless there is
// newer news. It tells one number of its business account; the others have it, too.
func (t *taking) takeTemplate(tx *db.Tx, told *IncomingTemplate) error {
	at := told.At
	if at.IsZero() {
		at = tx.Now()
	}
	return tx.Queue(`UPDATE whatsapp_templates SET status = $6, rejected_reason = $7, status_at = $8, updated_at = $9
		WHERE account_id = $1 AND name = $4 AND language = $5 AND (status_at IS NULL OR status_at <= $8)
			AND instance_id IN (SELECT i.id FROM whatsapp_instances i WHERE i.account_id = $1 AND (i.id = $2 OR i.business_id = $3))`,
		t.actor.AccountID, t.connection.InstanceID, orNull(t.connection.BusinessID), storable(told.Name), told.Language,
		told.Status, orNull(storable(told.RejectedReason)), at, tx.Now())
}

// takeStatus notes how far a message of ours has come.
func (t *taking) takeStatus(tx *db.Tx, told *IncomingStatus) error {
	m, err := t.known(tx, told.ProviderID)
	if err != nil {
		return err
	}
	adopted := m == nil
	if adopted {
		if m, err = t.unknownOf(tx, told); err != nil {
			return err
		}
	}
	if m == nil {
		if sending, err := t.isSending(tx); err != nil || sending {
			return orTooEarly(err)
		}
		t.Notes.Info("a state of a message that is not known is left out", "number", t.connection, "provider_msg_id", told.ProviderID, "status", string(told.Status))
		return nil
	}
	if m.Direction == Inbound {
		return nil
	}
	c, m, err := t.held(tx, m)
	if err != nil {
		return err
	}
	if adopted {
		m.ProviderID = told.ProviderID
	}
	// The same news come again, perhaps when the trouble is long over.
	if problem := told.Problem; problem != nil && Advance(m.Status, told.Status) != m.Status {
		switch problem.Outcome {
		case NumberInTrouble:
			err = reportTrouble(tx, t.actor, m.InstanceID, problem)
		case NotOnWhatsApp:
			err = keepNumberCheck(tx, t.actor, m.InstanceID, c.PhoneKey, "")
		}
		if err != nil {
			return err
		}
	}
	return t.progress(tx, t.actor, c, m, told.Status, told.Problem)
}

func orTooEarly(err error) error {
	if err != nil {
		return err
	}
	return errTooEarly
}

// known finds the message that the provider knows by an id, without holding it; nil
// when there is none.
func (t *taking) known(tx *db.Tx, providerID string) (*Message, error) {
	m, err := getMessage(tx.Query(`SELECT `+messageColumns+` FROM messages WHERE account_id = $1 AND instance_id = $2 AND provider_msg_id = $3`,
		t.actor.AccountID, t.connection.InstanceID, providerID))
	if faults.Is(err, faults.NotFound) {
		return nil, nil //nolint:nilnil // see the comment
	}
	return m, err
}

// held reads a message anew and holds it after its conversation, the order in which
// everybody holds them.
func (t *taking) held(tx *db.Tx, m *Message) (*Conversation, *Message, error) {
	c, err := lockConversation(tx, t.actor, m.ConversationID)
	if err != nil {
		return nil, nil, err
	}
	m, err = lockMessage(tx, t.actor, m.ID)
	return c, m, err
}

// isSending tells whether the number is just sending anything: a state or an echo
// that fits no message may be of that one.
func (t *taking) isSending(tx *db.Tx) (sending bool, err error) {
	if t.last {
		return false, nil
	}
	err = db.Get(tx.Query(`SELECT EXISTS (SELECT 1 FROM messages WHERE account_id = $1 AND instance_id = $2 AND status = 'sending')`,
		t.actor.AccountID, t.connection.InstanceID), &sending)
	return sending, err
}

// clockSlack is how far the provider's clock and ours may be apart, and settleSpan
// how long after its message a state surely is of it, of several it might be of.
const (
	clockSlack = time.Minute
	settleSpan = 10 * time.Minute
)

// unknownOf finds the message of which nobody knows what became of it that a state
// with a new id is the answer to: one to that phone and older than the state; of
// several the newest, if it was written shortly before. nil when there is none.
func (t *taking) unknownOf(tx *db.Tx, told *IncomingStatus) (*Message, error) {
	key := phoneKey(told.WaID)
	if key == "" {
		return nil, nil //nolint:nilnil // see the comment
	}
	messages, err := t.unsettled(tx, key, StatusUnknown)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	at := told.At
	if at.IsZero() {
		at = tx.Now()
	}
	var before []*Message
	for _, m := range messages {
		if !m.At.After(at.Add(clockSlack)) {
			before = append(before, m)
		}
	}
	if len(before) == 0 || (len(before) > 1 && at.Sub(before[len(before)-1].At) > settleSpan) {
		return nil, nil //nolint:nilnil // as above
	}
	return before[len(before)-1], nil
}

// unsettled reads the messages to a phone that have no id at the provider and a
// state, oldest first.
func (t *taking) unsettled(tx *db.Tx, key string, status Status) ([]*Message, error) {
	return db.Collect(tx.Query(`SELECT `+prefixed("m.", messageColumns)+` FROM conversations c JOIN messages m ON m.account_id = c.account_id AND m.conversation_id = c.id
		WHERE c.account_id = $1 AND c.instance_id = $2 AND c.phone_key = $3 AND m.status = $4 AND m.provider_msg_id IS NULL ORDER BY m.at, m.id`,
		t.actor.AccountID, t.connection.InstanceID, key, string(status)), func(r *db.Rows, m **Message) {
		*m = &Message{}
		r.Scan((*m).places()...)
	})
}

// prefixed are columns with the name of their table.
func prefixed(table, columns string) string {
	names := strings.Split(columns, ",")
	for i, name := range names {
		names[i] = table + strings.TrimSpace(name)
	}
	return strings.Join(names, ", ")
}
