package main

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// Two processes that are told to sync the same at the same time take turns, and
// leave the tables of one.
func TestTwoSyncsAtOnce(t *testing.T) {
	t.Parallel()
	calm := newSite(t, killTenant)
	calm.ok("sync")

	s := newSite(t, killTenant)
	a, b := s.start("sync"), s.start("sync")
	ra, rb := a.wait(), b.wait()
	require.Equal(t, exitOK, ra.code, ra)
	require.Equal(t, exitOK, rb.code, rb)
	require.Equal(t, calm.checksums(), s.checksums())
	require.Equal(t, 6, scalar[int](s, "select count(*) from sync.pass where outcome = 'complete'"))
	require.Zero(t, scalar[int](s, "select count(*) from sync.pass where outcome <> 'complete'"))
	gets := s.sim.Calls()[vendorsim.EndpointChatGet]
	require.Equal(t, 2000, gets.Calls, "what one has read is fresh for the other")
}

func TestNoWaitSaysWhoHoldsTheStream(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 10})
	inside, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		if r.Endpoint == vendorsim.EndpointFollowUsers {
			once.Do(func() { close(inside) })
			<-release
		}
		return vendorsim.Verdict{}
	}})
	first := s.start("sync")
	<-inside
	r := s.run("sync", "acme/owners", "--no-wait")
	require.Equal(t, exitPartial, r.code, r)
	require.Contains(t, r.stdout, "acme/owners is being synced by ")
	close(release)
	require.Equal(t, exitOK, first.wait().code)
}

// A process that is stopped past its lease and woken commits nothing more.
func TestStoppedPastTheLease(t *testing.T) {
	t.Parallel()
	calm := newSite(t, killTenant)
	calm.ok("sync")

	s := newSite(t, killTenant)
	s.shortLease()
	var n atomic.Int64
	due, woken := make(chan struct{}), make(chan struct{})
	var sleeper atomic.Bool
	sleeper.Store(true)
	s.sim.SetScript(vendorsim.Script{OnRequest: func(ctx context.Context, r vendorsim.Request) vendorsim.Verdict {
		if r.Endpoint != vendorsim.EndpointChatGet || !sleeper.Load() {
			return vendorsim.Verdict{}
		}
		switch at := n.Add(1); {
		case at == 500:
			close(due)
			fallthrough
		case at > 500: // these come from the sleeper, and are answered when it wakes
			select {
			case <-woken:
			case <-ctx.Done():
			}
		}
		return vendorsim.Verdict{}
	}})
	a := s.start("sync")
	<-due
	require.NoError(t, a.cmd.Process.Signal(syscall.SIGSTOP))
	sleeper.Store(false)

	b := s.start("sync").wait()
	require.Equal(t, exitOK, b.code, b)
	sums := s.checksums()
	require.Equal(t, calm.checksums(), sums)
	committed := scalar[string](s, "select string_agg(p::text, ' ' order by pass_id) from sync.pass p")

	require.NoError(t, a.cmd.Process.Signal(syscall.SIGCONT))
	close(woken)
	ra := a.wait()
	require.Equal(t, exitPartial, ra.code, ra)
	require.Contains(t, ra.stdout, "lease lost", ra)
	require.Equal(t, sums, s.checksums())
	require.Equal(t, committed, scalar[string](s, "select string_agg(p::text, ' ' order by pass_id) from sync.pass p"),
		"nothing was committed without the lease")
}
