package embedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// socketPathMax is the longest path of a unix socket: 107 bytes on Linux,
	// 103 elsewhere.
	socketPathMax = 103
	// tmpfsBytesMin is what must be free in memory before a cluster goes there:
	// the 64 MB that containers have by default hold one, but no test databases.
	tmpfsBytesMin = 1 << 30
	// homePrefix begins the names of the directories that hold ours.
	homePrefix = "syncd-pg-"
	// evictWait is how long the server of a throwaway cluster may take to go that has
	// no parent.
	evictWait = 10 * time.Second
	// unfinishedWait is how long the children of a killed initdb may take: a busy
	// machine needs seconds where an idle one needs a tenth of one.
	unfinishedWait = time.Minute
)

// scratch is a short-named directory that goes away with its server. Whoever
// holds the flock on the directory itself lives; the kernel drops the lock with
// the process, so it tells the dead from the living across reused process ids
// and containers. (systemd-tmpfiles also leaves a locked directory alone.)
type scratch struct {
	path string
	lock *os.File
	home string // its parent, to be removed with the last one; or ""
}

// scratchBases are the directories to try, best first.
func scratchBases(durable bool) []string {
	var bases []string
	if !durable && tmpfsDir != "" {
		if free, err := DiskFree(tmpfsDir); err == nil && free >= tmpfsBytesMin {
			bases = append(bases, tmpfsDir)
		}
	}
	return append(bases, os.TempDir(), "/tmp")
}

// newScratch makes and locks a directory <base>/syncd-pg-<our uid>/<our
// pid>-<random> in the first base that acct can reach and whose name is short
// enough for a socket. It removes what dead processes left beside it.
func newScratch(ctx context.Context, acct account, bin Binaries, bases []string) (*scratch, error) {
	var refused []error
	for _, base := range bases {
		s, err := scratchIn(ctx, acct, bin, base)
		if err == nil {
			return s, nil
		}
		refused = append(refused, err)
	}
	return nil, fmt.Errorf("no directory for the server's socket: %w", errors.Join(refused...))
}

func scratchIn(ctx context.Context, acct account, bin Binaries, base string) (*scratch, error) {
	// A server knows itself by the real name of its directory.
	base, err := filepath.EvalSymlinks(base)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(base, `,"`) {
		return nil, fmt.Errorf("%s: connection strings and settings take that for a list", base)
	}
	home := filepath.Join(base, homePrefix+strconv.Itoa(os.Geteuid()))
	var s *scratch
	for s == nil {
		if err := makeHome(home, acct); err != nil {
			return nil, err
		}
		sweep(ctx, home)
		s, err = lockedDir(home)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // another process removed home
			return nil, err
		}
	}
	s.home = home
	if err := s.give(ctx, acct, bin); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// makeHome makes the directory that holds our scratch directories, or makes
// sure that the one that exists is ours: base is open to everybody.
func makeHome(home string, acct account) error {
	mode := os.FileMode(0o700)
	if acct.credential != nil {
		mode = 0o711 // the other user passes through, and cannot list
	}
	if err := os.Mkdir(home, mode); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(home)
	if errors.Is(err, os.ErrNotExist) {
		return nil // removed since: lockedDir will see
	}
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s is not a directory of ours", home)
	}
	if err := os.Chmod(home, mode); err != nil && !errors.Is(err, os.ErrNotExist) { // whatever the umask
		return err
	}
	return nil
}

// lockedDir makes a new directory in home and locks it. A sweeper may remove it
// between the two; then it makes another.
// An [os.ErrNotExist] says that home itself is gone.
func lockedDir(home string) (*scratch, error) {
	for {
		path, err := os.MkdirTemp(home, strconv.Itoa(os.Getpid())+"-")
		if err != nil {
			return nil, err
		}
		if socket := filepath.Join(path, ".s.PGSQL.65535"); len(socket) > socketPathMax {
			return nil, errors.Join(fmt.Errorf("%s: too long for a socket", socket), os.Remove(path))
		}
		lock, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), lock.Close())
		}
		if sameFile(lock, path) {
			return &scratch{path: path, lock: lock}, nil
		}
		if err := lock.Close(); err != nil {
			return nil, err
		}
	}
}

func sameFile(open *os.File, path string) bool {
	a, err := open.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}

// give hands the directory to acct and makes sure that it can get there.
func (s *scratch) give(ctx context.Context, acct account, bin Binaries) error {
	if err := acct.own(s.path); err != nil {
		return err
	}
	return reaches(ctx, acct, bin, s.path)
}

// ErrOutOfReach says that the user who runs the server for root cannot get to a
// directory: one of those above it is closed, as /root is. Another directory
// helps.
var ErrOutOfReach = errors.New("directory out of reach")

// reaches says whether acct can run bin in dir. The modes of the directories
// above do not tell: there are ACLs and mounts.
func reaches(ctx context.Context, acct account, bin Binaries, dir string) error {
	if acct.credential == nil {
		return nil
	}
	if _, err := run(ctx, acct, dir, bin.path("postgres"), "--version"); err != nil {
		return fmt.Errorf("%w: user %s, who is to run postgres, cannot work in %s: %w", ErrOutOfReach, acct.name, dir, err)
	}
	return nil
}

func (s *scratch) join(name string) string { return filepath.Join(s.path, name) }

// remove deletes the directory and lets go of its lock.
func (s *scratch) remove() error {
	err := errors.Join(os.RemoveAll(s.path), unlock(s.lock))
	if s.home != "" {
		_ = os.Remove(s.home) // unless others are in it
	}
	return err
}

// sweep removes the directories in home whose process is gone. It is a favour
// to the machine: what it cannot do now is left to the next one.
func sweep(ctx context.Context, home string) {
	entries, err := os.ReadDir(home)
	if err != nil {
		return
	}
	for _, entry := range entries {
		sweepOne(ctx, filepath.Join(home, entry.Name()))
	}
}

func sweepOne(ctx context.Context, path string) {
	dir, err := os.Open(path)
	if err != nil {
		return
	}
	defer func() { _ = unlock(dir) }()
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return // its owner lives, or another sweeper has it
	}
	ctx, cancel := context.WithTimeout(ctx, evictWait)
	defer cancel()
	if err := evict(ctx, filepath.Join(path, "data")); err != nil {
		return
	}
	_ = os.RemoveAll(path)
}

// evict ends the server of dataDir, whose parent is gone, and its processes. On
// Linux it is on its way out already, also where it had only begun and has no pid
// file yet; elsewhere nobody has told it. The caller holds the lock of the directory,
// so no other server of ours can begin there.
func evict(ctx context.Context, dataDir string) error {
	pid, ok := postmasterPID(dataDir)
	if ok && serves(pid, dataDir) {
		if err := syscall.Kill(pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop process %d: %w", pid, err)
		}
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		pids := servers(pid, dataDir)
		if len(pids) == 0 {
			return forget(dataDir)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("processes %v still serve %s: %w", pids, dataDir, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// postmasterPID reads the process id that the last server of dataDir left or
// has there; false when there is none.
func postmasterPID(dataDir string) (int, bool) {
	lines, ok := postmasterLines(dataDir)
	if !ok {
		return 0, false
	}
	pid, err := strconv.Atoi(lines[0])
	return pid, err == nil && pid > 0
}

// postmasterLines are the lines of postmaster.pid: process id, data directory,
// start time, port, socket directory, listen address, shared memory, status.
func postmasterLines(dataDir string) ([]string, bool) {
	text, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		return nil, false
	}
	lines := strings.Split(string(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines, true
}
