// Package model holds the shapes that pass between the rooms: records, pages,
// chains, checkpoints and the specification of a stream, with the pure rules
// about them.
//
// It imports the standard library only and knows neither a vendor's field names
// nor SQL. The words are those of the glossary in docs/design.md: a chain is one
// subject with frozen request params and 1…n pages joined by cursors; a pass is
// one run over all chains of a stream.
package model

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// Shape says where the chains of a stream come from.
type Shape string

// The shapes.
const (
	// ShapeList has fixed subjects, each a chain of pages.
	ShapeList Shape = "list"
	// ShapeDetail has one chain for every item that is due.
	ShapeDetail Shape = "detail"
	// ShapeWindow has a chain for every call that fills holes in coverage.
	ShapeWindow Shape = "window"
)

// Subject is a chain that a list stream always has: its name and its params.
type Subject struct {
	// Name is unique within the stream: "status/0".
	Name string
	// Params is a JSON object in a fixed key order, so that equal params are
	// equal bytes.
	Params json.RawMessage
	// Owners are the owners that the chain is restricted to; nil for all.
	Owners []string
	// Lane names the watermark that the subject shares with those of other modes;
	// "" has none.
	Lane string
}

// BoundsSpec says how the chains of a list stream are frozen to records created
// within some time.
type BoundsSpec struct {
	// Margin is how long before the start of the pass the time ends: what is
	// younger may not be visible yet, and belongs to the next pass.
	Margin time.Duration
	// FromWatermark begins at the watermark of the subject's lane, less Overlap;
	// otherwise at the first record there ever was.
	FromWatermark bool
	Overlap       time.Duration
	// Reach is how long before the start of the pass the time begins where no
	// watermark says more; 0 does not bound it.
	Reach time.Duration
	// SpanMax cuts a longer time into chains of at most that; 0 does not. It needs
	// a Reach.
	SpanMax time.Duration
	// Ascending says that the vendor lists by creation, oldest first. What a chain
	// has committed is then a watermark, and a chain whose cursor is lost goes on
	// from there.
	Ascending bool
}

// Until is the younger bound of the chains of a pass that began then; zero for nil.
func (b *BoundsSpec) Until(started time.Time) time.Time {
	if b == nil {
		return time.Time{}
	}
	return started.Add(-b.Margin)
}

// Follow is how a detail stream reads records that change for a while after they
// were born, and then no more.
type Follow struct {
	// For is how long a record is followed; the last read is when it ends.
	For time.Duration
	// Min is the least pause between two reads.
	Min time.Duration
	// Reach is how long ago a record was born at most that a full pass reads again
	// although it is not followed any more; 0 leaves all of those alone.
	Reach time.Duration
	// Late is how long after its end a record is still read. What is due later than
	// that, because calls were short, is given up without a call; 0 reads it however
	// late it is.
	Late time.Duration
}

// Over reports whether a record born then is not worth a call any more. One whose
// birth is not known always is.
func (f Follow) Over(born, now time.Time) bool {
	return f.Late > 0 && !born.IsZero() && now.After(born.Add(f.For+f.Late))
}

// Next says when a record born then is to be read again after a read at now. Last
// says that this read was the last: the pause between two reads is half of the age
// that the record has, so that young ones are read often.
func (f Follow) Next(born, now time.Time) (due time.Time, last bool) {
	end := born.Add(f.For)
	if !now.Before(end) {
		return time.Time{}, true
	}
	due = now.Add(max(f.Min, now.Sub(born)/2))
	if due.After(end) {
		return end, false
	}
	return due, false
}

// Record is a kind of record that a list stream enumerates.
type Record string

// The records whose absence from a complete list means something.
const (
	RecordChat     Record = "chat"
	RecordOwner    Record = "owner"
	RecordTask     Record = "task"
	RecordGroupSet Record = "group_set"
)

