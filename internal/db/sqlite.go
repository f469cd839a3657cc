package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
)

// readers is how many connections read at once; more than four were slower on
// two cores.
const readers = 4

// sqlite is the embedded engine.
type sqlite struct {
	path  string
	clock func() time.Time

	pool chan *sqliteConn // idle readers

	writes   chan *writeRequest
	stopped  chan struct{} // closed when no more writes are taken
	drained  chan struct{} // closed when the writer has ended
	stopOnce sync.Once
	sending  sync.RWMutex // held while a request is put into writes
	writing  sync.Mutex   // held by the writer during a batch
	logPages chan int     // length of the log after a commit, for the checkpointer
	loops    sync.WaitGroup
}

func openSQLite(path string, clock func() time.Time) (*sqlite, error) {
	s := &sqlite{
		path: path, clock: clock,
		pool: make(chan *sqliteConn, readers), writes: make(chan *writeRequest, maxBatch),
		stopped: make(chan struct{}), drained: make(chan struct{}), logPages: make(chan int, 1),
	}
	w, err := connectSQLite(path, sqlite3.OPEN_READWRITE)
	if err != nil {
		return nil, err
	}
	for range readers {
		c, err := connectSQLite(path, sqlite3.OPEN_READONLY)
		if err != nil {
			return nil, errors.Join(err, s.closeReaders(), w.close())
		}
		s.pool <- c
	}
	k, err := connectSQLite(path, sqlite3.OPEN_READWRITE)
	if err != nil {
		return nil, errors.Join(err, s.closeReaders(), w.close())
	}
	s.loops.Add(2)
	go s.writeLoop(w)
	go s.checkpointLoop(k)
	return s, nil
}

// connectSQLite opens a connection with its settings, in the order that matters:
// the time to wait for a lock first, since the others may need one.
func connectSQLite(path string, flags sqlite3.OpenFlag) (*sqliteConn, error) {
	c, err := sqlite3.OpenFlags(sqliteURI(path), flags|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	if err := configureSQLite(c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &sqliteConn{raw: c, cache: map[string]*sqliteStmt{}}, nil
}

func sqliteURI(path string) string { return fileURI(path, "vfs="+vfsName()) }

func fileURI(path, query string) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query}).String()
}

func configureSQLite(c *sqlite3.Conn) error {
	if err := c.BusyTimeout(10 * time.Second); err != nil {
		return err
	}
	if err := fts5.Register(c); err != nil {
		return err
	}
	return c.Exec(`PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -2000;
		PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0; PRAGMA trusted_schema = OFF`)
}

func (s *sqlite) read(ctx context.Context, fn func(Querier) error) (err error) {
	var c *sqliteConn
	select {
	case c = <-s.pool:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.pool <- c }()
	c.raw.SetInterrupt(ctx)
	defer func() {
		c.raw.SetInterrupt(context.Background())
		_, endErr := c.exec("COMMIT", nil) // also ends a transaction in which a query failed: nothing was written
		if ctx.Err() != nil && errors.Is(err, sqlite3.INTERRUPT) {
			err = ctx.Err()
		}
		err = errors.Join(err, endErr)
	}()
	if _, err := c.exec("BEGIN", nil); err != nil {
		return err
	}
	defer c.sweep()
	return fn(c)
}

func (s *sqlite) ping(ctx context.Context) error {
	return s.read(ctx, func(q Querier) error {
		var one int64
		return Get(q.Query("SELECT 1"), &one)
	})
}

func (s *sqlite) close() error {
	s.stopWriting()
	s.loops.Wait()
	return s.closeReaders()
}

// closeReaders waits for each reader that is in use.
func (s *sqlite) closeReaders() error {
	var errs []error
	for range cap(s.pool) {
		select {
		case c := <-s.pool:
			errs = append(errs, c.close())
		case <-time.After(10 * time.Second):
			return errors.Join(append(errs, errors.New("a reader did not end in time"))...)
		}
	}
	return errors.Join(errs...)
}

// sqliteConn is a connection and its prepared statements. It is used by one
// goroutine at a time.
type sqliteConn struct {
	raw   *sqlite3.Conn
	cache map[string]*sqliteStmt
	busy  int // statements being stepped
}

// maxCached bounds the prepared statements of a connection: the shapes of list
// filters are many, those in use are few.
const maxCached = 200

