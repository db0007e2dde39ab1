package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/dingtalk"
	"syncd/internal/vendorsim/scrm"
)

// doctor tries vendors whose calls are metered: it books them where there is a
// database, and looks all the same where there is none.
func TestDoctorOfAMeteredSource(t *testing.T) {
	t.Parallel()
	s, sim := newDingTalkSite(t, dingtalk.Options{Chats: 20, Start: time.Now().Add(-time.Hour)})
	r := s.ok("doctor")
	require.NotContains(t, r.stdout, "needs the database")
	require.Contains(t, r.stdout, " per endpoint, and 5000 calls a month (the vendor's: 5000) in all")
	booked := scalar[int](s, "select coalesce(sum(used), 0) from sync.call_budget")
	require.Positive(t, booked)
	require.Equal(t, sim.MonthlyCalls(), booked)

	s.env["DSN"] = "postgres://nobody@127.0.0.1:1/none"
	r = s.run("doctor")
	require.Equal(t, exitLate, r.code, r)
	require.NotContains(t, r.stdout, "needs the database")
	require.Greater(t, sim.MonthlyCalls(), booked)
}

// verify does not ask for details that no stream of the source reads.
func TestVerifyWithoutDetails(t *testing.T) {
	t.Parallel()
	ding, _ := newDingTalkSite(t, dingtalk.Options{Chats: 20, Start: time.Now().Add(-time.Hour)})
	tanma, _ := newSCRMSite(t, scrm.Options{Groups: 20, Start: time.Now().Add(-time.Hour)})
	for _, s := range []*site{ding, tanma} {
		s.ok("sync")
		r := s.ok("verify")
		require.Contains(t, r.stdout, "skipped: never_detailed")
	}
}
