package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// atCall calls then when the n-th call of an endpoint arrives, before it is
// answered.
func (s *site) atCall(endpoint string, n int64, then func(context.Context)) {
	var calls atomic.Int64
	s.atCallLike(func(r vendorsim.Request) bool { return r.Endpoint == endpoint && calls.Add(1) == n }, then)
}

func (s *site) atCallLike(is func(vendorsim.Request) bool, then func(context.Context)) {
	s.sim.SetScript(vendorsim.Script{OnRequest: func(ctx context.Context, r vendorsim.Request) vendorsim.Verdict {
		if is(r) {
			then(ctx)
		}
		return vendorsim.Verdict{}
	}})
}

// fromCall calls then when the n-th call of an endpoint arrives, and holds it and
// all that come after until then is done.
func (s *site) fromCall(endpoint string, n int64, then func(context.Context)) {
	var calls atomic.Int64
	var once sync.Once
	s.atCallLike(func(r vendorsim.Request) bool { return r.Endpoint == endpoint && calls.Add(1) >= n }, func(ctx context.Context) {
		once.Do(func() { then(ctx) })
	})
}

func (s *site) undisturbed() { s.sim.SetScript(vendorsim.Script{}) }

const stopping = "stopping after the pages in hand"

// An interrupt lets what is in flight be answered and committed, says how to go
// on, and the same command fetches the rest and nothing twice.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	calm := newSite(t, vendorsim.Options{Chats: 250})
	calm.ok("sync")

	s := newSite(t, vendorsim.Options{Chats: 250})
	stopped := make(chan *running, 1)
	interrupt := func(with os.Signal) func(context.Context) {
		return func(context.Context) {
			r := <-stopped
			r.signals <- with
			saw(t, r.stderr, stopping)
		}
	}
	// In the middle of the list, before its second page.
	var pages atomic.Int64
	s.atCallLike(func(r vendorsim.Request) bool {
		return bytes.Contains(r.Body, []byte(`"cursor":`)) && pages.Add(1) == 1
	}, interrupt(os.Interrupt))
	first := s.begin("sync")
	stopped <- first
	r := first.wait()
	require.Equal(t, exitPartial, r.code, r)
	require.Regexp(t, `acme/chats: partial: pass 2, .*; stopped on request, the same command resumes it\n`, r.stdout)
	require.Contains(t, r.stdout, "acme/members: not begun: stopped on request, the same command goes on with it\n")
	require.Equal(t, 200, scalar[int](s, "select count(*) from groupchat.chat"))
	require.Zero(t, s.sim.Calls()[vendorsim.EndpointChatGet].Calls)

	// In the middle of the details: none begins behind those that are in flight.
	s.fromCall(vendorsim.EndpointChatGet, 50, interrupt(syscall.SIGTERM))
	second := s.begin("sync")
	stopped <- second
	r = second.wait()
	require.Equal(t, exitPartial, r.code, r)
	require.Contains(t, r.stdout, "acme/chats: complete: pass 2, ")
	require.Regexp(t, `acme/members: partial: .*; stopped on request, the same command resumes it\n`, r.stdout)
	asked := s.sim.Calls()[vendorsim.EndpointChatGet].Calls
	require.Less(t, asked, 50+2*4)
	require.Equal(t, asked, scalar[int](s, "select count(*) from sync.item where fetched_at is not null"),
		"what was asked for is committed")
	got, code := s.status(0)
	require.Equal(t, exitLate, code, "members have never been complete")
	require.Equal(t, "partial", got.Streams[2]["outcome"])
	require.Equal(t, "stopped on request", got.Streams[2]["error"])

	s.undisturbed()
	r = s.ok("sync", "acme/members")
	require.Contains(t, r.stdout, "acme/members: complete: pass 4, 250 pages")
	s.sameAsTruth()
	require.Equal(t, calm.checksums(), s.checksums())
	for _, endpoint := range []string{vendorsim.EndpointChatList, vendorsim.EndpointChatGet} {
		require.Equal(t, calm.sim.Calls()[endpoint].Calls, s.sim.Calls()[endpoint].Calls, "nothing is fetched twice")
	}
}

