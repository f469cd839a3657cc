package accounts

import (
	"encoding/binary"
	"testing"
	"time"

	"syncro/internal/api"
	"syncro/internal/authz"
)

func hashOf(n int) (h keyHash) {
	binary.BigEndian.PutUint64(h[:], uint64(n))
	return h
}

func TestALookUpThatAChangeOvertookIsNotKept(t *testing.T) {
	p, now := newPrincipals(), time.Unix(0, 0)
	k := keptPrincipal{principal: api.Principal{Actor: authz.Actor{AccountID: 1}}, asked: now}
	begun := p.begin()
	p.forget(1)
	p.keep(hashOf(1), k, begun)
	if _, ok := p.get(hashOf(1), now); ok {
		t.Error("what was read before the change is kept after it")
	}
	p.keep(hashOf(1), k, p.begin())
	p.forget(2)
	if _, ok := p.get(hashOf(1), now); !ok {
		t.Error("another account's change dropped the key")
	}
}

func TestNoMoreThanTheLimitOfKeysIsKept(t *testing.T) {
	p := newPrincipals()
	for n := range maxPrincipals + 100 {
		p.keep(hashOf(n), keptPrincipal{}, p.begin())
	}
	if len(p.kept) != maxPrincipals {
		t.Errorf("%d keys kept, want %d", len(p.kept), maxPrincipals)
	}
}
