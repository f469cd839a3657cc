//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// With this variable set the test binary starts a private server, says where it
// is and waits to be killed.
const victim = "PGTEST_VICTIM"

func TestMain(m *testing.M) {
	if os.Getenv(victim) == "" {
		os.Exit(m.Run())
	}
	s, err := start()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.url)
	select {}
}

func TestConcurrentTestsEachHaveAnEmptySchemaWithTheExtensions(t *testing.T) {
	var group errgroup.Group
	for n := range 8 {
		address := URL(t)
		group.Go(func() error {
			conn, err := pgx.Connect(t.Context(), address)
			if err != nil {
				return err
			}
			defer conn.Close(context.WithoutCancel(t.Context()))
			_, err = conn.Exec(t.Context(), `
				CREATE EXTENSION IF NOT EXISTS pg_trgm;
				CREATE TABLE lead (account_id bigint, text text);
				CREATE INDEX ON lead USING gin (account_id, text gin_trgm_ops);
				INSERT INTO lead SELECT 1, 'joao' FROM generate_series(0, `+fmt.Sprint(n)+`)`)
			if err != nil {
				return err
			}
			var rows int
			if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM lead").Scan(&rows); err != nil {
				return err
			}
			if rows != n+1 {
				return fmt.Errorf("test %d sees %d rows", n, rows)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestTheSchemaGoesWithItsTest(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })

	var schema string
	t.Run("a test that makes a table", func(t *testing.T) {
		inner, err := pgx.Connect(t.Context(), URL(t))
		if err != nil {
			t.Fatal(err)
		}
		defer inner.Close(context.WithoutCancel(t.Context()))
		if _, err := inner.Exec(t.Context(), "CREATE TABLE lead (id bigint)"); err != nil {
			t.Fatal(err)
		}
		if err := inner.QueryRow(t.Context(), "SELECT current_schema()").Scan(&schema); err != nil {
			t.Fatal(err)
		}
	})

	var left bool
	err = conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema).Scan(&left)
	if err != nil {
		t.Fatal(err)
	}
	if schema == "" || left {
		t.Errorf("schema %q is still there", schema)
	}
}

func TestAKilledTestProcessLeavesNoServerAndNoDirectory(t *testing.T) {
	if os.Getenv(Variable) != "" {
		t.Logf("%s is set: there is no private server that could be left behind", Variable)
		return
	}
	// Whatever descends from the victim inherits the write end of this pipe, so
	// its closing says that the last of them is gone.
	descendants, inherited, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer descendants.Close()

	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victim+"=1")
	cmd.ExtraFiles = []*os.File{inherited}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := inherited.Close(); err != nil {
		t.Fatal(err)
	}
	var address string
	if _, err := fmt.Fscanln(output, &address); err != nil || !strings.HasPrefix(address, "postgres://") {
		t.Fatalf("the victim did not start: %q %v", address, err)
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	// An open connection must not delay the end.
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))

	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the victim ended by itself")
	}
	if err := descendants.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(descendants); err != nil {
		t.Fatalf("a process is left: %v", err)
	}
	if _, err := os.Stat(config.Host); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory %s is left: %v", config.Host, err)
	}
}
