package dingtalk

import (
	"context"

	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// readsRequest is the body of robot/groupMessages/query (vendor page
// 查询企业机器人群聊消息用户已读状态). Chat and robot must be those of the sending.
type readsRequest struct {
	ProcessQueryKey    string `json:"processQueryKey"`
	OpenConversationID string `json:"openConversationId,omitempty"`
	RobotCode          string `json:"robotCode,omitempty"`
	MaxResults         int    `json:"maxResults"`
	NextToken          string `json:"nextToken,omitempty"`
}

// readsAnswer is its answer. Who has read is told, since when is not; the set
// grows. ReadUsers is in the vendor's client, but not on its pages.
type readsAnswer struct {
	paging
	SendStatus  lenient.Text                   `json:"sendStatus"`
	ReadUserIDs lenient.Elements[lenient.Text] `json:"readUserIds"`
	ReadUsers   lenient.Elements[readUser]     `json:"readUsers"`
}

// statusRecalled is the sendStatus of a message that its sender has taken back: nobody
// sees it any more.
const statusRecalled = "RECALLED"

type readUser struct {
	UserID lenient.Text `json:"userId,case:strict"`
}

// readsPage reads one page of who has read a message. The key of the message is
// the subject of the chain.
func (c *Client) readsPage(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	p, err := params[readsParams](c, chain)
	if err != nil {
		return model.Page{}, err
	}
	return c.do(ctx, call{
		question: question{endpoint: endpointReads, cursor: cursor != "", bornAt: chain.BornAt}, lane: LaneReads, post: true,
		body: readsRequest{
			ProcessQueryKey: chain.Subject, OpenConversationID: p.Chat, RobotCode: p.Robot,
			MaxResults: readsPageMax, NextToken: cursor,
		},
		read: func(body []byte) (model.Page, error) { return c.readReads(body, chain.Subject) },
	})
}

func (c *Client) readReads(body []byte, key string) (model.Page, error) {
	answer, text, err := lenient.Decode[readsAnswer](body)
	if err != nil {
		return model.Page{}, err
	}
	next, err := answer.next()
	switch ids := &answer.ReadUserIDs; {
	case err != nil:
		return model.Page{}, err
	case len(ids.Bad) > 0:
		return model.Page{}, malformed("readUserIds is no array")
	case !ids.Set && !answer.ReadUsers.Set && !answer.SendStatus.Set:
		return model.Page{}, malformed("answer holds neither sendStatus nor readUserIds")
	}
	page := model.Page{Next: next, Last: next == ""}
	found := readers{seen: map[string]bool{}}
	for i := range answer.ReadUserIDs.Items {
		e := &answer.ReadUserIDs.Items[i]
		if !found.add(e.Value.Value) {
			page.Rejects = append(page.Rejects, c.reject("reader", key, "no readable user id", e.Raw(text)))
		}
	}
	for i := range answer.ReadUsers.Items {
		e := &answer.ReadUsers.Items[i]
		if !found.add(e.Value.UserID.Value) {
			page.Rejects = append(page.Rejects, c.reject("reader", key, "no readable userId", e.Raw(text)))
		}
	}
	read := model.MessageRead{Key: key, SendStatus: answer.SendStatus.Ptr(), ReaderIDs: found.ids}
	if answer.SendStatus.Value == statusRecalled {
		read.Over = statusRecalled
	}
	page.MessageReads = []model.MessageRead{read}
	return page, nil
}

// readers are ids, each once.
type readers struct {
	ids  []string
	seen map[string]bool
}

// add takes an id, and reports whether it is one.
func (r *readers) add(id string) bool {
	if !lenient.IsID(id) {
		return false
	}
	if !r.seen[id] {
		r.seen[id] = true
		r.ids = append(r.ids, id)
	}
	return true
}
