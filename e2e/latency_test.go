package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"syncro/internal/netguard"
)

// hearing is a server with a webhook, whose target says when a request begins to
// arrive.
type hearing struct {
	client *client
	began  chan time.Time
	path   string
}

func hear(t testing.TB, i installation) *hearing {
	t.Helper()
	h := &hearing{began: make(chan time.Time, 1)}
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { h.began <- time.Now() }))
	t.Cleanup(target.Close)
	p := start(t, i.dir, "serve", "--database", i.url, "--webhook-allow", netguard.Loopback)
	h.client = p.client(i.key(t, "--rate-limit", "1000000"))
	h.client.want(t, 201, "POST", "/webhooks", fields{"target_url": target.URL, "events": []string{"lead.updated"}})
	h.path = "/leads/" + text(h.client.want(t, 201, "POST", "/leads", fields{"name": "Ana", "pipeline_id": 1, "stage_id": 1}).at("lead", "id"))
	return h
}

// after is how long after the request for a change, and so after its commit at the
// most, the webhook's first byte arrives; n changes, one after the other.
func (h *hearing) after(t testing.TB, n int) []time.Duration {
	t.Helper()
	var took []time.Duration
	for i := range n {
		asked := time.Now()
		h.client.want(t, 200, "PATCH", h.path, fields{"notes": fmt.Sprint(i)})
		select {
		case began := <-h.began:
			took = append(took, began.Sub(asked))
		case <-time.After(patience):
			t.Fatalf("webhook %d has not come", i)
		}
		<-time.After(time.Duration(i%17) * 7 * time.Millisecond) // idle again, out of step with any poll
	}
	slices.Sort(took)
	return took
}

// BenchmarkAWebhookAfterTheCommit shows how soon a webhook is on the wire while the
// server has nothing else to do. The limit is 300 ms for p95; that the half of them
// keeps it on a machine that is busy with other tests is tested in package webhooks.
func BenchmarkAWebhookAfterTheCommit(b *testing.B) {
	for _, e := range []engine{sqlite, postgres} {
		b.Run(string(e), func(b *testing.B) {
			h := hear(b, install(b, e))
			const n = 200
			for range b.N {
				took := h.after(b, n)
				b.ReportMetric(float64(took[n/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[n*95/100].Microseconds())/1000, "p95-ms")
			}
		})
	}
}
