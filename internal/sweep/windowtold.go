package sweep

import (
	"time"

	"syncd/internal/model"
)

// outcomes says of every subject and day of the job what the answer makes of it:
// read, with figures or without, unless a row that was set aside may have been
// that one. An answer that tells of days that nobody asked for may be one to another
// question: of the days it leaves out nothing is known.
func outcomes(j job, page model.Page, today model.Day, now time.Time) []model.WindowMove {
	type cell struct {
		subject string
		day     model.Day
	}
	told := map[cell]bool{}
	rows := map[string]bool{}
	for _, s := range page.OwnerStats {
		told[cell{s.OwnerID, s.Day}] = true
		rows[s.OwnerID] = true
	}
	for _, s := range page.DayStats {
		told[cell{j.batch, s.Day}] = true
	}
	for _, s := range page.PeriodStats {
		rows[s.OwnerID] = true
	}
	aside := map[string]bool{}
	for _, r := range page.Rejects {
		aside[r.ID] = true
		if r.ID != "" {
			rows[r.ID] = true
		}
	}
	unsure := aside[""]
	switch j.By {
	case model.StatByDay:
		unsure = unsure || tellsOthers(j.days, aside)
	case model.StatByOwner:
		unsure = unsure || page.Total != nil && *page.Total > int64(len(rows))
	}
	if len(page.PeriodStats) > 0 && !unsure {
		told[cell{j.batch, j.days.To}] = true
	}
	var moves []model.WindowMove
	for _, subject := range j.subjects() {
		for day := j.days.From; day.Compare(j.days.To) <= 0; day = day.Add(1) {
			m := model.WindowMove{Subject: subject, Days: model.Span{From: day, To: day}, At: now, Today: today}
			if !told[cell{subject, day}] && (unsure || aside[subject] || aside[day.String()]) {
				m.RefusedCode, m.RetryAt = codeUnreadable, now.Add(refusalPause)
			}
			if n := len(moves); n > 0 && joins(moves[n-1], m) {
				moves[n-1].Days.To = day
				continue
			}
			moves = append(moves, m)
		}
	}
	return moves
}

// tellsOthers reports whether one of the rows that were set aside is of a day outside
// of those.
func tellsOthers(days model.Span, aside map[string]bool) bool {
	asked := 0
	for day := days.From; day.Compare(days.To) <= 0; day = day.Add(1) {
		if aside[day.String()] {
			asked++
		}
	}
	return asked < len(aside)
}

// joins reports whether b goes on where a ends.
func joins(a, b model.WindowMove) bool {
	return a.Subject == b.Subject && a.RefusedCode == b.RefusedCode && a.Days.To.Add(1) == b.Days.From
}
