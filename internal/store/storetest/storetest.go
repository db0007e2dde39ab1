// Package storetest gives every test a migrated PostgreSQL database of its own.
//
// The server is a private one, started once per test process; the schema is
// migrated once into a template that each test clones in milliseconds. Package
// tests call [Main] from TestMain, so that the server and its files go away
// with the process.
//
// It is for tests only and knows nothing of what they store.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/embedpg"
	"syncd/internal/store"
)

const (
	template = "syncd_template"
	// startMax is beyond what a start with all migrations takes on a machine that has
	// many other things to do, and an end.
	startMax = 10 * time.Minute
	// connectionsMax is enough for the tests of a package that run at once on a
	// machine of many processors.
	connectionsMax = "500"
)

// cluster is the server of this test process with its template.
type cluster struct {
	server *embedpg.Server
	admin  *pgxpool.Pool
	count  atomic.Int64
}

var (
	shared     *cluster
	errShared  error
	sharedOnce sync.Once
)

// Main runs the tests and stops the server that they used. Call it from
// TestMain; it returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if shared == nil {
		return code
	}
	shared.admin.Close()
	ctx, cancel := context.WithTimeout(context.Background(), startMax)
	defer cancel()
	if err := shared.server.Stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stop the test PostgreSQL:", err)
		return max(code, 1)
	}
	return code
}

// New returns a pool on a new database with the current schema, dropped after
// the test. Without PostgreSQL programs on the machine the test is skipped, or
// fails where CI is set.
func New(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	pool, err := pgxpool.New(tb.Context(), DSN(tb))
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return pool
}

// DSN is [New] for another process: the connection string of a new database.
func DSN(tb testing.TB) string {
	tb.Helper()
	return newDatabase(tb, " template "+template+" strategy file_copy")
}

// EmptyDSN returns the connection string of a new database without any schema.
func EmptyDSN(tb testing.TB) string {
	tb.Helper()
	return newDatabase(tb, "")
}

func newDatabase(tb testing.TB, options string) string {
	tb.Helper()
	c := start(tb)
	name := fmt.Sprintf("test_%d", c.count.Add(1))
	require.NoError(tb, c.alone(tb.Context(), "create database "+name+options))
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startMax)
		defer cancel()
		require.NoError(tb, c.alone(ctx, "drop database "+name+" with (force)"))
	})
	return c.server.DSN(name)
}

// alone runs a statement that must find nobody in a database. The server waits five
// seconds for those who are about to go, whom a busy machine may keep for longer.
func (c *cluster) alone(ctx context.Context, sql string) error {
	for {
		_, err := c.admin.Exec(ctx, sql)
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); !ok || pgErr.Code != "55006" { // object_in_use
			return err
		}
	}
}

func start(tb testing.TB) *cluster {
	tb.Helper()
	sharedOnce.Do(func() { shared, errShared = launch() })
	if errors.Is(errShared, embedpg.ErrNoBinaries) && os.Getenv("CI") == "" {
		tb.Skipf("needs PostgreSQL: %v", errShared)
	}
	require.NoError(tb, errShared)
	return shared
}

func launch() (*cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startMax)
	defer cancel()
	server, err := embedpg.Throwaway(ctx, embedpg.Options{Settings: map[string]string{"max_connections": connectionsMax}})
	if err != nil {
		return nil, err
	}
	c := &cluster{server: server}
	if err := c.makeTemplate(ctx); err != nil {
		return nil, errors.Join(err, server.Stop(ctx))
	}
	return c, nil
}

func (c *cluster) makeTemplate(ctx context.Context) error {
	admin, err := pgxpool.New(ctx, c.server.DSN("postgres"))
	if err != nil {
		return err
	}
	c.admin = admin
	if _, err := admin.Exec(ctx, "create database "+template); err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, c.server.DSN(template))
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = store.MigrateUp(ctx, pool)
	return err
}

// WantRows fails the test unless the table holds n rows.
func WantRows(tb testing.TB, pool *pgxpool.Pool, table string, n int) {
	tb.Helper()
	var have int
	id := pgx.Identifier(strings.Split(table, "."))
	err := pool.QueryRow(tb.Context(), "select count(*) from "+id.Sanitize()).Scan(&have)
	require.NoError(tb, err)
	require.Equal(tb, n, have, "rows of %s", table)
}
