package model

import "time"

// Timetable is one schedule of a stream, as sync.schedule keeps it.
type Timetable struct {
	Source, Stream string
	// Mode tells the schedules of one stream apart: "" or "full".
	Mode string
	// Expression is a cron expression, meant in Timezone, an IANA name.
	Expression, Timezone string
	// NextRunAt is when it is due.
	NextRunAt time.Time
}

// DueRun is a run that is due.
type DueRun struct {
	Timetable
	// Probe says that the source is paused, and this run only tries whether it
	// still has to be.
	Probe bool
}

// Advance is what becomes of a run that was due.
type Advance struct {
	Source, Stream, Mode string
	NextRunAt            time.Time
	// Ran says that a job was enqueued for it.
	Ran bool
}

// Standing is how a stream and its source stand before a slice.
type Standing struct {
	// Enabled is false for a stream that has no schedule any more.
	Enabled, Halted bool
	// Paused says that the vendor refuses the credential.
	Paused bool
	// ResumeAt is until when the source is left alone, or zero.
	ResumeAt time.Time
	// Failures and SourceFailures count slices in a row that failed, or were
	// blocked.
	Failures, SourceFailures int
}

// SliceNote is how a slice ended: what sync.schedule and sync.source_health say
// afterwards.
type SliceNote struct {
	Source, Stream, Mode string
	// Began and At are when it began and ended.
	Began, At time.Time
	// Outcome is a word of sync.schedule.outcome, and Error why, or "".
	Outcome, Error string
	// Failed counts the slice as failed, Healthy says that the vendor answers: a
	// source that was paused before it began is so no more. Neither leaves the
	// counts alone.
	Failed, Healthy bool
	// ResumeAt is the earliest instant of the next slice, or zero.
	ResumeAt time.Time
	// Halt stops the schedule until the configuration is applied again.
	Halt bool
	// DueAt makes the run due again then, if not before; zero does not.
	DueAt time.Time
	// HoldSource leaves the whole source alone until then; zero does not.
	HoldSource time.Time
	// ProbeAt pauses the source, and tries it again then; zero does not.
	ProbeAt time.Time
	// HandOn leaves the try of a paused source to another run of it, at once: this
	// one has asked the vendor nothing. Began is then since when it was its turn.
	HandOn bool
}

// QueueDepth counts the jobs of syncd run, in all processes.
type QueueDepth struct {
	// Ready could run now, Running do, Waiting are snoozed or wait to be retried.
	Ready, Running, Waiting int64
	// Due are runs that wait to be enqueued, and Lag how long the oldest of them
	// has.
	Due int64
	Lag time.Duration
}
