package messaging

import (
	"reflect"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/leads"
)

// MessageView is a message as the API and the events show it.
type MessageView struct {
	ID             int64            `json:"id" doc:"Message id." example:"456"`
	ConversationID int64            `json:"conversation_id" doc:"Conversation it is part of." example:"99"`
	InstanceID     int64            `json:"instance_id" doc:"The WhatsApp number it came to or went out by." example:"1"`
	LeadID         *int64           `json:"lead_id" doc:"The conversation's lead when it was written." example:"123"`
	Direction      Direction        `json:"direction" enum:"in,out" doc:"Whether the customer wrote it, or we." example:"out"`
	Type           Kind             `json:"type" doc:"text, image, audio, document, video, sticker, template, interactive, button, location, contacts, reaction or unsupported." example:"text"`
	Body           *string          `json:"body" doc:"Its text, a template's with the variables filled in, or a medium's caption." example:"Olá! Tudo bem?"`
	Media          *MediaView       `json:"media" doc:"Its file; null for none."`
	ProviderMsgID  *string          `json:"provider_msg_id" doc:"The provider's id of it; null until it has accepted it." example:"wamid.xyz123"`
	Status         Status           `json:"status" enum:"queued,sending,sent,delivered,read,played,failed,unknown,received,cancelled" doc:"How far it has come. unknown: it was sent and no answer came; it is not sent again." example:"delivered"`
	Error          *ProviderError   `json:"error" doc:"Why it has failed, or why nobody knows; null otherwise."`
	SentBy         *SentBy          `json:"sent_by" enum:"human,api,sequence,handset,automation" doc:"Who sent it; null when it came from the customer." example:"api"`
	UserID         *int64           `json:"user_id" doc:"The user who sent it; null for none." example:"12"`
	TemplateID     *int64           `json:"template_id" doc:"The template it was made of; null for none." example:"1"`
	SentAt         calendar.Instant `json:"sent_at" doc:"The message's own time."`
	UpdatedAt      calendar.Instant `json:"updated_at" doc:"When its state last changed."`
}

// MediaView is the file of a message.
type MediaView struct {
	URL      *string `json:"url" doc:"Where the provider fetches it, for a message of ours." example:"https://exemplo.com.br/foto.jpg"`
	MimeType *string `json:"mime_type" doc:"Its type." example:"image/jpeg"`
	FileName *string `json:"file_name" doc:"Its name." example:"foto.jpg"`
	Size     *int64  `json:"size" doc:"Its size in bytes, once it was fetched." example:"48213"`
}

// View is the message as it is shown.
func (m *Message) View() MessageView {
	v := MessageView{
		ID: m.ID, ConversationID: m.ConversationID, InstanceID: m.InstanceID, LeadID: m.LeadID, Direction: m.Direction, Type: m.Kind, Body: textOrNil(m.Body),
		ProviderMsgID: textOrNil(m.ProviderID), Status: m.Status, SentBy: textOrNil(m.SentBy), UserID: m.UserID, TemplateID: m.TemplateID,
		SentAt: calendar.Instant{Time: m.At}, UpdatedAt: calendar.Instant{Time: m.UpdatedAt},
	}
	if m.Media != (Media{}) {
		v.Media = &MediaView{MimeType: textOrNil(m.Media.MimeType), FileName: textOrNil(m.Media.Name), Size: m.Media.Size}
		if m.Direction == Outbound { // a customer's is named by the provider's own reference
			v.Media.URL = textOrNil(m.Media.URL)
		}
	}
	if m.ErrorCode != "" {
		v.Error = &ProviderError{Code: m.ErrorCode, Message: m.ErrorMessage}
	}
	return v
}

// textOrNil is a text, or nil for none.
func textOrNil[T ~string](text T) *T {
	if text == "" {
		return nil
	}
	return &text
}

// LeadConversation is the newest conversation with a lead.
type LeadConversation struct {
	ID            int64              `json:"id" doc:"Conversation id." example:"99"`
	Phone         string             `json:"phone" doc:"The customer's phone." example:"+5511999887766"`
	Status        ConversationStatus `json:"status" enum:"open,closed" doc:"Whether it is open." example:"open"`
	LastMessageAt *calendar.Instant  `json:"last_message_at" doc:"When its newest message was sent or received."`
	UnreadCount   int64              `json:"unread_count" doc:"Messages received and not read." example:"1"`
	InstanceID    int64              `json:"instance_id" doc:"The WhatsApp number it is held on." example:"1"`
}

// brief is a conversation as a lead or an event shows it.
func (c *Conversation) brief() LeadConversation {
	return LeadConversation{
		ID: c.ID, Phone: c.Phone, Status: c.Status, LastMessageAt: calendar.InstantOf(c.LastMessageAt), UnreadCount: c.UnreadCount, InstanceID: c.InstanceID,
	}
}

// Include is what include=conversation adds to a lead: of its conversations, the
// one that something was last written in.
func Include() leads.Include {
	return leads.Include{
		Name: "conversation", SingleOnly: true, Empty: `"conversation":null`,
		Members: []api.Member{{Name: "conversation", Type: reflect.TypeFor[*LeadConversation](), Doc: "With include=conversation: the lead's newest conversation, null for none."}},
		Load:    leads.One("conversation", newestConversations),
	}
}

func newestConversations(q db.Querier, actor authz.Actor, leadIDs []int64) (map[int64]LeadConversation, error) {
	rows := q.Query(`SELECT lead_id, id, phone, status, last_message_at, unread_count, instance_id FROM conversations
		WHERE account_id = $1 AND lead_id = ANY($2) ORDER BY last_message_at, id`, actor.AccountID, leadIDs)
	newest := map[int64]LeadConversation{}
	for rows.Next() {
		var lead int64
		var c Conversation
		rows.Scan(&lead, &c.ID, &c.Phone, &c.Status, &c.LastMessageAt, &c.UnreadCount, &c.InstanceID)
		newest[lead] = c.brief()
	}
	return newest, rows.Err()
}
