package web

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrapeMax is how long a scrape waits for new facts before it tells those before.
const scrapeMax = 4 * time.Second

// collector turns facts and the state of the pool into figures when it is asked.
type collector struct {
	facts func(context.Context) answer[Facts]
	pool  func() Pool
	hours func() []HourBudget
	gauges
}

// gauges describe what a collector tells.
type gauges struct {
	up, age, took *prometheus.Desc

	lag, nextLag, late, halted, held, items, days *prometheus.Desc
	paused, budgetLeft, budgetLimit, hourLeft     *prometheus.Desc
	jobs, due, dueLag                             *prometheus.Desc

	connections, connectionsMax, acquires, waited, canceled, acquireSeconds *prometheus.Desc
}

func newGauges() gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	stream := []string{"source", "stream", "mode"}
	return gauges{
		up:   desc("syncd_facts_up", "1 when the database could be asked for its facts, 0 otherwise: then they are left out."),
		age:  desc("syncd_facts_age_seconds", "How old the facts of the database are."),
		took: desc("syncd_facts_duration_seconds", "How long the database took to tell its facts."),

		lag: desc("syncd_freshness_lag_seconds",
			"Since when the latest complete pass began: all that changed before is held. Left out before the first one.", stream...),
		nextLag: desc("syncd_next_run_lag_seconds", "How long the next run has been due; 0 until then.", stream...),
		late:    desc("syncd_late", "1 when two scheduled runs have gone by without a complete pass.", stream...),
		halted:  desc("syncd_halted", "1 when the stream does not run until its configuration changes.", stream...),
		held: desc("syncd_held_back_records",
			"Records missing in a pass that waits for syncd approve; 0 otherwise.", stream...),
		items: desc("syncd_items", "Items of a detail stream: all of them, and those of a state.", "source", "stream", "state"),
		days: desc("syncd_coverage_days",
			"Days of statistics, counted once for each owner or batch of owners, by state.", "source", "stream", "state"),
		paused: desc("syncd_source_paused", "1 when the vendor refuses the credential, or does not answer.", "source"),
		budgetLeft: desc("syncd_budget_calls_left", "Calls left of a budget that is kept in the database.",
			"source", "lane", "period"),
		budgetLimit: desc("syncd_budget_calls_limit", "Calls that a budget in the database has.", "source", "lane", "period"),

		hourLeft: desc("syncd_budget_hour_calls_left", "Calls of an hour's limit that this process has not made; other processes share it. Left out without a limit.",
			"source", "endpoint"),

		jobs:   desc("syncd_jobs", "Jobs of all processes.", "state"),
		due:    desc("syncd_runs_due", "Runs that are due and not enqueued."),
		dueLag: desc("syncd_runs_due_lag_seconds", "How long the oldest run has been due that is not enqueued."),

		connections:    desc("syncd_db_connections", "Connections of this process to the database.", "state"),
		connectionsMax: desc("syncd_db_connections_max", "How many connections there may be."),
		acquires:       desc("syncd_db_acquires_total", "Times a connection was taken from the pool."),
		waited:         desc("syncd_db_acquires_waited_total", "Times a connection had to be waited for."),
		canceled:       desc("syncd_db_acquires_canceled_total", "Times the wait for a connection was given up."),
		acquireSeconds: desc("syncd_db_acquire_seconds_total", "How long taking connections took in all."),
	}
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	g := c.gauges
	for _, d := range []*prometheus.Desc{
		g.up, g.age, g.took, g.lag, g.nextLag, g.late, g.halted, g.held, g.items, g.days, g.paused, g.budgetLeft,
		g.budgetLimit, g.hourLeft, g.jobs, g.due, g.dueLag, g.connections, g.connectionsMax, g.acquires, g.waited, g.canceled,
		g.acquireSeconds,
	} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	to := sink(ch)
	c.collectPool(to)
	for _, b := range c.hours() {
		to.gauge(c.hourLeft, float64(b.Left), b.Source, b.Endpoint)
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeMax)
	defer cancel()
	known := c.facts(ctx)
	good := known.err == nil && !known.at.IsZero()
	to.gauge(c.up, flag(good))
	if known.at.IsZero() {
		return
	}
	to.gauge(c.took, known.took.Seconds())
	if !good {
		return
	}
	to.gauge(c.age, time.Since(known.at).Seconds())
	c.collectFacts(to, known.value)
}

func (c *collector) collectFacts(to sink, f Facts) {
	for _, s := range f.Sources {
		to.gauge(c.paused, flag(s.Paused), s.Source)
		for _, b := range s.Budgets {
			to.gauge(c.budgetLeft, float64(b.Left), s.Source, b.lane(), b.Period)
			to.gauge(c.budgetLimit, float64(b.Limit), s.Source, b.lane(), b.Period)
		}
	}
	for _, s := range f.Streams {
		c.collectStream(to, f.At, s)
	}
	to.gauge(c.jobs, float64(f.Queue.Ready), "ready")
	to.gauge(c.jobs, float64(f.Queue.Running), "running")
	to.gauge(c.jobs, float64(f.Queue.Waiting), "waiting")
	to.gauge(c.due, float64(f.Queue.Due))
	to.gauge(c.dueLag, max(f.Queue.Lag, 0).Seconds())
}

func (c *collector) collectStream(to sink, now time.Time, s StreamFacts) {
	labels := []string{s.Source, s.Stream, s.Mode}
	if s.Lag >= 0 {
		to.gauge(c.lag, s.Lag.Seconds(), labels...)
	}
	if !s.NextRunAt.IsZero() {
		to.gauge(c.nextLag, max(now.Sub(s.NextRunAt), 0).Seconds(), labels...)
	}
	to.gauge(c.late, flag(s.Late), labels...)
	to.gauge(c.halted, flag(s.Halted), labels...)
	to.gauge(c.held, float64(s.Held), labels...)
	if s.Mode != "" {
		return // what follows is of the stream as a whole
	}
	states := func(desc *prometheus.Desc, counts map[string]int64) {
		for state, n := range counts {
			to.gauge(desc, float64(n), s.Source, s.Stream, state)
		}
	}
	if i := s.Items; i.All > 0 {
		states(c.items, map[string]int64{"all": i.All, "never_read": i.NeverRead, "overdue": i.Overdue, "failing": i.Failing})
	}
	if d := s.Days; d != nil {
		states(c.days, map[string]int64{
			"held": d.Held, "pending": d.Pending, "at_risk": d.AtRisk, "refused": d.Refused, "lost": d.Lost,
		})
	}
}

func (c *collector) collectPool(to sink) {
	p := c.pool()
	to.gauge(c.connections, float64(p.Acquired), "acquired")
	to.gauge(c.connections, float64(p.Idle), "idle")
	to.gauge(c.connections, float64(p.Constructing), "constructing")
	to.gauge(c.connectionsMax, float64(p.Max))
	to.counter(c.acquires, float64(p.Acquires))
	to.counter(c.waited, float64(p.Waited))
	to.counter(c.canceled, float64(p.Canceled))
	to.counter(c.acquireSeconds, p.Wait.Seconds())
}

// lane is its label.
func (b BudgetFacts) lane() string {
	if b.Lane == "" {
		return "all"
	}
	return b.Lane
}

// sink takes metrics.
type sink chan<- prometheus.Metric

func (s sink) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (s sink) counter(d *prometheus.Desc, v float64) {
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
}

func flag(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
