package embedpg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Database is the database that [Open] makes for its caller.
const Database = "syncd"

// What [Open] keeps beside a data directory, by what is added to its name.
const (
	lockSuffix     = ".lock"
	logSuffix      = ".log"
	passfileSuffix = ".pgpass"
	guestsSuffix   = ".guests"
	newSuffix      = ".new" // a cluster that is being made
)

// logBytesMax is how long the server log may be before a start sets it aside.
const logBytesMax = 8 << 20

// InUseError says that another process holds a data directory.
type InUseError struct {
	DataDir string
	PID     int // of that process; 0 when it has not said
	// Brief says that it wants the directory for a moment only.
	Brief bool
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("%s is in use by process %d", e.DataDir, e.PID)
}

// Open starts the server of the cluster in dataDir, and makes the cluster if
// dataDir is absent or empty. It listens on a unix socket and, with the password
// in Passfile, on a loopback port. A cluster that a killed process left behind
// recovers; ctx bounds that, too, and after a crash it may take minutes.
//
// It never touches a directory that is not empty and not a cluster, nor a
// cluster of another major version than the binaries it can find: those are
// errors that say so. While another process has the directory open the error is
// an [InUseError]; see [Join].
//
// Beside dataDir it keeps files with its name and .lock, .guests, .log (with
// .log.1) and .pgpass.
func Open(ctx context.Context, dataDir string, opts Options) (_ *Server, err error) {
	dataDir, err = realPath(dataDir)
	if err != nil {
		return nil, err
	}
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // another user passes through
	}
	if err := os.MkdirAll(filepath.Dir(dataDir), mode); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	lock, err := lockDataDir(dataDir, opts.Brief)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.release())
		}
	}()
	acct, bin, err := prepare(ctx, dataDir, opts)
	if err != nil {
		return nil, err
	}
	dir, err := newScratch(ctx, acct, bin, scratchBases(true))
	if err != nil {
		return nil, err
	}
	s := &Server{
		Address:  Address{SocketDir: dir.path, Passfile: dataDir + passfileSuffix},
		Binaries: bin, DataDir: dataDir, logFile: dataDir + logSuffix, scratch: dir, lock: lock,
	}
	if s.guests, err = openGuestbook(dataDir, os.O_CREATE); err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	if opts.Brief {
		s.guests.patience = guestsMaxBrief
	}
	if err := s.open(ctx, acct, opts); err != nil {
		return nil, errors.Join(err, s.guests.release(), dir.remove())
	}
	return s, nil
}

// prepare leaves a cluster in dataDir that no server runs on, and says who is
// to run it with what.
func prepare(ctx context.Context, dataDir string, opts Options) (account, Binaries, error) {
	major, err := majorOf(dataDir)
	if err != nil {
		return account{}, Binaries{}, err
	}
	acct, err := chooseAccount(opts.User, dataDir)
	if err != nil {
		return account{}, Binaries{}, err
	}
	if uid, ok := ownerOf(dataDir); ok && major != 0 && uid != acct.uid {
		return account{}, Binaries{}, fmt.Errorf("%s belongs to user id %d: %s (user id %d) cannot run its server",
			dataDir, uid, acct.name, acct.uid)
	}
	bin, err := find(ctx, Hint{BinDir: opts.BinDir, Major: major}, acct)
	if err != nil {
		return account{}, Binaries{}, err
	}
	if err := reaches(ctx, acct, bin, filepath.Dir(dataDir)); err != nil {
		return account{}, Binaries{}, fmt.Errorf("%w\n(take another data_dir, or let others pass through the directories above it: chmod o+x)", err)
	}
	if major == 0 {
		return acct, bin, create(ctx, bin, acct, dataDir)
	}
	return acct, bin, takeOver(ctx, dataDir)
}

