package dingtalk

import (
	"encoding/json"

	"syncd/internal/model"
)

// Endpoint names the endpoint that the calls of a stream go to, as budgets and
// hooks name it. It is "" for a stream that the client does not have.
func (c *Client) Endpoint(stream string, _ model.StatBy) string {
	return map[string]string{
		streamChats: endpointChats, streamChatChecks: endpointChat, streamSets: endpointSets, streamReads: endpointReads,
	}[stream]
}

// Lane names the lane of the meter that the calls of a stream are booked on.
func (c *Client) Lane(stream string) string {
	switch stream {
	case streamReads:
		return LaneReads
	case streamChatChecks:
		return LaneChecks
	}
	return ""
}

// ListedStatus tells which chats a subject of the chat list holds by their
// status. DingTalk has none.
func (c *Client) ListedStatus(model.Subject) (status int64, ok bool) { return 0, false }

// ListedRelation tells which chats, or group sets, a subject of their list holds:
// those of one relation type. It is not ok for a subject that is none of a list.
func (c *Client) ListedRelation(subject model.Subject) (relation string, ok bool) {
	var p listParams
	err := json.Unmarshal(subject.Params, &p)
	return p.RelationType, err == nil && p.RelationType != ""
}

// ChatsPerPage is how many chats a page of the list holds at most.
func (c *Client) ChatsPerPage() int { return c.opts.pageSize }

// SetsPerPage is how many group sets a page of their list holds at most.
func (c *Client) SetsPerPage() int { return setsPageMax }

// ReadersPerPage is how many readers of a message a page holds at most.
func (c *Client) ReadersPerPage() int { return readsPageMax }
