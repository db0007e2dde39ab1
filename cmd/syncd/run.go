package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"syncd/config"
	"syncd/internal/fetch"
	"syncd/internal/schedule"
	"syncd/internal/store"
	"syncd/internal/web"
)

type runCmd struct {
	NoMigrate bool `help:"Do not migrate the database schema."`
}

// Run is the daemon: it syncs by schedule until it is interrupted. A second
// interrupt drops the pages in hand.
func (r *runCmd) Run(ctx context.Context, c *cli, h *host) (err error) {
	cfg, err := c.load(h)
	if err != nil {
		return err
	}
	ctx, stop, done := interruptible(ctx, h)
	defer done()
	hangups := h.hangups
	if hangups == nil { // heard from the start: one that is not ends the process
		own := make(chan os.Signal, 1)
		signal.Notify(own, syscall.SIGHUP)
		defer signal.Stop(own)
		hangups = own
	}
	log := c.logger(h, cfg.Log)
	d := &daemon{cli: c, host: h, log: log, cfg: cfg, secrets: fetch.NewScrubber(secretsOf(cfg)...), systemd: systemd{log}}
	d.front = newFront(h.now)
	engine := web.Check{Name: "engine", Ask: d.front.askEngine}
	if err := d.front.open(ctx, cfg.HTTP, log, d.secrets.Secrets, engine); err != nil {
		return fmt.Errorf("%w%s", err, otherDaemons(cfg.DataDir))
	}
	defer d.front.close()
	log.Info().Str("address", d.front.addr.String()).Msg("health, figures and a status page are served")
	db, err := (&passFlags{NoMigrate: r.NoMigrate}).open(ctx, stop, cfg)
	if err != nil {
		return err
	}
	defer func() {
		d.front.close() // it asks the database
		err = errors.Join(err, db.close())
	}()
	db.announce(d.log)
	if err := d.build(ctx, db); err != nil {
		return err
	}
	defer d.fleet.disband()
	if leave, err := enrol(cfg.DataDir); err == nil {
		defer leave()
	} else { // a directory that is read-only, say
		d.log.Warn().Err(err).Msg("syncd reload will not find this process; SIGHUP does")
	}
	return d.run(ctx, stop, hangups, db)
}

// daemon is the process of `syncd run`.
type daemon struct {
	cli  *cli
	host *host
	log  zerolog.Logger
	// cfg is the configuration in force.
	cfg    *config.Config
	store  *store.Store
	fleet  *fleet
	engine *schedule.Engine
	front  *front
	// retention is that of the configuration in force.
	retention atomic.Pointer[config.Retention]
	// secrets masks those of every configuration that was in force.
	secrets *fetch.Scrubber
	systemd systemd
}

// build makes the engine and puts the configuration in force.
func (d *daemon) build(ctx context.Context, db *database) error {
	pooled, err := store.Pooled(ctx, db.pool)
	if err != nil {
		return err
	}
	if pooled {
		d.log.Info().Msg("a pooler stands before the database: jobs are looked for four times a second instead of being told")
	}
	d.store = store.New(db.pool)
	if db.server != nil { // just started: who was at work there before is dead
		if err := d.store.FreeJobs(ctx, schedule.Queue); err != nil {
			return err
		}
	}
	d.fleet = newFleet(d.host, d.log, d.store, d.front)
	d.engine, err = schedule.New(db.pool, d.store, d.fleet, schedule.Options{
		Workers: d.cfg.Workers, Schema: store.RiverSchema, PollOnly: pooled, Now: d.host.now,
		Scrub: d.secrets.Secrets, Log: d.log, Hooks: d.front.hooks(),
	})
	if err != nil {
		return err
	}
	if err := d.put(ctx, d.cfg); err != nil {
		return err
	}
	d.front.back.Store(&back{pool: db.pool, store: d.store, sources: d.fleet.sources, engine: d.engine})
	return nil
}

// put puts a configuration in force, or leaves everything as it is.
func (d *daemon) put(ctx context.Context, cfg *config.Config) error {
	d.secrets.Keep(secretsOf(cfg)...)
	if d.host.sized != nil {
		d.host.sized(len(cfg.Sources))
	}
	crews, err := d.fleet.muster(cfg, d.front.watched(d.host.watched(d.log)))
	if err != nil {
		return err
	}
	sources := make([]*source, len(crews))
	for i, crew := range crews {
		sources[i] = crew.source
	}
	if err := sameAccounts(ctx, d.store, sources); err != nil {
		d.fleet.dismiss(crews)
		return err
	}
	var entries []schedule.Entry
	for _, src := range sources {
		err := d.store.RegisterSource(ctx, src.Name, src.Vendor, src.account, src.Timezone.String(), d.host.now())
		if err != nil {
			d.fleet.dismiss(crews)
			return err
		}
		entries = append(entries, entriesOf(src)...)
	}
	if err := d.engine.Apply(ctx, entries); err != nil {
		d.fleet.dismiss(crews)
		return err
	}
	d.fleet.swap(crews)
	d.cfg = cfg
	d.retention.Store(&cfg.Retention)
	return nil
}

