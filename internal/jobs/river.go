package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"syncro/internal/db"
)

// job is one look at a row.
type job struct {
	ID   int64  `json:"-"` // in the outbox
	Work string `json:"kind"`
	Key  string `json:"key"`
}

// Kind is River's name for all jobs; ours is the name of their queue.
func (job) Kind() string { return "look" }

// backend is River on one engine.
type backend interface {
	start(ctx context.Context) error
	stop(ctx context.Context) error
	// move takes the oldest rows out of the outbox and makes jobs of them.
	move(ctx context.Context, limit int) (moved int, err error)
	// add makes jobs.
	add(ctx context.Context, jobs []job) error
	// release makes jobs that ran when the process ended wait again.
	release(ctx context.Context) error
	close() error
}

// riverOn is River, speaking through transactions of type T.
type riverOn[T any] struct {
	client *river.Client[T]
	// inTx runs a function in a transaction.
	inTx func(ctx context.Context, fn func(tx T) error) error
	// take takes the oldest rows out of the outbox.
	take  func(ctx context.Context, tx T, limit int) ([]job, error)
	reset func(ctx context.Context) error
	shut  func() error
}

func (r *riverOn[T]) start(ctx context.Context) error   { return r.client.Start(ctx) }
func (r *riverOn[T]) release(ctx context.Context) error { return r.reset(ctx) }
func (r *riverOn[T]) close() error                      { return r.shut() }

// stop lets running work finish; when ctx ends, its context is cancelled.
func (r *riverOn[T]) stop(ctx context.Context) error {
	err := r.client.Stop(ctx)
	if err == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutLimit)
	defer cancel()
	return errors.Join(errCut, r.client.StopAndCancel(limited))
}

// cutLimit is how long work has to end once it has been cancelled.
const cutLimit = 5 * time.Second

var errCut = errors.New("work that still ran was cut off")

func (r *riverOn[T]) move(ctx context.Context, limit int) (moved int, err error) {
	err = r.inTx(ctx, func(tx T) error {
		taken, err := r.take(ctx, tx, limit)
		if err != nil {
			return fmt.Errorf("reading the outbox: %w", err)
		}
		if moved = len(taken); moved == 0 {
			return nil
		}
		_, err = r.client.InsertManyFastTx(ctx, tx, inserts(taken))
		return err
	})
	return moved, err
}

func (r *riverOn[T]) add(ctx context.Context, jobs []job) error {
	_, err := r.client.InsertManyFast(ctx, inserts(jobs))
	return err
}

// inserts leaves out jobs that would do again what another one of them does: all
// of them run after the commits that asked for them.
func inserts(jobs []job) []river.InsertManyParams {
	params := make([]river.InsertManyParams, 0, len(jobs))
	seen := make(map[job]bool, len(jobs))
	for _, j := range jobs {
		j.ID = 0
		if seen[j] {
			continue
		}
		seen[j] = true
		params = append(params, river.InsertManyParams{Args: j, InsertOpts: &river.InsertOpts{Queue: j.Work}})
	}
	return params
}

// config is River's configuration of a client that works on kinds, or that only
// inserts if there are none.
func config(log *slog.Logger, id string, worker river.Worker[job], kinds []Kind) *river.Config {
	c := &river.Config{
		ID: id, Logger: log, MaxAttempts: 1, SkipUnknownJobCheck: true,
		FetchCooldown: fetchCooldown, FetchPollInterval: time.Second,
		CompletedJobRetentionPeriod: time.Minute, CancelledJobRetentionPeriod: time.Minute, DiscardedJobRetentionPeriod: time.Hour,
	}
	if len(kinds) == 0 {
		return c
	}
	c.Workers, c.Queues = river.NewWorkers(), map[string]river.QueueConfig{}
	river.AddWorker(c.Workers, worker)
	for _, kind := range kinds {
		c.Queues[kind.Name] = river.QueueConfig{MaxWorkers: kind.Concurrency}
		c.JobTimeout = max(c.JobTimeout, kind.Timeout)
	}
	c.RescueStuckJobsAfter = c.JobTimeout + time.Minute
	return c
}

