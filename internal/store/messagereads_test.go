package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

var (
	readsSpec  = model.StreamSpec{Name: "message_reads", Shape: model.ShapeDetail}
	checksSpec = model.StreamSpec{Name: "chat_checks", Shape: model.ShapeDetail, Confirms: "chats"}
)

func robotMessage(key string) store.RobotMessage {
	return store.RobotMessage{Key: key, ChatID: "cid" + key, RobotCode: "bot", SentAt: t0}
}

// track has messages followed.
func (b *bench) track(at time.Time, messages ...store.RobotMessage) store.Tracking {
	b.t.Helper()
	done, err := b.store.TrackMessages(b.t.Context(), "acme", messages, at)
	require.NoError(b.t, err)
	return done
}

func (b *bench) tracked(closed bool) []store.TrackedMessage {
	b.t.Helper()
	list, err := b.store.TrackedMessages(b.t.Context(), "acme", closed)
	require.NoError(b.t, err)
	return list
}

func (b *bench) due() []model.Item {
	b.t.Helper()
	items, err := b.store.DueItems(b.t.Context(), b.pass, 100)
	require.NoError(b.t, err)
	return items
}

func readsStep(key string, at time.Time, status string, readers ...string) model.Step {
	read := model.MessageRead{Key: key, ReaderIDs: readers}
	if status != "" {
		read.SendStatus = &status
	}
	return model.Step{
		Chain: model.Chain{Source: "acme", Stream: "message_reads", Subject: key},
		Page: &model.Page{
			RequestedAt: at, ReceivedAt: at.Add(time.Second), MessageReads: []model.MessageRead{read},
		},
		Item: &model.ItemMove{DueAt: at.Add(time.Hour)},
	}
}

func (b *bench) commitSteps(steps ...model.Step) model.Counts {
	b.t.Helper()
	_, counts, err := b.store.Commit(b.t.Context(), b.lease, b.pass, steps)
	require.NoError(b.t, err)
	return counts
}

func TestReadersAreAddedWhenTheyAreNew(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.track(t0, robotMessage("k1"), robotMessage("k2"))
	b.open(readsSpec, t0, false)
	counts := b.commitSteps(readsStep("k1", t0, "PROCESSING"))
	require.Equal(t, int64(1), counts.RowsChanged)
	hour := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Hour) }
	counts = b.commitSteps(readsStep("k1", hour(1), "SUCCESS", "b", "a", "b\x00"), readsStep("k2", hour(1), ""))
	require.Equal(t, int64(4), counts.RowsChanged)
	before := scalar[string](b, "select string_agg(xmin::text, ' ') from (select xmin from groupchat.robot_message union all select xmin from groupchat.robot_message_read) r")
	counts = b.commitSteps(readsStep("k1", hour(2), "SUCCESS", "a", "b", "b\x00"))
	require.Zero(t, counts.RowsChanged)
	require.Equal(t, before, scalar[string](b, "select string_agg(xmin::text, ' ') from (select xmin from groupchat.robot_message union all select xmin from groupchat.robot_message_read) r"))
	counts = b.commitSteps(readsStep("k1", hour(3), "", "c"), readsStep("k1", hour(4), "", "c", "d"))
	require.Equal(t, int64(2), counts.RowsChanged, "what is not told stays")
	require.Equal(t, "a1 b1 b\uFFFD1 c3 d4", scalar[string](b, `select string_agg(user_id || (extract(epoch from first_seen_at - $1) / 3600)::int, ' ' order by user_id)
		from groupchat.robot_message_read`, t0))
	require.Equal(t, hour(1), scalar[time.Time](b,
		"select checked_at from groupchat.robot_message where process_query_key = 'k1' and send_status = 'SUCCESS'").UTC())
	require.Zero(t, b.commitSteps(readsStep("k1", t0, "PROCESSING")).RowsChanged, "an answer asked for earlier overwrites nothing")

	// The readers of a message that is not there (any more) are nobody's.
	require.Zero(t, b.commitSteps(readsStep("k9", hour(5), "SUCCESS", "a")).RowsChanged)
	b.close(readsSpec, hour(5))
	b.open(readsSpec, hour(6), true)
	require.Equal(t, int64(1), b.commitSteps(readsStep("k1", hour(6), "SUCCESS", "a")).RowsChanged, "a full pass writes the status again")
}

