package store_test

import (
	"testing"

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
