package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"syncd/config"
	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/schedule"
	"syncd/internal/store"
	"syncd/internal/sweep"
	"syncd/internal/web"
)

// frontStopMax is how long requests may take to end once there is no more work.
const frontStopMax = 500 * time.Millisecond

// front is the web server of a daemon, or of a demonstration. It answers before
// there is a database, and until the last slice has ended.
type front struct {
	metrics *web.Metrics
	server  *web.Server
	addr    net.Addr
	now     func() time.Time
	// back is what can be asked; nil until there is a database.
	back atomic.Pointer[back]
	// stopping says that no more work begins.
	stopping atomic.Bool
	end      sync.Once
	// served closes when nothing is served any more.
	served chan struct{}
}

// back is what a front asks.
type back struct {
	pool    *pgxpool.Pool
	store   *store.Store
	sources func() []*source
	// engine is nil where nothing runs by schedule.
	engine *schedule.Engine
}

func newFront(now func() time.Time) *front {
	return &front{metrics: web.NewMetrics(versionText()), now: now, served: make(chan struct{})}
}

// open begins to answer. scrub masks secrets in what it says.
func (f *front) open(ctx context.Context, cfg config.HTTP, log zerolog.Logger, scrub func(string) string, checks ...web.Check,
) (err error) {
	f.server, err = web.New(f.metrics, web.Options{
		Listen: cfg.Listen, Token: cfg.Token.Reveal(), Version: versionText(), Scrub: scrub,
		Facts: f.facts, Pool: f.pool, Hours: f.hours,
		Checks: append([]web.Check{{Name: "database", Ask: f.askDatabase}, {Name: "schema", Ask: f.askSchema}}, checks...),
	})
	if err != nil {
		return err
	}
	listener, err := web.Listen(ctx, cfg.Listen)
	if err != nil {
		return errors.Join(err, f.server.Stop(ctx))
	}
	f.addr = listener.Addr()
	go func() {
		defer close(f.served)
		if err := f.server.Serve(listener); err != nil {
			log.Error().Err(err).Msg("health and figures are served no more; the work goes on")
		}
	}()
	return nil
}

// close ends all answers. Further calls do nothing.
func (f *front) close() {
	f.end.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), frontStopMax)
		defer cancel()
		_ = f.server.Stop(ctx) // who is cut off asks again
		<-f.served
	})
}

var (
	errStarting = errors.New("syncd is starting")
	errStopping = errors.New("syncd is stopping")
)

func (f *front) askDatabase(ctx context.Context) error {
	b := f.back.Load()
	if b == nil {
		return errStarting
	}
	return b.pool.Ping(ctx)
}

func (f *front) askSchema(ctx context.Context) error {
	b := f.back.Load()
	if b == nil {
		return errStarting
	}
	return store.CheckSchema(ctx, b.pool)
}

func (f *front) askEngine(context.Context) error {
	switch {
	case f.back.Load() == nil:
		return errStarting
	case f.stopping.Load():
		return errStopping
	}
	return nil
}

// facts asks the database what `syncd status` would.
func (f *front) facts(ctx context.Context) (web.Facts, error) {
	b := f.back.Load()
	if b == nil {
		return web.Facts{}, errStarting
	}
	now := f.now()
	r, err := gather(ctx, b.store, b.sources(), now)
	if err != nil {
		return web.Facts{}, err
	}
	known := web.Facts{At: now}
	for _, src := range r.Sources {
		known.Sources = append(known.Sources, src.facts())
	}
	for _, s := range r.Streams {
		known.Streams = append(known.Streams, s.facts())
	}
	if b.engine == nil { // then no next run is due, nor late
		for i := range known.Streams {
			known.Streams[i].NextRunAt, known.Streams[i].Late = time.Time{}, false
		}
		return known, nil
	}
	known.Queue, err = b.engine.Depth(ctx)
	return known, err
}

func (r *sourceReport) facts() web.SourceFacts {
	s := web.SourceFacts{Source: r.Source, Paused: r.PausedAt != nil || r.ResumeAt != nil, Note: r.Error}
	if r.Budget == nil {
		return s
	}
	for _, l := range r.Budget.Lanes {
		s.Budgets = append(s.Budgets,
			web.BudgetFacts{Lane: l.Lane, Period: "month", Limit: l.Limit, Left: l.Left},
			web.BudgetFacts{Lane: l.Lane, Period: "day", Limit: l.Limit, Left: l.LeftToday})
	}
	return s
}

