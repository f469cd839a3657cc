package db

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Load inserts many rows, each with a value for every column, as fast as the
// engine can: COPY on PostgreSQL, one prepared INSERT on SQLite. It returns how
// many. The values are those that [Tx.Exec] takes. rows makes no use of the
// transaction, and gives its rows anew if the transaction is run again.
func (tx *Tx) Load(table string, columns []string, rows iter.Seq[[]any]) (int64, error) {
	n, err := tx.conn.load(table, columns, rows)
	if err != nil {
		return 0, fmt.Errorf("loading into %s: %w", table, err)
	}
	return n, nil
}

// ResetIDs makes the next id that the table gives greater than atLeast, and than
// any it has given. It is for rows that were stored under ids of their own, in a
// table that nobody else is adding to.
func ResetIDs(tx *Tx, table string, atLeast int64) error {
	statements := []string{
		`INSERT INTO sqlite_sequence (name, seq) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = $1)`,
		`UPDATE sqlite_sequence SET seq = max(seq, $2) WHERE name = $1`,
	}
	if tx.Engine() == Postgres {
		statements = []string{`SELECT setval(ids, GREATEST($2, pg_sequence_last_value(ids), 1))
			FROM (SELECT pg_get_serial_sequence($1, 'id')::regclass AS ids) AS sequence`}
	}
	for _, sql := range statements {
		if _, err := tx.Exec(sql, table, atLeast); err != nil {
			return fmt.Errorf("moving the ids of %s beyond %d: %w", table, atLeast, err)
		}
	}
	return nil
}

// ReserveIDs takes ids from a table, for rows that are to be stored under them in this
// transaction, in ascending order. Nobody else is given them; one that is not used is
// never given again.
func ReserveIDs(tx *Tx, table string, n int) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	if tx.Engine() == Postgres {
		return Column[int64](tx.Query(`SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2::bigint) ORDER BY 1`, table, int64(n)))
	}
	if _, err := tx.Exec(`INSERT INTO sqlite_sequence (name, seq) SELECT $1, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = $1)`, table); err != nil {
		return nil, fmt.Errorf("reserving ids of %s: %w", table, err)
	}
	var last int64
	if err := Get(tx.Query(`UPDATE sqlite_sequence SET seq = seq + $2 WHERE name = $1 RETURNING seq`, table, int64(n)), &last); err != nil {
		return nil, fmt.Errorf("reserving ids of %s: %w", table, err)
	}
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = last - int64(n) + int64(i) + 1
	}
	return ids, nil
}

func (c *postgresConn) load(table string, columns []string, rows iter.Seq[[]any]) (int64, error) {
	if err := c.flush(); err != nil {
		return 0, err
	}
	next, stop := iter.Pull(rows)
	defer stop()
	return c.conn.CopyFrom(c.ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		row, more := next()
		switch {
		case !more:
			return nil, nil
		case len(row) != len(columns):
			return nil, fmt.Errorf("%d values for %d columns", len(row), len(columns))
		}
		return row, nil
	}))
}

// flush sends what is pending, above all the "begin".
func (c *postgresConn) flush() error {
	if len(c.pending) == 0 {
		return nil
	}
	results, err := c.send(nil)
	if err != nil {
		return err
	}
	return results.Close()
}

// How large SQLite's page cache is during a load: with as little as otherwise,
// pages of the many indexes would be written over and over. The second is the
// setting of configureSQLite.
const (
	loadCache  = `PRAGMA cache_size = -65536`
	usualCache = `PRAGMA cache_size = -2000`
)

func (c *sqliteConn) load(table string, columns []string, rows iter.Seq[[]any]) (n int64, err error) {
	// A pragma works while it is compiled, so it must not come from the cache of statements.
	if err := c.raw.Exec(loadCache); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.raw.Exec(usualCache)) }()
	parameters := make([]string, len(columns))
	for i := range columns {
		parameters[i] = "$" + strconv.Itoa(i+1)
	}
	st, err := c.prepare(`INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `) VALUES (` + strings.Join(parameters, ", ") + `)`)
	if err != nil {
		return 0, err
	}
	defer c.release(st)
	for row := range rows {
		if err := bindSQLite(st.raw, row); err != nil {
			return 0, err
		}
		st.raw.Step()
		if err := errors.Join(st.raw.Err(), st.raw.Reset()); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
