package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

const (
	keyStart    = "crm_" // how every key begins (companion-api.md)
	keyRandom   = 40     // characters after that
	keyAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	keyShown    = 12 // characters of a key that are kept for display
)

// Key is an API key as it is stored.
type Key struct {
	ID         int64
	Name       string
	Prefix     string // its first characters
	Scopes     []authz.Scope
	UserID     *int64     // the user it acts as, whose role caps its scopes; nil: the account's first, without a cap
	RateLimit  *int64     // requests a minute; nil: the configured limit
	Expires    *time.Time // nil: never
	Revoked    *time.Time // nil: it is not
	ReplacedBy *int64     // the key that a rotation has made of it
	Created    time.Time
}

// KeyState says whether a key can be used.
type KeyState string

// The states of a key. A revoked key that has expired, too, is revoked.
const (
	KeyActive  KeyState = "active"
	KeyExpired KeyState = "expired"
	KeyRevoked KeyState = "revoked"
)

// State tells whether the key can be used at a time.
func (k Key) State(now time.Time) KeyState {
	switch {
	case k.Revoked != nil:
		return KeyRevoked
	case k.Expires != nil && !now.Before(*k.Expires):
		return KeyExpired
	default:
		return KeyActive
	}
}

// NewKey is what makes a key.
type NewKey struct {
	Name      string
	Scopes    []authz.Scope // none means [authz.DefaultScopes]
	UserID    *int64        // the user it acts as; nil: the account's first
	Expires   *time.Time
	RateLimit *int64 // requests a minute
}

// CreateKey makes a key. The second result is the key itself, which nothing can
// show again.
func (s *Service) CreateKey(ctx context.Context, accountID int64, n NewKey) (Key, string, error) {
	n.Name = strings.TrimSpace(n.Name)
	if len(n.Scopes) == 0 {
		n.Scopes = authz.DefaultScopes()
	}
	var problems faults.Bag
	checkText(&problems, "name", n.Name)
	n.Scopes = checkScopes(&problems, n.Scopes)
	if n.Expires != nil && !n.Expires.After(s.clock()) {
		problems.Add("expires_at", notInFuture)
	}
	if n.RateLimit != nil && *n.RateLimit < 1 {
		problems.Add("rate_limit", "The rate limit field must be at least 1.")
	}
	return s.storeKey(ctx, accountID, func(*db.Tx) (NewKey, faults.Bag, error) { return n, problems.Clone(), nil })
}

const notInFuture = "The expires at field must be a date after now."

// storeKey makes the key that settle gives, unless that finds something wrong with
// it or its user is none of the account.
func (s *Service) storeKey(ctx context.Context, accountID int64, settle func(tx *db.Tx) (NewKey, faults.Bag, error)) (Key, string, error) {
	plain := newKey()
	var key Key
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := selectAccount(tx, accountID); err != nil {
			return err
		}
		n, problems, err := settle(tx)
		if err != nil {
			return err
		}
		if n.UserID != nil {
			switch active, err := HoldUser(tx, authz.Actor{AccountID: accountID}, *n.UserID); {
			case err != nil:
				return err
			case !active:
				problems.Selected("user_id")
			}
		}
		problems.SortBy([]string{"name", "scopes", "user_id", "rate_limit", "expires_at"})
		if err := problems.Err(); err != nil {
			return err
		}
		key, err = insertKey(tx, accountID, n, plain)
		return err
	})
	if err != nil {
		return Key{}, "", fmt.Errorf("creating a key of account %d: %w", accountID, err)
	}
	return key, plain, nil
}

// ListKeys lists the account's keys by id, expired and revoked ones among them.
func (s *Service) ListKeys(ctx context.Context, accountID int64) (keys []Key, err error) {
	err = s.db.Read(ctx, func(q db.Querier) (err error) {
		if _, err = selectAccount(q, accountID); err != nil {
			return err
		}
		keys, err = selectKeys(q, accountID)
		return err
	})
	return keys, wrapped(err, "listing the keys of account %d", accountID)
}

// RevokeKey ends a key for good: in this process at once, elsewhere within
// [principalAge]. Revoking it again changes nothing.
func (s *Service) RevokeKey(ctx context.Context, accountID, keyID int64) error {
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		found, err := revokeKey(tx, accountID, keyID)
		if err != nil {
			return err
		}
		if !found {
			return unknownKeyID()
		}
		s.forgetAfterCommit(tx, accountID)
		return nil
	})
	return wrapped(err, "revoking key %d of account %d", keyID, accountID)
}

// checkScopes gives the scopes without repetitions.
func checkScopes(problems *faults.Bag, scopes []authz.Scope) []authz.Scope {
	known := authz.AllScopes()
	var once []authz.Scope
	for _, scope := range scopes {
		if !slices.Contains(known, scope) {
			problems.Addf("scopes", "The scope %q does not exist. The scopes are %s.", scope, strings.ReplaceAll(joinScopes(known), " ", ", "))
			return nil
		}
		if !slices.Contains(once, scope) {
			once = append(once, scope)
		}
	}
	return once
}

// newKey makes a key of about 238 random bits.
func newKey() string {
	key := make([]byte, 0, len(keyStart)+keyRandom)
	key = append(key, keyStart...)
	var random [2 * keyRandom]byte
	for {
		_, _ = rand.Read(random[:]) // it never fails (crypto/rand)
		for _, b := range random {
			// Six bits at a time; the values beyond the alphabet are passed over, so
			// that all characters are equally likely.
			if i := int(b & 63); i < len(keyAlphabet) {
				key = append(key, keyAlphabet[i])
			}
			if len(key) == cap(key) {
				return string(key)
			}
		}
	}
}

// HashKey is the form in which a key is stored: its SHA-256 in hex.
func HashKey(plain string) string {
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:])
}

// KeyPrefix is the part of a key that is stored readable, to tell keys apart.
func KeyPrefix(plain string) string { return plain[:min(keyShown, len(plain))] }
