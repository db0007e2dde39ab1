package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/dingtalk"
)

func TestDingTalkSync(t *testing.T) {
	t.Parallel()
	s, sim := newDingTalkSite(t, dingtalk.Options{Chats: 430, Start: time.Now().Add(-time.Minute), Limits: dingtalk.Limits{PerSecond: -1}})
	for _, m := range sim.Messages(sim.Now())[:5] {
		s.ok("track", "add", "--key", m.Key, "--chat", m.ChatID, "--robot", m.RobotCode, "--sent-at", m.SentAt.Format(time.RFC3339))
	}
	r := s.ok("sync")
	t.Log(r)
	t.Logf("%+v", sim.Totals(sim.Now()))
	require.Equal(t, 430, scalar[int](s, "select count(*) from groupchat.chat where gone_at is null"))
	t.Log(s.ok("track", "list"))
	first := s.checksums()
	t.Log(s.ok("sync"))
	require.Equal(t, first, s.checksums())
	t.Log(s.ok("status"))
	t.Log(s.ok("plan"))
}
