package store_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store/storetest"
)

var (
	massSpec    = model.StreamSpec{Name: "group_messages", Shape: model.ShapeList, Subjects: []model.Subject{{Name: "group", Params: []byte("{}")}}}
	tasksSpec   = model.StreamSpec{Name: "group_message_tasks", Shape: model.ShapeDetail}
	resultsSpec = model.StreamSpec{Name: "group_message_results", Shape: model.ShapeDetail}
	waysSpec    = model.StreamSpec{Name: "join_ways", Shape: model.ShapeDetail, Items: []string{"w1", "w2"}, MaxAge: time.Hour}
)

// turn opens a pass of another stream than the one before.
func (b *bench) turn(spec model.StreamSpec, at time.Time) {
	b.t.Helper()
	b.turnTo(spec, at, false)
}

// messages commits a whole list pass.
func (b *bench) messages(at time.Time, messages ...model.GroupMessage) model.Counts {
	b.t.Helper()
	b.turn(massSpec, at)
	cps, err := b.store.Checkpoints(b.t.Context(), b.pass)
	require.NoError(b.t, err)
	counts := b.commitSteps(model.Step{
		Chain: cps[0].Chain, From: cps[0].Version, Closed: true,
		Page: &model.Page{RequestedAt: at, ReceivedAt: at.Add(time.Second), GroupMessages: messages, Calls: 1},
	})
	b.close(massSpec, at)
	return counts
}

// itemStep is a good read of an item that is due again in an hour.
func itemStep(subject string, at time.Time, page model.Page) model.Step {
	page.RequestedAt, page.ReceivedAt, page.Calls = at, at.Add(time.Second), 1
	return model.Step{Chain: model.Chain{Subject: subject}, Page: &page, Item: &model.ItemMove{DueAt: at.Add(time.Hour)}}
}

// tasksStep tells the senders of a message; the ids in upper case have sent it.
func tasksStep(message string, at time.Time, users ...string) model.Step {
	var page model.Page
	for _, user := range users {
		task := model.GroupMessageTask{MessageID: message, UserID: user, Status: new(int64(0))}
		if user[0] < 'a' {
			task.UserID, task.Status, task.SentAt = string(user[0]+'a'-'A'), new(int64(2)), new(t0.Add(time.Hour))
		}
		page.MessageTasks = append(page.MessageTasks, task)
	}
	return itemStep(message, at, page)
}

// resultsStep tells what has become of a message at chats c0, c1 and so on.
func resultsStep(message, user string, at time.Time, statuses ...int64) model.Step {
	var page model.Page
	for i, status := range statuses {
		page.MessageResults = append(page.MessageResults, model.GroupMessageResult{
			MessageID: message, UserID: user, ChatID: "c" + string(rune('0'+i)), Status: &status,
		})
	}
	return itemStep(message+"/"+user, at, page)
}

// subjects are those of the items that are due.
func (b *bench) subjects() []string {
	b.t.Helper()
	subjects := []string{}
	for _, item := range b.due() {
		subjects = append(subjects, item.Subject)
	}
	return subjects
}

func message(id string) model.GroupMessage {
	return model.GroupMessage{ID: id, ChatType: "group", CreatedAt: &t0, Content: new("hello")}
}

