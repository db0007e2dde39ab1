package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"syncd/config"
	"syncd/internal/model"
	"syncd/internal/store"
)

// statusReport is all that the database says of sources and streams, as `status
// --json` prints it and internal/web shows it. Times are UTC.
type statusReport struct {
	Now time.Time `json:"now"`
	// Late says that something wants a person: late, lost, held back, halted, paused.
	Late    bool           `json:"late"`
	Streams []streamReport `json:"streams"`
	Sources []sourceReport `json:"sources"`
}

// sourceReport is one source.
type sourceReport struct {
	Source string `json:"source"`
	Vendor string `json:"vendor"`
	// PausedAt is since when syncd run leaves it alone because the vendor refuses the
	// credential, and ProbeAt when that is tried again.
	PausedAt *time.Time `json:"paused_at,omitempty"`
	ProbeAt  *time.Time `json:"probe_at,omitempty"`
	// ResumeAt is until when it is left alone because the vendor does not answer, and
	// Failures how many slices in a row that has been so.
	ResumeAt *time.Time    `json:"resume_at,omitempty"`
	Failures int64         `json:"failures,omitempty"`
	Error    string        `json:"error,omitempty"`
	Budget   *budgetReport `json:"month_budget,omitempty"`
}

// budgetReport is what is left of the calls of a calendar month.
type budgetReport struct {
	Month   time.Time    `json:"month"`
	Ends    time.Time    `json:"ends_at"`
	Lanes   []laneReport `json:"lanes"`
	Blocked *time.Time   `json:"blocked_until,omitempty"`
	// Code is the vendor's word for the block.
	Code string `json:"blocked_code,omitempty"`
}

// laneReport is a kind of calls: "all", or "reads", which has a part of them.
type laneReport struct {
	Lane      string `json:"lane"`
	Limit     int64  `json:"limit"`
	Used      int64  `json:"used"`
	Left      int64  `json:"left"`
	LeftToday int64  `json:"left_today"`
}

// streamReport is one stream as `status --json` prints it. Times are UTC.
type streamReport struct {
	Source string `json:"source"`
	Stream string `json:"stream"`
	// Mode is "full" for the full passes of a stream that has others as well.
	Mode           string        `json:"mode,omitempty"`
	PassID         int64         `json:"pass_id,omitempty"`
	Outcome        model.Outcome `json:"outcome"`
	Verdict        model.Verdict `json:"verdict,omitempty"`
	StartedAt      *time.Time    `json:"started_at,omitempty"`
	FinishedAt     *time.Time    `json:"finished_at,omitempty"`
	ResumeAt       *time.Time    `json:"resume_at,omitempty"`
	Error          string        `json:"error,omitempty"`
	Pages          int64         `json:"pages"`
	RowsRead       int64         `json:"rows_read"`
	RowsChanged    int64         `json:"rows_changed"`
	Calls          int64         `json:"calls"`
	Rejects        int64         `json:"rejects"`
	Items          int64         `json:"items,omitempty"`
	ItemsNeverRead int64         `json:"items_never_read,omitempty"`
	ItemsOverdue   int64         `json:"items_overdue,omitempty"`
	ItemsFailing   int64         `json:"items_failing,omitempty"`
	// CompleteAt is when the latest complete pass that lacks nothing ended, LagSeconds
	// how long ago it began.
	CompleteAt *time.Time `json:"complete_at,omitempty"`
	LagSeconds *int64     `json:"lag_seconds,omitempty"`
	// NextRunAt is when the next pass is due: as syncd run has it, in the past while it
	// waits for a worker; without any syncd run, as the configuration has it.
	NextRunAt time.Time `json:"next_run_at"`
	// LastRunAt is when syncd run began a pass last.
	LastRunAt *time.Time `json:"last_run_at,omitempty"`
	// HaltedAt is since when syncd run leaves it alone until the configuration changes.
	HaltedAt *time.Time `json:"halted_at,omitempty"`
	// Failures counts slices of syncd run in a row that failed, and ScheduleError is
	// why the latest did not simply go on.
	Failures      int64  `json:"failures,omitempty"`
	ScheduleError string `json:"schedule_error,omitempty"`
	// Late says that two scheduled runs have gone by without a complete pass.
	Late    bool   `json:"late"`
	Running string `json:"running_by,omitempty"`
	// HeldPassID is a pass that missed so many records, Candidates, that a person
	// has to approve it.
	HeldPassID int64 `json:"held_pass_id,omitempty"`
	Candidates int64 `json:"candidates,omitempty"`
	// NeverProven says why one list after the other proves nothing, so that nothing is
	// found gone.
	NeverProven string `json:"never_proven,omitempty"`
	// Window is for streams of statistics that have had a pass.
	Window *windowReport `json:"window,omitempty"`

	zone *time.Location
}

