package app

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// loop is work that is done again and again beside the requests. What it does is
// in once, which can be called and tested by itself.
type loop struct {
	name  string
	every time.Duration
	once  func(ctx context.Context) error
}

// run works at once and then at its interval, until ctx ends. A run that fails is
// logged; the next one tries again.
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

// loops are those of a server.
func (a *App) loops() []loop {
	return []loop{
		{"forget old retries", time.Hour, a.router.ForgetOldRetries},
	}
}
