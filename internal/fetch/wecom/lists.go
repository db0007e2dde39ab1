package wecom

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// ownersAnswer is the answer of get_follow_user_list (vendor doc 92571).
type ownersAnswer struct {
	envelope
	FollowUser lenient.Elements[lenient.Text] `json:"follow_user"`
}

// ownersPage reads the members who may own customer chats, in one page. The
// vendor tells ids only. People who have resigned are not in it.
func (c *Client) ownersPage(ctx context.Context, chain model.Chain) (model.Page, error) {
	p, err := params[ownersParams](c, chain)
	if err != nil {
		return model.Page{}, err
	}
	var got model.Page
	page, err := c.do(ctx, call{endpoint: endpointOwners, decode: func(a fetch.Answer) (outcome, error) {
		var out outcome
		out, got, err = c.readOwners(a.Body, p.OwnerIDs)
		return out, err
	}})
	return merge(page, got, err)
}

func (c *Client) readOwners(body []byte, only []string) (outcome, model.Page, error) {
	var page model.Page
	answer, text, err := lenient.Decode[ownersAnswer](body)
	if err != nil {
		return outcome{}, page, err
	}
	out, err := answer.outcome()
	if err != nil || out.code != 0 {
		return out, page, err
	}
	if bad := needArray("follow_user", answer.FollowUser.Set); bad != nil {
		return out, page, bad
	}
	page.Last = true
	page.Owners = make([]model.Owner, 0, len(answer.FollowUser.Items))
	for i := range answer.FollowUser.Items {
		e := &answer.FollowUser.Items[i]
		switch id := e.Value.Value; {
		case !lenient.IsID(id):
			page.Rejects = append(page.Rejects, c.reject("owner", "", "", "no readable userid", e.Raw(text)))
		case asksFor(only, id):
			page.Owners = append(page.Owners, model.Owner{ID: id})
		}
	}
	return out, page, nil
}

// asksFor reports whether a list restricted to some people has this one in it. The
// vendor holds two ids for one that differ in case only (vendor doc 90195).
func asksFor(only []string, id string) bool {
	return len(only) == 0 || slices.ContainsFunc(only, func(asked string) bool { return strings.EqualFold(asked, id) })
}

// chatsRequest is the body of groupchat/list (vendor doc 92120).
type chatsRequest struct {
	StatusFilter int          `json:"status_filter"`
	OwnerFilter  *ownerFilter `json:"owner_filter,omitempty"`
	Cursor       string       `json:"cursor,omitempty"`
	Limit        int          `json:"limit"`
}

type ownerFilter struct {
	UserIDs []string `json:"userid_list"`
}

// chatsAnswer is its answer.
type chatsAnswer struct {
	envelope
	Chats      lenient.Elements[listedChat] `json:"group_chat_list"`
	NextCursor lenient.Text                 `json:"next_cursor"`
}

type listedChat struct {
	ChatID lenient.Text   `json:"chat_id,case:strict"`
	Status lenient.Int    `json:"status"`
	Extra  jsontext.Value `json:",embed"`
}

// chatsPage reads one page of the chat list: ids and the state of inheritance.
func (c *Client) chatsPage(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	p, err := params[chatsParams](c, chain)
	if err != nil {
		return model.Page{}, err
	}
	request := chatsRequest{StatusFilter: p.StatusFilter, Cursor: cursor, Limit: p.Limit}
	if len(p.OwnerIDs) > 0 {
		request.OwnerFilter = &ownerFilter{UserIDs: p.OwnerIDs}
	}
	var got model.Page
	page, err := c.do(ctx, call{
		endpoint: endpointList, body: request, cursor: cursor != "",
		decode: func(a fetch.Answer) (outcome, error) {
			var out outcome
			out, got, err = c.readChats(a.Body)
			return out, err
		},
	})
	return merge(page, got, err)
}

func (c *Client) readChats(body []byte) (outcome, model.Page, error) {
	var page model.Page
	answer, text, err := lenient.Decode[chatsAnswer](body)
	if err != nil {
		return outcome{}, page, err
	}
	out, err := answer.outcome()
	if err != nil || out.code != 0 {
		return out, page, err
	}
	if bad := needArray("group_chat_list", answer.Chats.Set); bad != nil {
		return out, page, bad
	}
	if page, err = paged(answer.NextCursor); err != nil {
		return out, page, err
	}
	page.Chats = make([]model.Chat, 0, len(answer.Chats.Items))
	for i := range answer.Chats.Items {
		e := &answer.Chats.Items[i]
		w := &e.Value
		if e.Bad || !lenient.IsID(w.ChatID.Value) {
			page.Rejects = append(page.Rejects, c.reject("chat", "", "", "no readable chat_id", e.Raw(text)))
			continue
		}
		page.Chats = append(page.Chats, model.Chat{
			ID: w.ChatID.Value, Status: w.Status.Ptr(),
			Extra: lenient.Extra(w.Extra, lenient.Member{Name: "status", Value: w.Status.Bad}),
		})
	}
	return out, page, nil
}

// needArray checks that a list is there. One that is absent says nothing, and
// must not pass for "there are none".
func needArray(name string, set bool) error {
	if !set {
		return malformed("answer holds no array %s", name)
	}
	return nil
}

// paged returns a page without records, with the cursor of the one after it.
func paged(next lenient.Text) (model.Page, error) {
	if len(next.Bad) > 0 || strings.Contains(next.Value, "\uFFFD") {
		return model.Page{}, malformed("next_cursor is unreadable")
	}
	return model.Page{Next: next.Value, Last: next.Value == ""}, nil
}

// merge puts what was read beside what was measured.
func merge(measured, read model.Page, err error) (model.Page, error) {
	if err != nil {
		return model.Page{Calls: measured.Calls}, err
	}
	read.Calls, read.RequestedAt, read.ReceivedAt = measured.Calls, measured.RequestedAt, measured.ReceivedAt
	return read, nil
}
