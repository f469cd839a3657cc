package messaging

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/leads"
	"syncro/internal/searchtext"
)

// takeMessage takes in what a customer has written.
func (t *taking) takeMessage(tx *db.Tx, in *IncomingMessage) error {
	if known, err := t.known(tx, in.ProviderID); err != nil || known != nil {
		return err // it has come before
	}
	c, err := t.conversationOf(tx, in)
	if err != nil {
		return err
	}
	lead, err := t.leadOf(tx, c, in, true)
	if err != nil {
		return err
	}
	c.LeadID = idOf(lead)
	at := ownTime(in.At, tx.Now())
	c.LastMessageAt, c.LastInboundAt = later(c.LastMessageAt, at), later(c.LastInboundAt, at)
	c.UnreadCount++
	c.Status = ConversationOpen
	if in.Name != "" {
		c.ContactName = in.Name
	}
	if err := storeConversation(tx, t.actor, c); err != nil {
		return err
	}
	m := t.message(c, in, at)
	m.Direction, m.Status = Inbound, StatusReceived
	if err := insertMessage(tx, t.actor, m); err != nil {
		return err
	}
	if err := t.wantMedium(tx, m); err != nil {
		return err
	}
	// Opting out comes first, so that whoever hears of the message knows of it.
	if lead != nil && WantsOut(in.Body) {
		if err := t.optOutAll(tx, lead.ID, in.Phone); err != nil {
			return err
		}
	}
	return t.tell(tx, t.actor, events.MessageReceived, c, m, "")
}

// message is an incoming message as it is stored.
func (t *taking) message(c *Conversation, in *IncomingMessage, at time.Time) *Message {
	m := &Message{
		ConversationID: c.ID, InstanceID: c.InstanceID, LeadID: c.LeadID, Kind: in.Kind, Body: in.Body, ProviderID: in.ProviderID, At: at,
	}
	if in.Media != nil {
		m.Media = Media{URL: storable(in.Media.Reference), MimeType: storable(in.Media.MimeType), Name: storable(in.Media.FileName)}
	}
	return m
}

// ownTime is the time that a message says it is from; none is from the future, or
// else its conversation's window would stay open.
func ownTime(at, now time.Time) time.Time {
	if at.IsZero() || at.After(now) {
		return now
	}
	return at
}

// conversationOf finds or begins the conversation that a message is part of. Where
// no phone is known it is that of the chat, until the phone is known.
func (t *taking) conversationOf(tx *db.Tx, in *IncomingMessage) (*Conversation, error) {
	key, phone := phoneKey(in.Phone), ""
	if key != "" {
		phone = "+" + key
		if in.ChatID != "" {
			if err := tx.Queue(`UPDATE conversations SET phone_key = $4, phone = $5 WHERE account_id = $1 AND instance_id = $2 AND phone_key = $3
				AND NOT EXISTS (SELECT 1 FROM conversations o WHERE o.account_id = $1 AND o.instance_id = $2 AND o.phone_key = $4)`,
				t.actor.AccountID, t.connection.InstanceID, in.ChatID, key, phone); err != nil {
				return nil, err
			}
		}
	} else {
		key = in.ChatID
	}
	c, err := openConversation(tx, t.actor, t.connection.InstanceID, key, phone)
	if err != nil {
		return nil, err
	}
	if in.ChatID != "" {
		c.ChatID = in.ChatID
	}
	return c, nil
}

// sourceWhatsApp is the source of the leads that messages make.
const sourceWhatsApp = "whatsapp"

// leadOf finds the lead that a conversation is with: the one it is linked to, else
// the one with the phone, else, where the number is set to, a new one. nil when
// there is none.
func (t *taking) leadOf(tx *db.Tx, c *Conversation, in *IncomingMessage, mayCreate bool) (*leads.Lead, error) {
	if c.LeadID != nil {
		l, err := t.survivor(tx, *c.LeadID)
		if !faults.Is(err, faults.NotFound) {
			return l, err
		}
	}
	a := leads.Arrival{Phone: c.Phone, Name: in.Name, Source: sourceWhatsApp}
	if mayCreate && t.number.createsLeads && t.number.stageID != nil {
		a.StageID = *t.number.stageID
	}
	l, err := t.arrive(tx, a)
	switch {
	case faults.Is(err, faults.NotFound):
		if mayCreate && t.number.createsLeads {
			t.Notes.Warn("a sender becomes no lead: the number has no stage for it", "number", t.connection)
		}
		return nil, nil //nolint:nilnil // see the comment
	case faults.Is(err, faults.Refused):
		t.Notes.Warn("a sender becomes no lead", "number", t.connection, "error", err)
		return nil, nil //nolint:nilnil // see the comment
	}
	return l, err
}