// StreamSpec is what the loop must know of a stream: differences between
// vendors travel here as data.
type StreamSpec struct {
	// Name is the stream's name in the contract: "chats".
	Name  string
	Shape Shape
	// Needs names the streams of the same source whose rows this one reads.
	Needs []string
	// Subjects are the chains of a list stream, in order; nil otherwise.
	Subjects []Subject
	// Mode tells apart the passes of a stream that reads the same records in more
	// than one way, each with its own rhythm: "full" lists everything, "new" what
	// was created since. "" has one way only. The passes of two modes are separate,
	// under one lease.
	Mode string
	// Lists are the records that a list stream enumerates; nil where absence means
	// nothing.
	Lists []Record
	// ConfirmedBy is the detail stream whose direct read confirms that a record
	// missed by this list is gone; Confirms is the reverse. Where nothing confirms,
	// a second complete pass that misses the record does.
	ConfirmedBy, Confirms string
	// Bounds freezes the chains of a list stream; nil leaves them open.
	Bounds *BoundsSpec
	// Recount says that records can pass from one subject to another while a pass
	// reads one after the other, and be missed in both. When all chains are read, the
	// head of each is asked for once more: a total that has changed shows it.
	Recount bool
	// DriftRepeats is how often a pass is repeated at once because records moved
	// while it was read.
	DriftRepeats int
	// TotalsRemedy says what a person can do where the vendor's totals are of other
	// records than it lists, pass after pass; "" for nothing.
	TotalsRemedy string
	// ForOwners makes the params of a chain restricted to some owners, at most
	// [OwnerBatchMax]; nil where the vendor has no such filter.
	ForOwners func(ids []string) json.RawMessage
	// Roster adds chains for owners that the owner list has no more. When the
	// first subject, which lists everything, turns out too large for the vendor,
	// one for every owner batch takes its place.
	Roster bool
	// Params are the request params of every chain of a detail stream; nil
	// otherwise.
	Params json.RawMessage
	// Items are subjects that a detail stream always has, whatever is stored; nil
	// for none.
	Items []string
	// Window is for window streams; nil otherwise.
	Window *WindowSpec
	// Scope is a JSON object of the filters that decide which records the
	// stream can see. Two passes are comparable only under equal scopes.
	Scope json.RawMessage
	// MaxAge is how old an item of a detail stream may grow before it is due; 0 is
	// never: it is due when something asks for it.
	MaxAge time.Duration
	// Follow takes the place of MaxAge where records change for a while only.
	Follow *Follow
	// CursorTTL is how long a cursor is trusted; 0 is forever.
	CursorTTL time.Duration
	// Concurrency is how many chains are fetched at once, at least 1.
	Concurrency int
}

// MarkOf is the watermark that a chain leaves behind when it has come to its end:
// the youngest creation that it has shown, where the vendor lists the oldest first.
// Otherwise it leaves none, for chains of an older time may not have come to
// theirs; see Marks. A vendor that was asked for that order and does not keep it has
// shown everything all the same, unless the chain passed over something.
func (s StreamSpec) MarkOf(cp Checkpoint) time.Time {
	if s.Bounds != nil && s.Bounds.Ascending && !cp.Gapped() {
		return cp.Watermark
	}
	return time.Time{}
}

// Disordered reports whether the vendor was asked for the oldest first and has not
// kept to it.
func (s StreamSpec) Disordered(cp Checkpoint) bool {
	return s.Bounds != nil && s.Bounds.Ascending && cp.Unordered
}

// Marks are the watermarks that a complete pass leaves behind, by lane: the end of
// the time that it was frozen to, where the vendor keeps no order.
func (s StreamSpec) Marks(started time.Time) map[string]time.Time {
	marks := map[string]time.Time{}
	for _, subject := range s.Subjects {
		if subject.Lane != "" && s.Bounds != nil && !s.Bounds.Ascending {
			marks[subject.Lane] = s.Bounds.Until(started)
		}
	}
	return marks
}

// Ascends reports whether the chain can go on from what it has committed without
// its cursor.
func (s StreamSpec) Ascends(cp Checkpoint) bool {
	return s.Bounds != nil && s.Bounds.Ascending && !cp.Unordered && cp.Watermark.After(cp.Chain.Bounds.After)
}

// LaneOf returns the watermark's lane of a subject, "" for none.
func (s StreamSpec) LaneOf(subject string) string {
	name, _, _ := strings.Cut(subject, spanMark)
	for _, known := range s.Subjects {
		if known.Name == name {
			return known.Lane
		}
	}
	return ""
}

// spanMark stands between the name of a subject and the beginning of one span of
// it, in the name of a chain.
const spanMark = "@"

