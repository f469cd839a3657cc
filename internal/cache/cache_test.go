package cache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"syncro/internal/authz"
)

// counted is a cache whose values are the numbers of their loads.
func counted() *PerAccount[int64] {
	var loads atomic.Int64
	return New(func(context.Context, int64) (int64, error) { return loads.Add(1), nil })
}

func actor(accountID, version int64) authz.Actor {
	return authz.Actor{AccountID: accountID, SetupVersion: version}
}

func get(t *testing.T, c *PerAccount[int64], a authz.Actor, want int64) {
	t.Helper()
	if got, err := c.Get(t.Context(), a); err != nil || got != want {
		t.Fatalf("Get(account %d, version %d) = %d, %v; want %d", a.AccountID, a.SetupVersion, got, err, want)
	}
}

func TestAValueIsLoadedOncePerVersionAndAccount(t *testing.T) {
	c := counted()
	get(t, c, actor(1, 1), 1)
	get(t, c, actor(1, 1), 1)
	get(t, c, actor(2, 1), 2)
	get(t, c, actor(1, 2), 3)
	get(t, c, actor(1, 2), 3)
}

func TestAnOlderVersionIsServedTheNewerValueAndKeepsIt(t *testing.T) {
	c := counted()
	get(t, c, actor(1, 5), 1)
	get(t, c, actor(1, 4), 1)
	get(t, c, actor(1, 5), 1)
	if v, err := c.Reload(t.Context(), actor(1, 4)); err != nil || v != 2 {
		t.Fatalf("Reload = %d, %v; want 2", v, err)
	}
	get(t, c, actor(1, 5), 2)
}

func TestAnErrorIsReturnedAndNotKept(t *testing.T) {
	broken := errors.New("broken")
	fail := true
	c := New(func(context.Context, int64) (int64, error) {
		if fail {
			return 0, broken
		}
		return 7, nil
	})
	if _, err := c.Get(t.Context(), actor(1, 1)); !errors.Is(err, broken) {
		t.Fatalf("Get = %v, want the load's error", err)
	}
	fail = false
	get(t, c, actor(1, 1), 7)
	fail = true
	if _, err := c.Reload(t.Context(), actor(1, 1)); !errors.Is(err, broken) {
		t.Fatalf("Reload = %v, want the load's error", err)
	}
	get(t, c, actor(1, 1), 7)
}

func TestNoMoreThanTheLimitOfAccountsIsKept(t *testing.T) {
	c := counted()
	for id := range int64(maxAccounts + 100) {
		get(t, c, actor(id, 1), id+1)
	}
	if len(c.kept) != maxAccounts || len(c.loading) != 0 {
		t.Fatalf("%d values kept, %d loads under way; want %d and 0", len(c.kept), len(c.loading), maxAccounts)
	}
}

// gated is a cache whose loads wait to be let go.
type gated struct {
	*PerAccount[int64]
	begun chan context.Context // one per load that has begun
	goOn  chan struct{}
	loads atomic.Int64
}

func newGated() *gated {
	g := &gated{begun: make(chan context.Context, 100), goOn: make(chan struct{})}
	g.PerAccount = New(func(ctx context.Context, _ int64) (int64, error) {
		n := g.loads.Add(1)
		g.begun <- ctx
		<-g.goOn
		return n, nil
	})
	return g
}

func TestConcurrentCallersShareOneLoad(t *testing.T) {
	g := newGated()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if v, err := g.Get(t.Context(), actor(1, 1)); err != nil || v != 1 {
				t.Errorf("Get = %d, %v; want 1", v, err)
			}
		})
	}
	<-g.begun
	close(g.goOn)
	all.Wait()
	if n := g.loads.Load(); n != 1 {
		t.Fatalf("%d loads, want 1", n)
	}
}

func TestALoadThatBeganTooEarlyIsNotEnough(t *testing.T) {
	for name, later := range map[string]func(*gated) (int64, error){
		"for a newer version": func(g *gated) (int64, error) { return g.Get(t.Context(), actor(1, 2)) },
		"for a reload":        func(g *gated) (int64, error) { return g.Reload(t.Context(), actor(1, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGated()
			var both sync.WaitGroup
			both.Go(func() {
				if v, err := g.Get(t.Context(), actor(1, 1)); err != nil || v != 1 {
					t.Errorf("the first Get = %d, %v; want 1", v, err)
				}
			})
			<-g.begun
			both.Go(func() {
				if v, err := later(g); err != nil || v != 2 {
					t.Errorf("the later call = %d, %v; want 2", v, err)
				}
			})
			// Which of the two takes this does not matter: the later call must not
			// have been there when the load began.
			close(g.goOn)
			both.Wait()
		})
	}
}

func TestALoadOutlivesTheRequestThatStartedIt(t *testing.T) {
	g := newGated()
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if v, err := g.Get(ctx, actor(1, 1)); err != nil || v != 1 {
			t.Errorf("Get = %d, %v; want 1", v, err)
		}
	})
	loading := <-g.begun
	cancel()
	if err := loading.Err(); err != nil {
		t.Errorf("the load was cancelled: %v", err)
	}
	if _, err := g.Get(ctx, actor(1, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with a cancelled context gives %v", err)
	}
	close(g.goOn)
	done.Wait()
}

func TestALoadThatPanicsLeavesTheCacheUsable(t *testing.T) {
	first := true
	c := New(func(context.Context, int64) (int64, error) {
		if first {
			first = false
			panic("a defect")
		}
		return 2, nil
	})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = c.Get(t.Context(), actor(1, 1))
	}()
	get(t, c, actor(1, 1), 2)
}
