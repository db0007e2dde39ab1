package embedpg

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// tmpfsDir is a directory in memory, if the machine has one.
const tmpfsDir = "/dev/shm"

// childAttributes put a child into a session of its own, run it as acct and
// send it sig when the thread that started it ends, however it ends.
func childAttributes(acct account, sig syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: acct.credential, Pdeathsig: sig}
}

// serves reports whether process pid is a server of dataDir: every server
// process works in its data directory. A zombie works nowhere.
func serves(pid int, dataDir string) bool {
	cwd, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
	return err == nil && cwd == dataDir
}

// servers are the processes of the server of dataDir: its postmaster and those
// that outlive a killed one. A shell that somebody has there is none.
func servers(_ int, dataDir string) []int {
	return slices.DeleteFunc(workers(dataDir), func(pid int) bool {
		program, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
		// One that was upgraded meanwhile is "postgres (deleted)".
		return err != nil || !strings.HasPrefix(filepath.Base(program), "postgres")
	})
}

// workers are the processes that work in dir.
func workers(dir string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && serves(pid, dir) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// forget removes the pid file of a server that is gone with all its processes.
// PostgreSQL would do it, but not when its number belongs to another process of
// the same user by now, as it often does after a container was restarted.
func forget(dataDir string) error {
	err := os.Remove(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