func TestMessagesAreFollowedUntilTheyAreClosed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	odd := robotMessage("k\"1")
	odd.ChatID = "cid+/<\n=\\"
	b.track(t0, odd, robotMessage("k2"), robotMessage("k3"))
	t1 := t0.Add(time.Hour)
	b.open(readsSpec, t1, false)
	items := b.due()
	require.Len(t, items, 3)
	require.Equal(t, `{"chat":"cid+/<\n=\\","robot":"bot"}`, string(items[0].Params))
	require.Equal(t, t0, items[0].BornAt.UTC())
	require.Equal(t, t1, items[0].DueAt.UTC())

	last := readsStep("k2", t1, "SUCCESS", "a")
	last.Item.Closed = "followed for 24h"
	failed := model.Step{
		Chain: model.Chain{Subject: "k3"},
		Item:  &model.ItemMove{FailedCode: "bot.stopped", Refused: true, At: t1.Add(time.Minute), Closed: "bot.stopped"},
	}
	b.commitSteps(last, failed)
	require.Equal(t, "k\"1 k2SUCCESSfollowed for 24h k3bot.stopped", scalar[string](b,
		"select string_agg(concat(process_query_key, send_status, close_reason), ' ' order by process_query_key) from groupchat.robot_message"))
	require.Equal(t, t1.Add(time.Second), scalar[time.Time](b, "select closed_at from groupchat.robot_message where process_query_key = 'k2'").UTC())
	require.Equal(t, t1.Add(time.Minute), scalar[time.Time](b, "select closed_at from groupchat.robot_message where process_query_key = 'k3'").UTC())
	require.Len(t, b.due(), 1)
	b.commitSteps(failed)
	require.Equal(t, t1.Add(time.Minute), scalar[time.Time](b, "select closed_at from groupchat.robot_message where process_query_key = 'k3'").UTC())
	b.close(readsSpec, t1)

	plan := model.Pass{Source: "acme", Stream: "message_reads"}
	b.track(t1, robotMessage("k4"))
	n, err := b.store.PlannedItems(t.Context(), plan, false, t1)
	require.NoError(t, err)
	require.Equal(t, int64(2), n)
	b.open(readsSpec, t1.Add(time.Hour), false)
	require.Len(t, b.due(), 2)
	storetest.WantRows(t, b.pool, "sync.item", 2)
}

func TestTrackedMessages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	unknown := robotMessage("k2")
	unknown.SentAt = time.Time{}
	t1 := t0.Add(time.Hour)
	require.Equal(t, store.Tracking{New: 2}, b.track(t1, unknown, robotMessage("k1"), robotMessage("k1")))
	require.Equal(t, store.Tracking{Known: 2}, b.track(t1.Add(time.Hour), robotMessage("k1"), unknown))
	require.Equal(t, store.Tracking{}, b.track(t1))
	list := b.tracked(false)
	require.Len(t, list, 2)
	require.Equal(t, "k2 k1", list[0].Key+" "+list[1].Key, "the youngest first")
	require.Equal(t, t1, list[0].SentAt.UTC(), "sent when it was tracked")
	require.Nil(t, list[0].DueAt)

	b.open(readsSpec, t1, false)
	last := readsStep("k1", t1, "SUCCESS", "a", "b")
	last.Item.Closed = "followed for 1h"
	b.commitSteps(last, readsStep("k2", t1, "PROCESSING"))
	require.Equal(t, []string{"k2"}, keysOf(b.tracked(false)))
	list = b.tracked(true)
	require.Equal(t, []string{"k2", "k1"}, keysOf(list))
	require.Equal(t, t1.Add(time.Hour), list[0].DueAt.UTC())
	require.Equal(t, t1, list[0].ReadAt.UTC())
	require.Equal(t, int64(2), list[1].Readers)
	require.Equal(t, "SUCCESS followed for 1h", list[1].SendStatus+" "+list[1].CloseReason)
	require.NotNil(t, list[1].ClosedAt)
	require.Nil(t, list[1].DueAt)
	b.close(readsSpec, t1)

	corrected := robotMessage("k1")
	corrected.RobotCode = "other"
	require.Equal(t, store.Tracking{New: 1, Corrected: 1, Known: 1}, b.track(t1, corrected, unknown, robotMessage("k3")))
	b.open(readsSpec, t1.Add(time.Minute), false)
	items := b.due()
	require.Len(t, items, 2, "the corrected one and the new one")
	require.Equal(t, `k1{"chat":"cidk1","robot":"other"}`, items[0].Subject+string(items[0].Params), "it was never read")

	// It is corrected while an answer to what it was is under way.
	corrected.RobotCode = "third"
	b.track(t1, corrected)
	b.commitSteps(readsStep("k1", t1, "SUCCESS", "c"), readsStep("k3", t1, ""))
	b.close(readsSpec, t1)
	b.open(readsSpec, t1.Add(2*time.Minute), false)
	items = b.due()
	require.Len(t, items, 1)
	require.JSONEq(t, `{"chat":"cidk1","robot":"third"}`, string(items[0].Params))

	removed, err := b.store.UntrackMessages(t.Context(), "acme", []string{"k1", "k9"})
	require.NoError(t, err)
	require.Equal(t, []string{"k1"}, removed)
	storetest.WantRows(t, b.pool, "groupchat.robot_message_read", 0)
	require.Empty(t, b.due())
	b.commitSteps(readsStep("k1", t1, "SUCCESS", "late"))
	storetest.WantRows(t, b.pool, "groupchat.robot_message_read", 0)
	b.close(readsSpec, t1)
	b.open(readsSpec, t1.Add(3*time.Minute), false)
	require.Zero(t, scalar[int](b, "select count(*) from sync.item where subject = 'k1'"), "the answer on its way leaves nothing behind")
}

