package store_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var (
	t0        = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	chatsSpec = model.StreamSpec{
		Name: "chats", Shape: model.ShapeList,
		Subjects: []model.Subject{{Name: "all", Params: json.RawMessage(`{"limit":2}`)}},
	}
	membersSpec = model.StreamSpec{Name: "members", Shape: model.ShapeDetail}
)

// bench is one source with the lease of a stream and its open pass.
type bench struct {
	t     *testing.T
	pool  *pgxpool.Pool
	store *store.Store
	lease model.Lease
	pass  model.Pass
	// source is "" for acme.
	source string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, pool: storetest.New(t)}
	b.store = store.New(b.pool)
	require.NoError(t, b.store.RegisterSource(t.Context(), "acme", "wecom", "ww1", "Asia/Shanghai", t0))
	return b
}

// open takes the stream's lease and opens a pass at the time now.
func (b *bench) open(spec model.StreamSpec, now time.Time, full bool) {
	b.t.Helper()
	var err error
	if b.lease.Stream != spec.Name {
		b.lease, err = b.store.TakeLease(b.t.Context(), cmp.Or(b.source, "acme"), spec.Name, "test", time.Hour)
		require.NoError(b.t, err)
	}
	b.pass, err = b.store.OpenPass(b.t.Context(), b.lease, model.PassPlan{Spec: spec, Trigger: "command", Now: now, Full: full})
	require.NoError(b.t, err)
}

func (b *bench) close(spec model.StreamSpec, now time.Time) model.Verdict {
	b.t.Helper()
	c, err := b.store.ClosePass(b.t.Context(), b.lease, b.pass, spec, model.Ending{Outcome: model.OutcomeComplete, At: now})
	require.NoError(b.t, err)
	return c.Verdict
}

// list commits a whole list pass of one page.
func (b *bench) list(at time.Time, chats ...model.Chat) model.Counts {
	b.t.Helper()
	b.open(chatsSpec, at, false)
	cps, err := b.store.Checkpoints(b.t.Context(), b.pass)
	require.NoError(b.t, err)
	require.Len(b.t, cps, 1)
	_, counts, err := b.store.Commit(b.t.Context(), b.lease, b.pass, []model.Step{{
		Chain: cps[0].Chain, From: cps[0].Version, Closed: true,
		Page: &model.Page{RequestedAt: at, ReceivedAt: at.Add(time.Second), Chats: chats, Calls: 1},
	}})
	require.NoError(b.t, err)
	b.close(chatsSpec, at)
	return counts
}

func detailStep(at time.Time, d model.ChatDetail) model.Step {
	return model.Step{
		Chain: model.Chain{Source: "acme", Stream: "members", Subject: d.Chat.ID},
		Page: &model.Page{
			RequestedAt: at, ReceivedAt: at.Add(time.Second), Details: []model.ChatDetail{d}, Calls: 1,
		},
		Item: &model.ItemMove{DueAt: at.Add(24 * time.Hour), DoubtDueAt: at.Add(2 * time.Second)},
	}
}

// detail commits one detail answer in the open pass of members.
func (b *bench) detail(at time.Time, d model.ChatDetail) (model.StepResult, model.Counts) {
	b.t.Helper()
	results, counts, err := b.store.Commit(b.t.Context(), b.lease, b.pass, []model.Step{detailStep(at, d)})
	require.NoError(b.t, err)
	return results[0], counts
}

func group(id, name, owner string, members ...model.Member) model.ChatDetail {
	return model.ChatDetail{
		Chat:    model.Chat{ID: id, Name: &name, OwnerID: &owner, Notice: new(""), MemberCount: new(int64(len(members)))},
		Members: members,
	}
}

func staff(id string) model.Member {
	return model.Member{ID: id, JoinedAt: t0.Add(-time.Hour), Type: new(int64(1)), Name: new("name of " + id)}
}

func guest(id string) model.Member {
	return model.Member{ID: id, JoinedAt: t0, Type: new(int64(2)), GroupNickname: new("")}
}

