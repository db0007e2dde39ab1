package main

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/embedpg"
	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/dingtalk"
	"syncd/internal/vendorsim/scrm"
)

// Unchanged data costs calls, not writes: neither a second run at once nor one
// that reads every detail again writes a row of facts, and WAL stays within two
// hundredths of the first run's and what it costs to count commits. The server has default durability; a checkpoint
// before the second run makes every first touch of a page log the whole page.
func TestUnchangedDataIsNotWritten(t *testing.T) {
	t.Parallel()
	server, err := embedpg.Throwaway(t.Context(), embedpg.Options{
		// No checkpoint but ours: what is logged after one is no cost of the run.
		Durable: true, Settings: map[string]string{"autovacuum": "off", "checkpoint_timeout": "1d"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.WithoutCancel(t.Context()))) })
	unchangedWeCom(t, server) // one after the other: they share the server's WAL
	unchangedDingTalk(t, server)
	unchangedSCRM(t, server)
}

func unchangedWeCom(t *testing.T, server *embedpg.Server) {
	t.Helper()
	s := &site{t: t, dsn: server.DSN("postgres")}
	s.connect(vendorsim.Options{Seed: 3, Chats: 1000})
	s.ok("migrate", "up")

	first := s.cost(func() { s.ok("sync") })
	require.Greater(t, first.writes, int64(30_000))
	s.sameAsTruth()

	s.settle()
	again := s.cost(func() { s.ok("sync") })
	require.Zero(t, again.writes)
	again.isLittle(t, first)

	_, err := s.pool.Exec(t.Context(), "update sync.item set due_at = '-infinity'")
	require.NoError(t, err)
	s.sim.ResetCalls()
	reread := s.cost(func() { s.ok("sync") })
	require.Equal(t, 1000, s.sim.Calls()[vendorsim.EndpointChatGet].Calls)
	require.Zero(t, reread.writes)
	reread.isLittle(t, first)
	t.Logf("WAL: first run %d kB, second %d kB, every detail read again %d kB in %d commits",
		first.wal>>10, again.wal>>10, reread.wal>>10, reread.commits)
}

// unchangedDingTalk lists what is new in its second run, and all groups in the third,
// before which no complete list of all is on record any more.
func unchangedDingTalk(t *testing.T, server *embedpg.Server) {
	t.Helper()
	base, sim := newDingTalkSiteIn(t, anotherDatabase(t, server, "dingtalk"), dingtalk.Options{
		Seed: 3, Chats: 8000, Sets: 60, Messages: 1, Start: dingStart, Limits: dingtalk.Limits{PerSecond: -1, PerMonth: -1},
	})
	s := &dingSite{site: base, sim: sim}
	s.done("migrate", "up")

	first := s.cost(func() { s.done("sync") })
	require.Greater(t, first.writes, int64(8_000))
	s.chatsAreTrue(s.visible())

	s.settle()
	again := s.cost(func() { s.done("sync") })
	require.Zero(t, again.writes)
	again.isLittle(t, first)

	s.exec("update sync.pass set outcome = 'partial' where mode = 'full'")
	s.settle()
	calls := s.sim.Calls()[dingtalk.EndpointChats].Calls
	listed := s.cost(func() { s.done("sync", "ding/chats") })
	require.GreaterOrEqual(t, s.sim.Calls()[dingtalk.EndpointChats].Calls-calls, 80, "all of them are listed")
	require.Zero(t, listed.writes)
	listed.isLittle(t, first)
	t.Logf("WAL: first run %d kB, second %d kB, all listed again %d kB", first.wal>>10, again.wal>>10, listed.wal>>10)
}

// anotherDatabase makes one more database of a server.
func anotherDatabase(t *testing.T, server *embedpg.Server, name string) (dsn string) {
	t.Helper()
	admin, err := pgx.Connect(t.Context(), server.DSN("postgres"))
	require.NoError(t, err)
	_, err = admin.Exec(t.Context(), "create database "+name)
	require.NoError(t, err)
	require.NoError(t, admin.Close(t.Context()))
	return server.DSN(name)
}

func unchangedSCRM(t *testing.T, server *embedpg.Server) {
	t.Helper()
	s, sim := newSCRMSiteIn(t, anotherDatabase(t, server, "scrm"), scrm.Options{Seed: 3, Groups: 3000, Start: longAgo()})
	s.ok("migrate", "up")

	first := s.cost(func() { s.ok("sync") })
	require.Greater(t, first.writes, int64(9_000))
	s.sameAsSCRM(sim, nil)

	s.settle()
	again := s.cost(func() { s.ok("sync") })
	require.Zero(t, again.writes)
	again.isLittle(t, first)
	t.Logf("WAL: first run %d kB, second %d kB", first.wal>>10, again.wal>>10)
}

// settle does what time would: the next touch of every page logs the whole page.
func (s *site) settle() {
	s.t.Helper()
	for _, command := range []string{"vacuum", "checkpoint"} {
		_, err := s.pool.Exec(s.t.Context(), command)
		require.NoError(s.t, err)
	}
}

// cost is what a run wrote, and in how many transactions.
type cost struct {
	writes, wal, commits int64
}

// isLittle compares the WAL of two runs. A busy machine commits what it reads in
// smaller parts, and each of them notes how far the pass has come.
func (c cost) isLittle(t *testing.T, first cost) {
	t.Helper()
	const noteMax = 400 // bytes
	require.LessOrEqual(t, c.wal, first.wal/50+noteMax*c.commits)
}

func (s *site) cost(work func()) cost {
	s.t.Helper()
	before := s.written()
	work()
	after := s.written()
	return cost{after.writes - before.writes, after.wal - before.wal, after.commits - before.commits}
}

// written reads the counters of the server.
func (s *site) written() cost {
	s.t.Helper()
	var c cost
	s.alone(func(conn *pgx.Conn) {
		require.NoError(s.t, conn.QueryRow(s.t.Context(), `
			select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
			       pg_snapshot_xmax(pg_current_snapshot())::text::bigint
			  from pg_stat_user_tables where schemaname = 'groupchat'`).Scan(&c.writes, &c.wal, &c.commits))
	})
	return c
}

// alone looks at the database over a connection of its own, once all others, which
// report what they have done when they end, are gone.
func (s *site) alone(look func(*pgx.Conn)) {
	s.t.Helper()
	ctx := s.t.Context()
	s.pool.Reset()
	conn, err := pgx.Connect(ctx, s.dsn)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, conn.Close(ctx)) }()
	eventually(s.t, "other connections end", func() error {
		others := 0
		err := conn.QueryRow(ctx, `select count(*) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid()`).Scan(&others)
		if err == nil && others > 0 {
			err = errNotYet
		}
		return err
	})
	look(conn)
}