// majorOf is the major version of the cluster in dataDir; 0 when dataDir is
// absent or empty.
func majorOf(dataDir string) (int, error) {
	entries, err := os.ReadDir(dataDir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look into the data directory: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(dataDir, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("%s is neither empty nor a PostgreSQL data directory: it is left alone", dataDir)
	}
	if err != nil {
		return 0, fmt.Errorf("look into the data directory: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || major == 0 {
		return 0, fmt.Errorf("%s: PG_VERSION says %q", dataDir, text)
	}
	return major, nil
}

// hba lets in, over the socket, the users of the operating system that the map
// "syncd" of startFiles names, and anyone with a password over loopback. It is
// written once: later changes to the file are the user's.
const hba = `# Written by syncd when it made this cluster.
# The map is written anew at each start: root and the user who runs postgres.
local all syncd peer map=syncd
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
`

// create makes a cluster under another name and renames it, so that a dataDir
// with something in it is always whole. We hold its lock: what is there under
// the other name is the rest of an attempt that was killed.
func create(ctx context.Context, bin Binaries, acct account, dataDir string) error {
	fresh := dataDir + newSuffix
	if err := clearUnfinished(ctx, fresh); err != nil {
		return fmt.Errorf("clear a cluster that was not finished: %w", err)
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if err := acct.own(fresh); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	err := initdb(ctx, bin, acct, fresh, fresh, "--auth-local=peer", "--auth-host=scram-sha-256", "--data-checksums")
	if err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(fresh, "pg_hba.conf"), hba, acct); err != nil {
		return fmt.Errorf("write pg_hba.conf: %w", err)
	}
	// What is there, if anything, is empty: with something in it, Remove refuses.
	if err := os.Remove(dataDir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace the empty data directory: %w", err)
	}
	if err := os.Rename(fresh, dataDir); err != nil {
		return fmt.Errorf("publish the new cluster: %w", err)
	}
	return syncDir(filepath.Dir(dataDir))
}

// clearUnfinished removes what a killed initdb has left, once its children have
// ended: they still write there for a moment, and one whose files vanish leaves its
// shared memory behind.
func clearUnfinished(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, unfinishedWait)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		pids := workers(dir)
		err := fmt.Errorf("processes %v still work in %s", pids, dir)
		if len(pids) == 0 {
			err = os.RemoveAll(dir)
			if !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EEXIST) {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// takeOver ends the server that a killed process of ours may have left. One
// that somebody started by hand is theirs.
func takeOver(ctx context.Context, dataDir string) error {
	pid, ok := postmasterPID(dataDir)
	if ok && serves(pid, dataDir) {
		lines, _ := postmasterLines(dataDir)
		if !strings.Contains(strings.Join(lines, "\n"), "/"+homePrefix) {
			return fmt.Errorf("%s is served by process %d, which syncd did not start: stop it first (pg_ctl -D %s stop)", dataDir, pid, dataDir)
		}
	}
	if err := evict(ctx, dataDir); err != nil {
		return fmt.Errorf("end the server of a killed syncd: %w", err)
	}
	return nil
}

// open starts the server and sets up what callers find there.
func (s *Server) open(ctx context.Context, acct account, opts Options) error {
	pass := readPassfile(s.Passfile)
	ident, err := s.startFiles(acct)
	if err != nil {
		return err
	}
	if err := s.startOnPort(ctx, acct, opts, pass.port, settings{
		"listen_addresses": "127.0.0.1",
		"ident_file":       ident,
		"cluster_name":     "syncd",
		// The log of a failed statement would quote names of people.
		"log_min_error_statement": "panic",
		"log_error_verbosity":     "terse",
	}.add(opts.Settings)); err != nil {
		return err
	}
	if err := s.furnish(ctx, pass); err != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		return errors.Join(err, s.proc.stop(end))
	}
	return nil
}

// startFiles writes the map of who may come in over the socket and returns its
// name, and sets a long log aside.
func (s *Server) startFiles(acct account) (ident string, err error) {
	ident = s.scratch.join("pg_ident.conf")
	text := fmt.Sprintf("syncd root %s\nsyncd %q %[1]s\n", superuser, acct.name)
	if err := replaceFile(ident, text, acct); err != nil {
		return "", fmt.Errorf("write the map of users: %w", err)
	}
	if info, err := os.Stat(s.logFile); err == nil && info.Size() > logBytesMax {
		if err := os.Rename(s.logFile, s.logFile+".1"); err != nil {
			return "", fmt.Errorf("set the server log aside: %w", err)
		}
	}
	return ident, nil
}

// startOnPort starts on the configured port, or else on the one used last, or
// else on any that is free. Somebody may take a free one before the server does.
func (s *Server) startOnPort(ctx context.Context, acct account, opts Options, last int, set settings) error {
	if opts.Port != 0 {
		s.Port = opts.Port
		return s.start(ctx, acct, set)
	}
	const attempts = 5
	var err error
	for range attempts {
		if s.Port, err = freePort(ctx, last); err != nil {
			return err
		}
		err = s.start(ctx, acct, set)
		if err == nil || !strings.Contains(err.Error(), "could not bind") {
			return err
		}
		last = 0
	}
	return err
}

// freePort is wanted if nobody listens there, else a port nobody listens on.
func freePort(ctx context.Context, wanted int) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(wanted)))
	if err != nil && wanted != 0 {
		return freePort(ctx, 0)
	}
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil || !ok {
		return 0, fmt.Errorf("find a free port: listened on %s: %w", l.Addr(), err)
	}
	return addr.Port, nil
}

// furnish makes sure that there are the database, a password, and the pgpass
// file with the port of this time.
func (s *Server) furnish(ctx context.Context, pass passfile) error {
	conn, err := pgx.Connect(ctx, s.DSN(adminDatabase))
	if err != nil {
		return fmt.Errorf("connect to the new server: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var exists bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", Database).Scan(&exists)
	if err != nil {
		return fmt.Errorf("look for database %s: %w", Database, err)
	}
	if !exists {
		if _, err := conn.Exec(ctx, "create database "+Database); err != nil {
			return fmt.Errorf("create database %s: %w", Database, err)
		}
	}
	if pass.password == "" { // new, or the file was lost
		pass.password = newPassword()
		verifier, err := scramVerifier(pass.password)
		if err != nil {
			return fmt.Errorf("make a password: %w", err)
		}
		if _, err := conn.Exec(ctx, "alter role "+superuser+" password '"+verifier+"'"); err != nil {
			return fmt.Errorf("set the password: %w", err)
		}
	}
	pass.port = s.Port
	if err := replaceFile(s.Passfile, pass.text(), account{}); err != nil {
		return fmt.Errorf("write the pgpass file: %w", err)
	}
	return nil
}