func scalar[T any](b *bench, sql string, args ...any) T {
	b.t.Helper()
	var v T
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), sql, args...).Scan(&v))
	return v
}

func TestMigrateByManyAtOnce(t *testing.T) {
	t.Parallel()
	dsn := storetest.EmptyDSN(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			pool, err := store.Open(t.Context(), dsn)
			if !assertNoError(t, err) {
				return
			}
			defer pool.Close()
			_, err = store.MigrateUp(t.Context(), pool)
			assertNoError(t, err)
			assertNoError(t, store.CheckSchema(t.Context(), pool))
		})
	}
	wg.Wait()
}

func assertNoError(t *testing.T, err error) bool {
	t.Helper()
	if err != nil {
		t.Errorf("unexpected: %v", err)
	}
	return err == nil
}

func TestMigrateDownAndUpAgain(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	for {
		file, err := store.MigrateDown(t.Context(), pool)
		require.NoError(t, err)
		if file == "" {
			break
		}
	}
	require.ErrorIs(t, store.CheckSchema(t.Context(), pool), store.ErrNotMigrated)
	_, err := store.MigrateUp(t.Context(), pool)
	require.NoError(t, err)
	require.NoError(t, store.CheckSchema(t.Context(), pool))
	list, err := store.Migrations(t.Context(), pool)
	require.NoError(t, err)
	for _, m := range list {
		require.True(t, m.Applied, m.File)
	}
}

func TestOlderBinaryRefusesNewerSchema(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	_, err := pool.Exec(t.Context(), "insert into sync.schema_version (version_id, is_applied) values (99999, true)")
	require.NoError(t, err)
	require.ErrorIs(t, store.CheckSchema(t.Context(), pool), store.ErrNewerSchema)
	_, err = store.MigrateUp(t.Context(), pool)
	require.ErrorIs(t, err, store.ErrNewerSchema)
	_, err = store.MigrateDown(t.Context(), pool)
	require.ErrorIs(t, err, store.ErrNewerSchema)
}

func TestEveryTableAndColumnHasAComment(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	rows, err := pool.Query(t.Context(), `
		select format('%s.%s.%s', n.nspname, c.relname, coalesce(a.attname, ''))
		  from pg_class c
		  join pg_namespace n on n.oid = c.relnamespace
		  left join lateral (select attnum, attname from pg_attribute
		                      where attrelid = c.oid and attnum > 0 and not attisdropped
		                     union all select 0, null) a on true
		 where n.nspname in ('groupchat', 'sync', 'bi') and c.relkind in ('r', 'v', 'm', 'p')
		   and col_description(c.oid, a.attnum) is null
		   and (a.attnum > 0 or obj_description(c.oid) is null)`)
	require.NoError(t, err)
	missing, err := pgxRows[string](rows)
	require.NoError(t, err)
	require.Empty(t, missing)
	require.Greater(t, scalar[int](&bench{t: t, pool: pool},
		"select count(*) from pg_tables where schemaname in ('groupchat', 'sync')"), 10)
}

func TestReaderRoleIsGranted(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	b := &bench{t: t, pool: pool}
	_, err := pool.Exec(t.Context(), "do $$ begin create role syncd_reader; exception when duplicate_object or unique_violation then null; end $$")
	require.NoError(t, err)
	_, err = store.MigrateUp(t.Context(), pool)
	require.NoError(t, err)
	require.True(t, scalar[bool](b, "select has_table_privilege('syncd_reader', 'groupchat.chat', 'select')"))
	require.False(t, scalar[bool](b, "select has_table_privilege('syncd_reader', 'groupchat.chat', 'insert')"))
	require.False(t, scalar[bool](b, "select has_table_privilege('syncd_reader', 'sync.pass', 'select')"))
}

func TestSourceKeepsItsAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.store.RegisterSource(t.Context(), "acme", "wecom", "ww1", "UTC", t0))
	require.Equal(t, "UTC", scalar[string](b, "select timezone from sync.source"))
	err := b.store.RegisterSource(t.Context(), "acme", "wecom", "ww2", "UTC", t0)
	require.ErrorContains(t, err, `source "acme" holds data of wecom account "ww1"`)
}

func TestLeaseChangesHandsOnlyWhenFree(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	first, err := b.store.TakeLease(ctx, "acme", "chats", "one", time.Hour)
	require.NoError(t, err)
	_, err = b.store.TakeLease(ctx, "acme", "chats", "two", time.Hour)
	held, ok := errors.AsType[*model.LeaseHeldError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "one", held.Holder)

	require.NoError(t, b.store.ReleaseLease(ctx, first))
	require.ErrorIs(t, b.store.RenewLease(ctx, first, time.Hour), model.ErrLeaseLost, "a late renewal takes nothing back")
	second, err := b.store.TakeLease(ctx, "acme", "chats", "two", time.Hour)
	require.NoError(t, err)
	require.Greater(t, second.Fence, first.Fence)
	require.ErrorIs(t, b.store.RenewLease(ctx, first, time.Hour), model.ErrLeaseLost)
	require.NoError(t, b.store.RenewLease(ctx, second, time.Hour))
	require.NoError(t, b.store.ReleaseLease(ctx, first), "giving back a lost lease disturbs nobody")
	require.NoError(t, b.store.RenewLease(ctx, second, time.Hour))
}

func TestNoCommitWithoutTheLease(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.open(chatsSpec, t0, false)
	_, err := b.pool.Exec(t.Context(), "update sync.lease set fence = fence + 1")
	require.NoError(t, err)
	cps, err := b.store.Checkpoints(t.Context(), b.pass)
	require.NoError(t, err)
	_, _, err = b.store.Commit(t.Context(), b.lease, b.pass, []model.Step{{
		Chain: cps[0].Chain, From: cps[0].Version, Closed: true,
		Page: &model.Page{RequestedAt: t0, Chats: []model.Chat{{ID: "wr1"}}},
	}})
	require.ErrorIs(t, err, model.ErrLeaseLost)
	storetest.WantRows(t, b.pool, "groupchat.chat", 0)
	_, err = b.store.ClosePass(t.Context(), b.lease, b.pass, chatsSpec, model.Ending{Outcome: model.OutcomeComplete, At: t0})
	require.ErrorIs(t, err, model.ErrLeaseLost)
	_, err = b.store.OpenPass(t.Context(), b.lease, model.PassPlan{Spec: chatsSpec, Now: t0})
	require.ErrorIs(t, err, model.ErrLeaseLost)
}

func TestCommitFromAnOlderCheckpointIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.open(chatsSpec, t0, false)
	cps, err := b.store.Checkpoints(t.Context(), b.pass)
	require.NoError(t, err)
	at := cps[0]
	to := at
	to.Cursor, to.Version, to.Pages, to.UpdatedAt = "c1", at.Version+1, 1, t0
	step := model.Step{
		Chain: at.Chain, From: at.Version, To: to,
		Page: &model.Page{RequestedAt: t0, Chats: []model.Chat{{ID: "wr1", Status: new(int64(0))}}, Calls: 3},
	}
	_, counts, err := b.store.Commit(t.Context(), b.lease, b.pass, []model.Step{step})
	require.NoError(t, err)
	require.Equal(t, int64(2), counts.Retries)
	step.Page.Chats[0].ID = "wr2"
	_, _, err = b.store.Commit(t.Context(), b.lease, b.pass, []model.Step{step})
	require.ErrorIs(t, err, model.ErrCheckpointMoved)
	storetest.WantRows(t, b.pool, "groupchat.chat", 1)

	cps, err = b.store.Checkpoints(t.Context(), b.pass)
	require.NoError(t, err)
	require.Equal(t, "c1", cps[0].Cursor)
	require.JSONEq(t, `{"limit":2}`, string(cps[0].Chain.Params))
}