func TestMassMessagesThatHaveNotChangedAreNotWritten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	undated := model.GroupMessage{ID: "m2", ChatType: "group", Attachments: []byte(`[{"msgtype":"image"}]`), Extra: []byte(`{"new":1}`)}
	require.Equal(t, int64(2), b.messages(t0.Add(time.Hour), message("m1"), undated, message("m1")).RowsChanged)
	require.Zero(t, b.messages(t0.Add(2*time.Hour), undated, message("m1")).RowsChanged)
	other := message("m1")
	other.CreateType = new(int64(7))
	require.Equal(t, int64(1), b.messages(t0.Add(3*time.Hour), other).RowsChanged)
	require.Zero(t, b.messages(t0.Add(2*time.Hour), message("m1")).RowsChanged, "an answer that was asked for earlier")
	require.Equal(t, []string{"m1 7 hello", "m2 image 1"}, b.rows(`select concat_ws(' ', msg_id, create_type, content,
		attachments->0->>'msgtype', extra->>'new') from groupchat.group_message order by msg_id`))

	// A message without a date counts as made when it was first seen, as does one from
	// the future: it would be followed until then.
	early := message("m3")
	early.CreatedAt = new(t0.AddDate(20, 0, 0))
	b.messages(t0.Add(3*time.Hour), early)
	born := func(spec model.StreamSpec, at time.Time) map[string]time.Time {
		t.Helper()
		b.turn(spec, at)
		born := map[string]time.Time{}
		for _, item := range b.due() {
			born[item.Subject] = item.BornAt.UTC()
		}
		return born
	}
	require.Equal(t, map[string]time.Time{"m1": t0, "m2": t0.Add(time.Hour), "m3": t0.Add(3 * time.Hour)}, born(tasksSpec, t0.Add(4*time.Hour)))
	sent := tasksStep("m1", t0.Add(4*time.Hour), "A", "b")
	sent.Page.MessageTasks[0].SentAt = early.CreatedAt
	b.commitSteps(sent, tasksStep("m3", t0.Add(4*time.Hour), "A", "b"))
	b.close(tasksSpec, t0.Add(4*time.Hour))
	require.Equal(t, map[string]time.Time{
		"m1/a": t0.Add(4 * time.Hour), "m1/b": t0, "m3/a": t0.Add(time.Hour), "m3/b": t0.Add(3 * time.Hour),
	}, born(resultsSpec, t0.Add(5*time.Hour)))
}

func TestSendersAreFollowedUntilEverybodyHasSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hour := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Hour) }
	b.messages(hour(1), message("m1"), message("m/2"), message("m3"))
	b.turn(tasksSpec, hour(2))
	gone := model.Step{Chain: model.Chain{Subject: "m3"}, Item: &model.ItemMove{
		FailedCode: "41093", Refused: true, Gone: true, Closed: "41093", At: hour(2),
	}}
	unread := tasksStep("m/2", hour(2), "A")
	unread.Page.Rejects = []model.Reject{{Kind: "group_message_task", Parent: "m/2", Raw: []byte("{}")}}
	b.commitSteps(tasksStep("m1", hour(2), "a", "B"), unread, gone)
	closed := func() []string {
		t.Helper()
		return b.rows("select concat_ws(' ', msg_id, close_reason) from groupchat.group_message order by msg_id")
	}
	require.Equal(t, []string{"m/2", "m1", "m3 41093"}, closed(), "who could not be read may not have sent it")
	require.Equal(t, int64(0), scalar[int64](b, "select count(*) from sync.item where failures > 0"), "one that is closed does not fail")
	b.close(tasksSpec, hour(2))
	b.turn(tasksSpec, hour(4))
	require.ElementsMatch(t, []string{"m1", "m/2"}, b.subjects())
	require.Equal(t, int64(2), b.commitSteps(tasksStep("m1", hour(4), "A", "B")).RowsChanged, "a sender and the message")
	require.Equal(t, []string{"m/2", "m1 every sender has sent it", "m3 41093"}, closed())
	b.close(tasksSpec, hour(4))
	b.turn(tasksSpec, hour(6))
	require.Equal(t, []string{"m/2"}, b.subjects())
	storetest.WantRows(t, b.pool, "sync.item", 1)
}

