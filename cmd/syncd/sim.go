package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"syncd/internal/vendorsim/fault"
)

type simCmd struct {
	Vendor      string        `help:"Who is simulated: wecom, dingtalk or scrm." enum:"wecom,dingtalk,scrm" default:"wecom"`
	Listen      string        `help:"Loopback address to listen on." default:"127.0.0.1:8787"`
	Seed        uint64        `help:"Decides everything that is drawn." default:"1"`
	Chats       int           `help:"Chats at the start." default:"200"`
	MeanMembers int           `help:"Mean size of a chat (not scrm)." default:"30"`
	MaxMembers  int           `help:"Size of the largest chats (not scrm)." default:"500"`
	Owners      int           `help:"Staff who own chats; 0 is one for 50 chats."`
	Start       time.Time     `help:"The tenant's clock, as 2026-11-01T09:00:00+08:00 (default: nine o'clock of today in China); it stands still until it is moved." placeholder:"TIME"`
	Latency     time.Duration `help:"Wait before every answer."`
	PerSecond   int           `help:"Calls a second: of dingtalk and endpoint, 0 is the documented 20; of scrm, 0 is 5; =-1 is no limit."`
	PerMinute   int           `help:"Calls a minute and endpoint of wecom before 45009; 0 is the documented 10000; =-1 is no limit."`
	PerHour     int           `help:"Calls an hour and endpoint of wecom before 45009; 0 is the documented 150000; =-1 is no limit."`
	PerMonth    int           `help:"Calls a month of the organisation of dingtalk; 0 is the documented 5000; =-1 is no limit."`
	Fault       []string      `help:"Put a fault into force, as NAME or NAME:KEY=VALUE,… (repeatable); see --list-faults." sep:"none" placeholder:"FAULT"`
	ListFaults  bool          `help:"List the faults with their parameters, and exit."`
	Odd         bool          `help:"Send strange shapes: numbers as strings, unknown fields, bytes that are no text."`
}

// Run serves the simulator until it is interrupted.
func (s *simCmd) Run(ctx context.Context, h *host) error {
	vendor := simVendors[s.Vendor]
	if s.ListFaults {
		return listFaults(h.stdout, vendor)
	}
	if err := loopback(s.Listen); err != nil {
		return err
	}
	if s.Start.IsZero() {
		s.Start = tenantStart(h.now())
	}
	sim, err := vendor.make(s)
	if err != nil {
		return usage("%w", err)
	}
	for _, text := range s.Fault {
		if err := sim.Arm(text); err != nil {
			return usage("--fault %s: %w", text, err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server, err := sim.Start(ctx, s.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(h.stdout, "simulated %s tenant of %d chats on %s\n", vendor.title, s.Chats, server.URL())
	fmt.Fprintf(h.stdout, "  base_url: %s\n  credentials: %s\n", server.URL(), vendor.credentials)
	for _, armed := range sim.Armed() {
		fmt.Fprintf(h.stdout, "  fault: %s\n", armed.Fault)
	}
	fmt.Fprintf(h.stdout, "move its clock: curl -d '{\"advance\":\"24h\"}' %s/_sim/clock\n", server.URL())
	select {
	case <-h.signals:
	case <-ctx.Done():
	}
	cancel()
	return server.Wait()
}

// listFaults prints the catalogue of a vendor.
func listFaults(to io.Writer, vendor simVendor) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	params := func(list []fault.Param) {
		for _, p := range list {
			fmt.Fprintf(w, "  %s=%s\t%s\n", p.Name, p.Default, p.Meaning)
		}
	}
	for _, f := range vendor.faults() {
		fmt.Fprintf(w, "%s\t%s (on=%s)\n", f.Name, f.Does, strings.Join(f.On, "+"))
		params(f.Params)
	}
	fmt.Fprintln(w, "\nwhich calls, for every fault:")
	params(vendor.when())
	return w.Flush()
}

// tenantHour is the hour of the day at which it stands.
const tenantHour = 9

// tenantStart is the clock of a simulated tenant: the same all day, so that the
// tenant is, and on the day that statistics count back from.
func tenantStart(now time.Time) time.Time {
	china := time.FixedZone("CST", 8*60*60)
	y, m, d := now.In(china).Date()
	return time.Date(y, m, d, tenantHour, 0, 0, 0, china)
}
