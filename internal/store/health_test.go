package store_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

func TestInspect(t *testing.T) {
	t.Parallel()
	h, err := store.Inspect(t.Context(), storetest.New(t))
	require.NoError(t, err)
	require.GreaterOrEqual(t, h.VersionNum, 150000)
	require.NotEmpty(t, h.Version)
	require.Equal(t, "UTF8", h.Encoding)
	require.False(t, h.ReadOnly)
	require.True(t, h.MayCreate)
	require.Empty(t, h.Lacks)
	require.Positive(t, h.Bytes)
	require.LessOrEqual(t, h.ClockAhead.Abs(), h.ClockWithin, "the clock is the same")
}

func TestInspectAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), storetest.EmptyDSN(t))
	require.NoError(t, err)
	defer pool.Close()
	h, err := store.Inspect(t.Context(), pool)
	require.NoError(t, err)
	require.Empty(t, h.Lacks)
}

func TestInspectAsAStranger(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t)
	owner, err := pgxpool.New(t.Context(), dsn)
	require.NoError(t, err)
	defer owner.Close()
	_, err = owner.Exec(t.Context(), `
		create role inspected login;
		grant usage on schema sync, river to inspected;
		grant select, insert, update, delete on all tables in schema sync, groupchat, bi, river to inspected;
		revoke insert, update on sync.pass from inspected;
		revoke delete on groupchat.chat, groupchat.owner_stat from inspected`)
	require.NoError(t, err)
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.User = url.User("inspected")
	pool, err := pgxpool.New(t.Context(), u.String())
	require.NoError(t, err)
	h, err := store.Inspect(t.Context(), pool)
	require.NoError(t, err)
	pool.Close()
	require.False(t, h.MayCreate)
	require.ElementsMatch(t, []string{
		"usage on schema groupchat", "usage on schema bi", "delete on groupchat.owner_stat", "insert on sync.pass", "update on sync.pass",
		"usage on sequence river.river_job_id_seq", "usage on sequence river.river_notification_id_seq",
	}, h.Lacks)
	_, err = owner.Exec(t.Context(), "drop owned by inspected; drop role inspected")
	require.NoError(t, err)
}

func TestHeldLeases(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	s, ctx := store.New(pool), t.Context()
	take := func(stream string) model.Lease {
		t.Helper()
		lease, err := s.TakeLease(ctx, "acme", stream, "holder of "+stream, time.Hour)
		require.NoError(t, err)
		return lease
	}
	require.NoError(t, s.ReleaseLease(ctx, take("owners")))
	take("members")
	dead := take("chats")
	began := time.Now()
	_, err := pool.Exec(ctx, `update sync.lease set expires_at = clock_timestamp() - interval '1 hour',
		taken_at = clock_timestamp() - interval '2 hours' where stream = 'chats'`)
	require.NoError(t, err)

	held, err := s.HeldLeases(ctx)
	require.NoError(t, err)
	require.Len(t, held, 2, "one was given back")
	require.Equal(t, "chats", held[0].Stream)
	require.Equal(t, "holder of chats", held[0].Holder)
	took := time.Since(began).Seconds() + 1 // and what clocks are set by meanwhile
	require.InDelta(t, -3600, held[0].ValidFor.Seconds(), took)
	require.InDelta(t, 7200, held[0].Held.Seconds(), took)
	require.Positive(t, held[1].ValidFor)

	require.NoError(t, s.FreeLeases(ctx))
	held, err = s.HeldLeases(ctx)
	require.NoError(t, err)
	require.Empty(t, held)
	_, err = s.TakeLease(ctx, "acme", "chats", "another", time.Minute)
	require.NoError(t, err)
	require.ErrorIs(t, s.RenewLease(ctx, dead, time.Minute), model.ErrLeaseLost, "who held it is fenced off")
}
