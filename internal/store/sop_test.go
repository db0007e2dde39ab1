package store_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store/storetest"
)

var (
	sopSpec = model.StreamSpec{
		Name: "chats", Shape: model.ShapeList, Subjects: chatsSpec.Subjects,
		Lists: []model.Record{model.RecordChat, model.RecordTask},
	}
	groupSetsSpec = model.StreamSpec{
		Name: "group_sets", Shape: model.ShapeList, Subjects: chatsSpec.Subjects,
		Lists: []model.Record{model.RecordGroupSet},
	}
)

// passOf commits a whole list pass of one page, requested at.
func (b *bench) passOf(spec model.StreamSpec, at time.Time, page model.Page, full bool) (model.Counts, model.Closing) {
	b.t.Helper()
	b.open(spec, at, full)
	cps, err := b.store.Checkpoints(b.t.Context(), b.pass)
	require.NoError(b.t, err)
	require.Len(b.t, cps, 1)
	page.RequestedAt, page.ReceivedAt = at, at.Add(time.Second)
	_, counts, err := b.store.Commit(b.t.Context(), b.lease, b.pass, []model.Step{{
		Chain: cps[0].Chain, From: cps[0].Version, Closed: true, Page: &page,
	}})
	require.NoError(b.t, err)
	closing, err := b.store.ClosePass(b.t.Context(), b.lease, b.pass, spec, model.Ending{
		Outcome: model.OutcomeComplete, At: at.Add(time.Minute), Breaker: model.Breaker{Min: 2, Share: 0.5},
	})
	require.NoError(b.t, err)
	return counts, closing
}

func sopTask(id, chatID string) model.SOPTask {
	return model.SOPTask{ID: id, ChatID: chatID, Title: new("title of " + id), SendStatus: new(int64(1)), StartsAt: &t0}
}

// sopPage is a page of chats with tasks: "wr1: t1 t2".
func sopPage(chats ...string) model.Page {
	var p model.Page
	for _, text := range chats {
		id, tasks, _ := strings.Cut(text, ":")
		p.Chats = append(p.Chats, model.Chat{ID: id, Name: new("name of " + id)})
		g := model.SOPGroup{ChatID: id, Calendars: []json.RawMessage{}, Tags: []string{}}
		for task := range strings.FieldsSeq(tasks) {
			g.Tasks = append(g.Tasks, sopTask(task, id))
		}
		p.SOPGroups = append(p.SOPGroups, g)
	}
	return p
}

// gone lists the ids of a table that are gone, in order.
func (b *bench) gone(table, id string) string {
	b.t.Helper()
	return scalar[string](b, fmt.Sprintf(
		"select coalesce(string_agg(%[2]s, ' ' order by %[2]s), '') from groupchat.%[1]s where gone_at is not null", table, id))
}

func TestTasksAreWrittenWhereTheyDiffer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	page := sopPage("wr1: t1 t2")
	task := &page.SOPGroups[0].Tasks[0]
	task.InfoID, task.Mode, task.CreatorID = new("info"), new(int64(0)), new("454548673615872")
	task.OwnerID, task.OwnerName, task.Extra = new("o"), new("Li"), json.RawMessage(`{"sendStatusDetail": null}`)
	counts, _ := b.passOf(sopSpec, t0, page, false)
	require.Equal(t, int64(3), counts.RowsChanged, "a chat and two tasks")
	require.Equal(t, "info wr1 title of t1 1 0 454548673615872 o Li {\"sendStatusDetail\": null}", scalar[string](b,
		`select concat_ws(' ', sop_info_id, chat_id, title, send_status, mode, creator_id, owner_id, owner_name, extra)
		   from groupchat.sop_task where task_id = 't1' and starts_at = $1 and first_seen_at = $1 and listed_at = $1`, t0))

	before := scalar[string](b, "select string_agg(xmin::text, ' ' order by task_id) from groupchat.sop_task")
	counts, _ = b.passOf(sopSpec, t0.Add(time.Hour), page, false)
	require.Zero(t, counts.RowsChanged)
	require.Equal(t, before, scalar[string](b, "select string_agg(xmin::text, ' ' order by task_id) from groupchat.sop_task"),
		"no row is written again")

	t2 := t0.Add(2 * time.Hour)
	task.SendStatus, task.OwnerName = new(int64(7)), nil
	counts, _ = b.passOf(sopSpec, t2, page, false)
	require.Equal(t, int64(1), counts.RowsChanged)
	require.Equal(t, t2, scalar[time.Time](b,
		"select listed_at from groupchat.sop_task where send_status = 7 and owner_name is null and first_seen_at = $1", t0).UTC())

	task.SendStatus = new(int64(1))
	counts, _ = b.passOf(sopSpec, t0.Add(time.Hour), page, false)
	require.Zero(t, counts.RowsChanged, "an answer asked for earlier overwrites nothing")
	counts, _ = b.passOf(sopSpec, t0.Add(3*time.Hour), page, true)
	require.Equal(t, int64(3), counts.RowsChanged, "a full pass ignores hashes")
}

