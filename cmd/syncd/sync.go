package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"syncd/config"
	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/sweep"
)

type syncCmd struct {
	Targets   []string `arg:"" optional:"" name:"source[/stream]" help:"What to sync; everything by default."`
	Full      bool     `help:"Read and write everything again, however fresh."`
	NoWait    bool     `help:"Do not wait for a stream that another process is syncing (exit 3)."`
	NoMigrate bool     `help:"Do not migrate the database schema."`
}

// Run syncs the chosen streams, dependencies first.
func (s *syncCmd) Run(ctx context.Context, c *cli, h *host) (err error) {
	cfg, err := c.load(h)
	if err != nil {
		return err
	}
	log := c.logger(h, cfg.Log)
	sources, err := choose(cfg, s.Targets, h.watched(log))
	if err != nil {
		return err
	}
	defer func() {
		for _, src := range sources {
			src.client.Close()
		}
	}()
	ctx, stop, done := interruptible(ctx, h)
	defer done()
	db, err := s.open(ctx, stop, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	job := &syncJob{
		host: h, log: log, store: store.New(db.pool), stop: stop, leaseTTL: cfg.LeaseTTL,
		breaker: model.Breaker{Min: cfg.Breaker.Min, Share: cfg.Breaker.Share},
		full:    s.Full, wait: !s.NoWait,
	}
	return job.run(ctx, sources)
}

// open opens a database that has the schema, unless it is interrupted.
func (s *syncCmd) open(ctx context.Context, stop <-chan struct{}, cfg *config.Config) (*database, error) {
	ctx, cancel := until(ctx, stop)
	defer cancel()
	db, err := openDatabase(ctx, cfg)
	if err != nil {
		return nil, orInterrupted(ctx, err)
	}
	if err := prepareSchema(ctx, db.pool, !s.NoMigrate); err != nil {
		return nil, errors.Join(orInterrupted(ctx, err), db.close())
	}
	return db, nil
}

// watched are the bounds of requests, with waits that a vendor imposes told to
// the log.
func (h *host) watched(log zerolog.Logger) fetch.Options {
	bounds := h.requests
	bounds.Hooks = fetch.Hooks{Waiting: func(w fetch.Wait) {
		log.Info().Str("source", w.Source).Str("endpoint", w.Endpoint).Dur("for", w.For).Msg("waiting: " + w.Why)
	}}
	return bounds
}

// interruptible returns a channel that closes with the first interrupt, and a
// context that ends with the second.
func interruptible(ctx context.Context, h *host) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop, quit, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-h.signals:
		case <-quit:
			return
		}
		fmt.Fprintln(h.stderr, "syncd: stopping after the pages in hand; interrupt again to drop them")
		close(stop)
		select {
		case <-h.signals:
			cancel(errInterrupted)
		case <-quit:
		}
	}()
	return ctx, stop, func() {
		close(quit)
		<-done
		cancel(nil)
	}
}

// until returns a context that ends with stop, for work that has no pages in
// hand.
func until(ctx context.Context, stop <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-stop:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// orInterrupted returns why ctx was interrupted, if it was: err only follows
// from that.
func orInterrupted(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errInterrupted) {
		return cause
	}
	return err
}

var errInterrupted = &exitError{
	code: exitPartial,
	err:  errors.New("interrupted; what was committed is kept, the same command resumes from there"),
}

// syncJob is one run of `syncd sync`.
type syncJob struct {
	host     *host
	log      zerolog.Logger
	store    *store.Store
	stop     <-chan struct{}
	leaseTTL time.Duration
	breaker  model.Breaker
	full     bool
	wait     bool
}

// run syncs the sources one after the other and returns the worst of what came
// out.
func (j *syncJob) run(ctx context.Context, sources []*source) error {
	code := exitOK
	for _, src := range sources {
		now := j.host.now()
		err := j.store.RegisterSource(ctx, src.Name, src.Vendor, src.account, src.Timezone.String(), now)
		if err != nil {
			return err
		}
		for _, spec := range src.specs {
			if j.stopped() {
				fmt.Fprintf(j.host.stdout, "%s/%s: not begun: stopped on request, the same command goes on with it\n",
					src.Name, spec.Name)
				code = worse(code, exitPartial)
				break
			}
			res, err := j.pass(ctx, src, spec)
			if err != nil {
				return err
			}
			code = worse(code, exitOf(res))
			if fetch.ClassOf(res.Reason) == fetch.ClassAuth {
				break // the other streams of this source would be refused as well
			}
		}
	}
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}

