package wecom

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// messagesParams are the frozen params of a list of mass messages. The range of
// time is that of the chain's bounds.
type messagesParams struct {
	ChatType string `json:"chat_type"`
	// FilterType 2 is every message, the corporation's and people's own.
	FilterType int `json:"filter_type"`
	Limit      int `json:"limit"`
}

// messagesRequest is the body of get_groupmsg_list_v2 (vendor doc 96355).
type messagesRequest struct {
	ChatType   string `json:"chat_type"`
	StartTime  int64  `json:"start_time"`
	EndTime    int64  `json:"end_time"`
	FilterType int    `json:"filter_type"`
	Limit      int    `json:"limit"`
	Cursor     string `json:"cursor,omitempty"`
}

// messagesAnswer is its answer.
type messagesAnswer struct {
	envelope
	Messages   lenient.Elements[messageObject] `json:"group_msg_list"`
	NextCursor lenient.Text                    `json:"next_cursor"`
}

type messageObject struct {
	MsgID       lenient.Text                `json:"msgid,case:strict"`
	Creator     lenient.Text                `json:"creator"`
	CreateTime  lenient.Int                 `json:"create_time"`
	CreateType  lenient.Int                 `json:"create_type"`
	Text        lenient.Object[messageText] `json:"text"`
	Attachments jsontext.Value              `json:"attachments"`
	Extra       jsontext.Value              `json:",embed"`
}

type messageText struct {
	Content lenient.Text   `json:"content"`
	Extra   jsontext.Value `json:",embed"`
}

// messagesPage reads one page of the mass messages that were created within the
// chain's bounds.
func (c *Client) messagesPage(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	p, err := params[messagesParams](c, chain)
	if err != nil {
		return model.Page{}, err
	}
	if chain.Bounds.After.IsZero() || chain.Bounds.Until.IsZero() {
		return model.Page{}, c.bug(endpointMessages, fmt.Sprintf("chain %s has no bounds", chain.Subject))
	}
	start, end := period(chain.Bounds)
	var got model.Page
	page, err := c.do(ctx, call{
		endpoint: endpointMessages, cursor: cursor != "",
		body: messagesRequest{
			ChatType: p.ChatType, StartTime: start, EndTime: end, FilterType: p.FilterType, Limit: p.Limit, Cursor: cursor,
		},
		decode: func(a fetch.Answer) (outcome, error) {
			var out outcome
			out, got, err = c.readMessages(a.Body, p.ChatType)
			return out, err
		},
	})
	return merge(page, got, err)
}

// period returns bounds as the vendor is asked for them, in Unix seconds. Whether
// it counts the two ends in is not documented, so both are a second outside. What
// is less than a second must not matter: it is lost where a chain is stored, and
// the request of its next page must be the same.
func period(b model.Bounds) (start, end int64) {
	return b.After.Unix() - 1, b.Until.Unix() + 1
}

func (c *Client) readMessages(body []byte, chatType string) (outcome, model.Page, error) {
	answer, text, err := lenient.Decode[messagesAnswer](body)
	if err != nil {
		return outcome{}, model.Page{}, err
	}
	out, err := answer.outcome()
	if err != nil || out.code != 0 {
		return out, model.Page{}, err
	}
	if bad := needArray("group_msg_list", answer.Messages.Set); bad != nil {
		return out, model.Page{}, bad
	}
	page, err := paged(answer.NextCursor)
	if err != nil {
		return out, page, err
	}
	page.GroupMessages = make([]model.GroupMessage, 0, len(answer.Messages.Items))
	for i := range answer.Messages.Items {
		e := &answer.Messages.Items[i]
		if e.Bad || !lenient.IsID(e.Value.MsgID.Value) {
			page.Rejects = append(page.Rejects, c.reject("group_message", "", "", "no readable msgid", e.Raw(text)))
			continue
		}
		page.GroupMessages = append(page.GroupMessages, e.Value.translate(chatType))
	}
	return out, page, nil
}

// translate makes a message of the object. Messages that were created through the
// API have no creator (vendor doc 96355).
func (w *messageObject) translate(chatType string) model.GroupMessage {
	creator, badCreator := w.Creator.ID()
	created, badTime := instant(w.CreateTime)
	attachments, badAttachments := arrayOf(w.Attachments)
	words := &w.Text.Value
	m := model.GroupMessage{
		ID: w.MsgID.Value, ChatType: chatType, CreatorID: creator, CreateType: w.CreateType.Ptr(),
		Content: words.Content.Ptr(), Attachments: attachments,
		Extra: lenient.Extra(
			w.Extra,
			lenient.Member{Name: "creator", Value: badCreator},
			lenient.Member{Name: "create_time", Value: badTime},
			lenient.Member{Name: "create_type", Value: w.CreateType.Bad},
			lenient.Member{Name: "text", Value: w.Text.Bad},
			lenient.Member{Name: "text", Value: lenient.Extra(
				words.Extra, lenient.Member{Name: "content", Value: words.Content.Bad},
			)},
			lenient.Member{Name: "attachments", Value: badAttachments},
		),
	}
	if !created.IsZero() {
		m.CreatedAt = &created
	}
	return m
}

// arrayOf returns a JSON array in a form that PostgreSQL takes, or nil where there
// is none. What is no array is returned as it came.
func arrayOf(value jsontext.Value) (array []byte, bad jsontext.Value) {
	switch {
	case len(value) == 0 || value.Kind() == jsontext.KindNull:
		return nil, nil
	case value.Kind() != jsontext.KindBeginArray:
		return nil, value
	}
	return lenient.Canonical(value), nil
}