// One transaction holds several pages: the newest answer counts.
func TestTheNewestOfSeveralPagesCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.open(sopSpec, t0, false)
	cps, err := b.store.Checkpoints(t.Context(), b.pass)
	require.NoError(t, err)
	var steps []model.Step
	for i, minute := range []int{2, 3, 1} {
		page := sopPage("wr1: t1")
		page.RequestedAt = t0.Add(time.Duration(minute) * time.Minute)
		page.SOPGroups[0].Tasks[0].Title = new(fmt.Sprint(minute))
		page.SOPGroups[0].Tags = []string{fmt.Sprint("tag ", minute)}
		page.SOPGroups[0].Calendars = []json.RawMessage{fmt.Append(nil, minute)}
		to := cps[0]
		to.Version, to.Pages = int64(i+1), i+1
		steps = append(steps, model.Step{Chain: to.Chain, From: int64(i), To: to, Page: &page})
	}
	_, _, err = b.store.Commit(t.Context(), b.lease, b.pass, steps)
	require.NoError(t, err)
	require.Equal(t, "3 tag 3 3", scalar[string](b, `select concat_ws(' ', title, tag_name, raw)
		from groupchat.sop_task join groupchat.chat_tag using (source, chat_id) join groupchat.chat_calendar using (source, chat_id)`))
}

func TestCalendarsAndTagsAreReplaced(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tell := func(at time.Time, full bool, calendars []json.RawMessage, tags []string) int64 {
		page := sopPage("wr1:")
		page.SOPGroups[0].Calendars, page.SOPGroups[0].Tags = calendars, tags
		counts, _ := b.passOf(sopSpec, at, page, full)
		return counts.RowsChanged
	}
	want := func(calendars, tags string) {
		t.Helper()
		require.Equal(t, calendars+"|"+tags, scalar[string](b, `select concat_ws('|',
			(select coalesce(string_agg(ordinal || raw::text, ' ' order by ordinal), '') from groupchat.chat_calendar where gone_at is null),
			(select coalesce(string_agg(tag_name, ' ' order by tag_name), '') from groupchat.chat_tag where gone_at is null))`))
	}
	hour := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Hour) }
	raws := func(texts ...string) []json.RawMessage {
		list := []json.RawMessage{}
		for _, text := range texts {
			list = append(list, json.RawMessage(text))
		}
		return list
	}
	odd := `{"a":"\u0000\ud800","n":1e999999}` // no jsonb would take it
	require.Equal(t, int64(5), tell(hour(0), false, raws(odd, "[2]"), []string{"老客户", "b\x00"}), "with the chat")
	want("1"+odd+" 2[2]", "b\uFFFD 老客户")
	require.Zero(t, tell(hour(1), false, raws(odd, "[2]"), []string{"b\x00", "老客户"}))
	require.Zero(t, tell(hour(2), false, nil, nil), "the answer does not tell")
	require.Equal(t, int64(4), tell(hour(3), false, raws("[3]"), []string{"c", "老客户"}))
	want("1[3]", "c 老客户")
	require.Equal(t, hour(3), scalar[time.Time](b, "select gone_at from groupchat.chat_tag where tag_name = 'b\uFFFD'").UTC())
	require.Zero(t, tell(hour(1), false, raws("[9]"), []string{"z"}), "asked for earlier")
	require.Equal(t, int64(3), tell(hour(4), false, raws(), []string{}))
	want("", "")
	require.Equal(t, int64(1), tell(hour(5), false, nil, []string{"c"}))
	want("", "c")
	require.Equal(t, "t t", scalar[string](b, "select concat_ws(' ', first_seen_at = $1, listed_at = $2) from groupchat.chat_tag where tag_name = 'c'",
		hour(3), hour(5)))
	require.Equal(t, int64(3), tell(hour(6), true, raws("no json"), []string{"c"}), "a full pass writes them again, and the chat")
	want(`1"no json"`, "c")
}

