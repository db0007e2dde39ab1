package dingtalk

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// paging is how every list says whether there is more.
type paging struct {
	HasMore   truth        `json:"hasMore"`
	NextToken lenient.Text `json:"nextToken"`
	Total     lenient.Int  `json:"totalCount"`
}

// next returns the cursor of the following page, "" on the last one. The vendor
// may send a token with the last page, too. One that lost bytes in the reading
// cannot be sent back.
func (p *paging) next() (string, error) {
	switch {
	case p.HasMore.Bad:
		return "", malformed("hasMore is unreadable")
	case !p.HasMore.Value:
		return "", nil
	case len(p.NextToken.Bad) > 0 || strings.Contains(p.NextToken.Value, "\uFFFD"):
		return "", malformed("nextToken is unreadable")
	case p.NextToken.Value == "":
		return "", malformed("hasMore is true, but there is no nextToken")
	}
	return p.NextToken.Value, nil
}

// total is how many records the list has, or nil where that is not told.
func (p *paging) total() *int64 {
	if p.Total.Value < 0 {
		return nil
	}
	return p.Total.Ptr()
}

// listAnswer is the answer of both lists (vendor pages 查询客户群列表 and
// 查询群组列表).
type listAnswer[T any] struct {
	paging
	Results lenient.Elements[T] `json:"resultList"`
}

// page begins the page of an answer. A list can be absent only where the answer
// says by itself that there is no more: one that says nothing must not pass for
// "there are none".
func (l *listAnswer[T]) page() (model.Page, error) {
	next, err := l.next()
	switch {
	case err != nil:
		return model.Page{}, err
	case len(l.Results.Bad) > 0:
		return model.Page{}, malformed("resultList is no array")
	case !l.Results.Set && (!l.HasMore.Set || l.HasMore.Value):
		return model.Page{}, malformed("answer holds no array resultList")
	}
	return model.Page{Next: next, Last: next == "", Total: l.total()}, nil
}

// listQuery makes the parameters of both lists.
func listQuery(p listParams, q Query, cursor string) (url.Values, error) {
	values := url.Values{"relationType": {p.RelationType}, "maxResults": {strconv.Itoa(p.MaxResults)}}
	if cursor != "" {
		values.Set("nextToken", cursor)
	}
	text, err := q.Encode()
	if err != nil {
		return nil, err
	}
	if text != "" {
		values.Set("queryDsl", text)
	}
	return values, nil
}

// within is the query of a chat list frozen to bounds, oldest first.
func within(conditions []Condition, b model.Bounds) Query {
	q := Query{Conditions: conditions, Order: OldestFirst}
	if !b.After.IsZero() {
		q = q.And(CreatedSince(b.After))
	}
	if !b.Until.IsZero() {
		q = q.And(CreatedUntil(b.Until))
	}
	return q
}

// chatObject is one customer group, in the list and alone.
type chatObject struct {
	ID        lenient.Text   `json:"openConversationId,case:strict"`
	SetID     lenient.Text   `json:"openGroupSetId"`
	Owner     lenient.Text   `json:"ownerUserId"`
	OwnerName lenient.Text   `json:"ownerUserName"`
	Name      lenient.Text   `json:"name"`
	Members   lenient.Int    `json:"memberCount"`
	Created   moment         `json:"gmtCreate"`
	Extra     jsontext.Value `json:",embed"`
}

// chatsPage reads one page of the chat list.
func (c *Client) chatsPage(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	p, err := params[listParams](c, chain)
	if err != nil {
		return model.Page{}, err
	}
	query, err := listQuery(p, within(p.Conditions, chain.Bounds), cursor)
	if err != nil {
		return model.Page{}, c.bug(endpointChats, err.Error())
	}
	return c.do(ctx, call{
		question: question{endpoint: endpointChats, cursor: cursor != ""}, query: query,
		read: func(body []byte) (model.Page, error) { return c.readChats(body, p.RelationType) },
	})
}

func (c *Client) readChats(body []byte, relation string) (model.Page, error) {
	answer, text, err := lenient.Decode[listAnswer[chatObject]](body)
	if err != nil {
		return model.Page{}, err
	}
	page, err := answer.page()
	if err != nil {
		return model.Page{}, err
	}
	if c.uncountedChats {
		page.Total = nil
	}
	page.Chats = make([]model.Chat, 0, len(answer.Results.Items))
	for i := range answer.Results.Items {
		e := &answer.Results.Items[i]
		if e.Bad || !lenient.IsID(e.Value.ID.Value) {
			page.Rejects = append(page.Rejects, c.reject("chat", "", "no readable openConversationId", e.Raw(text)))
			continue
		}
		chat := e.Value.translate()
		chat.RelationType = &relation
		page.Chats = append(page.Chats, chat)
	}
	return page, nil
}

