package wecom

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// detailRequest is the body of groupchat/get (vendor docs 92707 and 96338).
type detailRequest struct {
	ChatID   string `json:"chat_id"`
	NeedName int    `json:"need_name"`
}

// detailAnswer is its answer.
type detailAnswer struct {
	envelope
	Chat lenient.Object[chatObject] `json:"group_chat"`
}

type chatObject struct {
	ChatID     lenient.Text                   `json:"chat_id,case:strict"`
	Name       lenient.Text                   `json:"name"`
	Owner      lenient.Text                   `json:"owner"`
	CreateTime lenient.Int                    `json:"create_time"`
	Notice     lenient.Text                   `json:"notice"`
	Members    lenient.Elements[memberObject] `json:"member_list"`
	Admins     lenient.Elements[userObject]   `json:"admin_list"`
	Extra      jsontext.Value                 `json:",embed"`
}

type memberObject struct {
	UserID        lenient.Text               `json:"userid,case:strict"`
	Type          lenient.Int                `json:"type"`
	UnionID       lenient.Text               `json:"unionid"`
	JoinTime      lenient.Int                `json:"join_time"`
	JoinScene     lenient.Int                `json:"join_scene"`
	Invitor       lenient.Object[userObject] `json:"invitor"`
	GroupNickname lenient.Text               `json:"group_nickname"`
	Name          lenient.Text               `json:"name"`
	State         lenient.Text               `json:"state"`
	Extra         jsontext.Value             `json:",embed"`
}

type userObject struct {
	UserID lenient.Text   `json:"userid,case:strict"`
	Extra  jsontext.Value `json:",embed"`
}

// membersPage reads one chat with everyone who is in it. The chat's id is the
// subject of the chain.
func (c *Client) membersPage(ctx context.Context, chain model.Chain) (model.Page, error) {
	p, err := params[membersParams](c, chain)
	if err != nil {
		return model.Page{}, err
	}
	var got model.Page
	page, err := c.do(ctx, call{
		endpoint: endpointGet, body: detailRequest{ChatID: chain.Subject, NeedName: p.NeedName},
		decode: func(a fetch.Answer) (outcome, error) {
			var out outcome
			out, got, err = c.readDetail(a.Body, chain.Subject)
			return out, err
		},
	})
	return merge(page, got, err)
}

func (c *Client) readDetail(body []byte, chatID string) (outcome, model.Page, error) {
	answer, text, err := lenient.Decode[detailAnswer](body)
	if err != nil {
		return outcome{}, model.Page{}, err
	}
	out, err := answer.outcome()
	if err != nil || out.code != 0 {
		return out, model.Page{}, err
	}
	chat := &answer.Chat.Value
	switch {
	case !answer.Chat.Set:
		return out, model.Page{}, malformed("answer holds no object group_chat")
	case chat.ChatID.Value != chatID:
		return out, model.Page{}, malformed("answer is about another chat than was asked for")
	}
	if bad := needArray("member_list", chat.Members.Set); bad != nil {
		return out, model.Page{}, bad
	}
	page := model.Page{Last: true}
	detail := model.ChatDetail{Members: make([]model.Member, 0, len(chat.Members.Items))}
	admins := adminIDs(chat.Admins)
	for i := range chat.Members.Items {
		e := &chat.Members.Items[i]
		if why := unreadable(e); why != "" {
			detail.MembersUnread++
			page.Rejects = append(page.Rejects, c.reject("member", readableID(&e.Value), chatID, why, e.Raw(text)))
			continue
		}
		m := e.Value.translate()
		_, m.IsAdmin = admins[m.ID]
		detail.Members = append(detail.Members, m)
	}
	detail.Chat = chat.translate(text, detail.Members)
	page.Details = []model.ChatDetail{detail}
	return out, page, nil
}

// people counts the spells of the chat: an element that the vendor sends twice
// once, and each that could not be read.
func (w *chatObject) people(members []model.Member) int64 {
	type spell struct {
		id     string
		joined int64
	}
	spells := make(map[spell]bool, len(members))
	for i := range members {
		spells[spell{members[i].ID, members[i].JoinedAt.UnixMicro()}] = true
	}
	return int64(len(spells) + len(w.Members.Items) - len(members))
}

