package embedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// How long a server that is being stopped waits for its guests. A process that ran it
// for a look only has told what it saw, and is in no hurry.
const (
	guestsMax      = 5 * time.Second
	guestsMaxBrief = 20 * time.Second
)

// guestbook is a file that every guest of a server holds a shared lock on, and
// who stops the server an exclusive one: so nobody is thrown out in the middle
// of a short look. The kernel drops the lock of a guest that dies.
type guestbook struct {
	file *os.File
	// patience is how long close waits.
	patience time.Duration
}

// openGuestbook opens the book of dataDir, which may not be there yet.
func openGuestbook(dataDir string, flags int) (*guestbook, error) {
	file, err := os.OpenFile(dataDir+guestsSuffix, os.O_RDONLY|flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the guest book of the data directory: %w", err)
	}
	return &guestbook{file: file, patience: guestsMax}, nil
}

// enter adds a guest; false when the server is being stopped.
func (b *guestbook) enter() (bool, error) {
	return b.lock(syscall.LOCK_SH)
}

func (b *guestbook) lock(how int) (bool, error) {
	err := syscall.Flock(int(b.file.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock the guest book of the data directory: %w", err)
	}
	return true, nil
}

// close waits until the guests have left, but no longer than its patience, the end
// of ctx or that of the server, and lets nobody in from then on, until the book
// is released. On nil it does nothing.
func (b *guestbook) close(ctx context.Context, ended <-chan struct{}) error {
	if b == nil {
		return nil
	}
	giveUp := time.NewTimer(b.patience)
	defer giveUp.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if empty, err := b.lock(syscall.LOCK_EX); empty || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-giveUp.C:
			return nil
		case <-ended:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// release lets go of the lock; on nil it does nothing.
func (b *guestbook) release() error {
	if b == nil {
		return nil
	}
	return unlock(b.file)
}