func TestListedChats(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	counts := b.list(t0, model.Chat{ID: "wr2", Status: new(int64(0))}, model.Chat{ID: "wr1", Status: new(int64(1))},
		model.Chat{ID: "wr2", Status: new(int64(0))})
	require.Equal(t, int64(2), counts.RowsChanged)
	require.Equal(t, "2 1", scalar[string](b, "select concat_ws(' ', ids_distinct, ids_repeated) from sync.pass"))

	t1 := t0.Add(time.Hour)
	counts = b.list(t1, model.Chat{ID: "wr1", Status: new(int64(1))}, model.Chat{ID: "wr2", Status: new(int64(3))})
	require.Equal(t, int64(1), counts.RowsChanged)
	require.Equal(t, t0, scalar[time.Time](b, "select listed_at from groupchat.chat where chat_id = 'wr1'").UTC())
	require.Equal(t, t1, scalar[time.Time](b, "select listed_at from groupchat.chat where chat_id = 'wr2'").UTC())
	storetest.WantRows(t, b.pool, "groupchat.chat_history", 1)
	require.Equal(t, int64(0), scalar[int64](b,
		"select status from groupchat.chat_history where chat_id = 'wr2' and known_from = $1 and known_until = $2", t0, t1))

	counts = b.list(t0.Add(-time.Hour), model.Chat{ID: "wr2", Status: new(int64(2))})
	require.Zero(t, counts.RowsChanged, "an answer asked for earlier overwrites nothing")
}

func TestDetailHistoryAndOwners(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.list(t0, model.Chat{ID: "wr1", Status: new(int64(0))})
	b.open(membersSpec, t0, false)
	_, counts := b.detail(t0, group("wr1", "销售🔥", "li", staff("li"), guest("wm1"), guest("wm1")))
	require.Equal(t, int64(1+2+1), counts.RowsChanged, "chat, two members, owner")
	require.Equal(t, "name of li", scalar[string](b, "select name from groupchat.owner where owner_id = 'li'"))
	storetest.WantRows(t, b.pool, "groupchat.chat_history", 0)

	_, counts = b.detail(t0.Add(time.Minute), group("wr1", "销售🔥", "li", guest("wm1"), staff("li")))
	require.NotZero(t, counts.RowsChanged, "member_count differs from the list with the duplicate")
	_, counts = b.detail(t0.Add(2*time.Minute), group("wr1", "销售🔥", "li", staff("li"), guest("wm1")))
	require.Zero(t, counts.RowsChanged, "the order of the list is no change")

	t1 := t0.Add(time.Hour)
	d := group("wr1", "售后", "han", staff("han"), staff("li"), guest("wm1"))
	d.Chat.Extra = json.RawMessage(`{"member_version":"x"}`)
	b.detail(t1, d)
	require.Equal(t, "销售🔥 li 0", scalar[string](b,
		"select concat_ws(' ', name, owner_id, status) from groupchat.chat_history where known_until = $1", t1))
	require.Equal(t, "售后 han 0 x", scalar[string](b,
		"select concat_ws(' ', name, owner_id, status, extra->>'member_version') from groupchat.chat where known_from = $1", t1))
	require.Equal(t, 2, scalar[int](b, "select count(*) from groupchat.owner where batch_no = 0"))
}

