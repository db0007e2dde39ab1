package sweep_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/store"
	"syncd/internal/store/storetest"
	"syncd/internal/sweep"
)

// One connection is enough: nothing holds one while it waits for a second.
func TestOneConnectionIsEnough(t *testing.T) {
	t.Parallel()
	cfg, err := pgxpool.ParseConfig(storetest.EmptyDSN(t))
	require.NoError(t, err)
	cfg.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	end := make(chan error, 1)
	go func() {
		_, err := store.MigrateUp(t.Context(), pool)
		end <- err
	}()
	require.NoError(t, soon(t, end))

	b := newBench(t, lister(3, 2))
	b.store, b.pool = store.New(pool), pool
	require.NoError(t, b.store.RegisterSource(t.Context(), "acme", "wecom", "ww1", "Asia/Shanghai", time.Now()))
	go func() {
		_, err := b.runner().Pass(t.Context(), b.spec, sweep.Request{})
		end <- err
	}()
	require.NoError(t, soon(t, end))
}
