package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"syncro/internal/db"
)

// The limits of a connection. A request may wait 50 seconds for another one with
// its Idempotency-Key, so the limits of reading and writing are above that.
const (
	headerLimit  = 10 * time.Second
	readLimit    = 2 * time.Minute
	writeLimit   = 2 * time.Minute
	idleLimit    = 2 * time.Minute
	maxHeaders   = 64 << 10
	probeLimit   = 5 * time.Second
	stopReminder = "a second signal stops at once"
)

// shutdownLimit is how long running requests have to finish.
const shutdownLimit = 30 * time.Second

// Serve runs a server until ctx ends, and then stops it in good order. The
// configuration has been checked.
func Serve(ctx context.Context, c Config, log *slog.Logger) (err error) {
	// The port comes first: if another server has it, nothing else is touched.
	listener, err := Listen(ctx, c.Addr)
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // closed already, unless the start failed
	a, err := Open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	accounts, err := a.inventory(ctx)
	if err != nil {
		return err
	}
	if !accounts {
		log.WarnContext(ctx, "there is no account yet", "make_one_with", `syncro account create --name "Minha Empresa"`)
	}
	return a.Serve(ctx, listener)
}

// Listen opens the port and says in plain words why it cannot.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use: choose another --addr", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is not an address of this machine: choose another --addr", addr)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s may not be used by this user: choose another --addr", addr)
	default:
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
}

// Serve answers the requests that come through l and runs the loops, until ctx
// ends; see the package comment for the order in which it stops. It does not
// close the App.
func (a *App) Serve(ctx context.Context, l net.Listener) (err error) {
	release, err := a.DB.Claim()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if a.DB.Engine() == db.SQLite {
		// A signal that comes now is one to stop, not a failure.
		if err := a.router.ReleaseRetries(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("releasing retries: %w", err)
		}
		if err := a.Sequences.Release(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("releasing steps of sequences: %w", err)
		}
		if err := a.Webhooks.Release(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("releasing deliveries: %w", err)
		}
	}
	// Requests outlive the signal that ends ctx; cut is for those that do not finish.
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	server := &http.Server{
		Handler: a.Handler(), BaseContext: func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: headerLimit, ReadTimeout: readLimit, WriteTimeout: writeLimit, IdleTimeout: idleLimit, MaxHeaderBytes: maxHeaders,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), // what clients do wrong below HTTP
	}
	runner, err := a.startJobs(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	looping, stop := context.WithCancel(ctx)
	var loops sync.WaitGroup
	defer loops.Wait()
	defer stop()
	for _, one := range a.loops() {
		loops.Go(func() { one.run(looping, a.log) })
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(jsonListener{l}) }()
	a.log.InfoContext(ctx, "listening", "addr", l.Addr().String(), "version", a.config.Version)
	select {
	case err := <-ended:
		return errors.Join(fmt.Errorf("serving: %w", err), stopJobs(requests, runner))
	case <-ctx.Done():
	}
	a.log.InfoContext(requests, "stopping: running requests and work finish, "+stopReminder, "limit", shutdownLimit)
	limited, cancel := context.WithTimeout(requests, shutdownLimit)
	defer cancel()
	working := make(chan error, 1)
	go func() { working <- stopJobs(requests, runner) }()
	err = server.Shutdown(limited)
	if err != nil {
		cut()
		err = errors.Join(fmt.Errorf("requests that still ran after %s were cut off: %w", shutdownLimit, err), server.Close())
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err = errors.Join(err, <-working); err == nil {
		a.log.InfoContext(requests, "stopped")
	}
	return err
}
