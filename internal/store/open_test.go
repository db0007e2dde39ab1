package store_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

// A database may tell its clients to speak another encoding than UTF-8, and its
// server would take every Chinese name for something else.
func TestOpenSpeaksUTF8(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t)
	owner, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	_, err = owner.Exec(t.Context(), `do $$ begin
		execute format('alter database %I set client_encoding = latin1', current_database());
	end $$`)
	require.NoError(t, err)
	require.NoError(t, owner.Close(t.Context()))

	pool, err := store.Open(t.Context(), dsn)
	require.NoError(t, err)
	defer pool.Close()
	var runes int
	require.NoError(t, pool.QueryRow(t.Context(), "select char_length($1::text)", "探马🧵").Scan(&runes))
	require.Equal(t, 3, runes)
}

// The moment that the views speak of does not depend on how a database writes times:
// this one writes 01/11/2026 17:00:00 CST, and reads CST as a zone of America.
func TestMomentInAnyDateStyle(t *testing.T) {
	t.Parallel()
	ctx, dsn := t.Context(), storetest.DSN(t)
	owner, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	_, err = owner.Exec(ctx, `do $$ begin
		execute format('alter database %I set datestyle = %L', current_database(), 'SQL, DMY');
		execute format('alter database %I set timezone = %L', current_database(), 'Asia/Shanghai');
	end $$`)
	require.NoError(t, err)
	require.NoError(t, owner.Close(ctx))

	pool, err := store.Open(ctx, dsn)
	require.NoError(t, err)
	defer pool.Close()
	var clock time.Time
	require.NoError(t, store.AsOf(ctx, store.New(pool), t0, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select bi.clock()").Scan(&clock)
	}))
	require.Equal(t, t0, clock.UTC())
}
