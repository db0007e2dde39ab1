package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

func poolWithDeadline(t *testing.T, dsn string, d time.Duration) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	cfg.ConnConfig.Tracer = store.Deadline(d)
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// A server that does not answer ends a statement of any kind, and the caller's
// context lives on.
func TestSilentServerEndsEveryStatement(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t)
	pool := poolWithDeadline(t, dsn, 200*time.Millisecond)
	const sleep = "select pg_sleep(3600)"
	_, err := pool.Exec(t.Context(), sleep)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, pool.QueryRow(t.Context(), sleep).Scan(new(string)), context.DeadlineExceeded)
	rows, err := pool.Query(t.Context(), sleep)
	if err == nil {
		_, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)

	locker, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = locker.Close(context.WithoutCancel(t.Context())) }()
	_, err = locker.Exec(t.Context(), "begin; lock table sync.page")
	require.NoError(t, err)
	_, err = pool.CopyFrom(t.Context(), pgx.Identifier{"sync", "page"}, []string{"pass_id", "ids"},
		pgx.CopyFromRows([][]any{{int64(1), []string{"wr1"}}}))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, t.Context().Err())
}

func TestMigrationsMayTakeTheirTime(t *testing.T) {
	t.Parallel()
	pool := poolWithDeadline(t, storetest.EmptyDSN(t), 0)
	_, err := pool.Exec(t.Context(), "select 1")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = store.MigrateUp(t.Context(), pool)
	require.NoError(t, err)
	_, err = store.MigrateDown(t.Context(), pool)
	require.NoError(t, err)
}
