package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// statRequest is one question for statistics, as the vendor sees it.
type statRequest struct {
	Begin  int64 `json:"day_begin_time"`
	End    int64 `json:"day_end_time"`
	Filter struct {
		IDs []string `json:"userid_list"`
	} `json:"owner_filter"`
}

// asked records the questions that a command line makes, as "from to owners".
func (s *statSite) asked(args ...string) (result, []string) {
	s.t.Helper()
	var mu sync.Mutex
	var list []string
	s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		if strings.Contains(r.Endpoint, "statistic") {
			var q statRequest
			if err := json.Unmarshal(r.Body, &q); err != nil {
				s.t.Error(err)
			}
			day := func(at int64) string { return time.Unix(at, 0).In(china).Format(time.DateOnly) }
			mu.Lock()
			defer mu.Unlock()
			list = append(list, fmt.Sprint(day(q.Begin), day(q.End), q.Filter.IDs))
		}
		return vendorsim.Verdict{}
	}})
	defer s.sim.SetScript(vendorsim.Script{})
	r := s.runOn(s.now, args...)
	slices.Sort(list)
	return r, list
}

// Days that are fetched again are asked for, nothing else is; figures that differ
// replace the stored ones, which stay in the history.
func TestRefetch(t *testing.T) {
	t.Parallel()
	s := newStatSite(t, vendorsim.Options{
		Seed: 8, Chats: 60, Owners: 6, MeanMembers: 3, MaxMembers: 8, Corrections: -1,
		Start: time.Date(2026, 11, 19, 9, 0, 0, 0, china),
	})
	require.Equal(t, exitOK, s.runOn(s.now, "sync").code)
	truth := s.truthOf(s.owners(), s.day(179), s.day(1))
	owner := scalar[string](s.site, "select min(owner_id) from groupchat.owner_stat where day = '2026-08-04'")
	_, err := s.pool.Exec(t.Context(), `update groupchat.owner_stat set msg_total = -1, hash = 0
		where owner_id = $1 and day between '2026-08-01' and '2026-08-05'`, owner)
	require.NoError(t, err)
	require.NotEqual(t, truth, s.figuresOf(s.day(179), s.day(1)))

	r, asked := s.asked("refetch", "acme/owner_stats", "--from", "2026-08-01", "--to", "2026-08-03", "--owner", owner)
	require.Equal(t, exitOK, r.code, r)
	require.Equal(t, []string{fmt.Sprint("2026-08-01", "2026-08-03", []string{owner})}, asked)
	require.Contains(t, r.stdout, "acme/owner_stats: complete")
	require.Equal(t, 2, scalar[int](s.site, "select count(*) from groupchat.owner_stat where msg_total = -1"))
	require.Equal(t, 3, scalar[int](s.site, "select count(*) from groupchat.owner_stat_history where msg_total = -1"))

	r, asked = s.asked("refetch", "acme/owner_stats", "--from", "2026-08-04", "--to", "2026-08-05")
	require.Equal(t, exitOK, r.code, r)
	require.Len(t, asked, 2, "two days of everybody, by owner")
	require.Equal(t, truth, s.figuresOf(s.day(179), s.day(1)))
	require.Equal(t, 5, scalar[int](s.site, "select count(*) from groupchat.owner_stat_history where msg_total = -1"))
	require.Regexp(t, `held +100 %`, s.runOn(s.now, "coverage", "acme").stdout)

	// Days of today, to come and gone by are left alone, and said so.
	r, asked = s.asked("refetch", "acme/daily_stats", "--from", "2026-05-20", "--to", "2026-05-24")
	require.Equal(t, exitOK, r.code, r)
	require.Len(t, asked, 1)
	require.Contains(t, r.stdout, "2026-05-20 to 2026-05-23 stay as they are: acme/daily_stats can be read from 2026-05-24 to 2026-11-18 now")
	r, asked = s.asked("refetch", "acme/owner_stats", "--from", "2026-11-18", "--to", "2026-11-30")
	require.Equal(t, exitOK, r.code, r)
	require.Len(t, asked, 1, "yesterday was read today already, and is read again")
	require.Contains(t, r.stdout, "2026-11-19 to 2026-11-30 stay as they are")
	require.Regexp(t, `held +100 %`, s.runOn(s.now, "coverage", "acme", "--stream", "daily_stats").stdout)

	for args, says := range map[string]string{
		"acme/owner_stats --from 2026-01-01 --to 2026-05-23":                "none of these days can be read",
		"acme/owner_stats --from 2026-11-19 --to 2026-11-19":                "none of these days can be read",
		"acme/owner_stats --from 2026-08-02 --to 2026-08-01":                "is before",
		"acme/owner_stats --from 2026-08-02":                                "--to",
		"acme/owner_stats --from yesterday --to 2026-08-01":                 "2006-01-02",
		"acme/chats --from 2026-08-01 --to 2026-08-01":                      "is no stream of statistics",
		"acme --from 2026-08-01 --to 2026-08-01":                            "want SOURCE/STREAM",
		"acme/owner_stats --from 2026-08-01 --to 2026-08-01 --owner nobody": "no such owner is known",
	} {
		r, asked := s.asked(append([]string{"refetch"}, strings.Fields(args)...)...)
		require.Equal(t, exitUsage, r.code, r)
		require.Contains(t, r.stderr, says)
		require.Empty(t, asked)
	}
}

// A refetch that is cut off has not lost what it wanted: the next sync reads it.
func TestRefetchThatFailsIsGoneOnWith(t *testing.T) {
	t.Parallel()
	s := newStatSite(t, vendorsim.Options{
		Seed: 8, Chats: 60, Owners: 6, MeanMembers: 3, MaxMembers: 8, Corrections: -1,
		Start: time.Date(2026, 11, 19, 9, 0, 0, 0, china),
	})
	require.Equal(t, exitOK, s.runOn(s.now, "sync").code)
	s.sim.SetScript(vendorsim.Script{OnRequest: func(context.Context, vendorsim.Request) vendorsim.Verdict {
		return vendorsim.Verdict{Answer: &vendorsim.Answer{Body: []byte(`{"errcode":48002,"errmsg":"api forbidden"}`)}}
	}})
	r := s.runOn(s.now, "refetch", "acme/owner_stats", "--from", "2026-08-01", "--to", "2026-08-03")
	require.Equal(t, exitFailed, r.code, r)
	require.Regexp(t, `to be read +15`, s.runOn(s.now, "coverage", "acme").stdout)
	require.Equal(t, 0, scalar[int](s.site, "select count(*) from groupchat.owner_stat_history"), "figures stay until there are new ones")
	r, asked := s.asked("sync", "acme/owner_stats")
	require.Equal(t, exitOK, r.code, r)
	require.Len(t, asked, 3)
	require.Regexp(t, `held +100 %`, s.runOn(s.now, "coverage", "acme").stdout)
}
