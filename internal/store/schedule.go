package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// ApplySchedules makes the schedules those listed, at now: new ones run at their
// first, which is parallel to list; a changed expression takes the NextRunAt given,
// the others keep theirs. Streams that are not listed are disabled, and so are
// sources without any. Sources that were paused are tried again at once, with a run
// that was refused.
func (s *Store) ApplySchedules(ctx context.Context, list []model.Timetable, first []time.Time, now time.Time) error {
	var sources, streams, modes, expressions, zones []string
	var next []time.Time
	for _, t := range list {
		sources, streams, modes = append(sources, t.Source), append(streams, t.Stream), append(modes, t.Mode)
		expressions, zones, next = append(expressions, t.Expression), append(zones, t.Timezone), append(next, t.NextRunAt)
	}
	return bounded(ctx, s.pool, func(tx pgx.Tx) error {
		for _, step := range []struct {
			name string
			args []any
		}{
			{"schedule_lock", nil},
			{"schedule_apply", []any{sources, streams, modes, expressions, zones, next, now}},
			{"schedule_add", []any{sources, streams, modes, expressions, zones, first}},
			{"schedule_disable", []any{sources, streams, modes}},
			{"schedule_hasten", []any{sources, now}},
			{"source_disable", []any{sources}},
		} {
			if _, err := exec(ctx, tx, step.name, step.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Wake lets the jobs in River's queue that wait for their time go on at now, and
// ends the pauses of sources that do not answer. Sources whose credential is
// refused stay paused.
func (s *Store) Wake(ctx context.Context, queue string, now time.Time) error {
	return bounded(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := exec(ctx, tx, "schedule_revive", now); err != nil {
			return err
		}
		_, err := exec(ctx, tx, "schedule_wake", queue)
		return err
	})
}

// Dispatch hands runs that are due at now, at most limit, to enqueue, and stores
// what it returns, all in one transaction: a run is enqueued by one process and
// once. A paused source has one run among them, and only when it is to be tried
// again; the try after that is at probeAt. It returns how many runs it found.
func (s *Store) Dispatch(ctx context.Context, now, probeAt time.Time, limit int,
	enqueue func(ctx context.Context, tx pgx.Tx, due []model.DueRun) ([]model.Advance, error),
) (int, error) {
	found := 0
	err := bounded(ctx, s.pool, func(tx pgx.Tx) error {
		due, err := dueRuns(ctx, tx, now, limit)
		if err != nil || len(due) == 0 {
			return err
		}
		found = len(due)
		if due, err = claimProbes(ctx, tx, due, now, probeAt); err != nil {
			return err
		}
		moves, err := enqueue(ctx, tx, due)
		if err != nil {
			return err
		}
		return advance(ctx, tx, moves, now)
	})
	return found, err
}

func dueRuns(ctx context.Context, tx pgx.Tx, now time.Time, limit int) ([]model.DueRun, error) {
	rows, err := tx.Query(ctx, q("schedule_due"), now, limit)
	if err != nil {
		return nil, fmt.Errorf("schedule_due: %w", err)
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (model.DueRun, error) {
		var d model.DueRun
		return d, row.Scan(&d.Source, &d.Stream, &d.Mode, &d.Expression, &d.Timezone, &d.NextRunAt, &d.Probe)
	})
	if err != nil {
		return nil, fmt.Errorf("schedule_due: %w", err)
	}
	return due, nil
}

// claimProbes leaves one run of each paused source, if its next try is not
// another process's already.
func claimProbes(ctx context.Context, tx pgx.Tx, due []model.DueRun, now, probeAt time.Time) ([]model.DueRun, error) {
	var paused []string
	for _, d := range due {
		if d.Probe {
			paused = append(paused, d.Source)
		}
	}
	if paused == nil {
		return due, nil
	}
	rows, err := tx.Query(ctx, q("schedule_probe"), paused, now, probeAt)
	if err != nil {
		return nil, fmt.Errorf("schedule_probe: %w", err)
	}
	claimed, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("schedule_probe: %w", err)
	}
	free := map[string]bool{}
	for _, source := range claimed {
		free[source] = true
	}
	var kept []model.DueRun
	for _, d := range due {
		if d.Probe && !free[d.Source] {
			continue
		}
		delete(free, d.Source)
		kept = append(kept, d)
	}
	return kept, nil
}

func advance(ctx context.Context, tx pgx.Tx, moves []model.Advance, now time.Time) error {
	var sources, streams, modes []string
	var next []time.Time
	var ran []bool
	for _, m := range moves {
		sources, streams, modes = append(sources, m.Source), append(streams, m.Stream), append(modes, m.Mode)
		next, ran = append(next, m.NextRunAt), append(ran, m.Ran)
	}
	_, err := exec(ctx, tx, "schedule_advance", sources, streams, modes, next, ran, now)
	return err
}

// Prioritize gives jobs of River another priority, 1 being the first.
func (s *Store) Prioritize(ctx context.Context, tx pgx.Tx, jobs []int64, priority int) error {
	if tx != nil {
		_, err := exec(ctx, tx, "schedule_prioritize", jobs, priority)
		return err
	}
	if _, err := s.pool.Exec(ctx, q("schedule_prioritize"), jobs, priority); err != nil {
		return fmt.Errorf("schedule_prioritize: %w", err)
	}
	return nil
}

// Standing tells how a stream and its source stand before a slice. A stream
// without a schedule is not enabled.
func (s *Store) Standing(ctx context.Context, source, stream, mode string) (model.Standing, error) {
	var st model.Standing
	var resumeAt *time.Time
	err := s.pool.QueryRow(ctx, q("schedule_standing"), source, stream, mode).
		Scan(&st.Enabled, &st.Halted, &st.Paused, &resumeAt, &st.Failures, &st.SourceFailures)
	if errors.Is(err, pgx.ErrNoRows) {
		return model.Standing{}, nil
	}
	if err != nil {
		return st, fmt.Errorf("schedule_standing: %w", err)
	}
	if resumeAt != nil {
		st.ResumeAt = *resumeAt
	}
	return st, nil
}

// Queue places new jobs in River's queue: sources that were served less recently
// come first. sources is parallel to jobs.
func (s *Store) Queue(ctx context.Context, tx pgx.Tx, jobs []int64, sources []string) error {
	_, err := exec(ctx, tx, "schedule_queue", jobs, sources)
	return err
}

// Serve notes that a slice of the source begins: its other jobs in River's queue
// go behind those of all other sources.
func (s *Store) Serve(ctx context.Context, source, queue string) error {
	return bounded(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := exec(ctx, tx, "schedule_serve", source); err != nil {
			return err
		}
		_, err := exec(ctx, tx, "schedule_requeue", source, queue)
		return err
	})
}

// NoteSlice notes how a slice ended.
func (s *Store) NoteSlice(ctx context.Context, n model.SliceNote) error {
	why := orNull(n.Error, "")
	return bounded(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := exec(ctx, tx, "schedule_note", n.Source, n.Stream, n.Mode, n.At, n.Outcome, why, n.Failed, n.Healthy,
			orNull(n.ResumeAt, time.Time{}), n.Halt, orNull(n.DueAt, time.Time{}))
		if err == nil && n.HandOn {
			_, err = exec(ctx, tx, "schedule_hand_on", n.Source, n.At, n.Began)
		}
		if err != nil || !n.Healthy && n.HoldSource.IsZero() && n.ProbeAt.IsZero() {
			return err
		}
		_, err = exec(ctx, tx, "schedule_health", n.Source, n.At, why, n.Healthy,
			orNull(n.HoldSource, time.Time{}), orNull(n.ProbeAt, time.Time{}), n.Began)
		return err
	})
}

// FreeJobs gives back the jobs in River's queue that somebody is at, and the lead.
// It is for a process that knows that all others are dead: River would wait for
// them.
func (s *Store) FreeJobs(ctx context.Context, queue string) error {
	if _, err := s.pool.Exec(ctx, q("schedule_free"), queue); err != nil {
		return fmt.Errorf("schedule_free: %w", err)
	}
	return nil
}

// orNull is nil for the value that says that there is none.
func orNull[T comparable](v, none T) *T {
	if v == none {
		return nil
	}
	return &v
}

// QueueDepth counts jobs and the runs that wait to be enqueued at now.
func (s *Store) QueueDepth(ctx context.Context, queue string, now time.Time) (model.QueueDepth, error) {
	var d model.QueueDepth
	var seconds float64
	err := s.pool.QueryRow(ctx, q("schedule_depth"), queue, now).Scan(&d.Ready, &d.Running, &d.Waiting, &d.Due, &seconds)
	if err != nil {
		return d, fmt.Errorf("schedule_depth: %w", err)
	}
	d.Lag = time.Duration(seconds * float64(time.Second))
	return d, nil
}
