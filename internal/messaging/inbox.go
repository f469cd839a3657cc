package messaging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/jobs"
)

// Inbox takes in what providers tell (whatsapp-providers.md).
//
//	webhook ──signature──▶ inbound_hooks ──job──▶ messages, states, connections
//	         200 at once
//	                                       └─▶ media_fetches ──job──▶ files
//
// Whatever a webhook tells can come twice, late and in any order, so working one
// off twice is the same as doing it once.
type Inbox struct {
	*Service
	InboxOptions
}

// InboxOptions are what an [Inbox] needs besides its [Service].
type InboxOptions struct {
	// Notes is the program's log, for what is left out and why.
	Notes *slog.Logger
	// MediaLimit is how many bytes a medium may have; 0 for [DefaultMediaLimit].
	MediaLimit int64
}

// NewInbox makes the inbox of a service.
func NewInbox(s *Service, o InboxOptions) *Inbox {
	if o.MediaLimit == 0 {
		o.MediaLimit = DefaultMediaLimit
	}
	return &Inbox{s, o}
}

// hookPaths are the paths that providers are told to send to, by the provider's name.
var hookPaths = map[string]string{"waha": "/hooks/waha/{instance}", "cloud_api": "/hooks/whatsapp-cloud/{instance}"}

// Mount serves the paths of the webhooks. No key opens them but the provider's
// signature.
func (b *Inbox) Mount(r *api.Router) {
	for name, provider := range b.Providers {
		path, ok := hookPaths[name]
		if !ok {
			continue
		}
		methods := []string{http.MethodPost}
		challenger, ok := provider.(HookChallenger)
		if ok {
			methods = append(methods, http.MethodGet)
		}
		r.MountFunc(path, func(w http.ResponseWriter, q *http.Request) error {
			c, err := b.hookedNumber(q.Context(), name, q.PathValue("instance"))
			if err != nil {
				return err
			}
			if q.Method == http.MethodPost {
				return b.receiveHook(w, q, provider, c)
			}
			return answerChallenge(w, q, challenger, c)
		}, methods...)
	}
}

// errUnknownNumber is the refusal for a path of no number of that provider.
func errUnknownNumber() error { return faults.Unknown("Número de WhatsApp", "o") }

