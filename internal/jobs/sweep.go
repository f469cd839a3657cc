package jobs

import (
	"context"
	"fmt"
	"time"

	"syncro/internal/db"
)

// sweep looks for due rows that no job will look at: those whose time has come,
// and those whose job was lost.
func (r *Runner) sweep(ctx context.Context) {
	states := make([]*sweepState, 0, len(r.kinds))
	for _, kind := range r.kinds {
		states = append(states, &sweepState{kind: kind, passed: sweepAnyway})
	}
	first := true // whoever starts looks at once, since nobody else may be there
	every := sweepEvery
	for {
		mine, err := first, error(nil)
		if !mine {
			mine, err = r.leads(ctx)
		}
		backlog := false
		for _, s := range states {
			if !mine || err != nil {
				break
			}
			s.passed += every
			err = r.sweepKind(ctx, s)
			backlog = backlog || s.more
		}
		if err != nil && ctx.Err() == nil {
			r.log.ErrorContext(ctx, "looking for due work failed", "error", err)
		}
		first = false
		every = sweepEvery
		if backlog {
			every = refillEvery
		}
		if !pause(ctx, every) {
			return
		}
	}
}

// leads tells whether this process is the one that sweeps: where several share a
// database it is River's leader.
func (r *Runner) leads(ctx context.Context) (mine bool, err error) {
	if r.d.Engine() == db.SQLite {
		return true, nil
	}
	err = r.d.Read(ctx, func(q db.Querier) error {
		return db.Get(q.Query(`SELECT EXISTS (SELECT 1 FROM river_leader WHERE leader_id = $1 AND expires_at > now())`, r.id), &mine)
	})
	if err != nil {
		return false, fmt.Errorf("asking who leads: %w", err)
	}
	return mine, nil
}

type sweepState struct {
	kind   Kind
	passed time.Duration // since the last sweep
	more   bool          // whether it left something
}

// sweepKind makes jobs for the due rows of a kind. It waits for the jobs there are
// to be done first: they may be for the same rows.
func (r *Runner) sweepKind(ctx context.Context, s *sweepState) error {
	var waiting int64
	err := r.d.Read(ctx, func(q db.Querier) error {
		return db.Get(q.Query(`SELECT count(*) FROM (SELECT 1 FROM river_job WHERE state = 'available' AND queue = $1 LIMIT $2) AS waiting`,
			s.kind.Name, s.kind.Concurrency+1), &waiting)
	})
	if err != nil {
		return fmt.Errorf("counting the jobs of %s: %w", s.kind.Name, err)
	}
	if waiting > int64(s.kind.Concurrency) && s.passed < sweepAnyway {
		return nil
	}
	s.passed = 0
	keys, err := s.kind.Due(ctx, sweepLimit)
	if err != nil {
		return fmt.Errorf("looking for due %s: %w", s.kind.Name, err)
	}
	s.more = len(keys) == sweepLimit
	if len(keys) == 0 {
		return nil
	}
	found := make([]job, len(keys))
	for i, key := range keys {
		found[i] = job{Work: s.kind.Name, Key: key}
	}
	for from := 0; from < len(found); from += moveLimit {
		part := found[from:min(from+moveLimit, len(found))]
		if err := r.inTurn(ctx, func(ctx context.Context) error { return r.backend.add(ctx, part) }); err != nil {
			return fmt.Errorf("adding due %s: %w", s.kind.Name, err)
		}
	}
	return nil
}
