package leads

import (
	"errors"
	"sync"

	"syncro/internal/authz"
	"syncro/internal/db"
)

// maxFound is how many bytes are remembered of searches.
const maxFound = 8 << 20

// search is a search of an account's part of SQLite's index.
type search struct {
	account int64
	match   string
}

// found are the leads that the index gave, in the state it was in.
type found struct {
	generation int64
	blocks     []packedBlock
}

type packedBlock struct {
	number int64
	ids    []byte
}

// size is about how many bytes of memory it takes.
func (f *found) size(s search) int {
	n := 200 + 2*len(s.match) // of the map
	for _, b := range f.blocks {
		n += 48 + len(b.ids)
	}
	return n
}

// searches remembers what SQLite's index gave: the next page, or the same search
// again, needs all of it, since it is counted. That holds as long as the index of
// the account does not change, which search_generations counts; a search reads the
// count in the snapshot it reads everything else in. It is safe for concurrent use.
type searches struct {
	mu    sync.Mutex
	known map[search]found
	size  int // of what is known
}

func (r *searches) recall(s search, generation int64) ([]packedBlock, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.known[s]
	return f.blocks, ok && f.generation == generation
}

// remember keeps what was found, in place of any others where there is no room.
func (r *searches) remember(s search, f found) {
	size := f.size(s)
	if size > maxFound/4 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[search]found{}
	}
	r.forget(s)
	for other := range r.known {
		if r.size+size <= maxFound {
			break
		}
		r.forget(other)
	}
	r.known[s] = f
	r.size += size
}

func (r *searches) forget(s search) {
	if f, ok := r.known[s]; ok {
		r.size -= f.size(s)
		delete(r.known, s)
	}
}

// find gives the leads that contain the term: those that SQLite's index finds,
// corrected by what the index does not know yet.
func (r *searches) find(q db.Querier, actor authz.Actor, t *term) (idSet, error) {
	var generation int64
	err := db.Get(q.Query(`SELECT generation FROM search_generations WHERE account_id = $1`, actor.AccountID), &generation)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return nil, err
	}
	s := search{actor.AccountID, t.match()}
	blocks, known := r.recall(s, generation)
	if !known {
		if blocks, err = t.indexed(q, actor); err != nil {
			return nil, err
		}
		r.remember(s, found{generation, blocks})
	}
	set := idSet{}
	for _, b := range blocks {
		set.block(b.number).unite(b.ids)
	}
	return set, t.correct(q, actor, set)
}
