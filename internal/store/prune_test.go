package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

func TestPrune(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := pool.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	// A pass an hour for more than three batches; one in ten is partial.
	exec(`insert into sync.pass (source, stream, mode, trigger, scope, started_at, finished_at, outcome, verdict)
		select 'acme', 'chats', '', 'schedule', 1, $1::timestamptz - n * interval '1 hour', $1::timestamptz - n * interval '1 hour',
		       case when n % 10 = 0 then 'partial' else 'complete' end, case when n % 10 <> 0 then 'complete' end
		  from generate_series(4000, 1, -1) n`, now)
	// What is old and has to stay: the last of another mode, an open one, one that
	// candidates belong to, one that a checkpoint belongs to.
	var kept []int64
	for i, p := range []struct {
		source, stream, mode string
		open                 bool
	}{
		{"acme", "chats", "full", false},
		{"acme", "members", "", true},
		{"held", "chats", "", false},
		{"held", "chats", "", false},
		{"begun", "chats", "", false},
		{"begun", "chats", "", false},
	} {
		var id int64
		require.NoError(t, pool.QueryRow(t.Context(), `
			insert into sync.pass (source, stream, mode, trigger, scope, started_at, finished_at, outcome)
			values ($1, $2, $3, 'schedule', 1, $4::timestamptz, case when not $5 then $4 end, case when $5 then 'running' else 'complete' end)
			returning pass_id`, p.source, p.stream, p.mode, now.AddDate(-2, 0, i), p.open).Scan(&id))
		kept = append(kept, id)
	}
	exec(`insert into sync.candidate (source, stream, record, subject, pass_id, missing_at, held, confirmed_by)
		values ('held', 'chats', 'chat', 'c', $1, $2, true, '')`, kept[2], now)
	exec(`insert into sync.checkpoint (source, stream, subject, params, params_raw, pass_id, version, updated_at)
		values ('begun', 'chats', 'all', '{}', '{}', $1, 1, $2)`, kept[4], now)
	exec(`insert into sync.reject (source, stream, kind, parent, id, raw_hash, raw, reason, pass_id, first_seen_at, last_seen_at)
		select 'acme', 'chats', 'chat', '', n::text, n, '{}', 'odd', 1, $1, $1::timestamptz - n * interval '1 hour'
		  from generate_series(1, 2500) n`, now)

	s := store.New(pool)
	done, err := s.Prune(t.Context(), now.Add(-1000*time.Hour), now.Add(-100*time.Hour))
	require.NoError(t, err)
	require.Equal(t, store.Pruned{Passes: 3000, Rejects: 2400}, done)
	storetest.WantRows(t, pool, "sync.pass", 1000+len(kept))
	storetest.WantRows(t, pool, "sync.reject", 100)
	for _, id := range kept {
		var there bool
		require.NoError(t, pool.QueryRow(t.Context(), "select exists (select from sync.pass where pass_id = $1)", id).Scan(&there))
		require.True(t, there, id)
	}

	// Years later the latest of each kind is still there.
	_, err = s.Prune(t.Context(), now.AddDate(9, 0, 0), now.AddDate(9, 0, 0))
	require.NoError(t, err)
	storetest.WantRows(t, pool, "sync.pass", 2+len(kept))
	storetest.WantRows(t, pool, "sync.reject", 0)
}

// One process at a time tidies up; the others leave it to that one.
func TestPruneLeavesItToAnother(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "select pg_advisory_xact_lock(hashtextextended('syncd housekeeping', 0))")
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `insert into sync.reject
		(source, stream, kind, parent, id, raw_hash, raw, reason, pass_id, first_seen_at, last_seen_at)
		values ('acme', 'chats', 'chat', '', '1', 1, '{}', 'odd', 1, now(), now())`)
	require.NoError(t, err)
	s := store.New(pool)
	done, err := s.Prune(t.Context(), time.Now(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Zero(t, done)
	require.NoError(t, tx.Rollback(t.Context()))
	done, err = s.Prune(t.Context(), time.Now(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, store.Pruned{Rejects: 1}, done)
}

// A process that is stopped while it enqueues, or takes a lease, does not keep
// others from it: the server ends its transaction.
func TestTransactionsThatIdleAreEnded(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	s, now := store.New(pool), time.Now()
	require.NoError(t, s.ApplySchedules(t.Context(), []model.Timetable{{
		Source: "acme", Stream: "chats", Expression: "@hourly", Timezone: "UTC", NextRunAt: now,
	}}, []time.Time{now.Add(-time.Second)}, now))
	found, err := s.Dispatch(t.Context(), now, now, 1, func(_ context.Context, tx pgx.Tx, _ []model.DueRun) ([]model.Advance, error) {
		var bound string
		err := tx.QueryRow(t.Context(), "show idle_in_transaction_session_timeout").Scan(&bound)
		require.Equal(t, "15s", bound)
		return nil, err
	})
	require.NoError(t, err)
	require.Equal(t, 1, found)
}
