package main

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/dingtalk"
)

// Messages are followed from their sending until they are old: often while they are
// young, seldom later, every reader with the time at which we first saw him.
func TestDingTalkReceipts(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{
		Seed: 51, Chats: 200, MeanMembers: 30, Messages: 1, MessagesPerDay: 100, Start: dingStart, Odd: true,
		KeyTTL: 30 * time.Hour, Limits: dingtalk.Limits{PerMonth: -1},
	})
	s.describe(`
name: ding
vendor: dingtalk
base_url: %s
credentials: {app_key: ` + dingtalk.DefaultAppKey + `, app_secret: "${DINGTALK_SECRET}"}
limits: {per_second: 0, per_month: 0}
`)
	run := s.longRun()
	seen := map[string]map[string]time.Time{}
	statuses := map[string][]string{}
	var sent []dingtalk.Message
	var keys []string
	for step := range 54 * 4 {
		s.advance(15 * time.Minute)
		if step < 24*4 {
			sent, keys = s.tracks(dingStart), nil
			for _, m := range sent {
				keys = append(keys, m.Key)
			}
		}
		run.done("message_reads")
		now := s.readers(keys...)
		for _, m := range sent {
			is := now[m.Key]
			for id, first := range seen[m.Key] {
				require.Equal(t, first, is[id], "a reader stays, with the time at which he was first seen")
			}
			for id, first := range is {
				if _, known := seen[m.Key][id]; !known {
					require.WithinDuration(t, s.sim.Now(), first, 0)
				}
			}
			seen[m.Key] = is
		}
		for _, row := range rowsOf[struct{ Key, Status string }](s.site,
			"select process_query_key, send_status from groupchat.robot_message where send_status is not null") {
			if list := statuses[row.Key]; len(list) == 0 || list[len(list)-1] != row.Status {
				statuses[row.Key] = append(list, row.Status)
			}
		}
	}
	require.Greater(t, len(sent), 80)
	chains := map[string]int{}
	for _, m := range sent {
		asked := s.sim.Now()
		truth, ok := s.sim.Message(m.Key, m.SentAt.Add(24*time.Hour))
		require.True(t, ok)
		require.True(t, asked.After(m.SentAt.Add(24*time.Hour)))
		for _, id := range truth.Readers {
			require.Contains(t, seen[m.Key], id, "who had read by the end of a day is known")
		}
		final, _ := s.sim.Message(m.Key, asked)
		require.Subset(t, final.Readers, slices.Collect(maps.Keys(seen[m.Key])))
		last := statuses[m.Key]
		require.NotEmpty(t, last)
		require.Equal(t, truth.Status, last[len(last)-1])
		for _, status := range last {
			chains[status]++
		}
	}
	require.Positive(t, chains[dingtalk.StatusRecalled])
	require.Positive(t, chains[dingtalk.StatusSuccess])
	recalled := scalar[int](s.site, `select count(*) from groupchat.robot_message
		where closed_at is not null and close_reason = 'RECALLED' and send_status = 'RECALLED'`)
	require.Equal(t, chains[dingtalk.StatusRecalled], recalled, "nobody reads them any more")
	require.Equal(t, len(sent)-recalled, scalar[int](s.site, `select count(*) from groupchat.robot_message
		where closed_at is not null and close_reason = 'followed to the end'
		  and closed_at between sent_at + interval '24 hours' and sent_at + interval '24 hours 30 minutes'`))
	reads := s.sim.Calls()[dingtalk.EndpointReads].Calls
	require.Less(t, reads, 16*len(sent), "half the age between two reads")
	require.Greater(t, reads, 8*len(sent))
}

