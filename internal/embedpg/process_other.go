//go:build !linux

package embedpg

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// tmpfsDir is a directory in memory: none is to be relied on here.
const tmpfsDir = ""

// childAttributes put a child into a session of its own and run it as acct. No
// system but Linux can tie a child's life to ours, so a server whose parent is
// killed runs on until the next start finds it (see sweep and evict).
func childAttributes(acct account, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: acct.credential}
}

// serves reports whether process pid is a server of dataDir: the data directory
// is in its command line.
func serves(pid int, dataDir string) bool {
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output() //nolint:noctx // returns at once
	return err == nil && strings.Contains(string(out), dataDir)
}

// servers is the postmaster of dataDir, if it runs; its children cannot be seen.
func servers(postmaster int, dataDir string) []int {
	if serves(postmaster, dataDir) {
		return []int{postmaster}
	}
	return nil
}

// workers are processes that work in a directory: none can be seen.
func workers(string) []int { return nil }

// forget leaves the pid file of a server that is gone to PostgreSQL, which sees
// whether children of it still run.
func forget(string) error { return nil }
