package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"syncd/config"
	"syncd/internal/embedpg"
	"syncd/internal/model"
	"syncd/internal/store"
)

type demoCmd struct {
	Once    bool   `help:"Exit after the sync instead of waiting for Ctrl-C."`
	DataDir string `help:"Where the demonstration keeps its data: in demo below it (default: ./data)." placeholder:"DIR"`
	BinDir  string `help:"Directory of postgres and initdb; looked for by default." placeholder:"DIR"`
	Chats   int    `help:"Chats of the simulated WeCom tenant; the other two have fewer." default:"500"`
	Seed    uint64 `help:"Decides everything that is drawn." default:"1"`
}

// The tenant of a plain `syncd demo`.
const (
	demoChats = 500
	demoSeed  = 1
)

// demoListen is any free port of loopback: a daemon may have the usual one.
const demoListen = "127.0.0.1:0"

// demoQueries are what a newcomer may want to try.
var demoQueries = []struct{ title, sql string }{
	{
		"the largest chats of all vendors",
		`select source, name, owner_name, members
  from bi.chats
 where gone_at is null and members is not null
 order by members desc, source, chat_id
 limit 5;`,
	},
	{
		"chats that WeCom and the SCRM both know",
		`select wecom_name as name, wecom_members as members, scrm_owner_name, scrm_tasks, scrm_tasks_sent
  from bi.chat_everywhere
 order by scrm_tasks desc, chat_id
 limit 5;`,
	},
	{
		"the latest mass messages, and whom they have reached",
		`select day, senders, senders_sent, targets, sent, reach
  from bi.message_reach
 where targets is not null
 order by created_at desc, msg_id
 limit 5;`,
	},
	{
		"the ways to join that brought most members",
		`select remark, state, sum(joined) as joined, sum(still_in) as still_in
  from bi.join_way_members
 where config_id is not null
 group by config_id, remark, state
 order by joined desc, config_id
 limit 5;`,
	},
	{
		"owners by chats",
		`select source, owner_name, count(*) as chats, sum(members) as members
  from bi.chats
 where gone_at is null
 group by source, owner_id, owner_name
 order by chats desc, source, owner_id
 limit 5;`,
	},
}

// Run starts simulated vendors and a private PostgreSQL and syncs the ones into
// the other. The data stays: a second run finds it and changes nothing.
func (d *demoCmd) Run(ctx context.Context, c *cli, h *host) (err error) {
	vendors := newDemoVendors(d.Chats, d.Seed, h.now())
	defer func() { err = errors.Join(err, vendors.stop()) }()
	if err := vendors.serve(ctx, h.stdout); err != nil {
		return err
	}
	cfg, err := vendors.config()
	if err != nil {
		return err
	}
	log, f := c.logger(h, cfg.Log), newFront(h.now)
	sources, err := choose(cfg, nil, f.watched(h.watched(log)))
	if err != nil {
		return err
	}
	defer closeSources(sources)
	work, stop, done := interruptible(ctx, h)
	done = sync.OnceFunc(done)
	defer done()
	db, err := d.open(work, stop)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	fmt.Fprintf(h.stdout, "2. a private PostgreSQL %s runs as process %d and keeps its data in %s\n",
		db.server.Binaries.Version, db.server.PID(), d.dir())
	fmt.Fprintln(h.stdout, "3. one full sync")
	job := &syncJob{
		host: h, log: log, store: store.New(db.pool), stop: stop, leaseTTL: cfg.LeaseTTL,
		breaker: model.Breaker{Min: cfg.Breaker.Min, Share: cfg.Breaker.Share}, wait: true,
	}
	if _, err := job.store.TrackMessages(work, "dingtalk", vendors.messages(), h.now()); err != nil {
		return err
	}
	if err := job.run(work, sources); err != nil {
		return err
	}
	if err := showDemo(work, h, db.pool); err != nil {
		return err
	}
	fmt.Fprintf(h.stdout, "\n5. look around, in schema bi first:\n   %s\n", db.psql())
	if d.Once {
		fmt.Fprintln(h.stdout, "   (while syncd demo runs without --once; a second run finds the data and changes nothing)")
		return nil
	}
	f.back.Store(&back{pool: db.pool, store: job.store, sources: func() []*source { return sources }})
	if err := f.open(work, config.HTTP{Listen: demoListen}, log, nil); err != nil {
		return err
	}
	defer f.close() // before the database, which it asks
	fmt.Fprintf(h.stdout, "6. the status page, with /metrics and /readyz beside it:\n   http://%s/\n", f.addr)
	fmt.Fprintln(h.stdout, "Ctrl-C ends the demonstration. The data stays: a second one finds it and changes nothing.")
	done() // nothing is in hand any more
	select {
	case <-stop: // while the queries ran
	case <-h.signals:
	case <-ctx.Done():
	}
	return nil
}

