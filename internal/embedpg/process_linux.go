package embedpg

import (
	"os"
	"path/filepath"
	"strconv"
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

// freeBytes is the space left on the file system of dir; 0 if that is unknown.
func freeBytes(dir string) uint64 {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0
	}
	return fs.Bavail * uint64(fs.Bsize) //nolint:gosec // a block size is positive
}
