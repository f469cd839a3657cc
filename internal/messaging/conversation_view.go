package messaging

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/phones"
	"syncro/internal/searchtext"
	"syncro/internal/timeline"
)

// ConversationView is a conversation as answers show it.
type ConversationView struct {
	ID             int64              `json:"id" doc:"Conversation id." example:"99"`
	Phone          *string            `json:"phone" doc:"The customer's phone; null as long as WhatsApp hides it." example:"+5511999887766"`
	ContactName    *string            `json:"contact_name" doc:"What the customer calls themselves on WhatsApp; null when unknown." example:"João"`
	Status         ConversationStatus `json:"status" enum:"open,closed" doc:"Whether anybody still has to see to it. A message of the customer's opens it again." example:"open"`
	InstanceID     int64              `json:"instance_id" doc:"The WhatsApp number it is held on; replies go out by it." example:"1"`
	LeadID         *int64             `json:"lead_id" doc:"Lead it is with; null for none." example:"123"`
	Lead           *ConversationLead  `json:"lead" doc:"That lead."`
	AssignedTo     *int64             `json:"assigned_to" doc:"User who sees to it; null for nobody." example:"12"`
	AssignedUser   *timeline.Person   `json:"assigned_user" doc:"That user."`
	UnreadCount    int64              `json:"unread_count" doc:"Messages received and not read." example:"1"`
	LastMessageAt  *calendar.Instant  `json:"last_message_at" doc:"When its newest message was sent or received."`
	LastInboundAt  *calendar.Instant  `json:"last_inbound_at" doc:"When the customer wrote last; null for never."`
	WindowClosesAt *calendar.Instant  `json:"window_closes_at" doc:"Until when anything but a template can be sent, or could be; null when the number has no such window, or the customer has never written."`
	CreatedAt      calendar.Instant   `json:"created_at" doc:"When it began."`
	UpdatedAt      calendar.Instant   `json:"updated_at" doc:"When it last changed."`
}

// ConversationLead is the lead of a conversation.
type ConversationLead struct {
	ID   int64  `json:"id" doc:"Lead id." example:"123"`
	Name string `json:"name" doc:"Lead name." example:"João Silva"`
}

// viewColumns are those of a conversation as scanView wants them, and viewJoins
// where they are from. A lead in the trash is not shown.
const viewJoins = ` JOIN whatsapp_instances i ON i.account_id = c.account_id AND i.id = c.instance_id
	LEFT JOIN leads l ON l.account_id = c.account_id AND l.id = c.lead_id AND l.deleted_at IS NULL
	LEFT JOIN users u ON u.account_id = c.account_id AND u.id = c.assigned_to`

var viewColumns = prefixed("c.", conversationColumns) + `, i.provider, l.name, u.name`

func (s *Service) scanView(rows *db.Rows, v *ConversationView) {
	var c Conversation
	var provider string
	var lead, user *string
	rows.Scan(append(c.places(), &provider, &lead, &user)...)
	*v = ConversationView{
		ID: c.ID, Phone: textOrNil(c.Phone), ContactName: textOrNil(c.ContactName), Status: c.Status, InstanceID: c.InstanceID,
		AssignedTo: c.AssignedTo, UnreadCount: c.UnreadCount, LastMessageAt: calendar.InstantOf(c.LastMessageAt), LastInboundAt: calendar.InstantOf(c.LastInboundAt),
		CreatedAt: calendar.Instant{Time: c.CreatedAt}, UpdatedAt: calendar.Instant{Time: c.UpdatedAt},
	}
	if lead != nil {
		v.LeadID, v.Lead = c.LeadID, &ConversationLead{*c.LeadID, *lead}
	}
	if user != nil {
		v.AssignedUser = &timeline.Person{ID: *c.AssignedTo, Name: *user}
	}
	if p := s.Providers[provider]; p != nil && p.Traits().Window {
		v.WindowClosesAt = calendar.InstantOf(c.windowCloses())
	}
}

// Conversation gives a conversation.
func (s *Service) Conversation(ctx context.Context, actor authz.Actor, id int64) (v ConversationView, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		v, err = s.viewOf(q, actor, id)
		return err
	})
	return v, err
}

func (s *Service) viewOf(q db.Querier, actor authz.Actor, id int64) (v ConversationView, err error) {
	found, err := db.Collect(q.Query(`SELECT `+viewColumns+` FROM conversations c`+viewJoins+` WHERE c.account_id = $1 AND c.id = $2`, actor.AccountID, id), s.scanView)
	switch {
	case err != nil:
		return v, fmt.Errorf("reading a conversation: %w", err)
	case len(found) == 0:
		return v, errUnknownConversation()
	}
	return found[0], nil
}