func TestSpellsCloseWithHonestBounds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.list(t0, model.Chat{ID: "wr1"})
	b.open(membersSpec, t0, false)
	b.detail(t0, group("wr1", "n", "li", staff("li"), guest("a"), guest("b")))
	t1, t2, t3 := t0.Add(time.Hour), t0.Add(2*time.Hour), t0.Add(3*time.Hour)
	b.detail(t1, group("wr1", "n", "li", staff("li"), guest("a"), guest("b")))
	b.detail(t2, group("wr1", "n", "li", staff("li"), guest("a")))
	require.Equal(t, 1, scalar[int](b, `select count(*) from groupchat.chat_member
		where member_id = 'b' and left_after = $1 and left_before = $2`, t1, t2.Add(time.Second)))

	b.detail(t3, group("wr1", "n", "li", staff("li"), guest("a"), guest("b")))
	require.Equal(t, 3, scalar[int](b, "select count(*) from groupchat.chat_member where left_before is null and left_after is null"),
		"the key is back: the spell is open again")

	again := guest("b")
	again.JoinedAt = t3
	b.detail(t3.Add(time.Hour), group("wr1", "n", "li", staff("li"), guest("a"), again))
	require.Equal(t, 2, scalar[int](b, "select count(*) from groupchat.chat_member where member_id = 'b'"))
	require.Equal(t, 1, scalar[int](b, "select count(*) from groupchat.chat_member where member_id = 'b' and left_before is null"))
}

func TestUnknownJoinTimeIsMinusInfinity(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.list(t0, model.Chat{ID: "wr1"})
	b.open(membersSpec, t0, false)
	m := guest("a")
	m.JoinedAt = time.Time{}
	for i := range 2 {
		b.detail(t0.Add(time.Duration(i)*time.Hour), group("wr1", "n"+string(rune('0'+i)), "li", staff("li"), m))
	}
	require.Equal(t, 1, scalar[int](b, "select count(*) from groupchat.chat_member where member_id = 'a' and joined_at = '-infinity'"))
	b.detail(t0.Add(2*time.Hour), group("wr1", "n", "li", staff("li")))
	require.Equal(t, 1, scalar[int](b, "select count(*) from groupchat.chat_member where member_id = 'a' and left_before is not null"))
}

func TestDoubtfulAnswersNeedASecondEqualOne(t *testing.T) {
	t.Parallel()
	many := []model.Member{staff("li")}
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} {
		many = append(many, guest(id))
	}
	for name, doubtful := range map[string]model.ChatDetail{
		"an empty list":         group("wr1", "n", "li"),
		"a list without owner":  group("wr1", "n", "li", many[1:]...),
		"most members are gone": group("wr1", "n", "li", many[0]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.list(t0, model.Chat{ID: "wr1"})
			b.open(membersSpec, t0, false)
			b.detail(t0, group("wr1", "n", "li", many...))
			t1 := t0.Add(time.Hour)

			res, counts := b.detail(t1, doubtful)
			require.True(t, res.Held)
			require.Zero(t, counts.RowsChanged)
			due, err := b.store.DueItems(t.Context(), b.pass, 10)
			require.NoError(t, err)
			require.Len(t, due, 1)
			require.Equal(t, t1.Add(2*time.Second), due[0].DueAt.UTC())

			res, _ = b.detail(t1.Add(time.Second), doubtful)
			require.True(t, res.Held, "asked for too early to count as a second one")
			res, counts = b.detail(t1.Add(4*time.Second), doubtful)
			require.False(t, res.Held)
			require.NotZero(t, counts.RowsChanged)
			require.Equal(t, len(doubtful.Members), scalar[int](b,
				"select count(*) from groupchat.chat_member where left_before is null"))
		})
	}
}

func TestDoubtGivesUpAfterThreeDifferentAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.list(t0, model.Chat{ID: "wr1"})
	b.open(membersSpec, t0, false)
	b.detail(t0, group("wr1", "n", "li", staff("li"), guest("a")))
	for i := range 3 {
		at := t0.Add(time.Duration(i+1) * time.Minute)
		d := group("wr1", "n"+string(rune('0'+i)), "li")
		res, _ := b.detail(at, d)
		require.True(t, res.Held)
	}
	require.Equal(t, "members doubtful", scalar[string](b, "select last_error_code from sync.item"))
	require.Equal(t, 2, scalar[int](b, "select count(*) from groupchat.chat_member where left_before is null"))
	due, err := b.store.DueItems(t.Context(), b.pass, 10)
	require.NoError(t, err)
	require.Empty(t, due, "not again in this pass")
}

