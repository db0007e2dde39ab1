package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/sweep"
)

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
	// again are days to read although they are held; nil for none.
	again *again
}

// run syncs the sources one after the other and returns the worst of what came
// out.
func (j *syncJob) run(ctx context.Context, sources []*source) error {
	code := exitOK
	if err := sameAccounts(ctx, j.store, sources); err != nil {
		return err
	}
	for _, src := range sources {
		now := j.host.now()
		err := j.store.RegisterSource(ctx, src.Name, src.Vendor, src.account, src.Timezone.String(), now)
		if err != nil {
			return err
		}
		src.count(j.store, j.host.now)
		specs, err := j.withNeeds(ctx, src)
		if err != nil {
			return err
		}
		for _, spec := range specs {
			if j.stopped() {
				fmt.Fprintf(j.host.stdout, "%s/%s: not begun: stopped on request, the same command goes on with it\n",
					src.Name, spec.Name)
				code = worse(code, exitPartial)
				break
			}
			lacks, err := j.lacks(ctx, src, spec)
			if err != nil {
				return err
			}
			if lacks != "" {
				fmt.Fprintf(j.host.stdout, "%s/%s: not begun: %s\n", src.Name, spec.Name, lacks)
				code = worse(code, exitPartial)
				continue
			}
			res, err := j.passes(ctx, src, spec)
			if err != nil {
				return err
			}
			code = worse(code, exitOf(res))
			if fetch.ClassOf(res.Reason) == fetch.ClassAuth {
				fmt.Fprintf(j.host.stdout, "%s: its other streams are not begun: they would be refused as well\n", src.Name)
				break
			}
		}
	}
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}

// withNeeds returns the chosen streams with those they need and that have never
// been complete, dependencies first.
func (j *syncJob) withNeeds(ctx context.Context, src *source) ([]model.StreamSpec, error) {
	status, err := j.store.Status(ctx, src.Name, j.host.now())
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	var want func(name string)
	want = func(name string) {
		if wanted[name] {
			return
		}
		wanted[name] = true
		for _, spec := range src.enabled {
			if spec.Name != name {
				continue
			}
			for _, need := range spec.Needs {
				if status[need].CompleteAt == nil {
					want(need)
				}
			}
		}
	}
	for _, spec := range src.specs {
		want(spec.Name)
	}
	return slices.DeleteFunc(slices.Clone(src.enabled), func(spec model.StreamSpec) bool { return !wanted[spec.Name] }), nil
}

// lacks says what a stream needs of which nothing has been read yet, or "". On
// part of what it needs it can work.
func (j *syncJob) lacks(ctx context.Context, src *source, spec model.StreamSpec) (string, error) {
	if len(spec.Needs) == 0 {
		return "", nil
	}
	status, err := j.store.Status(ctx, src.Name, j.host.now())
	if err != nil {
		return "", err
	}
	for _, need := range spec.Needs {
		if status[need].CompleteAt != nil || status[need].Counts.RowsRead > 0 {
			continue
		}
		lacks := fmt.Sprintf("it needs %s/%s, of which nothing has been read yet", src.Name, need)
		if !src.Streams[need].Enabled {
			lacks += " and which is switched off: switch it on, or this one off as well"
		}
		return lacks, nil
	}
	return "", nil
}

func (j *syncJob) stopped() bool {
	select {
	case <-j.stop:
		return true
	default:
		return false
	}
}

// passes runs a pass, and the full one that has let what is new go first.
func (j *syncJob) passes(ctx context.Context, src *source, spec model.StreamSpec) (sweep.Result, error) {
	res, err := j.pass(ctx, src, spec)
	if err != nil || res.Outcome != model.OutcomeComplete || j.stopped() {
		return res, err
	}
	if waits, err := src.fullWaits(ctx, j.store, spec, res.Pass.Mode); err != nil || !waits {
		return res, err
	}
	full, err := j.pass(ctx, src, spec)
	full.Closing.Lacking = full.Closing.Lacking || res.Closing.Lacking // it has not read what is new
	return full, err
}

