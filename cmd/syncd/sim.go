package main

import (
	"context"
	"fmt"
	"time"

	"syncd/internal/vendorsim"
)

type simCmd struct {
	Listen      string        `help:"Loopback address to listen on." default:"127.0.0.1:8787"`
	Seed        uint64        `help:"Decides everything that is drawn." default:"1"`
	Chats       int           `help:"Chats at the start." default:"200"`
	MeanMembers int           `help:"Mean size of a chat." default:"30"`
	MaxMembers  int           `help:"Size of the largest chats." default:"500"`
	Owners      int           `help:"Staff who own chats; 0 is one for 50 chats."`
	Start       time.Time     `help:"The tenant's clock, as 2026-11-01T09:00:00+08:00; it stands still until it is moved." placeholder:"TIME"`
	Latency     time.Duration `help:"Wait before every answer."`
	PerMinute   int           `help:"Calls a minute and endpoint before 45009; 0 is the documented 10000, -1 no limit."`
	PerHour     int           `help:"Calls an hour and endpoint before 45009; 0 is the documented 150000, -1 no limit."`
	Odd         bool          `help:"Send strange shapes: numbers as strings, unknown fields, bytes that are no text."`
}

// Run serves the simulator until it is interrupted.
func (s *simCmd) Run(ctx context.Context, h *host) error {
	if err := loopback(s.Listen); err != nil {
		return err
	}
	sim, err := vendorsim.New(vendorsim.Options{
		Seed: s.Seed, Chats: s.Chats, MeanMembers: s.MeanMembers, MaxMembers: s.MaxMembers, Owners: s.Owners,
		Start: s.Start, Latency: s.Latency, Odd: s.Odd,
		Limits: vendorsim.Limits{PerMinute: s.PerMinute, PerHour: s.PerHour},
	})
	if err != nil {
		return usage("%w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server, err := sim.Start(ctx, s.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(h.stdout, "simulated WeCom tenant of %d chats on %s\n", s.Chats, server.URL())
	fmt.Fprintf(h.stdout, "  base_url: %s\n  credentials: {corp_id: %s, secret: %s}\n",
		server.URL(), vendorsim.DefaultCorpID, vendorsim.DefaultSecret)
	fmt.Fprintf(h.stdout, "move its clock: curl -d '{\"advance\":\"24h\"}' %s/_sim/clock\n", server.URL())
	select {
	case <-h.signals:
	case <-ctx.Done():
	}
	cancel()
	return server.Wait()
}
