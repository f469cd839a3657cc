package jobs

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"syncro/internal/db"
)

func TestWorkBeginsSoonAfterTheCommit(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		began := make(chan time.Time, 1)
		queue := NewQueue()
		kinds := []Kind{kindOf("greet", func(context.Context, string) error { began <- time.Now(); return nil })}
		for i := range 7 {
			kinds = append(kinds, kindOf(fmt.Sprint("other_", i), func(context.Context, string) error { return nil }))
		}
		start(t, d, queue, kinds...)
		const n = 60
		var took []time.Duration
		for i := range n {
			enqueue(t, d, queue, "greet", fmt.Sprint(i))
			committed := time.Now()
			took = append(took, receive(t, began, 1)[0].Sub(committed))
			if !pause(t.Context(), time.Duration(i%20)*5*time.Millisecond) { // idle again, out of step with any poll
				t.Fatal("the test ended")
			}
		}
		slices.Sort(took)
		t.Logf("p50 %v, p95 %v, most %v", took[n/2], took[n*95/100], took[n-1])
		// Not the 95th in a hundred, which on a busy machine says more about that: if
		// River were not told, half of them would wait for half of its poll.
		if took[n/2] > 300*time.Millisecond {
			t.Error("too late")
		}
	})
}