type sqliteStmt struct {
	raw  *sqlite3.Stmt
	sql  string
	busy bool
	lone bool // not in the cache: closed after use
}

// prepare gives a statement ready to be bound; it goes back with release.
func (c *sqliteConn) prepare(sql string) (*sqliteStmt, error) {
	if st, ok := c.cache[sql]; ok && !st.busy {
		st.busy = true
		c.busy++
		return st, nil
	}
	raw, tail, err := c.raw.PrepareFlags(sqliteSQL(sql), sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", sql, err)
	}
	if raw == nil || tail != "" {
		return nil, fmt.Errorf("preparing %q: not exactly one statement", sql)
	}
	st := &sqliteStmt{raw: raw, sql: sql, busy: true}
	c.busy++
	if _, taken := c.cache[sql]; taken {
		st.lone = true
		return st, nil
	}
	c.evict()
	c.cache[sql] = st
	return st, nil
}

// evict makes room in a full cache by closing any idle statement.
func (c *sqliteConn) evict() {
	if len(c.cache) < maxCached {
		return
	}
	for sql, st := range c.cache {
		if !st.busy {
			delete(c.cache, sql)
			_ = st.raw.Close() // its last error was reported when it was stepped
			return
		}
	}
}

func (c *sqliteConn) release(st *sqliteStmt) {
	c.busy--
	if st.lone {
		_ = st.raw.Close() // its last error was reported when it was stepped
		return
	}
	_ = st.raw.Reset()
	st.busy = false
}

// sweep ends the queries that a function left open when it failed half-way.
func (c *sqliteConn) sweep() {
	if c.busy == 0 {
		return
	}
	for _, st := range c.cache {
		if st.busy {
			c.release(st)
		}
	}
}

func (c *sqliteConn) Query(sql string, args ...any) *Rows {
	st, err := c.prepare(sql)
	if err != nil {
		return failed(err)
	}
	if err := bindSQLite(st.raw, args); err != nil {
		c.release(st)
		return failed(fmt.Errorf("binding %q: %w", sql, err))
	}
	return &Rows{cursor: &sqliteCursor{conn: c, stmt: st}}
}

func (c *sqliteConn) Pipeline(statements ...Statement) *Pipeline {
	i := -1
	return &Pipeline{next: func() *Rows {
		i++
		return c.Query(statements[i].SQL, statements[i].Args...)
	}}
}

func (c *sqliteConn) exec(sql string, args []any) (int64, error) {
	st, err := c.prepare(sql)
	if err != nil {
		return 0, err
	}
	defer c.release(st)
	if err := bindSQLite(st.raw, args); err != nil {
		return 0, fmt.Errorf("binding %q: %w", sql, err)
	}
	for st.raw.Step() { // the rows of an exec are of no interest
	}
	if err := st.raw.Err(); err != nil {
		return 0, err
	}
	return c.raw.Changes(), nil
}

func (c *sqliteConn) queue(sql string, args []any) error {
	_, err := c.exec(sql, args)
	return err
}

func (c *sqliteConn) lockKeys([]string) error { return nil } // one writer at a time

// attempt runs fn inside a savepoint.
func (c *sqliteConn) attempt(fn func() error) error {
	if _, err := c.exec("SAVEPOINT attempt", nil); err != nil {
		return err
	}
	failed := fn()
	if failed != nil {
		c.sweep()
		if c.raw.GetAutocommit() { // a full disk or a failing one undoes everything by itself
			return failed
		}
		if _, err := c.exec("ROLLBACK TO attempt", nil); err != nil {
			return errors.Join(failed, err)
		}
	}
	_, err := c.exec("RELEASE attempt", nil)
	return errors.Join(failed, err)
}

func (c *sqliteConn) engine() Engine { return SQLite }

func (c *sqliteConn) close() error {
	var errs []error
	for _, st := range c.cache {
		errs = append(errs, st.raw.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

// sqliteCursor steps through a statement's rows.
type sqliteCursor struct {
	conn *sqliteConn
	stmt *sqliteStmt
}

func (c *sqliteCursor) next() bool { return c.stmt.raw.Step() }

func (c *sqliteCursor) scan(dest []any, borrow bool) error {
	return scanSQLite(c.stmt.raw, dest, borrow)
}

func (c *sqliteCursor) close() error {
	err := c.stmt.raw.Err()
	c.conn.release(c.stmt)
	return err
}
