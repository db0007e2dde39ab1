// Command syncd copies customer group chats from the APIs of their vendors into
// PostgreSQL and keeps them current. README.md says how to use it.
//
// This package reads flags and configuration, builds the concrete types and lets
// them meet (wire.go is the only file that names vendors); what they do is in
// internal/.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"syncd/config"
	"syncd/internal/fetch"
	"syncd/internal/store"
)

// version is set by the linker.
var version = ""

// Exit codes of the contract.
const (
	exitOK      = 0
	exitFailed  = 1
	exitLate    = 2
	exitPartial = 3
	exitUsage   = 64
)

// host is what a command sees of the world.
type host struct {
	stdout, stderr io.Writer
	getenv         func(string) (string, bool)
	now            func() time.Time
	// signals delivers interrupts; the first asks to stop, the second insists.
	signals <-chan os.Signal
	// hangups ask a daemon to reload; nil are those that the process gets.
	hangups <-chan os.Signal
	// terminal says that stderr is one.
	terminal bool
	// requests bounds those to vendors; the zero value is the usual bounds.
	requests fetch.Options
	// sized is told how many sources a daemon has; may be nil.
	sized func(sources int)
}

// cli is the command line. Every command is a field with a Run method.
type cli struct {
	Config    string `help:"Configuration file (default: $$SYNCD_CONFIG, or ./syncd.yaml)." type:"path" placeholder:"FILE"`
	LogLevel  string `help:"Log level: trace, debug, info, warn or error (default: log.level of the configuration)." enum:",trace,debug,info,warn,error" default:"" placeholder:"LEVEL"`
	LogFormat string `help:"Log format: auto, console or json (default: log.format of the configuration)." enum:",auto,console,json" default:"" placeholder:"FORMAT"`

	Run      runCmd      `cmd:"" help:"The daemon: sync by schedule, until interrupted."`
	Reload   reloadCmd   `cmd:"" help:"Let running daemons read the configuration again."`
	Probe    probeCmd    `cmd:"" help:"Ask the daemon on this machine whether it lives; for health checks."`
	Sync     syncCmd     `cmd:"" help:"Sync now, in the foreground; resumes what was interrupted."`
	Plan     planCmd     `cmd:"" help:"Say what a sync would call, and how long that takes; changes nothing."`
	Status   statusCmd   `cmd:"" help:"Show how current every stream is."`
	Coverage coverageCmd `cmd:"" help:"Draw the days of a stream of statistics as a calendar."`
	Refetch  refetchCmd  `cmd:"" help:"Read days of a stream of statistics again."`
	Verify   verifyCmd   `cmd:"" help:"Hold what is stored against itself; exit 2 when something does not fit."`
	Approve  approveCmd  `cmd:"" help:"Let a mass disappearance that was held back through, once."`
	Track    trackCmd    `cmd:"" help:"Follow who reads messages that a robot has sent."`
	Doctor   doctorCmd   `cmd:"" help:"Look at config, database, credentials and permissions, each with a remedy."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the database schema up to date, or back."`
	Demo     demoCmd     `cmd:"" help:"Everything offline: a private PostgreSQL, simulated vendors, one full sync, a status page."`
	Sim      simCmd      `cmd:"" help:"Serve the vendor simulator on loopback."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

// exitError carries an exit code; its text, if any, is for people.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func main() {
	tuneMemory()
	h := thisHost(time.Now)
	h.sized = allowMemory
	os.Exit(run(context.Background(), os.Args[1:], h))
}

// thisHost is the process's own surroundings, with a clock.
func thisHost(now func() time.Time) *host {
	// net/http prints there what a server sends unasked, word for word.
	log.SetOutput(io.Discard)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return &host{
		stdout: os.Stdout, stderr: os.Stderr, getenv: os.LookupEnv, now: now, signals: signals,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, h *host) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("syncd"), kong.UsageOnError(),
		kong.Description("Copies customer group chats from WeCom, DingTalk and the Tanma SCRM into PostgreSQL, and keeps them current."),
		kong.Writers(h.stdout, h.stderr), kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return fail(h, err)
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 { // --help has been answered
		return exited
	}
	if err != nil {
		fmt.Fprintf(h.stderr, "syncd: %v\nRun \"syncd --help\" for the commands.\n", err)
		return exitUsage
	}
	kctx.BindTo(ctx, (*context.Context)(nil))
	return fail(h, kctx.Run(&c, h))
}

// fail prints what a command returned and turns it into an exit code.
func fail(h *host, err error) int {
	if err == nil {
		return exitOK
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(h.stderr, "syncd: %s\n", text)
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if _, ok := errors.AsType[*config.Error](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*store.AccountError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// usage is an error of the command line or the configuration.
func usage(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// load reads the configuration.
func (c *cli) load(h *host) (*config.Config, error) {
	path := c.Config
	if path == "" {
		path, _ = h.getenv("SYNCD_CONFIG")
	}
	cfg, err := config.Load(kong.ExpandPath(cmp.Or(path, "./syncd.yaml")), h.getenv)
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	return cfg, nil
}

type versionCmd struct{}

// Run prints the version of the program and of the Go that built it.
func (versionCmd) Run(h *host) error {
	info, _ := debug.ReadBuildInfo()
	_, err := fmt.Fprintf(h.stdout, "syncd %s (%s)\n", versionText(), info.GoVersion)
	return err
}

func versionText() string {
	if version != "" {
		return version
	}
	return "dev"
}
