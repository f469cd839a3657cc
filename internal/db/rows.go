package db

import "errors"

// ErrNoRows is what [Get] returns when the query has no row.
var ErrNoRows = errors.New("no rows")

// Querier runs queries: a reader's connection or a transaction.
type Querier interface {
	// Query starts a query. Its error, if any, is on the Rows.
	Query(sql string, args ...any) *Rows
	// Pipeline starts several queries, which PostgreSQL is sent at once. Their
	// rows are read in order through [Pipeline.Next].
	Pipeline(statements ...Statement) *Pipeline
}

// Statement is a query and its arguments.
type Statement struct {
	SQL  string
	Args []any
}

// cursor is an engine's side of [Rows].
type cursor interface {
	next() bool
	scan(dest []any, borrow bool) error
	close() error // reports what went wrong while stepping, too
}

// Rows is the result of a query. It must be read to its end or closed before
// the next query of the same connection.
type Rows struct {
	cursor cursor
	err    error
	done   bool
}

func failed(err error) *Rows { return &Rows{err: err, done: true} }

// Next steps to the next row and closes the rows after the last one.
func (r *Rows) Next() bool {
	if r.done {
		return false
	}
	if r.err == nil && r.cursor.next() {
		return true
	}
	r.Close()
	return false
}

// Scan copies the columns of the row to dest, in order. A NULL needs a pointer
// to a pointer, except that a NULL text can be read as "".
func (r *Rows) Scan(dest ...any) { r.scan(dest, false) }

// Borrow is Scan without the copy: strings and bytes lie in the driver's memory
// and are valid until the next call of Next only. It is for rows that are used up
// at once, a page of a list.
func (r *Rows) Borrow(dest ...any) { r.scan(dest, true) }

func (r *Rows) scan(dest []any, borrow bool) {
	if r.err == nil && !r.done {
		r.err = r.cursor.scan(dest, borrow)
	}
}

// Err is the first error of the query, of its steps or of a scan.
func (r *Rows) Err() error { return r.err }

// Close ends the query early and returns [Rows.Err].
func (r *Rows) Close() error {
	if !r.done {
		r.done = true
		if err := r.cursor.close(); r.err == nil {
			r.err = err
		}
	}
	return r.err
}

// Pipeline is a row of queries under way; see [Querier].
type Pipeline struct {
	next func() *Rows
}

// Next gives the rows of the next query. Those of the one before must have been
// read or closed.
func (p *Pipeline) Next() *Rows { return p.next() }

// Get scans the first row of a query into dest; [ErrNoRows] if there is none.
func Get(rows *Rows, dest ...any) error {
	found := rows.Next()
	if found {
		rows.Scan(dest...)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	if !found {
		return ErrNoRows
	}
	return nil
}

// Collect reads all rows; scan is called for each, to read it with rows.Scan
// into the value that is appended.
func Collect[T any](rows *Rows, scan func(rows *Rows, v *T)) ([]T, error) {
	var all []T
	for rows.Next() {
		var v T
		scan(rows, &v)
		all = append(all, v)
	}
	return all, rows.Err()
}

// Column reads all rows of a query of one column.
func Column[T any](rows *Rows) ([]T, error) {
	var all []T
	var v T
	place := []any{&v}
	for rows.Next() {
		rows.Scan(place...)
		all = append(all, v)
	}
	return all, rows.Err()
}
