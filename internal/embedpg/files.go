package embedpg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockFile is a data directory's lock; the kernel drops it with the process.
type lockFile struct{ file *os.File }

// briefMark follows the process id of a holder who keeps the lock for a moment.
const briefMark = "brief"

// lockDataDir takes the lock of dataDir and writes our process id into it, and
// whether it is for a moment only. The file stays when the lock is released: a
// new file would be another lock.
func lockDataDir(dataDir string, brief bool) (*lockFile, error) {
	file, err := os.OpenFile(dataDir+lockSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock the data directory: %w", err)
		}
		return nil, holderOf(file, dataDir)
	}
	text := strconv.Itoa(os.Getpid())
	if brief {
		text += " " + briefMark
	}
	err = file.Truncate(0)
	if err == nil {
		_, err = file.WriteAt([]byte(text+"\n"), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write the lock of the data directory: %w", err), unlock(file))
	}
	return &lockFile{file: file}, nil
}

// holderOf reads who holds a lock. Right after it has changed hands, that is
// nobody, or whoever held it before.
func holderOf(file *os.File, dataDir string) *InUseError {
	text := make([]byte, 32)
	n, _ := file.ReadAt(text, 0) // the end of the file is an error, too
	busy := &InUseError{DataDir: dataDir}
	fields := strings.Fields(string(text[:n]))
	if len(fields) > 0 {
		busy.PID, _ = strconv.Atoi(fields[0])
		busy.Brief = len(fields) > 1 && fields[1] == briefMark
	}
	return busy
}

// release lets go of the lock; on nil it does nothing.
func (l *lockFile) release() error {
	if l == nil {
		return nil
	}
	return unlock(l.file)
}

// unlock lets go of file's lock and closes it. To close it is not enough: a child
// that is just being started holds every open file of ours, and with it the
// lock, until it runs its program.
func unlock(file *os.File) error {
	return errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close())
}

// replaceFile gives file this content, for acct alone to read, at once or not
// at all.
func replaceFile(file, content string, acct account) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.WriteString(content)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = acct.own(f.Name())
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// syncDir makes a rename in dir last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
