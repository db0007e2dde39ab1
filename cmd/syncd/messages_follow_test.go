package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// What becomes of messages is followed while they can change, and not longer: in the
// end all of it is known, and what it costs is a few calls for each sender.
func TestMassMessagesAreFollowed(t *testing.T) {
	t.Parallel()
	s := newMassSite(t, massTenant)
	asked := &sendsAsked{times: map[string]int{}}
	s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		asked.note(r)
		return vendorsim.Verdict{}
	}})
	began := s.sim.Now()
	total := map[string]int{}
	for range 22 {
		s.okNow(massStreams[:4]...)
		for subject, n := range asked.take() {
			total[subject] += n
		}
		s.advance(12 * time.Hour)
	}
	s.okNow(massStreams[:4]...)
	asked.take()

	have := s.storedReach()
	over := s.between(began.AddDate(0, 0, -30), s.sim.Now().Add(-8*24*time.Hour))
	require.Greater(t, len(over), 100)
	cancelled := 0
	for id, m := range over {
		closed := scalar[string](s.site, "select coalesce(close_reason, 'open') from groupchat.group_message where msg_id = $1", id)
		switch closed {
		case "41093":
			cancelled++
			require.False(t, m.CancelledAt.IsZero(), id)
		case "every sender has sent it", "followed to the end":
			if m.CancelledAt.IsZero() {
				require.Empty(t, cmp.Diff(s.toldBy(m), have[id]), id)
			}
		default:
			require.Fail(t, "a message is not closed", "%s of %s is %s", id, m.CreatedAt, closed)
		}
	}
	require.Greater(t, cancelled, 3)
	require.Equal(t, 0, scalar[int](s.site, `select count(*) from groupchat.group_message_task t join groupchat.group_message m using (source, msg_id)
		where m.created_at < $1 and t.closed_at is null`, s.sim.Now().Add(-16*24*time.Hour)))

	// Nobody asks about them again, and the rest of the calls is few.
	s.advance(26 * time.Hour)
	s.okNow(massStreams[:4]...)
	for subject := range asked.take() {
		id, _, _ := strings.Cut(subject, "/")
		require.NotContains(t, over, id)
	}
	senders, calls := 0, 0
	for subject, n := range total {
		if !strings.HasSuffix(subject, "/") {
			senders++
			calls += n
			require.LessOrEqual(t, n, 6, subject)
		}
	}
	t.Logf("%d senders were asked about %d times", senders, calls)
	require.Less(t, calls, 2*senders)
}

// What the vendor says against single messages and senders is kept beside them, and
// what is not there yet is asked for later.
func TestFaultsOfMassMessages(t *testing.T) {
	t.Parallel()
	o := massTenant
	o.GroupMessages = 4
	s := newMassSite(t, o)
	s.okNow("sync", "acme/group_messages")
	pick := func(n int) string {
		return rowsOf[struct{ ID string }](s.site, `select msg_id from groupchat.group_message where created_at < $1
			order by created_at desc`, s.sim.Now().Add(-time.Hour))[n].ID
	}
	cancelled, gone, late, sent := pick(0), pick(1), pick(2), pick(3)
	var sender string
	for n := 3; sender == "" || len(s.sim.Tasks(sent, s.sim.Now())) == 0; n++ {
		sent = pick(n)
		if m, _ := s.sim.Message(sent, s.sim.Now()); m.CancelledAt.IsZero() && sent != late {
			sender = s.sim.Tasks(sent, s.sim.Now())[0].Sender
		}
	}
	s.arm("cancelled:message="+cancelled, "message-gone:message="+gone, "dispatching:message="+late,
		"bad-owner:on=results,message="+sent+",owner="+sender,
		"token-expired:on=tasks,times=1", "busy:on=results,times=2", "unknown-fields:on=tasks+results,times=3", "quoted-numbers:on=tasks,times=3")
	s.okNow(massStreams...)
	s.allStruck()
	reason := func(id string) string {
		return scalar[string](s.site, "select coalesce(close_reason, 'open') from groupchat.group_message where msg_id = $1", id)
	}
	require.Equal(t, []string{"41093", "41047", "open"}, []string{reason(cancelled), reason(gone), reason(late)})
	require.Equal(t, "40003", scalar[string](s.site,
		"select close_reason from groupchat.group_message_task where msg_id = $1 and user_id = $2", sent, sender))
	require.Equal(t, 0, scalar[int](s.site, "select count(*) from groupchat.group_message_task where msg_id = any ($1)", []string{cancelled, gone, late}))

	// Later the one that was not ready can be read; the others are left alone.
	s.sim.Disarm()
	s.advance(24 * time.Hour)
	s.okNow(massStreams...)
	if m, _ := s.sim.Message(late, s.sim.Now()); m.CancelledAt.IsZero() {
		require.Empty(t, cmp.Diff(s.toldBy(m), s.storedReach()[late]))
	}
	require.Equal(t, []string{"41093", "41047"}, []string{reason(cancelled), reason(gone)})
}

