package model

import (
	"encoding/json"
	"testing"
	"time"
	_ "time/tzdata" // zones must load on hosts without a zone database

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// days draws days of the years 1 to 9999.
func days() *rapid.Generator[Day] {
	return rapid.Custom(func(t *rapid.T) Day { return Day{rapid.IntRange(0, 3652058).Draw(t, "n")} })
}

func day(tb testing.TB, text string) Day {
	tb.Helper()
	d, err := ParseDay(text)
	require.NoError(tb, err)
	return d
}

func TestDay(t *testing.T) {
	t.Parallel()
	require.Equal(t, "0001-01-01", Day{}.String())
	require.True(t, Day{}.IsZero())
	require.Equal(t, Day{}, day(t, "0001-01-01"))
	require.False(t, day(t, "1970-01-01").IsZero())
	require.Equal(t, "2024-02-29", day(t, "2024-03-01").Add(-1).String())
	require.Equal(t, 366, day(t, "2025-01-01").Sub(day(t, "2024-01-01")))
	require.Equal(t, -1, day(t, "2024-01-01").Compare(day(t, "2024-01-02")))
	require.Equal(t, "9999-12-31", Day{3652058}.String())
	for _, text := range []string{"", "2024-1-1", "2024-02-30", "0000-12-31", "10000-01-01", "2024-01-01T00:00:00Z", " 2024-01-01"} {
		_, err := ParseDay(text)
		require.Error(t, err, text)
	}
}

func TestDayIsWhatTheTextSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, n := days().Draw(t, "a"), rapid.IntRange(-200, 200).Draw(t, "n")
		b := a.Add(n)
		require.Equal(t, n, b.Sub(a))
		require.Equal(t, a, b.Add(-n))
		require.Equal(t, n > 0, b.Compare(a) > 0)
		require.Equal(t, n < 0, b.Compare(a) < 0)
		require.Equal(t, n == 0, b == a)
		back, err := ParseDay(a.String())
		require.NoError(t, err)
		require.Equal(t, a, back)
		oracle, err := time.Parse(time.DateOnly, a.String())
		require.NoError(t, err)
		require.Equal(t, oracle.AddDate(0, 0, n).Format(time.DateOnly), b.String())
	})
}

// TestDayInZones: whatever the clocks of a zone do, a day begins on that day and
// ends with the second before the next one.
func TestDayInZones(t *testing.T) {
	t.Parallel()
	first, last := day(t, "1970-01-01"), day(t, "2033-01-01")
	leapt := map[string]int{}
	for _, name := range []string{
		"UTC", "Asia/Shanghai", "America/Los_Angeles", "Europe/Berlin", "Asia/Kathmandu",
		"America/Sao_Paulo", "Asia/Beirut", // where the clocks jump over midnight
		"Pacific/Kiritimati", // where they jumped over a whole day
	} {
		loc, err := time.LoadLocation(name)
		require.NoError(t, err)
		for d := first; d != last; d = d.Add(1) {
			begin, end := d.In(loc), d.Add(1).In(loc)
			if begin.Equal(end) {
				leapt[name]++
			} else if DayOf(begin, loc) != d || DayOf(end.Add(-time.Second), loc) != d {
				t.Fatalf("%s: %s is from %s to %s", name, d, begin, end)
			}
		}
	}
	require.Equal(t, map[string]int{"Pacific/Kiritimati": 1}, leapt)
}

func TestDayBeginsAtVendorMidnight(t *testing.T) {
	t.Parallel()
	load := func(name string) *time.Location {
		loc, err := time.LoadLocation(name)
		require.NoError(t, err)
		return loc
	}
	shanghai := load("Asia/Shanghai")
	// The vendor's own examples: 21:00 of a day and its midnight (vendor doc 92133).
	require.EqualValues(t, 1554220800, DayOf(time.Unix(1554296400, 0), shanghai).In(shanghai).Unix())
	require.Equal(t, "2019-04-03", DayOf(time.Unix(1554296400, 0), shanghai).String())
	// São Paulo had no midnight on this day: the clocks went from 24:00 to 01:00.
	require.Equal(t, "01:00", day(t, "2018-11-04").In(load("America/Sao_Paulo")).Format("15:04"))
	// Nor had Beirut, east of Greenwich, where time.Date errs to the other side.
	require.Equal(t, "01:00", day(t, "2024-03-31").In(load("Asia/Beirut")).Format("15:04"))
}

func TestDayInJSON(t *testing.T) {
	t.Parallel()
	type holder struct {
		One Day            `json:"one"`
		Map map[Day]int    `json:"map"`
		Not *Day           `json:"not"`
		All map[string]Day `json:"all"`
	}
	d := day(t, "2026-11-20")
	in := holder{One: d, Map: map[Day]int{d: 1}, All: map[string]Day{"x": d.Add(1)}}
	text, err := json.Marshal(in)
	require.NoError(t, err)
	want := `{"one":"2026-11-20","map":{"2026-11-20":1},"not":null,"all":{"x":"2026-11-21"}}`
	require.Equal(t, want, string(text))
	var out holder
	require.NoError(t, json.Unmarshal(text, &out))
	require.Equal(t, in, out)
	require.ErrorContains(t, json.Unmarshal([]byte(`{"one":"tomorrow"}`), &out), `"tomorrow" is no day`)
}

func TestStatParams(t *testing.T) {
	t.Parallel()
	call := StatCall{By: StatByOwner, Owners: []string{"li.lei", "<han>"}, From: day(t, "2026-11-19"), To: day(t, "2026-11-19")}
	text := StatParams(call)
	want := `{"by":"owner","owners":["li.lei","\u003chan\u003e"],"from":"2026-11-19","to":"2026-11-19"}`
	require.Equal(t, want, string(text))
	var back StatCall
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, call, back)
	require.Equal(t, 1, call.Days())
	call.To = call.To.Add(29)
	require.Equal(t, 30, call.Days())
}

func TestFiguresAreInTheOrderOfTheColumns(t *testing.T) {
	t.Parallel()
	n := func(v int64) *int64 { return &v }
	f := Figures{
		NewChats: n(1), ChatTotal: n(2), ChatsWithMessages: n(3), NewMembers: n(4),
		MemberTotal: n(5), MembersWithMessages: n(6), Messages: n(7),
	}
	for i, v := range f.All() {
		if i == 7 {
			require.Nil(t, v)
			continue
		}
		require.EqualValues(t, i+1, *v)
	}
}

func TestRowsCountsStatistics(t *testing.T) {
	t.Parallel()
	p := Page{OwnerStats: make([]OwnerStat, 1), DayStats: make([]DayStat, 2), PeriodStats: make([]PeriodStat, 4), Rejects: make([]Reject, 8)}
	require.Equal(t, 7, p.Rows())
}
