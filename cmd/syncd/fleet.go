package main

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"syncd/config"
	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/schedule"
	"syncd/internal/store"
	"syncd/internal/sweep"
)

// sliceWork is how long a slice hands out new work.
const sliceWork = 20 * time.Second

// fleet does the slices of the sources of the configuration in force.
type fleet struct {
	host   *host
	log    zerolog.Logger
	store  *store.Store
	holder string
	front  *front
	// hosts remembers the hosts that have banned this machine, whatever the
	// configuration in force.
	hosts *fetch.Hosts

	mu    sync.Mutex
	crews map[string]*crew
}

// crew is a source at work.
type crew struct {
	*source
	*vessel
}

// vessel is what outlives a configuration that does not change it. Its client is
// closed once nobody uses it any more.
type vessel struct {
	runner *sweep.Runner
	close  func()
	// leaseTTL and breaker are those that the runner has.
	leaseTTL time.Duration
	breaker  model.Breaker
	// refused says that the vendor refuses its credential; guarded by the fleet.
	refused bool
	// users counts the configuration in force and the slices in flight; guarded by
	// the fleet.
	users int
}

func newFleet(h *host, log zerolog.Logger, db *store.Store, front *front) *fleet {
	return &fleet{
		host: h, log: log, store: db, front: front, holder: holder(h.now()), hosts: fetch.NewHosts(), crews: map[string]*crew{},
	}
}

// muster makes the crews of a configuration, in its order. A source that has not
// changed keeps its client, with its token and what is left of its budgets, unless
// its credential was refused: the client would not ask again for a while, and what
// was wrong may be mended at the vendor.
func (f *fleet) muster(cfg *config.Config, bounds fetch.Options) ([]*crew, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	bounds.Hosts = f.hosts
	var crews []*crew
	breaker := model.Breaker{Min: cfg.Breaker.Min, Share: cfg.Breaker.Share}
	for _, c := range cfg.Sources {
		now := f.crews[c.Name]
		if now != nil && !now.refused && now.leaseTTL == cfg.LeaseTTL && now.breaker == breaker && sameClient(now.Source, c) {
			kept := *now.source
			kept.Source = c
			crews = append(crews, &crew{source: &kept, vessel: now.vessel})
			continue
		}
		src, err := buildSource(c, bounds)
		if err != nil {
			closeUnused(crews)
			return nil, err
		}
		src.count(f.store, f.host.now)
		crews = append(crews, &crew{source: src, vessel: &vessel{
			close: src.client.Close, leaseTTL: cfg.LeaseTTL, breaker: breaker,
			runner: sweep.NewRunner(src.Name, src.client, f.store, sweep.Options{
				Holder: f.holder, LeaseTTL: cfg.LeaseTTL, SliceMax: sliceWork, Breaker: breaker, Now: f.host.now,
				Progress:    f.front.committed,
				CallsPerDay: sweep.CallsPerDay(src.limits()),
			}),
		}})
	}
	return crews, nil
}

// dismiss closes crews that are not to work after all.
func (f *fleet) dismiss(crews []*crew) {
	f.mu.Lock()
	defer f.mu.Unlock()
	closeUnused(crews)
}

// closeUnused closes the clients that nobody uses.
func closeUnused(crews []*crew) {
	for _, c := range crews {
		if c.users == 0 {
			c.close()
		}
	}
}

// swap puts crews in force. Slices in flight end with the clients they have.
func (f *fleet) swap(crews []*crew) {
	f.mu.Lock()
	before := f.crews
	f.crews = make(map[string]*crew, len(crews))
	for _, c := range crews {
		c.users++
		f.crews[c.Name] = c
	}
	f.mu.Unlock()
	for _, c := range before {
		f.leave(c)
	}
}

// disband ends the work: nothing is in force any more.
func (f *fleet) disband() { f.swap(nil) }

// join returns the crew of a source, which the caller leaves; nil without one.
func (f *fleet) join(name string) *crew {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.crews[name]
	if c != nil {
		c.users++
	}
	return c
}

// sources are those of the configuration in force, by name.
func (f *fleet) sources() []*source {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]*source, 0, len(f.crews))
	for _, name := range slices.Sorted(maps.Keys(f.crews)) {
		list = append(list, f.crews[name].source)
	}
	return list
}

// leave closes the client with its last user.
func (f *fleet) leave(c *crew) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.users--; c.users == 0 {
		c.close()
	}
}

// sameClient reports whether a client for one of the sources does for the other:
// all is equal but the schedules.
func sameClient(a, b config.Source) bool { return equal(reflect.ValueOf(a), reflect.ValueOf(b)) }