func TestUnreadableMemberProvesNobodyAbsent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.list(t0, model.Chat{ID: "wr1"})
	b.open(membersSpec, t0, false)
	b.detail(t0, group("wr1", "n", "li", staff("li"), guest("a"), guest("b")))
	t1, t2 := t0.Add(time.Hour), t0.Add(2*time.Hour)
	d := group("wr1", "n", "li", staff("li"), guest("a"))
	d.MembersUnread = 1
	res, _ := b.detail(t1, d)
	require.False(t, res.Held)
	require.Equal(t, 1, scalar[int](b, "select count(*) from groupchat.chat_member where left_after = $1 and left_before is null", t0),
		"open still, with the moment b was last seen")
	b.detail(t2, group("wr1", "n", "li", staff("li"), guest("a")))
	require.Equal(t, 1, scalar[int](b, "select count(*) from groupchat.chat_member where left_after = $1 and left_before = $2",
		t0, t2.Add(time.Second)), "the unreadable answer is no proof that b was there")
}

func TestStaleDetailIsDropped(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.list(t0, model.Chat{ID: "wr1"})
	b.open(membersSpec, t0, false)
	b.detail(t0.Add(time.Hour), group("wr1", "new", "li", staff("li")))
	res, counts := b.detail(t0, group("wr1", "old", "li", staff("li"), guest("a")))
	require.True(t, res.Stale)
	require.Zero(t, counts.RowsChanged)
	require.Equal(t, "new", scalar[string](b, "select name from groupchat.chat"))
}

func TestFailedItemsAreTriedOnceAPass(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.list(t0, model.Chat{ID: "wr1"}, model.Chat{ID: "wr2"})
	for _, full := range []bool{false, true} {
		b.open(membersSpec, t0.Add(time.Hour), full)
		due, err := b.store.DueItems(t.Context(), b.pass, 10)
		require.NoError(t, err)
		require.Len(t, due, 2)
		n, err := b.store.CountDue(t.Context(), b.pass)
		require.NoError(t, err)
		require.Equal(t, int64(2), n)
		at := t0.Add(time.Hour)
		for _, it := range due {
			_, _, err = b.store.Commit(t.Context(), b.lease, b.pass, []model.Step{{
				Chain: model.Chain{Source: "acme", Stream: "members", Subject: it.Subject},
				Item:  &model.ItemMove{FailedCode: "40050", At: at, DueAt: at.Add(time.Minute)},
			}})
			require.NoError(t, err)
		}
		due, err = b.store.DueItems(t.Context(), b.pass, 10)
		require.NoError(t, err)
		require.Empty(t, due)
		b.close(membersSpec, at)
		_, err = b.pool.Exec(t.Context(), "update sync.item set failed_at = null, due_at = $1", t0)
		require.NoError(t, err)
	}
	require.Equal(t, 2, scalar[int](b, "select failures from sync.item limit 1"))
}

func TestRejectsAreKeptOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.list(t0, model.Chat{ID: "wr1"})
	b.open(membersSpec, t0, false)
	step := detailStep(t0, group("wr1", "n", "li", staff("li")))
	reject := model.Reject{Kind: "member", Parent: "wr1", Raw: []byte("{\"userid\":7,\"x\":\"\xff\x00\"}"), Reason: "no id"}
	same := reject
	reject.Parent, same.Parent = "wr1\xff", "wr1\xfe" // one key, once they are clean
	step.Page.Rejects = []model.Reject{reject, reject, same}
	for range 2 {
		_, counts, err := b.store.Commit(t.Context(), b.lease, b.pass, []model.Step{step})
		require.NoError(t, err)
		require.Equal(t, int64(3), counts.RejectsBlind)
	}
	require.Equal(t, "{\"userid\":7,\"x\":\"\uFFFD\uFFFD\"} 2", scalar[string](b, "select concat_ws(' ', raw, times) from sync.reject"))
}

