package main

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// A crash between two commits loses what the open list pass had seen, and no
// statement fails: the pass must not take what it cannot remember for missing.
func TestPostgresCrashesUnnoticed(t *testing.T) {
	t.Parallel()
	k := newKeptServer(t)
	s := k.newSite(t)
	r := s.sync()
	require.Equal(t, exitOK, r.code, r)

	var calls atomic.Int64
	back := make(chan struct{})
	s.sim.SetScript(vendorsim.Script{OnRequest: func(ctx context.Context, r vendorsim.Request) vendorsim.Verdict {
		if r.Endpoint != vendorsim.EndpointChatList {
			return vendorsim.Verdict{}
		}
		switch n := calls.Add(1); {
		case n == 5:
			defer close(back)
			s.await(ctx, "all answers are committed", "select pages = 4 from sync.pass where stream = 'chats' and finished_at is null")
			k.restart(true)
			s.pool.Reset()
			s.await(ctx, "the process is connected again", `select count(*) > 0 from pg_stat_activity
				where datname = current_database() and application_name like 'syncd%'`)
		case n > 5:
			<-back
		}
		return vendorsim.Verdict{}
	}})
	r = s.runOn(patient, "sync")
	require.Contains(t, []int{exitOK, exitFailed}, r.code, r)
	require.NotContains(t, r.stdout, "missing from the list", r)
	require.Zero(t, scalar[int](s, "select count(*) from sync.finding"))
	s.recovers()
	s.sameAsCalm()
}

// Items that failed in the first run of a pass and were read in the second are
// read: the pass is complete.
func TestResumedPassCountsWhatStillFails(t *testing.T) {
	t.Parallel()
	s := newFaultySite(t, "busy:on=get,from=9")
	r := s.sync()
	require.Equal(t, exitPartial, r.code, r)
	s.sim.Disarm()
	s.dueNow()
	r = s.sync()
	require.Zero(t, scalar[int](s, "select count(*) from sync.item where failures > 0 or fetched_at is null"))
	require.Equal(t, exitOK, r.code, r)
}

// A person whom the vendor lists twice is counted once.
func TestMemberCountOfDoubledMembers(t *testing.T) {
	t.Parallel()
	s := newFaultySite(t, "rows-doubled:on=get")
	r := s.sync()
	require.Equal(t, exitOK, r.code, r)
	s.sameAsCalm()
}