// equal compares values of the configuration.
func equal(a, b reflect.Value) bool {
	switch v := a.Interface().(type) {
	case config.Secret:
		other, ok := reflect.TypeAssert[config.Secret](b)
		return ok && v.Equal(other)
	case config.Schedule:
		return true
	case *time.Location:
		other, ok := reflect.TypeAssert[*time.Location](b)
		return ok && v.String() == other.String()
	}
	switch a.Kind() { //nolint:exhaustive // the others are compared whole
	case reflect.Struct:
		for i := range a.NumField() {
			if !equal(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, key := range a.MapKeys() {
			if other := b.MapIndex(key); !other.IsValid() || !equal(a.MapIndex(key), other) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// spec returns that of a stream, or false where this configuration has none.
func (c *crew) spec(stream string) (model.StreamSpec, bool) {
	for _, spec := range c.enabled {
		if spec.Name == stream {
			return spec, true
		}
	}
	return model.StreamSpec{}, false
}

// Slice does one slice of a stream. It implements [schedule.Work].
func (f *fleet) Slice(ctx context.Context, task schedule.Task) schedule.Verdict {
	crew := f.join(task.Source)
	if crew == nil {
		return schedule.Verdict{Kind: schedule.Absent, Err: errAbsent}
	}
	defer f.leave(crew)
	spec, ok := crew.spec(task.Stream)
	if !ok {
		return schedule.Verdict{Kind: schedule.Absent, Err: errAbsent}
	}
	job := &syncJob{host: f.host, store: f.store}
	lacks, err := job.lacks(ctx, crew.source, spec)
	if err != nil {
		return schedule.Judge(sweep.Result{}, err, store.Away)
	}
	if lacks != "" {
		return schedule.Verdict{Kind: schedule.Blocked, Err: lackError(lacks)}
	}
	spec, err = crew.nextMode(ctx, f.store, spec, task.Mode == modeFull, f.host.now())
	if err != nil {
		return schedule.Judge(sweep.Result{}, err, store.Away)
	}
	res, err := crew.runner.Pass(ctx, spec, sweep.Request{Trigger: "schedule", OneSlice: true, Stop: task.Stop})
	verdict := schedule.Judge(res, err, store.Away)
	if err == nil && res.Outcome != model.OutcomeRunning && !res.Stopped {
		f.front.passed(task.Source, task.Stream, res.Pass, res.Outcome, res.Closing.Verdict)
		f.tell(task, res)
	}
	if f.outdated(crew, verdict.Kind) {
		return schedule.Verdict{Kind: schedule.Stopped}
	}
	return f.thenFull(ctx, crew, task.Stream, res.Pass.Mode, verdict)
}

// outdated notes whether the vendor takes the credential of a crew, and reports
// whether the verdict says nothing about the configuration in force: another one
// has replaced that of the crew meanwhile.
func (f *fleet) outdated(c *crew, kind schedule.Kind) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch kind { //nolint:exhaustive // the others do not hang on the configuration
	case schedule.Done, schedule.More:
		c.refused = false
	case schedule.Auth, schedule.Config, schedule.Later, schedule.Transient:
		c.refused = c.refused || kind == schedule.Auth
		now := f.crews[c.Name]
		return now == nil || now.vessel != c.vessel
	}
	return false
}

// tell logs a pass that is over, or that cannot go on just now.
func (f *fleet) tell(task schedule.Task, res sweep.Result) {
	n := res.Pass.Counts
	line := f.log.Info()
	if exitOf(res) != exitOK {
		line = f.log.Warn()
	}
	line = line.Str("source", task.Source).Str("stream", task.Stream)
	if res.Pass.Mode != "" {
		line = line.Str("mode", res.Pass.Mode)
	}
	line = line.Int64("pass_id", res.Pass.ID).Str("outcome", string(res.Outcome)).
		Int64("pages", n.Pages).Int64("rows_read", n.RowsRead).Int64("rows_changed", n.RowsChanged).
		Int64("calls", n.Calls).Int64("retries", n.Retries).Int64("rejects", n.Rejects).
		Int64("items_failed", n.ItemsFailed).Int64("items_refused", n.ItemsRefused).
		Str("took", f.host.now().Sub(res.Pass.StartedAt).Round(time.Millisecond).String())
	if res.Closing.Verdict != "" {
		line = line.Str("verdict", string(res.Closing.Verdict))
	}
	if res.Closing.Why != "" {
		line = line.Str("reason", res.Closing.Why)
	}
	if res.Closing.Held {
		line = line.Str("held", heldBack(res.Closing.Candidates, res.Pass.ID))
	}
	if !res.ResumeAt.IsZero() {
		line = line.Time("resume_at", res.ResumeAt.UTC())
	}
	if res.Reason != nil {
		line = line.AnErr("reason", res.Reason)
	}
	line.Msg("pass")
}

// lackError says what a stream needs.
type lackError string

func (e lackError) Error() string { return string(e) }

const errAbsent = lackError("this process does not know the stream: its configuration is older or newer")
