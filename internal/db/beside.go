package db

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/ncruces/go-sqlite3"
	sqlitedriver "github.com/ncruces/go-sqlite3/driver"
)

// The job queue brings statements of its own, and its tables lie in this database.
// It alone goes past [DB.Read] and [DB.Write]; these are its two ways in.

// Pool is the pool of connections to PostgreSQL; nil on SQLite.
func (d *DB) Pool() *pgxpool.Pool {
	if p, ok := d.driver.(*postgres); ok {
		return p.pool
	}
	return nil
}

// OpenBeside opens one more connection to a SQLite database, whose writes take
// turns with those of [DB.Write]. They are not synced to disk by themselves: a
// power failure may undo the last of them, though never those of DB.Write before
// them. It is closed before the DB is.
func (d *DB) OpenBeside() (*sql.DB, error) {
	s, ok := d.driver.(*sqlite)
	if !ok {
		return nil, errors.New("only SQLite has a connection beside")
	}
	// A transaction locks at its start: one that begins to read and then cannot
	// write would have to be run again.
	name := fileURI(s.path, "_txlock=immediate")
	connector, err := (&sqlitedriver.SQLite{}).OpenConnector(name)
	if err != nil {
		return nil, err
	}
	conn := sql.OpenDB(turnsConnector{connector, &s.writing})
	conn.SetMaxOpenConns(1)
	return conn, nil
}

// configureBeside leaves out what [gatheringVFS] and its full syncing need: this
// connection writes through the ordinary file system.
func configureBeside(c *sqlite3.Conn) error {
	if err := configureSQLite(c); err != nil {
		return err
	}
	return c.Exec(`PRAGMA synchronous = NORMAL`)
}

// turnsConnector makes connections that hold turn while they write. SQLite's own
// lock would do, but who waits for it looks again at intervals, and would find it
// taken again and again by a writer that never pauses.
type turnsConnector struct {
	sqldriver.Connector
	turn *sync.Mutex
}

// Connect opens a connection.
func (t turnsConnector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	c, err := t.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := c.(besideConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver has changed"), c.Close())
	}
	if err := configureBeside(inner.Raw()); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &turnsConn{besideConn: inner, turn: t.turn, prepared: map[string]*turnsStmt{}}, nil
}

// besideConn is what the driver's connections can do.
type besideConn interface {
	sqldriver.Conn
	sqldriver.ConnBeginTx
	sqldriver.ConnPrepareContext
	sqldriver.ExecerContext
	sqldriver.NamedValueChecker
	Raw() *sqlite3.Conn
}

// turnsConn is used by one goroutine at a time.
type turnsConn struct {
	besideConn
	turn     *sync.Mutex
	tx       sqldriver.Tx // the transaction that is open, if any: it has the turn
	prepared map[string]*turnsStmt
}

// BeginTx waits for the turn, for as long as the transaction lasts.
func (c *turnsConn) BeginTx(ctx context.Context, options sqldriver.TxOptions) (sqldriver.Tx, error) {
	c.turn.Lock()
	tx, err := c.besideConn.BeginTx(ctx, options)
	if err != nil {
		c.turn.Unlock()
		return nil, err
	}
	c.tx = tx
	return c, nil
}

// Commit ends the transaction.
func (c *turnsConn) Commit() error { return c.end(sqldriver.Tx.Commit) }

// Rollback ends the transaction.
func (c *turnsConn) Rollback() error { return c.end(sqldriver.Tx.Rollback) }

func (c *turnsConn) end(how func(sqldriver.Tx) error) error {
	tx := c.tx
	if tx == nil {
		return nil
	}
	c.tx = nil
	defer c.turn.Unlock()
	return how(tx)
}

// Close closes the connection, even in the middle of a transaction.
func (c *turnsConn) Close() error {
	var err error
	for _, st := range c.prepared {
		err = errors.Join(err, st.besideStmt.Close())
	}
	err = errors.Join(err, c.besideConn.Close())
	if c.tx != nil {
		c.tx = nil
		c.turn.Unlock()
	}
	return err
}

// ExecContext runs a statement.
func (c *turnsConn) ExecContext(ctx context.Context, query string, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	if len(args) > 0 {
		return nil, sqldriver.ErrSkip // database/sql prepares it then
	}
	defer c.take()()
	return c.besideConn.ExecContext(ctx, query, args)
}

// take waits for the turn, unless a transaction has it; the result gives it back.
func (c *turnsConn) take() (giveBack func()) {
	if c.tx != nil {
		return func() {}
	}
	c.turn.Lock()
	return c.turn.Unlock
}

// PrepareContext prepares a statement, or gives one that was prepared before: the
// queue has few, and preparing takes longer than running them.
func (c *turnsConn) PrepareContext(ctx context.Context, query string) (sqldriver.Stmt, error) {
	if st, ok := c.prepared[query]; ok && !st.busy {
		st.busy = true
		return st, nil
	}
	st, err := c.besideConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	inner, ok := st.(besideStmt)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver has changed"), st.Close())
	}
	prepared := &turnsStmt{besideStmt: inner, conn: c, reads: isSelect(query), busy: true}
	if _, taken := c.prepared[query]; !taken && len(c.prepared) < maxCached {
		prepared.kept = true
		c.prepared[query] = prepared
	}
	return prepared, nil
}

// isSelect tells whether a statement certainly writes nothing.
func isSelect(query string) bool {
	for line := range strings.Lines(query) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "--") {
			return strings.HasPrefix(line, "SELECT")
		}
	}
	return false
}

type besideStmt interface {
	sqldriver.Stmt
	sqldriver.StmtExecContext
	sqldriver.StmtQueryContext
	sqldriver.NamedValueChecker
}

type turnsStmt struct {
	besideStmt
	conn  *turnsConn
	reads bool
	kept  bool // for the next one who prepares the same
	busy  bool
}

// Close closes the statement, unless it is kept.
func (s *turnsStmt) Close() error {
	s.busy = false
	if s.kept {
		return nil
	}
	return s.besideStmt.Close()
}

// ExecContext runs the statement.
func (s *turnsStmt) ExecContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	defer s.conn.take()()
	return s.besideStmt.ExecContext(ctx, args)
}

// QueryContext runs the statement. One that writes ends with its rows.
func (s *turnsStmt) QueryContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	if s.reads {
		return s.besideStmt.QueryContext(ctx, args)
	}
	giveBack := s.conn.take()
	rows, err := s.besideStmt.QueryContext(ctx, args)
	if err != nil {
		giveBack()
		return nil, err
	}
	return &turnsRows{Rows: rows, giveBack: sync.OnceFunc(giveBack)}, nil
}

type turnsRows struct {
	sqldriver.Rows
	giveBack func()
}

// Close ends the statement.
func (r *turnsRows) Close() error {
	defer r.giveBack()
	return r.Rows.Close()
}
