package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/jobs"
)

// That a conversation was read here its customer is shown by a job, for the provider
// may be slow or away:
//
//	MarkRead ──▶ read_receipts ──job──▶ provider
const receiptKind = "read_receipt"

// receiptLease is how long a receipt belongs to who shows it.
const receiptLease = 2 * time.Minute

// receiptDelays are the waits before it is tried again; then nobody is interested.
var receiptDelays = []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute, time.Hour}

func (s *Service) receiptJobs() jobs.Kind {
	return jobs.Kind{
		Name: receiptKind, Concurrency: 4, Timeout: receiptLease, Work: s.showRead,
		Due: func(ctx context.Context, limit int) (keys []string, err error) {
			return s.dueKeys(ctx, `SELECT account_id, conversation_id FROM read_receipts WHERE due_at <= $1 ORDER BY due_at LIMIT $2`, limit)
		},
	}
}

// wantReceipt lets the customer of a conversation be shown that it was read. Read
// again before that, it counts as new.
func (s *Service) wantReceipt(tx *db.Tx, actor authz.Actor, conversationID int64) error {
	if err := tx.Queue(`INSERT INTO read_receipts (account_id, conversation_id, due_at) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, conversation_id) DO UPDATE SET due_at = excluded.due_at, attempts = 0`, actor.AccountID, conversationID, tx.Now()); err != nil {
		return err
	}
	return s.Queue.Enqueue(tx, receiptKind, jobKey(actor.AccountID, conversationID), tx.Now())
}

// showRead shows one customer that what they wrote has been read.
func (s *Service) showRead(ctx context.Context, key string) error {
	account, id, err := parseKey(key)
	if err != nil {
		return err
	}
	actor := authz.Actor{AccountID: account}
	var attempts int64
	var conversation *Conversation
	var connection Connection
	var newest string
	err = s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if err = db.Get(tx.Query(`UPDATE read_receipts SET attempts = attempts + 1, due_at = $3 WHERE account_id = $1 AND conversation_id = $2 AND due_at <= $4 RETURNING attempts`,
			account, id, tx.Now().Add(receiptLease), tx.Now()), &attempts); err != nil {
			return err
		}
		if conversation, err = findConversation(tx, actor, id); err != nil {
			return err
		}
		if newest, err = newestInbound(tx, actor, id); err != nil {
			return err
		}
		connection, err = s.connection(tx, actor, conversation.InstanceID)
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("claiming a read receipt: %w", err)
	}
	teller, ok := s.Providers[connection.Provider].(ReadTeller)
	if ok && newest != "" {
		err = teller.TellRead(ctx, connection, conversation.ChatID, newest)
	}
	return errors.Join(err, s.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		if err != nil && sendError(err).Retryable() && attempts <= int64(len(receiptDelays)) {
			return tx.Queue(`UPDATE read_receipts SET due_at = $4 WHERE account_id = $1 AND conversation_id = $2 AND attempts = $3`,
				account, id, attempts, tx.Now().Add(receiptDelays[attempts-1]))
		}
		return tx.Queue(`DELETE FROM read_receipts WHERE account_id = $1 AND conversation_id = $2 AND attempts = $3`, account, id, attempts)
	}))
}

// newestInbound is the provider's id of the newest message of the customer's; "" when
// there is none.
func newestInbound(q db.Querier, actor authz.Actor, conversationID int64) (id string, err error) {
	err = db.Get(q.Query(`SELECT provider_msg_id FROM messages WHERE account_id = $1 AND conversation_id = $2 AND direction = 'in' AND provider_msg_id IS NOT NULL
		ORDER BY at DESC, id DESC LIMIT 1`, actor.AccountID, conversationID), &id)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return id, err
}