// gather asks the database for everything.
func gather(ctx context.Context, db *store.Store, sources []*source, now time.Time) (statusReport, error) {
	r := statusReport{Now: now.UTC(), Streams: []streamReport{}, Sources: []sourceReport{}}
	for _, src := range sources {
		about, err := reportSource(ctx, db, src, now)
		if err != nil {
			return r, err
		}
		streams, err := reportStreams(ctx, db, src, now)
		if err != nil {
			return r, err
		}
		about.resume(streams)
		r.Sources = append(r.Sources, about)
		r.Streams = append(r.Streams, streams...)
		r.Late = r.Late || about.PausedAt != nil
	}
	for _, s := range r.Streams {
		lost := s.Window != nil && s.Window.Lost > 0
		r.Late = r.Late || s.Late || lost || s.HeldPassID != 0 || s.HaltedAt != nil
	}
	return r, nil
}

func reportSource(ctx context.Context, db *store.Store, src *source, now time.Time) (sourceReport, error) {
	r := sourceReport{Source: src.Name, Vendor: src.Vendor}
	health, err := db.SourceHealth(ctx, src.Name)
	if err != nil {
		return r, err
	}
	r.PausedAt, r.ProbeAt = utc(health.PausedAt), utc(health.ProbeAt)
	if health.ResumeAt != nil && health.ResumeAt.After(now) {
		r.ResumeAt, r.Failures = utc(health.ResumeAt), health.Failures
	}
	if r.PausedAt != nil || r.ResumeAt != nil {
		r.Error = health.Error
	}
	if src.meter == nil {
		return r, nil
	}
	use, err := src.newMeter(db, func() time.Time { return now }).Use(ctx)
	if err != nil {
		return r, err
	}
	r.Budget = &budgetReport{Month: use.Month.UTC(), Ends: use.MonthEnd.UTC()}
	if use.BlockedUntil.After(now) {
		r.Budget.Blocked, r.Budget.Code = utc(&use.BlockedUntil), use.BlockedCode
	}
	for _, lane := range use.Lanes {
		name := lane.Lane
		if name == "" {
			name = "all"
		} else if lane.Limit == 0 {
			continue // a vendor without such calls
		}
		r.Budget.Lanes = append(r.Budget.Lanes, laneReport{
			Lane: name, Limit: lane.Limit, Used: lane.Used, Left: lane.Left, LeftToday: lane.LeftToday,
		})
	}
	return r, nil
}

// resume takes a pause back that syncd run noted before one of the streams was
// complete, by syncd sync for instance: the vendor takes the credential again.
func (r *sourceReport) resume(streams []streamReport) {
	for _, s := range streams {
		if r.PausedAt != nil && s.CompleteAt != nil && s.CompleteAt.After(*r.PausedAt) {
			r.PausedAt, r.ProbeAt = nil, nil
			if r.ResumeAt == nil {
				r.Error = ""
			}
		}
	}
}

