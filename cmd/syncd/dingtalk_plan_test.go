package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/dingtalk"
)

// What a small tenant wants fits; with a limit that is too low the plan says when
// calls begin to wait, and when the month is spent.
func TestDingTalkPlanOfTheMonth(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 11, 12, 0, 0, 0, china)
	s := newDingSite(t, dingtalk.Options{Seed: 71, Chats: 450, Sets: 40, MessagesPerDay: -1, Messages: 1, Start: start})
	s.done("sync")
	m := s.planOfMonth()
	require.True(t, m.Fits)
	require.Nil(t, m.WaitsAt)
	require.Nil(t, m.SpentAt)
	require.Equal(t, int64(s.sim.MonthlyCalls()), m.Used)
	require.Equal(t, "2026-12-01T00:00:00+08:00", m.Until.Format(time.RFC3339))
	byName := map[string]plannedMonthOfStream{}
	for _, p := range m.Streams {
		byName[p.Stream+"/"+p.Mode] = p
		require.Equal(t, p.Wanted, p.Calls, p.Stream)
	}
	total := func(name string) int64 { return byName[name].Wanted }
	require.Equal(t, int64(19), byName["group_sets/"].Runs, "4:20 on the 12th to the 30th")
	require.Equal(t, byName["group_sets/"].Runs*int64(s.sim.Calls()[dingtalk.EndpointSets].Calls), total("group_sets/"))
	require.Equal(t, int64(3), byName["chats/full"].Runs, "the Sundays")
	require.Equal(t, int64(3*5), total("chats/full"))
	require.Equal(t, int64(78), byName["chats/new"].Runs)
	require.Equal(t, int64(78*2), total("chats/new"))
	require.Contains(t, byName["chat_checks/"].Note, "how many vanish shows the second full list")
	require.Zero(t, total("message_reads/"))
	require.Contains(t, s.done("plan").stdout, "; they fit\n")
	require.Contains(t, s.done("doctor").stdout, "ok    ding: calls of the month: 266 more are wanted until 2026-12-01T00:00:00+08:00, and fit\n")

	s.describe(strings.Replace(dingtalkSource, "per_month: 5000", "per_month: 150", 1))
	m = s.planOfMonth()
	require.False(t, m.Fits)
	require.Equal(t, m.Limit, m.Used+m.Calls, "all that there is will be used")
	require.Greater(t, m.Wanted, m.Calls)
	require.False(t, m.WaitsAt.After(*m.SpentAt))
	require.Equal(t, "2026-11-30", m.SpentAt.Format(time.DateOnly), "a month lasts a month")
	printed := s.done("plan").stdout
	require.Contains(t, printed, "the month is spent on 2026-11-30, calls wait from 2026-11-")
	const lists = "list everything less often (full_schedule), or raise limits.per_month"
	require.Contains(t, printed, "ding: → "+lists+"\n")
	printed = s.done("doctor").stdout
	require.Regexp(t, `warn  ding: calls of the month: 266 more are wanted until 2026-12-01T00:00:00\+08:00, of which \d+ can be made; `+
		`ding/group_sets, ding/chats \(full\), ding/chats \(new\) wait from 2026-11-`, printed)
	require.Contains(t, printed, " → "+lists+"\n")

	s.describe(strings.Replace(dingtalkSource, "per_month: 5000", "per_month: 5000, reads_share: 0.01", 1))
	s.exec(`insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code, sent_at)
		select 'ding', 'k' || n, 'c', 'r', $1 from generate_series(1, 500) n`, start)
	const reads = "raise limits.reads_share or per_month, or shorten follow_for of message_reads"
	require.Contains(t, s.done("plan").stdout, "ding: → "+reads+"\n")
	require.Contains(t, s.done("doctor").stdout, "ding/message_reads wait from 2026-11-11 → "+reads+"\n")

	s.describe(strings.Replace(dingtalkSource, "per_month: 5000", "per_month: 0", 1))
	require.NotContains(t, s.done("plan").stdout, "REST OF THE MONTH")
	require.NotContains(t, s.done("plan", "--json").stdout, "months")
}

// Passes and messages of the past tell what is to come.
func TestDingTalkPlanLearns(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{
		Seed: 72, Chats: 2000, Sets: -1, MessagesPerDay: 24, Messages: 1, Start: dingStart, Limits: dingtalk.Limits{PerMonth: -1},
	})
	s.describe(strings.Replace(dingtalkSource, "per_month: 5000", "per_month: 100000", 1))
	s.done("sync")
	s.advance(10 * 24 * time.Hour)
	sent := s.tracks(s.sim.Now().Add(-7 * 24 * time.Hour))
	s.done("sync", "--full")
	missed := scalar[int](s.site, "select candidates::int from sync.pass where mode = 'full' order by pass_id desc limit 1")
	require.Greater(t, missed, 20)
	m := s.planOfMonth()
	for _, p := range m.Streams {
		calls := p.Wanted
		switch p.Stream {
		case "chat_checks": // the last list is on the 29th, half a month later
			require.InDelta(t, float64(missed)*1.43, calls, float64(missed)/5)
		case "message_reads":
			reads := float64(len(sent)) / 7 * 16 * 11
			require.InEpsilon(t, reads, calls, 0.25, "%d messages in seven days, each asked for some eleven times", len(sent))
		}
	}
	require.True(t, m.Fits)
}
