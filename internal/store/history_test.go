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
		select concat_ws(' ', name, status, known_from < known_until, case when gone_at is not null then 'gone' end)
		  from (select known_from, name, status, gone_at, known_until from groupchat.chat_history where chat_id = '`+id+`'
		        union all
		        select known_from, name, status, gone_at, 'infinity' from groupchat.chat where chat_id = '`+id+`') v
		 order by known_from`)
	require.NoError(b.t, err)
	return versions
}

// race runs first, of the stream, up to its last statement, then second until it
// has to wait, and lets both go on.
func (b *bench) race(stream string, first, second func() error) {
	b.t.Helper()
	ctx := b.t.Context()
	_, err := b.pool.Exec(ctx, `
		create function wait() returns trigger language plpgsql as $$
		begin perform pg_advisory_xact_lock(1); return new; end $$;
		create trigger wait before update on sync.pass for each row
		    when (new.stream = '`+stream+`' and new.pages > 0) execute function wait()`)
	require.NoError(b.t, err)
	gate, err := b.pool.Begin(ctx)
	require.NoError(b.t, err)
	defer func() { _ = gate.Rollback(context.WithoutCancel(ctx)) }()
	_, err = gate.Exec(ctx, "select pg_advisory_xact_lock(1)")
	require.NoError(b.t, err)
	ends := make(chan error, 2)
	for i, run := range []func() error{first, second} {
		go func() { ends <- run() }()
		for scalar[int](b, `select count(*) from pg_locks
			where not granted and pid in (select pid from pg_stat_activity where datname = current_database())`) <= i {
			continue
		}
	}
	require.NoError(b.t, gate.Commit(ctx))
	require.NoError(b.t, <-ends)
	require.NoError(b.t, <-ends)
}

// commit is one transaction of the bench's stream.
func (b *bench) commit(step model.Step) error {
	_, _, err := b.store.Commit(b.t.Context(), b.lease, b.pass, []model.Step{step})
	return err
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

	step := l.listStep(t0.Add(2*time.Hour), model.Chat{ID: "wr1", Status: new(int64(1))})
	b.race("chats", func() error { return l.commit(step) }, func() error {
		return b.commit(detailStep(t0.Add(3*time.Hour), group("wr1", "b", "li", staff("li"))))
	})
	require.Equal(t, []string{"a 0 t", "a 1 t", "b 1 t"}, b.history("wr1"))
}

// goneStep is the direct read that confirms that a candidate is gone.
func (b *bench) goneStep(id string, at time.Time) model.Step {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), `insert into sync.candidate 
			(source, stream, record, subject, pass_id, missing_at, held, confirmed_by)
		values ('acme', 'chats', 'chat', $1, 1, $2, false, 'members')`, id, at)
	require.NoError(b.t, err)
	return model.Step{
		Chain: model.Chain{Source: "acme", Stream: "members", Subject: id},
		Item:  &model.ItemMove{FailedCode: "40050", Refused: true, Gone: true, At: at, DueAt: at.Add(time.Hour)},
	}
}

// The spells of a chat that is gone end between its last read and the one that
// confirmed it; of who was not in that last read, where nobody could be told from
// those who were unreadable, the one before is known to have had them.
func TestSpellsOfAGoneChatHaveHonestBounds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.list(t0, model.Chat{ID: "wr1"})
	spec := membersSpec
	spec.Confirms = "chats"
	b.open(spec, t0, false)
	b.detail(t0, group("wr1", "n", "li", staff("li"), guest("a")))
	t1, t2 := t0.Add(time.Hour), t0.Add(2*time.Hour)
	unreadable := group("wr1", "n", "li", staff("li"))
	unreadable.MembersUnread = 1
	b.detail(t1, unreadable)
	require.NoError(t, b.commit(b.goneStep("wr1", t2)))
	require.Equal(t, []string{"a 09:00 11:00", "li 10:00 11:00"}, b.rows(`select concat_ws(' ', member_id,
		to_char(left_after at time zone 'UTC', 'HH24:MI'), to_char(left_before at time zone 'UTC', 'HH24:MI'))
		from groupchat.chat_member order by member_id`))
}

func TestHistoryOfAChatThatIsListedWhileItGoes(t *testing.T) {
	t.Parallel()
	spec := membersSpec
	spec.Confirms = "chats"
	start := func(t *testing.T) (b, l *bench) {
		t.Helper()
		b = newBench(t)
		l = b.beside()
		l.list(t0, model.Chat{ID: "wr1", Status: new(int64(0))})
		b.open(spec, t0, false)
		b.detail(t0.Add(time.Minute), group("wr1", "a", "li", staff("li")))
		return b, l
	}
	t.Run("at once", func(t *testing.T) {
		t.Parallel()
		b, l := start(t)
		listed := l.listStep(t0.Add(2*time.Hour), model.Chat{ID: "wr1", Status: new(int64(1))})
		gone := b.goneStep("wr1", t0.Add(3*time.Hour))
		b.race("chats", func() error { return l.commit(listed) }, func() error { return b.commit(gone) })
		require.Equal(t, []string{"a 0 t", "a 1 t", "a 1 t gone"}, b.history("wr1"))
	})
	t.Run("listed before it was found gone", func(t *testing.T) {
		t.Parallel()
		b, l := start(t)
		require.NoError(t, b.commit(b.goneStep("wr1", t0.Add(2*time.Hour))))
		l.list(t0.Add(time.Hour), model.Chat{ID: "wr1", Status: new(int64(1))})
		require.Equal(t, []string{"a 0 t", "a 0 t gone"}, b.history("wr1"))
		l.list(t0.Add(3*time.Hour), model.Chat{ID: "wr1", Status: new(int64(1))})
		require.Equal(t, []string{"a 0 t", "a 0 t gone", "a 1 t"}, b.history("wr1"))
	})
	t.Run("answers that cross", func(t *testing.T) {
		t.Parallel()
		b, l := start(t)
		l.list(t0.Add(2*time.Hour), model.Chat{ID: "wr1", Status: new(int64(1))})
		require.NoError(t, b.commit(b.goneStep("wr1", t0.Add(time.Hour))))
		require.Equal(t, []string{"a 0 t", "a 1 t", "a 1 t gone"}, b.history("wr1"))
	})
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
