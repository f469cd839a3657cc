package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Engine names the database behind a [DB].
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Options say which database to open and how.
type Options struct {
	// URL is "sqlite:PATH" (relative to Dir) or a postgres:// URL.
	URL string
	// Dir is the directory that relative SQLite paths start from.
	Dir string
	// Clock gives the time of transactions.
	Clock func() time.Time
}

// Engine is the engine that the URL names; "" if it names none.
func (o Options) Engine() Engine {
	t, err := parseURL(o)
	if err != nil {
		return ""
	}
	return t.engine
}

// Check tells whether the URL can be one, without asking whether anything is there.
func (o Options) Check() error {
	_, err := parseURL(o)
	return err
}

// ErrSchemaMissing is returned by [Open] for a database that has no schema yet
// or an older one; [Migrate] brings it up to date.
var ErrSchemaMissing = errors.New("the database schema is not up to date: run `syncro migrate`")

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine Engine
	driver driver
}

// driver is what an engine must give. Both implementations are in this package.
type driver interface {
	read(ctx context.Context, fn func(Querier) error) error
	write(ctx context.Context, fn func(*Tx) error) error
	ping(ctx context.Context) error
	close() error
}

// Open opens the database of an up-to-date schema; see [Migrate] for the other case.
func Open(ctx context.Context, o Options) (*DB, error) {
	target, err := parseURL(o)
	if err != nil {
		return nil, err
	}
	d := &DB{engine: target.engine}
	if target.engine == SQLite {
		if _, err := os.Stat(target.path); errors.Is(err, fs.ErrNotExist) {
			return nil, ErrSchemaMissing
		}
		d.driver, err = openSQLite(target.path, o.Clock)
	} else {
		d.driver, err = openPostgres(ctx, target.url, o.Clock)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := d.Ready(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// target is a parsed [Options.URL].
type target struct {
	engine Engine
	path   string // SQLite's file
	url    string // PostgreSQL's URL
}

func parseURL(o Options) (target, error) {
	if path, ok := strings.CutPrefix(o.URL, "sqlite:"); ok && path != "" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(o.Dir, path)
		}
		return target{engine: SQLite, path: path}, nil
	}
	if strings.HasPrefix(o.URL, "postgres://") || strings.HasPrefix(o.URL, "postgresql://") {
		if _, err := url.Parse(o.URL); err != nil {
			return target{}, errors.New("the database URL cannot be parsed: write postgres://USER:PASSWORD@HOST:PORT/NAME, with special characters of the password percent-encoded")
		}
		return target{engine: Postgres, url: o.URL}, nil
	}
	return target{}, errors.New("the database must be sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME")
}

// Engine tells which database this is, for the few statements that differ.
func (d *DB) Engine() Engine { return d.engine }

// Read runs fn with a connection to read from. On SQLite all queries of fn see
// one snapshot; on PostgreSQL each statement sees its own.
func (d *DB) Read(ctx context.Context, fn func(q Querier) error) error {
	return d.driver.read(ctx, fn)
}

// Write runs fn in a transaction and commits it, unless fn returns an error,
// which Write then returns with everything undone. The package comment says
// what fn may do. Once begun, fn is not cancelled with ctx.
func (d *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	return d.driver.write(ctx, withCompanion(ctx, fn))
}

// Ping tells whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return d.driver.ping(ctx) }

// Close lets running work finish and closes the connections.
func (d *DB) Close() error { return d.driver.close() }

type companionKey struct{}

// WithCompanion gives a context whose writes do one thing more in their own
// transaction, after their function has succeeded. The idempotency of the API
// rests on it: that a key was used commits with the change it was used for.
func WithCompanion(ctx context.Context, companion func(tx *Tx) error) context.Context {
	return context.WithValue(ctx, companionKey{}, companion)
}

// WithoutCompanion gives a context whose writes do nothing besides.
func WithoutCompanion(ctx context.Context) context.Context {
	return context.WithValue(ctx, companionKey{}, nil)
}

func withCompanion(ctx context.Context, fn func(tx *Tx) error) func(tx *Tx) error {
	companion, ok := ctx.Value(companionKey{}).(func(tx *Tx) error)
	if !ok {
		return fn
	}
	return func(tx *Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return companion(tx)
	}
}

// ErrClaimed is returned by [DB.Claim] while another process serves the database.
var ErrClaimed = errors.New("another syncro serves this database; several at once need PostgreSQL")

// Claim makes this process the one that serves a SQLite database, until release
// is called. Commands may use the database besides. Any number of processes can
// serve a PostgreSQL database.
func (d *DB) Claim() (release func() error, err error) {
	if s, ok := d.driver.(*sqlite); ok {
		return claimFile(s.path + ".lock")
	}
	return func() error { return nil }, nil
}