// The second interrupt drops what is in hand, without waiting for the vendor.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 40})
	hanging := make(chan struct{})
	s.atCall(vendorsim.EndpointChatGet, 20, func(ctx context.Context) {
		close(hanging)
		<-ctx.Done()
	})
	run := s.begin("sync")
	<-hanging
	run.signals <- os.Interrupt
	run.signals <- os.Interrupt
	r := run.wait()
	require.Equal(t, exitPartial, r.code, r)
	require.Contains(t, r.stderr, "syncd: acme/members: interrupted; what was committed is kept, the same command resumes from there\n")
	require.NotContains(t, r.stdout, "stopped on request", "it did not wait for the first to take effect")
	require.Zero(t, scalar[int](s, "select count(*) from sync.lease where expires_at > now()"), "no lease is left behind")
	kept := scalar[int](s, "select count(*) from sync.item where fetched_at is not null")

	s.undisturbed()
	s.sim.ResetCalls()
	s.ok("sync")
	s.sameAsTruth()
	require.Equal(t, 40-kept, s.sim.Calls()[vendorsim.EndpointChatGet].Calls)
	require.Zero(t, scalar[int](s, "select count(*) from sync.item where failures > 0"))
}

// A process is stopped by SIGTERM as by Ctrl-C.
func TestSignalsToAProcess(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 60})
	for _, sent := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		hanging, answer := make(chan struct{}), make(chan struct{})
		s.fromCall(vendorsim.EndpointChatGet, 20, func(ctx context.Context) {
			close(hanging)
			select {
			case <-answer:
			case <-ctx.Done():
			}
		})
		c := s.start("sync")
		<-hanging
		require.NoError(t, c.cmd.Process.Signal(sent))
		saw(t, &c.stderr, stopping)
		close(answer)
		r := c.wait()
		require.Equal(t, exitPartial, r.code, r)
		require.Contains(t, r.stdout, "stopped on request, the same command resumes it")
	}
	asked := s.sim.Calls()[vendorsim.EndpointChatGet].Calls
	require.Equal(t, asked, scalar[int](s, "select count(*) from sync.item where fetched_at is not null"))
	s.undisturbed()
	require.Equal(t, exitOK, s.start("sync").wait().code)
	s.sameAsTruth()
	require.Equal(t, 60, s.sim.Calls()[vendorsim.EndpointChatGet].Calls)

	hanging := make(chan struct{})
	s.atCall(vendorsim.EndpointChatGet, 1, func(ctx context.Context) {
		close(hanging)
		<-ctx.Done()
	})
	c := s.start("sync", "--full")
	<-hanging
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	saw(t, &c.stderr, stopping)
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	r := c.wait()
	require.Equal(t, exitPartial, r.code, r)
	require.Contains(t, r.stderr, "interrupted; what was committed is kept")
}

func TestInterruptWhileWaitingForALease(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 5})
	_, err := s.pool.Exec(t.Context(), `
		insert into sync.lease (source, stream, holder, fence, taken_at, expires_at)
		values ('acme', 'owners', 'somebody else', 7, now(), now() + interval '1 hour')`)
	require.NoError(t, err)
	run := s.begin("sync")
	saw(t, run.stderr, "acme/owners is being synced by somebody else")
	run.signals <- os.Interrupt
	r := run.wait()
	require.Equal(t, exitPartial, r.code, r)
	require.Contains(t, r.stdout, "acme/owners: not synced: wait for the lease of acme/owners: stopped; the same command goes on with it\n")
	require.Zero(t, s.calls())
	require.Equal(t, 7, scalar[int](s, "select fence from sync.lease"))
}

