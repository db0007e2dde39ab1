package main

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/store/storetest"
)

// A connection that does not come back, as with a server that is silent, holds
// nobody up.
func TestCloseDoesNotWaitForASilentServer(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), storetest.DSN(t))
	require.NoError(t, err)
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	require.NoError(t, (&database{pool: pool}).close())
}
