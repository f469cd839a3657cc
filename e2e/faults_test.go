package e2e

import (
	"math/rand/v2"
	"testing"
)

// chance gives a test its random moments, and logs how to have the same again.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func TestAServerThatIsKilledAgainAndAgainDoesAllItsWorkAndSendsNothingTwice(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		b := stack(t, e)
		random := chance(t)
		for range 3 {
			b.killAt(t, b.node(t, "serve"), 1+random.IntN(many/2), random.IntN(2) == 0)
		}
		b.elapse(t)
		b.node(t, "serve")
		b.finish(t)
		b.verify(t)
	})
}

func TestNodesDoTheWorkOfOneThatIsKilled(t *testing.T) {
	t.Parallel()
	for what, nodes := range map[string][][]string{ // the first is killed
		"two servers":                           {{"serve"}, {"serve"}},
		"two workers and a server without work": {{"worker"}, {"worker"}, {"serve", "--workers=false"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			crowd <- struct{}{}
			t.Cleanup(func() { <-crowd })
			b := stack(t, postgres)
			random := chance(t)
			doomed := b.node(t, nodes[0]...)
			b.await(t, 1+random.IntN(many/4)) // it is in the middle of it when the others come
			for _, node := range nodes[1:] {
				b.node(t, node...)
			}
			b.killAt(t, doomed, 1+random.IntN(many/2), random.IntN(2) == 0)
			b.finish(t)
			b.verify(t)
		})
	}
}
