package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"syncd/config"
	"syncd/internal/fetch"
	"syncd/internal/store"
)

type doctorCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

// health is how a probe ended.
type health string

// What a probe can end with, from good to bad.
const (
	healthOK   health = "ok"
	healthWarn health = "warn"
	healthFail health = "fail"
)

// probe is one thing that the doctor looked at.
type probe struct {
	Health health `json:"health"`
	// What was looked at: "database", "acme: credential".
	What string `json:"what"`
	// Found is what there was to see, in a line.
	Found string `json:"found"`
	// Remedy is what to do; "" where all is well.
	Remedy string `json:"remedy,omitempty"`
}

func (p probe) String() string {
	line := fmt.Sprintf("%-4s  %s: %s", p.Health, p.What, p.Found)
	if p.Remedy != "" {
		line += " → " + p.Remedy
	}
	return line
}

// probed makes a probe of one line.
func probed(state health, what, found, remedy string) probe {
	return probe{Health: state, What: what, Found: oneLine(found), Remedy: oneLine(remedy)}
}

// chart prints probes as they come, or all at the end as JSON.
type chart struct {
	out    io.Writer
	json   bool
	probes []probe
}

func (r *chart) add(probes ...probe) {
	r.probes = append(r.probes, probes...)
	if !r.json {
		for _, p := range probes {
			fmt.Fprintln(r.out, p)
		}
	}
}

// worst is the health of the whole.
func (r *chart) worst() health {
	worst := healthOK
	for _, p := range r.probes {
		if p.Health == healthFail || worst == healthOK {
			worst = p.Health
		}
		if worst == healthFail {
			break
		}
	}
	return worst
}

func (r *chart) end() error {
	if !r.json {
		return nil
	}
	enc := json.NewEncoder(r.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(map[string]any{"health": r.worst(), "probes": r.probes})
}

// Run looks at everything that a sync needs, one line each. It changes nothing,
// except that it starts a private PostgreSQL for the moment where none runs.
func (d *doctorCmd) Run(ctx context.Context, c *cli, h *host) error {
	r := &chart{out: h.stdout, json: d.JSON}
	cfg, err := c.load(h)
	var sources []*source
	if err == nil {
		sources, err = choose(cfg, nil, impatient(h.requests))
	}
	if err != nil {
		r.add(probed(healthFail, "config", problems(err), "mend what is listed on standard error"))
		return errors.Join(err, r.end())
	}
	defer closeSources(sources)
	r.add(probed(healthOK, "config", fmt.Sprintf("complete, with sources %s", sourceNames(cfg)), ""))
	r.add(probeHTTP(ctx, cfg.HTTP))
	err = untilStopped(ctx, h, func(ctx context.Context) error {
		r.add(probeDatabase(ctx, cfg, sources, h.now())...)
		d.probeVendors(ctx, cfg, h, sources, r)
		return ctx.Err()
	})
	if err = errors.Join(err, r.end()); err != nil {
		return err
	}
	if r.worst() == healthFail {
		return &exitError{code: exitLate}
	}
	return nil
}

// probeVendors makes the few calls that show whether a sync would be let in. Those
// that count on a month's budget are booked where there is a database to keep it.
func (d *doctorCmd) probeVendors(ctx context.Context, cfg *config.Config, h *host, sources []*source, r *chart) {
	look := func(count func(*source)) {
		for _, src := range sources {
			count(src)
			r.add(src.probes(ctx)...)
		}
	}
	if slices.ContainsFunc(sources, func(s *source) bool { return s.meter != nil }) {
		looked := false
		_ = opener(joinDatabase).use(ctx, cfg, func(ctx context.Context, db *database) error { // an error was told above
			if err := store.CheckSchema(ctx, db.pool); err != nil {
				return err
			}
			look(func(s *source) { s.count(store.New(db.pool), h.now) })
			for _, src := range sources {
				r.add(src.probeMonth(ctx, store.New(db.pool), h.now())...)
			}
			looked = true
			return nil
		})
		if looked {
			return
		}
	}
	look(func(s *source) {
		if s.meter != nil {
			s.meter.bind(&freely{})
		}
	})
}

// problems counts what is wrong with a configuration.
func problems(err error) string {
	if bad, ok := errors.AsType[*config.Error](err); ok && len(bad.Problems) > 1 {
		return fmt.Sprintf("%d problems", len(bad.Problems))
	}
	return err.Error()
}

// impatient are the bounds of requests that somebody waits for: one try, and no
// waiting for a budget or a block.
func impatient(bounds fetch.Options) fetch.Options {
	bounds.TriesMax = 1
	bounds.WaitMax = time.Second
	bounds.ConnectTimeout = 5 * time.Second
	bounds.HeaderTimeout = 10 * time.Second
	bounds.AttemptTimeout = 15 * time.Second
	return bounds
}

// Bounds of what a clock may be off. Schedules, days that end and leases that
// expire are judged by ours and the database's.
const (
	clockWarn = 5 * time.Second
	clockFail = 5 * time.Minute
)

// probeClock judges a clock that is ahead of ours.
func probeClock(what string, ahead time.Duration) probe {
	off := ahead.Abs()
	if off < clockWarn {
		return probed(healthOK, what, "as ours", "")
	}
	side := "ahead of"
	if ahead < 0 {
		side = "behind"
	}
	state := healthWarn
	if off >= clockFail {
		state = healthFail
	}
	return probed(state, what, fmt.Sprintf("%s %s ours", off.Round(100*time.Millisecond), side),
		"let both machines keep time by NTP")
}
