package main

import (
	"context"
	"fmt"

	"syncro/internal/app"
)

type serveCommand struct {
	storage
	Addr      string `default:"127.0.0.1:8080" env:"SYNCRO_ADDR" help:"Where to listen; port 0 takes any that is free."`
	RateLimit int64  `default:"60" env:"SYNCRO_RATE_LIMIT" help:"Requests a minute of keys that have no limit of their own."`
	Workers   bool   `default:"true" env:"SYNCRO_WORKERS" help:"Whether to do the work that requests leave, such as deliveries; =false leaves it to other nodes on the same PostgreSQL."`
	reach
	LogLevel  string `default:"info" env:"SYNCRO_LOG_LEVEL" help:"debug, info, warn or error."`
	LogFormat string `default:"text" env:"SYNCRO_LOG_FORMAT" help:"text or json."`
}

// reach says where the program may send what it was told to send somewhere. It is
// checked where a target is named and again where it is asked: give it to all nodes.
type reach struct {
	WebhookAllow string `env:"SYNCRO_WEBHOOK_ALLOW" placeholder:"CIDR,…" help:"Address ranges that webhooks and WhatsApp providers may be in though they are not public, such as 10.0.0.0/8."`
}

// Run serves until a signal comes.
func (s *serveCommand) Run(ctx context.Context, to *streams) error {
	c := s.config()
	c.Addr, c.RateLimit, c.Workers, c.LogLevel, c.LogFormat = s.Addr, s.RateLimit, s.Workers, s.LogLevel, s.LogFormat
	c.Webhooks = s.WebhookAllow
	if err := c.Check(); err != nil {
		return err
	}
	return app.Serve(ctx, c, c.Log(to.notes))
}

type workerCommand struct {
	storage
	reach
	LogLevel  string `default:"info" env:"SYNCRO_LOG_LEVEL" help:"debug, info, warn or error."`
	LogFormat string `default:"text" env:"SYNCRO_LOG_FORMAT" help:"text or json."`
}

// Run works until a signal comes.
func (w *workerCommand) Run(ctx context.Context, to *streams) error {
	c := w.config()
	c.LogLevel, c.LogFormat, c.Webhooks = w.LogLevel, w.LogFormat, w.WebhookAllow
	if err := c.Check(); err != nil {
		return err
	}
	return app.Work(ctx, c, c.Log(to.notes))
}

type migrateCommand struct {
	storage
}

// Run says what there was to do.
func (m *migrateCommand) Run(ctx context.Context, to *streams) error {
	c := m.config()
	if err := c.Check(); err != nil {
		return err
	}
	before, after, err := app.Migrate(ctx, c)
	switch {
	case err != nil:
	case before == after:
		_, err = fmt.Fprintf(to.out, "The schema is up to date, at version %d.\n", after)
	default:
		_, err = fmt.Fprintf(to.out, "The schema went from version %d to %d.\n", before, after)
	}
	return err
}
