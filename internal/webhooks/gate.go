package webhooks

import "sync"

// How many deliveries run at once in this process.
const (
	maxRunning         = 128
	maxPerAccount      = 32
	maxPerSubscription = 8
)

// gate keeps the slow from taking every place. Who is turned away loses nothing:
// the delivery stays due, and whoever leaves looks for it.
type gate struct {
	mu       sync.Mutex
	accounts map[int64]*crowd
}

// crowd is what runs for an account; one without anything running is dropped.
type crowd struct {
	running       int
	turnedAway    bool // since somebody last looked for what is due
	subscriptions map[int64]*place
}

type place struct {
	running int
	failing bool // the last attempt failed
}

func newGate() *gate { return &gate{accounts: map[int64]*crowd{}} }

func (p *place) full() bool { return p.running >= maxPerSubscription || (p.failing && p.running > 0) }

// enter takes a place, if there is one.
func (g *gate) enter(accountID, subscriptionID int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.accounts[accountID]
	if c == nil {
		c = &crowd{subscriptions: map[int64]*place{}}
		g.accounts[accountID] = c
	}
	p := c.subscriptions[subscriptionID]
	if p == nil {
		p = &place{}
		c.subscriptions[subscriptionID] = p
	}
	if c.running >= maxPerAccount || p.full() {
		c.turnedAway = true
		return false
	}
	c.running++
	p.running++
	return true
}

// note remembers how an attempt of somebody inside has ended.
func (g *gate) note(accountID, subscriptionID int64, failed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accounts[accountID].subscriptions[subscriptionID].failing = failed
}

// leave gives a place back and tells whether anybody was turned away meanwhile.
func (g *gate) leave(accountID, subscriptionID int64) (turnedAway bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.accounts[accountID]
	c.running--
	c.subscriptions[subscriptionID].running--
	turnedAway, c.turnedAway = c.turnedAway, false
	if c.running == 0 {
		delete(g.accounts, accountID)
	}
	return turnedAway
}

// remind notes that more is due for an account than is being looked after.
func (g *gate) remind(accountID int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.accounts[accountID]; c != nil {
		c.turnedAway = true
	}
}

// full are the subscriptions that have no place left: those of an account, or of
// all with an account of 0.
func (g *gate) full(accountID int64) []int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	ids := []int64{} // to PostgreSQL, nil would be NULL
	for account, c := range g.accounts {
		if accountID != 0 && account != accountID {
			continue
		}
		for id, p := range c.subscriptions {
			if p.full() || c.running >= maxPerAccount {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