// A vendor that does not answer holds up an interrupted sync for no longer than
// its grace, and what hung is due again as if it had never been asked for.
func TestInterruptWhileTheVendorHangs(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 40})
	hanging := make(chan struct{})
	s.atCall(vendorsim.EndpointChatGet, 20, func(ctx context.Context) {
		close(hanging)
		<-ctx.Done()
	})
	run := s.begin("sync")
	<-hanging
	run.signals <- os.Interrupt
	r := run.wait()
	require.Equal(t, exitPartial, r.code, r)
	require.Contains(t, r.stdout, "stopped on request, the same command resumes it")
	kept := scalar[int](s, "select count(*) from sync.item where fetched_at is not null")
	require.Equal(t, s.sim.Calls()[vendorsim.EndpointChatGet].Calls-1, kept)
	require.Zero(t, scalar[int](s, "select count(*) from sync.item where failures > 0"))
	s.undisturbed()
	s.sim.ResetCalls()
	s.ok("sync")
	s.sameAsTruth()
	require.Equal(t, 40-kept, s.sim.Calls()[vendorsim.EndpointChatGet].Calls)
}

// The minute for which the vendor blocks an endpoint is not waited out.
func TestInterruptWhileTheVendorBlocks(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{vendorsim.EndpointFollowUsers, vendorsim.EndpointChatGet} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, vendorsim.Options{Chats: 40})
			s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
				if r.Endpoint != endpoint {
					return vendorsim.Verdict{}
				}
				return vendorsim.Verdict{Answer: &vendorsim.Answer{Body: []byte(`{"errcode":45009,"errmsg":"api freq out of limit"}`)}}
			}})
			run := s.begin("sync")
			saw(t, run.stderr, "waiting: ")
			run.signals <- os.Interrupt
			r := run.wait()
			require.Equal(t, exitPartial, r.code, r)
			require.Contains(t, r.stderr, "45009")
			require.Contains(t, r.stdout, "stopped on request, the same command resumes it")
			require.Zero(t, scalar[int](s, "select count(*) from sync.item where failures > 0"))
			s.undisturbed()
			s.ok("sync")
			s.sameAsTruth()
		})
	}
}

// A database that accepts and says nothing is given up at the first interrupt,
// by every command.
func TestInterruptWhileTheDatabaseHangs(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, silent.Close()) })
	s := newSite(t, vendorsim.Options{Chats: 5})
	s.env["DSN"] = "postgres://u:hunter2@" + silent.Addr().String() + "/d?sslmode=disable"
	for _, c := range []struct {
		args string
		code int
	}{
		{"sync", exitPartial},
		{"status", exitFailed},
		{"migrate up", exitFailed},
		{"migrate status", exitFailed},
	} {
		run := s.begin(strings.Fields(c.args)...)
		conn, err := silent.Accept()
		require.NoError(t, err)
		run.signals <- os.Interrupt
		r := run.wait()
		require.NoError(t, conn.Close())
		require.Equal(t, c.code, r.code, "%s: %s", c.args, r)
		require.Contains(t, r.stderr, "syncd: interrupted", c.args)
		require.NotContains(t, r.stderr, "hunter2")
	}
}

func TestStatusWatch(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 5})
	s.ok("sync")
	run := s.begin("status", "--watch")
	eventually(t, "the second print", func() error {
		if strings.Count(run.stdout.String(), "STREAM") < 2 {
			return errNotYet
		}
		return nil
	})
	run.signals <- os.Interrupt
	r := run.wait()
	require.Equal(t, exitOK, r.code, r)
	require.Empty(t, r.stderr)
}

func TestSimulatorUntilInterrupted(t *testing.T) {
	t.Parallel()
	run := begin(t, func(*host) {}, "sim", "--listen", "127.0.0.1:0", "--chats", "10")
	saw(t, run.stdout, "move its clock")
	url := regexp.MustCompile(`base_url: (\S+)`).FindStringSubmatch(run.stdout.String())[1]
	require.Equal(t, http.StatusOK, get(t, url+"/_sim/clock"))
	require.Equal(t, http.StatusOK, get(t, url+"/cgi-bin/gettoken"))
	run.signals <- os.Interrupt
	r := run.wait()
	require.Equal(t, exitOK, r.code, r)
	require.Empty(t, r.stderr)
}

func get(tb testing.TB, url string) int {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	require.NoError(tb, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(tb, err)
	require.NoError(tb, resp.Body.Close())
	return resp.StatusCode
}
