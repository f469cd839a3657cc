// Command fill makes the account of the benchmark in an empty database: the leads
// that `seed -kind ndjson` of the bench directory writes, in the order of their
// lines, and what they refer to. It is not part of the product.
//
//	seed -kind ndjson -n 1000000 | go run ./bench/fill -database sqlite:bench.db -key bench.key
//
// The ids are those that the workloads count on: account 1, pipelines 1 to 3,
// stages 1 to 15, users 1 to 20, leads from 1 on. All stages are open, since the
// yardstick records no sales. The file named by -key gets an API key with every
// scope and a limit that nothing reaches.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"

	"syncro/internal/app"
	"syncro/internal/authz"
	"syncro/internal/leads"
)

func main() {
	database := flag.String("database", "sqlite:bench.db", "sqlite:PATH or a postgres:// URL")
	keyFile := flag.String("key", "bench.key", "file that the API key is written to")
	flag.Parse()
	if err := fill(context.Background(), *database, *keyFile, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fill:", err)
		os.Exit(1)
	}
}

func fill(ctx context.Context, database, keyFile string, lines io.Reader, report io.Writer) (err error) {
	config := app.Default()
	config.Database = database
	a, err := app.Open(ctx, config, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	key, err := makeAccount(ctx, a)
	if err != nil {
		return err
	}
	if err := os.WriteFile(keyFile, []byte(key), 0o600); err != nil {
		return err
	}
	fields, err := a.CustomFields.Set(ctx, authz.Actor{AccountID: accountID})
	if err != nil {
		return err
	}
	source := source{fields: fields}
	started := config.Clock()
	n, err := leads.Load(ctx, a.DB, accountID, source.leads(lines))
	if err = errors.Join(err, source.err); err != nil {
		return err
	}
	_, err = fmt.Fprintf(report, "%d leads in %.1f s\n", n, config.Clock().Sub(started).Seconds())
	return err
}