func TestOwnersGetTheirDepartments(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tell := func(at time.Time, o model.Owner) int64 {
		page := sopPage("wr1:")
		page.Owners = []model.Owner{o}
		counts, _ := b.passOf(sopSpec, at, page, false)
		return counts.RowsChanged
	}
	want := func(text string) {
		t.Helper()
		require.Equal(t, text, scalar[string](b, "select concat_ws('|', name, department_name) from groupchat.owner"))
	}
	require.Equal(t, int64(2), tell(t0, model.Owner{ID: "o", Name: new("Li"), DepartmentName: new("销售,华东")}))
	want("Li|销售,华东")
	require.Zero(t, tell(t0.Add(time.Hour), model.Owner{ID: "o", Name: new("Li"), DepartmentName: new("销售,华东")}))
	require.Zero(t, tell(t0.Add(time.Hour), model.Owner{ID: "o"}))
	require.Equal(t, int64(1), tell(t0.Add(2*time.Hour), model.Owner{ID: "o", DepartmentName: new("售后")}))
	want("Li|售后")
	require.Equal(t, int64(1), tell(t0.Add(3*time.Hour), model.Owner{ID: "o", Name: new("Han")}))
	want("Han|售后")
	require.Equal(t, int64(1), tell(t0.Add(4*time.Hour), model.Owner{ID: "new", DepartmentName: new("IT")}))
	require.Equal(t, "IT", scalar[string](b, "select department_name from groupchat.owner where owner_id = 'new' and name is null"))
}

func TestGroupSets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	set := model.GroupSet{
		ID: "s1", Name: new("VIP"), RelationType: new("crm_customer"), OwnerID: new("u"), MemberQuota: new(int64(200)),
		MemberCount: new(int64(30)), ChatCount: new(int64(2)), Notice: new("hi"), CreatedAt: &t0, ChangedAt: new(t0.Add(time.Hour)),
		Extra: json.RawMessage(`{"templateId": "x"}`),
	}
	other := model.GroupSet{ID: "s0"}
	counts, _ := b.passOf(groupSetsSpec, t0, model.Page{GroupSets: []model.GroupSet{set, other, set}}, false)
	require.Equal(t, int64(2), counts.RowsChanged)
	require.Equal(t, "VIP crm_customer u 200 30 2 hi {\"templateId\": \"x\"}", scalar[string](b,
		`select concat_ws(' ', name, relation_type, owner_id, member_quota, member_count, chat_count, notice, extra)
		   from groupchat.group_set where group_set_id = 's1' and created_at = $1 and changed_at = $2`, t0, t0.Add(time.Hour)))
	counts, _ = b.passOf(groupSetsSpec, t0.Add(time.Hour), model.Page{GroupSets: []model.GroupSet{set, other}}, false)
	require.Zero(t, counts.RowsChanged)
	set.MemberCount = new(int64(31))
	counts, _ = b.passOf(groupSetsSpec, t0.Add(2*time.Hour), model.Page{GroupSets: []model.GroupSet{set}}, false)
	require.Equal(t, int64(1), counts.RowsChanged)
	require.Empty(t, b.gone("group_set", "group_set_id"), "missed once")
	b.passOf(groupSetsSpec, t0.Add(3*time.Hour), model.Page{GroupSets: []model.GroupSet{set}}, false)
	require.Equal(t, "s0", b.gone("group_set", "group_set_id"))
	counts, _ = b.passOf(groupSetsSpec, t0.Add(4*time.Hour), model.Page{GroupSets: []model.GroupSet{set, other}}, false)
	require.Equal(t, int64(1), counts.RowsChanged)
	require.Empty(t, b.gone("group_set", "group_set_id"), "back")
	storetest.WantRows(t, b.pool, "sync.candidate", 0)
}

