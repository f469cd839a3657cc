package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// loop is work that is done again and again beside the requests. What it does is
// in once, which can be called and tested by itself.
type loop struct {
	name   string
	every  time.Duration
	wake   <-chan struct{} // also runs it; nil for none
	gather time.Duration   // how long it waits after that for more to come together
	once   func(ctx context.Context) error
}

// run works at once, and then at its interval and whenever it is woken, until ctx
// ends. A run that fails is logged; the next one tries again.
func (l loop) run(ctx context.Context, log *slog.Logger) {
	ticker := time.NewTicker(l.every)
	defer ticker.Stop()
	for {
		if err := l.guarded(ctx); err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "a loop failed", "loop", l.name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-l.wake:
			select {
			case <-ctx.Done():
				return
			case <-time.After(l.gather):
			}
		}
	}
}

// guarded turns a panic into an error: one loop does not stop the server.
func (l loop) guarded(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return l.once(ctx)
}

// loops are those of a server. What they look for may also lie there since before
// the start, which is why each runs at once.
func (a *App) loops() []loop {
	return []loop{
		{name: "forget old retries", every: time.Hour, once: a.router.ForgetOldRetries},
		{name: "index for search", every: time.Minute, wake: a.Leads.Unindexed(), gather: time.Second, once: a.indexSearch},
		{name: "let scores decay", every: time.Hour, once: a.Scoring.RunDecay},
		{name: "forget old deliveries", every: time.Hour, once: a.Webhooks.ForgetOld},
		{name: "forget old imports", every: time.Hour, once: a.Imports.ForgetOld},
		{name: "forget old webhooks", every: time.Hour, once: a.Inbox.ForgetHooks},
		{name: "purge the trash", every: time.Hour, once: a.purgeTrash},
	}
}

// purgeTrash removes what has been in the trash for too long, and the files of it.
func (a *App) purgeTrash(ctx context.Context) error {
	return errors.Join(a.Leads.PurgeOld(ctx), a.Inbox.RemoveMedia(ctx))
}

// indexSearch indexes until nothing waits.
func (a *App) indexSearch(ctx context.Context) error {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = a.Leads.IndexSearch(ctx); err != nil {
			return err
		}
	}
	return nil
}
