package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"syncro/internal/app"
	"syncro/internal/demo"
)

type demoCommand struct {
	Addr string `default:"127.0.0.1:8080" env:"SYNCRO_ADDR" help:"Where to listen; port 0 takes any that is free."`
	// Not SYNCRO_DATABASE: a server's own database, while still empty, would be filled.
	Database string `env:"SYNCRO_DEMO_DATABASE" placeholder:"URL" help:"Empty database to keep the demo in, or one that it was kept in before: sqlite:PATH, or postgres://USER:PASSWORD@HOST:PORT/NAME; one that is thrown away at the end when left out."`
}

// Run serves the demo until a signal comes.
func (d *demoCommand) Run(ctx context.Context, to *streams) (err error) {
	c := app.Default()
	c.Addr, c.Database, c.LogLevel, c.Version = d.Addr, d.Database, "warn", programVersion()
	if d.Database == "" {
		dir, failed := os.MkdirTemp("", "syncro-demo-")
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		c.Database = "sqlite:" + filepath.Join(dir, "demo.db")
	}
	if err := c.Check(); err != nil {
		return err
	}
	listener, err := app.Listen(ctx, c.Addr)
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // closed already, unless the start failed
	a, err := app.Open(ctx, c, c.Log(to.notes))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := demo.Prepare(ctx, a.DB); err != nil {
		return err
	}
	if err := introduce(to.out, listener.Addr()); err != nil {
		return err
	}
	return a.Serve(ctx, listener)
}

// introduce says where the demo is and what to try first.
func introduce(w io.Writer, addr net.Addr) error {
	base := "http://" + reachable(addr)
	_, err := fmt.Fprintf(w, `Syncro's demo is running. Ctrl+C ends it.

  API   %[1]s/api/v1
  Docs  %[1]s/docs
  Key   %[2]s

Try these in another terminal:

curl "%[1]s/api/v1/leads?pipeline_id=1&per_page=2&include=owner" \
  -H "X-API-Key: %[2]s"

curl "%[1]s/api/v1/leads/123?include=owner,tasks,notes" \
  -H "X-API-Key: %[2]s"

curl -X PUT "%[1]s/api/v1/leads/123/stage" \
  -H "X-API-Key: %[2]s" \
  -H "Content-Type: application/json" \
  -d '{"stage_id": 7, "pipeline_id": 1}'
`, base, demo.Key)
	return err
}

// reachable is an address as a client on this machine types it.
func reachable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return addr.String()
}
