package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Ready tells whether the database answers and has the schema that this program
// was made for; its error says what is missing. It costs one small query.
func (d *DB) Ready(ctx context.Context) error {
	program, err := programVersion()
	if err != nil {
		return err
	}
	var database int64
	err = d.Read(ctx, func(q Querier) error {
		return Get(q.Query(`SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`), &database)
	})
	if tableMissing(err) {
		return ErrSchemaMissing
	}
	if err != nil {
		return fmt.Errorf("reading the schema version: %w", err)
	}
	if database < program {
		return ErrSchemaMissing
	}
	return refuseNewer(database, program)
}

// ErrSchemaNewer is part of the error about a database that a newer version of
// the program has been at.
var ErrSchemaNewer = errors.New("it was used with a newer syncro; start that one")

func refuseNewer(database, program int64) error {
	if database > program {
		return fmt.Errorf("the database has schema version %d, this program knows up to %d: %w", database, program, ErrSchemaNewer)
	}
	return nil
}

// programVersion is the greatest number that a migration's file begins with.
func programVersion() (newest int64, err error) {
	entries, err := fs.ReadDir(migrationFiles, "migrations")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		digits, _, _ := strings.Cut(e.Name(), "_")
		version, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the migration %s has no number: %w", e.Name(), err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}

func tableMissing(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "42P01"
	}
	return err != nil && strings.Contains(err.Error(), "no such table") // SQLite has no code for it
}