// rootDataDir is where the data goes when root starts the demonstration below a
// directory that the user who runs PostgreSQL for root cannot enter.
const rootDataDir = "/var/cache/syncd/data"

// dir is the data directory of this tenant: another one is another world.
func (d *demoCmd) dir() string {
	base := cmp.Or(d.DataDir, "data")
	if d.Chats == demoChats && d.Seed == demoSeed {
		return filepath.Join(base, "demo")
	}
	return filepath.Join(base, fmt.Sprintf("demo-%d-%d", d.Seed, d.Chats))
}

// open starts the private server and brings its schema up to date.
func (d *demoCmd) open(ctx context.Context, stop <-chan struct{}) (*database, error) {
	ctx, cancel := until(ctx, stop)
	defer cancel()
	options := embedpg.Options{BinDir: d.BinDir}
	db, err := startPrivate(ctx, d.dir(), options)
	if errors.Is(err, embedpg.ErrOutOfReach) && d.DataDir == "" {
		d.DataDir = rootDataDir
		db, err = startPrivate(ctx, d.dir(), options)
	}
	if busy, ok := errors.AsType[*embedpg.InUseError](err); ok {
		return nil, fmt.Errorf("%s is in use: a demonstration runs as %s; end it with Ctrl-C there, or take another --data-dir",
			d.dir(), process(busy))
	}
	if errors.Is(err, embedpg.ErrNoBinaries) {
		return nil, fmt.Errorf("%w\n(the demonstration always runs a server of its own: its embedded.bin_dir is --bin-dir; "+
			"make demo takes the first way that works by itself)", err)
	}
	if err != nil {
		return nil, orInterrupted(ctx, err)
	}
	if err := db.prepare(ctx, true); err != nil {
		return nil, errors.Join(orInterrupted(ctx, err), db.close())
	}
	return db, nil
}

// showDemo prints what landed, and queries with their results.
func showDemo(ctx context.Context, h *host, pool *pgxpool.Pool) error {
	fmt.Fprintln(h.stdout, "4. what landed")
	err := printQuery(ctx, pool, h.stdout, `
		select s.vendor, count(*) as chats, coalesce(sum(c.members), 0) as people,
		       (select count(*) from groupchat.owner o where o.source = s.source) as owners,
		       (select count(*) from groupchat.owner_stat o where o.source = s.source) as owner_days,
		       (select count(*) from groupchat.group_message m where m.source = s.source) as mass_messages,
		       (select count(*) from groupchat.join_way w where w.source = s.source) as join_ways,
		       (select count(*) from groupchat.sop_task t where t.source = s.source) as sop_tasks,
		       (select count(*) from groupchat.robot_message_read r where r.source = s.source) as readers
		  from bi.sources s
		  join bi.chats c on c.source = s.source
		 group by s.source, s.vendor
		 order by s.vendor desc`)
	if err != nil {
		return err
	}
	for _, q := range demoQueries {
		fmt.Fprintf(h.stdout, "\n-- %s\n%s\n\n", q.title, q.sql)
		if err := printQuery(ctx, pool, h.stdout, q.sql); err != nil {
			return err
		}
	}
	return nil
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