func TestReceiversOfWhoHasNotSentAreReadOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hour := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Hour) }
	tasks := func(at time.Time, users ...string) {
		t.Helper()
		b.turn(tasksSpec, at)
		b.commitSteps(tasksStep("m/1", at, users...))
		b.close(tasksSpec, at)
	}
	b.messages(hour(1), message("m/1"))
	tasks(hour(1), "a", "B")
	b.turn(resultsSpec, hour(2))
	require.Equal(t, []string{"m/1/a", "m/1/b"}, b.subjects())
	require.Equal(t, hour(1), b.due()[1].BornAt.UTC(), "who has sent it is followed from then on")
	b.commitSteps(resultsStep("m/1", "a", hour(2), 0, 0), resultsStep("m/1", "b", hour(2), 1, 0, 9))
	b.close(resultsSpec, hour(2))
	b.turn(resultsSpec, hour(10))
	require.Equal(t, []string{"m/1/b"}, b.subjects(), "nothing can have become of what is not sent")
	require.Zero(t, b.commitSteps(resultsStep("m/1", "b", hour(10), 1, 0, 9)).RowsChanged)
	b.close(resultsSpec, hour(10))

	tasks(hour(11), "A", "B")
	plan := model.Pass{Source: "acme", Stream: "group_message_results"}
	n, err := b.store.PlannedItems(t.Context(), plan, false, hour(12))
	require.NoError(t, err)
	require.Equal(t, int64(2), n)
	b.turn(resultsSpec, hour(12))
	require.ElementsMatch(t, []string{"m/1/a", "m/1/b"}, b.subjects())
	// A page that lacks what was pending does not prove that nothing is any more.
	b.commitSteps(resultsStep("m/1", "a", hour(12), 1), resultsStep("m/1", "b", hour(12), 1, 3, 9))
	require.Equal(t, []string{"a", "b nothing is pending"},
		b.rows("select concat_ws(' ', user_id, close_reason) from groupchat.group_message_task order by user_id"))
	b.close(resultsSpec, hour(12))
	b.turn(resultsSpec, hour(14))
	require.Equal(t, []string{"m/1/a"}, b.subjects())
	followed := resultsStep("m/1", "a", hour(14), 1)
	followed.Item.Closed = "followed to the end"
	b.commitSteps(followed)
	require.Equal(t, []string{"a followed to the end", "b nothing is pending"},
		b.rows("select concat_ws(' ', user_id, close_reason) from groupchat.group_message_task order by user_id"))
	require.Equal(t, []string{"1 2 5 2 0 1 1 1"}, b.rows(`select concat_ws(' ', senders_read - 1, senders_sent, targets, sent + failed_no_friend,
		failed_no_friend, failed_quota, pending, other) from bi.message_reach`))
}

// When a message is closed, so are those who have not sent it: nobody would learn
// that they have.
func TestSendersEndWithTheirMessage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.messages(t0, message("m1"))
	b.turn(tasksSpec, t0)
	b.commitSteps(tasksStep("m1", t0, "a", "b", "C"))
	b.close(tasksSpec, t0)
	b.turn(resultsSpec, t0)
	b.commitSteps(resultsStep("m1", "a", t0, 0), resultsStep("m1", "c", t0, 0))
	b.close(resultsSpec, t0)
	end := t0.Add(7 * 24 * time.Hour)
	b.turn(tasksSpec, end)
	last := tasksStep("m1", end, "a", "b", "C")
	last.Item.Closed = "followed to the end"
	b.commitSteps(last)
	b.close(tasksSpec, end)
	require.Equal(t, []string{"a message closed: followed to the end", "b", "c"},
		b.rows("select concat_ws(' ', user_id, close_reason) from groupchat.group_message_task order by user_id"))
	b.turn(resultsSpec, end)
	require.Equal(t, []string{"m1/b", "m1/c"}, b.subjects())
}

// A full pass reads closed messages again, as far back as they are listed, and closes
// them again; nothing else does.
func TestFullPassesReadClosedMessagesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	follow := &model.Follow{For: time.Hour, Reach: 10 * 24 * time.Hour}
	tasks, results := tasksSpec, resultsSpec
	tasks.Follow, results.Follow = follow, follow
	young, old := message("young"), message("old")
	old.CreatedAt = new(t0.Add(-240 * time.Hour))
	undated := model.GroupMessage{ID: "undated", ChatType: "group"}
	b.messages(t0, young, old, undated)
	at := t0.Add(2 * time.Hour)
	b.turn(tasks, at)
	ended := func(step model.Step) model.Step {
		step.Item.Closed = "followed to the end"
		return step
	}
	b.commitSteps(ended(tasksStep("young", at, "a", "B", "C")), ended(tasksStep("old", at, "B")), ended(tasksStep("undated", at, "B")))
	b.close(tasks, at)
	b.turn(results, at)
	b.commitSteps(resultsStep("young", "a", at, 0), resultsStep("young", "b", at, 1), resultsStep("old", "b", at, 1), resultsStep("undated", "b", at, 1))
	b.commitSteps(ended(resultsStep("young", "c", at, 0)))
	b.close(results, at)
	due := func(spec model.StreamSpec, full bool) []string {
		t.Helper()
		b.turnTo(spec, at, full)
		return b.subjects()
	}
	open := func() []string {
		t.Helper()
		return b.rows(`select msg_id from groupchat.group_message where closed_at is null or close_reason is null
			union all select msg_id || '/' || user_id from groupchat.group_message_task where closed_at is null or close_reason is null order by 1`)
	}
	for _, spec := range []model.StreamSpec{tasks, results} {
		at = at.Add(time.Hour)
		require.Empty(t, due(spec, false))
		b.close(spec, at)
	}
	require.Empty(t, open(), "who was read after the message had ended ends, too")
	require.Equal(t, "message closed: followed to the end", scalar[string](b,
		"select close_reason from groupchat.group_message_task where msg_id = 'young' and user_id = 'a'"))

	at = at.Add(time.Hour)
	require.Equal(t, []string{"undated", "young"}, due(tasks, true))
	require.Equal(t, []string{"undated", "young"}, open())
	b.commitSteps(ended(tasksStep("young", at, "a", "B", "C")), ended(tasksStep("undated", at, "B")))
	b.close(tasks, at)
	require.Empty(t, open())
	at = at.Add(time.Hour)
	require.Equal(t, []string{"undated/b", "young/a", "young/b", "young/c"}, due(results, true))
	b.commitSteps(resultsStep("young", "a", at, 0), resultsStep("young", "b", at, 1), resultsStep("undated", "b", at, 1),
		ended(resultsStep("young", "c", at, 0)))
	b.close(results, at)
	require.Empty(t, open())
}

