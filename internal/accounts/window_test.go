package accounts

import (
	"testing"
	"time"
)

func TestIdleKeysAreForgotten(t *testing.T) {
	now := time.Unix(0, 0)
	l := &RateLimiter{clock: func() time.Time { return now }, take: wholeWindow, windows: map[int64]*window{}, sweepAt: sweepFrom}
	for key := range int64(100 * sweepFrom) {
		if _, err := l.Take(t.Context(), key, 60); err != nil {
			t.Fatal(err)
		}
		now = now.Add(rateWindow / 100)
	}
	// At any time 100 keys have a window; twice as many or the threshold may be there.
	if n := len(l.windows); n > sweepFrom {
		t.Errorf("%d windows are held, want at most %d", n, sweepFrom)
	}
}
