package schedule_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/schedule"
	"syncd/internal/store"
)

// administer connects to another database of the same server.
func (r *rig) administer() (conn *pgx.Conn, database string) {
	r.t.Helper()
	cfg, err := pgx.ParseConfig(r.dsn)
	require.NoError(r.t, err)
	database = cfg.Database
	cfg.Database = "postgres"
	conn, err = pgx.ConnectConfig(r.t.Context(), cfg)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(r.t.Context())) })
	return conn, database
}

// While the database is away nothing ends; afterwards runs are enqueued and done
// again.
func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	admin, name := r.administer()
	var calls atomic.Int64
	e := r.engine(func(context.Context, schedule.Task) schedule.Verdict {
		calls.Add(1)
		return schedule.Verdict{Kind: schedule.Done}
	})
	r.settled(e, hourly("acme/chats"))
	stop := r.run(e)
	r.due("acme/chats")
	soon(t, "it runs", func() bool { return r.jobs("completed") == 1 })
	_, err := admin.Exec(t.Context(), "alter database "+name+" allow_connections false")
	require.NoError(t, err)
	for range 3 {
		_, err = admin.Exec(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
		require.NoError(t, err)
		soon(t, "the database is away", func() bool { return e.Dispatch(t.Context()) != nil })
	}
	_, err = admin.Exec(t.Context(), "alter database "+name+" allow_connections true")
	require.NoError(t, err)
	r.pool = r.newPool() // ours has broken connections, as the engine's has
	r.due("acme/chats")
	soon(t, "it runs again", func() bool { return calls.Load() == 2 && r.jobs("completed") == 2 })
	require.NoError(t, stop())
}

// What a dead process had in flight is taken over: its job is found after
// rescueAfter and begins again at once, whatever it did before.
func TestDeadWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hung := newGate()
	free := make(chan struct{})
	t.Cleanup(func() { close(free) })
	dead := r.newPool()
	opts := schedule.Options{Workers: 2, Schema: store.RiverSchema, Now: r.now, Log: zerolog.Nop()}
	opts.Hurry()
	opts.Patient()
	opts.StopsInTime()
	first, err := schedule.New(dead, store.New(dead), work(func(ctx context.Context, task schedule.Task) schedule.Verdict {
		hung.began <- task
		<-free
		return schedule.Verdict{Kind: schedule.Done}
	}), opts)
	require.NoError(t, err)
	r.settled(first, hourly("acme/chats"))
	ctx, kill := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- first.Run(ctx, nil) }()
	r.due("acme/chats")
	hung.next(t)
	soon(t, "it leads", func() bool { return get[int](r, `select count(*) from river.river_leader`) == 1 })

	// The slice never ends, and from here on nothing reaches the database.
	kill()
	require.Error(t, <-end)
	dead.Close()
	// Time passes: leader and job are as old as after a minute.
	r.exec(`insert into river.river_leader (elected_at, expires_at, leader_id) values (now() - interval '1 min', now() - interval '45 s', 'dead')
		on conflict do nothing`)
	require.Equal(t, 1, r.jobs("running"))
	r.exec(`update river.river_job set attempted_at = now() - interval '36 s'`)

	r.start(done, (*schedule.Options).Rescues)
	soon(t, "another process has done it", func() bool { return r.jobs("completed") == 1 })
	require.Equal(t, "done", r.outcome("acme", "chats"))
}

// Who knows that all others are dead need not wait for them.
func TestFreedJobsGoOnAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := r.engine(done)
	r.settled(e, hourly("acme/chats"))
	r.due("acme/chats")
	require.NoError(t, e.Dispatch(t.Context()))
	r.exec(`update river.river_job set state = 'running', attempt = 1, attempted_at = now()`)
	r.exec(`insert into river.river_leader (elected_at, expires_at, leader_id) values (now(), now() + interval '15 s', 'dead')`)
	require.NoError(t, store.New(r.pool).FreeJobs(t.Context(), schedule.Queue))
	require.Zero(t, get[int](r, `select count(*) from river.river_leader`))
	r.run(e)
	soon(t, "it is done", func() bool { return r.jobs("completed") == 1 })
}

// blind is a store that cannot tell how a stream stands.
type blind struct{ *store.Store }

func (blind) Standing(context.Context, string, string, string) (model.Standing, error) {
	return model.Standing{}, errors.New("permission denied for table schedule")
}

// diary keeps what is logged.
type diary struct {
	mu   sync.Mutex
	text strings.Builder
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *diary) has(text string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Contains(d.text.String(), text)
}

// A slice that the database does not let begin is put back, and not without a word.
func TestWhyNoSliceBegins(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	log := &diary{}
	opts := schedule.Options{Workers: 2, Schema: store.RiverSchema, Now: r.now, Log: zerolog.New(log)}
	opts.Hurry()
	opts.Patient()
	e, err := schedule.New(r.pool, blind{store.New(r.pool)}, work(done), opts)
	require.NoError(t, err)
	r.settled(e, hourly("acme/chats"))
	stop := r.run(e)
	r.due("acme/chats")
	soon(t, "it is said", func() bool {
		return log.has(`"source":"acme","stream":"chats","error":"permission denied for table schedule"`)
	})
	require.NoError(t, stop())
	require.Zero(t, r.jobs("completed"))
}

// A stop does not wait for a database that is away.
func TestStopWithoutDatabase(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	admin, name := r.administer()
	g := newGate()
	e := r.engine(g.slice, (*schedule.Options).StopsInTime)
	r.settled(e, hourly("acme/chats"))
	stop := r.run(e)
	r.due("acme/chats")
	g.next(t)
	for _, sql := range []string{
		"alter database " + name + " allow_connections false",
		"select pg_terminate_backend(pid) from pg_stat_activity where datname = '" + name + "'",
	} {
		_, err := admin.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	select {
	case <-ended: // well or not: what it could not note is found out by others
	case <-time.After(soonMax):
		require.Fail(t, "it waits for the database")
	}
	soon(t, "the slice ends as well", func() bool { return e.InFlight() == 0 })
}

// Without LISTEN, as behind a pooler of transactions, everything works.
func TestPollOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := r.start(done, func(o *schedule.Options) { o.PollOnly = true })
	r.settled(e, hourly("acme/chats", "other/chats"))
	r.due("acme/chats", "other/chats")
	soon(t, "both run", func() bool { return r.jobs("completed") == 2 })
	require.Zero(t, get[int](r, `select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%'`))
}
