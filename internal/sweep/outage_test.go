package sweep_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
	"syncd/internal/sweep"
)

// blocked is a source whose requests wait for their context to end.
type blocked struct{ inside chan struct{} }

func (s *blocked) Page(ctx context.Context, _ model.Chain, _ string) (model.Page, error) {
	select {
	case s.inside <- struct{}{}:
	default:
	}
	<-ctx.Done()
	return model.Page{}, ctx.Err()
}

// soon returns the end of a run, and fails the test where it has none.
func soon(t *testing.T, end <-chan error) error {
	t.Helper()
	select {
	case err := <-end:
		return err
	case <-time.After(10 * time.Minute):
		require.FailNow(t, "the run does not end")
		return nil
	}
}

// A run whose context ends while requests are in flight, and nothing is waiting
// to be committed, returns.
func TestContextEndsWhileRequestsAreInFlight(t *testing.T) {
	t.Parallel()
	for _, shape := range []model.Shape{model.ShapeList, model.ShapeDetail} {
		t.Run(string(shape), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			if shape == model.ShapeDetail {
				b.details("wr1", "wr2")
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			boom := errors.New("boom")
			src := &blocked{inside: make(chan struct{}, 1)}
			failed := make(chan error, 1)
			go func() {
				_, err := sweep.NewRunner("acme", src, b.store, b.opts).Pass(ctx, b.spec, sweep.Request{})
				failed <- err
			}()
			<-src.inside
			cancel(boom)
			require.ErrorIs(t, soon(t, failed), boom)
		})
	}
}

// A lease that is lost while requests are in flight ends the run.
func TestLeaseIsLostWhileRequestsAreInFlight(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.details("wr1", "wr2")
	b.opts.LeaseTTL = 30 * time.Millisecond
	src := &blocked{inside: make(chan struct{}, 1)}
	failed := make(chan error, 1)
	go func() {
		_, err := sweep.NewRunner("acme", src, b.store, b.opts).Pass(t.Context(), b.spec, sweep.Request{})
		failed <- err
	}()
	<-src.inside
	_, err := b.pool.Exec(t.Context(), "update sync.lease set fence = fence + 1, holder = 'thief'")
	require.NoError(t, err)
	require.ErrorIs(t, soon(t, failed), model.ErrLeaseLost)
}

// A server that drops every connection in the middle of a pass, again and again,
// costs errors and repeats, and nothing else.
func TestConnectionsBreakAgainAndAgain(t *testing.T) {
	t.Parallel()
	const chats = 600
	v := newTenant(t, chats)
	answer := v.source.answer
	admin, err := pgx.ConnectConfig(t.Context(), v.pool.Config().ConnConfig)
	require.NoError(t, err)
	defer func() { _ = admin.Close(context.WithoutCancel(t.Context())) }()
	var mu sync.Mutex
	var calls, broken int
	v.source.answer = func(c model.Chain, cursor string) (model.Page, error) {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls%200 == 0 {
			broken++
			_, err := admin.Exec(context.WithoutCancel(t.Context()), `select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and pid <> pg_backend_pid()`)
			if err != nil {
				return model.Page{}, err
			}
		}
		return answer(c, cursor)
	}
	for range 50 {
		pool, err := pgxpool.NewWithConfig(t.Context(), v.pool.Config())
		require.NoError(t, err)
		v.store = store.New(pool)
		results, err := v.trySync()
		pool.Close()
		if err == nil && results["members"].Outcome == model.OutcomeComplete {
			break
		}
	}
	v.pool.Reset() // its own connections are broken as well
	require.Positive(t, broken)
	// What waits for a commit, what is in one, and what is under way; the lists.
	require.Less(t, calls, chats+(1+broken)*(64+64+8+8), "what was committed is not read again")
	require.Equal(t, "600", v.scalar("select count(*) from groupchat.chat where detail_at is not null"))
	require.Equal(t, "600", v.scalar("select count(*) from groupchat.chat_member"))
	require.Equal(t, "complete", v.scalar("select string_agg(outcome, ' ') from sync.pass where stream = 'members'"))
	storetest.WantRows(t, v.pool, "sync.checkpoint", 0)
	storetest.WantRows(t, v.pool, "sync.page", 0)
}

// A full disk fails the pass, with nothing of the page kept; once there is room
// the pass goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, table := range []string{
		"groupchat.chat", "groupchat.chat_member", "groupchat.owner", "sync.item", "sync.page", "sync.checkpoint", "sync.pass",
	} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			v := newTenant(t, 30)
			_, err := v.pool.Exec(t.Context(), `
				create table disk (writes int, room int);
				insert into disk values (0, 7);
				create function write() returns trigger language plpgsql as $$
				begin
				    update disk set writes = writes + 1;
				    if (select writes > room from disk) then
				        raise disk_full;
				    end if;
				    return coalesce(new, old);
				end $$;
				create trigger write before insert or update or delete on `+table+` for each row execute function write()`)
			require.NoError(t, err)
			fails := 0
			for room := 0; ; room += 11 {
				_, err = v.pool.Exec(t.Context(), "update disk set room = $1", room)
				require.NoError(t, err)
				_, err := v.trySync()
				require.Equal(t, "0", v.scalar("select count(*) from sync.lease where expires_at > now()"), "every lease is given back")
				if err == nil {
					break
				}
				fails++
				require.ErrorContains(t, err, "53100")
				require.Less(t, room, 1000)
			}
			require.Positive(t, fails)
			require.Equal(t, "30", v.scalar("select count(*) from groupchat.chat where detail_at is not null"))
			require.Equal(t, "30", v.scalar("select count(*) from groupchat.chat_member"))
			require.Equal(t, "complete", v.scalar("select string_agg(distinct outcome, ' ') from sync.pass"))
		})
	}
}
