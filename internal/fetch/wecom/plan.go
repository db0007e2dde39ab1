package wecom

import (
	"encoding/json"

	"syncd/internal/model"
)

// Endpoint names the endpoint that the calls of a stream go to, as budgets and
// hooks name it; by is how statistics are asked for. It is "" for a stream that
// the client does not have.
func (c *Client) Endpoint(stream string, by model.StatBy) string {
	switch stream {
	case streamOwners:
		return endpointOwners
	case streamChats:
		return endpointList
	case streamMembers:
		return endpointGet
	case streamOwnerStats, streamDailyStats, streamPeriodStats:
		if by == model.StatByDay {
			return endpointByDay
		}
		return endpointStatistic
	case streamMessages:
		return endpointMessages
	case streamTasks:
		return endpointTasks
	case streamResults:
		return endpointResults
	case streamJoinWays:
		return endpointJoinWay
	}
	return ""
}

// ListedStatus tells which chats a subject of the chat list holds: those with one
// status, or where it is not ok, those of any.
func (c *Client) ListedStatus(subject model.Subject) (status int64, ok bool) {
	var p chatsParams
	if err := json.Unmarshal(subject.Params, &p); err != nil || p.StatusFilter == 0 {
		return 0, false
	}
	return int64(p.StatusFilter), true
}

// MessagesPerPage is how many mass messages a page of their list holds at most.
func (*Client) MessagesPerPage() int { return messageRowsMax }

// ChatsPerPage is how many chats a page of the list holds at most.
func (c *Client) ChatsPerPage() int { return c.pageSize }
