package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"syncro/internal/db"
)

// The rhythm of a runner.
const (
	// fetchCooldown is the least time between two looks of River into one queue.
	// River tells its clients of new jobs at most once in that time and forgets
	// what comes in between.
	fetchCooldown = 5 * time.Millisecond
	// gather is the least time between two insertions of jobs. It must be longer
	// than fetchCooldown, or the second one would wait for River's poll.
	gather = 10 * time.Millisecond
	// moveLimit is how many rows the pump moves in one transaction, in which on
	// SQLite nobody else can write.
	moveLimit = 200
	// insertLimit is how long one insertion may take.
	insertLimit = 30 * time.Second
	// sweepEvery is how often the rows of features are searched for due ones, and
	// the outbox for what another process has left in it.
	sweepEvery = time.Second
	// refillEvery is how often that is while there are more due than one sweep finds.
	refillEvery = 100 * time.Millisecond
	// sweepAnyway is when a kind is searched although its jobs are waiting.
	sweepAnyway = time.Minute
)

// Runner moves the work that transactions have left in a [Queue] to River and
// has it done.
type Runner struct {
	d       *db.DB
	queue   *Queue
	log     *slog.Logger
	kinds   map[string]Kind
	id      string
	backend backend

	inserting sync.Mutex // held while jobs are inserted, and for gather after it

	stopLoops context.CancelFunc
	loops     sync.WaitGroup
}

// NewRunner makes a runner of the kinds of all features. Without any it only moves
// work to where other processes find it. The database has been prepared by
// [Migrate]. A runner is used once: Start, Stop.
func NewRunner(d *db.DB, queue *Queue, log *slog.Logger, kinds ...Kind) (*Runner, error) {
	r := &Runner{d: d, queue: queue, log: log, kinds: map[string]Kind{}, id: "syncro-" + rand.Text()}
	for _, kind := range kinds {
		if _, twice := r.kinds[kind.Name]; twice || kind.Concurrency < 1 || kind.Timeout <= 0 || kind.Work == nil || kind.Due == nil {
			return nil, fmt.Errorf("the kind of work %q is declared twice or not completely", kind.Name)
		}
		r.kinds[kind.Name] = kind
	}
	var err error
	// River tells more than anybody wants to read, and of failures at the level of warnings.
	quiet := slog.New(atLeast{log.Handler(), slog.LevelWarn})
	if r.backend, err = newBackend(d, quiet, r.id, &looker{runner: r}, kinds); err != nil {
		return nil, fmt.Errorf("setting up the job queue: %w", err)
	}
	return r, nil
}

// Start begins to work and returns. Everything that is due is found at once, however
// long ago it became so. The end of ctx stops nothing: that is what Stop is for.
func (r *Runner) Start(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if len(r.kinds) > 0 {
		if err := r.backend.release(ctx); err != nil {
			return errors.Join(fmt.Errorf("releasing jobs: %w", err), r.backend.close())
		}
		if err := r.backend.start(ctx); err != nil {
			return errors.Join(fmt.Errorf("starting the job queue: %w", err), r.backend.close())
		}
	}
	looping, stop := context.WithCancel(ctx)
	r.stopLoops = stop
	r.loops.Go(func() { r.pump(looping) })
	if len(r.kinds) > 0 {
		r.loops.Go(func() { r.sweep(looping) })
	}
	return nil
}

// Stop begins nothing new and waits for the work that runs, until ctx ends; then
// the work is cancelled, which is its error.
func (r *Runner) Stop(ctx context.Context) error {
	r.stopLoops()
	r.loops.Wait()
	var err error
	if len(r.kinds) > 0 {
		err = r.backend.stop(ctx)
	}
	return errors.Join(err, r.backend.close())
}

// looker does what jobs ask for.
type looker struct {
	river.WorkerDefaults[job]
	runner *Runner
}

// Timeout is the time that the kind allows.
func (l *looker) Timeout(j *river.Job[job]) time.Duration {
	return l.runner.kinds[j.Args.Work].Timeout
}

// Work never fails: what has become of it stands in the feature's rows.
func (l *looker) Work(ctx context.Context, j *river.Job[job]) error {
	r, kind, key := l.runner, j.Args.Work, j.Args.Key
	if err := guarded(ctx, r.kinds[kind], key); err != nil {
		r.log.ErrorContext(ctx, "a job failed", "kind", kind, "key", key, "error", err)
	}
	return nil
}

// guarded turns a panic into an error.
func guarded(ctx context.Context, kind Kind, key string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return kind.Work(ctx, key)
}

// pump moves the outbox whenever something was committed to it.
func (r *Runner) pump(ctx context.Context) {
	poll := time.NewTicker(sweepEvery)
	defer poll.Stop()
	for {
		if err := r.moveAll(ctx); err != nil && ctx.Err() == nil {
			r.log.ErrorContext(ctx, "moving jobs failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		case <-r.queue.wake:
		}
	}
}

func (r *Runner) moveAll(ctx context.Context) error {
	more := false
	err := r.d.Read(ctx, func(q db.Querier) error {
		return db.Get(q.Query(`SELECT EXISTS (SELECT 1 FROM job_outbox)`), &more)
	})
	if err != nil {
		return fmt.Errorf("looking into the outbox: %w", err)
	}
	for more && ctx.Err() == nil {
		err := r.inTurn(ctx, func(ctx context.Context) error {
			moved, err := r.backend.move(ctx, moveLimit)
			more = moved == moveLimit
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inTurn spaces out the insertions of jobs. One that has begun is not cancelled
// with ctx: it is over in a moment.
func (r *Runner) inTurn(ctx context.Context, insert func(ctx context.Context) error) error {
	r.inserting.Lock()
	defer r.inserting.Unlock()
	defer pause(ctx, gather)
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), insertLimit)
	defer cancel()
	return insert(limited)
}

// pause waits and tells whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// atLeast drops what is below a level.
type atLeast struct {
	slog.Handler
	level slog.Level
}

// Enabled tells whether the level is worth it.
func (a atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= a.level && a.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level.
func (a atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{a.Handler.WithAttrs(attrs), a.level}
}

// WithGroup keeps the level.
func (a atLeast) WithGroup(name string) slog.Handler {
	return atLeast{a.Handler.WithGroup(name), a.level}
}
