package embedpg

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// dataDir is the name of a data directory that another user can get to, which
// does not exist yet.
func dataDir(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	require.NoError(t, os.Chmod(base, 0o755))               //nolint:gosec // the server runs as another user
	require.NoError(t, os.Chmod(filepath.Dir(base), 0o755)) //nolint:gosec // the same
	return filepath.Join(base, "data", "postgres")
}

func open(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Open(t.Context(), dir, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Stop(context.WithoutCancel(t.Context())) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	require.NoError(t, s.Stop(t.Context()))
}

func exe(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

// overTCP is the URL of the server's loopback port.
func overTCP(a Address, password string) string {
	u := url.URL{
		Scheme: "postgres", User: url.User(superuser), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port)), Path: Database,
	}
	query := url.Values{"sslmode": {"disable"}}
	if password == "" {
		query.Set("passfile", a.Passfile)
	} else {
		query.Set("password", password)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

func TestOpenKeepsTheCluster(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := open(t, dir)
	exe(t, s.DSN(Database), "create table kept as select 'here' as what")
	require.Equal(t, "on", show(t, s.DSN(Database), "fsync"))
	require.Equal(t, "on", show(t, s.DSN(Database), "data_checksums"))
	first, port := s.SocketDir, s.Port
	stop(t, s)
	require.NoDirExists(t, first)
	require.NoFileExists(t, filepath.Join(dir, "postmaster.pid"))

	s = open(t, dir)
	require.Equal(t, "here", query(t, s.DSN(Database), "select what from kept"))
	for range 3 { // somebody else on this machine may be given the port meanwhile
		if s.Port == port {
			break
		}
		port = s.Port
		stop(t, s)
		s = open(t, dir)
	}
	require.Equal(t, port, s.Port, "a free port is used again")
	stop(t, s)
}

func TestOpenOverTCPWantsThePassword(t *testing.T) {
	t.Parallel()
	s := open(t, dataDir(t))
	info, err := os.Stat(s.Passfile)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Equal(t, superuser, query(t, overTCP(s.Address, ""), "select current_user::text"))

	_, err = pgx.Connect(t.Context(), overTCP(s.Address, "guess"))
	require.ErrorContains(t, err, "password authentication failed")
	password := readPassfile(s.Passfile).password
	require.NotEmpty(t, password)
	require.NotContains(t, s.PSQL(Database), password)
	require.Contains(t, s.PSQL(Database), s.Passfile)
	log, err := os.ReadFile(s.logFile)
	require.NoError(t, err)
	require.NotContains(t, string(log), password)
}

func TestOpenMendsALostPassfile(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := open(t, dir)
	lost := readPassfile(s.Passfile).password
	stop(t, s)
	require.NoError(t, os.Remove(s.Passfile))

	s = open(t, dir)
	require.NotEqual(t, lost, readPassfile(s.Passfile).password)
	require.Equal(t, Database, query(t, overTCP(s.Address, ""), "select current_database()::text"))
	_, err := pgx.Connect(t.Context(), overTCP(s.Address, lost))
	require.ErrorContains(t, err, "password authentication failed")
}

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	_, err := Join(t.Context(), dir)
	require.ErrorIs(t, err, ErrNotRunning)

	s := open(t, dir)
	exe(t, s.DSN(Database), "create table seen as select 'both' as who")
	_, err = Open(t.Context(), dir, Options{})
	var inUse *InUseError
	require.ErrorAs(t, err, &inUse)
	require.Equal(t, &InUseError{DataDir: s.DataDir, PID: os.Getpid()}, inUse)

	joined, err := Join(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, s.Address, joined.Address)
	require.Equal(t, "both", query(t, joined.DSN(Database), "select who from seen"))
	require.NoError(t, joined.Leave())
	require.NoError(t, joined.Leave(), "twice")

	stop(t, s)
	_, err = Join(t.Context(), dir)
	require.ErrorIs(t, err, ErrNotRunning)
}

func TestInUseForAMoment(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s, err := Open(t.Context(), dir, Options{Brief: true})
	require.NoError(t, err)
	_, err = Open(t.Context(), dir, Options{})
	var inUse *InUseError
	require.ErrorAs(t, err, &inUse)
	require.Equal(t, &InUseError{DataDir: s.DataDir, PID: os.Getpid(), Brief: true}, inUse)
	stop(t, s)
	open(t, dir)
	_, err = Open(t.Context(), dir, Options{})
	require.ErrorAs(t, err, &inUse)
	require.Equal(t, &InUseError{DataDir: s.DataDir, PID: os.Getpid()}, inUse)
}

// A released lock is free, although a child that is just being started still has
// the file open.
func TestReleaseBesideAStartingChild(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	inherit := func(file *os.File) {
		fd, err := syscall.Dup(int(file.Fd()))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, syscall.Close(fd)) })
	}
	lock, err := lockDataDir(dir, false)
	require.NoError(t, err)
	inherit(lock.file)
	require.NoError(t, lock.release())
	lock, err = lockDataDir(dir, false)
	require.NoError(t, err)
	require.NoError(t, lock.release())

	book, err := openGuestbook(dir, os.O_CREATE)
	require.NoError(t, err)
	in, err := book.enter()
	require.NoError(t, err)
	require.True(t, in)
	inherit(book.file)
	require.NoError(t, book.release())
	book, err = openGuestbook(dir, 0)
	require.NoError(t, err)
	empty, err := book.lock(syscall.LOCK_EX)
	require.NoError(t, err)
	require.True(t, empty)
	require.NoError(t, book.release())
}

