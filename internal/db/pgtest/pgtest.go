//go:build unix

// Package pgtest gives a test its own empty place on a real PostgreSQL server.
//
// [URL] answers with the address of a fresh schema that nothing else uses and
// that disappears when the test ends. The server behind it is
//
//   - the one named by the environment variable SYNCRO_TEST_POSTGRES, or else
//   - a private one, started from the installed binaries by the first call in
//     a test process and shared by all tests of that process.
//
// Invariants:
//
//   - A test never skips for want of PostgreSQL; it fails and says what to
//     install.
//   - The private server listens on a unix socket in its own directory only,
//     so it meets no other server and no port.
//   - The private server and its directory do not outlive the test process, in
//     whatever way that ends, kill -9 included (see watchdog.sh).
//   - The extensions are there before the first test. An extension belongs to
//     a whole database, so it stands in a schema of its own, at the end of the
//     search path: dropping a test's schema never takes it away from another.
//
// Advisory locks and NOTIFY channels reach a whole database, hence across
// schemas: tests running in parallel may wait for each other there, and must
// not count on a channel being silent.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable names a postgres:// URL to test on instead of a private server. The
// role needs CREATE on the database, nothing more.
const Variable = "SYNCRO_TEST_POSTGRES"

// patience bounds every wait for the server: far above what a loaded machine
// needs, far below go test's own time limit, whose report would say less.
const patience = time.Minute

// One server serves all tests of the process. It is kept here to the end: were
// it collected as garbage, its pipe would close and the server stop.
var shared = sync.OnceValues(func() (*server, error) {
	if address := os.Getenv(Variable); address != "" {
		return prepare(&server{url: address})
	}
	s, err := start()
	if err != nil {
		return nil, err
	}
	return prepare(s)
})

// URL gives the postgres:// address of a new, empty schema, valid until tb
// ends. The address is plain text for pgx and libpq alike, in this process and
// in any other that tb starts. Whatever uses it must be closed before tb's
// clean-up gets here, which is the case if it was opened after this call and is
// closed by tb.Cleanup.
func URL(tb testing.TB) string {
	tb.Helper()
	s, err := shared()
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	if err := s.exec("CREATE SCHEMA " + schema); err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	tb.Cleanup(func() {
		// The limit turns a transaction that the test left open into a failure
		// with a reason, where it would be a hang.
		err := s.exec("SET lock_timeout = '20s'", "DROP SCHEMA "+schema+" CASCADE")
		if err != nil {
			tb.Errorf("pgtest: the schema could not be dropped, is a connection of the test still open? %v", err)
		}
	})
	address, err := withSearchPath(s.url, schema, s.extensions)
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	return address
}

type server struct {
	url        string
	extensions []string // the schemas in which the extensions stand
	keep       any      // what must stay reachable for the server to live
}

// prepare creates the extensions once. Several test processes may meet on the
// server of SYNCRO_TEST_POSTGRES, and IF NOT EXISTS does not survive a race, so
// they take turns. An administrator may have put an extension elsewhere: the
// search path follows it there.
func prepare(s *server) (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)

	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			SELECT pg_advisory_xact_lock(hashtext('pgtest extensions'));
			CREATE SCHEMA IF NOT EXISTS extensions;
			CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA extensions;
			CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA extensions`)
		if err != nil {
			return fmt.Errorf("create the extensions pg_trgm and btree_gin (Debian: in postgresql; elsewhere: postgresql-contrib): %w", err)
		}
		rows, err := tx.Query(ctx, `
			SELECT DISTINCT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
			WHERE e.extname IN ('pg_trgm', 'btree_gin')`)
		if err != nil {
			return err
		}
		s.extensions, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *server) exec(statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// withSearchPath sends the search path among the connection's start-up options,
// the one place that pgx, libpq and psql all understand, so that it holds for
// each connection of a pool, in every process.
func withSearchPath(address, schema string, extensions []string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("%s is not a URL: %w", Variable, err)
	}
	query := u.Query()
	path := strings.Join(append([]string{schema}, extensions...), ",")
	query.Set("options", strings.TrimSpace(query.Get("options")+" -csearch_path="+path))
	// libpq takes a plus sign literally where Go means a space.
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u.String(), nil
}
