package schedule_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata" // zones must load on hosts without a zone database

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"syncd/internal/schedule"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// soonMax is far beyond what anything here takes on a busy machine.
const soonMax = 5 * time.Minute

// soon waits for a condition that something else brings about.
func soon(t *testing.T, what string, met func() bool) {
	t.Helper()
	require.Eventually(t, met, soonMax, 5*time.Millisecond, what)
}

// rig is a database with a clock, for as many engines as a test wants.
type rig struct {
	t     *testing.T
	dsn   string
	pool  *pgxpool.Pool
	clock atomic.Int64 // Unix milliseconds
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dsn: storetest.DSN(t)}
	r.pool = r.newPool()
	// Far from any hour, so that nothing is due by chance.
	r.clock.Store(time.Date(2026, 11, 20, 6, 30, 30, 0, time.UTC).UnixMilli())
	return r
}

func (r *rig) newPool() *pgxpool.Pool {
	r.t.Helper()
	pool, err := pgxpool.New(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	r.t.Cleanup(pool.Close)
	return pool
}

func (r *rig) now() time.Time          { return time.UnixMilli(r.clock.Load()).UTC() }
func (r *rig) advance(d time.Duration) { r.clock.Add(d.Milliseconds()) }

// work is a Work made of a function.
type work func(ctx context.Context, task schedule.Task) schedule.Verdict

func (w work) Slice(ctx context.Context, task schedule.Task) schedule.Verdict { return w(ctx, task) }

func done(context.Context, schedule.Task) schedule.Verdict {
	return schedule.Verdict{Kind: schedule.Done}
}

// engine is an engine of the rig that does not run yet.
func (r *rig) engine(w work, adjust ...func(*schedule.Options)) *schedule.Engine {
	r.t.Helper()
	opts := schedule.Options{Workers: 4, Schema: store.RiverSchema, Now: r.now, Log: zerolog.Nop()}
	opts.Hurry()
	opts.Patient()
	for _, f := range adjust {
		f(&opts)
	}
	e, err := schedule.New(r.pool, store.New(r.pool), w, opts)
	require.NoError(r.t, err)
	return e
}

// run runs an engine until the test ends or stop is called, which returns what
// Run did.
func (r *rig) run(e *schedule.Engine) (stop func() error) {
	r.t.Helper()
	quit, end := make(chan struct{}), make(chan error, 1)
	go func() { end <- e.Run(context.WithoutCancel(r.t.Context()), quit) }()
	stop = sync.OnceValue(func() error {
		close(quit)
		return <-end
	})
	r.t.Cleanup(func() { _ = stop() })
	return stop
}

// start is engine and run.
func (r *rig) start(w work, adjust ...func(*schedule.Options)) *schedule.Engine {
	r.t.Helper()
	e := r.engine(w, adjust...)
	r.run(e)
	return e
}

// hourly are schedules of streams "source/stream" that run each hour.
func hourly(streams ...string) []schedule.Entry { return entries("20 * * * *", streams...) }

func entries(expr string, streams ...string) []schedule.Entry {
	var list []schedule.Entry
	for _, name := range streams {
		var e schedule.Entry
		for i := range name {
			if name[i] == '/' {
				e.Source, e.Stream = name[:i], name[i+1:]
			}
		}
		e.Expression, e.Zone = expr, time.UTC
		list = append(list, e)
	}
	return list
}

// settled applies schedules whose first runs are over: nothing is due before the
// hour.
func (r *rig) settled(e *schedule.Engine, list []schedule.Entry) {
	r.t.Helper()
	require.NoError(r.t, e.Apply(r.t.Context(), list))
	r.exec(`update sync.schedule set next_run_at = $1 where last_run_at is null`, r.now().Add(50*time.Minute))
}

// due makes runs due now.
func (r *rig) due(streams ...string) {
	r.t.Helper()
	r.exec(`update sync.schedule set next_run_at = $2 where source || '/' || stream = any($1)`, streams, r.now())
}

// enqueued makes runs due and returns once they are enqueued: by the engine that is
// asked to, or by one that was at it already and has not committed yet.
func (r *rig) enqueued(e *schedule.Engine, streams ...string) {
	r.t.Helper()
	r.due(streams...)
	soon(r.t, "they are enqueued", func() bool {
		require.NoError(r.t, e.Dispatch(r.t.Context()))
		return get[int](r, `select count(*) from sync.schedule where source || '/' || stream = any($1) and next_run_at <= $2`,
			streams, r.now()) == 0
	})
}

func (r *rig) exec(sql string, args ...any) {
	r.t.Helper()
	_, err := r.pool.Exec(r.t.Context(), sql, args...)
	require.NoError(r.t, err)
}

// get reads one value.
func get[T any](r *rig, sql string, args ...any) T {
	r.t.Helper()
	rows, err := r.pool.Query(r.t.Context(), sql, args...)
	require.NoError(r.t, err)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	require.NoError(r.t, err, sql)
	return v
}

// jobs counts River's jobs in a state.
func (r *rig) jobs(state string) int {
	r.t.Helper()
	return get[int](r, `select count(*) from river.river_job where state = $1::river.river_job_state`, state)
}

// outcome is that of the latest slice of a stream.
func (r *rig) outcome(source, stream string) string {
	r.t.Helper()
	return get[string](r, `select coalesce(outcome, '') from sync.schedule where source = $1 and stream = $2`, source, stream)
}

// gate is work that tells what began and waits for its verdict.
type gate struct {
	began chan schedule.Task
	mu    sync.Mutex
	open  map[string]chan schedule.Verdict
}

func newGate() *gate {
	return &gate{began: make(chan schedule.Task, 1000), open: map[string]chan schedule.Verdict{}}
}

func (g *gate) of(source, stream string) chan schedule.Verdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := source + "/" + stream
	if g.open[key] == nil {
		g.open[key] = make(chan schedule.Verdict)
	}
	return g.open[key]
}

// slice waits for its verdict and heeds its context.
func (g *gate) slice(ctx context.Context, task schedule.Task) schedule.Verdict {
	g.began <- task
	select {
	case v := <-g.of(task.Source, task.Stream):
		return v
	case <-task.Stop:
		return schedule.Verdict{Kind: schedule.Stopped}
	case <-ctx.Done():
		return schedule.Verdict{Kind: schedule.Unknown, Err: context.Cause(ctx)}
	}
}

// next is the slice that begins next.
func (g *gate) next(t *testing.T) string {
	t.Helper()
	select {
	case task := <-g.began:
		return fmt.Sprintf("%s/%s%s", task.Source, task.Stream, task.Mode)
	case <-time.After(soonMax):
		require.Fail(t, "no slice begins")
		return ""
	}
}

// end ends a slice in flight.
func (g *gate) end(t *testing.T, source, stream string, v schedule.Verdict) {
	t.Helper()
	select {
	case g.of(source, stream) <- v:
	case <-time.After(soonMax):
		require.Fail(t, "no such slice in flight", "%s/%s", source, stream)
	}
}