// A server that is being stopped waits for its guests, lets nobody else in, and
// does not wait for ever.
func TestStopWaitsForGuests(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := open(t, dir)
	guest, err := Join(t.Context(), dir)
	require.NoError(t, err)
	stopped := make(chan error, 1)
	s.guests.patience = time.Hour
	go func() { stopped <- s.Stop(t.Context()) }()
	for range 20 {
		require.Equal(t, "1", query(t, guest.DSN(Database), "select '1'"))
	}
	require.Empty(t, stopped)
	require.NoError(t, guest.Leave())
	require.NoError(t, <-stopped)

	s = open(t, dir)
	guest, err = Join(t.Context(), dir)
	require.NoError(t, err)
	s.guests.patience = time.Millisecond
	stop(t, s) // it gives up on a guest that stays
	require.NoError(t, guest.Leave())

	s = open(t, dir)
	book, err := openGuestbook(s.DataDir, 0)
	require.NoError(t, err)
	empty, err := book.lock(syscall.LOCK_EX)
	require.NoError(t, err)
	require.True(t, empty)
	_, err = Join(t.Context(), dir)
	require.ErrorIs(t, err, ErrNotRunning, "it is being stopped")
	require.NoError(t, book.release())
	stop(t, s)
}

// Starting on one new directory at the same moment, one gets it.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	const starters = 4
	type result struct {
		s   *Server
		err error
	}
	results := make(chan result, starters)
	for range starters {
		go func() {
			s, err := Open(t.Context(), dir, Options{})
			results <- result{s, err}
		}()
	}
	started := 0
	for range starters {
		r := <-results
		if r.err == nil {
			started++
			defer stop(t, r.s)
			continue
		}
		var inUse *InUseError
		require.ErrorAs(t, r.err, &inUse)
	}
	require.Equal(t, 1, started)
}

func TestOpenAfterSIGKILL(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	parent, pid, _, _ := spawn(t, "open", dir)
	joined, err := Join(t.Context(), dir)
	require.NoError(t, err)
	exe(t, joined.DSN(Database), "create table survived as select 'it' as what")
	require.NoError(t, joined.Leave())
	_, err = Open(t.Context(), dir, Options{})
	var inUse *InUseError
	require.ErrorAs(t, err, &inUse)
	require.Equal(t, parent.Process.Pid, inUse.PID)

	kill(t, parent)
	// At once: the old server may still be going away.
	s := open(t, dir)
	require.NotEqual(t, pid, s.PID())
	require.False(t, serves(pid, s.DataDir))
	require.Equal(t, "it", query(t, s.DSN(Database), "select what from survived"))
	stop(t, s)
}

// The server itself is killed: Done tells, and the next start recovers.
func TestOpenAfterServerCrash(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := open(t, dir)
	exe(t, s.DSN(Database), "create table survived as select 'it' as what")
	require.NoError(t, syscall.Kill(s.PID(), syscall.SIGKILL))
	<-s.Done()
	stop(t, s)
	require.FileExists(t, filepath.Join(dir, "postmaster.pid"))

	s = open(t, dir)
	require.Equal(t, "it", query(t, s.DSN(Database), "select what from survived"))
	stop(t, s)
}

