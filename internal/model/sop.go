package model

import (
	"encoding/json"
	"time"
)

// SOPGroup is what a list of groups with their SOP tasks tells of one chat,
// beside the chat itself.
type SOPGroup struct {
	// ChatID is that of a chat of the same page.
	ChatID string
	// Tasks are the chat's SOP tasks, each id once.
	Tasks []SOPTask
	// Calendars are elements whose shape the vendor does not document, as they
	// came, in their order. Nil where the answer does not tell them; empty is none.
	Calendars []json.RawMessage
	// Tags are names of tags, each once, in their order. Nil where the answer does
	// not tell them; empty is none.
	Tags []string
}

// SOPTask is one task of a SOP (standard operating procedure) for one chat. A nil
// field is one the vendor left out.
type SOPTask struct {
	// ID is the vendor's task id, opaque, never empty.
	ID     string
	InfoID *string
	ChatID string
	Title  *string
	// SendStatus and Mode are the vendor's own numbers, not translated.
	SendStatus, Mode              *int64
	CreatorID, OwnerID, OwnerName *string
	StartsAt                      *time.Time
	// Extra is a JSON object of the members we do not know, or nil.
	Extra json.RawMessage
}

// GroupSet is a set of chats that are made from one template. A nil field is one
// the vendor left out.
type GroupSet struct {
	// ID is the vendor's id, opaque, never empty.
	ID                          string
	Name, RelationType, OwnerID *string
	// MemberQuota is the most members that one chat of the set may have.
	MemberQuota, MemberCount, ChatCount *int64
	Notice                              *string
	CreatedAt, ChangedAt                *time.Time
	// Extra is a JSON object of the members we do not know, or nil.
	Extra json.RawMessage
}

// MessageRead says who has read one message that a robot sent.
type MessageRead struct {
	// Key is the id under which the vendor knows the sending.
	Key string
	// SendStatus is the vendor's own word, not translated; nil where it is absent.
	SendStatus *string
	// Over is why nobody can read it any more, who has not by now: it is not asked for
	// again then. "" where people still may.
	Over string
	// ReaderIDs are people who have read it, each once on a page.
	ReaderIDs []string
}
