package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

type reloadCmd struct{}

// Run lets every daemon that works with this data_dir on this machine read its
// configuration again, once the file is found to be right.
func (reloadCmd) Run(_ context.Context, c *cli, h *host) error {
	cfg, err := c.load(h)
	if err != nil {
		return err
	}
	daemons, err := daemonsIn(cfg.DataDir)
	if err != nil {
		return err
	}
	if len(daemons) == 0 {
		return errNoDaemon
	}
	for _, pid := range daemons {
		if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
			return fmt.Errorf("tell process %d to reload: %w", pid, err)
		}
		fmt.Fprintf(h.stdout, "process %d was told to reload; its log says whether it did\n", pid)
	}
	return nil
}

// daemonDir holds a file for each daemon of a data_dir, which that one keeps
// locked: a lock ends with its process, however that ends.
const daemonDir = "run"

// enrol notes that this process is a daemon of dataDir, until leave is called.
func enrol(dataDir string) (leave func(), err error) {
	dir := filepath.Join(dataDir, daemonDir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make %s: %w", dir, err)
	}
	path := filepath.Join(dir, strconv.Itoa(os.Getpid())+".pid")
	for {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("note the process: %w", err)
		}
		// Not waited for: a process of another container may have our number.
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
		}
		if names(path, file) { // or it was taken for the file of a dead process
			return func() {
				_ = os.Remove(path)
				_ = file.Close()
			}, nil
		}
		if err := file.Close(); err != nil {
			return nil, fmt.Errorf("note the process: %w", err)
		}
	}
}

// names reports whether path is still the name of the open file.
func names(path string, open *os.File) bool {
	a, err := open.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}

// daemonsIn are the processes that are daemons of dataDir. Files of dead ones are
// removed.
func daemonsIn(dataDir string) ([]int, error) {
	paths, err := filepath.Glob(filepath.Join(dataDir, daemonDir, "*.pid"))
	if err != nil {
		return nil, fmt.Errorf("look for daemons: %w", err)
	}
	var alive []int
	for _, path := range paths {
		pid, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".pid"))
		if err != nil {
			continue
		}
		held, err := locked(path)
		if err != nil {
			return nil, err
		}
		if held {
			alive = append(alive, pid)
		} else {
			_ = os.Remove(path)
		}
	}
	return alive, nil
}

// otherDaemons names the daemons of dataDir, as the end of a sentence; "" without any.
func otherDaemons(dataDir string) string {
	daemons, err := daemonsIn(dataDir)
	if err != nil {
		return ""
	}
	var text strings.Builder
	for _, pid := range daemons {
		fmt.Fprintf(&text, "; process %d is a syncd run with this data_dir", pid)
	}
	return text.String()
}

// locked reports whether somebody holds the lock of a file.
func locked(path string) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for daemons: %w", err)
	}
	defer func() { _ = file.Close() }()
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for daemons: lock %s: %w", path, err)
	}
	return false, nil
}
