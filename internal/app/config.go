package app

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"syncro/internal/db"
	"syncro/internal/netguard"
	"syncro/internal/secrets"
)

// Config is everything that the program can be told. Messages about it name the
// flags it comes from.
type Config struct {
	Addr      string // where to listen, HOST:PORT; port 0 for any that is free
	DataDir   string // where relative SQLite paths start
	Database  string // sqlite:PATH or a postgres:// URL
	RateLimit int64  // requests a minute of keys without a limit of their own
	Workers   bool   // whether a server does the work that requests leave, too
	SecretKey string // 32 bytes, hex or base64, that tokens are sealed with; "": the key file of DataDir
	Webhooks  string // address ranges, separated by commas, that webhooks may reach besides public addresses
	LogLevel  string
	LogFormat string
	Version   string           // of the program, for the log
	Clock     func() time.Time // nil: the machine's
}

// Default is the configuration of a program that is told nothing.
func Default() Config {
	return Config{
		Addr: "127.0.0.1:8080", DataDir: ".", Database: "sqlite:syncro.db", RateLimit: 60, Workers: true,
		LogLevel: "info", LogFormat: "text", Version: "unknown", Clock: time.Now,
	}
}

// Problems are all that is wrong with a [Config].
type Problems []string

func (p Problems) Error() string { return strings.Join(p, "; ") }

var logLevels = []string{"debug", "info", "warn", "error"}

// Check reports everything that is wrong, as [Problems].
func (c Config) Check() error {
	var problems Problems
	if host, port, err := net.SplitHostPort(c.Addr); err != nil || !isPort(port) {
		problems = append(problems, fmt.Sprintf("--addr %q is not HOST:PORT, such as 127.0.0.1:8080", c.Addr))
	} else if strings.ContainsAny(host, " /") {
		problems = append(problems, fmt.Sprintf("--addr %q has no proper host", c.Addr))
	}
	if info, err := os.Stat(c.DataDir); err != nil {
		problems = append(problems, fmt.Sprintf("--data-dir %s does not exist: create it first", c.DataDir))
	} else if !info.IsDir() {
		problems = append(problems, fmt.Sprintf("--data-dir %s is not a directory", c.DataDir))
	}
	if err := c.options().Check(); err != nil {
		problems = append(problems, "--database: "+err.Error())
	}
	if !c.Workers && c.options().Engine() == db.SQLite {
		problems = append(problems, "--workers=false needs PostgreSQL: a SQLite database has one server, which does the work too")
	}
	if c.SecretKey != "" {
		if _, err := secrets.ParseKey(c.SecretKey); err != nil {
			problems = append(problems, "--secret-key: "+err.Error())
		}
	}
	if _, err := netguard.ParseRanges(c.Webhooks); err != nil {
		problems = append(problems, "--webhook-allow: "+err.Error())
	}
	if c.RateLimit < 1 {
		problems = append(problems, fmt.Sprintf("--rate-limit must be at least 1, not %d", c.RateLimit))
	}
	if !slices.Contains(logLevels, c.LogLevel) {
		problems = append(problems, fmt.Sprintf("--log-level must be one of %s, not %q", strings.Join(logLevels, ", "), c.LogLevel))
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		problems = append(problems, fmt.Sprintf("--log-format must be text or json, not %q", c.LogFormat))
	}
	if problems == nil {
		return nil
	}
	return problems
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

func (c Config) options() db.Options {
	return db.Options{URL: c.Database, Dir: c.DataDir, Clock: c.Clock}
}

// Log makes the program's log as the configuration wants it.
func (c Config) Log(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // Check has seen it
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
