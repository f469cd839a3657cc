package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"syncro/internal/db"
	"syncro/internal/jobs"
)

// kinds are the kinds of work of all features.
func (a *App) kinds() []jobs.Kind {
	return slices.Concat(a.Webhooks.Kinds(), a.Messaging.Kinds(), a.Inbox.Kinds(), a.Sequences.Kinds(), a.Duplicates.Kinds(), a.Operations.Kinds())
}

// startJobs begins to do the work that requests leave, or, in a process without
// workers, to hand it to the processes that have them.
func (a *App) startJobs(ctx context.Context) (*jobs.Runner, error) {
	if err := jobs.Migrate(ctx, a.DB); err != nil {
		return nil, err
	}
	var kinds []jobs.Kind
	if a.config.Workers {
		kinds = a.kinds()
	}
	runner, err := jobs.NewRunner(a.DB, a.jobs, a.log, kinds...)
	if err != nil {
		return nil, err
	}
	return runner, runner.Start(ctx)
}

// errWorkerAlone is why there is no worker on SQLite.
var errWorkerAlone = errors.New("a SQLite database has one server, which does the work too: `syncro worker` needs PostgreSQL")

// Work does the work that servers on the same PostgreSQL leave, until ctx ends. The
// configuration has been checked.
func Work(ctx context.Context, c Config, log *slog.Logger) (err error) {
	if c.options().Engine() == db.SQLite {
		return errWorkerAlone
	}
	a, err := Open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if _, err := a.inventory(ctx); err != nil {
		return err
	}
	runner, err := a.startJobs(ctx)
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "working", "version", c.Version)
	<-ctx.Done()
	background := context.WithoutCancel(ctx)
	log.InfoContext(background, "stopping: running work finishes, "+stopReminder, "limit", shutdownLimit)
	if err := stopJobs(background, runner); err != nil {
		return err
	}
	log.InfoContext(background, "stopped")
	return nil
}

func stopJobs(ctx context.Context, runner *jobs.Runner) error {
	limited, cancel := context.WithTimeout(ctx, shutdownLimit)
	defer cancel()
	if err := runner.Stop(limited); err != nil {
		return fmt.Errorf("stopping the jobs: %w", err)
	}
	return nil
}
