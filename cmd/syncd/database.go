package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"syncd/config"
	"syncd/internal/embedpg"
	"syncd/internal/store"
)

const (
	// serverStopMax is how long a private server may take to shut down, with the wait
	// for its guests.
	serverStopMax = time.Minute
	// momentMax is how long a command waits for one that holds the private server
	// only for a moment, as status does, or is starting or stopping it.
	momentMax = 2 * time.Minute
	// inUsePoll is the pause between two looks: a lock file announces nothing.
	inUsePoll = 50 * time.Millisecond
	// poolCloseMax is how long connections may take to end.
	poolCloseMax = 500 * time.Millisecond
)

// database is an open database: the configured one, or the private one under
// data_dir where none is.
type database struct {
	pool *pgxpool.Pool
	// private is where the private server answers; nil for a configured database.
	private *embedpg.Address
	// server is the private server where this process runs it, guest where another
	// one does; one of them is nil, or both.
	server *embedpg.Server
	guest  *embedpg.Guest
}

// close drops the connections and leaves the private server, or stops it if it
// is ours.
func (d *database) close() error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		d.pool.Close()
	}()
	select {
	case <-closed:
	case <-time.After(poolCloseMax): // the server is silent; the process ends, and with it they do
	}
	if d.guest != nil {
		return d.guest.Leave()
	}
	if d.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), serverStopMax)
	defer cancel()
	return d.server.Stop(ctx)
}

// opener opens the database of a configuration: [openDatabase] or
// [joinDatabase].
type opener func(context.Context, *config.Config) (*database, error)

// withDatabase opens the database of the configuration for work that the first
// interrupt ends.
func (c *cli) withDatabase(ctx context.Context, h *host, open opener, work func(context.Context, *database) error) error {
	cfg, err := c.load(h)
	if err != nil {
		return err
	}
	return untilStopped(ctx, h, func(ctx context.Context) error { return open.use(ctx, cfg, work) })
}

// use opens the database for work and closes it.
func (o opener) use(ctx context.Context, cfg *config.Config, work func(context.Context, *database) error) (err error) {
	db, err := o(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	return work(ctx, db)
}

// openDatabase connects to the configured database, or starts the private one,
// which must then be ours alone.
func openDatabase(ctx context.Context, cfg *config.Config) (*database, error) {
	if !cfg.DatabaseURL.Empty() {
		return connect(ctx, cfg)
	}
	db, err := startPrivate(ctx, cfg.DataDir, options(cfg))
	if busy, ok := errors.AsType[*embedpg.InUseError](err); ok {
		return nil, fmt.Errorf("data_dir %s is in use: %s runs its private PostgreSQL; wait for its end or stop it "+
			"(all that only looks, approve and track work beside it), or set database_url: then several syncd share the work",
			cfg.DataDir, process(busy))
	}
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL (database_url is empty): %w", err)
	}
	return db, nil
}

// joinDatabase connects to the configured database or to the private one that
// another process runs. Where none does, it starts it for the moment.
func joinDatabase(ctx context.Context, cfg *config.Config) (*database, error) {
	if !cfg.DatabaseURL.Empty() {
		return connect(ctx, cfg)
	}
	db, err := joinPrivate(ctx, cfg.DataDir, options(cfg))
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL (database_url is empty): %w", err)
	}
	return db, nil
}

func connect(ctx context.Context, cfg *config.Config) (*database, error) {
	pool, err := store.Open(ctx, cfg.DatabaseURL.Reveal())
	if err != nil {
		return nil, err
	}
	return &database{pool: pool}, nil
}

func options(cfg *config.Config) embedpg.Options {
	return embedpg.Options{BinDir: cfg.Embedded.BinDir, Port: cfg.Embedded.Port}
}

// clusterDir is where the private PostgreSQL of a data directory lives.
func clusterDir(dataDir string) string { return filepath.Join(dataDir, "postgres") }

