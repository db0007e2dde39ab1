package main

import (
	"context"
	"errors"

	"syncd/config"
	"syncd/internal/model"
	"syncd/internal/store"
)

type syncCmd struct {
	Targets   []string `arg:"" optional:"" name:"source[/stream]" help:"What to sync; everything by default."`
	Full      bool     `help:"Read and write everything again, however fresh."`
	NoWait    bool     `help:"Do not wait for a stream that another process is syncing (exit 3)."`
	NoMigrate bool     `help:"Do not migrate the database schema."`
}

// Run syncs the chosen streams, dependencies first.
func (s *syncCmd) Run(ctx context.Context, c *cli, h *host) (err error) {
	cfg, err := c.load(h)
	if err != nil {
		return err
	}
	log := c.logger(h, cfg.Log)
	sources, err := choose(cfg, s.Targets, h.watched(log))
	if err != nil {
		return err
	}
	defer func() {
		for _, src := range sources {
			src.client.Close()
		}
	}()
	ctx, stop, done := interruptible(ctx, h)
	defer done()
	db, err := s.open(ctx, stop, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	db.announce(log)
	job := &syncJob{
		host: h, log: log, store: store.New(db.pool), stop: stop, leaseTTL: cfg.LeaseTTL,
		breaker: model.Breaker{Min: cfg.Breaker.Min, Share: cfg.Breaker.Share},
		full:    s.Full, wait: !s.NoWait,
	}
	return job.run(ctx, sources)
}

// open opens a database that has the schema, unless it is interrupted.
func (s *syncCmd) open(ctx context.Context, stop <-chan struct{}, cfg *config.Config) (*database, error) {
	ctx, cancel := until(ctx, stop)
	defer cancel()
	db, err := openDatabase(ctx, cfg)
	if err != nil {
		return nil, orInterrupted(ctx, err)
	}
	if err := db.prepare(ctx, !s.NoMigrate); err != nil {
		return nil, errors.Join(orInterrupted(ctx, err), db.close())
	}
	return db, nil
}
