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
)

// Subject is a chain that a list stream always has: its name and its params.
type Subject struct {
	// Name is unique within the stream: "status/0".
	Name string
	// Params is a JSON object in a fixed key order, so that equal params are
	// equal bytes.
	Params json.RawMessage
}

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
	// Params are the request params of every chain of a detail stream; nil
	// otherwise.
	Params json.RawMessage
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

// Chain names one chain and carries its frozen request params.
type Chain struct {
	Source, Stream, Subject string
	// Params is a JSON object; the cursor of the chain is valid only with
	// byte-identical params.
	Params json.RawMessage
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
	// FetchedAt is when the last successful read was requested; zero if never.
	FetchedAt time.Time
	// DueAt is when the item wants to be read.
	DueAt time.Time
	// Failures counts failed reads since the last good one.
	Failures int
	// Doubtful says that the latest answer was held back: the next one must not
	// be asked for before DueAt.
	Doubtful bool
}
