package main

import (
	"context"
	"errors"

	"syncd/config"
	"syncd/internal/model"
	"syncd/internal/store"
)

type syncCmd struct {
	Targets []string `arg:"" optional:"" name:"source[/stream]" help:"What to sync; everything by default."`
	Full    bool     `help:"Read and write everything again, however fresh; covered days of statistics are for refetch."`
	passFlags
}

// passFlags are those of every command that runs passes in the foreground.
type passFlags struct {
	NoWait    bool `help:"Do not wait for a stream that another process is syncing (exit 3)."`
	NoMigrate bool `help:"Do not migrate the database schema."`
}

// Run syncs the chosen streams, dependencies first.
func (s *syncCmd) Run(ctx context.Context, c *cli, h *host) error {
	return s.run(ctx, c, h, s.Targets, func(job *syncJob, _ []*source) error {
		job.full = s.Full
		return nil
	})
}

// run syncs the targets. adjust sees the job and what was chosen before anything
// is opened.
func (f *passFlags) run(ctx context.Context, c *cli, h *host, targets []string,
	adjust func(*syncJob, []*source) error,
) (err error) {
	cfg, err := c.load(h)
	if err != nil {
		return err
	}
	log := c.logger(h, cfg.Log)
	sources, err := choose(cfg, targets, h.watched(log))
	if err != nil {
		return err
	}
	defer closeSources(sources)
	job := &syncJob{
		host: h, log: log, leaseTTL: cfg.LeaseTTL,
		breaker: model.Breaker{Min: cfg.Breaker.Min, Share: cfg.Breaker.Share}, wait: !f.NoWait,
	}
	if err := adjust(job, sources); err != nil {
		return err
	}
	ctx, stop, done := interruptible(ctx, h)
	defer done()
	db, err := f.open(ctx, stop, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	db.announce(log)
	job.store, job.stop = store.New(db.pool), stop
	return job.run(ctx, sources)
}

// open opens a database that has the schema, unless it is interrupted.
func (f *passFlags) open(ctx context.Context, stop <-chan struct{}, cfg *config.Config) (*database, error) {
	ctx, cancel := until(ctx, stop)
	defer cancel()
	db, err := openDatabase(ctx, cfg)
	if err != nil {
		return nil, orInterrupted(ctx, err)
	}
	if err := db.prepare(ctx, !f.NoMigrate); err != nil {
		return nil, errors.Join(orInterrupted(ctx, err), db.close())
	}
	return db, nil
}