// A row that another process inserted between the question and COPY makes the
// transaction start again with upserts.
func TestCopyThatMeetsAnotherWriter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.pool.Exec(t.Context(), `
		create function meddle() returns trigger language plpgsql as $$
		begin
		    if new.first_seen_at <> 'epoch' and (select count(*) from sync.reject) = 0 then
		        raise unique_violation;
		    end if;
		    return new;
		end $$;
		create trigger meddle before insert on groupchat.chat for each row
		    when (new.listed_at is not null and pg_trigger_depth() = 0 and current_query() like 'copy%')
		    execute function meddle()`)
	require.NoError(t, err)
	counts := b.list(t0, model.Chat{ID: "wr1"}, model.Chat{ID: "wr2"})
	require.Equal(t, int64(2), counts.RowsChanged)
	storetest.WantRows(t, b.pool, "groupchat.chat", 2)
}

func TestOpenPassResumesOrAbandons(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.open(chatsSpec, t0, false)
	first := b.pass.ID
	b.open(chatsSpec, t0.Add(time.Hour), false)
	require.Equal(t, first, b.pass.ID)
	require.True(t, b.pass.Resumed)
	require.Equal(t, t0, b.pass.StartedAt.UTC())

	b.open(chatsSpec, t0, true)
	require.NotEqual(t, first, b.pass.ID, "a full pass is asked for")
	second := b.pass.ID
	narrow := chatsSpec
	narrow.Scope = json.RawMessage(`{"owner_ids":["a"]}`)
	b.open(narrow, t0, false)
	require.NotEqual(t, second, b.pass.ID, "the filters differ")
	third := b.pass.ID
	narrow.Subjects = []model.Subject{{Name: "owners/0", Params: json.RawMessage(`{}`)}}
	b.open(narrow, t0, false)
	require.NotEqual(t, third, b.pass.ID, "a chain is not there any more")
	require.Equal(t, 3, scalar[int](b, "select count(*) from sync.pass where outcome = 'abandoned' and error <> ''"))
	storetest.WantRows(t, b.pool, "sync.checkpoint", 1)
}

func TestPassWhoseSeenIDsWereLostStartsOver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.open(chatsSpec, t0, false)
	cps, err := b.store.Checkpoints(t.Context(), b.pass)
	require.NoError(t, err)
	to := cps[0]
	to.Cursor, to.Version, to.Pages, to.UpdatedAt = "c1", 1, 1, t0
	_, _, err = b.store.Commit(t.Context(), b.lease, b.pass, []model.Step{{
		Chain: to.Chain, To: to, Page: &model.Page{RequestedAt: t0, Chats: []model.Chat{{ID: "wr1"}}},
	}})
	require.NoError(t, err)
	_, err = b.pool.Exec(t.Context(), "truncate sync.page")
	require.NoError(t, err)
	was := b.pass.ID
	b.open(chatsSpec, t0, false)
	require.NotEqual(t, was, b.pass.ID)
}

// A crash of PostgreSQL between two commits is not always noticed: then the
// certificate does.
func TestPassWhoseSeenIDsWereLostProvesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := chatsSpec
	spec.Lists, spec.ConfirmedBy = []model.Record{model.RecordChat}, "members"
	commit := func(at time.Time) {
		b.open(spec, at, false)
		cps, err := b.store.Checkpoints(t.Context(), b.pass)
		require.NoError(t, err)
		_, _, err = b.store.Commit(t.Context(), b.lease, b.pass, []model.Step{{
			Chain: cps[0].Chain, Closed: true, Page: &model.Page{RequestedAt: at, Chats: []model.Chat{{ID: "wr1"}, {ID: "wr2"}}},
		}})
		require.NoError(t, err)
	}
	commit(t0)
	require.Equal(t, model.VerdictComplete, b.close(spec, t0))
	t1 := t0.Add(time.Hour)
	commit(t1)
	_, err := b.pool.Exec(t.Context(), "truncate sync.page")
	require.NoError(t, err)
	require.Equal(t, model.VerdictUnproven, b.close(spec, t1))
	storetest.WantRows(t, b.pool, "sync.candidate", 0)
}

