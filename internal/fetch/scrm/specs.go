package scrm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"syncd/internal/model"
)

// streamChats is the stream, by its name in the contract.
const streamChats = "chats"

const (
	// cursorTTL is how long a place in the vendor's pages means anything: they
	// shift.
	cursorTTL = time.Hour
	// margin is our own caution: how long a new group may take to appear in the
	// vendor's list, and how far the clocks may lie apart.
	margin = 5 * time.Minute
	// driftRepeats is how often a pass under which groups vanished is repeated.
	driftRepeats = 2
)

// filters decide which groups the stream can see. The fields of every params
// struct are in fixed order, so equal params are equal bytes.
type filters struct {
	UserIDs     []int64 `json:"user_ids,omitempty"`
	Keyword     string  `json:"keyword,omitempty"`
	TagGroupIDs []int64 `json:"tag_group_ids,omitempty"`
	ConditionOp *int64  `json:"condition_op,omitempty"`
	created
}

// created are the first and the last second of creation that are wanted, as the
// vendor writes times; "" does not bound.
type created struct {
	From  string `json:"created_from,omitempty"`
	Until string `json:"created_until,omitempty"`
}

// groupsParams are the frozen params of one chain.
type groupsParams struct {
	// UserID 0 is everyone.
	UserID      int64   `json:"user_id,omitempty"`
	Keyword     string  `json:"keyword,omitempty"`
	TagGroupIDs []int64 `json:"tag_group_ids,omitempty"`
	ConditionOp *int64  `json:"condition_op,omitempty"`
	created
	PageSize int64 `json:"page_size"`
}

// Specs returns the one stream. It has a subject for every configured employee, or
// one for everything. The vendor has no read of a single group, so nothing confirms
// that one is gone but a second list without it.
func (c *Client) Specs() []model.StreamSpec {
	return []model.StreamSpec{{
		Name: streamChats, Shape: model.ShapeList, Scope: encode(c.filters), Subjects: c.subjects(),
		Lists:  []model.Record{model.RecordChat, model.RecordTask},
		Bounds: &model.BoundsSpec{Margin: margin}, DriftRepeats: driftRepeats, Recount: len(c.filters.UserIDs) > 1,
		CursorTTL: cursorTTL, Concurrency: c.parallel, TotalsRemedy: fixTotals,
	}}
}

func (c *Client) subjects() []model.Subject {
	if len(c.filters.UserIDs) == 0 {
		return []model.Subject{{Name: "all", Params: encode(c.params(0))}}
	}
	subjects := make([]model.Subject, 0, len(c.filters.UserIDs))
	for _, id := range c.filters.UserIDs {
		subjects = append(subjects, model.Subject{
			Name: "user/" + strconv.FormatInt(id, 10), Params: encode(c.params(id)),
		})
	}
	return subjects
}

func (c *Client) params(user int64) groupsParams {
	return groupsParams{
		UserID: user, Keyword: c.filters.Keyword, TagGroupIDs: c.filters.TagGroupIDs, ConditionOp: c.filters.ConditionOp,
		created: c.filters.created, PageSize: int64(c.pageSize),
	}
}

// encode writes params. They hold text and numbers only, which cannot fail.
func encode(params any) json.RawMessage {
	text, err := json.Marshal(params)
	if err != nil {
		panic(fmt.Sprintf("scrm: encode params: %v", err))
	}
	return text
}

// Endpoint names the endpoint that the calls of a stream go to, as budgets and
// hooks name it. It is "" for a stream that the client does not have.
func (c *Client) Endpoint(stream string, _ model.StatBy) string {
	if stream == streamChats {
		return endpointGroups
	}
	return ""
}

// ListedStatus tells which chats a subject of the chat list holds: here always
// those of any status, for the vendor tells none.
func (c *Client) ListedStatus(model.Subject) (status int64, ok bool) { return 0, false }

// ChatsPerPage is how many groups a page of the list holds at most.
func (c *Client) ChatsPerPage() int { return c.pageSize }
