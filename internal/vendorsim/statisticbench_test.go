package vendorsim

import (
	"fmt"
	"testing"
	"time"
)

func benchmarkStatistics(b *testing.B, o Options, endpoint string, days int) {
	b.Helper()
	o.Limits = unlimited
	c := newClient(b, o)
	body := asking(c.ago(days), c.ago(1), c.owners(100), "")
	c.stat(endpoint, body) // makes the index
	benchmarkCall(b, c, endpoint, body, days*100)
}

// 250 owners of 50 chats each.
func BenchmarkStatisticDay(b *testing.B) {
	benchmarkStatistics(b, Options{Chats: 12_500}, EndpointStatistic, 1)
}

func BenchmarkStatisticMonth(b *testing.B) {
	benchmarkStatistics(b, Options{Chats: 12_500}, EndpointStatistic, 30)
}

func BenchmarkStatisticByDayMonth(b *testing.B) {
	benchmarkStatistics(b, Options{Chats: 12_500}, EndpointStatisticByDay, 30)
}

func BenchmarkStatisticsOnlyDay(b *testing.B) {
	benchmarkStatistics(b, Options{Chats: 1, Owners: 6_000, StatsOnly: true}, EndpointStatistic, 1)
}

func BenchmarkStatisticsOnlyByDayMonth(b *testing.B) {
	benchmarkStatistics(b, Options{Chats: 1, Owners: 6_000, StatsOnly: true}, EndpointStatisticByDay, 30)
}

// BenchmarkStatisticWindow asks for 180 days of everybody, from nothing: 100
// owners and one day a call, 250 owners with chats and 6,000 without.
func BenchmarkStatisticWindow(b *testing.B) {
	for _, o := range []Options{{Chats: 12_500}, {Chats: 1, Owners: 6_000, StatsOnly: true}} {
		b.Run(fmt.Sprintf("only=%t", o.StatsOnly), func(b *testing.B) {
			o.Limits = unlimited
			rows := 0
			for b.Loop() {
				c := newClient(b, o)
				owners := c.owners(6_000)
				for at := 0; at < len(owners); at += 100 {
					batch := owners[at:min(at+100, len(owners))]
					for back := 180; back >= 1; back-- {
						rows += len(c.sim.statRows(b, batch, c.ago(back)))
					}
				}
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// statRows is the simulator's own answer, not read by anybody.
func (s *Sim) statRows(b *testing.B, owners []string, date time.Time) []statRow {
	b.Helper()
	now := s.Now().Unix()
	numbers, bad := s.askedOwners(owners, now)
	if bad.code != codeOK {
		b.Fatal(bad.code)
	}
	var rows []statRow
	for _, n := range numbers {
		if f, row := s.answered(n, dayOf(date.Unix()), now); row {
			rows = append(rows, statRow{n, f})
		}
	}
	return rows
}
