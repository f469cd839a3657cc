package db_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

func TestAFileThatIsNotOursIsRefusedAndLeftAsItWas(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, bytes.Repeat([]byte("no database\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign.db")
	conn, err := sqlite3.Open(foreign)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conn.Exec(`CREATE TABLE bookmarks (url TEXT)`), conn.Close()); err != nil {
		t.Fatal(err)
	}
	for file, reason := range map[string]string{
		text:    "text.db is not a SQLite database",
		foreign: "foreign.db is the SQLite database of another program",
		dir:     "cannot be used as a SQLite database",
	} {
		before, _ := os.ReadFile(file)
		_, _, err := db.Migrate(t.Context(), db.Options{URL: "sqlite:" + file, Clock: time.Now})
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", reason, err)
		}
		if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
			t.Errorf("%s was changed", file)
		}
	}
}

func TestADatabaseIsReadyOnlyWithTheSchemaOfThisProgram(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		if err := d.Ready(t.Context()); err != nil {
			t.Errorf("an up-to-date database: %v", err)
		}
		dbtest.Exec(t, d, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
		if err := d.Ready(t.Context()); !errors.Is(err, db.ErrSchemaNewer) {
			t.Errorf("a newer schema: %v", err)
		}
		dbtest.Exec(t, d, `DELETE FROM goose_db_version WHERE version_id > 1`)
		if err := d.Ready(t.Context()); !errors.Is(err, db.ErrSchemaMissing) {
			t.Errorf("an older schema: %v", err)
		}
		dbtest.Exec(t, d, `DROP TABLE goose_db_version`)
		if err := d.Ready(t.Context()); !errors.Is(err, db.ErrSchemaMissing) {
			t.Errorf("no schema: %v", err)
		}
	})
}
