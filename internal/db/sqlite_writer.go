package db

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/ncruces/go-sqlite3"
)

// maxBatch is how many transactions share a commit at most.
const maxBatch = 64

var errClosed = errors.New("the database is closed")

// writeRequest is one call of [DB.Write] on its way through the writer.
type writeRequest struct {
	ctx  context.Context
	fn   func(*Tx) error
	tx   *Tx
	err  error
	done chan struct{}
}

func (s *sqlite) write(ctx context.Context, fn func(*Tx) error) error {
	r := &writeRequest{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := s.send(ctx, r); err != nil {
		return err
	}
	<-r.done
	if r.err == nil {
		r.tx.committed()
	}
	return r.err
}

func (s *sqlite) send(ctx context.Context, r *writeRequest) error {
	s.sending.RLock()
	defer s.sending.RUnlock()
	select {
	case <-s.stopped:
		return errClosed
	default:
	}
	select {
	case s.writes <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stopWriting refuses new writes, lets those under way finish and ends the writer.
func (s *sqlite) stopWriting() {
	s.stopOnce.Do(func() {
		s.sending.Lock()
		close(s.stopped)
		close(s.writes)
		s.sending.Unlock()
	})
	<-s.drained
}

// writeLoop takes what has arrived while the last commit was being synced and
// commits it together: one sync to disk for all of them.
func (s *sqlite) writeLoop(c *sqliteConn) {
	defer s.loops.Done()
	defer close(s.drained)
	defer func() { _ = c.close() }() // nothing is left to lose: every commit was checked
	pages := 0
	c.raw.WALHook(func(_ *sqlite3.Conn, _ string, n int) error { pages = n; return nil })
	for first := range s.writes {
		batch := append(make([]*writeRequest, 0, maxBatch), first)
		batch = s.gather(batch)
		s.writing.Lock()
		s.commit(c, batch)
		s.writing.Unlock()
		for _, r := range batch {
			close(r.done)
		}
		s.reportLog(pages)
	}
}

func (s *sqlite) gather(batch []*writeRequest) []*writeRequest {
	for len(batch) < maxBatch {
		select {
		case r, open := <-s.writes:
			if !open {
				return batch
			}
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// commit runs a batch in one transaction, each request inside a savepoint of its
// own. If the transaction as a whole fails, each request is tried alone, so that
// one cannot spoil the others.
func (s *sqlite) commit(c *sqliteConn, batch []*writeRequest) {
	if err := s.commitTogether(c, batch); err == nil {
		return
	}
	for _, r := range batch {
		if r.err != nil && r.ctx.Err() != nil {
			continue
		}
		r.err = nil
		if err := s.commitTogether(c, []*writeRequest{r}); err != nil && r.err == nil {
			r.err = err
		}
	}
}

func (s *sqlite) commitTogether(c *sqliteConn, batch []*writeRequest) (err error) {
	if _, err := c.exec("BEGIN IMMEDIATE", nil); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer func() {
		if err != nil && !c.raw.GetAutocommit() {
			_, undoErr := c.exec("ROLLBACK", nil)
			err = errors.Join(err, undoErr)
		}
		if err != nil {
			err = errors.Join(err, forgetUndone(c.raw))
		}
	}()
	for _, r := range batch {
		if err := s.runInSavepoint(c, r); err != nil {
			return err
		}
	}
	if _, err := c.exec("COMMIT", nil); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// runInSavepoint runs one request. Its own error stays with it; the error
// returned is one that broke the transaction.
func (s *sqlite) runInSavepoint(c *sqliteConn, r *writeRequest) error {
	if r.err = r.ctx.Err(); r.err != nil {
		return nil //nolint:nilerr // the request is cancelled, the transaction goes on
	}
	if _, err := c.exec("SAVEPOINT request", nil); err != nil {
		return err
	}
	r.tx = &Tx{conn: c, now: frozen(s.clock)}
	r.err = runGuarded(r.fn, r.tx)
	c.sweep()
	if r.err != nil {
		if c.raw.GetAutocommit() { // a full disk or a failing one undoes everything by itself
			return r.err
		}
		if _, err := c.exec("ROLLBACK TO request", nil); err != nil {
			return err
		}
	}
	_, err := c.exec("RELEASE request", nil)
	return err
}

// runGuarded turns a panic of a request into its error: the writer serves others.
func runGuarded(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}