func (j *syncJob) stopped() bool {
	select {
	case <-j.stop:
		return true
	default:
		return false
	}
}

// pass runs one pass and reports it.
func (j *syncJob) pass(ctx context.Context, src *source, spec model.StreamSpec) (sweep.Result, error) {
	name := src.Name + "/" + spec.Name
	show := newProgress(j.host, j.log, name)
	runner := sweep.NewRunner(src.Name, src.client, j.store, sweep.Options{
		Holder: holder(j.host.now()), LeaseTTL: j.leaseTTL, Breaker: j.breaker, Now: j.host.now, Progress: show.update,
	})
	began := j.host.now()
	res, err := runner.Pass(ctx, spec, sweep.Request{
		Trigger: "command", Full: j.full, Wait: j.wait, Stop: j.stop,
		Held: func(held *model.LeaseHeldError) {
			fmt.Fprintf(j.host.stderr, "%v; waiting for it (--no-wait does not)\n", held)
		},
	})
	show.end()
	if held, ok := errors.AsType[*model.LeaseHeldError](err); ok {
		fmt.Fprintf(j.host.stdout, "%s: not synced: %v\n", name, held)
		return sweep.Result{Outcome: model.OutcomePartial}, nil
	}
	if errors.Is(err, sweep.ErrStopped) || errors.Is(err, model.ErrLeaseLost) {
		fmt.Fprintf(j.host.stdout, "%s: not synced: %v; the same command goes on with it\n", name, err)
		return sweep.Result{Outcome: model.OutcomePartial}, nil
	}
	if err != nil {
		return res, fmt.Errorf("%s: %w", name, orInterrupted(ctx, err))
	}
	j.report(name, res, j.host.now().Sub(began))
	return res, nil
}

// report prints one line for people and scripts.
func (j *syncJob) report(name string, res sweep.Result, took time.Duration) {
	n := res.Pass.Counts
	var line strings.Builder
	fmt.Fprintf(&line, "%s: %s: pass %d, %d pages, %d rows read, %d changed, %d calls, %s",
		name, res.Outcome, res.Pass.ID, n.Pages, n.RowsRead, n.RowsChanged, n.Calls, took.Round(time.Millisecond))
	for _, extra := range []struct {
		n    int64
		what string
	}{
		{n.Rejects, "elements set aside in sync.reject"},
		{n.ItemsRefused, "gone or out of sight"},
		{n.ItemsFailed, "not readable"},
		{n.Restarts, "restarts"},
		{res.Closing.Candidates, "missing from the list"},
	} {
		if extra.n > 0 {
			fmt.Fprintf(&line, ", %d %s", extra.n, extra.what)
		}
	}
	if res.Closing.Verdict != "" && res.Closing.Verdict != model.VerdictComplete {
		fmt.Fprintf(&line, " (%s)", res.Closing.Verdict)
	}
	if res.Closing.Held {
		line.WriteString(": " + heldBack(res.Closing.Candidates, res.Pass.ID))
	}
	if res.Reason != nil {
		fmt.Fprintf(&line, ": %v", res.Reason)
	}
	if res.Stopped {
		line.WriteString("; stopped on request, the same command resumes it")
	} else if res.Outcome == model.OutcomePartial && !res.ResumeAt.IsZero() {
		line.WriteString("; resumes at " + res.ResumeAt.Format(time.RFC3339))
	}
	fmt.Fprintln(j.host.stdout, line.String())
}

func exitOf(res sweep.Result) int {
	switch res.Outcome {
	case model.OutcomeComplete:
		return exitOK
	case model.OutcomePartial:
		return exitPartial
	default:
		return exitFailed
	}
}

// worse returns the exit code that says more: failed before partial before well.
func worse(a, b int) int {
	if a == exitFailed || b == exitFailed {
		return exitFailed
	}
	return max(a, b)
}
