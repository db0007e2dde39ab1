package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ScheduleStatus is a schedule of syncd run, and how its latest slice ended.
type ScheduleStatus struct {
	// Expression is the one in force.
	Expression string
	// NextRunAt is in the past while a run waits to be enqueued. LastRunAt is nil
	// before the first one.
	NextRunAt time.Time
	LastRunAt *time.Time
	// Outcome is a word of sync.schedule.outcome, "" before the first slice.
	Outcome string
	// Failures counts slices in a row that failed.
	Failures int64
	// ResumeAt is the earliest instant of the next slice, or nil.
	ResumeAt *time.Time
	// HaltedAt is since when it does not run until the configuration changes, or nil.
	HaltedAt *time.Time
	// Error is why the latest slice did not simply go on.
	Error string
}

// Schedules tells when the streams of a source run: by the name of the stream, and
// by [ModeKey] for its other modes. Without any syncd run there are none.
func (s *Store) Schedules(ctx context.Context, source string) (map[string]ScheduleStatus, error) {
	rows, err := s.pool.Query(ctx, q("schedule_list"), source)
	if err != nil {
		return nil, fmt.Errorf("schedule_list: %w", err)
	}
	byStream := map[string]ScheduleStatus{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var key, mode string
		var t ScheduleStatus
		err := row.Scan(&key, &mode, &t.Expression, &t.NextRunAt, &t.LastRunAt, &t.Outcome, &t.Failures, &t.ResumeAt,
			&t.HaltedAt, &t.Error)
		if mode != "" {
			key = ModeKey(key, mode)
		}
		byStream[key] = t
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("schedule_list: %w", err)
	}
	return byStream, nil
}

// SourceHealth is how the vendor of a source answers syncd run.
type SourceHealth struct {
	// Failures counts slices in a row to which the vendor did not answer properly;
	// until ResumeAt, where it is not nil, the source is left alone for that.
	Failures int64
	ResumeAt *time.Time
	// PausedAt is since when the vendor refuses the credential, nil while it does
	// not, and ProbeAt when that is tried again.
	PausedAt, ProbeAt *time.Time
	// Error is why.
	Error string
}

// SourceHealth tells how the vendor of a source answers; the zero value where
// nobody has asked yet.
func (s *Store) SourceHealth(ctx context.Context, source string) (SourceHealth, error) {
	var h SourceHealth
	err := s.pool.QueryRow(ctx, q("source_health_get"), source).Scan(&h.Failures, &h.ResumeAt, &h.PausedAt, &h.ProbeAt, &h.Error)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return h, fmt.Errorf("source_health_get: %w", err)
	}
	return h, nil
}
