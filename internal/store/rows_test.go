package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/store/storetest"
)

func pgxRows[T any](rows pgx.Rows) ([]T, error) { return pgx.CollectRows(rows, pgx.RowTo[T]) }

func pgxRowsQuery[T any](ctx context.Context, pool *pgxpool.Pool, sql string) ([]T, error) {
	rows, err := pool.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgxRows[T](rows)
}

// Every statement opens with a comment and can be prepared against the migrated
// schema.
func TestEveryStatementPrepares(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	files, err := filepath.Glob("sql/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), "-- "), "%s says what it does", f)
		_, err = conn.Conn().Prepare(t.Context(), filepath.Base(f), string(text))
		require.NoError(t, err, f)
	}
}
