package schedule

import (
	"errors"
	"time"

	"syncd/internal/model"
)

// Kind says how a slice ended, and so what becomes of its run.
type Kind string

// The kinds, as sync.schedule.outcome has them.
const (
	// Done: the pass is over; the stream rests until its next time.
	Done Kind = "done"
	// More: there is more to do, at once.
	More Kind = "more"
	// Later: the vendor or a budget allows no more before [Verdict.At].
	Later Kind = "later"
	// Transient: the vendor did not answer properly. Tried again after a pause that
	// grows; the other streams of the source pause for a moment, too.
	Transient Kind = "transient"
	// Busy: somebody else syncs the stream just now.
	Busy Kind = "busy"
	// Blocked: it needs another stream, of which nothing has been read yet.
	Blocked Kind = "blocked"
	// Outage: the database does not answer.
	Outage Kind = "outage"
	// Auth: the vendor refuses the credential. The source is paused, and tried again
	// on a slow rhythm.
	Auth Kind = "auth"
	// Config: the configuration has to change first. The stream is halted until
	// one is applied.
	Config Kind = "config"
	// Unknown: a bug until shown otherwise. The job fails and keeps the error.
	Unknown Kind = "unknown"
	// Stopped: [Task.Stop] asked for it.
	Stopped Kind = "stopped"
	// Absent: this process does not know the stream; another one may, whose
	// configuration is newer.
	Absent Kind = "absent"
)

// Verdict is how a slice ended.
type Verdict struct {
	Kind Kind
	// At is the earliest instant at which going on makes sense; for Later and Busy.
	At time.Time
	// Err says why; nil for Done, More and Stopped. Its text must hold no secret.
	Err error
}

// Pauses.
const (
	// streamPause and sourcePause are those after the first failure; each further
	// one doubles them.
	streamPause    = 30 * time.Second
	streamPauseMax = 30 * time.Minute
	sourcePause    = 10 * time.Second
	sourcePauseMax = 5 * time.Minute
	// bugPause is the pause before a job that failed is tried again.
	bugPause    = time.Minute
	bugPauseMax = time.Hour
	// laterPause is for a vendor that does not say how long to wait.
	laterPause = time.Minute
	// blockedPause is the first pause of a stream that waits for another one, which
	// is short: a new source wants to be complete soon.
	blockedPause    = 2 * time.Second
	blockedPauseMax = time.Minute
	// busyPause and absentPause are the pauses between two looks.
	busyPause   = 5 * time.Second
	absentPause = 15 * time.Second
	// outagePause is for a database that does not answer.
	outagePause = 5 * time.Second
)

// backoff is the pause after n failures in a row, a fifth more or less by chance,
// which is in [0, 1).
func backoff(first, most time.Duration, n int, chance float64) time.Duration {
	const doublingsMax = 20
	d := min(first<<min(max(n-1, 0), doublingsMax), most)
	return time.Duration(float64(d) * (0.8 + 0.4*chance))
}

// end is what becomes of the job.
type end struct {
	// snooze is the pause before the job goes on, where snoozed is set.
	snoozed bool
	snooze  time.Duration
	// failed and cancelled end the attempt, or the job, with the error.
	failed, cancelled bool
}

// settle applies the policy: what is noted of a slice, and what becomes of its
// job. chance is in [0, 1).
func (v Verdict) settle(st model.Standing, now time.Time, probeEvery time.Duration, chance float64) (model.SliceNote, end) {
	note := model.SliceNote{At: now, Outcome: string(v.Kind)}
	if v.Err != nil {
		note.Error = v.Err.Error()
	}
	wait := func(d time.Duration) (model.SliceNote, end) {
		note.ResumeAt = now.Add(d)
		return note, end{snoozed: true, snooze: d}
	}
	until := func(otherwise time.Duration) time.Duration {
		if v.At.IsZero() {
			return otherwise
		}
		return max(v.At.Sub(now), 0)
	}
	switch v.Kind {
	case Done:
		note.Healthy = true
		return note, end{}
	case More:
		note.Healthy = true
		return note, end{snoozed: true}
	case Stopped:
		return note, end{snoozed: true}
	case Later:
		return wait(max(until(laterPause), time.Second))
	case Busy:
		return wait(min(max(until(busyPause), time.Second), busyPause))
	case Blocked:
		note.Failed = true
		pause := backoff(blockedPause, blockedPauseMax, st.Failures+1, chance)
		if st.Paused { // perhaps the stream that it waits for is the one that was refused
			note.DueAt, note.HandOn = now.Add(pause), true
			note.ResumeAt = note.DueAt
			return note, end{}
		}
		return wait(pause)
	case Absent:
		return wait(absentPause)
	case Outage:
		return wait(outagePause)
	case Transient:
		note.Failed = true
		note.HoldSource = now.Add(backoff(sourcePause, sourcePauseMax, st.SourceFailures+1, chance))
		return wait(backoff(streamPause, streamPauseMax, st.Failures+1, chance))
	case Auth:
		// The run is due with the next try, and not before: the vendor may refuse it
		// alone, and others end the pause.
		note.ProbeAt = now.Add(probeEvery)
		note.DueAt, note.ResumeAt = note.ProbeAt, note.ProbeAt
		return note, end{}
	case Config:
		note.DueAt, note.Halt = now, true
		return note, end{cancelled: true}
	default:
		note.Failed = true
		d := backoff(bugPause, bugPauseMax, st.Failures+1, chance)
		note.ResumeAt = now.Add(d)
		return note, end{failed: true, snooze: d}
	}
}

// whole is the verdict with what it lacks: a kind that is unknown is [Unknown],
// and a job does not end without a reason.
func (v Verdict) whole() Verdict {
	switch v.Kind {
	case Done, More, Stopped:
		return Verdict{Kind: v.Kind}
	case Later, Transient, Busy, Blocked, Outage, Auth, Config, Absent:
	default:
		v.Kind = Unknown
	}
	if v.Err == nil {
		v.Err = errNoReason
	}
	return v
}

var errNoReason = errors.New("the slice ended without saying how")