func TestGoneOnlyAfterASecondCompletePass(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at := t0
	pass := func(spec model.StreamSpec, page model.Page) model.Closing {
		at = at.Add(time.Hour)
		_, closing := b.passOf(spec, at, page, false)
		return closing
	}
	gone := func() string { return b.gone("chat", "chat_id") + "|" + b.gone("sop_task", "task_id") }
	all := sopPage("wr1: t1 t2", "wr2: t3")
	pass(sopSpec, all)
	closing := pass(sopSpec, sopPage("wr1: t1"))
	require.Equal(t, int64(3), closing.Candidates, "wr2, t2, t3")
	require.Equal(t, "|", gone())
	pass(sopSpec, sopPage("wr1: t1", "wr2:"))
	require.Equal(t, "|t2 t3", gone(), "the chat was seen meanwhile")
	pass(sopSpec, sopPage("wr1: t1"))
	pass(sopSpec, sopPage("wr1: t1"))
	require.Equal(t, "wr2|t2 t3", gone())
	require.Equal(t, "missing from two complete passes", scalar[string](b,
		"select distinct gone_reason from (select gone_reason from groupchat.chat union all select gone_reason from groupchat.sop_task) x where gone_reason is not null"))
	counts, _ := b.passOf(sopSpec, at.Add(time.Hour), all, false)
	require.Equal(t, int64(3), counts.RowsChanged)
	require.Equal(t, "|", gone(), "back")
	storetest.WantRows(t, b.pool, "sync.candidate", 0)
}

func TestPassesThatProveNothingMarkNothing(t *testing.T) {
	t.Parallel()
	narrow := sopSpec
	narrow.Scope = json.RawMessage(`{"keyword":"x"}`)
	few := sopPage("wr1: t1")
	shifted, blind, unread, known := few, few, few, few
	shifted.Shifted = true
	blind.Rejects = []model.Reject{{Kind: "task", Parent: "wr1", Raw: []byte("{}"), Reason: "no id"}}
	known.Rejects = []model.Reject{{Kind: "task", ID: "t2", Parent: "wr1", Raw: []byte("{}"), Reason: "odd"}}
	unread.Rejects = []model.Reject{{Kind: "chat", ID: "wr1", Raw: []byte("{}"), Reason: "odd"}}
	unread.Chats, unread.SOPGroups = nil, nil
	for name, second := range map[string]struct {
		spec model.StreamSpec
		page model.Page
	}{
		"records moved under its pages":         {sopSpec, shifted},
		"something without an id is unreadable": {sopSpec, blind},
		"the task is there but unreadable":      {sopSpec, known},
		"its chat is there but unreadable":      {sopSpec, unread},
		"it has other filters":                  {narrow, few},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.passOf(sopSpec, t0, sopPage("wr1: t1 t2"), false)
			_, closing := b.passOf(second.spec, t0.Add(time.Minute), second.page, false)
			require.Zero(t, closing.Candidates)
			b.passOf(sopSpec, t0.Add(time.Hour), few, false)
			for n := range 3 {
				b.passOf(second.spec, t0.Add(time.Duration(n+2)*time.Hour), second.page, false)
				require.Empty(t, b.gone("sop_task", "task_id"))
				require.Empty(t, b.gone("chat", "chat_id"))
			}
		})
	}
}

// What other filters have listed, and what was stored only after a pass had begun, is
// not missed by it, beside what is; and what one pass has missed is confirmed by none
// of other filters, nor by one that began before.
func TestPassesMissWhatTheyShouldHaveSeen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	narrow := sopSpec
	narrow.Scope = json.RawMessage(`{"keyword":"x"}`)
	at := t0
	pass := func(spec model.StreamSpec, chats ...string) model.Closing {
		t.Helper()
		at = at.Add(time.Hour)
		_, closing := b.passOf(spec, at, sopPage(chats...), false)
		return closing
	}
	missing := func() string {
		return scalar[string](b, "select coalesce(string_agg(subject, ' ' order by subject), '') from sync.candidate")
	}
	gone := func() string { return b.gone("chat", "chat_id") + "|" + b.gone("sop_task", "task_id") }
	later := func() {
		t.Helper()
		for _, sql := range []string{
			`insert into groupchat.chat (source, chat_id, first_seen_at, known_from, list_scope)
				select source, 'later', $1, $1, list_scope from groupchat.chat where chat_id = 'wr1'`,
			`insert into groupchat.sop_task (source, task_id, chat_id, first_seen_at, listed_at, list_hash, list_scope)
				select source, 'later', 'wr1', $1, $1, 0, list_scope from groupchat.sop_task where task_id = 't1'`,
		} {
			_, err := b.pool.Exec(t.Context(), sql, at.Add(time.Hour+time.Second))
			require.NoError(t, err)
		}
	}
	pass(sopSpec, "wr1: t1 t2", "wr2: t3", "wr3: t4")
	later()
	require.Equal(t, int64(3), pass(sopSpec, "wr1: t1", "wr3: t4").Candidates)
	require.Equal(t, "t2 t3 wr2", missing())

	pass(narrow, "wr1: t1", "wr4: t5")
	require.Zero(t, pass(narrow, "wr1: t1", "wr4: t5").Candidates)
	require.Equal(t, "|", gone(), "of the filters before")
	require.Equal(t, int64(2), pass(narrow, "wr1: t1").Candidates)
	require.Equal(t, "t2 t3 t5 wr2 wr4", missing())
	at = at.Add(-90 * time.Minute) // somebody has set the clock back
	pass(narrow, "wr1: t1")
	require.Equal(t, "|", gone(), "it began before they were missed")
	at = at.Add(2 * time.Hour)
	pass(narrow, "wr1: t1")
	require.Equal(t, "wr4|t5", gone())
}

