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
}

// Record is a kind of record that a list stream enumerates.
type Record string

// The records whose absence from a complete list means something.
const (
	RecordChat  Record = "chat"
	RecordOwner Record = "owner"
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
	// Lists is what a list stream enumerates; "" where absence means nothing.
	Lists Record
	// ConfirmedBy is the detail stream whose direct read confirms that a record
	// missed by this list is gone; Confirms is the reverse.
	ConfirmedBy, Confirms string
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
	// Window is for window streams; nil otherwise.
	Window *WindowSpec
	// Scope is a JSON object of the filters that decide which records the
	// stream can see. Two passes are comparable only under equal scopes.
	Scope json.RawMessage
	// MaxAge is how old an item of a detail stream may grow before it is due.
	MaxAge time.Duration
	// CursorTTL is how long a cursor is trusted; 0 is forever.
	CursorTTL time.Duration
	// Concurrency is how many chains are fetched at once, at least 1.
	Concurrency int
}

// ParamsOf returns the params that the spec gives an open chain today; nil for
// one that it does not know.
func (s StreamSpec) ParamsOf(c Chain) json.RawMessage {
	for _, subject := range s.Subjects {
		if subject.Name == c.Subject {
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
	// UpdatedAt is when the cursor was born.
	UpdatedAt time.Time
}

// AtHead reports whether no page of the chain has been committed.
func (c Checkpoint) AtHead() bool { return c.Cursor == "" && c.Pages == 0 }

// Usable reports whether the cursor may still be sent: params unchanged to the
// byte and not older than ttl (0 is no limit). A checkpoint at the head always is.
func (c Checkpoint) Usable(params json.RawMessage, ttl time.Duration, now time.Time) bool {
	if c.AtHead() {
		return bytes.Equal(c.Chain.Params, params)
	}
	fresh := ttl == 0 || now.Sub(c.UpdatedAt) <= ttl
	return fresh && bytes.Equal(c.Chain.Params, params)
}

// Item is one row of a detail stream that is due.
type Item struct {
	Subject string
	// DueAt is when the item wants to be read.
	DueAt time.Time
	// Failures counts failed reads since the last good one.
	Failures int
	// Doubtful says that the latest answer was held back: the next one must not
	// be asked for before DueAt.
	Doubtful bool
}