// startPrivate starts the private server of dataDir. While another process works
// on it, the error is an [embedpg.InUseError]; one that only looks is waited for.
func startPrivate(ctx context.Context, dataDir string, opts embedpg.Options) (*database, error) {
	giveUp := time.Now().Add(momentMax)
	var before *embedpg.InUseError
	for {
		server, err := embedpg.Open(ctx, clusterDir(dataDir), opts)
		if err == nil {
			return attach(ctx, server)
		}
		busy, ok := errors.AsType[*embedpg.InUseError](err)
		if !ok {
			return nil, err
		}
		// Who has just come may not have said so yet: two looks have to agree.
		settled := before != nil && *before == *busy && !busy.Brief && busy.PID != 0
		if settled || time.Now().After(giveUp) {
			return nil, busy
		}
		before = busy
		if err := pause(ctx, inUsePoll); err != nil {
			return nil, err
		}
	}
}

// attach connects to a server that this process has started.
func attach(ctx context.Context, server *embedpg.Server) (*database, error) {
	pool, err := store.Open(ctx, server.DSN(embedpg.Database))
	if err != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), serverStopMax)
		defer cancel()
		return nil, errors.Join(err, server.Stop(end))
	}
	return &database{pool: pool, private: &server.Address, server: server}, nil
}

// joinPrivate connects to the private server of dataDir, whoever runs it.
func joinPrivate(ctx context.Context, dataDir string, opts embedpg.Options) (*database, error) {
	opts.Brief = true
	giveUp := time.Now().Add(momentMax)
	for {
		db, joinErr := visit(ctx, dataDir)
		if joinErr == nil {
			return db, nil
		}
		server, err := embedpg.Open(ctx, clusterDir(dataDir), opts)
		if err == nil {
			return attach(ctx, server)
		}
		busy, ok := errors.AsType[*embedpg.InUseError](err)
		if !ok {
			return nil, err
		}
		if time.Now().After(giveUp) {
			return nil, fmt.Errorf("join the server of %s: %w", process(busy), joinErr)
		}
		if err := pause(ctx, inUsePoll); err != nil {
			return nil, err
		}
	}
}

// visit joins the private server of dataDir. It fails while nobody runs one, and
// while that is being started or stopped.
func visit(ctx context.Context, dataDir string) (*database, error) {
	guest, err := embedpg.Join(ctx, clusterDir(dataDir))
	if err != nil {
		return nil, err
	}
	pool, err := store.Open(ctx, guest.DSN(embedpg.Database))
	if err != nil {
		return nil, errors.Join(err, guest.Leave())
	}
	return &database{pool: pool, private: &guest.Address, guest: guest}, nil
}

// process names who holds a data directory.
func process(busy *embedpg.InUseError) string {
	if busy.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d", busy.PID)
}

// pause waits for d, or for the end of ctx, whose cause it returns.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// prepare makes the database fit to sync into: the schema is migrated up, or only
// checked where that is not wanted. On a server that this process has just
// started every lease is a dead process's: nobody has to wait for its end.
func (d *database) prepare(ctx context.Context, migrate bool) error {
	if migrate {
		if _, err := store.MigrateUp(ctx, d.pool); err != nil {
			return err
		}
	} else if err := store.CheckSchema(ctx, d.pool); err != nil {
		return err
	}
	if d.server == nil {
		return nil
	}
	return store.New(d.pool).FreeLeases(ctx)
}

// ended closes when a private server that this process runs is gone; nil for
// any other database.
func (d *database) ended() <-chan struct{} {
	if d.server == nil {
		return nil
	}
	return d.server.Done()
}

// lost is the error for a private server that is gone although nobody has stopped
// it. This process cannot go on without it, and the next one starts it again.
func (d *database) lost() error {
	return fmt.Errorf("the private PostgreSQL has ended by itself: see the end of %s.log; the next start recovers it", d.server.DataDir)
}

// psql is the command that connects to a private server, without its password.
func (d *database) psql() string { return d.private.PSQL(embedpg.Database) }

// announce tells the log how to look into a private server.
func (d *database) announce(log zerolog.Logger) {
	if d.server != nil {
		log.Info().Str("version", d.server.Binaries.Version).Int("pid", d.server.PID()).
			Msg("private PostgreSQL is running; look into it with: " + d.psql())
	}
}
