package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/scrm"
)

// scrmKillTenant is listed in 600 pages of five groups, more than the processes
// that are killed come to: each is killed at its 45th call at the latest. Its clock is long past, so that no bound of a pass
// leaves a group out.
func scrmKillTenant() scrm.Options {
	return scrm.Options{Seed: 9, Groups: 5 * scrmKillPages, TasksMax: 1, Start: time.Now().AddDate(0, 0, -10)}
}

const (
	scrmKillPages = 600
	scrmKills     = 6 // of either kind, beside the first
	scrmKillCalls = 45
)

// pagesAsked follows which pages a process has asked for.
type pagesAsked struct {
	mu   sync.Mutex
	list []int
}

func (p *pagesAsked) note(r vendorsim.Request) {
	var body struct {
		PageNo int `json:"pageNo"`
	}
	if json.Unmarshal(r.Body, &body) == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.list = append(p.list, body.PageNo)
	}
}

func (p *pagesAsked) take() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.list
	p.list = nil
	return was
}

// A process that is killed again and again ends with the tables of one that never
// was, and every one goes on with the page after the last that is committed.
func TestSCRMKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	o := scrmKillTenant()
	calm, _ := newSCRMSite(t, o)
	calm.setSCRM("page_size: 5")
	calm.ok("sync")
	require.Equal(t, 5*scrmKillPages, scalar[int](calm, "select count(*) from groupchat.chat"))

	o.Latency = time.Millisecond // less, and all that a process reads waits for its second commit
	s, sim := newSCRMSite(t, o)
	s.setSCRM("page_size: 5")
	var asked pagesAsked
	next := 1
	dead := func() {
		pages := asked.take()
		for i, page := range pages {
			require.Equal(t, next+i, page, "page %d is committed", next-1)
		}
		was := next
		next = scalar[int](s, "select coalesce(max((cursor::json->>'page')::int), 1) from sync.checkpoint where cursor <> ''")
		require.GreaterOrEqual(t, next, was)
		require.LessOrEqual(t, next, was+len(pages))
		require.Equal(t, 5*(next-1), scalar[int](s, "select count(*) from groupchat.chat"), "what is committed is whole pages")
	}
	// What is committed before a kill is the machine's affair, so the first process
	// lives until something is.
	s.killAtCommit(sim, scrmKillCalls, asked.note)
	dead()
	require.Greater(t, next, 1)
	duringRequest, beforeCommit := s.killMany(sim, killDraw(t), scrmKills, scrmKillCalls, asked.note, dead)
	t.Logf("killed inside an open pass: %d at a request, %d between answer and commit; %d of %d pages were committed by then",
		duringRequest, beforeCommit, next-1, scrmKillPages)
	require.Less(t, next, scrmKillPages)

	sim.SetScript(scrm.Script{})
	sim.ResetCalls()
	r := s.start("sync").wait()
	require.Equal(t, exitOK, r.code, r)
	require.Contains(t, r.stdout, fmt.Sprintf("tanma/chats: complete: pass 1, %d pages, ", scrmKillPages))
	require.NotContains(t, r.stdout, "(", "the certificate is whole")
	require.Equal(t, scrmKillPages+1-next, sim.Calls()[scrm.EndpointGroups].Calls, "no page is read twice")
	require.Equal(t, calm.checksums(), s.checksums())
	require.Zero(t, scalar[int](s, "select count(*) from sync.checkpoint"))
	require.Equal(t, "complete", scalar[string](s, "select verdict from sync.pass"))
}

// killAtCommit runs sync, holds its k-th call and those after it, and kills it once
// pages are committed.
func (s *site) killAtCommit(sim *scrm.Sim, k int64, note func(vendorsim.Request)) {
	s.t.Helper()
	var calls atomic.Int64
	sim.SetScript(scrm.Script{OnRequest: func(ctx context.Context, r vendorsim.Request) vendorsim.Verdict {
		note(r)
		if calls.Add(1) >= k {
			<-ctx.Done()
		}
		return vendorsim.Verdict{}
	}})
	c := s.start("sync")
	eventually(s.t, "a page is committed", func() error {
		if !scalar[bool](s, "select exists (select from sync.checkpoint where cursor <> '')") {
			return errNotYet
		}
		return nil
	})
	committed := make(chan struct{})
	close(committed)
	s.killWhen(c, committed)
	s.bend("update sync.lease set expires_at = '-infinity'")
}
