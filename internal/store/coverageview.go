package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// noteWindow notes which days the stream wants, for the views that show what of
// them is held.
func noteWindow(ctx context.Context, tx pgx.Tx, pass model.Pass, w *model.WindowSpec) error {
	_, err := exec(ctx, tx, "stat_window_note", pass.Source, pass.Stream, w.Days(), w.ReadyHour)
	return err
}

// asOf runs read in a transaction in which the views speak of that moment, and all
// statements see the same state of the tables: what one of them lists, the next one
// knows, whatever is committed meanwhile. It changes nothing.
func (s *Store) asOf(ctx context.Context, now time.Time, read func(pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		if _, err := exec(ctx, tx, "clock_set", now); err != nil {
			return err
		}
		return read(tx)
	})
}

// CoverageState is what is known of a day of one subject.
type CoverageState string

// The states, from good to bad.
const (
	// DayCovered was read, and there are figures.
	DayCovered CoverageState = "covered"
	// DayEmpty was read, and the vendor had nothing.
	DayEmpty CoverageState = "empty"
	// DayPending is to be read.
	DayPending CoverageState = "pending"
	// DayAtRisk is to be read and leaves the window within 48 hours.
	DayAtRisk CoverageState = "at_risk"
	// DayRefused is one that the vendor refuses to tell.
	DayRefused CoverageState = "refused"
	// DayLost left the window unread.
	DayLost CoverageState = "lost"
)

// CoverageDay is a row of bi.coverage_day: how many subjects are in which state.
type CoverageDay struct {
	Day                                            model.Day
	Covered, Empty, Pending, AtRisk, Refused, Lost int64
	// State is the worst of them.
	State CoverageState
	// LeavesAt is when the day leaves the window, or left it.
	LeavesAt time.Time
}

// CoverageDays lists the days of a stream that are held, wanted or lost, in
// order: of all its subjects, or of one of them where subject is not "".
func (s *Store) CoverageDays(ctx context.Context, source, stream, subject string, now time.Time) ([]CoverageDay, error) {
	name, args := "coverage_days", []any{source, stream}
	if subject != "" {
		name, args = "coverage_days_subject", append(args, subject)
	}
	var list []CoverageDay
	err := s.asOf(ctx, now, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, q(name), args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (CoverageDay, error) {
			var d CoverageDay
			var day time.Time
			err := row.Scan(&day, &d.Covered, &d.Empty, &d.Pending, &d.AtRisk, &d.Refused, &d.Lost, &d.State, &d.LeavesAt)
			d.Day = dayOf(day)
			return d, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list, nil
}

// WindowStatus is how far the days of a stream of statistics are held.
type WindowStatus struct {
	// Subjects are owners, or batches of owners; one of them and one day are a
	// unit of the counts below.
	Subjects int64
	Today    model.Day
	// Oldest and Newest are the first and the last day wanted; Held is how much of
	// these is held.
	Oldest, Newest                 model.Day
	Held, Pending, AtRisk, Refused int64
	// Lost has left the window unread, ever. LostDates is how many calendar days
	// are concerned, from LostFrom to LostTo.
	Lost, LostDates  int64
	LostFrom, LostTo model.Day
	// Wanted is of how many subjects each day is wanted and not held; days of which
	// nobody wants any more are left out.
	Wanted map[model.Day]int64
}

// Percent is how much of what is wanted is held; 100 where nothing is wanted.
func (w WindowStatus) Percent() float64 {
	wanted := w.Held + w.Pending + w.AtRisk + w.Refused
	if wanted == 0 {
		return 100
	}
	return 100 * float64(w.Held) / float64(wanted)
}

// WindowStatuses tells how the streams of statistics of a source stand; one that
// has had no pass is not among them.
func (s *Store) WindowStatuses(ctx context.Context, source string, now time.Time) (map[string]WindowStatus, error) {
	byStream := map[string]WindowStatus{}
	err := s.asOf(ctx, now, func(tx pgx.Tx) error {
		var stream string
		var w WindowStatus
		var today, oldest, newest time.Time
		var lostFrom, lostTo *time.Time
		err := each(ctx, tx, "coverage_status", []any{source}, []any{
			&stream, &w.Subjects, &today, &oldest, &newest, &w.Held, &w.Pending, &w.AtRisk, &w.Refused, &w.Lost,
			&w.LostDates, &lostFrom, &lostTo,
		}, func() {
			w.Today, w.Oldest, w.Newest = dayOf(today), dayOf(oldest), dayOf(newest)
			w.LostFrom, w.LostTo = model.Day{}, model.Day{}
			if lostFrom != nil {
				w.LostFrom, w.LostTo = dayOf(*lostFrom), dayOf(*lostTo)
			}
			w.Wanted = map[model.Day]int64{}
			byStream[stream] = w
		})
		if err != nil {
			return err
		}
		return addWanted(ctx, tx, source, byStream)
	})
	if err != nil {
		return nil, err
	}
	return byStream, nil
}

func addWanted(ctx context.Context, tx pgx.Tx, source string, byStream map[string]WindowStatus) error {
	var stream string
	var day time.Time
	var subjects int64
	return each(ctx, tx, "coverage_wanted", []any{source}, []any{&stream, &day, &subjects}, func() {
		byStream[stream].Wanted[dayOf(day)] = subjects
	})
}

// Refusal is a subject of which the vendor refuses days.
type Refusal struct {
	Subject string
	// Code is the vendor's of the latest refusal, RetryAt when it is asked again.
	Code    string
	RetryAt time.Time
	Days    int64
}

// Refusals lists subjects of which the vendor refuses days, those with most days
// first, at most limit of them, and says how many there are in all.
func (s *Store) Refusals(ctx context.Context, source, stream string, limit int, now time.Time) (list []Refusal, all int64, err error) {
	err = s.asOf(ctx, now, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, q("coverage_refusals"), source, stream, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Refusal, error) {
			var r Refusal
			return r, row.Scan(&r.Subject, &r.Code, &r.RetryAt, &r.Days, &all)
		})
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("coverage_refusals: %w", err)
	}
	return list, all, nil
}

// BatchOf finds the batch of an owner; not ok where nobody knows the owner.
func (s *Store) BatchOf(ctx context.Context, source, owner string) (number int, ok bool, err error) {
	err = s.pool.QueryRow(ctx, q("owner_batch_get"), source, owner).Scan(&number)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("owner_batch_get: %w", err)
	}
	return number, true, nil
}
