package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/secrets"
)

// Safe retries: a request that carries an Idempotency-Key is done once.
//
//	           claim                    the handler's                 the answer
//	(no row) ─────────▶ running ───────────────────────▶ applied ─────────────▶ answered
//	                       │  lease over: claimed anew      │  lease over: 409,
//	                       ▼  (nothing was done yet)        ▼  the answer is lost
//
// "applied" is written in the transaction of the change itself, and only while the
// lease is held, so that a change is done once whatever crashes when. A request
// that finds another one running with its key waits for that one's answer.
const (
	keptFor   = 24 * time.Hour
	leaseTime = time.Minute
	pollEvery = 20 * time.Millisecond
	waitLimit = 50 * time.Second
)

// retryHeaders are the headers of an answer that are replayed with it.
var retryHeaders = []string{"Content-Type", "Etag", "Retry-After"}

// retries keeps the answers of requests with a key.
type retries struct {
	db    *db.DB
	clock func() time.Time
	box   *secrets.Box
}

// retryKey reads Idempotency-Key, "" when there is none or the method is safe.
func retryKey(q *http.Request) (string, error) {
	values, sent := q.Header["Idempotency-Key"]
	if !sent || q.Method == http.MethodGet || q.Method == http.MethodHead {
		return "", nil
	}
	key := strings.TrimSpace(values[0])
	printable := strings.IndexFunc(key, func(c rune) bool { return c < 0x20 || c > 0x7e }) < 0
	if len(values) != 1 || key == "" || len(key) > 255 || !printable {
		return "", faults.New(faults.Malformed, "The Idempotency-Key header must be one value of 1 to 255 printable ASCII characters.")
	}
	return key, nil
}

// claim is the right to run a request, or the answer it had before.
type claim struct {
	account int64
	key     string
	lease   time.Time
	stored  *storedAnswer
}

type storedAnswer struct {
	status  int64
	headers string
	body    string
}

// serveOnce serves a request with a key: it runs it, or replays its answer.
func (r *Router) serveOnce(w http.ResponseWriter, q *http.Request, op *operation, c *Call, key string, body []byte, bodyErr error) {
	ctx := q.Context()
	claim, err := r.retries.claim(ctx, c.Actor.AccountID, key, fingerprint(q, op, c, body))
	if err != nil {
		r.refuse(w, q, err)
		return
	}
	if claim.stored != nil {
		if err := r.retries.unseal(claim.stored, op); err != nil {
			r.refuse(w, q, err)
			return
		}
		if err := claim.stored.replay(w); err != nil {
			r.Log.ErrorContext(ctx, "replaying an answer", "error", err, "request_id", RequestID(ctx))
		}
		return
	}
	recorded := &recordedAnswer{header: w.Header(), status: http.StatusInternalServerError}
	answered := false
	defer func() {
		if !answered { // the handler panicked: the key is given back unless the change was made
			if err := r.retries.finish(context.WithoutCancel(ctx), claim, op, recorded); err != nil {
				r.Log.ErrorContext(ctx, "giving back the key of a request that panicked", "error", err, "request_id", RequestID(ctx))
			}
		}
	}()
	r.answer(db.WithCompanion(ctx, claim.apply), recorded, q, op, c, body, bodyErr)
	answered = true
	if err := r.retries.finish(context.WithoutCancel(ctx), claim, op, recorded); err != nil {
		r.Log.ErrorContext(ctx, "keeping the answer of a request with a key", "error", err, "request_id", RequestID(ctx))
	}
	w.WriteHeader(recorded.status)
	_, _ = w.Write(recorded.body.Bytes()) // a client that has gone can ask again with its key
}

// fingerprint tells one request from another. One whose answer holds a secret is
// repeated only for the API key that made it.
func fingerprint(q *http.Request, op *operation, c *Call, body []byte) string {
	h, secretOf := sha256.New(), ""
	if op.Secret {
		secretOf = strconv.FormatInt(c.Actor.KeyID, 10)
	}
	for _, part := range [][]byte{[]byte(q.Method), []byte(q.URL.RequestURI()), []byte(q.Header.Get("If-Match")), []byte(secretOf), body} {
		h.Write(part)
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// claim takes a key, or waits until the request that has it is answered.
func (s *retries) claim(ctx context.Context, account int64, key, fingerprint string) (*claim, error) {
	ctx, cancel := context.WithTimeout(ctx, waitLimit)
	defer cancel()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		c, err := s.tryClaim(ctx, account, key, fingerprint)
		if !errors.Is(err, errHeld) {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, faults.New(faults.Conflict, "Uma requisição com esta Idempotency-Key ainda está em andamento.", faults.Member{Name: "retry_after", Value: 5})
		case <-poll.C:
		}
	}
}

// errHeld is why a key cannot be claimed now: another request runs with it.
var errHeld = errors.New("another request holds the key")

// tryClaim claims a key or finds its stored answer; errHeld while neither can be had.
func (s *retries) tryClaim(ctx context.Context, account int64, key, fingerprint string) (*claim, error) {
	var c *claim
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		c = nil
		lease := tx.Now().Add(leaseTime)
		n, err := tx.Exec(`INSERT INTO idempotency_keys (account_id, key, fingerprint, state, leased_to, created_at)
			VALUES ($1, $2, $3, 'running', $4, $5)
			ON CONFLICT (account_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, state = 'running', leased_to = excluded.leased_to,
				created_at = excluded.created_at, status = NULL, headers = NULL, body = NULL
			WHERE idempotency_keys.created_at < $6
				OR (idempotency_keys.state = 'running' AND idempotency_keys.leased_to < $5 AND idempotency_keys.fingerprint = $3)`,
			account, key, fingerprint, lease, tx.Now(), tx.Now().Add(-keptFor))
		if err != nil {
			return err
		}
		if n == 1 {
			c = &claim{account: account, key: key, lease: lease}
			return nil
		}
		c, err = heldClaim(tx, account, key, fingerprint)
		return err
	})
	return c, err
}

