package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
)

// of returns a bench on the same database for another source.
func (b *bench) of(source, vendor string) *bench {
	b.t.Helper()
	require.NoError(b.t, b.store.RegisterSource(b.t.Context(), source, vendor, "account", "Asia/Shanghai", t0))
	return &bench{t: b.t, pool: b.pool, store: store.New(b.pool), source: source}
}

// rows is what a query returns, a text for each row.
func (b *bench) rows(sql string, args ...any) []string {
	b.t.Helper()
	found, err := b.pool.Query(b.t.Context(), sql, args...)
	require.NoError(b.t, err)
	texts, err := pgxRows[string](found)
	require.NoError(b.t, err)
	return texts
}

func TestSOPViews(t *testing.T) {
	t.Parallel()
	b := newBench(t).of("tanma", "scrm")
	_, err := b.pool.Exec(t.Context(), `do $$ begin
		execute format('alter database %I set syncd.now = ''2026-11-01 12:00+00''', current_database()); end $$`)
	require.NoError(t, err)
	b.pool.Reset()
	page := sopPage("wr1: sent waits later undated", "wr2: odd early")
	for i, owner := range []string{"o1", "o2"} {
		page.Chats[i].OwnerID, page.Chats[i].OwnerName = new(owner), new("name of "+owner)
	}
	page.Owners = []model.Owner{{ID: "o1", DepartmentName: new("销售")}}
	set := func(chat, task int, startsAt *time.Time, status *int64) {
		page.SOPGroups[chat].Tasks[task].StartsAt, page.SOPGroups[chat].Tasks[task].SendStatus = startsAt, status
	}
	set(0, 1, &t0, new(int64(0)))
	set(0, 2, new(t0.Add(4*time.Hour)), new(int64(0)))
	set(0, 3, nil, nil)
	set(1, 0, &t0, nil)
	set(1, 1, new(t0.Add(8*time.Hour)), new(int64(1)))
	b.passOf(sopSpec, t0, page, false)
	require.Equal(t, []string{
		"o1|name of o1|销售|2026-11-01|1|3|2|1|1|0.5000|{\"0\": 2, \"1\": 1}",
		"o2|name of o2||2026-11-01|1|1|1|0|1|0.0000|{\"unknown\": 1}",
		"o2|name of o2||2026-11-02|1|1|0|1|0||{\"1\": 1}",
	}, b.rows(`select format('%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s', owner_id, owner_name, department_name, day, chats, tasks, due, sent,
		due_not_sent, completion, tasks_by_status) from bi.sop_completion order by owner_id, day`))
	require.Equal(t, []string{"name of wr1|title of undated|o1|name of o1|销售|||", "name of wr1|title of waits|o1|name of o1|销售|2026-11-01|t|0"},
		b.rows(`select format('%s|%s|%s|%s|%s|%s|%s|%s', chat_name, title, owner_id, owner_name, department_name, day, is_due, send_status)
		  from bi.sop_tasks where task_id in ('waits', 'undated') order by task_id`))

	// What vanishes after its time was a task of the day, what vanishes before was not.
	one, two := page.SOPGroups[0].Tasks, page.SOPGroups[1].Tasks
	page.SOPGroups[0].Tasks, page.SOPGroups[1].Tasks = []model.SOPTask{one[0], one[3]}, two[:1]
	for n := range 2 {
		b.passOf(sopSpec, t0.Add(time.Duration(n+1)*time.Hour), page, false)
	}
	require.Equal(t, "early later waits", b.gone("sop_task", "task_id"))
	require.Equal(t, []string{"o1 2", "o2 1"},
		b.rows("select concat_ws(' ', owner_id, tasks) from bi.sop_completion order by owner_id, day"))
}

