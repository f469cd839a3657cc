// Package cache keeps one value per account in memory: its pipelines, its custom
// fields, its users. Such values are read by every request and change rarely.
//
// A value is kept for a version of the account's setup (authz.Actor.SetupVersion).
// Whoever changes the setup raises the version in the same transaction, and the
// actor of a later request brings it along; nothing is ever invalidated here.
// The version of a kept value is a lower bound: it was loaded by an actor of that
// version and holds everything up to it, perhaps more.
package cache

import (
	"context"
	"errors"
	"sync"
	"time"

	"syncro/internal/authz"
)

const (
	// maxAccounts is how many accounts' values are kept; beyond it any one goes.
	maxAccounts = 2000
	// loadLimit is how long a load may take. It serves all that wait for it and so
	// does not end with the request that happened to start it.
	loadLimit = 10 * time.Second
)

var errNotLoaded = errors.New("loading an account's setup did not finish")

// PerAccount holds a value of type T per account. Values are shared by all who
// get them and must not be changed. It is safe for concurrent use.
type PerAccount[T any] struct {
	load func(ctx context.Context, accountID int64) (T, error)

	mu      sync.RWMutex
	kept    map[int64]kept[T]
	loading map[int64]*loading[T] // at most one per account
	started int64                 // how many loads have been started
}

// kept is a loaded value.
type kept[T any] struct {
	value T
	age
}

// age says how new a value is: the setup version that it has at least, and the
// place of its load among all loads.
type age struct {
	version int64
	started int64
}

// loading is a load under way; value and err may be read once done is closed.
type loading[T any] struct {
	age
	done  chan struct{}
	value T
	err   error
}

// New makes a cache of what load reads.
func New[T any](load func(ctx context.Context, accountID int64) (T, error)) *PerAccount[T] {
	return &PerAccount[T]{load: load, kept: map[int64]kept[T]{}, loading: map[int64]*loading[T]{}}
}

// Get gives the value of the actor's account, at least as new as the actor's
// setup version. A load takes a connection of its own: call it before a
// transaction, not in one.
func (c *PerAccount[T]) Get(ctx context.Context, actor authz.Actor) (T, error) {
	c.mu.RLock()
	k, ok := c.kept[actor.AccountID]
	c.mu.RUnlock()
	if ok && k.version >= actor.SetupVersion {
		return k.value, nil
	}
	return c.fetch(ctx, actor, func(a age) bool { return a.version >= actor.SetupVersion })
}

// Within is Get for the inside of a transaction, which must not wait for another
// connection: what is not kept, load reads through the transaction itself. A
// transaction that changes what load reads does not call it, for what it reads is
// kept although the transaction may fail.
func (c *PerAccount[T]) Within(actor authz.Actor, load func() (T, error)) (T, error) {
	c.mu.RLock()
	k, ok := c.kept[actor.AccountID]
	c.mu.RUnlock()
	if ok && k.version >= actor.SetupVersion {
		return k.value, nil
	}
	value, err := load()
	if err != nil {
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// Others load meanwhile; what one of them has kept may be newer than this.
	if k, ok := c.kept[actor.AccountID]; !ok || k.version < actor.SetupVersion {
		c.started++
		c.keep(actor.AccountID, &loading[T]{age: age{actor.SetupVersion, c.started}, value: value})
	}
	return value, nil
}

// Reload gives a value that was loaded after the call. It is for a look-up that
// found nothing in the value of [PerAccount.Get]: another node may have added it
// since the actor was authenticated.
func (c *PerAccount[T]) Reload(ctx context.Context, actor authz.Actor) (T, error) {
	c.mu.RLock()
	before := c.started
	c.mu.RUnlock()
	return c.fetch(ctx, actor, func(a age) bool { return a.started > before })
}

// fetch gives a value that is new enough: the kept one, that of a load that
// somebody else has started, or one that it loads itself.
func (c *PerAccount[T]) fetch(ctx context.Context, actor authz.Actor, newEnough func(age) bool) (T, error) {
	var zero T
	for {
		c.mu.Lock()
		if k, ok := c.kept[actor.AccountID]; ok && newEnough(k.age) {
			c.mu.Unlock()
			return k.value, nil
		}
		l := c.loading[actor.AccountID]
		if l == nil {
			c.started++
			l = &loading[T]{age: age{actor.SetupVersion, c.started}, done: make(chan struct{}), err: errNotLoaded}
			c.loading[actor.AccountID] = l
			c.mu.Unlock()
			c.run(ctx, actor.AccountID, l)
			return l.value, l.err
		}
		c.mu.Unlock()
		select {
		case <-l.done:
		case <-ctx.Done():
			return zero, ctx.Err()
		}
		if newEnough(l.age) {
			return l.value, l.err
		}
	}
}

func (c *PerAccount[T]) run(ctx context.Context, accountID int64, l *loading[T]) {
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.loading, accountID)
		if l.err == nil {
			c.keep(accountID, l)
		}
		close(l.done)
	}()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadLimit)
	defer cancel()
	l.value, l.err = c.load(limited, accountID)
}

// keep stores what has been loaded. Loads of one account follow one another, so
// it is newer than what is kept, even if it was an older version that asked.
func (c *PerAccount[T]) keep(accountID int64, l *loading[T]) {
	before, replaced := c.kept[accountID]
	if !replaced && len(c.kept) >= maxAccounts {
		for id := range c.kept {
			delete(c.kept, id)
			break
		}
	}
	c.kept[accountID] = kept[T]{l.value, age{max(l.version, before.version), l.started}}
}
