package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

func TestAway(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&pgconn.PgError{Code: "57P01"}, &pgconn.PgError{Code: "08006"}, &pgconn.PgError{Code: "53300"},
		io.ErrUnexpectedEOF, context.DeadlineExceeded,
	} {
		require.True(t, store.Away(fmt.Errorf("commit: %w", err)), "%v", err)
	}
	for _, err := range []error{
		nil, errors.New("bug"), &pgconn.PgError{Code: "42P01"}, &pgconn.PgError{Code: "23505"}, context.Canceled,
	} {
		require.False(t, store.Away(err), "%v", err)
	}

	// As they really come: a connection that is cut, and nobody there.
	pool, err := pgxpool.New(t.Context(), storetest.DSN(t))
	require.NoError(t, err)
	defer pool.Close()
	_, err = pool.Exec(t.Context(), "select pg_terminate_backend(pg_backend_pid())")
	require.Error(t, err)
	require.True(t, store.Away(err), "%v", err)
	nobody, err := pgxpool.New(t.Context(), "host=127.0.0.1 port=1 user=x dbname=x sslmode=disable")
	require.NoError(t, err)
	defer nobody.Close()
	err = nobody.Ping(t.Context())
	require.Error(t, err)
	require.True(t, store.Away(err), "%v", err)
	_, err = pool.Exec(t.Context(), "select nonsense")
	require.Error(t, err)
	require.False(t, store.Away(err))
}
