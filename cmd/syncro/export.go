package main

import (
	"context"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"syncro/internal/accounts"
	"syncro/internal/app"
	"syncro/internal/input"
	"syncro/internal/leads"
)

type exportCommand struct {
	ofAccount
	File      string            `arg:"" help:"The file to write, .csv, .xlsx or .jsonl; - for the standard output."`
	Format    string            `env:"SYNCRO_EXPORT_FORMAT" placeholder:"FORMAT" help:"csv, xlsx or jsonl; what the file's name says when left out."`
	Delimiter string            `env:"SYNCRO_EXPORT_DELIMITER" placeholder:"NAME" help:"comma, or semicolon for Excel in Brazil; comma when left out."`
	Filter    map[string]string `env:"SYNCRO_EXPORT_FILTER" placeholder:"NAME=VALUE;…" help:"Which leads, by the filters of GET /leads, such as status=open or tags=vip."`
}

// filterNames are the filters that --filter takes.
var filterNames = strings.Fields("pipeline_id stage_id assigned_to source status tags q updated_since created_from created_to")

// Run writes the file. It is there when it is whole.
func (c *exportCommand) Run(ctx context.Context, to *streams) error {
	return c.administer(ctx, to, func(a *app.App, account accounts.Account) error {
		actor, err := a.Accounts.Automation(ctx, account.ID)
		if err != nil {
			return err
		}
		values := url.Values{"format": {c.Format}, "delimiter": {c.Delimiter}}
		if c.Format == "" {
			values.Set("format", strings.TrimPrefix(strings.ToLower(filepath.Ext(c.File)), "."))
		}
		for name, value := range c.Filter {
			if !slices.Contains(filterNames, name) {
				return usagef("there is no filter %q: --filter takes %s", name, strings.Join(filterNames, ", "))
			}
			values.Set(name, value)
		}
		query, problems, err := input.Query[leads.ExportQuery](values)
		if err != nil {
			return err
		}
		query.Check(actor, &problems)
		if err := problems.Err(); err != nil {
			return err
		}
		write := func(out io.Writer) (err error) {
			shown := int64(0)
			written, err := a.Leads.WriteExport(ctx, actor, &query, out, func(n int64) {
				if n-shown >= 10_000 {
					shown = n
					to.notef("%d leads\n", n)
				}
			})
			if err == nil {
				to.notef("Exported %d leads.\n", written)
			}
			return err
		}
		if c.File == "-" {
			return write(to.out)
		}
		return whole(c.File, write)
	})
}

// whole writes a file under another name, which it gets when it is complete.
func whole(name string, write func(out io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if err = write(file); err != nil {
		_ = file.Close() // the error that counts is the one at hand
		return err
	}
	if err = file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}