// ConversationFilter says which conversations a list holds; what is not given does
// not restrict it.
type ConversationFilter struct {
	Status     input.Field[string] `query:"status" enum:"open,closed" doc:"Open or closed ones." example:"open"`
	AssignedTo input.Field[int64]  `query:"assigned_to" doc:"Conversations that this user sees to." example:"12"`
	InstanceID input.Field[int64]  `query:"instance_id" doc:"Conversations on this WhatsApp number." example:"1"`
	LeadID     input.Field[int64]  `query:"lead_id" doc:"Conversations with this lead." example:"123"`
	Unread     input.Field[bool]   `query:"unread" doc:"With unread messages, or without." example:"true"`
	Q          input.Field[string] `query:"q" maxLength:"255" doc:"Part of the lead's name, email or phone, or of the customer's phone with whatever punctuation." example:"99988-7766"`
}

// Conversations gives the conversations of a filter from place offset on, those in
// which something was written last first, and how many there are in all.
func (s *Service) Conversations(ctx context.Context, actor authz.Actor, f ConversationFilter, limit, offset int64) (page []ConversationView, total int64, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		page, total, err = s.conversations(q, actor, f, limit, offset)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("listing conversations: %w", err)
	}
	return page, total, nil
}

func (s *Service) conversations(q db.Querier, actor authz.Actor, f ConversationFilter, limit, offset int64) (page []ConversationView, total int64, err error) {
	listed, args := f.listed(actor)
	if err := db.Get(q.Query(`SELECT count(*)`+listed, args...), &total); err != nil || offset >= total {
		return []ConversationView{}, total, err
	}
	page, err = db.Collect(q.Query(conversationPage(listed, len(args)), append(args, limit, offset)...), s.scanView)
	return page, total, err
}

// conversationPage is the statement that reads a page of what is listed; the limit
// and the offset are the parameters after those of the list. The conversations of
// the page are found in the index before anything else of them is read.
func conversationPage(listed string, parameters int) string {
	return fmt.Sprintf(`WITH page AS MATERIALIZED (SELECT c.id%s ORDER BY c.last_message_at DESC, c.id DESC LIMIT $%d OFFSET $%d) SELECT `, listed, parameters+1, parameters+2) +
		viewColumns + ` FROM page CROSS JOIN conversations c` + viewJoins + ` WHERE c.account_id = $1 AND c.id = page.id ORDER BY c.last_message_at DESC, c.id DESC`
}

// listed is the end of a statement, from FROM on, and its parameters.
func (f ConversationFilter) listed(actor authz.Actor) (string, []any) {
	args := []any{actor.AccountID}
	var where strings.Builder
	where.WriteString(` FROM conversations c WHERE c.account_id = $1`)
	arg := func(value any) string {
		args = append(args, value)
		return fmt.Sprintf("$%d", len(args))
	}
	equal := func(given bool, column string, value any) {
		if given {
			where.WriteString(" AND c." + column + " = " + arg(value))
		}
	}
	equal(f.Status.Given(), "status", f.Status.Value)
	equal(f.AssignedTo.Given(), "assigned_to", f.AssignedTo.Value)
	equal(f.InstanceID.Given(), "instance_id", f.InstanceID.Value)
	equal(f.LeadID.Given(), "lead_id", f.LeadID.Value)
	switch {
	case f.Unread.Given() && f.Unread.Value:
		where.WriteString(" AND c.unread_count > 0")
	case f.Unread.Given():
		where.WriteString(" AND c.unread_count = 0")
	}
	if f.Q.Given() {
		inLead := "strpos(l.search_text, " + arg(searchtext.Fold(f.Q.Value)) + ") > 0"
		inPhone := ""
		if digits, ok := phones.Query(f.Q.Value); ok {
			place := arg(digits)
			inPhone, inLead = "strpos(c.phone_key, "+place+") > 0 OR ", inLead+" OR strpos(l.search_phone, "+place+") > 0"
		}
		where.WriteString(" AND (" + inPhone + "EXISTS (SELECT 1 FROM leads l WHERE l.account_id = c.account_id AND l.id = c.lead_id AND l.deleted_at IS NULL AND (" + inLead + ")))")
	}
	return where.String(), args
}

