package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
)

// beside returns a bench on the same database for another stream.
func (b *bench) beside() *bench { return &bench{t: b.t, pool: b.pool, store: store.New(b.pool)} }

// listStep opens a list pass of one page and returns its only step.
func (b *bench) listStep(at time.Time, chats ...model.Chat) model.Step {
	b.t.Helper()
	b.open(chatsSpec, at, false)
	cps, err := b.store.Checkpoints(b.t.Context(), b.pass)
	require.NoError(b.t, err)
	return model.Step{
		Chain: cps[0].Chain, From: cps[0].Version, Closed: true,
		Page: &model.Page{RequestedAt: at, ReceivedAt: at.Add(time.Second), Chats: chats, Calls: 1},
	}
}

// history returns the versions of a chat, oldest first, the present one last.
func (b *bench) history(id string) []string {
	b.t.Helper()
	versions, err := pgxRowsQuery[string](b.t.Context(), b.pool, `
		select concat_ws(' ', name, status, known_from < known_until)
		  from (select known_from, name, status, known_until from groupchat.chat_history where chat_id = '`+id+`'
		        union all
		        select known_from, name, status, 'infinity' from groupchat.chat where chat_id = '`+id+`') v
		 order by known_from`)
	require.NoError(b.t, err)
	return versions
}

// The list and the detail of a chat are committed by two streams at once. What
// the first of them writes is a former version for the second, also when the
// second had begun before it was there.
func TestHistoryOfTwoWritersAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.beside()
	l.list(t0, model.Chat{ID: "wr1", Status: new(int64(0))})
	b.open(membersSpec, t0, false)
	b.detail(t0.Add(time.Minute), group("wr1", "a", "li", staff("li")))

	_, err := b.pool.Exec(t.Context(), `
		create function wait() returns trigger language plpgsql as $$
		begin perform pg_advisory_xact_lock(1); return new; end $$;
		create trigger wait before update on sync.pass for each row
		    when (new.stream = 'chats' and new.pages > 0) execute function wait()`)
	require.NoError(t, err)
	gate, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = gate.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = gate.Exec(t.Context(), "select pg_advisory_xact_lock(1)")
	require.NoError(t, err)

	waiting := func(n int) {
		for scalar[int](b, `select count(*) from pg_locks
			where not granted and pid in (select pid from pg_stat_activity where datname = current_database())`) < n {
			continue
		}
	}
	listed, detailed := make(chan error, 1), make(chan error, 1)
	step := l.listStep(t0.Add(2*time.Hour), model.Chat{ID: "wr1", Status: new(int64(1))})
	go func() {
		_, _, err := l.store.Commit(t.Context(), l.lease, l.pass, []model.Step{step})
		listed <- err
	}()
	waiting(1)
	go func() {
		d := group("wr1", "b", "li", staff("li"))
		_, _, err := b.store.Commit(t.Context(), b.lease, b.pass, []model.Step{detailStep(t0.Add(3*time.Hour), d)})
		detailed <- err
	}()
	waiting(2)
	require.NoError(t, gate.Commit(t.Context()))
	require.NoError(t, <-listed)
	require.NoError(t, <-detailed)
	require.Equal(t, []string{"a 0 t", "a 1 t", "b 1 t"}, b.history("wr1"))
}

// Of two answers, the one asked for first may be committed last. No version ends
// before it begins, and none is lost for want of a key of its own.
func TestHistoryOfAnswersThatCross(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.beside()
	l.list(t0, model.Chat{ID: "wr1", Status: new(int64(0))})
	b.open(membersSpec, t0, false)
	b.detail(t0.Add(time.Minute), group("wr1", "a", "li", staff("li")))
	at := t0.Add(time.Hour)
	for i, name := range []string{"b", "c", "d"} {
		l.list(at, model.Chat{ID: "wr1", Status: new(int64(i + 1))})
		b.detail(at.Add(-time.Second), group("wr1", name, "li", staff("li")))
		at = at.Add(time.Hour)
	}
	require.Equal(t, []string{"a 0 t", "a 1 t", "b 1 t", "b 2 t", "c 2 t", "c 3 t", "d 3 t"}, b.history("wr1"))
}
