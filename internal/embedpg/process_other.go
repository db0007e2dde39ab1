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

// freeBytes is only asked about tmpfsDir.
func freeBytes(string) uint64 { return 0 }
