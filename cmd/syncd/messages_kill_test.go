package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

const (
	massKillsWanted = 8
	massKillTenant  = 5 // mass messages a day
)

// committedSends are the messages and senders that are read, as [sendsAsked] has
// them.
func (s *massSite) committedSends() map[string]bool {
	s.t.Helper()
	read := map[string]bool{}
	for _, r := range rowsOf[struct{ Subject string }](s.site, `
		select msg_id || '/' from groupchat.group_message m
		 where closed_at is not null
		    or exists (select from groupchat.group_message_task t where t.source = m.source and t.msg_id = m.msg_id)
		union all
		select msg_id || '/' || user_id from groupchat.group_message_task where results_at is not null or closed_at is not null`) {
		read[r.Subject] = true
	}
	return read
}

// A process that is killed again and again while it reads messages, senders and
// receivers ends with the tables of one that never was, and asks again for no more
// than what was in flight.
func TestMassMessagesSurviveKills(t *testing.T) {
	t.Parallel()
	o := massTenant
	o.GroupMessages, o.Chats = massKillTenant, 60
	calm := newMassSite(t, o)
	calm.okNow("sync", "acme/owners", "acme/chats", "acme/members")
	calm.freeze()
	calm.okNow("sync")
	calm.reachIsRight()

	draw := killDraw(t)
	s := newMassSite(t, o)
	s.okNow("sync", "acme/owners", "acme/chats", "acme/members")
	s.freeze()
	asked := &sendsAsked{times: map[string]int{}}
	committed := map[string]bool{}
	notAgain := func() {
		t.Helper()
		for subject := range asked.take() {
			require.False(t, committed[subject], "%s was committed, and is fetched again", subject)
		}
	}
	calls := uint64(calm.calls()["get_groupmsg_send_result"])
	duringRequest, beforeCommit := s.killMany(s.sim, draw, massKillsWanted, calls/3, asked.note, func() {
		before := len(committed)
		times := asked.take()
		for subject := range times {
			require.False(t, committed[subject], "%s was committed, and is fetched again", subject)
		}
		committed = s.committedSends()
		require.LessOrEqual(t, len(times)-(len(committed)-before), inFlightMax)
	})
	t.Logf("killed inside an open pass: %d at a request, %d between answer and commit; %d messages and senders were read by then",
		duringRequest, beforeCommit, len(committed))
	s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		asked.note(r)
		return vendorsim.Verdict{}
	}})
	r := s.start("sync").wait()
	require.Equal(t, exitOK, r.code, r)
	notAgain()
	s.reachIsRight()
	require.Equal(t, calm.checksums(), s.checksums())
	require.Zero(t, scalar[int](s.site, "select count(*) from sync.checkpoint"))
}