// translate makes a chat of the object. The list alone tells the status. An
// absent notice means that there is none (vendor answers of 2022-03).
func (w *chatObject) translate(text []byte, members []model.Member) model.Chat {
	count := w.people(members)
	owner, badOwner := w.Owner.ID()
	extra := []lenient.Member{
		{Name: "name", Value: w.Name.Bad},
		{Name: "owner", Value: badOwner},
		{Name: "notice", Value: w.Notice.Bad},
		{Name: "admin_list", Value: w.untoldAdmins(text, members)},
	}
	chat := model.Chat{
		ID: w.ChatID.Value, Name: w.Name.Ptr(), OwnerID: owner, Notice: w.Notice.Ptr(), MemberCount: &count,
	}
	if !w.Notice.Set && len(w.Notice.Bad) == 0 {
		chat.Notice = new(string)
	}
	created, bad := instant(w.CreateTime)
	if !created.IsZero() {
		chat.CreatedAt = &created
	}
	chat.Extra = lenient.Extra(w.Extra, append(extra, lenient.Member{Name: "create_time", Value: bad})...)
	return chat
}

// untoldAdmins returns the list of admins as it came when the members' IsAdmin
// does not tell all of it: an admin who is no member, or a member of an entry
// that we do not know. Otherwise nil.
func (w *chatObject) untoldAdmins(text []byte, members []model.Member) jsontext.Value {
	if len(w.Admins.Bad) > 0 {
		return w.Admins.Bad
	}
	if len(w.Admins.Items) == 0 {
		return nil
	}
	plain := true
	for i := range w.Admins.Items {
		e := &w.Admins.Items[i]
		plain = plain && !e.Bad && e.Value.UserID.Set && len(e.Value.Extra) == 0 &&
			slices.ContainsFunc(members, func(m model.Member) bool { return m.ID == e.Value.UserID.Value })
	}
	if plain {
		return nil
	}
	list := jsontext.Value{'['}
	for i := range w.Admins.Items {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, w.Admins.Items[i].Raw(text)...)
	}
	return append(list, ']')
}

func adminIDs(list lenient.Elements[userObject]) map[string]struct{} {
	if len(list.Items) == 0 {
		return nil
	}
	ids := make(map[string]struct{}, len(list.Items))
	for i := range list.Items {
		if user := list.Items[i].Value.UserID; user.Set {
			ids[user.Value] = struct{}{}
		}
	}
	return ids
}

// unreadable says why an element cannot become a member, or "". Only the parts
// of its key count: who, and since when.
func unreadable(e *lenient.Element[memberObject]) string {
	switch {
	case e.Bad:
		return "no object"
	case !lenient.IsID(e.Value.UserID.Value):
		return "no readable userid"
	}
	if _, bad := instant(e.Value.JoinTime); bad != nil {
		return "no readable join_time"
	}
	return ""
}

func readableID(w *memberObject) string {
	if lenient.IsID(w.UserID.Value) {
		return w.UserID.Value
	}
	return ""
}

func (w *memberObject) translate() model.Member {
	joined, _ := instant(w.JoinTime)
	invitor := &w.Invitor.Value
	m := model.Member{
		ID: w.UserID.Value, JoinedAt: joined, Type: w.Type.Ptr(), Name: w.Name.Ptr(), GroupNickname: w.GroupNickname.Ptr(),
		UnionID: w.UnionID.Ptr(), JoinScene: w.JoinScene.Ptr(), InvitorID: invitor.UserID.Ptr(), State: w.State.Ptr(),
	}
	unknown := w.bad()
	if len(w.Extra) > 0 || len(unknown) > 0 {
		m.Extra = lenient.Extra(w.Extra, unknown...)
	}
	return m
}

// bad collects what could not be read, and what is unknown within the invitor.
// Nearly always there is nothing, and nothing is allocated.
func (w *memberObject) bad() []lenient.Member {
	var bad []lenient.Member
	keep := func(name string, value jsontext.Value) {
		if len(value) > 0 {
			bad = append(bad, lenient.Member{Name: name, Value: value})
		}
	}
	invitor := &w.Invitor.Value
	keep("type", w.Type.Bad)
	keep("unionid", w.UnionID.Bad)
	keep("join_scene", w.JoinScene.Bad)
	keep("group_nickname", w.GroupNickname.Bad)
	keep("name", w.Name.Bad)
	keep("state", w.State.Bad)
	keep("invitor", w.Invitor.Bad)
	keep("invitor", lenient.Extra(invitor.Extra, lenient.Member{Name: "userid", Value: invitor.UserID.Bad}))
	return slices.Clip(bad)
}

// secondsMax is the last second of the year 9999. A greater figure is no time in
// seconds (milliseconds begin far above), and PostgreSQL need not see it.
const secondsMax = 253402300799

// instant reads Unix seconds; absent and 0 are the zero time. What is no time is
// returned as it came.
func instant(n lenient.Int) (time.Time, jsontext.Value) {
	switch {
	case len(n.Bad) > 0:
		return time.Time{}, n.Bad
	case !n.Set || n.Value == 0:
		return time.Time{}, nil
	case n.Value < 0 || n.Value > secondsMax:
		return time.Time{}, strconv.AppendInt(nil, n.Value, 10)
	}
	return time.Unix(n.Value, 0).UTC(), nil
}