// The same code means two things: too young, and the message waits; too old, and it
// is closed with the reason.
func TestDingTalkYoungAndOldMessages(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{Seed: 52, Chats: 100, Messages: 400, Start: dingStart, ReadyAfter: 2 * time.Hour})
	s.tracks(time.Time{})
	s.done("sync")
	young, old, tooOld := 0, 0, 0
	for _, m := range s.sim.Messages(dingStart) {
		truth, _ := s.sim.Message(m.Key, dingStart)
		reason := scalar[string](s.site, "select coalesce(close_reason, '') from groupchat.robot_message where process_query_key = $1", m.Key)
		switch {
		case m.SentAt.Before(dingStart.Add(-25 * time.Hour)):
			tooOld++
			require.Equal(t, "too old to be read", reason)
		case truth.Expired:
			old++
			require.Equal(t, "processQueryKey.expireTime", reason)
		case !truth.Ready:
			young++
			require.Empty(t, reason)
			require.Empty(t, s.readers(m.Key)[m.Key])
		case truth.Status == dingtalk.StatusRecalled:
			require.Equal(t, dingtalk.StatusRecalled, reason)
			s.readersAreTrue(m.Key)
		default:
			require.Empty(t, reason)
			s.readersAreTrue(m.Key)
		}
	}
	require.Positive(t, young)
	require.Positive(t, old)
	require.Greater(t, tooOld, 100)
	require.Equal(t, 400-tooOld, s.sim.Calls()[dingtalk.EndpointReads].Calls, "what is too old costs no call")
	list := s.done("track", "list").stdout
	require.Contains(t, list, "processQueryKey.expireTime, again at ")
	require.NotContains(t, list, "closed at")
	require.Contains(t, s.done("track", "list", "--all").stdout, "closed at 2026-11-04T11:00:00Z: processQueryKey.expireTime")
	s.advance(3 * time.Hour)
	s.done("sync", "ding/message_reads")
	for _, m := range s.sim.Messages(dingStart) {
		if truth, _ := s.sim.Message(m.Key, s.sim.Now()); !truth.Expired {
			require.NotEmpty(t, scalar[string](s.site, "select send_status from groupchat.robot_message where process_query_key = $1", m.Key))
		}
	}
}

// What the vendor says against one message closes that message, with the reason; the
// others go on.
func TestDingTalkMessagesThatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		"bot.stopped", "template.stopped", "invalid.openConversationId", "conversation.org.dismatch", "resource.not.found",
		"invalidParameter.robotCode.notExsit", "invalid.processQueryKey",
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := newDingSite(t, dingtalk.Options{Seed: 53, Chats: 100, Start: dingStart, ReadyAfter: time.Second})
			sent := s.tracks(dingStart.Add(-12 * time.Hour))
			require.Greater(t, len(sent), 5)
			require.NoError(t, s.sim.Arm("refused:on=reads,status=400,code="+code+",key="+sent[0].Key))
			s.done("sync", "ding/message_reads")
			require.Equal(t, code, scalar[string](s.site, "select close_reason from groupchat.robot_message where closed_at is not null"))
			for _, m := range sent[1:] {
				s.readersAreTrue(m.Key)
			}
			s.sim.Disarm()
			s.advance(2 * time.Hour)
			before := s.sim.Calls()[dingtalk.EndpointReads].Calls
			s.done("sync", "ding/message_reads")
			require.Positive(t, s.sim.Calls()[dingtalk.EndpointReads].Calls-before)
			require.Empty(t, s.readers(sent[0].Key)[sent[0].Key], "it is not asked for again")

			s.done("track", "add", "--key", sent[0].Key, "--chat", sent[0].ChatID, "--robot", "corrected")
			require.Equal(t, 0, scalar[int](s.site, "select count(*) from groupchat.robot_message where closed_at is not null"))
		})
	}
}

// The robot of another message, or its chat, is the vendor's word against this one.
func TestDingTalkMessageOfAnotherChat(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{Seed: 54, Chats: 100, Start: dingStart, ReadyAfter: time.Second})
	sent := s.tracks(dingStart.Add(-12 * time.Hour))
	other := slices.IndexFunc(sent, func(m dingtalk.Message) bool { return m.ChatID != sent[0].ChatID })
	s.exec("update groupchat.robot_message set open_conversation_id = $2 where process_query_key = $1", sent[0].Key, sent[other].ChatID)
	s.done("sync", "ding/message_reads")
	require.Equal(t, 1, scalar[int](s.site, "select count(*) from groupchat.robot_message where closed_at is not null"))
	s.exec("update groupchat.robot_message set closed_at = null, close_reason = null, open_conversation_id = $2 where process_query_key = $1",
		sent[0].Key, sent[0].ChatID)
	s.advance(time.Hour)
	s.done("sync", "ding/message_reads")
	s.readersAreTrue(sent[0].Key)
}
