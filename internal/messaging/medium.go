package messaging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
)

// DefaultMediaLimit is how many bytes a customer's medium may have. WhatsApp takes
// documents of up to 100 MB and everything else up to 16.
const DefaultMediaLimit = 100 << 20

const mediaKind = "media_fetch"

// mediaLease is how long a medium belongs to who fetches it.
const mediaLease = 5 * time.Minute

// mediaDelays are the waits before a medium is fetched again. Providers keep them
// for some time only.
var mediaDelays = []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour}

// wantMedium lets the file of a stored message be fetched, if it has one.
func (t *taking) wantMedium(tx *db.Tx, m *Message) error {
	if m.Media.URL == "" {
		return nil
	}
	if err := tx.Queue(`INSERT INTO media_fetches (account_id, message_id, state, due_at) VALUES ($1, $2, 'pending', $3)`,
		t.actor.AccountID, m.ID, tx.Now()); err != nil {
		return err
	}
	return t.Queue.Enqueue(tx, mediaKind, jobKey(t.actor.AccountID, m.ID), tx.Now())
}

func (b *Inbox) dueMedia(ctx context.Context, limit int) ([]string, error) {
	return b.dueKeys(ctx, `SELECT account_id, message_id FROM media_fetches WHERE state = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT $2`, limit)
}

// workMedia fetches the file of one message.
func (b *Inbox) workMedia(ctx context.Context, key string) error {
	account, id, err := parseKey(key)
	if err != nil {
		return err
	}
	actor := authz.Actor{AccountID: account}
	m, c, attempts, err := b.claimMedium(ctx, actor, id)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	file, size, err := b.fetch(ctx, c, m)
	return errors.Join(err, b.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		if err == nil {
			if err := tx.Queue(`UPDATE messages SET media_file = $3, media_size = $4 WHERE account_id = $1 AND id = $2`, account, id, file, size); err != nil {
				return err
			}
			return tx.Queue(`DELETE FROM media_fetches WHERE account_id = $1 AND message_id = $2`, account, id)
		}
		state, due := "failed", tx.Now()
		if attempts <= int64(len(mediaDelays)) && !lost(err) {
			state, due = "pending", due.Add(mediaDelays[attempts-1])
		}
		return tx.Queue(`UPDATE media_fetches SET state = $3, due_at = $4, error = $5 WHERE account_id = $1 AND message_id = $2`, account, id, state, due, err.Error())
	}))
}

// claimMedium takes a medium that is to be fetched; [db.ErrNoRows] when there is none.
func (b *Inbox) claimMedium(ctx context.Context, actor authz.Actor, id int64) (m *Message, c Connection, attempts int64, err error) {
	err = b.db.Write(ctx, func(tx *db.Tx) error {
		err := db.Get(tx.Query(`UPDATE media_fetches SET attempts = attempts + 1, due_at = $3
			WHERE account_id = $1 AND message_id = $2 AND state = 'pending' AND due_at <= $4 RETURNING attempts`,
			actor.AccountID, id, tx.Now().Add(mediaLease), tx.Now()), &attempts)
		if err != nil {
			return err
		}
		if m, err = lockMessage(tx, actor, id); err != nil {
			return err
		}
		c, err = b.connection(tx, actor, m.InstanceID)
		return err
	})
	return m, c, attempts, err
}

var (
	errTooLarge = errors.New("the medium is larger than is taken")
	errNoMedia  = errors.New("the provider cannot fetch media")
)

// lost tells whether trying again is of no use.
func lost(err error) bool {
	problem, refused := errors.AsType[*SendError](err)
	return errors.Is(err, errTooLarge) || errors.Is(err, errNoMedia) || (refused && problem.Outcome == Permanent)
}

// fetch brings a message's file into the folder and gives its name there. It is
// there whole or not at all, and fetching it twice is the same as once.
func (b *Inbox) fetch(ctx context.Context, c Connection, m *Message) (name string, size int64, err error) {
	opener, ok := b.Providers[c.Provider].(MediaOpener)
	if !ok {
		return "", 0, errNoMedia
	}
	content, err := opener.OpenMedia(ctx, c, IncomingMedia{Reference: m.Media.URL, MimeType: m.Media.MimeType, FileName: m.Media.Name})
	if err != nil {
		return "", 0, fmt.Errorf("fetching the medium of message %d: %w", m.ID, err)
	}
	defer content.Close()
	// Nothing that a customer or a provider says is part of the path.
	name = filepath.Join(strconv.FormatInt(c.AccountID, 10), strconv.FormatInt(m.ID, 10)+extension(m.Media.MimeType))
	path := filepath.Join(b.MediaDir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", 0, fmt.Errorf("making the folder of media: %w", err)
	}
	if size, err = writeFile(path, content, b.MediaLimit); err != nil {
		return "", 0, fmt.Errorf("storing the medium of message %d: %w", m.ID, err)
	}
	return filepath.ToSlash(name), size, nil
}

// writeFile writes content beside path and renames it once it is whole and durable.
func writeFile(path string, content io.Reader, limit int64) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".incoming-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone already, unless something failed
	size, err = io.Copy(f, io.LimitReader(content, limit+1))
	if err == nil && size > limit {
		err = fmt.Errorf("%w: %d bytes at most", errTooLarge, limit)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	return size, os.Rename(f.Name(), path)
}

// extensions are what files of the types that WhatsApp carries are called.
var extensions = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif",
	"audio/ogg": ".ogg", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/aac": ".aac", "audio/amr": ".amr",
	"video/mp4": ".mp4", "video/3gpp": ".3gp", "application/pdf": ".pdf", "text/plain": ".txt",
}

func extension(mimeType string) string {
	plain, _, err := mime.ParseMediaType(mimeType)
	if known, ok := extensions[plain]; ok && err == nil {
		return known
	}
	return ".bin"
}