// hookedNumber finds whose number a path is for.
func (b *Inbox) hookedNumber(ctx context.Context, provider, instance string) (c Connection, err error) {
	id, err := strconv.ParseInt(instance, 10, 64)
	if err != nil {
		return c, errUnknownNumber()
	}
	err = b.db.Read(ctx, func(q db.Querier) error {
		var account int64
		err := db.Get(q.Query(`SELECT account_id FROM whatsapp_instances WHERE id = $1 AND provider = $2 AND deleted_at IS NULL`, id, provider), &account)
		if err != nil {
			return err
		}
		c, err = b.connection(q, authz.Actor{AccountID: account}, id)
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return c, errUnknownNumber()
	}
	return c, err
}

// maxHook is how long a webhook may be; Meta's have up to 3 MB.
const maxHook = 4 << 20

func (b *Inbox) receiveHook(w http.ResponseWriter, q *http.Request, provider Provider, c Connection) error {
	raw, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxHook))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return faults.Newf(faults.TooLarge, "The request body must not be greater than %d bytes.", tooLarge.Limit)
	}
	if err != nil {
		return faults.New(faults.Malformed, "The request body could not be read to its end.").Because(err)
	}
	switch err := provider.VerifyHook(c, q.Header, raw); {
	case errors.Is(err, ErrNoHookSecret):
		return faults.New(faults.Forbidden, "O número não tem segredo de webhook configurado.").Because(err)
	case err != nil:
		return faults.New(faults.Unauthenticated, "Assinatura inválida.").Because(err)
	}
	if err := b.keepHook(q.Context(), c, raw); err != nil {
		return fmt.Errorf("keeping a webhook: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = io.WriteString(w, `{"success":true}`)
	return err
}

func answerChallenge(w http.ResponseWriter, q *http.Request, challenger HookChallenger, c Connection) error {
	challenge, err := challenger.AnswerChallenge(c, q.URL.Query())
	if err != nil {
		return faults.New(faults.Forbidden, "Token de verificação inválido.").Because(err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err = io.WriteString(w, challenge) //nolint:gosec // plain text, and only for who knows the verify token
	return err
}

// Kinds are the kinds of work of the inbox.
func (b *Inbox) Kinds() []jobs.Kind {
	return []jobs.Kind{
		{Name: hookKind, Concurrency: 8, Timeout: hookLease, Work: b.workHook, Due: b.dueHooks},
		{Name: mediaKind, Concurrency: 4, Timeout: mediaLease, Work: b.workMedia, Due: b.dueMedia},
	}
}

const hookKind = "inbound_hook"

// hookLease is how long a webhook belongs to who works on it.
const hookLease = 2 * time.Minute

// keepHook stores a webhook to be worked off.
func (b *Inbox) keepHook(ctx context.Context, c Connection, raw []byte) error {
	body := string(raw)
	if !utf8.ValidString(body) || strings.ContainsRune(body, 0) { // no JSON, and nothing that can be stored
		body = strings.ReplaceAll(strings.ToValidUTF8(body, "\ufffd"), "\x00", "\ufffd")
	}
	return b.db.Write(ctx, func(tx *db.Tx) error {
		var id int64
		if err := db.Get(tx.Query(`INSERT INTO inbound_hooks (account_id, instance_id, body, state, due_at, received_at)
			VALUES ($1, $2, $3, 'pending', $4, $4) RETURNING id`, c.AccountID, c.InstanceID, body, tx.Now()), &id); err != nil {
			return err
		}
		return b.Queue.Enqueue(tx, hookKind, jobKey(c.AccountID, id), tx.Now())
	})
}

// jobKey is what parseKey reads.
func jobKey(account, id int64) string { return fmt.Sprintf("%d:%d", account, id) }

func (b *Inbox) dueHooks(ctx context.Context, limit int) ([]string, error) {
	return b.dueKeys(ctx, `SELECT account_id, id FROM inbound_hooks WHERE state = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT $2`, limit)
}

// hook is a webhook that is being worked off.
type hook struct {
	id, instanceID int64
	body           string
	attempts       int64
}

// claimHook takes a webhook that is due; false when there is none.
func (b *Inbox) claimHook(ctx context.Context, actor authz.Actor, id int64) (h hook, ok bool, err error) {
	h.id = id
	err = b.db.Write(ctx, func(tx *db.Tx) error {
		return db.Get(tx.Query(`UPDATE inbound_hooks SET attempts = attempts + 1, due_at = $3
			WHERE account_id = $1 AND id = $2 AND state = 'pending' AND due_at <= $4 RETURNING instance_id, body, attempts`,
			actor.AccountID, id, tx.Now().Add(hookLease), tx.Now()), &h.instanceID, &h.body, &h.attempts)
	})
	if errors.Is(err, db.ErrNoRows) {
		return h, false, nil
	}
	return h, err == nil, err
}

// hookDelays are the waits before a webhook is looked at again: one that failed, or
// that tells of a message whose sending is still under way. They come to more than
// the time after which such a message counts as abandoned.
var hookDelays = []time.Duration{2 * time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute, 3 * time.Minute, 10 * time.Minute, time.Hour}

// workHook works off one webhook.
func (b *Inbox) workHook(ctx context.Context, key string) error {
	account, id, err := parseKey(key)
	if err != nil {
		return err
	}
	actor, err := b.Automation(ctx, account)
	if err != nil {
		return err
	}
	h, ok, err := b.claimHook(ctx, actor, id)
	if err != nil || !ok {
		return err
	}
	last := int(h.attempts) > len(hookDelays)
	err = b.take(ctx, actor, h, last)
	state, due, problem := "done", b.Clock(), ""
	switch {
	case errors.Is(err, errTooEarly) && !last:
		state, due, err = "pending", due.Add(hookDelays[h.attempts-1]), nil
	case errors.Is(err, errUnreadable), err != nil && last:
		state, problem = "failed", err.Error()
	case err != nil:
		state, due, problem = "pending", due.Add(hookDelays[h.attempts-1]), err.Error()
	}
	return errors.Join(err, b.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		return tx.Queue(`UPDATE inbound_hooks SET state = $3, due_at = $4, error = $5 WHERE account_id = $1 AND id = $2`,
			actor.AccountID, id, state, due, orNull(problem))
	}))
}

// hooksKept is how long webhooks that are worked off are kept, to find out what a
// provider really said.
const hooksKept = 7 * 24 * time.Hour

// ForgetHooks deletes old webhooks that are worked off.
func (b *Inbox) ForgetHooks(ctx context.Context) error {
	return b.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`DELETE FROM inbound_hooks WHERE state <> 'pending' AND received_at < $1`, tx.Now().Add(-hooksKept))
		return err
	})
}
