package model

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Lease is the right to commit to one stream. Its fence goes with every commit.
type Lease struct {
	Source, Stream, Holder string
	Fence                  int64
}

// ErrLeaseLost means that somebody else has taken the lease: what was not
// committed is dropped, and the work stops.
var ErrLeaseLost = errors.New("lease lost: another process has taken over this stream")

// ErrCheckpointMoved means that a page was read from a checkpoint that is no
// longer the stored one; nothing of it was committed.
var ErrCheckpointMoved = errors.New("checkpoint has moved")

// LeaseHeldError says who holds a lease that was asked for.
type LeaseHeldError struct {
	Source, Stream, Holder string
	TakenAt                time.Time
}

func (e *LeaseHeldError) Error() string {
	return fmt.Sprintf("%s/%s is being synced by %s since %s", e.Source, e.Stream, e.Holder,
		e.TakenAt.UTC().Format(time.RFC3339))
}

// Outcome is how a pass stands.
type Outcome string

// The outcomes. A running or partial pass is open: the next run resumes it.
const (
	OutcomeRunning   Outcome = "running"
	OutcomePartial   Outcome = "partial"
	OutcomeComplete  Outcome = "complete"
	OutcomeFailed    Outcome = "failed"
	OutcomeAbandoned Outcome = "abandoned"
)

// Verdict is the certificate of a list pass.
type Verdict string

// The verdicts; a detail pass has none ("").
const (
	// VerdictComplete: the pass saw everything that its scope can show.
	VerdictComplete Verdict = "complete"
	// VerdictDrifted: records moved while it was read; another pass may do.
	VerdictDrifted Verdict = "drifted"
	// VerdictUnproven: nothing says it is incomplete, but the proof is missing.
	VerdictUnproven Verdict = "unproven"
)

// PassPlan is what opening a pass freezes.
type PassPlan struct {
	Spec StreamSpec
	// Trigger is "command" or "schedule".
	Trigger string
	// Full ignores freshness and content hashes.
	Full bool
	// Now is the start of a new pass.
	Now time.Time
}

// Pass is an open pass.
type Pass struct {
	ID             int64
	Source, Stream string
	// Mode is that of the spec.
	Mode string
	// Scope is the hash of the filters.
	Scope int64
	// ConfirmedBy and Confirms are those of the spec.
	ConfirmedBy, Confirms string
	// Counted is the kind of record that the vendor's totals count, the first that
	// the spec lists; "" for none.
	Counted Record
	// Subjects is that of the spec's window; "" for other shapes.
	Subjects  WindowSubjects
	StartedAt time.Time
	Full      bool
	// Resumed says that it had been opened by an earlier run.
	Resumed bool
	// Counts of what is committed so far.
	Counts Counts
}

// Counts adds up what was committed.
type Counts struct {
	Pages, RowsRead, RowsChanged, Calls, Retries, Restarts int64
	Rejects, RejectsBlind                                  int64
	// ItemsFailed could not be read and are due again soon; ItemsRefused are, as
	// the vendor says, gone or out of sight.
	ItemsFailed, ItemsRefused int64
	// TotalFirst and TotalLast add up the vendor's totals on the first and the last
	// page of each chain; nil where it gives none.
	TotalFirst, TotalLast *int64
}

// Add adds up two counts, n being the later one.
func (c *Counts) Add(n Counts) {
	c.Pages += n.Pages
	c.RowsRead += n.RowsRead
	c.RowsChanged += n.RowsChanged
	c.Calls += n.Calls
	c.Retries += n.Retries
	c.Restarts += n.Restarts
	c.Rejects += n.Rejects
	c.RejectsBlind += n.RejectsBlind
	c.ItemsFailed += n.ItemsFailed
	c.ItemsRefused += n.ItemsRefused
	c.TotalFirst, c.TotalLast = addTotals(c.TotalFirst, n.TotalFirst), addTotals(c.TotalLast, n.TotalLast)
}

func addTotals(a, b *int64) *int64 {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return new(*a + *b)
}

// Step is one thing to commit: a page with the checkpoint after it, a chain
// that starts over, or an item that could not be read. Steps of one chain are
// handed over in order.
type Step struct {
	Chain Chain
	// Page is nil when there is nothing but the checkpoint or the failure; Calls
	// is then how many requests it took.
	Page  *Page
	Calls int
	// From is the version of the checkpoint that the page was read at, and To
	// the checkpoint after it. Both are for list streams.
	From int64
	To   Checkpoint
	// Closed says that the chain is done; its checkpoint is removed.
	Closed bool
	// Mark is the watermark that a closed chain leaves behind in Lane; "" and zero
	// are none.
	Lane string
	Mark time.Time
	// Resumed says that the step has no page because the chain goes on from its
	// watermark.
	Resumed bool
	// Disordered says that the vendor has not kept the order that the closed chain asked
	// for.
	Disordered bool
	// Split are the chains that take the place of one that is closed.
	Split []Subject
	// Outside is the vendor's code with which it refused the time that a closed
	// chain is frozen to: what it could have shown is noted as out of reach. ""
	// otherwise.
	Outside string
	// Culprit is the owner for whose sake the vendor refused a chain, or nil.
	Culprit *Culprit
	// Item is set for detail streams.
	Item *ItemMove
	// Window is set for window streams: what becomes of the days asked for.
	Window []WindowMove
	// Totals says that Window are days of a batch of owners, which add up to totals
	// with those of other batches. Batch is its number then, and OwnersAsked how many
	// owners of it were asked for.
	Totals             bool
	Batch, OwnersAsked int
}

