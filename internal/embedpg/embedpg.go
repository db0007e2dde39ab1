// Package embedpg runs a private PostgreSQL server as a child of this process.
//
// [Throwaway] makes a new cluster for a test process or a demonstration and
// removes it on [Server.Stop]. [Open] keeps one in a directory, for a user who
// has no server of their own. Both run the PostgreSQL 15 or newer that [Find]
// finds on this machine; nothing is ever downloaded.
//
// What a reader would find out the hard way:
//
//   - PostgreSQL refuses to run as root. A root process runs it as another
//     user, who must be able to reach the binaries and the directory.
//   - The server must not outlive us. On Linux it is told to shut down when the
//     thread that started it ends, so that thread is kept for it alone. What a
//     SIGKILL leaves in the file system, the next start removes.
//   - A socket path may have 107 bytes, so sockets live in short directories
//     of their own and never below a data directory.
//   - The child is in a session of its own: Ctrl-C on the terminal is for us,
//     and we stop the server when we are done with it. It gets none of our
//     environment, where secrets are.
//
// It knows nothing of the schema, migrations or configuration, and runs on
// Linux and macOS.
package embedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// superuser is the role that initdb makes and that we connect as.
	superuser = "syncd"
	// adminDatabase exists in every new cluster.
	adminDatabase = "postgres"
	// stopGrace is how long a fast shutdown may take when the caller of a
	// failed start has no more time to give.
	stopGrace = 10 * time.Second
	// pollEvery is the pause between two looks at something outside of us that
	// does not announce itself: a server that is starting, or going away.
	pollEvery = 10 * time.Millisecond
)

// Options say which server to run. The zero value is the usual one.
type Options struct {
	// BinDir holds postgres and initdb; "" leaves the search to [Find].
	BinDir string
	// User is the account that runs the server when we are root; "" takes the
	// owner of an existing data directory, else postgres, else nobody. It is
	// ignored when we are not root.
	User string
	// Durable keeps PostgreSQL's own durability and WAL settings in a throwaway
	// server, and its files off tmpfs: for tests that measure WAL or kill the
	// server. [Open] is always durable.
	Durable bool
	// Port is the loopback TCP port of [Open]; 0 takes the one used last time if
	// it is free, else any free one. A throwaway server has no TCP port.
	Port int
	// Brief tells others who want the data directory of [Open] that they will not
	// have to wait for long.
	Brief bool
	// Settings are server settings by name; they win over our own.
	Settings map[string]string
}

// Server is a PostgreSQL server that this process started. Its methods may be
// called by several goroutines.
type Server struct {
	Address
	// Binaries are the programs it runs.
	Binaries Binaries
	// DataDir is the cluster's directory.
	DataDir string

	proc     *process
	logFile  string
	scratch  *scratch
	lock     *lockFile  // of a kept data directory, else nil
	guests   *guestbook // of a kept data directory, else nil
	stopOnce sync.Once
	stopErr  error
}

// Throwaway starts a new, empty server without durability, for tests and
// demonstrations. Only the user it runs as and root reach its socket, and need
// no password. ctx bounds the start, not the life of the server: call
// [Server.Stop], which also removes every file. It first removes what dead
// processes left behind.
func Throwaway(ctx context.Context, opts Options) (*Server, error) {
	acct, err := chooseAccount(opts.User, "")
	if err != nil {
		return nil, err
	}
	bin, err := find(ctx, Hint{BinDir: opts.BinDir}, acct)
	if err != nil {
		return nil, err
	}
	dir, err := newScratch(ctx, acct, bin, scratchBases(opts.Durable))
	if err != nil {
		return nil, err
	}
	s := &Server{
		Address:  Address{SocketDir: dir.path, Port: defaultPort},
		Binaries: bin, DataDir: dir.join("data"), logFile: dir.join("log"), scratch: dir,
	}
	if err := initdb(ctx, bin, acct, "/", s.DataDir, "--auth=trust", "--no-sync"); err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	if err := s.start(ctx, acct, throwawaySettings(opts)); err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	return s, nil
}

// throwawaySettings trade durability for speed unless opts say not to.
func throwawaySettings(opts Options) settings {
	set := settings{
		"listen_addresses": "",
		"max_connections":  "200",
	}
	if !opts.Durable {
		set.add(settings{
			"fsync":              "off",
			"synchronous_commit": "off",
			"full_page_writes":   "off",
			"wal_level":          "minimal",
			"max_wal_senders":    "0",
			"max_wal_size":       "256MB",
			// A worker may sit in a template database that is being cloned.
			"autovacuum": "off",
			// Segments are files of the data directory and go away with it.
			"dynamic_shared_memory_type": "mmap",
		})
	}
	return set.add(opts.Settings)
}

// start runs the server of s.DataDir and returns when it accepts connections.
// When it fails, no process is left.
func (s *Server) start(ctx context.Context, acct account, set settings) error {
	set = settings{
		"unix_socket_directories": `"` + s.SocketDir + `"`,
		"port":                    strconv.Itoa(s.Port),
		"logging_collector":       "off",
		"log_destination":         "stderr",
		"log_timezone":            "UTC",
	}.add(set)
	var before int64 // what earlier servers have written there
	if info, err := os.Stat(s.logFile); err == nil {
		before = info.Size()
	}
	proc, err := launch(ctx, s.Binaries, acct, s.DataDir, s.logFile, set)
	if err != nil {
		return err
	}
	s.proc = proc
	if err := s.awaitReady(ctx, before); err != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		return errors.Join(err, proc.stop(end))
	}
	return nil
}

// awaitReady connects until the server lets us in. Nothing announces readiness,
// so it looks every few milliseconds; it gives up when the server ends, when
// the server answers with an error that waiting does not cure, or with ctx. Then
// what the log holds after its first bytes is part of the error.
func (s *Server) awaitReady(ctx context.Context, before int64) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && pgErr.Code != "57P03" { // cannot_connect_now
			return fmt.Errorf("connect to the new server: %w", err)
		}
		select {
		case <-s.proc.done:
			return fmt.Errorf("postgres ended before it was ready: %w%s", s.proc.err, logTail(s.logFile, before))
		case <-ctx.Done():
			return fmt.Errorf("wait for postgres: %w%s", context.Cause(ctx), logTail(s.logFile, before))
		case <-tick.C:
		}
	}
}

// PID is the process id of the server.
func (s *Server) PID() int { return s.proc.pid }

// Done is closed when the server has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.proc.done }

// Stop shuts the server down: it waits a few seconds for those who have joined
// it with [Join], then clients are disconnected and it exits. When
// ctx ends first the server is killed, which it would recover from; the context
// error is then part of the result. A throwaway server's files are removed
// in any case. Calls after the first return the first one's result.
//
// A ctx that is already over kills at once: a shutdown wants a context of its
// own.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		s.stopErr = errors.Join(s.guests.close(ctx, s.proc.done), s.proc.stop(ctx), s.scratch.remove(),
			s.guests.release(), s.lock.release())
	})
	return s.stopErr
}