// turnTo is turn, to a pass that may be full.
func (b *bench) turnTo(spec model.StreamSpec, at time.Time, full bool) {
	b.t.Helper()
	if b.lease.Stream != "" && b.lease.Stream != spec.Name {
		require.NoError(b.t, b.store.ReleaseLease(b.t.Context(), b.lease))
	}
	b.open(spec, at, full)
}

func TestJoinWaysComeAndGo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.pool.Exec(t.Context(), "insert into groupchat.join_way_wanted (source, config_id) values ('acme', 'w2'), ('acme', 'w3'), ('other', 'w4')")
	require.NoError(t, err)
	n, err := b.store.PlannedItems(t.Context(), model.Pass{Source: "acme", Stream: "join_ways"}, false, t0, waysSpec.Items...)
	require.NoError(t, err)
	require.Equal(t, int64(3), n)
	b.open(waysSpec, t0, false)
	require.Equal(t, []string{"w1", "w2", "w3"}, b.subjects())
	way := model.JoinWay{ID: "w1", Scene: new(int64(3)), ChatIDs: []string{"b", "a\""}, State: new("s")}
	gone := func(id string) model.Step {
		return model.Step{Chain: model.Chain{Subject: id}, Item: &model.ItemMove{
			FailedCode: "41044", Refused: true, Gone: true, At: t0.Add(time.Minute), DueAt: t0.Add(time.Hour),
			SettledDueAt: t0.Add(24 * time.Hour),
		}}
	}
	read := func(ways ...model.JoinWay) model.Step { return itemStep("w1", t0, model.Page{JoinWays: ways}) }
	require.Equal(t, int64(2), b.commitSteps(read(way), gone("w3")).RowsChanged)
	require.Zero(t, b.commitSteps(read(way), gone("w3")).RowsChanged)
	rows := func() []string {
		t.Helper()
		return b.rows(`select concat_ws(' ', config_id, scene, array_to_string(chat_ids, ','), state, gone_reason,
			first_seen_at is not null) from groupchat.join_way order by config_id`)
	}
	require.Equal(t, []string{"w1 3 b,a\" s t", "w3 41044 f"}, rows())
	require.Equal(t, []string{"w1 0 1", "w2 0 0", "w3 0 24"}, b.rows(`select concat_ws(' ', subject, failures,
		round(extract(epoch from due_at - $1) / 3600)) from sync.item order by subject`, t0), "what is gone is settled")
	require.Equal(t, int64(1), b.commitSteps(gone("w1")).RowsChanged)
	require.Equal(t, []string{"w1 3 b,a\" s 41044 t", "w3 41044 f"}, rows())
	require.Equal(t, int64(1), b.commitSteps(read(way)).RowsChanged, "it is back")
	require.Equal(t, []string{"w1 3 b,a\" s t", "w3 41044 f"}, rows())

	// What nobody wants any more is not read any more; its row stays.
	b.close(waysSpec, t0)
	fewer := waysSpec
	fewer.Items = nil
	_, err = b.pool.Exec(t.Context(), "delete from groupchat.join_way_wanted where config_id = 'w3'")
	require.NoError(t, err)
	b.open(fewer, t0.Add(3*time.Hour), false)
	require.Equal(t, "w2", scalar[string](b, "select string_agg(subject, ' ' order by subject) from sync.item"))
	b.close(fewer, t0.Add(3*time.Hour))
	require.Equal(t, []string{"w1 3 b,a\" s t", "w3 41044 f"}, rows())

	// What is wanted again is read at once, gone or not.
	_, err = b.pool.Exec(t.Context(), "insert into groupchat.join_way_wanted (source, config_id) values ('acme', 'w3')")
	require.NoError(t, err)
	b.open(waysSpec, t0.Add(4*time.Hour), false)
	require.ElementsMatch(t, []string{"w1", "w2", "w3"}, b.subjects())
	back := itemStep("w3", t0.Add(4*time.Hour), model.Page{JoinWays: []model.JoinWay{{ID: "w3", State: new("back")}}})
	require.Equal(t, int64(1), b.commitSteps(back).RowsChanged)
	require.Equal(t, []string{"w1 3 b,a\" s t", "w3 back t"}, rows())
}