// A task of a chat that a pass is too old to see is not missed by it.
func TestYoungChatsAreBeyondThePass(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	bounded := sopSpec
	bounded.Bounds = &model.BoundsSpec{Margin: 24 * time.Hour}
	young := sopPage("wr1: t1", "wr2: t2")
	young.Chats[1].CreatedAt = &t0
	b.passOf(sopSpec, t0, young, false)
	for n := range 3 {
		_, closing := b.passOf(bounded, t0.Add(time.Duration(n+1)*time.Hour), sopPage("wr1: t1"), false)
		require.Zero(t, closing.Candidates)
	}
	_, closing := b.passOf(bounded, t0.Add(48*time.Hour), sopPage("wr1: t1"), false)
	require.Equal(t, int64(2), closing.Candidates)
}

func TestTheBreakerHoldsTasksUntilSomebodyApproves(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at := t0
	pass := func(page model.Page) model.Closing {
		at = at.Add(time.Hour)
		_, closing := b.passOf(sopSpec, at, page, false)
		return closing
	}
	pass(sopPage("wr1: t1 t2 t3 t4"))
	few := sopPage("wr1: t1")
	for range 3 {
		closing := pass(few)
		require.True(t, closing.Held)
		require.Equal(t, int64(3), closing.Candidates)
	}
	require.Empty(t, b.gone("sop_task", "task_id"))
	_, _, n, err := b.store.Approve(t.Context(), b.pass.ID, at)
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	require.Empty(t, b.gone("sop_task", "task_id"), "approved, and yet to be missed a second time")
	pass(sopPage("wr1: t1 t2"))
	require.Equal(t, "t3 t4", b.gone("sop_task", "task_id"))
	storetest.WantRows(t, b.pool, "sync.candidate", 0)
}

// A chat that nothing but two lists says is gone has nobody in it any more.
func TestAChatMissedTwiceClosesItsSpells(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.pool.Exec(t.Context(), `insert into groupchat.chat_member (source, chat_id, member_id, joined_at, is_admin, first_seen_at, hash)
		values ('acme', 'wr2', 'a', '-infinity', false, $1, 1)`, t0)
	require.NoError(t, err)
	b.passOf(sopSpec, t0, sopPage("wr1:", "wr2:"), false)
	b.passOf(sopSpec, t0.Add(time.Hour), sopPage("wr1:"), false)
	require.Zero(t, scalar[int](b, "select count(*) from groupchat.chat_member where left_before is not null"))
	b.passOf(sopSpec, t0.Add(2*time.Hour), sopPage("wr1:"), false)
	require.Equal(t, 1, scalar[int](b, "select count(*) from groupchat.chat_member m join groupchat.chat c using (source, chat_id) where left_before = gone_at"))
}

// Whatever lists tell and whatever groups their pages are committed in, the tables
// say what a plain reading of the answers says.
func TestSOPReplay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 0))
			b, truth := newBench(t), sopTruth{chats: map[string]*sopKnown{}, tasks: map[string]*sopKnown{}}
			for n := range 12 {
				b.sopRound(r, truth.draw(r), t0.Add(time.Duration(n)*time.Hour))
				require.Equal(t, truth.lines(), b.sopLines(), "round %d", n)
			}
		})
	}
}

// sopKnown is what a plain reading knows of a chat or task.
type sopKnown struct {
	content string
	missed  int
	gone    bool
}