// What the vendor says against a message as it was does not end the following of the
// corrected one.
func TestAMessageIsCorrectedWhileItsRefusalIsUnderWay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.track(t0, robotMessage("k1"), robotMessage("k2"), robotMessage("k3"))
	b.open(readsSpec, t0, false)
	require.Len(t, b.due(), 3)
	corrected := robotMessage("k1")
	corrected.RobotCode = "other"
	require.Equal(t, store.Tracking{Corrected: 1, Known: 1}, b.track(t0, corrected, robotMessage("k2")))
	refused := func(key string) model.Step {
		return model.Step{
			Chain: model.Chain{Source: "acme", Stream: "message_reads", Subject: key},
			Item:  &model.ItemMove{FailedCode: "bot.stopped", Refused: true, Gone: true, At: t0.Add(time.Minute), Closed: "bot.stopped"},
		}
	}
	b.commitSteps(refused("k1"), refused("k2"))
	require.Equal(t, "k2", scalar[string](b, "select string_agg(process_query_key, ' ') from groupchat.robot_message where closed_at is not null"))
	b.close(readsSpec, t0.Add(time.Minute))
	b.open(readsSpec, t0.Add(time.Hour), false)
	items := b.due()
	require.Len(t, items, 2)
	slices.SortFunc(items, func(x, y model.Item) int { return strings.Compare(x.Subject, y.Subject) })
	require.Equal(t, `k1{"chat":"cidk1","robot":"other"}`, items[0].Subject+string(items[0].Params))
	again := refused("k1")
	again.Item.At = t0.Add(2 * time.Hour)
	b.commitSteps(again)
	require.Equal(t, 2, scalar[int](b, "select count(*) from groupchat.robot_message where closed_at is not null"), "now it is about this one")
}

func keysOf(list []store.TrackedMessage) []string {
	keys := make([]string, len(list))
	for i, m := range list {
		keys[i] = m.Key
	}
	return keys
}

