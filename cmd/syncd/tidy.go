package main

import (
	"context"
	"time"
)

// tidyEvery is the pause between two times that old bookkeeping is removed.
const tidyEvery = 24 * time.Hour

// tidyUntil removes old bookkeeping now and once a day. What fails is tried again
// the day after.
func (d *daemon) tidyUntil(ctx context.Context, stop <-chan struct{}) {
	ctx, cancel := until(ctx, stop)
	defer cancel()
	for {
		err := d.tidy(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.log.Warn().Str("error", d.secrets.Secrets(err.Error())).Msg("old bookkeeping is not removed; tried again in a day")
		}
		if pause(ctx, tidyEvery) != nil {
			return
		}
	}
}

// tidy removes bookkeeping that is older than the configuration wants it kept.
func (d *daemon) tidy(ctx context.Context) error {
	now, keep := d.host.now(), d.retention.Load()
	removed, err := d.store.Prune(ctx, now.Add(-keep.Passes), now.Add(-keep.Rejects))
	if removed.Passes > 0 || removed.Rejects > 0 {
		d.log.Info().Int64("passes", removed.Passes).Int64("rejects", removed.Rejects).Msg("old bookkeeping is removed")
	}
	return err
}
