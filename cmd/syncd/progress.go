package main

import (
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"github.com/schollz/progressbar/v3"

	"syncd/internal/sweep"
)

// progress shows how a pass goes on: a bar on a terminal, otherwise a log line
// now and then.
type progress interface {
	// update is called after every commit, one call at a time.
	update(sweep.Progress)
	// end is called once, when the pass is left.
	end()
}

func newProgress(h *host, log zerolog.Logger, name string) progress {
	if h.terminal {
		return &bar{h: h, name: name}
	}
	return &lines{log: log, name: name, now: h.now}
}

// bar draws on the terminal, with rate and time left where the end is known.
type bar struct {
	h    *host
	name string
	pb   *progressbar.ProgressBar
}

func (b *bar) update(p sweep.Progress) {
	done, total := extent(p)
	if b.pb == nil {
		limit, unit := int64(-1), "rows"
		if total > 0 {
			limit = total
		}
		if p.Total > 0 {
			unit = "items"
		}
		b.pb = progressbar.NewOptions64(limit,
			progressbar.OptionSetWriter(b.h.stderr), progressbar.OptionSetDescription(b.name),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit),
			progressbar.OptionSetPredictTime(total > 0), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
	}
	_ = b.pb.Set64(done) // what a bar cannot draw is no reason to stop
}

func (b *bar) end() {
	if b.pb != nil {
		_ = b.pb.Finish()
		_ = b.pb.Clear()
	}
}

// linesEvery is the pause between two progress lines.
const linesEvery = 5 * time.Second

// lines logs where a pass stands.
type lines struct {
	log         zerolog.Logger
	name        string
	now         func() time.Time
	began, last time.Time
	// first is how far the pass was when it began to report, with whatever an
	// earlier run had done.
	first int64
}

func (l *lines) update(p sweep.Progress) {
	now := l.now()
	done, total := extent(p)
	if l.began.IsZero() {
		l.began, l.last, l.first = now, now, done
	}
	if now.Sub(l.last) < linesEvery {
		return
	}
	l.last = now
	event := l.log.Info().Str("source", p.Source).Str("stream", p.Stream).
		Int64("done", done).Int64("pages", p.Counts.Pages).Int64("rows_changed", p.Counts.RowsChanged)
	if rate := float64(done-l.first) / now.Sub(l.began).Seconds(); rate > 0 {
		event = event.Str("rate", fmt.Sprintf("%.0f/s", rate))
		if total > done {
			left := time.Duration(float64(total-done) / rate * float64(time.Second))
			event = event.Int64("total", total).Str("left", left.Round(time.Second).String())
		}
	}
	event.Msg("syncing")
}

func (l *lines) end() {}

// extent is how far a pass is: items of a detail stream, rows of a list.
func extent(p sweep.Progress) (done, total int64) {
	if p.Total > 0 {
		return p.Done, p.Total
	}
	if p.Counts.TotalFirst != nil {
		total = *p.Counts.TotalFirst
	}
	return p.Counts.RowsRead, total
}
