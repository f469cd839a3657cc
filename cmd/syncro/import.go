package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/app"
	"syncro/internal/authz"
	"syncro/internal/imports"
	"syncro/internal/input"
	"syncro/internal/jobs"
)

type importCommand struct {
	ofAccount
	File        string            `arg:"" type:"existingfile" help:"The CSV or XLSX file."`
	Map         map[string]string `env:"SYNCRO_IMPORT_MAP" placeholder:"COLUMN=FIELD;…" help:"What columns, by heading or letter, are imported into, where the suggestion is not right; COLUMN= leaves one out."`
	Stage       int64             `env:"SYNCRO_IMPORT_STAGE" placeholder:"ID" help:"Stage in which leads are created whose row names none; the first one of the first pipeline when left out."`
	MatchBy     string            `default:"email_or_phone" enum:"email,phone,email_or_phone" env:"SYNCRO_IMPORT_MATCH_BY" help:"What an existing lead is found by: ${enum}."`
	OnDuplicate string            `default:"update" enum:"update,skip,create" env:"SYNCRO_IMPORT_ON_DUPLICATE" help:"What happens with a row whose lead exists: ${enum}."`
	Tags        []string          `env:"SYNCRO_IMPORT_TAGS" placeholder:"TAG,…" help:"Tags that each lead gets besides."`
	DryRun      bool              `env:"SYNCRO_IMPORT_DRY_RUN" help:"Only tell what would be done."`
}

// Run imports the file, in this process, or together with a server that runs.
func (c *importCommand) Run(ctx context.Context, to *streams) error {
	return c.administer(ctx, to, func(a *app.App, account accounts.Account) error {
		actor, err := a.Accounts.Automation(ctx, account.ID)
		if err != nil {
			return err
		}
		v, err := c.upload(ctx, a, actor)
		if err != nil {
			return err
		}
		to.notef("%s: %d rows of data.\n", v.FileName, v.Rows)
		for _, column := range v.Columns {
			field := "left out"
			if column.Field != nil {
				field = *column.Field
			}
			to.notef("  %-3s %-30s → %s\n", column.Column, oneLine(column.Header), field)
		}
		begin, words := a.Imports.Start, "Imported"
		if c.DryRun {
			begin, words = a.Imports.DryRun, "Would import"
		}
		if _, err := begin(ctx, actor, v.ID); err != nil {
			return err
		}
		if v, err = follow(ctx, to, a, actor, v.ID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(to.out, "%s %s: %d created, %d updated, %d unchanged, %d skipped, %d with problems.\n",
			words, v.FileName, v.Created, v.Updated, v.Unchanged, v.Skipped, v.Failed)
		if err != nil {
			return err
		}
		if !c.DryRun && v.Created+v.Updated > 0 {
			to.notef("It is import %d, which POST /imports/%d/undo takes back within 30 days.\n", v.ID, v.ID)
		}
		return c.complain(ctx, to, a, actor, v)
	})
}

func (c *importCommand) upload(ctx context.Context, a *app.App, actor authz.Actor) (v imports.View, err error) {
	file, err := os.Open(c.File)
	if err != nil {
		return v, err
	}
	defer file.Close() //nolint:errcheck // it is only read
	info, err := file.Stat()
	if err != nil {
		return v, err
	}
	if info.Size() > api.MaxUpload {
		return v, fmt.Errorf("%s has more than %d MiB: split it", c.File, api.MaxUpload>>20)
	}
	v, err = a.Imports.Upload(ctx, actor, imports.File{Name: filepath.Base(c.File), Content: file, Size: info.Size()})
	if err != nil {
		return v, err
	}
	form := input.Form[imports.UpdateFields]{Fields: imports.UpdateFields{MatchBy: input.Of(c.MatchBy), OnDuplicate: input.Of(c.OnDuplicate), Tags: input.Of(c.Tags)}}
	if c.Stage != 0 {
		form.Fields.StageID = input.Of(c.Stage)
	}
	if len(c.Map) > 0 {
		mapping := input.ObjectOf(c.Map)
		form.Fields.Mapping = input.Of(mapping)
	}
	return a.Imports.Update(ctx, actor, v.ID, &form)
}

// followEvery is how often the progress is looked at.
const followEvery = 250 * time.Millisecond

// follow works on what was begun, or waits for the server that has it, and shows the
// progress until it is over.
func follow(ctx context.Context, to *streams, a *app.App, actor authz.Actor, id int64) (imports.View, error) {
	working := make(chan error, 1)
	over, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		var err error
		for err == nil && over.Err() == nil {
			if err = jobs.RunDue(over, a.Operations.Kinds()...); err == nil {
				pause(over, followEvery)
			}
		}
		if over.Err() != nil {
			err = nil
		}
		working <- err
	}()
	bar := progress{to: to}
	for {
		v, err := a.Imports.Get(ctx, actor, id)
		if err != nil {
			return v, err
		}
		bar.show(v.Done, v.Total)
		if v.State != imports.Checking && v.State != imports.Importing {
			bar.end()
			stop()
			if err := <-working; err != nil {
				return v, err
			}
			if v.Error != nil {
				err = fmt.Errorf("the import failed: %s", *v.Error)
			}
			return v, err
		}
		select {
		case err := <-working:
			bar.end()
			if err == nil {
				err = fmt.Errorf("stopped; a running server goes on with import %d, and POST /imports/%d/cancel ends it", id, id)
			}
			return v, err
		case <-time.After(followEvery):
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// printed is how many problems are printed.
const printed = 50

// complain prints what was wrong with rows; if anything was, the command has failed.
func (c *importCommand) complain(ctx context.Context, to *streams, a *app.App, actor authz.Actor, v imports.View) error {
	if v.Failed == 0 {
		return nil
	}
	problems, total, err := a.Imports.Problems(ctx, actor, v.ID, "problem", api.Page{Number: 1, Size: printed})
	if err != nil {
		return err
	}
	for _, p := range problems {
		where := fmt.Sprintf("row %d", p.Row)
		if p.Column != nil {
			where += ", column " + *p.Column
		}
		if p.Header != nil {
			where += " (" + oneLine(*p.Header) + ")"
		}
		if p.Value != nil {
			where += fmt.Sprintf(", %q", oneLine(*p.Value))
		}
		to.notef("%s: %s\n", where, p.Message)
	}
	if total > printed {
		to.notef("… and %d more: GET /imports/%d/problems\n", total-printed, v.ID)
	}
	return fmt.Errorf("%d of %d rows have problems", v.Failed, v.Rows)
}

// progress draws a bar where somebody looks at it, and elsewhere a line now and then.
type progress struct {
	to    *streams
	drawn bool
	tenth int64
}

func (p *progress) show(done, total int64) {
	if total == 0 {
		return
	}
	const width = 30
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		filled := int(width * done / total)
		p.drawn = true
		p.to.notef("\r[%s%s] %3d%%  %d of %d rows", strings.Repeat("#", filled), strings.Repeat("·", width-filled), 100*done/total, done, total)
		return
	}
	if tenth := 10 * done / total; tenth > p.tenth {
		p.tenth = tenth
		p.to.notef("%d of %d rows\n", done, total)
	}
}

func (p *progress) end() {
	if p.drawn {
		p.to.notef("\n")
	}
}
