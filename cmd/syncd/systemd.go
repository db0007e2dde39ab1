package main

import (
	"context"
	"fmt"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
)

// systemd is told how the daemon stands (sd_notify), where it has started it:
// elsewhere $NOTIFY_SOCKET is not set and nobody is told.
type systemd struct{ log zerolog.Logger }

// tellMax is how long systemd may take to hear a word: one that hangs, with a full
// socket, must not keep the daemon from its work or from its end.
const tellMax = time.Second

// tell sends a state; where systemd does not take it, the log has it.
func (s systemd) tell(state string) {
	told := make(chan error, 1)
	go func() {
		_, err := sdnotify.SdNotify(false, state)
		told <- err
	}()
	late := time.NewTimer(tellMax)
	defer late.Stop()
	var err error
	select {
	case err = <-told:
	case <-late.C:
		err = fmt.Errorf("it does not listen for %s", tellMax)
	}
	if err != nil {
		s.log.Warn().Err(err).Msg("systemd is not told")
	}
}

// ready says that the work goes on with that many sources.
func (s systemd) ready(sources int) {
	s.tell(fmt.Sprintf("%s\nSTATUS=syncs %d sources", sdnotify.SdNotifyReady, sources))
}

// reloading says that the configuration is read again; ready follows.
func (s systemd) reloading() {
	s.tell(sdnotify.SdNotifyReloading + "\n" + sdnotify.SdNotifyMonotonicUsec())
}

// stopping says that the slices in flight are ending.
func (s systemd) stopping() {
	s.tell(sdnotify.SdNotifyStopping + "\nSTATUS=commits the pages in hand")
}

// watch tells a watchdog that the process lives, until ctx is over.
func (s systemd) watch(ctx context.Context) {
	limit, err := sdnotify.SdWatchdogEnabled(false)
	if err != nil {
		s.log.Warn().Err(err).Msg("the watchdog of systemd is not told")
	}
	if limit == 0 {
		return
	}
	tick := time.NewTicker(limit / 2)
	defer tick.Stop()
	for {
		s.tell(sdnotify.SdNotifyWatchdog)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
