package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/dingtalk"
)

// sharesClock gives the processes of the site the tenant's clock. It stands still,
// however long they take: a message would be due again in minutes.
func (s *dingSite) sharesClock() {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "clock")
	require.NoError(s.t, os.WriteFile(path, []byte(s.sim.Now().Format(time.RFC3339Nano)), 0o600))
	s.env[clockFile] = path
}

// dingScripted lets the calls of a simulated DingTalk be followed and held.
type dingScripted struct{ sim *dingtalk.Sim }

// SetScript replaces the script. What it is told of an answer is that there is one.
func (d dingScripted) SetScript(script vendorsim.Script) {
	bent := dingtalk.Script{OnRequest: script.OnRequest}
	if script.OnResponse != nil {
		bent.OnResponse = func(dingtalk.Response) { script.OnResponse(vendorsim.Response{}) }
	}
	d.sim.SetScript(bent)
}

// messagesAsked follows which messages a process has asked for.
type messagesAsked struct {
	mu   sync.Mutex
	keys map[string]int
}

func (a *messagesAsked) note(r vendorsim.Request) {
	var body struct {
		Key string `json:"processQueryKey"`
	}
	if r.Endpoint == dingtalk.EndpointReads && json.Unmarshal(r.Body, &body) == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.keys[body.Key]++
	}
}

func (a *messagesAsked) take() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.keys
	a.keys = map[string]int{}
	return was
}

// A process that is killed again and again, at any request and between an answer and
// its commit, ends with the tables of one that never was, and asks for no message
// again whose readers are committed.
func TestDingTalkKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	o := dingtalk.Options{
		Seed: 19, Chats: 2000, Sets: 60, Messages: 1000, MeanMembers: 6, MaxMembers: 40, Start: dingStart,
		TokenTTL: 7 * 24 * time.Hour, Limits: dingtalk.Limits{PerMonth: -1, PerAddress: -1},
	}
	const unlimited = `
name: ding
vendor: dingtalk
base_url: %s
credentials: {app_key: ` + dingtalk.DefaultAppKey + `, app_secret: "${DINGTALK_SECRET}"}
limits: {per_second: 0, per_month: 1000000, reads_share: 1}
`
	since := dingStart.Add(-20 * time.Hour)
	calm := newDingSite(t, o)
	calm.describe(unlimited)
	calm.tracks(since)
	calm.done("sync")
	calm.chatsAreTrue(calm.visible())

	o.Latency = time.Millisecond
	s := newDingSite(t, o)
	s.describe(unlimited)
	s.sharesClock()
	sent := s.tracks(since)
	asked := &messagesAsked{keys: map[string]int{}}
	committed := map[string]bool{}
	duringRequest, beforeCommit := s.killMany(dingScripted{s.sim}, killDraw(t), 6, 50, asked.note, func() {
		for key := range asked.take() {
			require.False(t, committed[key], "the readers of %s are committed, and asked for again", key)
		}
		for _, row := range rowsOf[struct{ Key string }](s.site, `select subject from sync.item
			where stream = 'message_reads' and fetched_at is not null`) {
			committed[row.Key] = true
		}
		booked := scalar[int](s.site, "select coalesce(sum(used), 0)::int from sync.call_budget")
		require.GreaterOrEqual(t, booked, s.sim.MonthlyCalls(), "a call is booked before it is made")
	})
	t.Logf("killed inside an open pass: %d at a request, %d between answer and commit; %d of %d messages were committed by then",
		duringRequest, beforeCommit, len(committed), len(sent))
	s.sim.SetScript(dingtalk.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		asked.note(r)
		return vendorsim.Verdict{}
	}})
	r := s.start("sync").wait()
	require.Equal(t, exitOK, r.code, r)
	for key := range asked.take() {
		require.False(t, committed[key], "the readers of %s are committed, and asked for again", key)
	}
	s.sim.SetScript(dingtalk.Script{})
	s.chatsAreTrue(s.visible())
	s.setsAreTrue()
	for _, site := range []*dingSite{calm, s} { // when each was asked for differs
		site.exec("update groupchat.robot_message set checked_at = 'epoch' where checked_at is not null")
		site.exec("update groupchat.robot_message set closed_at = 'epoch' where closed_at is not null")
	}
	require.Equal(t, calm.checksums(), s.checksums())
	require.Zero(t, scalar[int](s.site, "select count(*) from sync.checkpoint"))
	require.Zero(t, scalar[int](s.site, "select count(*) from sync.candidate"))
}
