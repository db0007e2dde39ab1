package embedpg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/leaktest"
)

// helperEnv makes the test binary a program that starts a server and waits to
// be killed.
const helperEnv = "EMBEDPG_TEST_HELPER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(helperEnv); mode != "" {
		helper(mode, os.Getenv(helperEnv+"_DIR"))
		return
	}
	leaktest.Main(m)
}

// helper starts a server, prints its pid and data directory, and waits.
func helper(mode, dir string) {
	ctx := context.Background()
	var s *Server
	var err error
	switch mode {
	case "throwaway":
		s, err = Throwaway(ctx, Options{})
	case "open":
		s, err = Open(ctx, dir, Options{})
	case "idle":
		time.Sleep(time.Hour) // until it is killed
	default:
		err = errors.New("unknown mode " + mode)
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(s.PID(), s.DataDir, s.SocketDir)
	select {}
}

// soonMax is far beyond what anything here takes on a busy machine.
const soonMax = 5 * time.Minute

func start(t *testing.T, opts Options) *Server {
	t.Helper()
	s, err := Throwaway(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Stop(context.WithoutCancel(t.Context())))
	})
	return s
}

func show(t *testing.T, dsn, setting string) string {
	t.Helper()
	return query(t, dsn, "select current_setting($1)", setting)
}

// query returns the one text that sql yields.
func query(t *testing.T, dsn, sql string, args ...any) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var value string
	require.NoError(t, conn.QueryRow(t.Context(), sql, args...).Scan(&value))
	return value
}

func TestThrowaway(t *testing.T) {
	t.Parallel()
	s, err := Throwaway(t.Context(), Options{Settings: map[string]string{"work_mem": "7MB"}})
	require.NoError(t, err)

	dsn := s.DSN("postgres")
	require.Equal(t, "off", show(t, dsn, "fsync"))
	require.Equal(t, "UTF8", show(t, dsn, "server_encoding"))
	require.Empty(t, show(t, dsn, "listen_addresses"))
	require.Equal(t, "7MB", show(t, dsn, "work_mem"))
	require.Equal(t, s.DataDir, show(t, dsn, "data_directory"))
	require.Equal(t, "C", query(t, dsn, "select datcollate from pg_database where datname = current_database()"))
	require.True(t, serves(s.PID(), s.DataDir))
	if os.Geteuid() == 0 {
		uid, ok := ownerOf(s.DataDir)
		require.True(t, ok)
		require.NotZero(t, uid, "the cluster belongs to root")
	}

	require.NoError(t, s.Stop(t.Context()))
	require.False(t, serves(s.PID(), s.DataDir))
	require.NoDirExists(t, s.SocketDir)
	require.NoDirExists(t, s.DataDir)
	require.NoError(t, s.Stop(t.Context()), "a second stop")
	<-s.Done()
}

func TestDurableKeepsTheServersOwnSettings(t *testing.T) {
	t.Parallel()
	dsn := start(t, Options{Durable: true}).DSN("postgres")
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		require.Equal(t, "on", show(t, dsn, setting), setting)
	}
	require.Equal(t, "replica", show(t, dsn, "wal_level"))
}

func TestServersDoNotMeet(t *testing.T) {
	t.Parallel()
	a, b := start(t, Options{}), start(t, Options{})
	require.NotEqual(t, show(t, a.DSN("postgres"), "data_directory"), show(t, b.DSN("postgres"), "data_directory"))
}

// A shutdown with clients at work ends them; it does not wait for them.
func TestStopWithOpenConnection(t *testing.T) {
	t.Parallel()
	s, err := Throwaway(t.Context(), Options{})
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
	require.NoError(t, err)
	defer conn.Close(t.Context())

	require.NoError(t, s.Stop(t.Context()))
	require.Error(t, conn.Ping(t.Context()))
}

func TestStopWithoutTimeKills(t *testing.T) {
	t.Parallel()
	s, err := Throwaway(t.Context(), Options{})
	require.NoError(t, err)
	over, cancel := context.WithCancel(t.Context())
	cancel()

	err = s.Stop(over)
	if err != nil { // a fast shutdown may win the race
		require.ErrorIs(t, err, context.Canceled)
	}
	require.False(t, serves(s.PID(), s.DataDir))
	require.NoDirExists(t, s.SocketDir)
}

