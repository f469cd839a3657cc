package accounts

import (
	"crypto/sha256"
	"sync"
	"time"

	"syncro/internal/api"
)

const (
	// principalAge is how long a key is trusted without looking it up again. A
	// revoked key must stop on every node within a second.
	principalAge = 500 * time.Millisecond
	// maxPrincipals is how many keys are kept; beyond it any one goes.
	maxPrincipals = 10_000
)

// keyHash is the SHA-256 of a key.
type keyHash [sha256.Size]byte

// principals keeps what recent look-ups of keys have found.
type principals struct {
	mu   sync.RWMutex
	kept map[keyHash]keptPrincipal
	// forgotten counts the calls of forget. What was read before such a call and
	// arrives after it may be out of date, and is not kept.
	forgotten int64
}

type keptPrincipal struct {
	principal api.Principal
	expires   time.Time // zero: never
	asked     time.Time // when the look-up began
}

func newPrincipals() *principals {
	return &principals{kept: map[keyHash]keptPrincipal{}}
}

// get gives what is known of a key, if it is recent. Whether the key has expired
// since is for the caller to see.
func (p *principals) get(hash keyHash, now time.Time) (k keptPrincipal, ok bool) {
	p.mu.RLock()
	k, ok = p.kept[hash]
	p.mu.RUnlock()
	age := now.Sub(k.asked)
	return k, ok && age >= 0 && age < principalAge
}

// begin is called before a look-up; its result is given to keep.
func (p *principals) begin() (forgotten int64) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.forgotten
}

func (p *principals) keep(hash keyHash, k keptPrincipal, forgotten int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.forgotten != forgotten {
		return
	}
	if _, replaced := p.kept[hash]; !replaced && len(p.kept) >= maxPrincipals {
		for other := range p.kept {
			delete(p.kept, other)
			break
		}
	}
	p.kept[hash] = k
}

// forget drops the keys of an account.
func (p *principals) forget(accountID int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgotten++
	for hash, k := range p.kept {
		if k.principal.Actor.AccountID == accountID {
			delete(p.kept, hash)
		}
	}
}
