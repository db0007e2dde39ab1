package sweep

import (
	"maps"
	"sort"
	"time"

	"syncd/internal/model"
)

// Outlook is what becomes of the days that a window stream wants.
type Outlook struct {
	// CallsPerDay is what it was worked out for; 0 is without a limit.
	CallsPerDay int64
	// Needed is with how many calls a day nothing is lost.
	Needed int64
	// Lost is how much will be lost of what is wanted now, in days of one subject,
	// Dates on how many calendar days, and FirstAt when the first of them leaves the
	// window; zero where all is kept.
	Lost, Dates int64
	FirstAt     time.Time
}

// Forecast works out what of the days that are wanted and not held yet will be
// lost when callsPerDay calls are made a day (0: as many as it takes), in the
// order of [window.planScarce]. wanted is of how many subjects each day is
// wanted, subjects how many there are: a day more of each is wanted every day.
//
// It counts every call as one day, of as many owners as a call takes, where the
// planner may ask for several days of one owner: what it says is lost is hardly ever
// less than what will be, by a day or so of one owner. Everything is kept where two
// days of everybody can be paid each day.
func Forecast(spec model.WindowSpec, wanted map[model.Day]int64, subjects, callsPerDay int64, now time.Time) Outlook {
	f := forecast{spec: spec, w: spec.At(now), wanted: wanted, subjects: subjects, perCall: 1}
	if spec.Subjects == model.SubjectOwners {
		f.perCall = model.OwnerBatchMax
	}
	everything := f.calls(subjects) * int64(spec.Days()+1)
	for _, n := range wanted {
		everything += f.calls(n)
	}
	needed := sort.Search(int(everything), func(n int) bool { return f.at(int64(n)).Lost == 0 })
	o := Outlook{}
	if callsPerDay > 0 {
		o = f.at(callsPerDay)
	}
	o.CallsPerDay, o.Needed = callsPerDay, int64(needed)
	return o
}

type forecast struct {
	spec     model.WindowSpec
	w        model.Window
	wanted   map[model.Day]int64
	subjects int64
	perCall  int64
}

// calls is how many calls a day of so many subjects takes.
func (f *forecast) calls(subjects int64) int64 { return (subjects + f.perCall - 1) / f.perCall }

// at goes on from day to day until all that is wanted now is held or lost.
func (f *forecast) at(callsPerDay int64) Outlook {
	days := f.spec.Days()
	left := make(map[model.Day]int64, len(f.wanted)+days)
	maps.Copy(left, f.wanted)
	var o Outlook
	for today := f.w.Today; today.Sub(f.w.Today) <= days; today = today.Add(1) {
		newest, leaving := today.Add(-1), today.Add(-days)
		if today == f.w.Today {
			newest = f.w.Newest
		} else {
			left[newest] = f.subjects
		}
		budget := callsPerDay
		fill := func(day model.Day) {
			n := min(left[day], budget*f.perCall)
			budget -= f.calls(n)
			left[day] -= n
		}
		fill(newest)
		for day := leaving; budget > 0 && day.Compare(newest) < 0; day = day.Add(1) {
			fill(day)
		}
		if n := left[leaving]; n > 0 && leaving.Compare(f.w.Newest) <= 0 {
			if o.Lost == 0 {
				o.FirstAt = today.Add(1).In(f.spec.Zone)
			}
			o.Lost += n
			o.Dates++
		}
	}
	return o
}
