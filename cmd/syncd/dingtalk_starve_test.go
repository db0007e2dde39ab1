package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/dingtalk"
)

// Many groups that are read one by one, because a list lacks them, do not take the
// calls of the lists: new groups are listed every day, although the reads come first.
func TestDingTalkChecksLeaveTheListsTheirCalls(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{
		Seed: 71, Chats: 2000, Sets: -1, Start: time.Date(2026, 11, 9, 12, 0, 0, 0, china), // a Monday
		Limits: dingtalk.Limits{PerMonth: -1},
	})
	s.describe(strings.Replace(dingtalkSource, "per_month: 5000", "per_month: 600", 1)) // 20 a day
	s.done("sync", "ding/chats")
	require.NoError(t, s.sim.Arm("unlisted:share=15"))
	s.advance(24 * time.Hour)
	require.Contains(t, s.done("sync", "--full", "ding/chats").stdout, "missing from the list")
	s.sim.Disarm()
	candidates := scalar[int](s.site, "select count(*) from sync.candidate where not held and checked_at is null")
	require.Greater(t, candidates, 200, "too few for the breaker, and more than there are calls")

	s.advance(11*time.Hour + 59*time.Minute) // until midnight
	r := s.do("sync", "ding/chat_checks")
	require.Equal(t, exitPartial, r.code, r)
	for day := range 4 {
		s.advance(24 * time.Hour)
		r := s.do("sync", "ding/chat_checks")
		require.Equal(t, exitPartial, r.code, r)
		require.Contains(t, r.stdout, "read by itself")
		was := scalar[int](s.site, "select count(*) from sync.candidate where checked_at is null")
		for range 2 {
			s.done("sync", "ding/chats")
		}
		require.Less(t, was, candidates, "day %d: those that are missing are read", day)
		candidates = was
	}
}