// chatPage reads one chat by itself, to see whether it is still there. Which
// relation it has is not told.
func (c *Client) chatPage(ctx context.Context, chain model.Chain) (model.Page, error) {
	return c.do(ctx, call{
		question: question{endpoint: endpointChat}, lane: LaneChecks, post: true, query: url.Values{"openConversationId": {chain.Subject}},
		read: func(body []byte) (model.Page, error) { return readChat(body, chain.Subject) },
	})
}

func readChat(body []byte, id string) (model.Page, error) {
	answer, _, err := lenient.Decode[chatObject](body)
	switch {
	case err != nil:
		return model.Page{}, err
	case answer.ID.Value != id:
		return model.Page{}, malformed("answer is about another chat than was asked for")
	}
	return model.Page{Last: true, Chats: []model.Chat{answer.translate()}}, nil
}

func (w *chatObject) translate() model.Chat {
	owner, badOwner := w.Owner.ID()
	set, badSet := w.SetID.ID()
	return model.Chat{
		ID: w.ID.Value, Name: w.Name.Ptr(), OwnerID: owner, OwnerName: w.OwnerName.Ptr(), MemberCount: w.Members.Ptr(),
		GroupSetID: set, CreatedAt: w.Created.Ptr(),
		Extra: lenient.Extra(
			w.Extra,
			lenient.Member{Name: "openGroupSetId", Value: badSet},
			lenient.Member{Name: "ownerUserId", Value: badOwner},
			lenient.Member{Name: "ownerUserName", Value: w.OwnerName.Bad},
			lenient.Member{Name: "name", Value: w.Name.Bad},
			lenient.Member{Name: "memberCount", Value: w.Members.Bad},
			lenient.Member{Name: "gmtCreate", Value: w.Created.Bad},
		),
	}
}

// setObject is one group set (vendor page 查询群组列表).
type setObject struct {
	ID       lenient.Text   `json:"openGroupSetId,case:strict"`
	Name     lenient.Text   `json:"name"`
	Relation lenient.Text   `json:"relationType"`
	Owner    lenient.Text   `json:"ownerUserId"`
	Quota    lenient.Int    `json:"memberQuota"`
	Members  lenient.Int    `json:"memberCount"`
	Chats    lenient.Int    `json:"groupChatCount"`
	Notice   lenient.Text   `json:"notice"`
	Created  moment         `json:"gmtCreate"`
	Changed  moment         `json:"gmtModified"`
	Extra    jsontext.Value `json:",embed"`
}

// setsPage reads one page of the group sets.
func (c *Client) setsPage(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	p, err := params[listParams](c, chain)
	if err != nil {
		return model.Page{}, err
	}
	query, err := listQuery(p, Query{}, cursor)
	if err != nil {
		return model.Page{}, c.bug(endpointSets, err.Error())
	}
	return c.do(ctx, call{
		question: question{endpoint: endpointSets, cursor: cursor != ""}, query: query,
		read: func(body []byte) (model.Page, error) { return c.readSets(body, p.RelationType) },
	})
}

func (c *Client) readSets(body []byte, relation string) (model.Page, error) {
	answer, text, err := lenient.Decode[listAnswer[setObject]](body)
	if err != nil {
		return model.Page{}, err
	}
	page, err := answer.page()
	if err != nil {
		return model.Page{}, err
	}
	if c.uncountedSets {
		page.Total = nil
	}
	page.GroupSets = make([]model.GroupSet, 0, len(answer.Results.Items))
	for i := range answer.Results.Items {
		e := &answer.Results.Items[i]
		if e.Bad || !lenient.IsID(e.Value.ID.Value) {
			page.Rejects = append(page.Rejects, c.reject("group_set", "", "no readable openGroupSetId", e.Raw(text)))
			continue
		}
		set := e.Value.translate()
		if set.RelationType == nil {
			set.RelationType = &relation
		}
		page.GroupSets = append(page.GroupSets, set)
	}
	return page, nil
}

func (w *setObject) translate() model.GroupSet {
	owner, badOwner := w.Owner.ID()
	return model.GroupSet{
		ID: w.ID.Value, Name: w.Name.Ptr(), RelationType: w.Relation.Ptr(), OwnerID: owner, MemberQuota: w.Quota.Ptr(),
		MemberCount: w.Members.Ptr(), ChatCount: w.Chats.Ptr(), Notice: w.Notice.Ptr(), CreatedAt: w.Created.Ptr(),
		ChangedAt: w.Changed.Ptr(),
		Extra: lenient.Extra(
			w.Extra,
			lenient.Member{Name: "name", Value: w.Name.Bad},
			lenient.Member{Name: "relationType", Value: w.Relation.Bad},
			lenient.Member{Name: "ownerUserId", Value: badOwner},
			lenient.Member{Name: "memberQuota", Value: w.Quota.Bad},
			lenient.Member{Name: "memberCount", Value: w.Members.Bad},
			lenient.Member{Name: "groupChatCount", Value: w.Chats.Bad},
			lenient.Member{Name: "notice", Value: w.Notice.Bad},
			lenient.Member{Name: "gmtCreate", Value: w.Created.Bad},
			lenient.Member{Name: "gmtModified", Value: w.Changed.Bad},
		),
	}
}
