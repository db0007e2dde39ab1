package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/schedule"
	"syncd/internal/sweep"
	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/dingtalk"
)

// Who goes on only after a complete sync does not go on with a list that may lack
// something: it is partial, and says why.
func TestSyncOfAListThatMayLackSomething(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{Seed: 27, Chats: 150, Start: dingStart})
	s.done("sync")
	require.NoError(t, s.sim.Arm("wrong-total:on=chats"))
	s.advance(time.Hour)
	r := s.do("sync", "--full")
	require.Equal(t, exitPartial, r.code, r)
	const why = "it has not shown as many records as the vendor counts"
	require.Regexp(t, `ding/chats \(full\): partial: .* \(drifted\): `+why+"; some may be missing\n", r.stdout)
	require.Contains(t, r.stdout, "ding/group_sets: complete: ")
	require.Equal(t, "complete drifted "+why, scalar[string](s.site,
		"select concat_ws(' ', outcome, verdict, error) from sync.pass where stream = 'chats' order by pass_id desc limit 1"))
	require.Contains(t, s.do("status").stdout, why)
	s.sim.Disarm()
	s.advance(time.Hour)
	s.done("sync", "--full")
}

// Chats that were created since a full list began are in the other list only: where
// that one may lack some, so does the sync.
func TestSyncOfNewChatsThatMayLackSome(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{Seed: 28, Chats: 450, Sets: -1, Start: dingStart})
	s.done("sync", "ding/chats")
	s.advance(time.Hour)
	require.NoError(t, s.sim.Arm("refused:on=chats,from=3,code=ServiceUnavailable,status=503"))
	r := s.do("sync", "--full", "ding/chats")
	require.Equal(t, exitPartial, r.code, r)
	s.sim.Disarm()
	s.advance(7 * time.Hour) // new chats go first
	require.NoError(t, s.sim.Arm("unreadable:as=lost,on=chats,at=1"))
	r = s.do("sync", "ding/chats")
	require.Regexp(t, `ding/chats \(new\): partial: .* \(unproven\): `, r.stdout)
	require.Contains(t, r.stdout, "ding/chats (full): complete: ")
	require.Equal(t, exitPartial, r.code, r)
}

// After a change of the filters a list proves nothing about what is absent, once. It is
// complete all the same.
func TestSyncUnderOtherFilters(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 20})
	s.ok("sync")
	s.configure(s.vendor.URL, fmt.Sprintf("    owner_ids: [%s]\n", s.sim.FollowUsers(s.sim.Now())[0]))
	const says = "(unproven): the filters in the configuration have changed; what it lacks is not taken for gone\n"
	r := s.ok("sync")
	require.Regexp(t, `acme/chats: complete: .* \(unproven\): `, r.stdout)
	require.Contains(t, r.stdout, says)
	_, code := s.status(0)
	require.Equal(t, exitOK, code)
	require.NotContains(t, s.ok("sync").stdout, "unproven")
}

// A list that may lack something is not what makes a stream current.
func TestStatusOfListsThatMayLackSomething(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 5})
	s.ok("sync")
	s.ok("sync")
	chats := func() (map[string]any, int) {
		t.Helper()
		got, code := s.status(0)
		return got.Streams[1], code
	}
	set := func(sql string) {
		t.Helper()
		_, err := s.pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	whole, _ := chats()
	set("update sync.pass set verdict = 'drifted', lacking = true, error = 'why' where pass_id = (select max(pass_id) from sync.pass where stream = 'chats')")
	is, code := chats()
	require.Equal(t, exitOK, code, "the one before was complete")
	require.Equal(t, "drifted", is["verdict"])
	require.Less(t, is["complete_at"], whole["complete_at"])

	set("update sync.pass set verdict = 'unproven', lacking = true where stream = 'chats' and verdict = 'complete'")
	is, code = chats()
	require.Equal(t, exitLate, code)
	require.Equal(t, true, is["late"])
	require.NotContains(t, is, "complete_at")
	require.NotContains(t, is, "lag_seconds")
	require.Contains(t, s.run("status").stdout, "why")

	set("update sync.pass set lacking = false where verdict = 'unproven'")
	is, code = chats()
	require.Equal(t, exitOK, code, "only what it lacks is not proven")
	require.NotNil(t, is["complete_at"])
}

// The daemon warns of one, and says why.
func TestLogOfListsThatMayLackSomething(t *testing.T) {
	t.Parallel()
	var out buffer
	f := &fleet{host: &host{now: time.Now}, log: zerolog.New(&out)}
	task := schedule.Task{Source: "acme", Stream: "chats"}
	f.tell(task, sweep.Result{Outcome: model.OutcomeComplete, Closing: model.Closing{
		Verdict: model.VerdictDrifted, Why: "records moved", Lacking: true,
	}})
	f.tell(task, sweep.Result{Outcome: model.OutcomeComplete, Closing: model.Closing{Verdict: model.VerdictUnproven, Why: "other filters"}})
	require.Regexp(t, `^\{"level":"warn",.*"verdict":"drifted","reason":"records moved","message":"pass"\}
\{"level":"info",.*"verdict":"unproven","reason":"other filters","message":"pass"\}\n$`, out.String())
}
