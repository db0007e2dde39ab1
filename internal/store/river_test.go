package store_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

// River's tables come with ours, also when many processes migrate at once, and go
// and come back with the migration that makes room for them.
func TestRiverMigratesWithTheSchema(t *testing.T) {
	t.Parallel()
	ctx, dsn := t.Context(), storetest.EmptyDSN(t)
	pool, err := pgxpool.New(ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	var g errgroup.Group
	for range 4 {
		g.Go(func() error {
			_, err := store.MigrateUp(ctx, pool)
			return err
		})
	}
	require.NoError(t, g.Wait())
	require.NoError(t, store.CheckSchema(ctx, pool))
	version := func() (v int) {
		require.NoError(t, pool.QueryRow(ctx, "select max(version) from river.river_migration").Scan(&v))
		return v
	}
	require.Equal(t, 8, version())

	// A binary with an older River, and one with a newer.
	_, err = pool.Exec(ctx, "insert into river.river_migration (line, version) values ('main', 9)")
	require.NoError(t, err)
	require.ErrorIs(t, store.CheckSchema(ctx, pool), store.ErrNewerSchema)
	_, err = store.MigrateUp(ctx, pool)
	require.ErrorIs(t, err, store.ErrNewerSchema)
	_, err = pool.Exec(ctx, "drop schema river cascade; create schema river")
	require.NoError(t, err)
	require.ErrorIs(t, store.CheckSchema(ctx, pool), store.ErrNotMigrated)
	_, err = store.MigrateUp(ctx, pool)
	require.NoError(t, err)
	require.Equal(t, 8, version())

	for file := "-"; file != "00012_schedule.sql" && file != ""; {
		file, err = store.MigrateDown(ctx, pool)
		require.NoError(t, err)
	}
	var left bool
	require.NoError(t, pool.QueryRow(ctx, "select to_regnamespace('river') is not null").Scan(&left))
	require.False(t, left)
	require.ErrorIs(t, store.CheckSchema(ctx, pool), store.ErrNotMigrated)
	_, err = store.MigrateUp(ctx, pool)
	require.NoError(t, err)
	require.NoError(t, store.CheckSchema(ctx, pool))
}

// A pooler is told from a server by the keys to cancel with, which it makes up.
func TestPooled(t *testing.T) {
	t.Parallel()
	cfg, err := pgxpool.ParseConfig(storetest.DSN(t))
	require.NoError(t, err)
	ask := func() bool {
		pool, err := pgxpool.NewWithConfig(t.Context(), cfg.Copy())
		require.NoError(t, err)
		defer pool.Close()
		pooled, err := store.Pooled(t.Context(), pool)
		require.NoError(t, err)
		return pooled
	}
	require.False(t, ask())
	server := *cfg.ConnConfig
	network, address := pgconnAddress(&server)
	cfg.ConnConfig.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), network, address)
		return &keyChanger{Conn: conn}, err
	}
	require.True(t, ask())
}

func pgconnAddress(c *pgx.ConnConfig) (network, address string) {
	if len(c.Host) > 0 && c.Host[0] == '/' {
		return "unix", c.Host + "/.s.PGSQL." + strconv.Itoa(int(c.Port))
	}
	return "tcp", net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
}

// keyChanger is a connection whose server hands out another cancel key, as a
// pooler does.
type keyChanger struct {
	net.Conn
	ready []byte
}

// Read hands on one message of the server after the other.
func (k *keyChanger) Read(p []byte) (int, error) {
	if len(k.ready) == 0 {
		head := make([]byte, 5)
		if _, err := io.ReadFull(k.Conn, head); err != nil {
			return 0, err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(k.Conn, body); err != nil {
			return 0, err
		}
		const backendKeyData = 'K'
		if head[0] == backendKeyData {
			binary.BigEndian.PutUint32(body, binary.BigEndian.Uint32(body)+1)
		}
		k.ready = slices.Concat(head, body)
	}
	n := copy(p, k.ready)
	k.ready = k.ready[n:]
	return n, nil
}

// A dump without River's schema is restored: it is made again.
func TestMigrateMakesRiversSchemaAgain(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	_, err := pool.Exec(t.Context(), "drop schema river cascade")
	require.NoError(t, err)
	require.ErrorIs(t, store.CheckSchema(t.Context(), pool), store.ErrNotMigrated)
	_, err = store.MigrateUp(t.Context(), pool)
	require.NoError(t, err)
	require.NoError(t, store.CheckSchema(t.Context(), pool))
}