// After a reboot the number in a stale pid file can be another process of the
// same user. PostgreSQL alone would refuse to start.
func TestOpenWithAReusedPID(t *testing.T) {
	t.Parallel()
	if tmpfsDir == "" {
		t.Skip("only Linux shows who serves a directory")
	}
	dir := dataDir(t)
	s := open(t, dir)
	lines, ok := postmasterLines(s.DataDir)
	require.True(t, ok)
	stop(t, s)

	acct, err := chooseAccount("", s.DataDir)
	require.NoError(t, err)
	runtime.LockOSThread() // with which its children go
	defer runtime.UnlockOSThread()
	other := exec.CommandContext(t.Context(), "sleep", "3600")
	other.Dir = "/"
	other.SysProcAttr = childAttributes(acct, syscall.SIGKILL)
	require.NoError(t, other.Start())
	defer func() {
		require.NoError(t, other.Process.Kill())
		require.Error(t, other.Wait())
	}()
	lines[0] = strconv.Itoa(other.Process.Pid)
	require.NoError(t, replaceFile(filepath.Join(s.DataDir, "postmaster.pid"), strings.Join(lines, "\n"), acct))

	s = open(t, dir)
	stop(t, s)
	require.True(t, serves(other.Process.Pid, other.Dir), "an innocent process was ended")
}

func TestOpenLeavesAForeignServerAlone(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := open(t, dir)
	stop(t, s)

	acct, err := chooseAccount("", s.DataDir)
	require.NoError(t, err)
	var foreign *process
	ready := func() bool {
		text, err := os.ReadFile(filepath.Join(s.DataDir, "postmaster.pid"))
		return err == nil && strings.Contains(string(text), "ready")
	}
	ended := func() bool {
		select {
		case <-foreign.done:
			return true
		default:
			return false
		}
	}
	for range 3 { // somebody else on this machine may be given the port meanwhile
		port, err := freePort(t.Context(), 0)
		require.NoError(t, err)
		foreign, err = launch(t.Context(), s.Binaries, acct, s.DataDir, filepath.Join(filepath.Dir(dir), "log"), settings{
			"unix_socket_directories": "", "listen_addresses": "127.0.0.1", "port": strconv.Itoa(port),
		})
		require.NoError(t, err)
		require.Eventually(t, func() bool { return ready() || ended() }, soonMax, pollEvery)
		if !ended() {
			break
		}
	}
	require.True(t, ready())
	defer func() { require.NoError(t, foreign.stop(context.WithoutCancel(t.Context()))) }()

	_, err = Open(t.Context(), dir, Options{})
	require.ErrorContains(t, err, fmt.Sprintf("is served by process %d, which syncd did not start", foreign.pid))
	require.True(t, serves(foreign.pid, s.DataDir))
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		file, content string
		want          string
	}{
		"a directory of something else": {"marker", "precious", "neither empty nor a PostgreSQL data directory"},
		"a cluster of another major":    {"PG_VERSION", "9999\n", "only PostgreSQL 9999 will do"},
		"a cluster that cannot be read": {"PG_VERSION", "gibberish\n", `PG_VERSION says "gibberish`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			require.NoError(t, os.MkdirAll(dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, c.file), []byte(c.content), 0o600))
			if acct, err := chooseAccount("", ""); os.Geteuid() == 0 {
				require.NoError(t, err)
				require.NoError(t, acct.own(dir))
			}

			_, err := Open(t.Context(), dir, Options{})
			require.ErrorContains(t, err, c.want)
			text, err := os.ReadFile(filepath.Join(dir, c.file))
			require.NoError(t, err)
			require.Equal(t, c.content, string(text))
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, entries, 1)
			_, err = Open(t.Context(), dir, Options{})
			var inUse *InUseError
			require.NotErrorAs(t, err, &inUse, "the refusal kept the lock")
		})
	}
}

// initdb that was killed leaves a directory under another name.
func TestOpenAfterAnInterruptedInitdb(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	require.NoError(t, os.MkdirAll(filepath.Join(dir+newSuffix, "base"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir+newSuffix, "PG_VERSION"), []byte("15"), 0o600))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) //nolint:gosec // the server runs as another user
	require.NoError(t, os.Mkdir(dir, 0o700))               // and an empty directory is as good as none
	stop(t, open(t, dir))
	require.NoDirExists(t, dir+newSuffix)
}

