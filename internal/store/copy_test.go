package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

// Whatever rows there are, and however many, the table holds what pgx would have
// put there.
func TestCopyInWritesWhatPgxDoes(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), storetest.New(t)
	_, err := pool.Exec(ctx, `
		create table ours (no bigint, a text, b text, c bigint, d bigint, e boolean, f timestamptz, g timestamptz, h jsonb);
		create table theirs (like ours)`)
	require.NoError(t, err)
	columns := []string{"no", "a", "b", "c", "d", "e", "f", "g", "h"}
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[a-zé群\n\\"]{0,40}`)
		instant := rapid.Map(rapid.Int64Range(-60_000_000_000, 253_402_300_799), func(s int64) time.Time {
			return time.Unix(s, s%1_000_000*1000).UTC()
		})
		row := rapid.Custom(func(rt *rapid.T) []any {
			var object []byte
			if rapid.Bool().Draw(rt, "object") {
				object = []byte(`{"k": "` + rapid.StringMatching(`[a-zé群]{0,9}`).Draw(rt, "k") + `"}`)
			}
			return []any{
				text.Draw(rt, "a"), rapid.Ptr(text, true).Draw(rt, "b"), rapid.Int64().Draw(rt, "c"),
				rapid.Ptr(rapid.Int64(), true).Draw(rt, "d"), rapid.Bool().Draw(rt, "e"), instant.Draw(rt, "f"),
				rapid.Ptr(instant, true).Draw(rt, "g"), object,
			}
		})
		rows := rapid.SliceOfN(row, 0, 30).Draw(rt, "rows")
		// Many times over, so that rows fall across the buffers in which they are sent.
		times := rapid.SampledFrom([]int{1, 2, 100}).Draw(rt, "times")
		n := times * len(rows)
		tx, err := pool.Begin(ctx)
		require.NoError(rt, err)
		defer func() { require.NoError(rt, tx.Rollback(ctx)) }()
		require.NoError(rt, store.CopyIn(ctx, tx, "ours", columns, n, func(r *store.CopyRow, i int) {
			r.Put(int64(i))
			for _, v := range rows[i%len(rows)] {
				r.Put(v)
			}
		}))
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"theirs"}, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			return append([]any{int64(i)}, rows[i%len(rows)]...), nil
		}))
		require.NoError(rt, err)
		var have, differ int
		require.NoError(rt, tx.QueryRow(ctx, `
			select (select count(*) from ours),
			       (select count(*) from ours full join theirs using (no)
			         where to_jsonb(ours) is distinct from to_jsonb(theirs))`).Scan(&have, &differ))
		require.Equal(rt, n, have)
		require.Zero(rt, differ)
	})
}

// A row with a value too many or too few is the server's to refuse.
func TestCopyInCountsValues(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	for _, values := range []int{1, 3} {
		tx, err := pool.Begin(t.Context())
		require.NoError(t, err)
		err = store.CopyIn(t.Context(), tx, "sync.lease", []string{"source", "stream"}, 1, func(r *store.CopyRow, _ int) {
			for range values {
				r.Put("x")
			}
		})
		require.ErrorContains(t, err, "22P04")
		require.NoError(t, tx.Rollback(t.Context()))
	}
}

// Copying is bounded like any other statement.
func TestSilentServerEndsCopying(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t)
	pool := poolWithDeadline(t, dsn, 200*time.Millisecond)
	locker, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = locker.Close(context.WithoutCancel(t.Context())) }()
	_, err = locker.Exec(t.Context(), "begin; lock table sync.lease")
	require.NoError(t, err)
	tx, err := pool.Begin(store.Patient(t.Context()))
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	err = store.CopyIn(t.Context(), tx, "sync.lease", []string{"source"}, 1, func(r *store.CopyRow, _ int) { r.Put("x") })
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, t.Context().Err())
}