// Faults of lists and pages heal within the sync, or the next one.
func TestListFaultsOfMassMessagesHeal(t *testing.T) {
	t.Parallel()
	o := massTenant
	o.GroupMessages = 4
	s := newMassSite(t, o)
	s.arm("empty-pages:on=messages,from=2,times=2", "rows-doubled:on=messages+tasks+results,times=3", "cursor-dead:on=messages,times=1",
		"rows-repeated:on=messages,rows=1,times=1", "busy:on=messages+tasks+results,times=3", "gateway:on=tasks,times=2",
		"token-invalid:on=messages,times=1", "congested:on=tasks,times=1")
	for range 4 {
		if r := s.runOn(s.now, massStreams...); r.code == exitOK {
			break
		}
		s.advance(2 * time.Minute)
	}
	s.sim.Disarm()
	s.dueNow()
	s.okNow(massStreams...)
	now := s.sim.Now()
	want := map[string]reach{}
	for id, m := range s.between(now.AddDate(0, 0, -30), now.Add(-time.Minute)) {
		want[id] = s.toldBy(m)
	}
	require.Empty(t, cmp.Diff(want, s.storedReach()))
}

// An element that cannot be read is kept as it came, and closes nothing.
func TestUnreadableSendersCloseNothing(t *testing.T) {
	t.Parallel()
	o := massTenant
	o.GroupMessages = 2
	s := newMassSite(t, o)
	s.okNow("sync", "acme/group_messages")
	s.arm("unreadable:on=tasks,as=lost")
	s.okNow("sync", "acme/group_message_tasks")
	require.Positive(t, scalar[int](s.site, "select count(*) from sync.reject where kind = 'group_message_task'"))
	require.Equal(t, 0, scalar[int](s.site, "select count(*) from groupchat.group_message where close_reason = 'every sender has sent it'"))
}

// Ways that are deleted are marked gone, once, with the reason; and members are
// counted for the way that brought them.
func TestJoinWays(t *testing.T) {
	t.Parallel()
	o := massTenant
	o.Chats, o.MeanMembers, o.GroupMessages, o.Resigned = 260, 12, -1, vendorsim.ResignedUnfiltered
	s := newMassSite(t, o)
	s.okNow("sync")
	require.Greater(t, s.waysAreTheTruth(), 10)
	s.membersOfWays()
	s.advance(50 * 24 * time.Hour)
	s.configureWays()
	gone := scalar[int](s.site, "select count(*) from groupchat.join_way where gone_at is not null")
	s.okNow("sync", "acme/join_ways")
	require.Greater(t, s.waysAreTheTruth(), 10)
	require.Greater(t, scalar[int](s.site, "select count(*) from groupchat.join_way where gone_at is not null"), gone)
	require.Equal(t, 1, scalar[int](s.site, "select count(*) from groupchat.join_way where first_seen_at is null and gone_at is not null and config_id = $1", s.foreign))
	s.dueNow()
	require.Zero(t, s.cost(func() { s.okNow("sync", "acme/join_ways") }).writes)

	// One that can be read again is not gone any more.
	id := scalar[string](s.site, "select min(config_id) from groupchat.join_way where gone_at is null")
	s.arm("way-gone:way=" + id)
	s.dueNow()
	s.okNow("sync", "acme/join_ways")
	require.Equal(t, "41044", scalar[string](s.site, "select gone_reason from groupchat.join_way where config_id = $1 and state is not distinct from state", id))
	s.sim.Disarm()
	s.dueNow()
	s.okNow("sync", "acme/join_ways")
	require.Greater(t, s.waysAreTheTruth(), 10)
}