func TestOwnerBatchesFillUpAndStay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := model.StreamSpec{
		Name: "owners", Shape: model.ShapeList, Subjects: []model.Subject{{Name: "all", Params: json.RawMessage(`{}`)}},
	}
	add := func(from, to int) {
		b.open(spec, t0, false)
		cps, err := b.store.Checkpoints(t.Context(), b.pass)
		require.NoError(t, err)
		p := &model.Page{RequestedAt: t0}
		for i := from; i < to; i++ {
			p.Owners = append(p.Owners, model.Owner{ID: "u" + string(rune(0x4e00+i))})
		}
		_, _, err = b.store.Commit(t.Context(), b.lease, b.pass, []model.Step{{Chain: cps[0].Chain, Closed: true, Page: p}})
		require.NoError(t, err)
		b.close(spec, t0)
	}
	add(0, 150)
	add(140, 260)
	sizes, err := pgxRowsQuery[int](t.Context(), b.pool, "select count(*) from groupchat.owner group by batch_no order by batch_no")
	require.NoError(t, err)
	require.Equal(t, []int{100, 100, 60}, sizes)
}

// Places in the last batch are handed out one transaction at a time, whatever
// isolation the database has by default.
func TestOwnerBatchesOfTwoStreamsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.pool.Exec(t.Context(), `do $$ begin
		execute format('alter database %I set default_transaction_isolation to ''repeatable read''', current_database()); end $$`)
	require.NoError(t, err)
	b.pool.Reset()
	l := b.beside()
	spec := model.StreamSpec{
		Name: "owners", Shape: model.ShapeList, Subjects: []model.Subject{{Name: "all", Params: json.RawMessage(`{}`)}},
	}
	l.open(spec, t0, false)
	cps, err := l.store.Checkpoints(t.Context(), l.pass)
	require.NoError(t, err)
	page := &model.Page{RequestedAt: t0}
	for i := range 60 {
		page.Owners = append(page.Owners, model.Owner{ID: fmt.Sprintf("u%02d", i)})
	}
	var steps []model.Step
	for i := range 60 {
		id := fmt.Sprintf("wr%02d", i)
		steps = append(steps, detailStep(t0, group(id, "n", "owner of "+id)))
	}
	b.open(membersSpec, t0, false)
	b.race("owners", func() error { return l.commit(model.Step{Chain: cps[0].Chain, Closed: true, Page: page}) }, func() error {
		_, _, err := b.store.Commit(t.Context(), b.lease, b.pass, steps)
		return err
	})
	sizes, err := pgxRowsQuery[int](t.Context(), b.pool, "select count(*) from groupchat.owner group by batch_no order by batch_no")
	require.NoError(t, err)
	require.Equal(t, []int{100, 20}, sizes)
}

func TestFullPassWritesRowsAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.list(t0, model.Chat{ID: "wr1"})
	b.open(membersSpec, t0, false)
	b.detail(t0, group("wr1", "n", "li", staff("li")))
	b.close(membersSpec, t0)
	_, err := b.pool.Exec(t.Context(), "update groupchat.chat_member set name = 'edited by hand'")
	require.NoError(t, err)
	b.open(membersSpec, t0.Add(time.Hour), false)
	b.detail(t0.Add(time.Hour), group("wr1", "n", "li", staff("li")))
	require.Equal(t, "edited by hand", scalar[string](b, "select name from groupchat.chat_member"))
	b.open(membersSpec, t0.Add(2*time.Hour), true)
	b.detail(t0.Add(2*time.Hour), group("wr1", "n", "li", staff("li")))
	require.Equal(t, "name of li", scalar[string](b, "select name from groupchat.chat_member"))
}

func TestOpenRefusesABadURLWithoutPrintingIt(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), "postgres://u:hunter2@localhost:notaport/db")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err = store.Open(ctx, "postgres://u:hunter2@127.0.0.1:1/db")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}
