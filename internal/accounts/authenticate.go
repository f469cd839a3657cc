package accounts

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// maxPresented is the length beyond which a text is no key, unseen.
const maxPresented = 128

// Authenticate tells whom the presented key stands for. It refuses, in this
// order and with the messages of companion-api.md section 1: no key, an unknown
// or revoked one, an expired one, and the keys of an account that may not be used.
//
// Keys are found by their SHA-256, so the time it takes tells nothing about any
// key. Only successful look-ups are kept; guesses cannot fill the memory.
func (s *Service) Authenticate(ctx context.Context, presented string) (api.Principal, error) {
	if presented == "" {
		return api.Principal{}, faults.New(faults.Unauthenticated, "API Key não fornecida.")
	}
	if len(presented) > maxPresented || !strings.HasPrefix(presented, keyStart) {
		return api.Principal{}, unknownKey()
	}
	hash, now := keyHash(sha256.Sum256([]byte(presented))), s.clock()
	known, ok := s.principals.get(hash, now)
	if !ok {
		var err error
		if known, err = s.lookUp(ctx, hash, now); err != nil {
			return api.Principal{}, err
		}
	}
	if known.expired(now) {
		return api.Principal{}, expiredKey()
	}
	return known.principal, nil
}

func (k *keptPrincipal) expired(now time.Time) bool {
	return !k.expires.IsZero() && !now.Before(k.expires)
}

// lookUp finds a usable key in the database and keeps it.
func (s *Service) lookUp(ctx context.Context, hash keyHash, now time.Time) (keptPrincipal, error) {
	forgotten := s.principals.begin()
	stored := hex.EncodeToString(hash[:])
	var r keyRecord
	err := s.db.Read(ctx, func(q db.Querier) (err error) {
		r, err = selectKeyByHash(q, stored)
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return keptPrincipal{}, unknownKey()
	}
	if err != nil {
		return keptPrincipal{}, fmt.Errorf("looking up an API key: %w", err)
	}
	found := keptPrincipal{asked: now}
	if r.expires != nil {
		found.expires = *r.expires
	}
	switch {
	case r.bound && r.userID == 0: // its user is there no more
		return keptPrincipal{}, unknownKey()
	case r.revoked != nil || subtle.ConstantTimeCompare([]byte(r.hash), []byte(stored)) != 1:
		return keptPrincipal{}, unknownKey()
	case found.expired(now):
		return keptPrincipal{}, expiredKey()
	case r.status != Active && r.status != Trial:
		return keptPrincipal{}, faults.New(faults.Forbidden, "Conta inativa.")
	}
	if found.principal, err = s.principal(r); err != nil {
		return keptPrincipal{}, err
	}
	s.principals.keep(hash, found, forgotten)
	return found, nil
}

func (s *Service) principal(r keyRecord) (api.Principal, error) {
	zone, err := s.zone(r.timeZone)
	if err != nil {
		return api.Principal{}, fmt.Errorf("the time zone of account %d: %w", r.accountID, err)
	}
	p := api.Principal{
		Actor: authz.Actor{
			AccountID: r.accountID, UserID: r.userID, KeyID: r.keyID, Scopes: r.effective(),
			Location: zone, PhoneRegion: r.phoneRegion, SetupVersion: r.setupVersion, MaxLeads: r.maxLeads,
		},
		RateLimit: s.rateLimit,
	}
	if r.rateLimit != nil {
		p.RateLimit = *r.rateLimit
	}
	return p, nil
}

// effective are the scopes that the key has in fact: one that acts as a user has
// none that his role lacks.
func (r *keyRecord) effective() []authz.Scope {
	if !r.bound {
		return r.scopes
	}
	return within(r.scopes, r.role.Scopes())
}

// within are those scopes that are among the allowed ones.
func within(scopes, allowed []authz.Scope) []authz.Scope {
	return slices.DeleteFunc(slices.Clone(scopes), func(s authz.Scope) bool { return !slices.Contains(allowed, s) })
}

func unknownKey() error { return faults.New(faults.Unauthenticated, "API Key inválida.") }
func expiredKey() error { return faults.New(faults.Unauthenticated, "API Key expirada.") }