func TestMessagesThatCannotBeTracked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for want, spoil := range map[string]func(*store.RobotMessage){
		"it has no key":                    func(m *store.RobotMessage) { m.Key = "" },
		"it has no chat":                   func(m *store.RobotMessage) { m.ChatID = "" },
		"it has no robot":                  func(m *store.RobotMessage) { m.RobotCode = "" },
		"its key has blanks around it":     func(m *store.RobotMessage) { m.Key = "k\r" },
		"its chat is not UTF-8 text":       func(m *store.RobotMessage) { m.ChatID = "a\x00b" },
		"its robot is not UTF-8 text":      func(m *store.RobotMessage) { m.RobotCode = "a\xffb" },
		"its key has more than 1000 bytes": func(m *store.RobotMessage) { m.Key = strings.Repeat("k", 1001) },
		"it was sent in the future":        func(m *store.RobotMessage) { m.SentAt = t0.Add(25 * time.Hour) },
		"it was sent before the year 2000": func(m *store.RobotMessage) { m.SentAt = time.Unix(1, 0) },
		"its key stands there twice, with": func(m *store.RobotMessage) { m.Key, m.ChatID = "ok", "another" },
	} {
		bad := robotMessage("bad")
		spoil(&bad)
		_, err := b.store.TrackMessages(t.Context(), "acme", []store.RobotMessage{robotMessage("ok"), bad}, t0)
		var refused *store.BadMessageError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, 1, refused.Index)
		require.ErrorContains(t, err, "message 2: "+want)
	}
	_, err := b.store.TrackMessages(t.Context(), "", []store.RobotMessage{robotMessage("ok")}, t0)
	require.Error(t, err)
	storetest.WantRows(t, b.pool, "groupchat.robot_message", 0)
}

// Whoever sends may insert rows as it goes, and nothing else.
func TestTrackerRole(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	_, err := pool.Exec(t.Context(), "do $$ begin create role syncd_tracker; exception when duplicate_object or unique_violation then null; end $$")
	require.NoError(t, err)
	_, err = store.MigrateUp(t.Context(), pool)
	require.NoError(t, err)
	as := func(sql string) error {
		conn, err := pool.Acquire(t.Context())
		require.NoError(t, err)
		defer conn.Release()
		_, err = conn.Exec(t.Context(), "set role syncd_tracker")
		require.NoError(t, err)
		_, failed := conn.Exec(t.Context(), sql)
		_, err = conn.Exec(t.Context(), "reset role")
		require.NoError(t, err)
		return failed
	}
	const insert = `insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code) values `
	for range 2 {
		require.NoError(t, as(insert+"('acme', 'k', 'cid', 'bot') on conflict do nothing"))
	}
	require.True(t, scalar[bool](&bench{t: t, pool: pool}, "select sent_at > now() - interval '1 hour' from groupchat.robot_message"))
	for _, sql := range []string{
		insert + "('acme', '', 'cid', 'bot')", insert + "('acme', 'l', '', 'bot')", insert + "('acme', 'l', 'cid', '')",
		insert + "('', 'l', 'cid', 'bot')",
		"insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code, sent_at) values ('acme', 'l', 'cid', 'bot', 'infinity')",
		"select * from groupchat.robot_message", "delete from groupchat.robot_message", "update groupchat.robot_message set closed_at = now()",
		"insert into groupchat.robot_message_read values ('acme', 'k', 'u', now())", "select * from groupchat.chat", "select * from sync.item",
	} {
		require.Error(t, as(sql), sql)
	}
}

func TestChatChecksAreSeededFromCandidates(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	add := func(id string, held bool, by string) {
		_, err := b.pool.Exec(t.Context(), `insert into sync.candidate (source, stream, record, subject, pass_id, missing_at, held, confirmed_by)
			values ('acme', 'chats', 'chat', $1, 1, $2, $3, $4)`, id, t0, held, by)
		require.NoError(t, err)
	}
	add("c1", false, "chat_checks")
	add("c2", true, "chat_checks")
	add("c3", false, "other")
	add("c4", false, "chat_checks")
	add("c5", false, "chat_checks")
	_, err := b.pool.Exec(t.Context(), `insert into sync.item (source, stream, subject, due_at) values
		('acme', 'chat_checks', 'c4', 'infinity'), ('acme', 'chat_checks', 'c5', $1), ('acme', 'chat_checks', 'c6', 'infinity'),
		('acme', 'chat_checks', 'c7', $2)`, t0.Add(time.Hour), t0)
	require.NoError(t, err)
	n, err := b.store.PlannedItems(t.Context(), model.Pass{Source: "acme", Stream: "chat_checks"}, false, t0)
	require.NoError(t, err)
	require.Equal(t, int64(2), n)
	b.open(checksSpec, t0, false)
	var due []string
	for _, it := range b.due() {
		due = append(due, it.Subject)
	}
	require.Equal(t, []string{"c1", "c4"}, due, "c5 has failed and rests, c7 has been listed again")
	storetest.WantRows(t, b.pool, "sync.item", 3)
}

