package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The limits of work on PostgreSQL: how often a transaction that lost to another
// one is run again, and how long one may take altogether.
const (
	maxAttempts = 5
	writeLimit  = 60 * time.Second
)

// poolSize is how many connections there are at most where the URL does not say
// (pool_max_conns). pgx would take one per processor: while a commit waits for
// the disk, others have to be able to join it.
const poolSize = 10

// postgres is the server engine.
type postgres struct {
	pool  *pgxpool.Pool
	clock func() time.Time
}

func openPostgres(ctx context.Context, address string, clock func() time.Time) (*postgres, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	if u, err := url.Parse(address); err == nil && !u.Query().Has("pool_max_conns") {
		config.MaxConns = max(config.MaxConns, poolSize)
	}
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	config.ConnConfig.RuntimeParams["application_name"] = "syncro"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("PostgreSQL cannot be reached: %w", err)
	}
	return &postgres{pool: pool, clock: clock}, nil
}

func (p *postgres) ping(ctx context.Context) error { return p.pool.Ping(ctx) }

func (p *postgres) close() error {
	p.pool.Close()
	return nil
}

func (p *postgres) read(ctx context.Context, fn func(Querier) error) error {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	c := &postgresConn{ctx: ctx, conn: conn.Conn()}
	defer c.sweep()
	return fn(c)
}

func (p *postgres) write(ctx context.Context, fn func(*Tx) error) error {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	defer cancel()
	for attempt := 1; ; attempt++ {
		tx := &Tx{conn: &postgresConn{ctx: limited, conn: conn.Conn(), pending: []Statement{{SQL: "begin"}}}, now: frozen(p.clock)}
		err := runPostgres(tx, fn)
		if err == nil {
			tx.committed()
			return nil
		}
		if attempt == maxAttempts || !lostToAnother(err) {
			return err
		}
	}
}

func runPostgres(tx *Tx, fn func(*Tx) error) (err error) {
	c := tx.conn.(*postgresConn)
	if err = runGuarded(fn, tx); err == nil {
		c.sweep()
		err = c.commit()
	}
	if err != nil {
		c.sweep()
		err = errors.Join(err, c.rollback())
	}
	return err
}

// lostToAnother tells whether a transaction failed only because of another one.
func lostToAnother(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40P01" || e.Code == "40001")
}

// postgresConn is a connection for one read or one transaction. Statements that
// nothing waits for gather in pending and travel with the next one that is
// waited for; the first of a transaction is its "begin".
type postgresConn struct {
	ctx     context.Context
	conn    *pgx.Conn
	pending []Statement
	open    *Rows // the rows being read, if any
	sent    int   // how often something was sent
}

func (c *postgresConn) Query(sql string, args ...any) *Rows {
	return c.Pipeline(Statement{sql, args}).Next()
}

func (c *postgresConn) Pipeline(statements ...Statement) *Pipeline {
	if len(c.pending) == 0 && len(statements) == 1 {
		rows, err := c.conn.Query(c.ctx, statements[0].SQL, statements[0].Args...)
		return &Pipeline{next: func() *Rows { return c.opened(rows, nil, err) }}
	}
	results, err := c.send(statements)
	if err != nil {
		return &Pipeline{next: func() *Rows { return failed(err) }}
	}
	left := len(statements)
	return &Pipeline{next: func() *Rows {
		left--
		rows, err := results.Query()
		if left > 0 {
			return c.opened(rows, nil, err)
		}
		return c.opened(rows, results, err)
	}}
}

// opened wraps rows; results is closed with them when they are its last.
func (c *postgresConn) opened(rows pgx.Rows, results pgx.BatchResults, err error) *Rows {
	if err != nil {
		if results != nil {
			_ = results.Close() // fails for the same reason
		}
		return failed(err)
	}
	c.open = &Rows{cursor: &postgresCursor{rows: rows, results: results}}
	return c.open
}

