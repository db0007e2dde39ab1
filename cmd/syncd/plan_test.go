package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// plan runs syncd plan and returns what it says by stream.
func (s *statSite) plan(args ...string) (planReport, map[string]plannedStream) {
	s.t.Helper()
	r := s.runOn(s.now, append([]string{"plan", "--json"}, args...)...)
	require.Equal(s.t, exitOK, r.code, r)
	var report planReport
	require.NoError(s.t, json.Unmarshal([]byte(r.stdout), &report), r)
	streams := map[string]plannedStream{}
	for _, p := range report.Streams {
		streams[p.Stream] = p
	}
	return report, streams
}

// calls counts what the vendor has answered since the last count, by endpoint.
func (s *statSite) calls() map[string]int64 {
	made := map[string]int64{}
	for endpoint, c := range s.sim.Calls() {
		if _, name, ok := strings.Cut(endpoint, "externalcontact/"); ok {
			made[name] = int64(c.Calls)
		} else {
			made[endpoint] = int64(c.Calls)
		}
	}
	s.sim.ResetCalls()
	return made
}

// What is planned is what is called: of everything, from nothing; of a day later;
// and when all is held, nothing but the lists.
func TestPlanIsWhatIsCalled(t *testing.T) {
	t.Parallel()
	s := newStatSite(t, vendorsim.Options{
		Seed: 4, Chats: 450, Owners: 131, MeanMembers: 3, MaxMembers: 8, Corrections: -1,
		Start: time.Date(2026, 11, 19, 9, 0, 0, 0, china),
	})
	check := func() planReport {
		t.Helper()
		// Whoever is new today is known once they are listed.
		require.Equal(t, exitOK, s.runOn(s.now, "sync", "acme/owners", "acme/chats").code)
		s.sim.ResetCalls()
		report, _ := s.plan()
		require.Zero(t, s.calls()["groupchat/statistic"], "a plan calls nobody")
		r := s.runOn(s.now, "sync")
		require.Equal(t, exitOK, r.code, r)
		made := s.calls()
		var all int64
		for _, b := range report.Budgets {
			all += made[b.Endpoint]
			require.InEpsilon(t, made[b.Endpoint], b.Calls, 0.01, "planned %+v, called %v", report.Budgets, made)
		}
		require.InEpsilon(t, all, report.Calls, 0.01)
		return report
	}
	first := check()
	require.Greater(t, first.Calls, int64(700), "the whole window of owners in two batches, and every chat")
	s.advance(25 * time.Hour) // every member list is due again
	second := check()
	require.Less(t, second.Calls, first.Calls)
	_, streams := s.plan("acme/owner_stats")
	require.Zero(t, streams["owner_stats"].Calls)
	require.Equal(t, "nothing is wanted now", streams["owner_stats"].Note)
}

// A plan changes nothing, down to the counters of the database.
func TestPlanWritesNothing(t *testing.T) {
	t.Parallel()
	s := newStatSite(t, vendorsim.Options{Seed: 4, Chats: 30, Owners: 5, MeanMembers: 3, MaxMembers: 8})
	require.Equal(t, exitOK, s.runOn(s.now, "sync", "acme/owners", "acme/chats").code)
	written := func() (list []string) {
		t.Helper()
		s.alone(func(conn *pgx.Conn) {
			rows, err := conn.Query(t.Context(), `
				select concat_ws(' ', schemaname, relname, n_tup_ins, n_tup_upd, n_tup_del, n_dead_tup)
				  from pg_stat_user_tables order by 1`)
			require.NoError(t, err)
			list, err = pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
		})
		return list
	}
	before := written()
	_, streams := s.plan()
	require.Positive(t, streams["owner_stats"].Calls)
	require.Equal(t, scalar[int64](s.site, "select count(*) from groupchat.chat"), streams["members"].Calls, "chats that have no item yet")
	require.Equal(t, before, written())
	require.Zero(t, scalar[int](s.site, "select count(*) from sync.coverage"))
	require.Zero(t, scalar[int](s.site, "select count(*) from sync.item"))
}

func TestPlanOfAnOpenPass(t *testing.T) {
	t.Parallel()
	s := newStatSite(t, vendorsim.Options{Seed: 4, Chats: 300, Owners: 5, MeanMembers: 3, MaxMembers: 8})
	report, streams := s.plan()
	require.Equal(t, "no owner is known yet: run syncd sync acme/owners and plan again", streams["owner_stats"].Note)
	require.Equal(t, int64(1), streams["owners"].Calls)
	require.Equal(t, int64(2), streams["chats"].Calls, "one page of each list at least")
	require.Zero(t, report.Seconds, "no limits are configured")

	require.Equal(t, exitOK, s.runOn(s.now, "sync", "acme/owners").code)
	var pages atomic.Int64
	s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		if r.Endpoint == vendorsim.EndpointChatList && pages.Add(1) > 1 {
			return vendorsim.Verdict{Answer: &vendorsim.Answer{Body: []byte(`{"errcode":48002,"errmsg":"api forbidden"}`)}}
		}
		return vendorsim.Verdict{}
	}})
	require.Equal(t, exitFailed, s.runOn(s.now, "sync", "acme/chats").code)
	s.sim.SetScript(vendorsim.Script{})
	_, streams = s.plan("acme/chats")
	require.NotZero(t, streams["chats"].Resumes)

	text := s.runOn(s.now, "plan")
	require.Equal(t, exitOK, text.code, text)
	require.Contains(t, text.stdout, "goes on with pass")
	require.Contains(t, text.stdout, "nothing was called and nothing changed")
	require.NotContains(t, text.stdout, "OF AN HOUR", "a column for a limit that nobody has")
}

func TestPlanOfASharedBudget(t *testing.T) {
	t.Parallel()
	s := newStatSite(t, vendorsim.Options{Seed: 4, Chats: 30, Owners: 5, MeanMembers: 3, MaxMembers: 8})
	require.Equal(t, exitOK, s.runOn(s.now, "sync", "acme/owners", "acme/chats").code)
	s.limit("scope: source, per_second: 5, per_month: 1000")
	report, streams := s.plan()
	require.Len(t, report.Budgets, 1, "all endpoints share it")
	b := report.Budgets[0]
	require.Equal(t, report.Calls, b.Calls)
	require.InDelta(t, float64(b.Calls)/1000, *b.MonthShare, 1e-9)
	require.InDelta(t, float64(b.Calls)/5, *b.SecondShare, 1e-9)
	require.Nil(t, b.MinuteShare)
	require.InDelta(t, float64(b.Calls-1)/5, b.Seconds, 1e-9)
	require.InDelta(t, float64(streams["members"].Calls-1)/5, streams["members"].Seconds, 1e-9)
	text := s.runOn(s.now, "plan").stdout
	require.Contains(t, text, "acme/all endpoints")
	require.Contains(t, text, "OF A MONTH")
	require.NotContains(t, text, "OF AN HOUR")
}

func TestPercent(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{0: "0.00 %", 0.00034: "0.03 %", 0.153: "15.3 %", 0.5: "50 %", 1: "100 %", 12.345: "1234 %"} {
		require.Equal(t, want, percent(&share))
	}
	require.Empty(t, percent(nil))
	for share, want := range map[float64]string{0: "0 %", 99.99: "99.9 %", 100: "100 %", 97.72: "97.7 %"} {
		require.Equal(t, want, percentOf(share))
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1440000: "1,440,000"} {
		require.Equal(t, want, withCommas(n))
	}
}