// A chat that one full list after the other lacks, and that is there whenever it is
// read, is read less and less often, until a list shows it or it is gone: each time
// costs a call.
func TestAChatThatStaysMissingIsCheckedMoreSeldom(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	list := chatsSpec
	list.Lists, list.ConfirmedBy = []model.Record{model.RecordChat}, "chat_checks"
	list.Scope = json.RawMessage(`{"relation_types":["crm_customer"]}`) // a direct read has none
	checks := b.beside()
	hour := 0
	// week lists without wr2, or with it, and reports whether it is read by itself then.
	week := func(listed, gone bool) bool {
		hour++
		at := t0.Add(time.Duration(hour) * time.Hour)
		rows := []string{"wr1:", "wr3:"}
		if listed {
			rows = append(rows, "wr2:")
		}
		b.passOf(list, at, sopPage(rows...), false)
		checks.open(checksSpec, at.Add(2*time.Minute), false)
		due := len(checks.due())
		if due > 0 {
			page := sopPage("wr2:")
			page.RequestedAt, page.ReceivedAt = at.Add(3*time.Minute), at.Add(4*time.Minute)
			page.SOPGroups = nil
			step := model.Step{Chain: model.Chain{Source: "acme", Stream: "chat_checks", Subject: "wr2"}, Page: &page, Item: &model.ItemMove{}}
			if gone {
				step.Page, step.Item = nil, &model.ItemMove{FailedCode: "incorrectOpenConversationId", Refused: true, Gone: true, At: at.Add(4 * time.Minute)}
			}
			checks.commitSteps(step)
		}
		require.Empty(t, checks.due())
		checks.close(checksSpec, at.Add(5*time.Minute))
		return due > 0
	}
	checkedAt := func() (hours []int) {
		for begin := hour; hour < begin+16; {
			if week(false, false) {
				hours = append(hours, hour-begin)
			}
		}
		return hours
	}
	week(true, false)
	require.Equal(t, []int{1, 2, 4, 8, 16}, checkedAt())
	storetest.WantRows(t, b.pool, "sync.candidate", 1)
	require.False(t, week(true, false))
	storetest.WantRows(t, b.pool, "sync.candidate", 0)
	require.Equal(t, []int{1, 2, 4, 8, 16}, checkedAt(), "a list has shown it meanwhile")
	require.Empty(t, b.gone("chat", "chat_id"))

	other := list
	other.Scope = json.RawMessage(`{"relation_types":["crm_customer_personal"]}`)
	b.passOf(other, t0.Add(100*time.Hour), sopPage("wr1:"), false)
	checks.open(checksSpec, t0.Add(101*time.Hour), false)
	require.Empty(t, checks.due(), "these filters do not reach it")
	checks.close(checksSpec, t0.Add(101*time.Hour))
	hour = 200
	b.passOf(list, t0.Add(199*time.Hour), sopPage("wr1:", "wr3:"), false) // its scope is another one
	require.True(t, week(false, true))
	storetest.WantRows(t, b.pool, "sync.candidate", 0)
	require.Equal(t, "wr2", b.gone("chat", "chat_id"))
}

// Removing messages waits for the commit that is under way, and the next one sees it.
func TestUntrackBesideCommits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var keys []string
	for i := range 20 {
		keys = append(keys, fmt.Sprintf("k%02d", i))
		b.track(t0, robotMessage(keys[i]))
	}
	b.open(readsSpec, t0, false)
	done := make(chan error, 1)
	go func() {
		for _, key := range keys {
			if _, err := b.store.UntrackMessages(t.Context(), "acme", []string{key}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for i, key := range keys {
		b.commitSteps(readsStep(key, t0.Add(time.Duration(i)*time.Second), "SUCCESS", "a", "b"))
	}
	require.NoError(t, <-done)
	storetest.WantRows(t, b.pool, "groupchat.robot_message", 0)
	storetest.WantRows(t, b.pool, "groupchat.robot_message_read", 0)
}
