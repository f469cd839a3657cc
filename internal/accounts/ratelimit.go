package accounts

import (
	"context"
	"fmt"
	"sync"
	"time"

	"syncro/internal/api"
	"syncro/internal/db"
)

const (
	// rateWindow is how long requests are counted together (companion-api.md
	// section 1: from the key's first counted request).
	rateWindow = time.Minute
	// sweepFrom is the number of keys from which ended windows are looked for.
	sweepFrom = 1024
)

// RateLimiter counts the requests of keys in fixed windows of a minute.
//
// On SQLite, where one process serves, it counts in memory. On PostgreSQL the
// nodes share a window in the table rate_windows: a node takes portions of a
// hundredth of the limit and passes requests out of its portion without asking
// again. A limit below 200 is thereby exact over all nodes; above, what a node
// has taken and does not use is missing from the others, never the reverse.
//
// A window keeps the limit it began with. It is safe for concurrent use.
type RateLimiter struct {
	clock func() time.Time
	take  func(ctx context.Context, keyID, limit int64, now time.Time) (portion, error)

	mu      sync.Mutex
	windows map[int64]*window
	sweepAt int // number of windows at which the next sweep is due
}

// window is what this process knows of a key's current window.
type window struct {
	start   time.Time
	limit   int64
	granted int64         // requests that may still pass here
	free    int64         // requests that nobody has taken yet, as far as is known
	asking  chan struct{} // closed when the portion being asked for has arrived; nil: none is
}

// portion is a part of a window that has been given to this process.
type portion struct {
	start   time.Time
	granted int64
	free    int64 // what is left for others
}

// NewRateLimiter makes a limiter; all nodes of one database share their counts.
func NewRateLimiter(d *db.DB, clock func() time.Time) *RateLimiter {
	l := &RateLimiter{clock: clock, take: wholeWindow, windows: map[int64]*window{}, sweepAt: sweepFrom}
	if d.Engine() == db.Postgres {
		l.take = func(ctx context.Context, keyID, limit int64, now time.Time) (portion, error) {
			return sharedPortion(ctx, d, keyID, limit, now)
		}
	}
	return l
}

// Take counts a request of the key if the limit, in requests a minute, allows
// it. A refused request is not counted.
func (l *RateLimiter) Take(ctx context.Context, keyID, limit int64) (api.Allowance, error) {
	for {
		l.mu.Lock()
		now := l.clock()
		w := l.window(keyID, limit, now)
		switch {
		case w.granted > 0:
			w.granted--
			a := w.allowance(true, now)
			l.mu.Unlock()
			return a, nil
		case w.free == 0:
			a := w.allowance(false, now)
			l.mu.Unlock()
			return a, nil
		case w.asking == nil:
			w.asking = make(chan struct{})
			l.mu.Unlock()
			return l.ask(ctx, w, keyID, now)
		}
		asking := w.asking
		l.mu.Unlock()
		select {
		case <-asking:
		case <-ctx.Done():
			return api.Allowance{}, ctx.Err()
		}
	}
}

// Peek tells what is left of the key's limit, as far as this process knows, and
// counts nothing.
func (l *RateLimiter) Peek(keyID, limit int64) api.Allowance {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	w := l.windows[keyID]
	if w == nil || w.ended(now) {
		w = &window{start: now, limit: limit, free: limit}
	}
	return w.allowance(false, now)
}

// ask gets a portion and passes the caller out of it.
func (l *RateLimiter) ask(ctx context.Context, w *window, keyID int64, now time.Time) (api.Allowance, error) {
	p, err := l.take(ctx, keyID, w.limit, now)
	l.mu.Lock()
	defer l.mu.Unlock()
	close(w.asking)
	w.asking = nil
	if err != nil {
		return api.Allowance{}, fmt.Errorf("counting a request of key %d: %w", keyID, err)
	}
	w.start, w.granted, w.free = p.start, p.granted, p.free
	if w.granted == 0 {
		return w.allowance(false, now), nil
	}
	w.granted--
	return w.allowance(true, now), nil
}

// window gives the key's window, a new one if it has ended. One that is being
// asked about stays, for others wait for it.
func (l *RateLimiter) window(keyID, limit int64, now time.Time) *window {
	w := l.windows[keyID]
	if w != nil && (w.asking != nil || !w.ended(now)) {
		return w
	}
	if w == nil {
		l.sweep(now)
	}
	w = &window{start: now, limit: limit, free: limit}
	l.windows[keyID] = w
	return w
}

// sweep forgets idle keys. It runs whenever the number of windows has doubled,
// so that its cost is spread over the keys that came.
func (l *RateLimiter) sweep(now time.Time) {
	if len(l.windows) < l.sweepAt {
		return
	}
	for keyID, w := range l.windows {
		if w.asking == nil && w.ended(now) {
			delete(l.windows, keyID)
		}
	}
	l.sweepAt = max(sweepFrom, 2*len(l.windows))
}

// ended also tells of a window that lies in the future: a clock was set back.
func (w *window) ended(now time.Time) bool {
	age := now.Sub(w.start)
	return age >= rateWindow || age <= -rateWindow
}

func (w *window) allowance(ok bool, now time.Time) api.Allowance {
	reset := min(max(rateWindow-now.Sub(w.start), 0), rateWindow)
	return api.Allowance{OK: ok, Limit: w.limit, Remaining: w.granted + w.free, Reset: reset}
}

// wholeWindow is the portion of the only process: all of a new window.
func wholeWindow(_ context.Context, _, limit int64, now time.Time) (portion, error) {
	return portion{start: now, granted: limit}, nil
}

// sharedPortion takes a portion out of the window that all nodes share.
func sharedPortion(ctx context.Context, d *db.DB, keyID, limit int64, now time.Time) (p portion, err error) {
	wanted := max(1, limit/100)
	err = d.Write(ctx, func(tx *db.Tx) error {
		start, taken, err := takeFromWindow(tx, keyID, wanted, now)
		before := taken - wanted
		p = portion{start: start, granted: min(max(limit-before, 0), wanted), free: max(limit-taken, 0)}
		return err
	})
	return p, err
}
