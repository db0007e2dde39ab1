package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/dingtalk"
)

// A vendor whose totalCount is of other groups than it lists, by a filter that it does
// not heed for instance, proves nothing, ever: a finding says so and what to do, and
// once that is done, what has vanished is found gone.
func TestDingTalkCountsOtherGroupsThanItLists(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{Seed: 26, Chats: 150, Start: dingStart})
	require.NoError(t, s.sim.Arm("wrong-total:on=chats+sets"))
	require.Equal(t, exitPartial, s.do("sync").code)
	require.NoError(t, s.sim.Arm("unlisted:group=#7"))
	require.NoError(t, s.sim.Arm("gone:chat=#7"))
	for range 2 {
		s.advance(time.Hour)
		r := s.do("sync", "--full")
		require.Equal(t, exitPartial, r.code, r)
		require.Contains(t, r.stdout, "(drifted)")
	}
	require.Zero(t, scalar[int](s.site, "select count(*) from groupchat.chat where gone_at is not null"))
	require.Equal(t, 2, scalar[int](s.site, "select count(*) from sync.finding where kind = 'never_proven' and cleared_at is null"))
	require.Equal(t, "compare with the vendor's console; if the list is whole, set streams.chats.check_totals to false",
		scalar[string](s.site, "select remedy from sync.finding where kind = 'never_proven' and stream = 'chats' and subject = 'full'"))
	require.Contains(t, s.do("status").stdout, "3 lists in a row prove nothing")

	s.describe(strings.TrimRight(dingtalkSource, "\n") + "\nstreams: {chats: {check_totals: false}, group_sets: {check_totals: false}}\n")
	s.advance(time.Hour)
	require.NotContains(t, s.done("sync", "--full").stdout, "(drifted)")
	require.Equal(t, 1, scalar[int](s.site, "select count(*) from groupchat.chat where gone_at is not null"))
	require.Zero(t, scalar[int](s.site, "select count(*) from sync.finding where kind = 'never_proven' and cleared_at is null"))
	require.NotContains(t, s.do("status").stdout, "prove nothing")
}
