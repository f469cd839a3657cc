package duplicates

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"syncro/internal/authz"
	"syncro/internal/db"
)

// check is a check that is due.
type check struct{ id, lead int64 }

// slice is how many leads are checked at once.
const slice = 250

// checkLeads checks leads of an account. Doing it twice is the same as once; done
// runs in the transaction that stores what came of it.
func (s *Service) checkLeads(ctx context.Context, actor authz.Actor, ids []int64, done func(tx *db.Tx) error) error {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	// The names are placed first, so that the leads of one slice find each other.
	if err := s.db.Write(ctx, func(tx *db.Tx) error {
		all, err := subjects(tx, actor, ids)
		if err != nil {
			return err
		}
		return place(tx, actor, ids, all)
	}); err != nil {
		return err
	}
	var c *comparison
	if err := s.db.Read(ctx, func(q db.Querier) (err error) {
		c, err = compareAll(q, actor, ids)
		return err
	}); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := c.store(tx, actor); err != nil {
			return err
		}
		return done(tx)
	})
}

// couple is the two leads of a pair.
type couple struct{ older, newer int64 }

func coupleOf(a, b int64) couple { return couple{min(a, b), max(a, b)} }

// comparison is what came of comparing leads with their candidates.
type comparison struct {
	checked []int64
	known   []known
	found   map[couple]*found
}

// compareAll compares leads with their candidates, and with those that they are in
// pairs with already.
func compareAll(q db.Querier, actor authz.Actor, ids []int64) (*comparison, error) {
	c := &comparison{checked: ids, found: map[couple]*found{}}
	all, err := subjects(q, actor, ids)
	if err != nil {
		return nil, err
	}
	wanted, err := candidates(q, actor, all)
	if err != nil {
		return nil, err
	}
	if c.known, err = knownOf(q, actor, ids); err != nil {
		return nil, err
	}
	for _, k := range c.known {
		wanted[couple{k.older, k.newer}] = true
	}
	var others []int64
	for two := range wanted {
		for _, id := range []int64{two.older, two.newer} {
			if all[id] == nil {
				others = append(others, id)
			}
		}
	}
	slices.Sort(others)
	more, err := subjects(q, actor, slices.Compact(others))
	if err != nil {
		return nil, err
	}
	for two := range wanted {
		a, b := either(all, more, two.older), either(all, more, two.newer)
		if a == nil || b == nil || !a.listed || !b.listed {
			continue
		}
		if f := compare(a, b); f != nil {
			c.found[two] = f
		}
	}
	return c, nil
}

func either(all, more map[int64]*subject, id int64) *subject {
	if l := all[id]; l != nil {
		return l
	}
	return more[id]
}

// couples are pairs that are to be looked at.
type couples map[couple]bool

func (c couples) with(lead int64, others []int64) {
	for _, other := range others {
		if other != lead {
			c[coupleOf(lead, other)] = true
		}
	}
}

// candidates are what leads are to be compared with.
func candidates(q db.Querier, actor authz.Actor, all map[int64]*subject) (couples, error) {
	c := couples{}
	for _, by := range []struct {
		column string
		key    func(l *subject) string
	}{
		{"email_key", func(l *subject) string { return l.email }},
		{"phone_key", func(l *subject) string { return l.phone }},
	} {
		var keys []string
		for _, l := range all {
			if key := by.key(l); l.listed && key != "" {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		same, err := sharing(q, actor, by.column, slices.Compact(keys))
		if err != nil {
			return nil, err
		}
		for _, l := range all {
			c.with(l.id, same[by.key(l)])
		}
	}
	return c, c.withNeighbours(q, actor, all)
}

// asked is how many leads' neighbours are asked for in one turn.
const asked = 50

func (c couples) withNeighbours(q db.Querier, actor authz.Actor, all map[int64]*subject) error {
	var named []*subject
	for _, l := range all {
		if l.listed && l.company != "" && l.name != "" {
			named = append(named, l)
		}
	}
	for some := range slices.Chunk(named, asked) {
		var statements []db.Statement
		for _, l := range some {
			statements = append(statements, neighbours(l, actor)...)
		}
		p := q.Pipeline(statements...)
		for i := range statements {
			near, err := db.Column[int64](p.Next())
			if err != nil {
				return err
			}
			l := some[i*len(some)/len(statements)]
			c.with(l.id, near)
		}
	}
	return nil
}

// store brings the pairs of the checked leads to what they ought to be. Where one
// ends, its other half is checked, too: it may have been in a group through it alone.
func (c *comparison) store(tx *db.Tx, actor authz.Actor) error {
	var ended []int64
	unchanged := map[couple]bool{}
	for _, k := range c.known {
		two := couple{k.older, k.newer}
		f := c.found[two]
		if f != nil && f.fingerprint == k.fingerprint {
			unchanged[two] = true
		}
		if f != nil {
			continue
		}
		ended = append(ended, k.id)
		for _, id := range []int64{k.older, k.newer} {
			if _, checked := slices.BinarySearch(c.checked, id); checked {
				continue
			}
			if err := enqueue(tx, actor, id); err != nil {
				return err
			}
		}
	}
	if len(ended) > 0 {
		if err := tx.Queue(`DELETE FROM duplicates WHERE account_id = $1 AND id = ANY($2)`, actor.AccountID, ended); err != nil {
			return err
		}
	}
	// In one order, so that two checks do not wait for each other.
	order := func(x, y couple) int { return cmp.Or(cmp.Compare(x.older, y.older), cmp.Compare(x.newer, y.newer)) }
	for _, two := range slices.SortedFunc(maps.Keys(c.found), order) {
		if unchanged[two] {
			continue
		}
		if err := keep(tx, actor, two.older, two.newer, c.found[two]); err != nil {
			return err
		}
	}
	return nil
}