// entriesOf are the schedules of a source.
func entriesOf(src *source) []schedule.Entry {
	var list []schedule.Entry
	for _, spec := range src.enabled {
		stream := src.Streams[spec.Name]
		entry := schedule.Entry{Source: src.Name, Stream: spec.Name, Expression: stream.Schedule.String(), Zone: src.Timezone}
		list = append(list, entry)
		if expr := stream.FullSchedule.String(); expr != "" {
			entry.Mode, entry.Expression = modeFull, expr
			list = append(list, entry)
		}
	}
	return list
}

// run works until stop closes, or the private server of db ends.
func (d *daemon) run(ctx context.Context, stop <-chan struct{}, hangups <-chan os.Signal, db *database) error {
	d.log.Info().Int("sources", len(d.cfg.Sources)).Int("workers", d.cfg.Workers).Str("version", versionText()).
		Msg("syncd is running")
	over, finish := context.WithCancel(ctx)
	var beside sync.WaitGroup
	d.systemd.ready(len(d.cfg.Sources))
	halt := make(chan struct{})
	var lost error
	beside.Go(func() {
		select {
		case <-stop:
		case <-db.ended():
			lost = db.lost()
		case <-over.Done():
			return
		}
		close(halt)
		d.front.stopping.Store(true)
		d.systemd.stopping()
	})
	beside.Go(func() { d.reloadUntil(over, halt, hangups) })
	beside.Go(func() { d.systemd.watch(over) })
	beside.Go(func() { d.tidyUntil(over, halt) })
	err := d.engine.Run(ctx, halt)
	finish()
	beside.Wait()
	if err = errors.Join(lost, orInterrupted(ctx, err)); err == nil {
		d.log.Info().Msg("syncd has stopped")
	}
	return err
}

// reloadMax bounds a reload: the database may be away.
const reloadMax = time.Minute

// reloadUntil reads the configuration again with each hangup.
func (d *daemon) reloadUntil(ctx context.Context, stop <-chan struct{}, hangups <-chan os.Signal) {
	ctx, cancel := until(ctx, stop)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		d.systemd.reloading()
		err := d.reload(ctx)
		if ctx.Err() == nil { // it is not stopping
			d.systemd.ready(len(d.cfg.Sources))
		}
		d.front.metrics.Reloaded(err == nil)
		if err != nil {
			d.log.Error().Str("error", d.secrets.Secrets(err.Error())).
				Msg("the configuration is not reloaded; the one before stays in force")
			continue
		}
		d.log.Info().Int("sources", len(d.cfg.Sources)).Msg("the configuration is reloaded")
	}
}

// reload puts the configuration in force as the file is now, and lets go on at once
// what waits: a limit may be higher now, or a vendor back.
func (d *daemon) reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reloadMax)
	defer cancel()
	cfg, err := d.cli.load(d.host)
	if err != nil {
		return err
	}
	before := d.cfg
	if err := d.put(ctx, cfg); err != nil {
		return err
	}
	if err := d.engine.Wake(ctx); err != nil {
		d.log.Warn().Str("error", d.secrets.Secrets(err.Error())).Msg("what waits is not woken: it goes on when it was told")
	}
	for key, same := range map[string]bool{
		"database_url": before.DatabaseURL.Equal(cfg.DatabaseURL), "data_dir": before.DataDir == cfg.DataDir,
		"embedded": before.Embedded == cfg.Embedded, "log": before.Log == cfg.Log, "workers": before.Workers == cfg.Workers,
		"http": before.HTTP.Listen == cfg.HTTP.Listen && before.HTTP.Token.Equal(cfg.HTTP.Token),
	} {
		if !same {
			d.log.Warn().Str("key", key).Msg("this key takes effect when syncd is started again")
		}
	}
	return nil
}

// secretsOf are all secrets of a configuration.
func secretsOf(cfg *config.Config) []string {
	hidden := []config.Secret{cfg.DatabaseURL, cfg.HTTP.Token}
	for _, src := range cfg.Sources {
		k := src.Credentials
		hidden = append(hidden, k.Secret, k.AppSecret, k.SuiteSecret, k.SuiteTicket, k.SignKey)
	}
	var list []string
	for _, s := range hidden {
		if !s.Empty() {
			list = append(list, s.Reveal())
		}
	}
	return list
}

// errNoDaemon means that no daemon was told to reload.
var errNoDaemon = errors.New("no syncd run works with this data_dir on this machine; send its process a SIGHUP where it does")
