package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// backfill rewrites the options of the list of mass messages.
func (s *massSite) backfill(days int) {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	require.NoError(s.t, err)
	before, rest, ok := strings.Cut(string(text), "group_messages: {")
	require.True(s.t, ok)
	_, after, ok := strings.Cut(rest, "}")
	require.True(s.t, ok)
	changed := fmt.Sprintf("%sgroup_messages: {enabled: true, backfill_days: %d}%s", before, days, after)
	require.NoError(s.t, os.WriteFile(s.config, []byte(changed), 0o600))
}

// listsFrom lists mass messages and checks that all are stored that were made since
// then, and none that is older. What was made within an hour of either end is left
// open: the clock goes on meanwhile.
func (s *massSite) listsFrom(since time.Time) {
	s.t.Helper()
	s.okNow("sync", "acme/group_messages")
	stored := map[string]bool{}
	for _, r := range rowsOf[struct{ ID string }](s.site, "select msg_id from groupchat.group_message") {
		stored[r.ID] = true
	}
	now := s.sim.Now()
	for id, m := range s.between(since.Add(time.Hour), now.Add(-time.Hour)) {
		require.True(s.t, stored[id], "%s, made %s ago, was passed over", id, now.Sub(m.CreatedAt))
	}
	for id := range s.between(time.Time{}, since.Add(-time.Hour)) {
		require.False(s.t, stored[id], "%s was not asked for", id)
	}
}

// Whatever backfill_days says, and when it says more than before, everything since
// then is listed; and a time without a sync is no hole, however long it was.
func TestNoMassMessageIsPassedOver(t *testing.T) {
	t.Parallel()
	s := newMassSite(t, vendorsim.Options{Seed: 23, Chats: 20, Owners: 4, MeanMembers: 3, MaxMembers: 5, GroupMessages: 4})
	began := s.sim.Now()
	for _, days := range []int{1, 2, 28, 29, 30, 31, 62, 180} {
		s.backfill(days)
		s.listsFrom(began.AddDate(0, 0, -days))
	}
	s.backfill(7)
	s.listsFrom(began.AddDate(0, 0, -180))
	s.advance(45 * 24 * time.Hour)
	s.listsFrom(began.AddDate(0, 0, -180))
	require.Zero(t, scalar[int](s.site, "select count(*) from sync.finding where kind = 'out_of_reach'"))
}

// A message that the list shows only hours after it was made is not passed over by
// lists that are complete without it.
func TestMassMessagesThatShowLate(t *testing.T) {
	t.Parallel()
	s := newMassSite(t, vendorsim.Options{Seed: 26, Chats: 20, Owners: 4, MeanMembers: 3, MaxMembers: 5, GroupMessages: 12})
	s.backfill(2)
	const late = 20 * time.Hour
	s.arm("listed-late:by=" + late.String())
	began := s.sim.Now()
	for range 10 {
		r := s.okNow("sync", "acme/group_messages")
		require.Contains(t, r.stdout, "acme/group_messages: complete")
		s.advance(5 * time.Hour)
	}
	s.okNow("sync", "acme/group_messages")
	s.allStruck()
	stored := map[string]bool{}
	for _, r := range rowsOf[struct{ ID string }](s.site, "select msg_id from groupchat.group_message") {
		stored[r.ID] = true
	}
	shown := s.sim.Now().Add(-late)
	for id, m := range s.between(began.AddDate(0, 0, -2).Add(time.Hour), shown.Add(-time.Hour)) {
		require.True(t, stored[id], "%s, made on %s, was passed over", id, m.CreatedAt)
	}
	hidden := s.between(shown.Add(time.Hour), s.sim.Now())
	require.NotEmpty(t, hidden)
	for id := range hidden {
		require.False(t, stored[id], "%s is shown later", id)
	}
}

// A full sync reads closed messages again, and those of whom nothing new is expected.
func TestFullSyncOfMassMessages(t *testing.T) {
	t.Parallel()
	s := newMassSite(t, vendorsim.Options{
		Seed: 24, Chats: 30, Owners: 5, MeanMembers: 3, MaxMembers: 5, GroupMessages: 3,
		Resigned: vendorsim.ResignedFiltered,
	})
	s.okNow(massStreams...)
	s.reachIsRight()
	require.Positive(t, scalar[int](s.site, "select count(*) from sync.item where stream = 'group_message_results' and due_at = 'infinity'"))
	closed := scalar[int](s.site, "select count(*) from groupchat.group_message where closed_at is not null")
	require.Positive(t, closed)

	// What is stored is wrong, and its hash does not show it.
	_, err := s.pool.Exec(t.Context(), `
		update groupchat.group_message set content = 'wrong';
		update groupchat.group_message_task set status = 77 where status = 2;
		update groupchat.group_message_result set status = 77 where status in (0, 1)`)
	require.NoError(t, err)
	s.okNow(append(massStreams, "--full")...)
	s.reachIsRight()
	require.GreaterOrEqual(t, scalar[int](s.site, "select count(*) from groupchat.group_message where closed_at is not null"), closed)
	require.Zero(t, scalar[int](s.site, `select count(*) from groupchat.group_message_task t join groupchat.group_message m using (source, msg_id)
		where m.closed_at is not null and m.close_reason <> 'every sender has sent it' and not t.is_sent and t.closed_at is null`))
}

// Where more than a page of messages is listed again, the plan says so.
func TestPlanOfManyMassMessages(t *testing.T) {
	t.Parallel()
	s := newMassSite(t, vendorsim.Options{Seed: 25, Chats: 20, Owners: 4, MeanMembers: 3, MaxMembers: 5, GroupMessages: 120})
	s.backfill(10)
	s.okNow("sync", "acme/group_messages")
	_, streams := s.plan("acme/group_messages")
	s.calls()
	s.okNow("sync", "acme/group_messages")
	made := s.calls()["get_groupmsg_list_v2"]
	require.Equal(t, made, streams["group_messages"].Calls)
	require.Greater(t, made, int64(1))
}