// MessageQuery says which part of a conversation is read.
type MessageQuery struct {
	Before input.Field[int64] `query:"before" doc:"Id of a message of the conversation: those older than it." example:"456"`
	After  input.Field[int64] `query:"after" doc:"Id of a message of the conversation: those newer than it, beginning with the oldest of them." example:"456"`
	Limit  input.Field[int64] `query:"limit" minimum:"1" doc:"How many messages: 50 when left out, and 200 at most; a greater number is read as 200." example:"50"`
}

// How many messages are read at once.
const (
	defaultMessages = 50
	maxMessages     = 200
)

// MessageList is a part of a conversation, newest first.
type MessageList struct {
	Success bool          `json:"success" doc:"Always true." example:"true"`
	Data    []MessageView `json:"data" doc:"The messages, newest first."`
	Meta    MessageMeta   `json:"meta" doc:"Where the part stands in the conversation."`
}

// MessageMeta says how to read on.
type MessageMeta struct {
	Limit    int64  `json:"limit" doc:"How many messages were asked for." example:"50"`
	HasMore  bool   `json:"has_more" doc:"Whether there are more in the direction that was asked for: newer ones with after, older ones otherwise." example:"true"`
	OldestID *int64 `json:"oldest_id" doc:"The part's oldest message, for before; null when it is empty." example:"407"`
	NewestID *int64 `json:"newest_id" doc:"The part's newest message, for after; null when it is empty." example:"456"`
}

// Messages gives a part of a conversation. Its order is that of the messages' own
// times.
func (s *Service) Messages(ctx context.Context, actor authz.Actor, id int64, query MessageQuery) (list MessageList, err error) {
	limit := int64(defaultMessages)
	if query.Limit.Given() {
		limit = min(query.Limit.Value, maxMessages)
	}
	err = s.db.Read(ctx, func(q db.Querier) error {
		if _, err := findConversation(q, actor, id); err != nil {
			return err
		}
		list, err = messagesOf(q, actor, id, query, limit)
		return err
	})
	return list, err
}

func messagesOf(q db.Querier, actor authz.Actor, id int64, query MessageQuery, limit int64) (list MessageList, err error) {
	sql, args := `SELECT `+messageColumns+` FROM messages WHERE account_id = $1 AND conversation_id = $2`, []any{actor.AccountID, id}
	var problems faults.Bag
	bound := func(field, comparison string, cursor input.Field[int64]) error {
		if !cursor.Given() {
			return nil
		}
		var at time.Time
		err := db.Get(q.Query(`SELECT at FROM messages WHERE account_id = $1 AND conversation_id = $2 AND id = $3`, actor.AccountID, id, cursor.Value), &at)
		if errors.Is(err, db.ErrNoRows) {
			problems.Selected(field)
			return nil
		}
		args = append(args, at, cursor.Value)
		sql += fmt.Sprintf(" AND (at, id) %s ($%d, $%d)", comparison, len(args)-1, len(args))
		return err
	}
	if err := errors.Join(bound("before", "<", query.Before), bound("after", ">", query.After)); err != nil {
		return list, fmt.Errorf("reading the cursor of a conversation: %w", err)
	}
	if err := problems.Err(); err != nil {
		return list, err
	}
	forward := query.After.Given()
	direction := "DESC"
	if forward {
		direction = "ASC"
	}
	args = append(args, limit+1)
	sql += fmt.Sprintf(" ORDER BY at %[1]s, id %[1]s LIMIT $%[2]d", direction, len(args))
	found, err := db.Collect(q.Query(sql, args...), func(r *db.Rows, m *Message) { r.Scan(m.places()...) })
	if err != nil {
		return list, fmt.Errorf("reading the messages of a conversation: %w", err)
	}
	return part(found, limit, forward), nil
}

// part makes an answer of the messages that were found, one more than asked for if
// there are more.
func part(found []Message, limit int64, forward bool) MessageList {
	list := MessageList{Success: true, Data: []MessageView{}, Meta: MessageMeta{Limit: limit, HasMore: int64(len(found)) > limit}}
	if list.Meta.HasMore {
		found = found[:limit]
	}
	for i := range found {
		m := &found[i]
		if forward {
			m = &found[len(found)-1-i]
		}
		list.Data = append(list.Data, m.View())
	}
	if n := len(list.Data); n > 0 {
		list.Meta.NewestID, list.Meta.OldestID = &list.Data[0].ID, &list.Data[n-1].ID
	}
	return list
}
