package main

import (
	"context"
	"time"

	"syncd/config"
	"syncd/internal/model"
	"syncd/internal/schedule"
	"syncd/internal/store"
	"syncd/internal/sweep"
)

// The modes of a stream that lists everything now and then, and in between only
// what was created since.
const (
	modeFull = "full"
	modeNew  = "new"
)

// pickMode returns the spec to run of a stream: of one with modes the full one where
// that was asked for, and otherwise what [source.nextMode] says.
func (s *source) pickMode(ctx context.Context, db *store.Store, spec model.StreamSpec, full bool, now time.Time,
) (model.StreamSpec, error) {
	if full {
		return spec, nil
	}
	return s.nextMode(ctx, db, spec, false, now)
}

// nextMode returns the spec that is next of a stream with modes: the full one where
// it is open or due, be it by the caller's word, and otherwise the new one. That goes
// before an open full one, too, at each time of the schedule: where calls are short
// a full pass takes days, and shows nothing that was created since it began.
func (s *source) nextMode(ctx context.Context, db *store.Store, spec model.StreamSpec, due bool, now time.Time,
) (model.StreamSpec, error) {
	fresh, ok := s.fresh[spec.Name]
	if !ok {
		return spec, nil
	}
	full, err := db.ModeStatus(ctx, s.Name, spec)
	if err != nil {
		return spec, err
	}
	if !full.Open {
		if due || fullDue(s.Source, spec.Name, full.CompleteFrom, now) {
			return spec, nil
		}
		return fresh, nil
	}
	if full.CompleteFrom == nil {
		return spec, nil // everything is new
	}
	news, err := db.ModeStatus(ctx, s.Name, fresh)
	if err != nil {
		return spec, err
	}
	last := full.OpenFrom
	if news.CompleteFrom != nil && news.CompleteFrom.After(last) {
		last = *news.CompleteFrom
	}
	if at := s.Streams[spec.Name].Schedule.Next(last.In(s.Timezone)); at.IsZero() || at.After(now) {
		return spec, nil
	}
	return fresh, nil
}

// fullWaits reports whether a full pass is open, now that a pass of the mode has
// ended: one over what is new went before it.
func (s *source) fullWaits(ctx context.Context, db *store.Store, spec model.StreamSpec, ended string) (bool, error) {
	if ended != modeNew {
		return false, nil
	}
	full, err := db.ModeStatus(ctx, s.Name, spec)
	return full.Open, err
}

// thenFull is the verdict on a slice after which the full pass goes on that has let
// what is new go first.
func (f *fleet) thenFull(ctx context.Context, c *crew, stream, ended string, verdict schedule.Verdict) schedule.Verdict {
	spec, ok := c.spec(stream)
	if !ok || verdict.Kind != schedule.Done {
		return verdict
	}
	waits, err := c.fullWaits(ctx, f.store, spec, ended)
	switch {
	case err != nil:
		return schedule.Judge(sweep.Result{}, err, store.Away)
	case waits:
		return schedule.Verdict{Kind: schedule.More}
	}
	return verdict
}

// fullDue reports whether a full pass should have begun since the last one did.
func fullDue(c config.Source, stream string, last *time.Time, now time.Time) bool {
	if last == nil {
		return true
	}
	return !c.Streams[stream].FullSchedule.Next(last.In(c.Timezone)).After(now)
}

// foldModes takes the specs of mode new out of a list: they are reached by the name
// of the full one.
func foldModes(specs []model.StreamSpec) (kept []model.StreamSpec, fresh map[string]model.StreamSpec) {
	fresh = map[string]model.StreamSpec{}
	for _, spec := range specs {
		if spec.Mode == modeNew {
			fresh[spec.Name] = spec
		} else {
			kept = append(kept, spec)
		}
	}
	return kept, fresh
}