// The statements of a commit read a few rows for a few keys, also where nothing is
// known of the tables.
func TestMassMessageStatementsReadFewRows(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), storetest.New(t)
	_, err := pool.Exec(ctx, `
		insert into groupchat.group_message (source, msg_id, chat_type, created_at, first_seen_at, listed_at, hash)
		select 'acme', 'm' || i, 'group', 'epoch', 'epoch', 'epoch', 0 from generate_series(1, 5000) i;
		insert into groupchat.group_message_task (source, msg_id, user_id, status, first_seen_at, fetched_at, hash)
		select 'acme', 'm' || i, 'u' || j, 1, 'epoch', 'epoch', 0 from generate_series(1, 2500) i, generate_series(1, 2) j;
		insert into groupchat.group_message_result (source, msg_id, user_id, chat_id, external_user_id, status, first_seen_at, fetched_at, hash)
		select 'acme', 'm' || i, 'u1', 'c' || j, '', 1, 'epoch', 'epoch', 0 from generate_series(1, 2500) i, generate_series(1, 2) j;
		insert into groupchat.join_way (source, config_id) select 'acme', 'm' || i from generate_series(1, 5000) i`)
	require.NoError(t, err)
	ids := []string{"m11", "m12", "m13", "m14", "m15", "m16"}
	fill := func(text string) (list []string) {
		for range ids {
			list = append(list, text)
		}
		return list
	}
	subjects := make([]string, len(ids))
	times, hashes, yes := make([]time.Time, len(ids)), make([]int64, len(ids)), make([]bool, len(ids))
	for i := range ids {
		subjects[i], times[i], hashes[i], yes[i] = ids[i]+"/u1", t0, 1, true
	}
	for name, args := range map[string][]any{
		"group_message_ask":        {"acme", ids, hashes, false},
		"group_message_task_ask":   {"acme", ids, fill("u1"), hashes, false},
		"group_message_result_ask": {"acme", ids, fill("u1"), fill("c1"), fill(""), hashes, false},
		"join_way_ask":             {"acme", ids, hashes, false},
		"group_message_settle":     {"acme", ids, times},
		"group_message_close":      {"acme", ids, times, fill("old")},
		"group_message_task_end":   {"acme", ids, times, fill("old")},
		"group_message_task_close": {"acme", subjects, times, fill("old")},
		"group_message_task_read":  {"acme", subjects, times, yes},
		"join_way_gone":            {"acme", ids, times, fill("41044")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("sql/" + name + ".sql")
			require.NoError(t, err)
			tx, err := pool.Begin(ctx)
			require.NoError(t, err)
			defer func() { require.NoError(t, tx.Rollback(ctx)) }()
			_, err = tx.Exec(ctx, "set local plan_cache_mode = force_custom_plan")
			require.NoError(t, err)
			before := rowsRead(t, tx)
			_, err = tx.Exec(ctx, string(text), args...)
			require.NoError(t, err)
			require.LessOrEqual(t, rowsRead(t, tx)-before, int64(10*len(ids)))
		})
	}
}
