// Command syncro is the server and what administers it: `syncro --help` lists the
// commands. It only parses the command line; package app does the work.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // accounts' time zones do not depend on the machine

	"github.com/alecthomas/kong"

	"syncro/internal/accounts"
	"syncro/internal/app"
	"syncro/internal/faults"
)

// The program's exit codes.
const (
	exitFailure = 1
	exitUsage   = 2
)

// collectLess makes the garbage collector run less often than it would by itself:
// the program keeps little and discards much, and so spends a tenth less of its
// time on it, for some tens of megabytes. GOGC overrules it.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
}

func main() {
	collectLess()
	os.Exit(run(os.Args[1:]))
}

// commandLine is what can be typed after "syncro". Each flag is also an
// environment variable.
type commandLine struct {
	Serve    serveCommand    `cmd:"" help:"Run the server."`
	Worker   workerCommand   `cmd:"" help:"Do the work that servers on the same PostgreSQL leave, without answering requests."`
	Demo     demoCommand     `cmd:"" help:"Run the server on the data of the API's reference, to try it on."`
	Migrate  migrateCommand  `cmd:"" help:"Bring the database's schema up to date; serve does so by itself."`
	Account  accountCommand  `cmd:"" help:"Make, list and change accounts."`
	Pipeline pipelineCommand `cmd:"" help:"Set up pipelines, stages, lost reasons and custom fields."`
	User     userCommand     `cmd:"" help:"Make and list the users of an account."`
	Instance instanceCommand `cmd:"" help:"Connect, list and check WhatsApp numbers."`
	Import   importCommand   `cmd:"" help:"Import leads from a CSV or XLSX file."`
	Export   exportCommand   `cmd:"" help:"Export leads as CSV, XLSX or JSON Lines."`
	Key      keyCommand      `cmd:"" help:"Make, list and revoke API keys."`
	OpenAPI  openAPICommand  `cmd:"" name:"openapi" help:"Print the OpenAPI document of the API."`
	Version  versionCommand  `cmd:"" help:"Print the program's version."`
}

// streams are where a command prints: what it is asked for to out, so that it can
// be piped, and everything that explains it to notes.
type streams struct {
	in    io.Reader
	out   io.Writer
	notes io.Writer
}

// notef explains. What cannot be explained is no failure of the command.
func (s *streams) notef(format string, args ...any) { _, _ = fmt.Fprintf(s.notes, format, args...) }

func run(args []string) int {
	notes := hideSecrets(os.Stderr, append(args, os.Environ()...))
	ctx := untilSignalled(notes)
	s := &streams{in: os.Stdin, out: os.Stdout, notes: notes}
	var line commandLine
	parser, err := kong.New(
		&line,
		kong.Name("syncro"), kong.Description("A CRM with an HTTP API. Every flag can also be set by the environment variable beside it."),
		kong.Writers(os.Stdout, notes), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"plan": accounts.DefaultPlan, "zone": accounts.DefaultTimeZone}, kong.Bind(s), kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return complain(notes, err)
	}
	command, err := parser.Parse(args)
	if err != nil {
		return complain(notes, usageError{err})
	}
	return complain(notes, command.Run())
}

// untilSignalled ends with the first signal to stop. The second one ends the
// process, whatever it is doing.
func untilSignalled(notes io.Writer) context.Context {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		<-signals
		os.Exit(complain(notes, errors.New("stopped at once by a second signal")))
	}()
	return ctx
}

// usageError is a mistake in what was typed.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// complain reports a failure in one line and gives the exit code.
func complain(notes io.Writer, err error) int {
	if err == nil {
		return 0
	}
	text, code := err.Error(), exitFailure
	var (
		usage    usageError
		problems app.Problems
		refusal  *faults.Error
	)
	switch {
	case errors.As(err, &usage), errors.As(err, &problems):
		code = exitUsage
	case errors.As(err, &refusal) && refusal.Kind == faults.Invalid:
		// What a service finds wrong with a value came from a flag.
		text, code = allProblems(refusal), exitUsage
	case errors.As(err, &refusal):
		text = refusal.Message
	}
	_, _ = fmt.Fprintf(notes, "syncro: %s\n", oneLine(text)) // the exit code says it, too
	return code
}

func allProblems(e *faults.Error) string {
	var messages []string
	for _, p := range e.Problems.Problems() {
		messages = append(messages, p.Message)
	}
	return strings.Join(messages, " ")
}

// oneLine makes one line of the errors of drivers, which can have several.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