// membersOfWays compares bi.join_way_members with members and ways.
func (s *massSite) membersOfWays() {
	s.t.Helper()
	byState, byChat := map[string][]string{}, map[string]string{}
	for w := range s.sim.JoinWays(s.sim.Now()) {
		if w.DeletedAt.IsZero() && w.State != "" {
			byState[w.State] = append(byState[w.State], w.ID)
			for _, chat := range w.ChatIDs {
				byChat[w.State+" "+chat] = w.ID
			}
		}
	}
	type group struct{ Way, State, Day string }
	want := map[group]int{}
	for c := range s.sim.Chats(s.sim.Now()) {
		for _, m := range c.Members {
			if m.State == "" {
				continue
			}
			g := group{Way: byChat[m.State+" "+c.ID], State: m.State, Day: m.JoinedAt.In(china).Format(time.DateOnly)}
			if all := byState[m.State]; g.Way == "" && len(all) == 1 {
				g.Way = all[0]
			}
			want[g]++
		}
	}
	have := map[group]int{}
	for _, r := range rowsOf[struct {
		group
		N int
	}](s.site, "select coalesce(config_id, ''), state, coalesce(day::text, ''), joined from bi.join_way_members") {
		require.NotContains(s.t, have, r.group)
		have[r.group] = r.N
	}
	require.Empty(s.t, cmp.Diff(want, have))
	require.Greater(s.t, len(want), 40)
	require.Positive(s.t, scalar[int](s.site, "select count(*) from bi.join_way_members where config_id is null and ways > 1"), "some may be meant by several")
}

// The fan-out of messages by senders is planned before it is called for.
func TestPlanOfMassMessages(t *testing.T) {
	t.Parallel()
	s := newMassSite(t, massTenant)
	plan := func() map[string]plannedStream {
		r := s.runOn(s.now, "plan", "--json", "acme")
		require.Equal(t, exitOK, r.code, r)
		var report planReport
		require.NoError(t, json.Unmarshal([]byte(r.stdout), &report))
		streams := map[string]plannedStream{}
		for _, one := range report.Streams {
			streams[one.Stream] = one
		}
		return streams
	}
	require.Equal(t, int64(2), plan()["group_messages"].Calls, "the month before in two parts")
	s.okNow("sync", "acme/group_messages")
	require.Equal(t, int64(1), plan()["group_messages"].Calls)
	messages := scalar[int64](s.site, "select count(*) from groupchat.group_message")
	p := plan()
	require.Equal(t, messages, p["group_message_tasks"].Calls)
	require.Zero(t, p["group_message_results"].Calls)
	require.Contains(t, p["group_message_results"].Note, "how many nobody knows yet")
	ways := p["join_ways"].Calls

	s.okNow("sync", "acme/group_message_tasks")
	p = plan()
	s.sim.ResetCalls()
	s.okNow("sync", "acme/group_message_results", "acme/join_ways")
	calls := s.calls()
	require.Equal(t, calls["get_groupmsg_send_result"], p["group_message_results"].Calls)
	require.Equal(t, calls["groupchat/get_join_way"], ways)
	require.Greater(t, p["group_message_results"].Calls, messages)

	// New messages bring about as many senders each as the others have.
	s.advance(3 * 24 * time.Hour)
	s.okNow("sync", "acme/group_messages")
	p = plan()
	s.sim.ResetCalls()
	s.okNow("sync", "acme/group_message_tasks", "acme/group_message_results")
	calls = s.calls()
	require.Equal(t, calls["get_groupmsg_task"], p["group_message_tasks"].Calls)
	require.Contains(t, p["group_message_results"].Note, "group_message_tasks reads first")
	require.InEpsilon(t, calls["get_groupmsg_send_result"], p["group_message_results"].Calls, 0.5)
}