func TestChatEverywhere(t *testing.T) {
	t.Parallel()
	wecom := newBench(t)
	wecom.list(t0, model.Chat{ID: "wr1"}, model.Chat{ID: "wr2"}, model.Chat{ID: "wr3"})
	wecom.open(membersSpec, t0, false)
	wecom.detail(t0, group("wr1", "群", "li", staff("li"), guest("a")))
	scrm := wecom.of("tanma", "scrm")
	page := sopPage("wr1: t1 t2 t3", "wr2:", "wr4: t4")
	page.Chats[0].OwnerID, page.Chats[0].OwnerName, page.Chats[0].DepartmentName = new("451"), new("Li"), new("销售")
	page.SOPGroups[0].Tags = []string{"b", "a"}
	page.SOPGroups[0].Tasks[1].SendStatus = new(int64(0))
	page.SOPGroups[0].Tasks[1].StartsAt = new(time.Now().AddDate(1, 0, 0).Truncate(time.Second))
	scrm.passOf(sopSpec, t0, page, false)
	scrm.passOf(sopSpec, t0.Add(time.Hour), func() model.Page { p := page; p.SOPGroups = nil; p.Shifted = true; return p }(), false)
	ding := wecom.of("ding", "dingtalk")
	ding.list(t0, model.Chat{ID: "cid1", MemberCount: new(int64(7))}, model.Chat{ID: "wr2", MemberCount: new(int64(9))})
	require.Equal(t, []string{
		"wr1|{acme,tanma}|acme|群|li|name of li|2|tanma|name of wr1|451|Li|销售|3|2|t|{a,b}||",
		"wr2|{acme,ding,tanma}|acme|||||tanma|name of wr2||||0|0||{}|ding|9",
	}, wecom.rows(`select format('%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s', chat_id, sources,
		wecom_source, wecom_name, wecom_owner_id, wecom_owner_name, wecom_members,
		scrm_source, scrm_name, scrm_owner_id, scrm_owner_name, scrm_department_name, scrm_tasks, scrm_tasks_sent,
		scrm_next_task_at > now(), scrm_tags, dingtalk_source, dingtalk_members)
		from bi.chat_everywhere order by chat_id`))
	require.Equal(t, int64(7), scalar[int64](wecom, "select members from bi.chats where chat_id = 'cid1'"))

	// Of two sources of one vendor, the one that still has the chat speaks.
	other := wecom.of("aaa", "wecom")
	other.list(t0, model.Chat{ID: "wr1", Name: new("gone")})
	_, err := wecom.pool.Exec(t.Context(), "update groupchat.chat set gone_at = $1 where source = 'aaa'", t0)
	require.NoError(t, err)
	require.Equal(t, "acme", scalar[string](wecom, "select wecom_source from bi.chat_everywhere where chat_id = 'wr1'"))
	_, err = wecom.pool.Exec(t.Context(), "update groupchat.chat set gone_at = $1 where source = 'acme'", t0)
	require.NoError(t, err)
	require.Equal(t, "aaa", scalar[string](wecom, "select wecom_source from bi.chat_everywhere where chat_id = 'wr1'"))
}

func TestMessageReadersOverTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.track(t0, robotMessage("k1"), robotMessage("k2"))
	b.open(readsSpec, t0, false)
	b.commitSteps(readsStep("k1", t0.Add(time.Minute), "SUCCESS", "a", "b"))
	b.commitSteps(readsStep("k1", t0.Add(time.Hour), "SUCCESS", "a", "b", "c"))
	require.Equal(t, []string{"k1 cidk1 SUCCESS 00:01:00 2 2", "k1 cidk1 SUCCESS 01:00:00 1 3", "k2 cidk2 0 0"},
		b.rows(`select concat_ws(' ', process_query_key, chat_id, send_status, seen_after, new_readers, readers)
		  from bi.message_readers order by process_query_key, seen_at`))
}

// A pass over what is new says nothing about the rest.
func TestFreshnessOfAStreamWithModes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	full, news := sopSpec, sopSpec
	full.Mode, news.Mode, news.Lists = "full", "new", nil
	pass := func(spec model.StreamSpec, n int) {
		b.passOf(spec, t0.Add(time.Duration(n)*time.Hour), sopPage("wr1:"), false)
	}
	want := func(text string) {
		t.Helper()
		require.Equal(t, []string{text}, b.rows(`select concat_ws(' ', stream, extract(epoch from complete_started_at - $1)::int / 3600,
			extract(epoch from new_started_at - $1)::int / 3600, last_mode, extract(epoch from last_started_at - $1)::int / 3600)
			from bi.freshness`, t0))
	}
	pass(news, 1)
	want("chats 1 new 1")
	require.True(t, scalar[bool](b, "select complete_started_at is null from bi.freshness"))
	pass(full, 2)
	want("chats 2 1 full 2")
	pass(news, 3)
	want("chats 2 3 new 3")
}
