package main

import (
	"context"
	"time"

	"syncd/config"
	"syncd/internal/model"
	"syncd/internal/store"
)

// The modes of a stream that lists everything now and then, and in between only
// what was created since.
const (
	modeFull = "full"
	modeNew  = "new"
)

// pickMode returns the spec to run of a stream: of one with modes the full one
// where that was asked for, is open or is due, and otherwise the new one.
func (s *source) pickMode(ctx context.Context, db *store.Store, spec model.StreamSpec, full bool, now time.Time,
) (model.StreamSpec, error) {
	fresh, ok := s.fresh[spec.Name]
	if !ok || full {
		return spec, nil
	}
	status, err := db.ModeStatus(ctx, s.Name, spec)
	if err != nil || status.Open || fullDue(s.Source, spec.Name, status.CompleteFrom, now) {
		return spec, err
	}
	return fresh, nil
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
