package messaging

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/leads"
)

// Relation is what messaging has of leads.
func Relation() leads.Relation {
	conversations, messages := leads.Rows("conversations"), leads.Rows("messages")
	return leads.Relation{
		Move: func(tx *db.Tx, actor authz.Actor, m *leads.Merge) error {
			return errors.Join(conversations.Move(tx, actor, m), messages.Move(tx, actor, m))
		},
		Return: func(tx *db.Tx, actor authz.Actor, m *leads.Merge) error {
			return errors.Join(conversations.Return(tx, actor, m), messages.Return(tx, actor, m))
		},
		Purge: purge,
	}
}

// purge removes what was written with leads. A conversation in which another lead
// has messages, too, is kept for them.
func purge(tx *db.Tx, actor authz.Actor, leads []int64) error {
	const theirs = `FROM messages WHERE account_id = $1 AND (lead_id = ANY($2)
		OR (lead_id IS NULL AND conversation_id IN (SELECT c.id FROM conversations c WHERE c.account_id = $1 AND c.lead_id = ANY($2))))`
	for _, sql := range []string{
		`INSERT INTO media_removals (account_id, file) SELECT account_id, media_file ` + theirs + ` AND media_file IS NOT NULL ON CONFLICT DO NOTHING`,
		`DELETE ` + theirs,
		`DELETE FROM conversations WHERE account_id = $1 AND lead_id = ANY($2)
			AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.account_id = conversations.account_id AND m.conversation_id = conversations.id)`,
		`DELETE FROM number_checks WHERE account_id = $1 AND phone_key IN (SELECT l.phone_key FROM leads l WHERE l.account_id = $1 AND l.id = ANY($2))
			AND NOT EXISTS (SELECT 1 FROM leads o WHERE o.account_id = $1 AND o.phone_key = number_checks.phone_key AND o.deleted_at IS NULL AND o.merged_into IS NULL)`,
	} {
		if err := tx.Queue(sql, actor.AccountID, leads); err != nil {
			return fmt.Errorf("purging messages: %w", err)
		}
	}
	return nil
}

// removalBatch is how many files are removed between two looks at what is to be removed.
const removalBatch = 200

// RemoveMedia removes the files of messages that were purged. It can stop at any
// moment: a file that was removed is removed once more at most.
func (b *Inbox) RemoveMedia(ctx context.Context) error {
	type removal struct {
		account int64
		file    string
	}
	for ctx.Err() == nil {
		var batch []removal
		if err := b.db.Read(ctx, func(q db.Querier) (err error) {
			batch, err = db.Collect(q.Query(`SELECT account_id, file FROM media_removals LIMIT $1`, int64(removalBatch)),
				func(r *db.Rows, m *removal) { r.Scan(&m.account, &m.file) })
			return err
		}); err != nil || len(batch) == 0 {
			return err
		}
		for _, m := range batch {
			if err := os.Remove(filepath.Join(b.MediaDir, filepath.FromSlash(m.file))); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("removing a purged medium: %w", err)
			}
		}
		if err := b.db.Write(ctx, func(tx *db.Tx) error {
			for _, m := range batch {
				if err := tx.Queue(`DELETE FROM media_removals WHERE account_id = $1 AND file = $2`, m.account, m.file); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return ctx.Err()
}
