package db

import (
	"iter"
	"time"
)

// Tx is a transaction. It is a [Querier] and is valid only inside the function
// given to [DB.Write].
type Tx struct {
	conn  txConn
	now   time.Time
	after []func()
}

// txConn is an engine's side of [Tx].
type txConn interface {
	Querier
	exec(sql string, args []any) (int64, error)
	queue(sql string, args []any) error
	load(table string, columns []string, rows iter.Seq[[]any]) (int64, error)
	lockKeys(keys []string) error
	attempt(fn func() error) error
	engine() Engine
}

// Now is the transaction's time, frozen at its start: UTC, whole microseconds.
func (tx *Tx) Now() time.Time { return tx.now }

// Engine tells which database this is.
func (tx *Tx) Engine() Engine { return tx.conn.engine() }

// Query starts a query that sees the transaction's own writes.
func (tx *Tx) Query(sql string, args ...any) *Rows { return tx.conn.Query(sql, args...) }

// Pipeline starts several queries; see [Querier].
func (tx *Tx) Pipeline(statements ...Statement) *Pipeline { return tx.conn.Pipeline(statements...) }

// Exec runs a statement and returns how many rows it changed.
func (tx *Tx) Exec(sql string, args ...any) (int64, error) { return tx.conn.exec(sql, args) }

// Queue runs a statement whose outcome nothing waits for: PostgreSQL is sent it
// together with the next query or the commit. Its failure is then theirs.
func (tx *Tx) Queue(sql string, args ...any) error { return tx.conn.queue(sql, args) }

// Attempt runs a part of the transaction's function. If the part fails, what it did
// is undone, its error is returned, and the transaction goes on. A failure that is
// not the part's own refusal, such as a deadlock, is to be returned by the
// function, too, so that all of it is run again.
func (tx *Tx) Attempt(fn func() error) error {
	registered := len(tx.after)
	err := tx.conn.attempt(fn)
	if err != nil {
		tx.after = tx.after[:registered]
	}
	return err
}

// LockKeys holds the named locks until the transaction ends, so that two
// transactions that are about to make the same thing do it one after the other.
// The caller passes all its keys in one call, in sorted order, so that two
// callers cannot wait for each other.
func (tx *Tx) LockKeys(keys ...string) error { return tx.conn.lockKeys(keys) }

// AfterCommit registers what happens once the transaction is durable, such as
// waking a worker. It does not happen when the transaction fails.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

func (tx *Tx) committed() {
	for _, fn := range tx.after {
		fn()
	}
}

// frozen is the clock's time as both engines store it.
func frozen(clock func() time.Time) time.Time { return clock().UTC().Truncate(time.Microsecond) }
