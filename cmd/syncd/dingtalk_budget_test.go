package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/dingtalk"
)

// calls is how many of any kind the vendor was asked.
func (s *dingSite) calls() (n int) {
	for _, c := range s.sim.Calls() {
		n += c.Calls
	}
	return n
}

// Processes that run at the same time share the calls of the month, and all of them
// together never make one more. Each of them alone wants more than its share: who
// begins first does not come to an end either.
func TestDingTalkProcessesShareTheMonth(t *testing.T) {
	t.Parallel()
	const month = 60
	s := newDingSite(t, dingtalk.Options{
		Seed: 33, Chats: 7000, Sets: 700, Messages: 200, Start: time.Date(2026, 11, 30, 12, 0, 0, 0, china),
		Latency: 2 * time.Millisecond, Limits: dingtalk.Limits{PerMonth: month, PerAddress: -1},
	})
	s.describe(strings.Replace(dingtalkSource, "per_month: 5000", "per_month: 60, reads_share: 0.3", 1))
	s.tracks(s.sim.Now().Add(-20 * time.Hour))
	s.sharesClock()
	var all []*child
	for _, stream := range []string{"chats", "group_sets", "message_reads"} {
		all = append(all, s.start("sync", "ding/"+stream))
	}
	for _, c := range all {
		r := c.wait()
		require.Equal(t, exitPartial, r.code, r)
		require.Contains(t, r.stdout, "throttled (budget): the ")
		require.Contains(t, r.stdout, "; resumes at 2026-11-30T16:00:00Z", "midnight in China")
		require.NotContains(t, r.stdout, "ApiCountLimitForOrg", "the vendor did not have to say it")
	}
	require.Equal(t, month, s.sim.MonthlyCalls())
	require.Equal(t, month, scalar[int](s.site, "select used from sync.call_budget"))
	require.LessOrEqual(t, s.sim.Calls()[dingtalk.EndpointReads].Calls, 18, "the share of receipts")

	was := s.calls()
	r := s.do("sync")
	require.Equal(t, exitPartial, r.code, r)
	require.LessOrEqual(t, s.calls(), was+1, "nothing but a token is asked for")
	require.Equal(t, month, s.sim.MonthlyCalls())

	s.describe(dingtalkSource) // another month, and more of it
	s.advance(13 * time.Hour)
	require.Zero(t, s.sim.MonthlyCalls())
	require.NotEqual(t, exitFailed, s.do("sync").code)
	require.Equal(t, month, s.sim.MonthlyCalls(), "the vendor has no more")
}

// When the vendor says that other apps have spent the month, nothing is called until
// the next, by no process and in no stream.
func TestDingTalkMonthSpentByOthers(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{Seed: 34, Chats: 800, Start: dingStart})
	s.tracks(dingStart.Add(-20 * time.Hour))
	require.NoError(t, s.sim.Arm("month-spent:on=chats,at=3"))
	r := s.do("sync", "ding/chats")
	require.Equal(t, exitPartial, r.code, r)
	require.Contains(t, r.stdout, "ApiCountLimitForOrg")
	require.Contains(t, r.stdout, "wait for the next month, or buy calls for the organisation (API 调用量)")
	require.Contains(t, r.stdout, "; resumes at 2026-11-30T16:00:00Z")
	s.sim.Disarm()
	was, of := s.sim.Calls()[dingtalk.EndpointChats].Calls, s.calls()
	for _, later := range []time.Duration{0, 20 * 24 * time.Hour} {
		s.advance(later)
		r = s.do("sync")
		require.Equal(t, exitPartial, r.code, r)
		require.Contains(t, r.stdout, "the vendor says that no call is left until 2026-12-01T00:00:00+08:00")
	}
	require.Equal(t, was, s.sim.Calls()[dingtalk.EndpointChats].Calls)
	require.LessOrEqual(t, s.calls(), of+2, "nothing but tokens is asked for")
	planned := s.planOfMonth()
	require.NotNil(t, planned.BlockedUntil)
	require.Zero(t, planned.Calls)
	require.Contains(t, s.done("plan").stdout, "the vendor says that none is left until 2026-12-01T00:00:00+08:00")

	// A greater limit says that calls were bought. The vendor is asked, and says no.
	s.describe(strings.Replace(dingtalkSource, "per_month: 5000", "per_month: 7000", 1))
	require.Nil(t, s.planOfMonth().BlockedUntil)
	var asked [2]int
	for i := range asked {
		r = s.do("sync", "ding/chats")
		require.Equal(t, exitPartial, r.code, r)
		require.Contains(t, r.stdout, "ApiCountLimitForOrg")
		asked[i] = s.sim.Calls()[dingtalk.EndpointChats].Calls - was
	}
	require.Contains(t, []int{1, 2}, asked[0], "both relation types may be under way")
	require.Equal(t, asked[0], asked[1], "only once")

	s.advance(time.Date(2026, 12, 1, 0, 0, 0, 0, china).Sub(s.sim.Now()))
	s.done("sync")
	s.done("sync", "--full")
	s.chatsAreTrue(s.visible())
}

// An address that the vendor bans is silent for five minutes, whatever the stream.
func TestDingTalkBanSilencesTheAddress(t *testing.T) {
	t.Parallel()
	for _, shape := range []string{"html", "punish", "status"} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			s := newDingSite(t, dingtalk.Options{Seed: 35, Chats: 400, Start: dingStart})
			s.tracks(dingStart.Add(-20 * time.Hour))
			require.NoError(t, s.sim.Arm("ip-ban:on=sets,at=1,as="+shape))
			r := s.do("sync")
			require.Equal(t, exitPartial, r.code, r)
			require.Contains(t, r.stdout, "throttled (ip ban): ")
			require.Contains(t, r.stdout, "too many calls came from this address: lower limits, and look for other programs behind it")
			require.Contains(t, r.stdout, "; resumes at 2026-11-04T11:0", "in five minutes")
			require.Zero(t, s.sim.Calls()[dingtalk.EndpointChats].Calls)
			require.Zero(t, s.sim.Calls()[dingtalk.EndpointReads].Calls)
			require.LessOrEqual(t, s.sim.Calls()[dingtalk.EndpointSets].Calls, 2, "those that were under way")
			s.sim.Disarm()
			s.advance(5*time.Minute + time.Second)
			s.done("sync")
			s.chatsAreTrue(s.visible())
		})
	}
}

// Throttles and a lack of permission come with one status and the same first words.
func TestDingTalkThrottlesAreNoLackOfPermission(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{Seed: 36, Chats: 100, Start: dingStart})
	for _, code := range []string{"QpsLimitForAppkeyAndApi", "QpsLimitForApi", "QpmLimitForSuitekeyAndOrgAndApi", "QpsLimitForSomethingNew"} {
		require.NoError(t, s.sim.Arm("refused:on=chats,status=403,code=Forbidden.AccessDenied."+code))
		r := s.do("sync", "ding/chats")
		require.Equal(t, exitPartial, r.code, r)
		require.Contains(t, r.stdout, "throttled (Forbidden.AccessDenied."+code+")")
		s.sim.Disarm()
	}
	require.NoError(t, s.sim.Arm("permission-denied:on=chats"))
	r := s.do("sync", "ding/chats")
	require.Equal(t, exitFailed, r.code, r)
	require.Contains(t, r.stdout, "grant the app its permission points (权限管理) in the developer console: Crm.CustomerGroup.Read")
	s.sim.Disarm()
	s.done("sync")
}
