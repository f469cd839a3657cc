package messaging

import (
	"context"
	"errors"
	"fmt"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
)

// changeConversation changes a conversation, unless apply leaves it as it is.
func (s *Service) changeConversation(ctx context.Context, actor authz.Actor, id int64, apply func(tx *db.Tx, c *Conversation) error) (v ConversationView, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		c, err := lockConversation(tx, actor, id)
		if err != nil {
			return err
		}
		before := *c
		if err := apply(tx, c); err != nil {
			return err
		}
		if before != *c {
			if err := storeConversation(tx, actor, c); err != nil {
				return fmt.Errorf("storing a conversation: %w", err)
			}
		}
		v, err = s.viewOf(tx, actor, id)
		return err
	})
	return v, err
}

// MarkRead makes all messages of a conversation read ones. The customer sees that, once
// the provider was told.
func (s *Service) MarkRead(ctx context.Context, actor authz.Actor, id int64) (ConversationView, error) {
	return s.changeConversation(ctx, actor, id, func(tx *db.Tx, c *Conversation) error {
		if c.UnreadCount == 0 {
			return nil
		}
		c.UnreadCount = 0
		return s.wantReceipt(tx, actor, id)
	})
}

// SetStatus closes a conversation or opens it again.
func (s *Service) SetStatus(ctx context.Context, actor authz.Actor, id int64, status ConversationStatus) (ConversationView, error) {
	return s.changeConversation(ctx, actor, id, func(_ *db.Tx, c *Conversation) error {
		c.Status = status
		return nil
	})
}

// AssignFields say who is to see to a conversation.
type AssignFields struct {
	AssignedTo input.Field[int64] `json:"assigned_to" doc:"User who is to see to it (from the same account); null for nobody. Must be sent." example:"12"`
}

// Assign gives a conversation to a user, or to nobody.
func (s *Service) Assign(ctx context.Context, actor authz.Actor, id int64, form *input.Form[AssignFields]) (ConversationView, error) {
	return s.changeConversation(ctx, actor, id, func(tx *db.Tx, c *Conversation) error {
		user := form.Fields.AssignedTo
		return refer(form, "assigned_to", user, &c.AssignedTo, func() error {
			active, err := accounts.HoldUser(tx, actor, user.Value)
			if err == nil && !active {
				err = db.ErrNoRows
			}
			return err
		})
	})
}

// LinkFields say which lead a conversation is with.
type LinkFields struct {
	LeadID input.Field[int64] `json:"lead_id" doc:"Lead that it is with (from the same account); null for none. Must be sent." example:"123"`
}

// Link says which lead a conversation is with; messages that were written before
// stay on the timeline where they are.
func (s *Service) Link(ctx context.Context, actor authz.Actor, id int64, form *input.Form[LinkFields]) (ConversationView, error) {
	return s.changeConversation(ctx, actor, id, func(tx *db.Tx, c *Conversation) error {
		lead := form.Fields.LeadID
		return refer(form, "lead_id", lead, &c.LeadID, func() error {
			l, err := leads.Find(tx, actor, lead.Value)
			if faults.Is(err, faults.NotFound) || (err == nil && l.MergedInto != nil) {
				return db.ErrNoRows
			}
			return err
		})
	})
}

// refer sets a reference that has to be sent, and may be null. find tells whether
// the account has what it names, with [db.ErrNoRows] if not.
func refer[F any](form *input.Form[F], field string, sent input.Field[int64], place **int64, find func() error) error {
	whole := *form
	whole.Problems = form.Problems.Clone() // the transaction may run twice
	switch {
	case !sent.Sent && !whole.Problems.Has(field):
		whole.Problems.Required(field)
	case sent.Given():
		err := find()
		if err != nil && !errors.Is(err, db.ErrNoRows) {
			return fmt.Errorf("looking up %s %d: %w", field, sent.Value, err)
		}
		if err != nil {
			whole.Problems.Selected(field)
		}
	}
	if err := whole.Err(); err != nil {
		return err
	}
	*place = sent.Ptr()
	return nil
}
