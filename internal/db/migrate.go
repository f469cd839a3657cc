package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/ncruces/go-sqlite3"
	sqlitedriver "github.com/ncruces/go-sqlite3/driver"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migrate creates the schema of an empty database or brings an older one up to
// date; it returns the versions before and after. On PostgreSQL a lock keeps two
// processes from doing it at once. A SQLite file that is about to be changed is
// copied beside itself first. A database that is newer than the program is
// refused, and so is a file that is none.
func Migrate(ctx context.Context, o Options) (from, to int64, err error) {
	t, err := parseURL(o)
	if err != nil {
		return 0, 0, err
	}
	err = withProvider(ctx, t, func(p *goose.Provider, conn *sql.DB) error {
		if from, to, err = versions(ctx, p); err != nil || from == to {
			return err
		}
		if t.engine == SQLite && from > 0 {
			if err := backUp(ctx, conn, t.path, from, o.Clock()); err != nil {
				return err
			}
		}
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrating from version %d to %d: %w", from, to, extensionAdvice(err))
		}
		return nil
	})
	return from, to, err
}

// versions gives the schema's version and the program's.
func versions(ctx context.Context, p *goose.Provider) (database, program int64, err error) {
	database, program, err = p.GetVersions(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the schema version: %w", err)
	}
	return database, program, refuseNewer(database, program)
}

func withProvider(ctx context.Context, t target, fn func(*goose.Provider, *sql.DB) error) (err error) {
	conn, dialect, options, err := migrationConn(ctx, t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	files, err := migrationsFor(t.engine)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, conn, files, options...)
	if err != nil {
		return err
	}
	return fn(p, conn)
}

func migrationConn(ctx context.Context, t target) (*sql.DB, goose.Dialect, []goose.ProviderOption, error) {
	if t.engine == Postgres {
		config, err := pgxpool.ParseConfig(t.url) // knows the pool's own parameters, too
		if err != nil {
			return nil, "", nil, err
		}
		conn := stdlib.OpenDB(*config.ConnConfig) // goose speaks to PostgreSQL through database/sql
		if err := conn.PingContext(ctx); err != nil {
			return nil, "", nil, errors.Join(fmt.Errorf("PostgreSQL cannot be reached: %w", err), conn.Close())
		}
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, "", nil, errors.Join(err, conn.Close())
		}
		return conn, goose.DialectPostgres, []goose.ProviderOption{goose.WithSessionLocker(locker)}, nil
	}
	conn, err := sqlitedriver.Open(sqliteURI(t.path), configureSQLite)
	if err != nil {
		return nil, "", nil, err
	}
	conn.SetMaxOpenConns(1)
	if err := prepareFile(ctx, conn, t.path); err != nil {
		return nil, "", nil, errors.Join(err, conn.Close())
	}
	return conn, goose.DialectSQLite3, nil, nil
}

// prepareFile refuses a file that is no database, or another program's, before
// anything is written to it.
func prepareFile(ctx context.Context, conn *sql.DB, file string) error {
	var foreign string
	err := conn.QueryRowContext(ctx, `SELECT COALESCE(MIN(name), '') FROM sqlite_schema
		WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'goose_db_version')`).Scan(&foreign)
	switch {
	case errors.Is(err, sqlite3.NOTADB):
		return fmt.Errorf("%s is not a SQLite database", file)
	case errors.Is(err, sqlite3.CORRUPT):
		return fmt.Errorf("%s is a damaged SQLite database: %w", file, err)
	case err == nil && foreign != "":
		return fmt.Errorf("%s is the SQLite database of another program: it has a table %s and no schema version", file, foreign)
	case err == nil:
		_, err = conn.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	}
	if err != nil {
		return fmt.Errorf("%s cannot be used as a SQLite database: %w", file, err)
	}
	return nil
}

// migrationsFor gives the migrations in the engine's words. A file named
// x.sqlite.sql or x.postgres.sql is for that engine only.
func migrationsFor(engine Engine) (fs.FS, error) {
	entries, err := fs.ReadDir(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	files := fstest.MapFS{}
	for _, e := range entries {
		name := e.Name()
		base := strings.TrimSuffix(name, ".sql")
		if ext := path.Ext(base); ext != "" {
			if ext != "."+string(engine) {
				continue
			}
			base = strings.TrimSuffix(base, ext)
		}
		text, err := fs.ReadFile(migrationFiles, path.Join("migrations", name))
		if err != nil {
			return nil, err
		}
		files[base+".sql"] = &fstest.MapFile{Data: []byte(migrationSQL(engine, string(text)))}
	}
	return files, nil
}

// backUp copies a SQLite database to a file beside it, complete or not at all.
func backUp(ctx context.Context, conn *sql.DB, file string, version int64, now time.Time) error {
	final := fmt.Sprintf("%s.before-%04d.%s", file, version+1, now.UTC().Format("20060102T150405Z"))
	partial := final + ".partial"
	if _, err := conn.ExecContext(ctx, "VACUUM INTO ?", partial); err != nil {
		return fmt.Errorf("backing up before the migration: %w", err)
	}
	if err := os.Rename(partial, final); err != nil {
		return fmt.Errorf("backing up before the migration: %w", err)
	}
	return nil
}

// extensionAdvice adds what an administrator must run where the role may not
// create the extensions that search needs.
func extensionAdvice(err error) error {
	if err == nil || !strings.Contains(err.Error(), "extension") {
		return err
	}
	return fmt.Errorf("%w; a database administrator must run once: CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gin;", err)
}
