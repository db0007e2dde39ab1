package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/dingtalk"
)

// A full list that takes days, because there are so few calls, does not keep new
// groups waiting that long, and comes to its end all the same.
func TestDingTalkNewGroupsDoNotWaitForAFullList(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{
		Seed: 72, Chats: 15_000, Sets: -1, Start: time.Date(2026, 11, 29, 6, 30, 0, 0, china), // a Sunday
		Limits: dingtalk.Limits{PerMonth: -1},
	})
	s.describe(dingtalkSource)
	s.done("sync", "ding/chats")
	s.describe(strings.Replace(dingtalkSource, "per_month: 5000", "per_month: 600", 1)) // 20 a day, an eighth of a list
	s.exec("update sync.call_budget set used = 0")
	var fulls []string
	for run := range 4 * 12 {
		s.advance(6 * time.Hour)
		r := s.do("sync", "ding/chats")
		require.NotEqual(t, exitFailed, r.code, r)
		if strings.Contains(r.stdout, "ding/chats (full): complete") {
			fulls = append(fulls, s.sim.Now().In(china).Format("02 15:04"))
		}
		if s.sim.Now().Day() < 6 {
			continue // until the full list is due again
		}
		stored := s.chatsStored()
		for id := range s.chatsOfTruth(s.visible().Add(-30 * time.Hour)) {
			_, known := stored[id]
			require.True(t, known, "%s, run %d at %s: %s", id, run, s.sim.Now(), r.stdout)
		}
	}
	require.NotEmpty(t, fulls)
	require.Greater(t, fulls[0], "07 12", "it took more than a day")
}