func (r streamReport) facts() web.StreamFacts {
	s := web.StreamFacts{
		Source: r.Source, Stream: r.Stream, Mode: r.Mode, Outcome: string(r.Outcome), Rows: r.RowsRead, Lag: -1,
		NextRunAt: r.NextRunAt, Late: r.Late, Halted: r.HaltedAt != nil, Note: r.note(),
		Items: web.ItemFacts{All: r.Items, NeverRead: r.ItemsNeverRead, Overdue: r.ItemsOverdue, Failing: r.ItemsFailing},
	}
	if r.LagSeconds != nil {
		s.Lag = max(time.Duration(*r.LagSeconds)*time.Second, 0)
	}
	if r.HeldPassID != 0 {
		s.Held = r.Candidates
	}
	if w := r.Window; w != nil {
		s.Days = &web.DayFacts{
			Held: w.Held, Pending: w.Pending, AtRisk: w.AtRisk, Refused: w.Refused, Lost: w.Lost, HeldPercent: w.HeldPercent,
		}
	}
	return s
}

func (f *front) pool() web.Pool {
	b := f.back.Load()
	if b == nil {
		return web.Pool{}
	}
	s := b.pool.Stat()
	return web.Pool{
		Acquired: s.AcquiredConns(), Idle: s.IdleConns(), Constructing: s.ConstructingConns(), Max: s.MaxConns(),
		Acquires: s.AcquireCount(), Waited: s.EmptyAcquireCount(), Canceled: s.CanceledAcquireCount(), Wait: s.AcquireDuration(),
	}
}

// hours tells what the clients of this process have left of the calls of an hour.
func (f *front) hours() []web.HourBudget {
	b := f.back.Load()
	if b == nil {
		return nil
	}
	var list []web.HourBudget
	for _, src := range b.sources() {
		for _, state := range src.client.Budget().State() {
			if state.HourLeft >= 0 {
				list = append(list, web.HourBudget{Source: src.Name, Endpoint: state.Endpoint, Left: state.HourLeft})
			}
		}
	}
	return list
}

// hooks count what the engine does.
func (f *front) hooks() schedule.Hooks {
	m := f.metrics
	return schedule.Hooks{
		Dispatched: m.Dispatched,
		Began:      func(string, string) { m.SliceBegan() },
		Ended: func(source, stream string, kind schedule.Kind, took time.Duration) {
			m.SliceEnded(source, stream, string(kind), took)
		},
		Yielded:  m.Yielded,
		Panicked: m.Panicked,
	}
}

// watched adds figures to what watches requests.
func (f *front) watched(bounds fetch.Options) fetch.Options {
	told := bounds.Hooks.Waiting
	bounds.Hooks.Waiting = func(w fetch.Wait) {
		f.metrics.Waiting(w.Source, w.Endpoint, w.For)
		told(w)
	}
	bounds.Hooks.Attempted = func(a fetch.Attempt) {
		class := "ok"
		if a.Err != nil {
			class = a.Err.Class.String()
		}
		f.metrics.Called(a.Source, a.Endpoint, class, a.Try, a.Duration)
	}
	return bounds
}

// committed counts a commit.
func (f *front) committed(p sweep.Progress) {
	f.metrics.Committed(p.Source, p.Stream, p.Added.Pages, p.Added.RowsRead, p.Added.RowsChanged, p.Added.Rejects)
}

// passed counts a pass that is over, or that cannot go on just now.
func (f *front) passed(source, stream string, pass model.Pass, outcome model.Outcome, verdict model.Verdict) {
	f.metrics.PassEnded(web.Pass{
		Source: source, Stream: stream, Mode: pass.Mode, Outcome: string(outcome), Verdict: string(verdict),
	}, f.now().Sub(pass.StartedAt))
}

// shownAddr is where a probe of this machine finds a server that listens there.
func shownAddr(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("http.listen: %w", err)
	}
	if port == "0" {
		return "", errors.New("http.listen has port 0, any free one: only the log of the daemon tells which")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}
