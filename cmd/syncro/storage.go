package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"syncro/internal/app"
)

// storage says where the data is. Every command that works on it has these flags.
type storage struct {
	DataDir  string `default:"." env:"SYNCRO_DATA_DIR" help:"Directory of the data; a relative SQLite path starts there."`
	Database string `default:"sqlite:syncro.db" env:"SYNCRO_DATABASE" help:"sqlite:PATH, or postgres://USER:PASSWORD@HOST:PORT/NAME."`

	SecretKey string `env:"SYNCRO_SECRET_KEY" placeholder:"KEY" help:"Key that tokens of providers are kept sealed with: 32 bytes in hex or base64, the same on all nodes. When left out, syncro.key in the data directory, which is made when it is needed."`
}

func (s storage) config() app.Config {
	c := app.Default()
	c.DataDir, c.Database, c.SecretKey, c.Version = s.DataDir, s.Database, s.SecretKey, programVersion()
	return c
}

// flags repeats what was said about the storage, for a command to type next. A
// URL with a password is not repeated.
func (s storage) flags() string {
	var flags string
	if s.DataDir != "." && os.Getenv("SYNCRO_DATA_DIR") == "" {
		flags += " --data-dir " + quoted(s.DataDir)
	}
	if s.Database != "sqlite:syncro.db" && os.Getenv("SYNCRO_DATABASE") == "" {
		if strings.HasPrefix(s.Database, "sqlite:") {
			flags += " --database " + quoted(s.Database)
		} else {
			flags += " --database postgres://…"
		}
	}
	return flags
}

// quoted is a text as a shell takes it for one word.
func quoted(text string) string {
	if strings.IndexFunc(text, func(c rune) bool { return !strings.ContainsRune(plainInShells, c) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

const plainInShells = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,="

// administer opens the database, which a server may be using at the same time,
// for a command.
func (s storage) administer(ctx context.Context, out *streams, do func(a *app.App) error) error {
	return s.reaching(ctx, out, reach{}, do)
}

// reaching is administer for a command that reaches for the network.
func (s storage) reaching(ctx context.Context, out *streams, r reach, do func(a *app.App) error) (err error) {
	c := s.config()
	c.LogLevel, c.Webhooks = "warn", r.WebhookAllow
	if err := c.Check(); err != nil {
		return err
	}
	a, err := app.Open(ctx, c, c.Log(out.notes))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return do(a)
}