func reportStreams(ctx context.Context, db *store.Store, src *source, now time.Time) ([]streamReport, error) {
	known, err := db.Status(ctx, src.Name, now)
	if err != nil {
		return nil, err
	}
	var windows map[string]store.WindowStatus
	if slices.ContainsFunc(src.specs, func(spec model.StreamSpec) bool { return spec.Window != nil }) {
		if windows, err = db.WindowStatuses(ctx, src.Name, now); err != nil {
			return nil, err
		}
	}
	runs, err := db.Schedules(ctx, src.Name)
	if err != nil {
		return nil, err
	}
	var reports []streamReport
	for _, spec := range src.specs {
		if _, ok := src.fresh[spec.Name]; ok {
			reports = append(reports, report(src.Source, spec.Name, modeFull, known, runs, now))
		}
		r := report(src.Source, spec.Name, "", known, runs, now)
		if len(reports) > 0 && reports[len(reports)-1].Stream == r.Stream {
			r.NeverProven = "" // said of its full passes
		}
		if w, ok := windows[spec.Name]; ok && spec.Window != nil {
			r.Window = reportWindow(src, spec, w, now)
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// report puts together what is stored of a stream and what its schedule wants. A
// mode of "" is the stream as a whole.
func report(src config.Source, stream, mode string, known map[string]store.StreamStatus,
	runs map[string]store.ScheduleStatus, now time.Time,
) streamReport {
	schedule, key := src.Streams[stream].Schedule, stream
	if mode != "" {
		schedule, key = src.Streams[stream].FullSchedule, store.ModeKey(stream, mode)
	}
	r := streamReport{
		Source: src.Name, Stream: stream, Mode: mode, Outcome: "never", Late: true, zone: src.Timezone,
		NextRunAt: schedule.Next(now.In(src.Timezone)).UTC(),
	}
	if run, ok := runs[key]; ok && run.Expression == schedule.String() {
		r.NextRunAt, r.LastRunAt, r.HaltedAt = run.NextRunAt.UTC(), utc(run.LastRunAt), utc(run.HaltedAt)
		r.Failures, r.ScheduleError = run.Failures, run.Error
	}
	t, ok := known[key]
	if !ok {
		return r
	}
	r.PassID, r.Outcome, r.Verdict, r.Error, r.Running = t.PassID, t.Outcome, t.Verdict, t.Error, t.Holder
	r.StartedAt, r.FinishedAt, r.ResumeAt = utc(&t.StartedAt), utc(t.FinishedAt), utc(t.ResumeAt)
	r.Pages, r.RowsRead, r.RowsChanged = t.Counts.Pages, t.Counts.RowsRead, t.Counts.RowsChanged
	r.Calls, r.Rejects = t.Counts.Calls, t.Counts.Rejects
	r.Items, r.ItemsNeverRead, r.ItemsOverdue, r.ItemsFailing = t.Items, t.NeverRead, t.Overdue, t.Failing
	r.HeldPassID, r.Candidates, r.NeverProven = t.HeldPassID, t.Candidates, t.NeverProven
	if t.WholeFrom == nil {
		return r
	}
	lag := int64(now.Sub(*t.WholeFrom).Seconds())
	r.CompleteAt, r.LagSeconds = utc(t.WholeAt), &lag
	second := schedule.Next(schedule.Next(t.WholeFrom.In(src.Timezone)))
	r.Late = now.After(second)
	return r
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// nextRun is when it runs next, for people.
func (r streamReport) nextRun(now time.Time) string {
	if r.HaltedAt != nil {
		return "halted"
	}
	if wait := r.NextRunAt.Sub(now).Round(time.Second); wait > 0 {
		return "in " + wait.String()
	}
	return "due"
}

// sentences are what a person should know of a source.
func (r *sourceReport) sentences() []string {
	var list []string
	switch {
	case r.PausedAt != nil:
		list = append(list, fmt.Sprintf("paused since %s: %s", r.PausedAt.Format(time.RFC3339), r.Error))
	case r.ResumeAt != nil:
		list = append(list, fmt.Sprintf("left alone until %s: %s", r.ResumeAt.Format(time.RFC3339), r.Error))
	}
	if r.Budget == nil {
		return list
	}
	if r.Budget.Blocked != nil {
		list = append(list, fmt.Sprintf("the vendor says that no call is left until %s (%s)",
			r.Budget.Blocked.Format(time.RFC3339), r.Budget.Code))
	}
	for _, lane := range r.Budget.Lanes {
		of := ""
		if lane.Lane != "all" {
			of = ", for " + lane.Lane
		}
		list = append(list, fmt.Sprintf("%s of %s calls of the month are left%s, %s of them today",
			withCommas(lane.Left), withCommas(lane.Limit), of, withCommas(lane.LeftToday)))
	}
	return list
}