func TestStartErrorShowsTheServerLog(t *testing.T) {
	t.Parallel()
	_, err := Throwaway(t.Context(), Options{Settings: map[string]string{"shared_buffers": "many"}})
	require.ErrorContains(t, err, "ended before it was ready")
	require.ErrorContains(t, err, `invalid value for parameter "shared_buffers"`)
	require.Empty(t, ownScratch(t, err.Error()), "a failed start leaves no directory")
}

func TestStartWithoutTimeLeavesNothing(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Throwaway(over, Options{})
	require.ErrorIs(t, err, context.Canceled)
}

// ownScratch lists the scratch directories that text names and that exist.
func ownScratch(t *testing.T, text string) []string {
	t.Helper()
	var exist []string
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return r == '"' || r == ' ' }) {
		if strings.Contains(field, "syncd-pg-") {
			if _, err := os.Stat(field); err == nil {
				exist = append(exist, field)
			}
		}
	}
	return exist
}

// spawn runs this test binary as a helper and returns it with the pid and
// directories of its server.
func spawn(t *testing.T, mode, dir string) (parent *exec.Cmd, pid int, dataDir, socketDir string) {
	t.Helper()
	parent = exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	parent.Env = append(os.Environ(), helperEnv+"="+mode, helperEnv+"_DIR="+dir)
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	t.Cleanup(func() { _ = parent.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	fields := strings.Fields(line)
	require.Len(t, fields, 3, line)
	pid, err = strconv.Atoi(fields[0])
	require.NoError(t, err)
	return parent, pid, fields[1], fields[2]
}

func kill(t *testing.T, parent *exec.Cmd) {
	t.Helper()
	require.NoError(t, parent.Process.Kill())
	var exit *exec.ExitError
	require.ErrorAs(t, parent.Wait(), &exit)
}

func TestKilledParentLeavesNoServerAndNoFile(t *testing.T) {
	t.Parallel()
	parent, pid, dataDir, socketDir := spawn(t, "throwaway", "")
	require.True(t, serves(pid, dataDir))

	kill(t, parent)
	// Not waiting for the server to go: the next start has to cope with it.
	start(t, Options{})
	requireSwept(t, socketDir)
	require.False(t, serves(pid, dataDir))
}

// requireSwept waits for whoever sweeps the directory of a dead process: another
// test, or another test process, may have come first and not be done. On a busy
// machine a sweeper may give its server up.
func requireSwept(t *testing.T, dir string) {
	t.Helper()
	require.Eventually(t, func() bool {
		sweep(t.Context(), filepath.Dir(dir))
		_, err := os.Lstat(dir)
		return errors.Is(err, os.ErrNotExist)
	}, soonMax, pollEvery, dir)
}

func TestKilledParentsServerEndsByItself(t *testing.T) {
	t.Parallel()
	if tmpfsDir == "" {
		t.Skip("only Linux ties a child to its parent")
	}
	parent, pid, dataDir, socketDir := spawn(t, "throwaway", "")
	kill(t, parent)
	require.Eventually(t, func() bool { return !serves(pid, dataDir) }, soonMax, pollEvery)
	requireSwept(t, socketDir)
	_ = os.Remove(filepath.Dir(socketDir)) // unless another test is in it
}

func TestSweep(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	dead := filepath.Join(home, "1-dead", "data")
	require.NoError(t, os.MkdirAll(dead, 0o700))
	// The pid of a stale file may belong to somebody else by now: us.
	require.NoError(t, os.WriteFile(filepath.Join(dead, "postmaster.pid"), fmt.Appendln(nil, os.Getpid()), 0o600))
	alive, err := lockedDir(home)
	require.NoError(t, err)

	sweep(t.Context(), home)
	require.NoDirExists(t, filepath.Dir(dead))
	require.DirExists(t, alive.path)

	require.NoError(t, alive.remove())
	require.NoDirExists(t, alive.path)
}

// A directory that is swept between its making and its locking is not used.
func TestLockedDirSurvivesASweeper(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	stop := make(chan struct{})
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		for {
			select {
			case <-stop:
				return
			default:
				sweep(t.Context(), home)
			}
		}
	}()
	for range 200 {
		s, err := lockedDir(home)
		require.NoError(t, err)
		require.DirExists(t, s.path)
		require.NoError(t, s.remove())
	}
	close(stop)
	<-swept
}

func TestScratchRefusesAStrangersDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	home := filepath.Join(t.TempDir(), "syncd-pg-0")
	require.NoError(t, os.Mkdir(home, 0o700))
	require.NoError(t, os.Chown(home, 65534, 65534))
	require.ErrorContains(t, makeHome(home, account{}), "not a directory of ours")

	require.NoError(t, os.Remove(home))
	require.NoError(t, os.Symlink("/tmp", home))
	require.ErrorContains(t, makeHome(home, account{}), "not a directory of ours")
}