// mergeDepth is more than any lead was merged on.
const mergeDepth = 10

// survivor is the lead that a lead has become part of, or itself.
func (t *taking) survivor(tx *db.Tx, id int64) (l *leads.Lead, err error) {
	for range mergeDepth {
		if l, err = leads.Find(tx, t.actor, id); err != nil || l.MergedInto == nil {
			return l, err
		}
		id = *l.MergedInto
	}
	return nil, errors.New("leads are merged in a circle")
}

func idOf(l *leads.Lead) *int64 {
	if l == nil {
		return nil
	}
	return &l.ID
}

// takeEcho takes in a message from our own number: one that we have sent, or that
// somebody has written on the handset.
func (t *taking) takeEcho(tx *db.Tx, in *IncomingMessage) error {
	told := in.Status
	if told == "" {
		told = StatusSent
	}
	m, err := t.known(tx, in.ProviderID)
	if err != nil {
		return err
	}
	if m == nil {
		if m, err = t.echoed(tx, in); err != nil {
			return err
		}
	}
	if m == nil {
		return t.takeHandset(tx, in, told)
	}
	c, m, err := t.held(tx, m)
	if err != nil {
		return err
	}
	m.ProviderID = in.ProviderID
	return t.progress(tx, t.actor, c, m, Advance(StatusSent, told), nil)
}

// echoed finds the message without an id that an echo is of: one that says the
// same. Of nobody knows what became the echo settles; one that is just being sent
// will have its id in a moment. nil when there is none.
func (t *taking) echoed(tx *db.Tx, in *IncomingMessage) (*Message, error) {
	key := phoneKey(in.Phone)
	if key == "" {
		key = in.ChatID
	}
	same := func(m *Message) bool {
		return m.Kind == in.Kind && strings.TrimSpace(m.Body) == strings.TrimSpace(in.Body)
	}
	if !t.last {
		sending, err := t.unsettled(tx, key, StatusSending)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(sending, same) {
			return nil, errTooEarly
		}
	}
	unknown, err := t.unsettled(tx, key, StatusUnknown)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(unknown, same); i >= 0 {
		return unknown[i], nil
	}
	return nil, nil //nolint:nilnil // see the comment
}

// takeHandset takes in what somebody has written on the handset. Whoever writes
// there has seen what the customer wrote.
func (t *taking) takeHandset(tx *db.Tx, in *IncomingMessage, told Status) error {
	c, err := t.conversationOf(tx, in)
	if err != nil {
		return err
	}
	lead, err := t.leadOf(tx, c, in, false)
	if err != nil {
		return err
	}
	c.LeadID = idOf(lead)
	at := ownTime(in.At, tx.Now())
	c.LastMessageAt, c.UnreadCount = later(c.LastMessageAt, at), 0
	if err := storeConversation(tx, t.actor, c); err != nil {
		return err
	}
	m := t.message(c, in, at)
	m.Direction, m.Status, m.SentBy = Outbound, Advance(StatusSent, told), ByHandset
	if err := insertMessage(tx, t.actor, m); err != nil {
		return err
	}
	if err := t.wantMedium(tx, m); err != nil {
		return err
	}
	return t.tell(tx, t.actor, events.MessageSent, c, m, "")
}

// outWords are what a customer writes to get no more messages (companion-api.md
// section 2, "Opt-out"), folded.
var outWords = []string{
	"sair", "parar", "pare", "stop", "cancelar", "descadastrar", "remover", "unsubscribe", "nao quero receber", "nao quero mais receber", "nao quero mais receber mensagens",
}

// WantsOut tells whether a message asks for no more messages. Only a message of
// nothing else does: "não consigo parar de pensar nisso" does not.
func WantsOut(text string) bool {
	words := strings.FieldsFunc(searchtext.Fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return slices.Contains(outWords, strings.Join(words, " "))
}

// optOutAll opts out the lead of the conversation and every other with the phone:
// it is the person who does not want to be written to.
func (t *taking) optOutAll(tx *db.Tx, leadID int64, phone string) error {
	ids, err := leads.WithPhone(tx, t.actor, phone)
	if err != nil {
		return err
	}
	if !slices.Contains(ids, leadID) {
		ids = append(ids, leadID)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := t.optOut(tx, id, true); err != nil {
			return err
		}
	}
	return nil
}
