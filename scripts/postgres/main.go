// Command postgres makes sure that this machine has a PostgreSQL server that
// the tests and the demonstration can start privately.
//
// It is silent work when one is there (see internal/embedpg, which does the
// looking). Otherwise it takes the first way that works: the system's package
// manager as root or with a sudo that asks for no password, then a bundle from
// npm in the user's cache, checked against a hash written here. No cluster is
// created and no service is started. syncd itself never downloads anything.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"syncd/internal/embedpg"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	syscall.Umask(0o022) // another user runs what root unpacks
	if err := ensure(ctx, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// ensure finds a server or gets one, and says on out what it does.
func ensure(ctx context.Context, out io.Writer) error {
	bin, missing := embedpg.Find(ctx, embedpg.Hint{})
	if missing == nil {
		fmt.Fprintf(out, "PostgreSQL %s in %s\n", bin.Version, bin.Dir)
		return nil
	}
	if !errors.Is(missing, embedpg.ErrNoBinaries) {
		return missing
	}
	var failed []error
	for _, way := range ways() {
		if reason := way.unusable(ctx); reason != "" {
			failed = append(failed, fmt.Errorf("%s: %s", way.name, reason))
			continue
		}
		fmt.Fprintf(out, "no PostgreSQL server here: getting one with %s\n", way.name)
		err := way.get(ctx, out)
		if err == nil {
			if bin, err = embedpg.Find(ctx, embedpg.Hint{}); err == nil {
				fmt.Fprintf(out, "PostgreSQL %s in %s\n", bin.Version, bin.Dir)
				return nil
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed = append(failed, fmt.Errorf("%s: %w", way.name, err))
	}
	return fmt.Errorf("%w\ntried:\n%w", missing, errors.Join(failed...))
}

// way is one way to get a server.
type way struct {
	name string
	// unusable says why this machine cannot go this way; "" when it can.
	unusable func(context.Context) string
	get      func(context.Context, io.Writer) error
}

func ways() []way {
	return []way{
		{"apt-get", asRoot("apt-get"), aptGet},
		{"dnf", asRoot("dnf"), func(ctx context.Context, out io.Writer) error {
			return runAsRoot(ctx, out, "dnf", "install", "-y", "postgresql-server")
		}},
		{"apk", asRoot("apk"), func(ctx context.Context, out io.Writer) error {
			return runAsRoot(ctx, out, "apk", "add", "postgresql")
		}},
		{"brew", needs("brew"), func(ctx context.Context, out io.Writer) error {
			return runProgram(ctx, out, "brew", "install", "postgresql@17")
		}},
		{"npm", needsBundle, npmBundle},
	}
}

// aptGet installs the distribution's server. Its packages would create a
// cluster and start it as a service, which a file in their configuration
// directory prevents; it is removed again, for the machine is not ours.
func aptGet(ctx context.Context, out io.Writer) (err error) {
	const dir = "/etc/postgresql-common/createcluster.d"
	file := filepath.Join(dir, "syncd-no-cluster.conf")
	script := fmt.Sprintf("mkdir -p %s && echo create_main_cluster = false >%s", dir, file)
	if err := runAsRoot(ctx, out, "sh", "-c", script); err != nil {
		return err
	}
	defer func() {
		script := fmt.Sprintf("rm -f %s && rmdir --ignore-fail-on-non-empty %s", file, dir)
		err = errors.Join(err, runAsRoot(context.WithoutCancel(ctx), out, "sh", "-c", script))
	}()
	if err := runAsRoot(ctx, out, "apt-get", "-qq", "update"); err != nil {
		return err
	}
	return runAsRoot(ctx, out, "env", "DEBIAN_FRONTEND=noninteractive",
		"apt-get", "-qq", "install", "-y", "--no-install-recommends", "postgresql")
}

// needs says whether program exists.
func needs(program string) func(context.Context) string {
	return func(context.Context) string {
		if _, err := exec.LookPath(program); err != nil {
			return "not on this machine"
		}
		return ""
	}
}

// asRoot says whether program exists and may be run as root without a question.
func asRoot(program string) func(context.Context) string {
	return func(ctx context.Context) string {
		if reason := needs(program)(ctx); reason != "" {
			return reason
		}
		if os.Geteuid() == 0 {
			return ""
		}
		if exec.CommandContext(ctx, "sudo", "-n", "true").Run() != nil {
			return "needs root, and sudo would ask for a password"
		}
		return ""
	}
}

func runAsRoot(ctx context.Context, out io.Writer, program string, args ...string) error {
	if os.Geteuid() == 0 {
		return runProgram(ctx, out, program, args...)
	}
	return runProgram(ctx, out, "sudo", append([]string{"-n", program}, args...)...)
}

func runProgram(ctx context.Context, out io.Writer, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	// apt-get leaves a package half installed when it is killed.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", program, strings.Join(args, " "), err)
	}
	return nil
}