func newBackend(d *db.DB, log *slog.Logger, id string, worker river.Worker[job], kinds []Kind) (backend, error) {
	if d.Engine() == db.Postgres {
		return newOnPostgres(d, config(log, id, worker, kinds))
	}
	return newOnSQLite(d, config(log, id, worker, kinds))
}

func newOnPostgres(d *db.DB, c *river.Config) (backend, error) {
	pool := d.Pool()
	client, err := river.NewClient(riverpgxv5.New(pool), c)
	if err != nil {
		return nil, err
	}
	return &riverOn[pgx.Tx]{
		client: client,
		inTx: func(ctx context.Context, fn func(tx pgx.Tx) error) error {
			return pgx.BeginFunc(ctx, pool, fn)
		},
		take: func(ctx context.Context, tx pgx.Tx, limit int) ([]job, error) {
			rows, err := tx.Query(ctx, `DELETE FROM job_outbox WHERE id IN (SELECT id FROM job_outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id, kind, key`, limit)
			if err != nil {
				return nil, err
			}
			return pgx.CollectRows(rows, pgx.RowToStructByPos[job])
		},
		reset: func(context.Context) error { return nil }, // they may be another process's, alive
		shut:  func() error { return nil },
	}, nil
}

func newOnSQLite(d *db.DB, c *river.Config) (_ backend, err error) {
	conn, err := d.OpenBeside()
	if err != nil {
		return nil, err
	}
	client, err := river.NewClient(riversqlite.New(conn), c)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &riverOn[*sql.Tx]{
		client: client,
		inTx:   func(ctx context.Context, fn func(tx *sql.Tx) error) error { return inSQLTx(ctx, conn, fn) },
		take:   takeOnSQLite,
		reset: func(ctx context.Context) error {
			return inSQLTx(ctx, conn, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `UPDATE river_job SET state = 'available', attempt = 0 WHERE state = 'running'`)
				if err == nil {
					_, err = tx.ExecContext(ctx, `DELETE FROM river_leader`)
				}
				return err
			})
		},
		shut: conn.Close,
	}, nil
}

func takeOnSQLite(ctx context.Context, tx *sql.Tx, limit int) (taken []job, err error) {
	rows, err := tx.QueryContext(ctx, `DELETE FROM job_outbox WHERE id IN (SELECT id FROM job_outbox ORDER BY id LIMIT ?) RETURNING id, kind, key`, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var j job
		if err := rows.Scan(&j.ID, &j.Work, &j.Key); err != nil {
			return nil, err
		}
		taken = append(taken, j)
	}
	return taken, rows.Err()
}

func inSQLTx(ctx context.Context, conn *sql.DB, fn func(tx *sql.Tx) error) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Migrate brings River's tables up to date. It comes after [db.Migrate], whose
// backup and whose refusal of a newer database hold for these tables too: an
// update of River that changes them comes with a migration of ours.
func Migrate(ctx context.Context, d *db.DB) (err error) {
	if d.Engine() == db.Postgres {
		return migratePostgres(ctx, d)
	}
	conn, err := d.OpenBeside()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return migrate(ctx, riversqlite.New(conn))
}

// migrationLock keeps two processes from migrating at once.
const migrationLock = "SELECT pg_advisory_lock(hashtextextended(current_schema() || ' jobs', 0))"

func migratePostgres(ctx context.Context, d *db.DB) (err error) {
	config := d.Pool().Config().ConnConfig
	conn, err := pgx.ConnectConfig(ctx, config) // beside the pool, which may have few
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }() // gives the lock back
	if _, err := conn.Exec(ctx, migrationLock); err != nil {
		return fmt.Errorf("waiting for another migration: %w", err)
	}
	return migrate(ctx, riverpgxv5.New(d.Pool()))
}

func migrate[T any](ctx context.Context, driver riverdriver.Driver[T]) error {
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrating the job queue: %w", err)
	}
	return nil
}
