package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// status runs syncd status and returns its streams of statistics.
func (s *statSite) status() (result, map[string]*windowReport) {
	s.t.Helper()
	r := s.runOn(s.now, "status", "--json")
	var report struct{ Streams []streamReport }
	require.NoError(s.t, json.Unmarshal([]byte(r.stdout), &report), r)
	windows := map[string]*windowReport{}
	for _, stream := range report.Streams {
		if stream.Window != nil {
			windows[stream.Stream] = stream.Window
		}
	}
	return r, windows
}

// limit gives the source of the configuration one more limit.
func (s *statSite) limit(more string) {
	s.t.Helper()
	s.configure(s.vendor.URL, "")
	text, err := os.ReadFile(s.config)
	require.NoError(s.t, err)
	changed := strings.Replace(string(text), "limits: {", "limits: {"+more+", ", 1)
	require.NoError(s.t, os.WriteFile(s.config, []byte(changed), 0o600))
}

func TestStatusOfTheWindow(t *testing.T) {
	t.Parallel()
	s := newStatSite(t, vendorsim.Options{
		Seed: 8, Chats: 40, Owners: 6, MeanMembers: 3, MaxMembers: 8, Start: time.Date(2026, 11, 19, 9, 0, 0, 0, china),
	})
	_, windows := s.status()
	require.Empty(t, windows, "nothing is known before the first pass")
	require.Equal(t, exitOK, s.runOn(s.now, "sync").code)
	owners := int64(len(s.owners()))

	r, windows := s.status()
	require.Equal(t, exitOK, r.code, r)
	require.Len(t, windows, 3)
	require.Equal(t, &windowReport{
		Subjects: owners, Oldest: "2026-05-24", Newest: "2026-11-18", HeldPercent: 100, Held: owners * 179,
	}, windows["owner_stats"])
	text := s.runOn(s.now, "status")
	require.Contains(t, text.stdout, "no limit of calls is configured: everything is kept")

	require.NotContains(t, text.stdout, "refused")

	// Where the vendor refuses days, nothing is late, but a person should look.
	refuse := `update sync.coverage set refused = %s, refused_code = %s, retry_at = %s where stream = 'owner_stats'`
	_, err := s.pool.Exec(t.Context(), fmt.Sprintf(refuse, "'{[2026-06-01,2026-06-11)}'", "'40003'", "now() + interval '10 years'"))
	require.NoError(t, err)
	_, err = s.pool.Exec(t.Context(), "update sync.coverage set covered = covered - refused where stream = 'owner_stats'")
	require.NoError(t, err)
	text = s.runOn(s.now, "status")
	require.Equal(t, exitOK, text.code, text)
	require.Contains(t, text.stdout, fmt.Sprintf("%d days refused, see syncd coverage acme --stream owner_stats", owners*10))
	_, err = s.pool.Exec(t.Context(), "update sync.coverage set covered = covered + refused where stream = 'owner_stats'")
	require.NoError(t, err)
	_, err = s.pool.Exec(t.Context(), fmt.Sprintf(refuse, "'{}'", "null", "null"))
	require.NoError(t, err)

	// Ten days later two calls a day are enough: yesterday's, and one of the backlog.
	s.advance(10 * 24 * time.Hour)
	s.limit("per_month: 62")
	r, windows = s.status()
	require.Equal(t, forecastReport{CallsPerDay: 2, Needed: 2}, windows["owner_stats"].Forecast, r)
	require.Equal(t, owners*10, windows["owner_stats"].Pending)
	require.InDelta(t, 100*169./179, windows["owner_stats"].HeldPercent, 0.001)
	require.Contains(t, s.runOn(s.now, "status").stdout, "at 2 calls a day everything is kept")

	// With the days at the old end still to be read, one call a day is too few.
	_, err = s.pool.Exec(t.Context(), "update sync.coverage set covered = covered - '{[2026-06-01,2026-06-10]}'::datemultirange where stream = 'owner_stats'")
	require.NoError(t, err)
	s.limit("per_month: 31")
	r, windows = s.status()
	first := time.Date(2026, 11, 30, 0, 0, 0, 0, china).UTC()
	// June 3 to 10, and all of the backlog but yesterday.
	require.Equal(t, forecastReport{CallsPerDay: 1, Needed: 2, Lost: owners * (8 + 9), Dates: 8 + 9, FirstAt: &first},
		windows["owner_stats"].Forecast, r)
	text = s.runOn(s.now, "status")
	require.Contains(t, text.stdout, "at 1 calls a day 17 days will be lost (85 counted by owner), first at 2026-11-30T00:00:00+08:00; 2 calls a day keep everything")
	require.Equal(t, exitLate, text.code, "June 1 and 2 are lost already")

	// Left alone for 200 days: what has expired is lost, and status says so.
	s.advance(190 * 24 * time.Hour)
	r, windows = s.status()
	require.Equal(t, exitLate, r.code)
	require.Equal(t, owners*31, windows["owner_stats"].Lost)
	require.Equal(t, int64(31), windows["owner_stats"].LostDates)
	require.Equal(t, []string{"2026-06-01", "2026-12-09"}, []string{windows["owner_stats"].LostFrom, windows["owner_stats"].LostTo})
}
