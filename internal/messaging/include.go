package messaging

import (
	"reflect"

	"syncro/internal/api"
	"syncro/internal/calendar"
	"syncro/internal/leads"
)

// LeadConversation is the newest conversation with a lead.
type LeadConversation struct {
	ID            int64             `json:"id" doc:"Conversation id." example:"99"`
	Phone         string            `json:"phone" doc:"The customer's phone." example:"+5511999887766"`
	Status        string            `json:"status" enum:"open,closed" doc:"Whether it is open." example:"open"`
	LastMessageAt *calendar.Instant `json:"last_message_at" doc:"When its newest message was sent or received."`
	UnreadCount   int64             `json:"unread_count" doc:"Messages received and not read." example:"1"`
	InstanceID    int64             `json:"instance_id" doc:"The WhatsApp number it is held on." example:"1"`
}

// Include is what include=conversation adds to a lead. Messages cannot be sent or
// received yet, so there is none.
func Include() leads.Include {
	return leads.Constant("conversation", `"conversation":null`, true,
		api.Member{Name: "conversation", Type: reflect.TypeFor[*LeadConversation](), Doc: "With include=conversation: the lead's conversation, null for none."})
}