// A syncd that is killed while initdb works leaves children of that one, which go on
// writing for a moment.
func TestOpenAfterSIGKILLInInitdb(t *testing.T) {
	t.Parallel()
	exists := func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	}
	for _, made := range []string{"base/1/PG_VERSION", "base/1/1259", "base/4", "base/5"} {
		dir := dataDir(t)
		parent := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
		parent.Env = append(os.Environ(), helperEnv+"=open", helperEnv+"_DIR="+dir)
		require.NoError(t, parent.Start())
		t.Cleanup(func() { _ = parent.Process.Kill() })
		require.Eventually(t, func() bool { // whoever looks too late finds the cluster finished
			return exists(filepath.Join(dir+newSuffix, made)) || exists(dir)
		}, soonMax, time.Millisecond, made)
		kill(t, parent)
		stop(t, open(t, dir))
		require.NoDirExists(t, dir+newSuffix)
	}
}

func TestOpenOnATakenPort(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	dir := dataDir(t)

	_, err = Open(t.Context(), dir, Options{Port: taken})
	require.ErrorContains(t, err, "could not bind")
	_, err = Join(t.Context(), dir)
	require.ErrorIs(t, err, ErrNotRunning)

	// The last one used is only a wish.
	require.NoError(t, os.WriteFile(dir+passfileSuffix, []byte(passfile{port: taken, password: "x"}.text()), 0o600))
	s := open(t, dir)
	require.NotEqual(t, taken, s.Port)
	stop(t, s)
}

func TestOpenWhereTheServerCannotGo(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root runs the server as another user")
	}
	dir := filepath.Join(t.TempDir(), "private", "postgres")
	require.NoError(t, os.Mkdir(filepath.Dir(dir), 0o700))
	_, err := Open(t.Context(), dir, Options{})
	require.ErrorContains(t, err, "chmod o+x")
	require.NoDirExists(t, dir)
}

func TestOpenSomebodyElsesCluster(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	dir := dataDir(t)
	s := open(t, dir)
	stop(t, s)
	owner, _ := ownerOf(dir)
	other := "nobody"
	if acct, err := chooseAccount(other, ""); err != nil || acct.uid == owner {
		t.Skip("the cluster belongs to nobody")
	}
	_, err := Open(t.Context(), dir, Options{User: other})
	require.ErrorContains(t, err, fmt.Sprintf("belongs to user id %d", owner))
}

// A start that fails tells what the server said this time, not what others did before.
func TestStartErrorOfAKeptClusterIsOfThisTime(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	stop(t, open(t, dir))
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // what PostgreSQL refuses
	_, err := Open(t.Context(), dir, Options{})
	require.ErrorContains(t, err, "has invalid permissions")
	require.NotContains(t, err.Error(), "ready to accept connections")
	require.NoError(t, os.Chmod(dir, 0o700)) //nolint:gosec // what it wants
	stop(t, open(t, dir))
}

func TestLongLogIsSetAside(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	require.NoError(t, os.MkdirAll(filepath.Dir(dir), 0o755)) //nolint:gosec // the server runs as another user
	require.NoError(t, os.WriteFile(dir+logSuffix, nil, 0o600))
	require.NoError(t, os.Truncate(dir+logSuffix, logBytesMax+1))
	stop(t, open(t, dir))
	old, err := os.Stat(dir + logSuffix + ".1")
	require.NoError(t, err)
	require.EqualValues(t, logBytesMax+1, old.Size())
}

func TestPSQL(t *testing.T) {
	t.Parallel()
	require.Equal(t, "psql -h /tmp/syncd-pg-0/1-2 -p 5432 -U syncd postgres",
		Address{SocketDir: "/tmp/syncd-pg-0/1-2", Port: 5432}.PSQL("postgres"))
	require.Equal(t, `PGPASSFILE='/home/o'\''neil/my data/pg.pgpass' psql -h 127.0.0.1 -p 6000 -U syncd syncd`,
		Address{SocketDir: "/tmp/x", Port: 6000, Passfile: "/home/o'neil/my data/pg.pgpass"}.PSQL("syncd"))
	require.Equal(t, "'a$(b)c'", shellWord("a$(b)c"))
	require.Equal(t, "''", shellWord(""))
}