// heldClaim looks at the row of a key that could not be taken.
func heldClaim(tx *db.Tx, account int64, key, fingerprint string) (*claim, error) {
	var theirs, state string
	var leased time.Time
	var stored struct {
		status        *int64
		headers, body *string
	}
	err := db.Get(tx.Query(`SELECT fingerprint, state, leased_to, status, headers, body FROM idempotency_keys WHERE account_id = $1 AND key = $2`, account, key),
		&theirs, &state, &leased, &stored.status, &stored.headers, &stored.body)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return nil, errHeld // until just now: it failed and was given back
	case err != nil:
		return nil, err
	case theirs != fingerprint:
		return nil, faults.New(faults.Refused, "Esta Idempotency-Key já foi usada com outra requisição.")
	case state == "answered":
		return &claim{stored: &storedAnswer{*stored.status, *stored.headers, *stored.body}}, nil
	case state == "applied" && leased.Before(tx.Now()):
		return nil, faults.New(faults.Conflict, "A requisição com esta Idempotency-Key foi aplicada, mas a resposta se perdeu. Consulte o registro antes de repetir.")
	}
	return nil, errHeld
}

// apply marks the key in the transaction of the change. When the lease was lost,
// the change must not happen: another request has taken it over.
func (c *claim) apply(tx *db.Tx) error {
	n, err := tx.Exec(`UPDATE idempotency_keys SET state = 'applied' WHERE account_id = $1 AND key = $2 AND leased_to = $3`, c.account, c.key, c.lease)
	if err == nil && n == 0 {
		err = faults.New(faults.Conflict, "Outra requisição assumiu esta Idempotency-Key.")
	}
	return err
}

// finish keeps the answer. A failure of the server is not kept: unless the change
// was made, the key is given back so that the request can be tried again.
func (s *retries) finish(ctx context.Context, c *claim, op *operation, a *recordedAnswer) error {
	body := a.body.String()
	if op.Secret {
		var err error
		if body, err = s.box.Seal(body); err != nil {
			return err
		}
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if a.status >= 500 && a.status != http.StatusBadGateway {
			return tx.Queue(`DELETE FROM idempotency_keys WHERE account_id = $1 AND key = $2 AND leased_to = $3 AND state = 'running'`, c.account, c.key, c.lease)
		}
		headers := map[string]string{}
		for _, name := range retryHeaders {
			if v := a.header.Get(name); v != "" {
				headers[name] = v
			}
		}
		text, err := json.Marshal(headers)
		if err != nil {
			return err
		}
		return tx.Queue(`UPDATE idempotency_keys SET state = 'answered', status = $4, headers = $5, body = $6 WHERE account_id = $1 AND key = $2 AND leased_to = $3`,
			c.account, c.key, c.lease, int64(a.status), string(text), body)
	})
}

// unseal makes the stored answer of a route that shows a secret readable again.
func (s *retries) unseal(a *storedAnswer, op *operation) (err error) {
	if op.Secret {
		a.body, err = s.box.Open(a.body)
	}
	return err
}

func (a *storedAnswer) replay(w http.ResponseWriter) error {
	var headers map[string]string
	if err := json.Unmarshal([]byte(a.headers), &headers); err != nil {
		return err
	}
	for name, v := range headers {
		w.Header().Set(name, v)
	}
	w.Header().Set("Idempotent-Replayed", "true")
	w.WriteHeader(int(a.status))
	_, err := w.Write([]byte(a.body))
	return err
}

// recordedAnswer holds an answer until it has been kept.
type recordedAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *recordedAnswer) Header() http.Header { return a.header }

func (a *recordedAnswer) WriteHeader(status int) { a.status = status }

func (a *recordedAnswer) Write(b []byte) (int, error) { return a.body.Write(b) }

// ForgetOldRetries removes the keys that are no longer kept; app calls it every hour.
func (r *Router) ForgetOldRetries(ctx context.Context) error {
	return r.DB.Write(ctx, func(tx *db.Tx) error {
		return tx.Queue(`DELETE FROM idempotency_keys WHERE created_at < $1`, tx.Now().Add(-keptFor))
	})
}

// ReleaseRetries ends the leases of a process that was killed. Only the single
// process of a SQLite database may call it, at its start.
func (r *Router) ReleaseRetries(ctx context.Context) error {
	return r.DB.Write(ctx, func(tx *db.Tx) error {
		return tx.Queue(`UPDATE idempotency_keys SET leased_to = $1 WHERE state <> 'answered' AND leased_to > $1`, tx.Now().Add(-time.Second))
	})
}
