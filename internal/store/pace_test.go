package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

// Processes that reserve at the same time get blocks that follow each other.
func TestReservedBlocksFollowEachOther(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t)
	var mu sync.Mutex
	var all sync.WaitGroup
	var last time.Duration
	const blocks = 4 * 5
	for range 4 {
		pool, err := pgxpool.New(t.Context(), dsn)
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		pace := store.NewPace(store.New(pool), store.PaceOptions{Source: "acme", PerSecond: 20, PerMinute: 600, PerHour: 100_000})
		all.Go(func() {
			for range 5 {
				grant, err := pace.Reserve(t.Context(), "list")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				last = max(last, grant.Wait)
				if grant.Calls != 10 || grant.Every != 100*time.Millisecond {
					t.Errorf("%+v", grant)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	pool, err := pgxpool.New(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	// All of them end 20 s after the first began, however long this took.
	var taken, booked float64
	require.NoError(t, pool.QueryRow(t.Context(), `
		select extract(epoch from p.free_at - clock_timestamp())::float8, (select sum(calls)::float8 from sync.call_minute)
		  from sync.call_pace p where source = 'acme' and endpoint = 'list'`).Scan(&taken, &booked))
	require.LessOrEqual(t, taken, float64(blocks))
	require.LessOrEqual(t, last, blocks*time.Second)
	require.InDelta(t, blocks*10, booked, 0)

	other := store.NewPace(store.New(pool), store.PaceOptions{Source: "acme", PerSecond: 20})
	grant, err := other.Reserve(t.Context(), "get")
	require.NoError(t, err)
	require.Zero(t, grant.Wait, "another endpoint has the limit to itself")
}

// The hour is shared to the last call, and what is spent says for how long.
func TestTheHourIsNeverExceeded(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	options := store.PaceOptions{Source: "acme", PerHour: 1_003}
	var mu sync.Mutex
	var all sync.WaitGroup
	granted := 0
	var refused model.CallGrant
	for range 4 {
		pace := store.NewPace(store.New(pool), options)
		all.Go(func() {
			for {
				grant, err := pace.Reserve(t.Context(), "")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				granted += grant.Calls
				if grant.Calls == 0 {
					refused = grant
				}
				mu.Unlock()
				if grant.Calls == 0 {
					return
				}
			}
		})
	}
	all.Wait()
	require.Equal(t, 1_003, granted)
	require.Positive(t, refused.Wait)
	require.LessOrEqual(t, refused.Wait, 61*time.Minute)
	require.Equal(t, "the hour's budget of 1003 calls is spent", refused.Why)

	// An hour later they count no more, and are forgotten.
	_, err := pool.Exec(t.Context(), "update sync.call_minute set minute = minute - interval '61 minutes'")
	require.NoError(t, err)
	grant, err := store.NewPace(store.New(pool), options).Reserve(t.Context(), "")
	require.NoError(t, err)
	require.Positive(t, grant.Calls)
	storetest.WantRows(t, pool, "sync.call_minute", 1)
}

// A clock that was set back holds nobody up.
func TestABookingFarAheadIsForgotten(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	_, err := pool.Exec(t.Context(), "insert into sync.call_pace values ('acme', 'list', now() + interval '1 hour')")
	require.NoError(t, err)
	grant, err := store.NewPace(store.New(pool), store.PaceOptions{Source: "acme", PerSecond: 5}).Reserve(t.Context(), "list")
	require.NoError(t, err)
	require.Equal(t, model.CallGrant{Calls: 5, Every: 200 * time.Millisecond}, grant)
}

// Neither is a booking of a slow rate taken for one: calls a minute apart are booked
// far ahead by no more than a few that wait.
func TestCallsAMinuteApartAreBookedAhead(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	pace := store.NewPace(store.New(pool), store.PaceOptions{Source: "acme", PerMinute: 1})
	var free [5]time.Time
	for i := range free {
		_, err := pace.Reserve(t.Context(), "list")
		require.NoError(t, err)
		require.NoError(t, pool.QueryRow(t.Context(), "select free_at from sync.call_pace").Scan(&free[i]))
	}
	require.GreaterOrEqual(t, free[4].Sub(free[0]), 4*time.Minute)
}