// pass runs one pass and reports it.
func (j *syncJob) pass(ctx context.Context, src *source, spec model.StreamSpec) (sweep.Result, error) {
	name := src.Name + "/" + spec.Name
	spec, err := src.pickMode(ctx, j.store, spec, j.full, j.host.now())
	if err != nil {
		return sweep.Result{}, err
	}
	again, err := j.again.of(ctx, j, src, spec)
	if err != nil {
		return sweep.Result{}, err
	}
	show := newProgress(j.host, j.log, name)
	runner := sweep.NewRunner(src.Name, src.client, j.store, sweep.Options{
		Holder: holder(j.host.now()), LeaseTTL: j.leaseTTL, Breaker: j.breaker, Now: j.host.now, Progress: show.update,
		CallsPerDay: sweep.CallsPerDay(src.limits()),
	})
	began := j.host.now()
	res, err := runner.Pass(ctx, spec, sweep.Request{
		Trigger: "command", Full: j.full || again != nil, Wait: j.wait, Stop: j.stop, Again: again,
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
	missing := res.Closing.Candidates
	if res.Closing.Held {
		missing = 0 // said below
	}
	var line strings.Builder
	if mode := res.Pass.Mode; mode != "" {
		name += " (" + mode + ")"
	}
	outcome := res.Outcome
	if res.Closing.Lacking {
		outcome = model.OutcomePartial
	}
	fmt.Fprintf(&line, "%s: %s: pass %d, %d pages, %d rows read, %d changed, %d calls, %s",
		name, outcome, res.Pass.ID, n.Pages, n.RowsRead, n.RowsChanged, n.Calls, took.Round(time.Millisecond))
	for _, extra := range []struct {
		n    int64
		what string
	}{
		{n.Rejects, "elements set aside in sync.reject"},
		{n.ItemsRefused, "gone or out of sight"},
		{n.ItemsFailed, "not readable"},
		{n.Restarts, "restarts"},
		{missing, "missing from the list"},
	} {
		if extra.n > 0 {
			fmt.Fprintf(&line, ", %d %s", extra.n, extra.what)
		}
	}
	line.WriteString(unproven(res.Closing))
	if res.Closing.Held {
		line.WriteString(": " + heldBack(res.Closing.Candidates, res.Pass.ID))
	}
	if res.Reason != nil {
		fmt.Fprintf(&line, ": %v", res.Reason)
	}
	if res.Stopped {
		line.WriteString("; stopped on request, the same command resumes it")
	} else if res.Outcome == model.OutcomePartial && !res.ResumeAt.IsZero() {
		line.WriteString("; resumes at " + res.ResumeAt.UTC().Format(time.RFC3339))
	}
	fmt.Fprintln(j.host.stdout, line.String())
}

// unproven says what is wrong with the certificate of a list, or "".
func unproven(c model.Closing) string {
	switch {
	case c.Why == "":
		return ""
	case c.Lacking:
		return fmt.Sprintf(" (%s): %s; some may be missing", c.Verdict, c.Why)
	default:
		return fmt.Sprintf(" (%s): %s; what it lacks is not taken for gone", c.Verdict, c.Why)
	}
}

func exitOf(res sweep.Result) int {
	switch {
	case res.Outcome == model.OutcomePartial, res.Outcome == model.OutcomeComplete && res.Closing.Lacking:
		return exitPartial
	case res.Outcome == model.OutcomeComplete:
		return exitOK
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

// watched are the bounds of requests, with waits that a vendor imposes told to
// the log: once for each, not for every request that waits.
func (h *host) watched(log zerolog.Logger) fetch.Options {
	bounds := h.requests
	bounds.Now = h.now
	bounds.Hosts = fetch.NewHosts()
	var mu sync.Mutex
	until := map[string]time.Time{}
	bounds.Hooks.Noticed = func(n fetch.Notice) {
		log.Warn().Str("source", n.Source).Str("endpoint", n.Endpoint).Msg(n.What)
	}
	bounds.Hooks.Waiting = func(w fetch.Wait) {
		const sameWait = 2 * time.Second
		mu.Lock()
		defer mu.Unlock()
		key, end := w.Source+" "+w.Endpoint, h.now().Add(w.For)
		if end.Sub(until[key]) < sameWait {
			return
		}
		until[key] = end
		log.Info().Str("source", w.Source).Str("endpoint", w.Endpoint).
			Str("for", w.For.Round(time.Second).String()).Msg("waiting: " + w.Why)
	}
	return bounds
}