// send sends what is pending and statements in one go, and reads the outcome of
// what was pending.
func (c *postgresConn) send(statements []Statement) (pgx.BatchResults, error) {
	batch := &pgx.Batch{}
	c.sent++
	for _, s := range c.pending {
		batch.Queue(s.SQL, s.Args...)
	}
	for _, s := range statements {
		batch.Queue(s.SQL, s.Args...)
	}
	results := c.conn.SendBatch(c.ctx, batch)
	pending := c.pending
	c.pending = nil
	for _, s := range pending {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // fails for the same reason
			return nil, fmt.Errorf("%.60s…: %w", s.SQL, err)
		}
	}
	return results, nil
}

func (c *postgresConn) exec(sql string, args []any) (int64, error) {
	results, err := c.send([]Statement{{sql, args}})
	if err != nil {
		return 0, err
	}
	tag, err := results.Exec()
	return tag.RowsAffected(), errors.Join(err, results.Close())
}

func (c *postgresConn) queue(sql string, args []any) error {
	c.pending = append(c.pending, Statement{sql, args})
	return nil
}

func (c *postgresConn) lockKeys(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	// In the order of the list: a function of a result is called row by row.
	return c.queue("SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest($1::text[]) AS k(key)", []any{keys})
}

// attempt runs fn inside a savepoint. The savepoint travels with the first
// statement of fn that is waited for, its release with all that are still pending.
func (c *postgresConn) attempt(fn func() error) error {
	sent, pending := c.sent, len(c.pending)
	c.pending = append(c.pending, Statement{SQL: "SAVEPOINT attempt"})
	err := fn()
	if err == nil {
		if c.sent == sent && len(c.pending) == pending+1 {
			c.pending = c.pending[:pending] // it did nothing
			return nil
		}
		c.sweep()
		_, err = c.exec("RELEASE SAVEPOINT attempt", nil)
	}
	if err == nil {
		return nil
	}
	c.sweep()
	if c.sent == sent {
		c.pending = c.pending[:pending] // it never began
		return err
	}
	c.pending = nil
	_, undoErr := c.conn.Exec(c.ctx, "ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")
	return errors.Join(err, undoErr)
}

func (c *postgresConn) engine() Engine { return Postgres }

func (c *postgresConn) commit() error {
	if len(c.pending) == 1 && c.pending[0].SQL == "begin" {
		c.pending = nil // it did nothing
		return nil
	}
	results, err := c.send([]Statement{{SQL: "commit"}})
	if err != nil {
		return err
	}
	tag, err := results.Exec()
	if err = errors.Join(err, results.Close()); err == nil && tag.String() != "COMMIT" {
		err = errors.New("a statement failed whose error was overlooked: PostgreSQL rolled back")
	}
	return err
}

func (c *postgresConn) rollback() error {
	if len(c.pending) > 0 && c.pending[0].SQL == "begin" {
		c.pending = nil // it never began
		return nil
	}
	c.pending = nil
	if c.conn.IsClosed() || c.conn.PgConn().TxStatus() == 'I' {
		return nil
	}
	_, err := c.conn.Exec(c.ctx, "rollback")
	return err
}

// sweep ends a query that a function left open when it failed half-way.
func (c *postgresConn) sweep() {
	if c.open != nil {
		_ = c.open.Close() // its error, if any, has been returned by the function or is of no interest to it
	}
}

// postgresCursor reads the rows of a query, and ends the pipeline it closes.
type postgresCursor struct {
	rows    pgx.Rows
	results pgx.BatchResults
}

func (c *postgresCursor) next() bool { return c.rows.Next() }

func (c *postgresCursor) scan(dest []any, borrow bool) error {
	return scanPostgres(c.rows, dest, borrow)
}

func (c *postgresCursor) close() error {
	c.rows.Close()
	err := c.rows.Err()
	if c.results != nil {
		if closeErr := c.results.Close(); err == nil {
			err = closeErr
		}
	}
	return err
}
