package messaging

import (
	"context"
	"net/http"
	"strings"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/faults"
	"syncro/internal/input"
)

const conversations = "Conversations"

// ConversationAnswer is the answer that shows one conversation.
type ConversationAnswer struct {
	Success      bool             `json:"success" doc:"Always true." example:"true"`
	Conversation ConversationView `json:"conversation" doc:"The conversation."`
}

func shownConversation(v ConversationView, err error) (ConversationAnswer, error) {
	return ConversationAnswer{true, v}, err
}

// conversationQuery is the query of the list.
type conversationQuery struct {
	ConversationFilter
	api.PageQuery
}

// ReplyFields is the body of POST /conversations/{id}/messages.
type ReplyFields struct {
	Type           input.Field[string] `json:"type" required:"true" enum:"text,image,audio,document" doc:"What is sent." example:"text"`
	Body           input.Field[string] `json:"body" maxLength:"4096" doc:"Text of the message; required when type is text." example:"Claro, segue a proposta."`
	MediaURL       input.Field[string] `json:"media_url" format:"uri" maxLength:"2048" doc:"Address of the file, http or https, fetched by WhatsApp; required unless type is text." example:"https://exemplo.com.br/proposta.pdf"`
	Caption        input.Field[string] `json:"caption" maxLength:"1024" doc:"Caption of an image or a document." example:"Proposta de julho"`
	FileName       input.Field[string] `json:"file_name" maxLength:"255" doc:"What a document is called." example:"proposta.pdf"`
	OverrideOptOut input.Field[bool]   `json:"override_opt_out" doc:"Sends to a lead that has opted out all the same." example:"false"`
}

func (s *Service) conversationRoutes(r *api.Router) {
	api.HandleQuery(r, api.Route{
		Method: http.MethodGet, Path: "/conversations", Scope: authz.WhatsAppRead, ID: "listConversations", Tag: conversations, Summary: "List conversations",
		Description: "The conversations of the account, those in which something was written last first. One is all that a WhatsApp number of the account and a customer's phone have written to each other.",
	}, func(ctx context.Context, c *api.Call, query conversationQuery) (api.PagedList[ConversationView], error) {
		page := query.Asked()
		list, total, err := s.Conversations(ctx, c.Actor, query.ConversationFilter, page.Size, page.Offset())
		return api.PageOf(list, page, total), err
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/conversations/{id}", Scope: authz.WhatsAppRead, ID: "getConversation", Tag: conversations, Summary: "Fetch a conversation",
		Description: "Gives one conversation.",
	}, func(ctx context.Context, c *api.Call) (ConversationAnswer, error) {
		return shownConversation(s.Conversation(ctx, c.Actor, c.ID("id")))
	})
	api.HandleQuery(r, api.Route{
		Method: http.MethodGet, Path: "/conversations/{id}/messages", Scope: authz.WhatsAppRead, ID: "listMessages", Tag: conversations, Summary: "Read a conversation",
		Description: "A part of the conversation, newest message first: the newest ones, those before a message, or those after it. To read on, send `meta.oldest_id` as `before`; to look for news, `meta.newest_id` as `after`. " +
			"A message that arrives late stands where its own time belongs.",
	}, func(ctx context.Context, c *api.Call, query MessageQuery) (MessageList, error) {
		return s.Messages(ctx, c.Actor, c.ID("id"), query)
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/messages/{id}/media", Scope: authz.WhatsAppRead, ID: "getMessageMedia", Tag: conversations, Summary: "Download a message's file", MediaType: "application/octet-stream",
		Description: "The file that the customer has sent, or was sent from the handset, as it is kept here; parts of it by `Range`. Its type is told where it is a picture, a sound, a video, a PDF or a plain text. " +
			"A file that is still to be fetched from the provider is a 409; a message without one, or whose file could not be had, a 404.",
		Refusals: []api.Refusal{{Status: http.StatusConflict, When: "The file is still being fetched.", Example: map[string]any{"message": "A mídia ainda está sendo obtida do provedor.", "retry_after": 5}}},
	}, func(ctx context.Context, c *api.Call) (StoredMedium, error) {
		return s.Medium(ctx, c.Actor, c.ID("id"))
	})
	s.conversationChanges(r)
	s.replyRoute(r)
}

