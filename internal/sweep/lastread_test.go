package sweep_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/sweep"
)

// A record that is old when it is first seen has one read to come. Where nothing is
// learnt from that one, another takes its place; where the vendor says no, none does.
func TestTheLastReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	read := false
	b := newBench(t, func(c model.Chain, _ string) (model.Page, error) {
		switch {
		case c.Subject == "denied":
			return model.Page{}, vendorError(fetch.ClassDenied, "60011")
		case c.Subject == "early":
			return model.Page{}, vendorError(fetch.ClassNotReady, "41063")
		case c.Subject == "never", !read:
			return model.Page{}, vendorError(fetch.ClassMalformed, "body")
		}
		return model.Page{
			Last: true, RequestedAt: now, ReceivedAt: now,
			MessageTasks: []model.GroupMessageTask{{MessageID: c.Subject, UserID: "li"}},
		}, nil
	})
	b.opts.Now = func() time.Time { return now }
	b.spec = model.StreamSpec{
		Name: "group_message_tasks", Shape: model.ShapeDetail, Concurrency: 1,
		Follow: &model.Follow{For: 7 * 24 * time.Hour, Min: time.Minute},
	}
	_, err := b.pool.Exec(t.Context(), `
		insert into groupchat.group_message (source, msg_id, chat_type, created_at, first_seen_at, listed_at, hash)
		select 'acme', id, 'group', $1::timestamptz - interval '20 days', $1, $1, 0
		  from unnest('{denied,early,late,never}'::text[]) id`, now)
	require.NoError(t, err)
	closed := func() string {
		return b.scalar(`select string_agg(concat_ws(' ', msg_id, close_reason), ', ' order by msg_id) from groupchat.group_message`)
	}
	require.Equal(t, model.OutcomePartial, b.pass(sweep.Request{}).Outcome)
	require.Equal(t, "denied 60011, early 41063, late, never", closed())
	read = true
	now = now.Add(time.Hour)
	b.pass(sweep.Request{})
	require.Equal(t, "denied 60011, early 41063, late followed to the end, never", closed())
	require.Equal(t, "1", b.scalar("select count(*) from groupchat.group_message_task"))

	for tries := 3; tries <= 20; tries++ {
		require.Equal(t, "denied 60011, early 41063, late followed to the end, never", closed(), tries)
		now = now.Add(7 * time.Hour)
		b.pass(sweep.Request{})
	}
	require.Equal(t, "denied 60011, early 41063, late followed to the end, never body", closed(), "it has an end")
	asked := b.source.calls.Load()
	now = now.Add(30 * 24 * time.Hour)
	require.Equal(t, model.OutcomeComplete, b.pass(sweep.Request{}).Outcome)
	require.Equal(t, asked, b.source.calls.Load())
}

// Where the vendor tells of a record for a while only, its last read is tried again
// for as long as that, and given up without a call then.
func TestTheLastReadIsTriedAgainInTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	b := newBench(t, nil)
	fails := 1
	b.source.answer = func(c model.Chain, _ string) (model.Page, error) {
		if c.Subject == "never" || fails > 0 {
			if c.Subject != "never" {
				fails--
			}
			return model.Page{}, vendorError(fetch.ClassMalformed, "body")
		}
		return model.Page{
			Last: true, RequestedAt: now, ReceivedAt: now,
			MessageReads: []model.MessageRead{{Key: c.Subject, ReaderIDs: []string{"li"}}},
		}, nil
	}
	b.opts.Now = func() time.Time { return now }
	b.spec = model.StreamSpec{
		Name: "message_reads", Shape: model.ShapeDetail, Concurrency: 1,
		Follow: &model.Follow{For: 24 * time.Hour, Min: time.Minute, Late: time.Hour},
	}
	_, err := b.pool.Exec(t.Context(), `
		insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code, sent_at)
		select 'acme', key, 'cid', 'robot', $1::timestamptz - interval '24 hours 1 minute'
		  from unnest('{late,never}'::text[]) key`, now)
	require.NoError(t, err)
	closed := func() string {
		return b.scalar(`select string_agg(concat_ws(' ', process_query_key, close_reason), ', ' order by process_query_key) from groupchat.robot_message`)
	}
	b.pass(sweep.Request{})
	require.Equal(t, "late, never", closed())
	now = now.Add(10 * time.Minute)
	b.pass(sweep.Request{})
	require.Equal(t, "late followed to the end, never", closed())
	require.Equal(t, "li", b.scalar("select user_id from groupchat.robot_message_read"))
	now = now.Add(time.Hour)
	asked := b.source.calls.Load()
	b.pass(sweep.Request{})
	require.Equal(t, "late followed to the end, never too old to be read", closed())
	require.Equal(t, asked, b.source.calls.Load())
}

// A record of several pages whose cursor leads in a circle is read again from its
// head; one that never leaves the circle is noted, and writes nothing.
func TestPagesOfARecordInACircle(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	turns := map[string]int{"m1/li": 2, "m1/wu": 1000}
	b := newBench(t, func(c model.Chain, cursor string) (model.Page, error) {
		_, user, _ := strings.Cut(c.Subject, "/")
		page := model.Page{RequestedAt: now, ReceivedAt: now, Next: "next"}
		chats := map[string][]string{"": {"c1", "c2"}, "next": {"c2", "c3"}}[cursor]
		for _, chat := range chats {
			page.MessageResults = append(page.MessageResults, model.GroupMessageResult{MessageID: "m1", UserID: user, ChatID: chat})
		}
		if cursor != "" {
			if turns[c.Subject]--; turns[c.Subject] < 0 {
				page.Next, page.Last = "", true
			}
		}
		return page, nil
	})
	b.opts.Now = func() time.Time { return now }
	b.spec = model.StreamSpec{
		Name: "group_message_results", Shape: model.ShapeDetail, Concurrency: 1,
		Follow: &model.Follow{For: 7 * 24 * time.Hour, Min: time.Minute},
	}
	_, err := b.pool.Exec(t.Context(), `
		insert into groupchat.group_message (source, msg_id, chat_type, created_at, first_seen_at, listed_at, hash)
		values ('acme', 'm1', 'group', $1::timestamptz, $1, $1, 0)`, now)
	require.NoError(t, err)
	_, err = b.pool.Exec(t.Context(), `
		insert into groupchat.group_message_task (source, msg_id, user_id, status, first_seen_at, fetched_at, hash)
		select 'acme', 'm1', id, 2, $1, $1, 0 from unnest('{li,wu}'::text[]) id`, now)
	require.NoError(t, err)
	res := b.pass(sweep.Request{})
	require.Equal(t, model.OutcomePartial, res.Outcome)
	require.Equal(t, int64(1), res.Pass.Counts.ItemsFailed)
	require.Equal(t, "li c1, li c2, li c3", b.scalar(
		"select string_agg(user_id || ' ' || chat_id, ', ' order by user_id, chat_id) from groupchat.group_message_result"))
	require.Equal(t, "m1/wu cursor", b.scalar("select string_agg(concat_ws(' ', subject, last_error_code), ', ') from sync.item where failures > 0"))
	require.Equal(t, res.Pass.Counts.Calls, b.source.calls.Load(), "calls in vain are counted")
}
