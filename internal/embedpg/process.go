package embedpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// defaultPort names the socket of a server that has no TCP port.
const defaultPort = 5432

// settings are server settings by name.
type settings map[string]string

// add puts other's settings into s, over equal names, and returns s.
func (s settings) add(other map[string]string) settings {
	maps.Copy(s, other)
	return s
}

// args are the settings as command line arguments, in a fixed order. Never put
// a secret there: every process of the machine can read them.
func (s settings) args() []string {
	var args []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		args = append(args, "-c", name+"="+s[name])
	}
	return args
}

// process is a child whose end is awaited in the background.
type process struct {
	pid  int
	cmd  *exec.Cmd
	done chan struct{} // closed when the child has ended and was reaped
	err  error         // how it ended; read it after done
}

// launch starts the server and returns while it is still starting up.
//
// The goroutine that starts it keeps its thread until the server has ended: on
// Linux the server is told to shut down when that thread goes (see
// childAttributes), and the Go runtime would otherwise end it at will.
func launch(ctx context.Context, bin Binaries, acct account, dataDir, logFile string, set settings) (*process, error) {
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the server log: %w", err)
	}
	defer out.Close()

	// The server outlives ctx, which bounds its start.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), bin.path("postgres"), append([]string{"-D", dataDir}, set.args()...)...)
	// It works there anyway, and is seen there from its first moment on (see evict).
	cmd.Dir, cmd.Env = dataDir, childEnv()
	// A file, not a pipe: what it writes after our death must not fail.
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = childAttributes(acct, syscall.SIGINT)

	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	p.pid = cmd.Process.Pid
	return p, nil
}

// stop asks for a fast shutdown and awaits it. At the end of ctx it kills the
// server and returns the cause.
func (p *process) stop(ctx context.Context) error {
	if err := p.signal(syscall.SIGINT); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	// SIGQUIT makes the postmaster end its children before it goes; SIGKILL would
	// leave them to notice by themselves.
	if err := p.signal(syscall.SIGQUIT); err != nil {
		return err
	}
	kill, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	select {
	case <-p.done:
	case <-kill.Done():
		if err := p.signal(syscall.SIGKILL); err != nil {
			return err
		}
		<-p.done
	}
	return fmt.Errorf("stop postgres: killed after: %w", context.Cause(ctx))
}

// signal sends sig; a process that has ended already is no error.
func (p *process) signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal postgres: %w", err)
	}
	return nil
}

// run runs a short program as acct in dir to its end and returns its output; a
// failure carries the end of what it printed.
func run(ctx context.Context, acct account, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, childEnv()
	cmd.SysProcAttr = childAttributes(acct, syscall.SIGKILL)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = stopGrace // a grandchild may hold the output open

	// As in launch: the thread must not end before the child does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("run %s: %w%s", program, err, lastLines(stderr.Bytes()))
	}
	return stdout.String(), nil
}

// childEnv is the environment of every child: nothing of ours, where secrets
// and PG* variables may be, but what a relocated installation needs.
func childEnv() []string {
	env := []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// logTail is the end of what a server log holds after its first bytes, as a suffix
// of an error message.
func logTail(file string, before int64) string {
	const tailBytes = 8 << 10
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	tail := make([]byte, min(max(info.Size()-before, 0), tailBytes))
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil {
		return ""
	}
	return lastLines(tail)
}

// lastLines is the end of a child's output, as a suffix of an error message.
func lastLines(output []byte) string {
	const linesMax = 20
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return ""
	}
	if len(lines) > linesMax {
		lines = lines[len(lines)-linesMax:]
	}
	return "\n\t" + strings.Join(lines, "\n\t")
}
