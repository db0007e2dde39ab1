package main

import (
	"fmt"
	"time"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/sweep"
)

// windowReport is how far the days of a stream of statistics are held, as
// `status --json` prints it. Counts are days of one subject: an owner, or a batch
// of owners.
type windowReport struct {
	Subjects int64  `json:"subjects"`
	Oldest   string `json:"oldest_day"`
	Newest   string `json:"newest_day"`
	// HeldPercent is the part of the days from oldest to newest that is held.
	HeldPercent float64 `json:"held_percent"`
	Held        int64   `json:"held"`
	Pending     int64   `json:"pending"`
	AtRisk      int64   `json:"at_risk"`
	Refused     int64   `json:"refused"`
	// Lost has left the window unread, ever, on LostDates calendar days.
	Lost      int64  `json:"lost"`
	LostDates int64  `json:"lost_dates"`
	LostFrom  string `json:"lost_from,omitempty"`
	LostTo    string `json:"lost_to,omitempty"`
	// Forecast is what becomes of what is wanted.
	Forecast forecastReport `json:"forecast"`

	unit string // of the counts
}

// forecastReport is a [sweep.Outlook].
type forecastReport struct {
	// CallsPerDay is what the limits allow; 0 is without a limit.
	CallsPerDay int64 `json:"calls_per_day"`
	// Needed is with how many calls a day nothing is lost.
	Needed  int64      `json:"needed_calls_per_day"`
	Lost    int64      `json:"lost"`
	Dates   int64      `json:"lost_dates"`
	FirstAt *time.Time `json:"first_lost_at,omitempty"`
}

// reportWindow puts together what is held of a stream and what will be.
func reportWindow(src *source, spec model.StreamSpec, w store.WindowStatus, now time.Time) *windowReport {
	o := sweep.Forecast(*spec.Window, w.Wanted, w.Subjects, sweep.CallsPerDay(src.limits()), now)
	r := &windowReport{
		Subjects: w.Subjects, Oldest: w.Oldest.String(), Newest: w.Newest.String(), HeldPercent: w.Percent(), Held: w.Held,
		Pending: w.Pending, AtRisk: w.AtRisk, Refused: w.Refused, Lost: w.Lost, LostDates: w.LostDates,
		Forecast: forecastReport{CallsPerDay: o.CallsPerDay, Needed: o.Needed, Lost: o.Lost, Dates: o.Dates},
	}
	r.unit = "owner"
	if spec.Window.Subjects == model.SubjectBatches {
		r.unit = "batch of owners"
	}
	if w.Lost > 0 {
		r.LostFrom, r.LostTo = w.LostFrom.String(), w.LostTo.String()
	}
	if o.Lost > 0 {
		r.Forecast.FirstAt = utc(&o.FirstAt)
	}
	return r
}

// held and lost are the cells of a stream in the table; "" where it has no days.
func (r *windowReport) held() string {
	if r == nil {
		return ""
	}
	return percentOf(r.HeldPercent)
}

func (r *windowReport) lost() string {
	if r == nil {
		return ""
	}
	return withCommas(r.Lost)
}

// sentence says what will become of the days that are wanted.
func (r *windowReport) sentence(zone *time.Location) string {
	f := r.Forecast
	if f.CallsPerDay == 0 {
		return "no limit of calls is configured: everything is kept"
	}
	if f.Lost == 0 {
		return fmt.Sprintf("at %s calls a day everything is kept", withCommas(f.CallsPerDay))
	}
	return fmt.Sprintf("at %s calls a day %d days will be lost (%s counted by %s), first at %s; %s calls a day keep everything",
		withCommas(f.CallsPerDay), f.Dates, withCommas(f.Lost), r.unit, f.FirstAt.In(zone).Format(time.RFC3339), withCommas(f.Needed))
}