func TestScratchRefusesALongName(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), strings.Repeat("x", socketPathMax))
	require.NoError(t, os.Mkdir(home, 0o700))
	_, err := lockedDir(home)
	require.ErrorContains(t, err, "too long for a socket")
	left, err := os.ReadDir(home)
	require.NoError(t, err)
	require.Empty(t, left)
}

// A name that is taken for several is passed over: the server would be looked for
// elsewhere, for ever.
func TestScratchRefusesAList(t *testing.T) {
	t.Parallel()
	acct, err := chooseAccount("", "")
	require.NoError(t, err)
	bin, err := find(t.Context(), Hint{}, acct)
	require.NoError(t, err)
	for _, name := range []string{"a,b", `a"b`} {
		odd := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.Mkdir(odd, 0o700))
		_, err = newScratch(t.Context(), acct, bin, []string{odd})
		require.ErrorContains(t, err, "take that for a list")
		dir, err := newScratch(t.Context(), acct, bin, []string{odd, "/tmp"})
		require.NoError(t, err)
		require.NotContains(t, dir.path, odd)
		require.NoError(t, dir.remove())
	}
}

// The server gets none of our environment, where secrets are.
func TestServerEnvironment(t *testing.T) {
	if tmpfsDir == "" {
		t.Skip("reads /proc")
	}
	t.Setenv("WECOM_SECRET", "hunter2")
	t.Setenv("PGOPTIONS", "-c work_mem=1GB")
	s := start(t, Options{})
	env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.PID()), "environ"))
	require.NoError(t, err)
	require.NotEmpty(t, env)
	require.NotContains(t, string(env), "hunter2")
	require.NotContains(t, string(env), "PGOPTIONS")
}

// As root, whoever may be named runs the server; nobody stands in for a missing
// postgres.
func TestConfiguredUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root chooses")
	}
	s := start(t, Options{User: "nobody"})
	uid, ok := ownerOf(s.DataDir)
	require.True(t, ok)
	acct, err := chooseAccount("nobody", "")
	require.NoError(t, err)
	require.Equal(t, acct.uid, uid)

	_, err = Throwaway(t.Context(), Options{User: "root"})
	require.ErrorContains(t, err, "does not run as root")
	_, err = Throwaway(t.Context(), Options{User: "no-such-user"})
	require.ErrorContains(t, err, "unknown user")
}

// copyOfUs is this test binary under another name.
func copyOfUs(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	text, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	// A child that is just being started would have it open, and nobody could run it.
	syscall.ForkLock.RLock()
	err = os.WriteFile(program, text, 0o755) //nolint:gosec // a program that others run
	syscall.ForkLock.RUnlock()
	require.NoError(t, err)
	return program
}

// As root, what depends on who we are is tested once more by an unprivileged
// user.
func TestAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("we are one already")
	}
	acct, err := chooseAccount("", "")
	require.NoError(t, err)
	program := copyOfUs(t, "embedpg.test")
	for dir := filepath.Dir(program); strings.Contains(dir, t.Name()); dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // it holds nothing else
	}
	cmd := exec.CommandContext(t.Context(), program,
		"-test.run", "TestThrowaway|TestKilledParent|TestStartError|TestOpenKeeps|TestOpenOverTCP|TestOpenTwice|TestOpenAfterSIGKILL|TestFindOnThis")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: acct.credential}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// A server that has just begun has no pid file yet, and its parent may be dead.
func TestEvictAwaitsAServerThatHasJustBegun(t *testing.T) {
	t.Parallel()
	if tmpfsDir == "" {
		t.Skip("only Linux shows who works in a directory")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	begin := func(program string) *exec.Cmd {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), copyOfUs(t, program))
		cmd.Dir, cmd.Env = dir, append(os.Environ(), helperEnv+"=idle")
		require.NoError(t, cmd.Start())
		return cmd
	}
	shell, server := begin("sh"), begin("postgres")
	defer kill(t, shell)
	require.Equal(t, []int{server.Process.Pid}, servers(0, dir))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, evict(over, dir), context.Canceled)
	kill(t, server)
	require.NoError(t, evict(over, dir), "a shell that somebody has there is in nobody's way")
}