// Spans returns the subject's chains: their names and bounds, oldest first. mark is
// the watermark of its lane, zero for none, and started when the pass began. A
// watermark from before Reach counts: what was created since would be passed over.
// One that lies ahead was left by a clock that was wrong, and with a Reach it does not
// count.
func (b *BoundsSpec) Spans(subject string, mark, started time.Time) ([]string, []Bounds) {
	if b == nil {
		return []string{subject}, []Bounds{{}}
	}
	whole := Bounds{Until: b.Until(started)}
	switch {
	case b.FromWatermark && !mark.IsZero() && (b.Reach <= 0 || !mark.After(whole.Until)):
		whole.After = mark.Add(-b.Overlap)
	case b.Reach > 0:
		whole.After = started.Add(-b.Reach)
	}
	if b.SpanMax <= 0 || whole.After.IsZero() || whole.Until.Sub(whole.After) <= b.SpanMax {
		return []string{subject}, []Bounds{whole}
	}
	var names []string
	var spans []Bounds
	for after := whole.After; after.Before(whole.Until); after = after.Add(b.SpanMax) {
		span := Bounds{After: after, Until: after.Add(b.SpanMax)}
		if span.Until.After(whole.Until) {
			span.Until = whole.Until
		}
		names = append(names, subject+spanMark+after.UTC().Format(time.RFC3339))
		spans = append(spans, span)
	}
	return names, spans
}

// ParamsOf returns the params that the spec gives an open chain today; nil for
// one that it does not know.
func (s StreamSpec) ParamsOf(c Chain) json.RawMessage {
	name, _, _ := strings.Cut(c.Subject, spanMark)
	for _, subject := range s.Subjects {
		if subject.Name == name {
			return subject.Params
		}
	}
	if s.ForOwners == nil || c.Owners == nil {
		return nil
	}
	return s.ForOwners(c.Owners)
}

// Chain names one chain and carries its frozen request params.
type Chain struct {
	Source, Stream, Subject string
	// Params is a JSON object; the cursor of the chain is valid only with
	// byte-identical params.
	Params json.RawMessage
	// Owners are the owners that the chain is restricted to; nil for all.
	Owners []string
	// Bounds are the records that the chain is frozen to.
	Bounds Bounds
	// BornAt is when the record of a detail chain was born; zero where that is not
	// known.
	BornAt time.Time
}

// Bounds are two instants of creation; a zero one does not bound.
type Bounds struct {
	// After is the older bound: records created then are in, also where the vendor
	// knows "later than" only. Until is the younger one and is in, too.
	After, Until time.Time
}

// OwnerBatchMax is how many owners a chain is restricted to at most: the size of
// groupchat.owner.batch_no.
const OwnerBatchMax = 100

// OwnerBatch is some owners of one batch_no, in order.
type OwnerBatch struct {
	Number int
	Owners []string
}

// Checkpoint is where an open chain stands: the row of sync.checkpoint.
type Checkpoint struct {
	Chain Chain
	// PassID is the pass that opened the chain.
	PassID int64
	// Cursor is the vendor's token of the next page; "" at the head.
	Cursor string
	// Version grows with every commit; a commit made from an older one is
	// refused.
	Version int64
	// Pages is how many pages have been committed since the head.
	Pages int
	// Restarts is how often the chain had to start over within its pass.
	Restarts int
	// Resumes is how often it went on from its watermark with a new cursor.
	Resumes int
	// Watermark is the youngest creation among what was committed since the chain
	// was opened; zero where the stream has none.
	Watermark time.Time
	// Unordered says that the vendor has shown an older record after a younger one:
	// until the chain has come to its end the watermark says nothing then.
	Unordered bool
	// UpdatedAt is when the cursor was born.
	UpdatedAt time.Time
}

// AtHead reports whether no page of the chain has been committed.
func (c Checkpoint) AtHead() bool { return c.Cursor == "" && c.Pages == 0 }

// Gapped reports whether the chain may have passed over records: it went on from its
// watermark, and the vendor does not list the oldest first.
func (c Checkpoint) Gapped() bool { return c.Unordered && c.Resumes > 0 }

// Usable reports whether the chain may go on from here: params unchanged to the byte,
// and a cursor, where it has one, that is not older than ttl (0 is no limit).
func (c Checkpoint) Usable(params json.RawMessage, ttl time.Duration, now time.Time) bool {
	fresh := c.Cursor == "" || ttl == 0 || now.Sub(c.UpdatedAt) <= ttl
	return fresh && c.SameParams(params)
}

// SameParams reports whether the chain was born with these very bytes.
func (c Checkpoint) SameParams(params json.RawMessage) bool {
	return bytes.Equal(c.Chain.Params, params)
}

// Item is one row of a detail stream that is due.
type Item struct {
	Subject string
	// DueAt is when the item wants to be read.
	DueAt time.Time
	// Params are those of this item; nil leaves those of the stream.
	Params json.RawMessage
	// BornAt is when the record was born; zero where that is not known.
	BornAt time.Time
	// Failures counts failed reads since the last good one.
	Failures int
	// Doubtful says that the latest answer was held back: the next one must not
	// be asked for before DueAt.
	Doubtful bool
}
