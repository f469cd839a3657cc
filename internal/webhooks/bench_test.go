package webhooks_test

import (
	"fmt"
	"testing"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/jobs"
	"syncro/internal/netguard"
	"syncro/internal/webhooks"
)

// BenchmarkEmit shows what webhooks add to each change of a lead: an event alone,
// with nobody who listens, and with one who does.
func BenchmarkEmit(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		for _, listeners := range []int{-1, 0, 1} {
			b.Run(fmt.Sprintf("%s/%d listeners", engine, listeners), func(b *testing.B) {
				clock := dbtest.NewClock()
				d := dbtest.Open(b, dbtest.URL(b, engine), clock)
				actor := dbtest.Account(b, d, clock, 1)
				log := &events.Log{}
				if listeners >= 0 {
					webhooks.New(d, webhooks.Options{Events: log, Queue: jobs.NewQueue(), Guard: netguard.New(nil, nil), Clock: clock.Now})
				}
				for n := range listeners {
					dbtest.Exec(b, d, `INSERT INTO webhook_subscriptions (id, account_id, target_url, events, source, secret, created_at, updated_at)
						VALUES ($1, 1, 'http://127.0.0.1:9/', ' lead.updated ', 'api', '', $2, $2)`, n+1, clock.Now())
				}
				lead, data := int64(7), fmt.Appendf(nil, `{"lead":{"notes":"%1000d"},"previous":{}}`, 1)
				b.SetParallelism(4) // on two processors eight at once
				b.RunParallel(func(each *testing.PB) {
					for each.Next() {
						if err := d.Write(b.Context(), func(tx *db.Tx) error {
							return log.Emit(tx, actor, events.Event{Type: events.LeadUpdated, LeadID: &lead, Data: data})
						}); err != nil {
							b.Fatal(err)
						}
					}
				})
			})
		}
	}
}
