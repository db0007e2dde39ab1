package embedpg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// DiskFree is how many bytes an ordinary user can still write on the file system
// of path, or, where there is no such path yet, of the nearest directory above
// it.
func DiskFree(path string) (uint64, error) {
	path, err := realPath(path)
	if err != nil {
		return 0, err
	}
	var fs syscall.Statfs_t
	for {
		err := syscall.Statfs(path, &fs)
		if err == nil {
			return fs.Bavail * uint64(fs.Bsize), nil //nolint:gosec // a size is positive
		}
		if parent := filepath.Dir(path); errors.Is(err, os.ErrNotExist) && parent != path {
			path = parent
			continue
		}
		return 0, fmt.Errorf("space left for %s: %w", path, err)
	}
}
