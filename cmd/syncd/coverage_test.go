package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/vendorsim"
)

// span are days of one kind, for a picture.
func span(from string, n int, d store.CoverageDay) []store.CoverageDay {
	first, err := model.ParseDay(from)
	if err != nil {
		panic(err)
	}
	var list []store.CoverageDay
	for i := range n {
		d.Day = first.Add(i)
		d.LeavesAt = first.Add(i + 180).In(china)
		list = append(list, d)
	}
	return list
}

// mapOf is a picture with everything in it.
func mapOf() *heatMap {
	m := &heatMap{
		title: "acme/owner_stats", subjects: "3 owners", zone: china,
		now:             time.Date(2026, 11, 20, 9, 0, 0, 0, china),
		refusedSubjects: 7,
		refusals: []store.Refusal{
			{Subject: "li.lei", Code: "40003", Days: 9, RetryAt: time.Date(2026, 11, 21, 6, 15, 0, 0, china)},
		},
	}
	for _, days := range [][]store.CoverageDay{
		span("2026-05-20", 5, store.CoverageDay{Lost: 2, Covered: 1}),
		span("2026-05-25", 2, store.CoverageDay{AtRisk: 3}),
		span("2026-05-27", 40, store.CoverageDay{Covered: 3}),
		span("2026-07-06", 5, store.CoverageDay{Empty: 3}),
		span("2026-07-11", 60, store.CoverageDay{Covered: 2, Empty: 1}),
		span("2026-09-09", 9, store.CoverageDay{Covered: 2, Refused: 1}),
		span("2026-09-18", 4, store.CoverageDay{Refused: 3}),
		span("2026-09-22", 26, store.CoverageDay{Pending: 2, Refused: 1}),
		span("2026-10-18", 13, store.CoverageDay{Pending: 1, Covered: 2}),
		span("2026-10-31", 20, store.CoverageDay{Covered: 3}),
	} {
		m.days = append(m.days, days...)
	}
	return m
}

// The picture is kept in a file: read a change of it as a person would.
func TestHeatMap(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "coverage.txt")
	var out strings.Builder
	m := mapOf()
	require.NoError(t, m.print(&out))
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String())

	for line := range strings.SplitSeq(out.String(), "\n") {
		require.LessOrEqual(t, uniseg.StringWidth(line), 100, line)
		require.Equal(t, strings.TrimRight(line, " "), line)
	}
	m.colours = true
	var coloured strings.Builder
	require.NoError(t, m.print(&coloured))
	plain := regexp.MustCompile(`\x1b\[\d+m`).ReplaceAllString(coloured.String(), "")
	require.Equal(t, out.String(), plain, "colours add nothing but colour")
	signs := map[string]bool{}
	for _, k := range marks {
		require.False(t, signs[k.sign], "every state has a mark of its own")
		signs[k.sign] = true
	}
}

// On a narrow terminal the weeks go on below each other, and nothing of the picture
// is wider than that.
func TestHeatMapOnNarrowTerminals(t *testing.T) {
	t.Parallel()
	days := span("2025-11-18", 367, store.CoverageDay{Covered: 1})
	for _, width := range []int{20, 40, 57, 58, 59, 80, 110, 111, 200} {
		m := mapOf()
		m.days, m.width = days, width
		var out strings.Builder
		require.NoError(t, m.print(&out))
		picture, _, ok := strings.Cut(out.String(), "\nheld")
		require.True(t, ok)
		_, picture, _ = strings.Cut(picture, "\n\n") // the title is a sentence
		squares, weekdays := 0, map[string]int{}
		for line := range strings.SplitSeq(picture, "\n") {
			if isLegend := strings.Contains(line, "■ held"); isLegend {
				break
			}
			require.LessOrEqual(t, uniseg.StringWidth(line), width, "%d: %s", width, line)
			squares += strings.Count(line, "■")
			if len(line) >= 3 && line[0] != ' ' {
				weekdays[line[:3]]++
			}
		}
		require.Equal(t, len(days), squares, "at %d every day is drawn once", width)
		require.Len(t, weekdays, 7)
		bands := (53 + m.weeksBeside() - 1) / m.weeksBeside()
		require.Equal(t, bands, weekdays["Mon"], width)
		require.Equal(t, bands, weekdays["Sun"], width)
		for _, k := range marks {
			require.Contains(t, picture, k.sign+" "+k.means)
		}
		if width >= 40 {
			for line := range strings.SplitSeq(picture, "\n") {
				require.LessOrEqual(t, uniseg.StringWidth(line), width, line)
			}
		}
	}
}

