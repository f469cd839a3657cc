package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"syncro/internal/app"
	"syncro/internal/demo"
	"syncro/internal/netguard"
)

type demoCommand struct {
	Addr string `default:"127.0.0.1:8080" env:"SYNCRO_ADDR" help:"Where to listen; port 0 takes any that is free."`
	// Not SYNCRO_DATABASE: a server's own database, while still empty, would be filled.
	Database string `env:"SYNCRO_DEMO_DATABASE" placeholder:"URL" help:"Empty database to keep the demo in, or one that it was kept in before: sqlite:PATH, or postgres://USER:PASSWORD@HOST:PORT/NAME; one that is thrown away at the end when left out."`
}

// simulatorLimit is how long webhooks on their way have when the demo ends.
const simulatorLimit = 2 * time.Second

// Run serves the demo until a signal comes.
func (d *demoCommand) Run(ctx context.Context, to *streams) (err error) {
	c := app.Default()
	c.Addr, c.Database, c.SecretKey, c.LogLevel, c.Version = d.Addr, d.Database, demo.SecretKey, "warn", programVersion()
	c.Webhooks = netguard.Loopback // for whoever tries webhooks on one machine
	if d.Database == "" {
		dir, failed := os.MkdirTemp("", "syncro-demo-")
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		c.DataDir, c.Database = dir, "sqlite:"+filepath.Join(dir, "demo.db")
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
	control, stop, err := demo.Play(ctx, a.DB, "http://"+reachable(listener.Addr()))
	if err != nil {
		return err
	}
	defer func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), simulatorLimit)
		defer cancel()
		err = errors.Join(err, stop(limited))
	}()
	a.Simulate(control)
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

Try these in another terminal: a page of leads, a WhatsApp message to one of them,
and the customer who answers it:

curl "%[1]s/api/v1/leads?pipeline_id=1&per_page=2&include=owner" \
  -H "X-API-Key: %[2]s"

curl -X POST "%[1]s/api/v1/leads/123/send-whatsapp" \
  -H "X-API-Key: %[2]s" \
  -H "Content-Type: application/json" \
  -d '{"type": "text", "body": "Olá! Tudo bem?", "instance_id": 1}'

curl -X POST "%[1]s/simulator/inbound" \
  -H "Content-Type: application/json" \
  -d '{"phone": "+5511999887766", "instance_id": 1, "body": "Tudo ótimo!"}'
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
