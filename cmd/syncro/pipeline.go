package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"syncro/internal/accounts"
	"syncro/internal/app"
	"syncro/internal/setup"
)

type pipelineCommand struct {
	Apply pipelineApply `cmd:"" help:"Bring an account's pipelines, stages, requirements, lost reasons and custom fields to what a JSON file says."`
}

type pipelineApply struct {
	ofAccount
	File   string `arg:"" help:"The file; - reads standard input."`
	DryRun bool   `env:"SYNCRO_DRY_RUN" help:"Only print what would change."`
}

// Run prints what it changes, one change a line.
func (c *pipelineApply) Run(ctx context.Context, to *streams) error {
	text, err := c.read(to)
	if err != nil {
		return err
	}
	file, err := setup.Parse(text)
	if err != nil {
		return c.explain(to, err)
	}
	return c.administer(ctx, to, func(a *app.App, account accounts.Account) error {
		do := a.Setup.Apply
		if c.DryRun {
			do = a.Setup.Plan
		}
		changes, err := do(ctx, account.ID, file)
		if err != nil {
			return c.explain(to, err)
		}
		for _, line := range changes.Lines {
			if _, err := fmt.Fprintln(to.out, line); err != nil {
				return err
			}
		}
		for _, kept := range changes.Kept {
			to.notef("not in the file, kept: %s\n", kept)
		}
		n, did := len(changes.Lines), "applied to"
		if c.DryRun {
			did = "would be made to"
		}
		to.notef("%d changes %s account %d, %s.\n", n, did, account.ID, account.Name)
		return nil
	})
}

func (c *pipelineApply) read(to *streams) ([]byte, error) {
	if c.File == "-" {
		return io.ReadAll(to.in)
	}
	return os.ReadFile(c.File)
}

// explain prints all that is wrong with the file, one problem a line.
func (c *pipelineApply) explain(to *streams, err error) error {
	var problems setup.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for _, p := range problems {
		to.notef("%s: %s\n", c.File, setup.Problems{p}.Error())
	}
	return fmt.Errorf("%s was not applied: %d problems", c.File, len(problems))
}
