package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"syncd/config"
	"syncd/internal/embedpg"
	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/vendorsim"
)

type demoCmd struct {
	Once  bool   `help:"Exit after the sync instead of waiting for Ctrl-C."`
	Chats int    `help:"Chats of the simulated tenant." default:"500"`
	Seed  uint64 `help:"Decides everything that is drawn." default:"1"`
}

// demoQueries are what a newcomer may want to try.
var demoQueries = []struct{ title, sql string }{
	{
		"the largest chats",
		`select name, owner_id, member_count from groupchat.chat order by member_count desc limit 5;`,
	},
	{
		"members by the way they joined (1 invited, 2 link, 3 QR code)",
		`select join_scene, count(*) from groupchat.chat_member where left_before is null group by 1 order by 1;`,
	},
	{
		"owners by chats",
		`select o.name, count(*) as chats, sum(c.member_count)::bigint as members
  from groupchat.chat c join groupchat.owner o using (source, owner_id)
 group by 1 order by 2 desc limit 5;`,
	},
}

// Run starts a simulator and a throwaway PostgreSQL and syncs the one into the
// other.
func (d *demoCmd) Run(ctx context.Context, c *cli, h *host) (err error) {
	ctx, stop, done := interruptible(ctx, h)
	defer done()
	simCtx, stopSim := context.WithCancel(ctx)
	defer stopSim()
	sim, err := vendorsim.New(vendorsim.Options{Seed: d.Seed, Chats: d.Chats})
	if err != nil {
		return usage("%w", err)
	}
	vendor, err := sim.Start(simCtx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() {
		stopSim()
		err = errors.Join(err, vendor.Wait())
	}()
	fmt.Fprintf(h.stdout, "1. a simulated WeCom tenant of %d chats answers on %s\n", d.Chats, vendor.URL())

	starting, cancel := until(ctx, stop)
	defer cancel()
	server, err := embedpg.Throwaway(starting, embedpg.Options{})
	if err != nil {
		return orInterrupted(starting, err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), serverStopMax)
		defer cancel()
		err = errors.Join(err, server.Stop(end))
	}()
	pool, err := store.Open(starting, server.DSN("postgres"))
	if err != nil {
		return orInterrupted(starting, err)
	}
	defer pool.Close()
	fmt.Fprintln(h.stdout, "2. a private PostgreSQL is running")
	if err := prepareSchema(starting, pool, true); err != nil {
		return orInterrupted(starting, err)
	}
	cfg, err := demoConfig(vendor.URL())
	if err != nil {
		return err
	}
	log := c.logger(h, cfg.Log)
	sources, err := choose(cfg, nil, h.watched(log))
	if err != nil {
		return err
	}
	defer sources[0].client.Close()
	fmt.Fprintln(h.stdout, "3. one full sync")
	job := &syncJob{host: h, log: log, store: store.New(pool), stop: stop, leaseTTL: cfg.LeaseTTL, breaker: model.Breaker{Min: cfg.Breaker.Min, Share: cfg.Breaker.Share}, wait: true}
	if err := job.run(ctx, sources); err != nil {
		return err
	}
	fmt.Fprintln(h.stdout, "4. what landed")
	for _, q := range demoQueries {
		fmt.Fprintf(h.stdout, "\n-- %s\n%s\n", q.title, q.sql)
		if err := printQuery(ctx, pool, h.stdout, q.sql); err != nil {
			return err
		}
	}
	if d.Once {
		return nil
	}
	fmt.Fprintf(h.stdout, "\nLook around: psql '%s'\nCtrl-C ends the demonstration and removes everything.\n",
		server.DSN("postgres"))
	select {
	case <-stop:
	case <-ctx.Done():
	}
	return nil
}

// demoConfig is the configuration of a source that reads the simulator as fast
// as the simulator allows.
func demoConfig(baseURL string) (*config.Config, error) {
	return config.Parse("demo", fmt.Appendf(nil, `
sources:
  - name: demo
    vendor: wecom
    base_url: %s
    credentials: {corp_id: %s, secret: %s}
    limits: {per_minute: 0, per_hour: 0, concurrency: 4}
`, baseURL, vendorsim.DefaultCorpID, vendorsim.DefaultSecret), func(string) (string, bool) { return "", false })
}

// loopback refuses an address that other machines could reach.
func loopback(addr string) error {
	name, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usage("--listen %s: want host:port", addr)
	}
	if ip := net.ParseIP(name); name != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usage("--listen %s: the simulator has no access control and serves loopback only", addr)
	}
	return nil
}
