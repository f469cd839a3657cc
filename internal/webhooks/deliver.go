package webhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"syncro/internal/db"
	"syncro/internal/jobs"
	"syncro/internal/netguard"
)

const (
	// attemptLimit is how long a target has to answer.
	attemptLimit = 15 * time.Second
	// leaseTime is well above attemptLimit: a claim that is older is nobody's.
	leaseTime = time.Minute
	// maxExcerpt is how much of an answer the log keeps.
	maxExcerpt = 1024
	// jobLimit bounds one job, which does more than one delivery when others had to wait.
	jobLimit = 5 * time.Minute
)

// kindName is what jobs are queued as.
const kindName = "webhook_deliver"

// key names a delivery, and the subscription by which its job may have to wait.
type key struct{ account, subscription, delivery int64 }

func (k key) String() string { return fmt.Sprintf("%d:%d:%d", k.account, k.subscription, k.delivery) }

func parseKey(text string) (k key, err error) {
	if n, err := fmt.Sscanf(text, "%d:%d:%d", &k.account, &k.subscription, &k.delivery); n != 3 || err != nil {
		return k, fmt.Errorf("%q is no key of a delivery", text)
	}
	return k, nil
}

func (s *Service) enqueue(tx *db.Tx, k key, due time.Time) error {
	return s.queue.Enqueue(tx, kindName, k.String(), due)
}

// Kinds are the kinds of work of this feature.
func (s *Service) Kinds() []jobs.Kind {
	return []jobs.Kind{{Name: kindName, Concurrency: maxRunning, Timeout: jobLimit, Work: s.work, Due: s.due}}
}

// due gives the deliveries that are due, of whichever account, but for those that
// had to wait anyway.
func (s *Service) due(ctx context.Context, limit int) (names []string, err error) {
	now, full := s.clock(), s.gate.full(0)
	err = s.db.Read(ctx, func(q db.Querier) error {
		keys, err := selectDue(q, now, full, limit)
		names = names[:0]
		for _, k := range keys {
			names = append(names, k.String())
		}
		return err
	})
	return names, err
}

// work delivers what a job names. If that has to wait for a place, the job is done
// with: whoever leaves a place goes on with what is due for the account.
func (s *Service) work(ctx context.Context, text string) error {
	k, err := parseKey(text)
	if err != nil {
		return err
	}
	entered := s.gate.enter(k.account, k.subscription)
	for entered {
		turnedAway, err := s.deliver(ctx, k)
		if err != nil || !turnedAway || ctx.Err() != nil {
			return err
		}
		if k, entered, err = s.another(ctx, k.account); err != nil {
			return err
		}
	}
	return nil
}

// another takes a place for a further delivery that is due for the account, if
// there is one.
func (s *Service) another(ctx context.Context, accountID int64) (k key, entered bool, err error) {
	const looked = 2 // one to take, and one to know that there are more
	now, full := s.clock(), s.gate.full(accountID)
	var waiting []key
	err = s.db.Read(ctx, func(q db.Querier) (err error) {
		waiting, err = selectDueOf(q, accountID, now, full, looked)
		return err
	})
	if err != nil {
		return k, false, err
	}
	if len(waiting) > 0 {
		k = waiting[0]
		entered = s.gate.enter(k.account, k.subscription)
	}
	if len(waiting) > 1 || len(full) > 0 {
		s.gate.remind(accountID) // whoever leaves next looks again
	}
	return k, entered, nil
}

// deliver claims a delivery, tries it, and gives its place back.
func (s *Service) deliver(ctx context.Context, k key) (turnedAway bool, err error) {
	defer func() { turnedAway = s.gate.leave(k.account, k.subscription) }()
	var a *attempt
	err = s.db.Write(ctx, func(tx *db.Tx) (err error) {
		a, err = claim(tx, k)
		return err
	})
	if err != nil || a == nil {
		return false, err
	}
	failed, err := s.try(ctx, a)
	if err == nil {
		s.gate.note(k.account, k.subscription, failed)
	}
	return false, err
}

// attempt is a delivery that is claimed, and what it takes to try it.
type attempt struct {
	key
	message
	target   string
	sealed   []string // the secrets that sign, the current one first
	attempts int64    // this one included
	lead     *int64
	test     bool
	active   bool // whether the subscription is
}

// outcome is what came of an attempt.
type outcome struct {
	ok       bool
	status   *int64
	body     *string
	reason   *string
	duration time.Duration
}

// gone tells whether the target wants to hear no more.
func (o outcome) gone() bool { return o.status != nil && *o.status == http.StatusGone }

// try makes an attempt and writes down what came of it. A stop of the server does
// not end it: a target that is cut off would be asked again.
func (s *Service) try(ctx context.Context, a *attempt) (failed bool, err error) {
	ctx = context.WithoutCancel(ctx)
	limited, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	request, err := s.request(limited, a)
	if err != nil {
		return false, err
	}
	begun := s.clock()
	o := s.send(request)
	o.duration = s.clock().Sub(begun)
	return !o.ok, s.db.Write(ctx, func(tx *db.Tx) error { return s.record(tx, a, o) })
}

func (s *Service) request(ctx context.Context, a *attempt) (*http.Request, error) {
	secrets := make([]string, len(a.sealed))
	for i, sealed := range a.sealed {
		var err error
		if secrets[i], err = s.box.Open(sealed); err != nil {
			return nil, fmt.Errorf("the secret of webhook %d: %w", a.subscription, err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.target, bytes.NewReader(a.body))
	if err != nil {
		return nil, fmt.Errorf("the target of webhook %d cannot be requested", a.subscription) // the address may hold a password
	}
	a.sign(request.Header, s.clock(), secrets)
	return request, nil
}

func (s *Service) send(request *http.Request) (o outcome) {
	answer, err := s.client.Do(request)
	if err != nil {
		reason := reasonOf(err)
		o.reason = &reason
		return o
	}
	defer answer.Body.Close()
	status := int64(answer.StatusCode)
	o.status, o.ok = &status, answer.StatusCode/100 == 2
	// What was answered is known by now; a body that breaks off changes nothing.
	text, _ := netguard.Excerpt(answer.Body, maxExcerpt)
	body := strings.ReplaceAll(strings.ToValidUTF8(string(text), ""), "\x00", "")
	o.body = &body
	if !o.ok {
		reason := fmt.Sprintf("HTTP %d", status)
		if status/100 == 3 {
			reason += " (redirecionamentos não são seguidos)"
		}
		o.reason = &reason
	}
	return o
}

// The reasons that the log gives, which the account's people read. They hold
// nothing of this server's network.
const (
	reasonInactive = "O webhook foi desativado."
	reasonGone     = "Desativado: o destino respondeu 410 (Gone)."
	reasonFailures = "Desativado após %d falhas consecutivas. Última: %s"
)

// reasonOf says in a few words why a target could not be asked.
func reasonOf(err error) string {
	var (
		timeout interface{ Timeout() bool }
		dns     *net.DNSError
		tlsErr  *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, netguard.ErrRefused):
		return "O endereço do destino não é público."
	case errors.As(err, &tlsErr):
		return "O certificado TLS do destino não é válido."
	case errors.As(err, &dns) && dns.IsNotFound:
		return "O nome do destino não existe (DNS)."
	case errors.As(err, &timeout) && timeout.Timeout():
		return "O destino não respondeu a tempo."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "O destino recusou a conexão."
	default:
		return "A conexão com o destino falhou."
	}
}
