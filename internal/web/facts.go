package web

import (
	"time"

	"syncd/internal/model"
)

// Facts are what the database says of all sources, as `syncd status` does.
type Facts struct {
	// At is the clock by which lags and delays were reckoned.
	At      time.Time
	Sources []SourceFacts
	Streams []StreamFacts
	Queue   model.QueueDepth
}

// SourceFacts are about one source.
type SourceFacts struct {
	Source string
	// Paused says that the vendor refuses the credential, or is left alone because it
	// does not answer, and Note why.
	Paused bool
	Note   string
	// Budgets are those that are kept in the database.
	Budgets []BudgetFacts
}

// BudgetFacts is what is left of a budget of calls.
type BudgetFacts struct {
	// Lane is "" for all calls together, or the kind of call that has a share of them.
	Lane string
	// Period is "month", or "day" for what may be used of the month today.
	Period      string
	Limit, Left int64
}

// HourBudget is what this process has left of the calls of an hour. Others share
// the limit, and what they have called is not in it.
type HourBudget struct {
	// Endpoint is "" where all endpoints of the source share the budget.
	Source, Endpoint string
	Left             int
}

// StreamFacts are about one stream, or one mode of it.
type StreamFacts struct {
	Source, Stream, Mode string
	// Outcome is that of the latest pass, or "never".
	Outcome string
	// Rows are those read by the latest pass.
	Rows int64
	// Lag is since when the latest complete pass began; negative without one.
	Lag time.Duration
	// NextRunAt is when the next run is due; in the past while it waits for a worker.
	NextRunAt time.Time
	// Late says that two scheduled runs have gone by without a complete pass.
	Late bool
	// Halted says that it does not run until the configuration changes.
	Halted bool
	// Held is how many records went missing in a pass that waits for approval.
	Held int64
	// Items are those of a detail stream; zero for others.
	Items ItemFacts
	// Days are those of a stream of statistics; nil for others.
	Days *DayFacts
	// Note is what a person should know.
	Note string
}

// ItemFacts count the items of a detail stream.
type ItemFacts struct{ All, NeverRead, Overdue, Failing int64 }

// DayFacts count days of subjects (an owner, a batch of owners) by state.
type DayFacts struct {
	Held, Pending, AtRisk, Refused, Lost int64
	// HeldPercent is the part of the days wanted that is held.
	HeldPercent float64
}

// Pool is how the pool of database connections stands.
type Pool struct {
	// Acquired, Idle and Constructing are connections; Max is how many there may be.
	Acquired, Idle, Constructing, Max int32
	// Acquires were asked for, Waited of them had to wait, and Canceled were given
	// up; Wait is how long all of them took.
	Acquires, Waited, Canceled int64
	Wait                       time.Duration
}