type sopTruth struct{ chats, tasks map[string]*sopKnown }

// draw makes up what a list tells, as pages of one chat each, and reads it.
func (s sopTruth) draw(r *rand.Rand) []model.Page {
	var pages []model.Page
	seen := map[*sopKnown]bool{}
	see := func(m map[string]*sopKnown, id, content string) {
		if m[id] == nil {
			m[id] = &sopKnown{}
		}
		*m[id] = sopKnown{content: content}
		seen[m[id]] = true
	}
	for i := range 4 {
		if r.IntN(4) == 0 {
			continue
		}
		id := fmt.Sprint("wr", i)
		page := sopPage(id + ":")
		g := &page.SOPGroups[0]
		for j := range 3 {
			if task := sopTask(fmt.Sprint("t", i, j), id); r.IntN(3) > 0 {
				task.SendStatus = new(r.Int64N(2))
				g.Tasks = append(g.Tasks, task)
				see(s.tasks, task.ID, fmt.Sprint(*task.SendStatus))
			}
			if r.IntN(2) == 0 {
				g.Tags = append(g.Tags, fmt.Sprint("tag", j))
			}
			if r.IntN(2) == 0 {
				g.Calendars = append(g.Calendars, fmt.Append(nil, r.IntN(2)))
			}
		}
		see(s.chats, id, fmt.Sprintf("%s %s", g.Tags, g.Calendars))
		pages = append(pages, page)
	}
	for _, m := range []map[string]*sopKnown{s.chats, s.tasks} {
		for _, k := range m {
			if !seen[k] {
				k.missed++
				k.gone = k.missed > 1
			}
		}
	}
	return pages
}

func (s sopTruth) lines() []string {
	var lines []string
	for _, m := range []map[string]*sopKnown{s.chats, s.tasks} {
		for _, id := range slices.Sorted(maps.Keys(m)) {
			lines = append(lines, fmt.Sprint(id, " ", m[id].content, " ", m[id].gone))
		}
	}
	return lines
}

// sopRound commits the pages in random groups and closes the pass.
func (b *bench) sopRound(r *rand.Rand, pages []model.Page, at time.Time) {
	b.t.Helper()
	b.open(sopSpec, at, r.IntN(5) == 0)
	cps, err := b.store.Checkpoints(b.t.Context(), b.pass)
	require.NoError(b.t, err)
	pages = append(pages, model.Page{})
	var steps []model.Step
	for i := range pages {
		to := cps[0]
		to.Version, to.Pages, to.UpdatedAt = to.Version+int64(i)+1, i+1, at
		pages[i].RequestedAt, pages[i].ReceivedAt = at, at
		steps = append(steps, model.Step{
			Chain: to.Chain, From: to.Version - 1, To: to, Closed: i == len(pages)-1, Page: &pages[i],
		})
	}
	for len(steps) > 0 {
		n := 1 + r.IntN(len(steps))
		_, _, err := b.store.Commit(b.t.Context(), b.lease, b.pass, steps[:n])
		require.NoError(b.t, err)
		steps = steps[n:]
	}
	_, err = b.store.ClosePass(b.t.Context(), b.lease, b.pass, sopSpec, model.Ending{
		Outcome: model.OutcomeComplete, At: at, Breaker: model.Breaker{Min: 100},
	})
	require.NoError(b.t, err)
}

func (b *bench) sopLines() []string {
	b.t.Helper()
	lines, err := pgxRowsQuery[string](b.t.Context(), b.pool, `
		select format('%s [%s] [%s] %s', chat_id,
		              (select string_agg(tag_name, ' ' order by tag_name) from groupchat.chat_tag g
		                where g.chat_id = c.chat_id and g.gone_at is null),
		              (select string_agg(raw::text, ' ' order by ordinal) from groupchat.chat_calendar k
		                where k.chat_id = c.chat_id and k.gone_at is null),
		              case when gone_at is null then 'false' else 'true' end)
		  from groupchat.chat c
		 union all
		select concat_ws(' ', task_id, send_status, case when gone_at is null then 'false' else 'true' end) from groupchat.sop_task
		 order by 1`)
	require.NoError(b.t, err)
	slices.SortFunc(lines, func(a, b string) int {
		return strings.Compare(strings.ReplaceAll(a, "wr", "a"), strings.ReplaceAll(b, "wr", "a"))
	})
	return lines
}