// Every day is drawn in the column of its week and the row of its weekday.
func TestHeatMapPutsDaysInTheirPlaces(t *testing.T) {
	t.Parallel()
	from, err := model.ParseDay("2026-06-01") // a Monday
	require.NoError(t, err)
	for i := range 120 {
		m := &heatMap{zone: china, now: time.Date(2026, 11, 20, 9, 0, 0, 0, china)}
		day := from.Add(i)
		m.days = append(span(from.String(), 120, store.CoverageDay{Covered: 1}), store.CoverageDay{})[:120]
		m.days[i] = store.CoverageDay{Day: day, Lost: 1}
		var text strings.Builder
		m.calendar(&text, from, from.Add(119-weekday(from.Add(119))))
		lines := strings.Split(text.String(), "\n")
		line := lines[1+int(day.In(time.UTC).Weekday()+6)%7]
		require.Equal(t, day.In(time.UTC).Format("Mon"), line[:3])
		require.Equal(t, "×", string([]rune(line)[5+2*(i/7)]), day)
	}
}

func TestCoverageOfATenant(t *testing.T) {
	t.Parallel()
	s := newStatSite(t, vendorsim.Options{
		Seed: 8, Chats: 40, Owners: 6, MeanMembers: 3, MaxMembers: 8, Start: time.Date(2026, 11, 19, 9, 0, 0, 0, china),
	})
	r := s.runOn(s.now, "coverage", "acme")
	require.Equal(t, exitOK, r.code, r)
	require.Equal(t, "acme/owner_stats: nothing is known yet; syncd sync acme/owner_stats begins with it\n", r.stdout)
	require.Equal(t, exitOK, s.runOn(s.now, "sync").code)
	owner := s.owners()[0]
	for _, args := range [][]string{
		{},
		{"--owner", owner},
		{"--stream", "daily_stats"},
		{"--stream", "daily_stats", "--owner", owner},
		{"--stream", "owner_period_stats"},
		{"--stream", "owner_period_stats", "--owner", owner},
	} {
		r := s.runOn(s.now, append([]string{"coverage", "acme"}, args...)...)
		require.Equal(t, exitOK, r.code, r)
		require.Regexp(t, `held +100 %`, r.stdout, args)
		require.Regexp(t, `lost +0`, r.stdout, args)
		require.NotContains(t, r.stdout, "\x1b", "no colours in a pipe")
	}

	s.advance(200 * 24 * time.Hour)
	r = s.runOn(s.now, "coverage", "acme", "--owner", owner)
	require.Regexp(t, `held +0 %`, r.stdout, r)
	require.Regexp(t, `lost +21  on 21 dates, 2026-11-19 to 2026-12-09`, r.stdout, "shown before any pass has noted it")
	require.Equal(t, exitOK, s.runOn(s.now, "sync").code)
	r = s.runOn(s.now, "coverage", "acme", "--owner", owner)
	require.Regexp(t, `held +100 %`, r.stdout, r)
	require.Regexp(t, `lost +21  on 21 dates, 2026-11-19 to 2026-12-09`, r.stdout)

	for args, says := range map[string]string{
		"acme --owner nobody": "no such owner is known in acme",
		"acme --stream chats": "acme/chats is no stream of statistics; acme has owner_stats, daily_stats",
		"acme --stream x":     "no such stream",
		"acme/owner_stats":    "the stream is chosen by --stream",
		"other":               "no such source",
	} {
		r := s.runOn(s.now, append([]string{"coverage"}, strings.Fields(args)...)...)
		require.Equal(t, exitUsage, r.code, r)
		require.Contains(t, r.stderr, says)
	}
}