func (s *Service) conversationChanges(r *api.Router) {
	plain := func(action, id, summary, description string, change func(ctx context.Context, actor authz.Actor, id int64) (ConversationView, error)) {
		api.Handle(r, api.Route{
			Method: http.MethodPut, Path: "/conversations/{id}/" + action, Scope: authz.WhatsAppWrite, ID: id, Tag: conversations, Summary: summary, Description: description,
		}, func(ctx context.Context, c *api.Call) (ConversationAnswer, error) {
			return shownConversation(change(ctx, c.Actor, c.ID("id")))
		})
	}
	plain("read", "readConversation", "Mark a conversation as read", "Nothing in it is unread then. The customer is shown so (two blue ticks), by a job and as far as their settings and the provider let them see it.", s.MarkRead)
	plain("close", "closeConversation", "Close a conversation", "Nobody has to see to it any more, until the customer writes again.",
		func(ctx context.Context, actor authz.Actor, id int64) (ConversationView, error) {
			return s.SetStatus(ctx, actor, id, ConversationClosed)
		})
	plain("reopen", "reopenConversation", "Reopen a conversation", "Opens a closed conversation; nothing happens if it is open.",
		func(ctx context.Context, actor authz.Actor, id int64) (ConversationView, error) {
			return s.SetStatus(ctx, actor, id, ConversationOpen)
		})
	api.HandleBody(r, api.Route{
		Method: http.MethodPut, Path: "/conversations/{id}/assign", Scope: authz.WhatsAppWrite, ID: "assignConversation", Tag: conversations, Summary: "Assign a conversation",
		Description: "Gives the conversation to a user, or with null to nobody. The lead's owner stays who it is.",
		BodyExample: map[string]any{"assigned_to": 12},
	}, func(ctx context.Context, c *api.Call, form *input.Form[AssignFields]) (ConversationAnswer, error) {
		return shownConversation(s.Assign(ctx, c.Actor, c.ID("id"), form))
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPut, Path: "/conversations/{id}/lead", Scope: authz.WhatsAppWrite, ID: "linkConversation", Tag: conversations, Summary: "Link a conversation to a lead",
		Description: "Says which lead the conversation is with, or with null that it is with none. What was written before stays on the timeline of the lead that it was with. " +
			"Without a link, the customer's next message links it to a lead with the phone, if there is one.",
		BodyExample: map[string]any{"lead_id": 123},
	}, func(ctx context.Context, c *api.Call, form *input.Form[LinkFields]) (ConversationAnswer, error) {
		return shownConversation(s.Link(ctx, c.Actor, c.ID("id"), form))
	})
}

func (s *Service) replyRoute(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/conversations/{id}/messages", Scope: authz.WhatsAppWrite, ID: "replyInConversation", Tag: conversations, Summary: "Reply in a conversation",
		Description: "Sends a text, an image, an audio or a document by the conversation's own number, never by another, and answers once the provider has accepted it. " +
			"On numbers of the Official API it goes out only within 24 hours of the customer's newest message; after that, send the lead a template.",
		Refusals:    append(skipRefusals(SkipOptedOut, SkipNoInstance, SkipWindowClosed, SkipNotOnWhatsApp), providerRefusals()...),
		BodyExample: map[string]any{"type": "document", "media_url": "https://exemplo.com.br/proposta.pdf", "file_name": "proposta.pdf", "caption": "Proposta de julho"},
		Example:     Receipt{Success: true, ConversationID: 99, MessageID: 458, ProviderMsgID: "wamid.xyz789"},
	}, func(ctx context.Context, c *api.Call, form *input.Form[ReplyFields]) (Receipt, error) {
		f, id := &form.Fields, c.ID("id")
		request := SendRequest{
			ConversationID: &id, Kind: Kind(f.Type.Value), Body: f.Body.Value, MediaURL: f.MediaURL.Value, Caption: f.Caption.Value, FileName: f.FileName.Value,
			SentBy: ByAPI, OverrideOptOut: f.OverrideOptOut.Value,
		}
		return s.send(ctx, c.Actor, request.order(), joined(form))
	})
}

// joined judges a plan by its problems and those of the form that it was made from.
func joined[F any](form *input.Form[F]) verdict {
	return func(problems *faults.Bag) error {
		for _, p := range problems.Problems() {
			field, _, _ := strings.Cut(p.Field, ".")
			if !form.Problems.Has(field) || field != p.Field {
				form.Problems.Add(p.Field, p.Message)
			}
		}
		return form.Err()
	}
}