// OfChain reports whether the step moves a checkpoint: those of detail and window
// streams do not, their items and coverage say where to go on.
func (s *Step) OfChain() bool { return s.Item == nil && s.Window == nil }

// Culprit is an owner whom the vendor refuses to take in a filter.
type Culprit struct {
	OwnerID, Code string
	// DueAt is when it is tried again.
	At, DueAt time.Time
}

// CulpritSubject is the subject under which sync.item keeps a troubled owner.
func CulpritSubject(ownerID string) string { return "owner/" + ownerID }

// Breaker holds back a mass disappearance: more than Min records and more than
// Share of the known ones.
type Breaker struct {
	Min   int
	Share float64
}

// Holds reports whether so many missing records have to be approved.
func (b Breaker) Holds(missing, known int64) bool {
	return missing > int64(b.Min) && float64(missing) > b.Share*float64(known)
}

// Ending is how a pass is to be closed.
type Ending struct {
	Outcome Outcome
	// Reason says why the outcome is not complete; "" where it is.
	Reason  string
	At      time.Time
	Breaker Breaker
}

// Closing is how a pass ended.
type Closing struct {
	Verdict Verdict
	// Candidates is how many records a complete pass missed for the first time;
	// Held says that they wait for a person's approval.
	Candidates int64
	Held       bool
	// Drifted is how many passes in a row have drifted, this one included; 0 for
	// another verdict.
	Drifted int64
	// Why says why the verdict is not complete; "" where it is, and without one.
	Why string
	// Lacking says that the list may have records that the pass has not read; see
	// [PassFacts.Lacking].
	Lacking bool
}

// ItemMove is what becomes of an item of a detail stream.
type ItemMove struct {
	// FailedCode is the vendor's code of a failed read, or "" for a good one.
	FailedCode string
	// Refused says that the failure is the vendor's answer: gone or out of sight.
	// Gone says that it is the former, which confirms an absence.
	Refused, Gone bool
	// At is when a failed read ended.
	At time.Time
	// DueAt is when it is due again, later than the pass began: a pass reads
	// whatever is due at its start. Zero is never by itself.
	DueAt time.Time
	// NotReady says that the failure is no fault: the vendor has not made it yet.
	NotReady bool
	// SettledDueAt is when it is due again where its absence is settled by the failure;
	// zero leaves DueAt.
	SettledDueAt time.Time
	// Closed says why the record is not read any more, or is "".
	Closed string
	// DoubtDueAt is when it is due again should its answer be held back.
	DoubtDueAt time.Time
}

// StepResult says what committing a step did, where that is not plain.
type StepResult struct {
	// Held says that the answer was doubtful and is held back until a second
	// one equals it.
	Held bool
	// Stale says that a newer answer is stored already.
	Stale bool
}

// ScopeOf returns the filters as bytes that are equal for equal scopes.
func ScopeOf(spec StreamSpec) json.RawMessage {
	if len(spec.Scope) == 0 {
		return json.RawMessage("{}")
	}
	return spec.Scope
}

// certificateAgeMax is the longest a pass may take, or lie open, and still prove
// anything about one moment.
const certificateAgeMax = 6 * time.Hour

// PassFacts is what the certificate of a list pass is made from, once every one
// of its chains has closed with a good verdict.
type PassFacts struct {
	StartedAt, FinishedAt  time.Time
	Restarts, RejectsBlind int64
	// IDsLost says that the ids noted are not all that it has seen: PostgreSQL has
	// crashed meanwhile.
	IDsLost bool
	// TotalsMoved says that a total of the vendor's changed while a chain was read,
	// or is not the number of different ids that the chain has shown.
	TotalsMoved bool
	// Shifted says that records moved under the pages.
	Shifted bool
	// SameScope says that the latest pass that ended had the same filters, or that
	// there is none.
	SameScope bool
}

// Certify says what the pass proves, and why that is not everything; "" where it is.
func (f PassFacts) Certify() (verdict Verdict, why string) {
	var reasons []string
	doubt := func(holds bool, v Verdict, format string, args ...any) {
		if !holds {
			return
		}
		reasons = append(reasons, fmt.Sprintf(format, args...))
		if verdict == "" {
			verdict = v
		}
	}
	doubt(f.Restarts > 0, VerdictDrifted, "its cursor was lost %d times", f.Restarts)
	doubt(f.Shifted, VerdictDrifted, "records moved while it was read")
	doubt(f.TotalsMoved && f.RejectsBlind == 0, VerdictDrifted, // those count in the totals
		"it has not shown as many records as the vendor counts")
	doubt(f.RejectsBlind > 0, VerdictUnproven, "%d elements have no readable id, see sync.reject", f.RejectsBlind)
	doubt(f.IDsLost, VerdictUnproven, "the ids it had seen were lost when PostgreSQL crashed")
	doubt(!f.SameScope, VerdictUnproven, "the filters in the configuration have changed")
	doubt(f.old(), VerdictUnproven,
		"it took more than %.0f hours", certificateAgeMax.Hours())
	if len(reasons) == 0 {
		return VerdictComplete, ""
	}
	return verdict, strings.Join(reasons, "; ")
}

// Lacking reports whether something speaks for records in the list that the pass has not
// read. A pass that only lacks the proof of what is absent, because the filters have
// changed or because it lay open for long, has read everything all the same; and in a
// long time totals move by themselves.
func (f PassFacts) Lacking() bool {
	return f.Restarts > 0 || f.Shifted || f.RejectsBlind > 0 || f.TotalsMoved && !f.old()
}

// old reports whether the pass tells nothing about one moment.
func (f PassFacts) old() bool { return f.FinishedAt.Sub(f.StartedAt) > certificateAgeMax }
