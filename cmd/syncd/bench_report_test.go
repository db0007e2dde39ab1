package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// limit is what this machine does without us.
type limit struct {
	took        time.Duration
	rows, bytes int64
	calls       int
	wal         int64
}

// round is one measurement of everything.
type round struct {
	discard, copied limit
	first, again    passed
}

// table is the medians of some rounds.
type table struct {
	workload
	rounds          int
	rows, calls     int64
	discard, copied tableLine
	first, again    tableLine
}

// tableLine is one row of a table.
type tableLine struct {
	took, low, high, whole, cpu float64 // seconds
	// ofCopy and ofDiscard are speeds relative to the limits of the same round.
	ofCopy, ofDiscard float64
	rss, wal, bytes   float64
}

// median returns the middle of what value says of the rounds.
func median(rounds []round, value func(round) float64) float64 {
	all := values(rounds, value)
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2
	}
	return all[len(all)/2]
}

func values(rounds []round, value func(round) float64) []float64 {
	all := make([]float64, len(rounds))
	for i, r := range rounds {
		all[i] = value(r)
	}
	slices.Sort(all)
	return all
}

func summary(w workload, rounds []round) table {
	t := table{workload: w, rounds: len(rounds), rows: rounds[0].first.rows, calls: rounds[0].first.calls}
	t.first = passes(rounds, func(r round) passed { return r.first })
	t.again = passes(rounds, func(r round) passed { return r.again })
	t.discard = limits(rounds, func(r round) limit { return r.discard })
	t.copied = limits(rounds, func(r round) limit { return r.copied })
	return t
}

func limits(rounds []round, of func(round) limit) tableLine {
	took := values(rounds, func(r round) float64 { return of(r).took.Seconds() })
	return tableLine{
		took: median(rounds, func(r round) float64 { return of(r).took.Seconds() }), low: took[0], high: took[len(took)-1],
		wal:   median(rounds, func(r round) float64 { return float64(of(r).wal) }),
		bytes: median(rounds, func(r round) float64 { return float64(of(r).bytes) }),
	}
}

func passes(rounds []round, of func(round) passed) tableLine {
	seconds := func(r round) float64 { return of(r).took.Seconds() }
	took := values(rounds, seconds)
	return tableLine{
		took: median(rounds, seconds), low: took[0], high: took[len(took)-1],
		whole: median(rounds, func(r round) float64 { return of(r).Wall.Seconds() }),
		cpu:   median(rounds, func(r round) float64 { return of(r).CPU.Seconds() }),
		// The limit may have had other rows than are open now: compare per row.
		ofCopy: median(rounds, func(r round) float64 {
			return rate(float64(of(r).rows), seconds(r)) / rate(float64(r.copied.rows), r.copied.took.Seconds())
		}),
		ofDiscard: median(rounds, func(r round) float64 { return r.discard.took.Seconds() / seconds(r) }),
		rss:       median(rounds, func(r round) float64 { return float64(of(r).PeakRSSBytes) }),
		wal:       median(rounds, func(r round) float64 { return float64(of(r).wal) }),
	}
}

func rate(n, seconds float64) float64 { return n / max(seconds, 1e-9) }

const (
	kib = 1 << 10
	mib = 1 << 20
)

// report hands the figures to the benchmark.
func (t table) report(b *testing.B) {
	b.Helper()
	for _, line := range []struct {
		name string
		l    tableLine
	}{{"first", t.first}, {"again", t.again}} {
		b.ReportMetric(rate(float64(t.rows), line.l.took), line.name+"-rows/s")
		b.ReportMetric(rate(float64(t.calls), line.l.took), line.name+"-calls/s")
		b.ReportMetric(line.l.rss/mib, line.name+"-peak-MiB")
		b.ReportMetric(line.l.wal/mib, line.name+"-WAL-MiB")
		if !t.plain {
			b.ReportMetric(100*line.l.ofCopy, line.name+"-%copy")
			b.ReportMetric(100*line.l.ofDiscard, line.name+"-%discard")
		}
	}
	b.ReportMetric(0, "ns/op") // a round is no operation
}

// String is the table in Markdown.
func (t table) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "### %s\n\n", t.title())
	out.WriteString("| | seconds (least–most) | rows/s | calls/s | of COPY | of discard | peak RSS | WAL | process | CPU |\n" +
		"|---|---|---|---|---|---|---|---|---|---|\n")
	row := func(name string, l tableLine, rows, calls int64) {
		ofCopy, ofDiscard, rss, whole, cpu := "", "", "", "", ""
		if l.rss > 0 {
			rss, whole, cpu = fmt.Sprintf("%.0f MiB", l.rss/mib), fmt.Sprintf("%.2f s", l.whole), fmt.Sprintf("%.2f s", l.cpu)
			if !t.plain {
				ofCopy, ofDiscard = fmt.Sprintf("%.0f %%", 100*l.ofCopy), fmt.Sprintf("%.0f %%", 100*l.ofDiscard)
			}
		}
		fmt.Fprintf(&out, "| %s | %.2f (%.2f–%.2f) | %s | %s | %s | %s | %s | %s | %s | %s |\n", name, l.took, l.low, l.high,
			thousands(rate(float64(rows), l.took), rows), thousands(rate(float64(calls), l.took), calls),
			ofCopy, ofDiscard, rss, amount(l.wal), whole, cpu)
	}
	if !t.plain {
		row(fmt.Sprintf("read and discard (%s)", amount(t.discard.bytes)), t.discard, 0, t.calls)
		row(fmt.Sprintf("raw COPY (%s)", amount(t.copied.bytes)), t.copied, t.rows, 0)
	}
	row("first run", t.first, t.rows, t.calls)
	row("unchanged", t.again, t.rows, t.calls)
	return out.String()
}

func (t table) title() string {
	what := fmt.Sprintf("%s chats listed in pages of 1,000", grouped(t.rows))
	if !t.listing() {
		what = fmt.Sprintf("Details of %s chats with %s members in all", grouped(int64(t.tenant.Chats)), grouped(t.rows))
	}
	if t.latency > 0 {
		what += fmt.Sprintf(", %v latency", t.latency)
	}
	if t.rounds == 1 {
		return fmt.Sprintf("%s, %d in flight, one round", what, t.inFlight)
	}
	return fmt.Sprintf("%s, %d in flight, medians of %d rounds", what, t.inFlight, t.rounds)
}

// thousands is a speed, and nothing where there is nothing to count.
func thousands(speed float64, n int64) string {
	if n == 0 {
		return ""
	}
	return grouped(int64(speed + 0.5))
}

// grouped is a number with commas.
func grouped(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func amount(bytes float64) string {
	switch {
	case bytes == 0:
		return ""
	case bytes < mib:
		return fmt.Sprintf("%.0f KiB", bytes/kib)
	default:
		return fmt.Sprintf("%.1f MiB", bytes/mib)
	}
}
