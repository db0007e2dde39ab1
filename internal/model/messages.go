package model

import (
	"encoding/json"
	"time"
)

// GroupMessage is one mass message. A nil field is one the vendor left out.
type GroupMessage struct {
	// ID is the vendor's message id, opaque, never empty.
	ID string
	// ChatType is what the list was asked for: "group" or "single".
	ChatType string
	// CreatorID is nil where the vendor does not tell who created it.
	CreatorID *string
	// CreateType is the vendor's own number, not translated.
	CreateType *int64
	CreatedAt  *time.Time
	// Content is the text of the message.
	Content *string
	// Attachments is a JSON array as it came, or nil.
	Attachments json.RawMessage
	// Extra is a JSON object of the members we do not know, or nil.
	Extra json.RawMessage
}

// GroupMessageTask is what one sender has to do, or has done, with one mass
// message.
type GroupMessageTask struct {
	MessageID, UserID string
	// Status is the vendor's own number, not translated.
	Status *int64
	// SentAt is nil until the sender has sent it.
	SentAt *time.Time
	// Extra is a JSON object of the members we do not know, or nil.
	Extra json.RawMessage
}

// GroupMessageResult is what has become of one mass message of one sender at one
// receiver: a chat, or a person.
type GroupMessageResult struct {
	MessageID, UserID string
	// ChatID or ExternalUserID is empty, as the message goes to persons or chats.
	ChatID, ExternalUserID string
	// Status is the vendor's own number, not translated.
	Status *int64
	SentAt *time.Time
	// Extra is a JSON object of the members we do not know, or nil.
	Extra json.RawMessage
}

// JoinWay is one way to join chats, a QR code or a button. A nil field is one the
// vendor left out.
type JoinWay struct {
	// ID is the vendor's config id, opaque, never empty.
	ID string
	// Scene, AutoCreateRoom and RoomBaseID are the vendor's own numbers.
	Scene, AutoCreateRoom, RoomBaseID *int64
	Remark, RoomBaseName              *string
	QRCode                            *string
	// State is what the vendor writes beside members that joined this way.
	State *string
	// ChatIDs are the chats it leads to, in the vendor's order; nil where the
	// answer does not tell them.
	ChatIDs []string
	// Extra is a JSON object of the members we do not know, or nil.
	Extra json.RawMessage
}
