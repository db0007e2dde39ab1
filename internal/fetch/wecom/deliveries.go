package wecom

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// tasksParams are the frozen params of the senders of a message.
type tasksParams struct {
	OwnerIDs []string `json:"owner_ids,omitempty"`
	Limit    int      `json:"limit"`
}

// resultsParams are those of the receivers of one sender's message.
type resultsParams struct {
	Limit int `json:"limit"`
}

// deliveryRequest is the body of get_groupmsg_task, and with a userid that of
// get_groupmsg_send_result (vendor doc 96355).
type deliveryRequest struct {
	MsgID  string `json:"msgid"`
	UserID string `json:"userid,omitempty"`
	Limit  int    `json:"limit"`
	Cursor string `json:"cursor,omitempty"`
}

// tasksAnswer is the answer of get_groupmsg_task.
type tasksAnswer struct {
	envelope
	Tasks      lenient.Elements[taskObject] `json:"task_list"`
	NextCursor lenient.Text                 `json:"next_cursor"`
}

type taskObject struct {
	UserID   lenient.Text   `json:"userid,case:strict"`
	Status   lenient.Int    `json:"status"`
	SendTime lenient.Int    `json:"send_time"`
	Extra    jsontext.Value `json:",embed"`
}

// resultsAnswer is the answer of get_groupmsg_send_result.
type resultsAnswer struct {
	envelope
	Results    lenient.Elements[resultObject] `json:"send_list"`
	NextCursor lenient.Text                   `json:"next_cursor"`
}

type resultObject struct {
	UserID         lenient.Text   `json:"userid,case:strict"`
	ChatID         lenient.Text   `json:"chat_id,case:strict"`
	ExternalUserID lenient.Text   `json:"external_userid,case:strict"`
	Status         lenient.Int    `json:"status"`
	SendTime       lenient.Int    `json:"send_time"`
	Extra          jsontext.Value `json:",embed"`
}

// senderMark stands between a message and one of its senders in a subject. The
// vendor allows no slash in a userid (vendor doc 90313 on 40003), so the last one
// is it, whatever the id of the message holds.
const senderMark = "/"

// sender is one of those who are to send a message.
type sender struct{ message, user string }

// senderOf reads a subject of group_message_results.
func senderOf(subject string) (s sender, ok bool) {
	at := strings.LastIndex(subject, senderMark)
	if at <= 0 || at == len(subject)-1 {
		return sender{}, false
	}
	return sender{subject[:at], subject[at+1:]}, true
}

// subject is the reverse of senderOf.
func (s sender) subject() string { return s.message + senderMark + s.user }

// tasksPage reads one page of the senders of a message, whose id is the subject of
// the chain. With configured owners only they are read: whoever sends to a chat is
// its owner.
func (c *Client) tasksPage(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	p, err := params[tasksParams](c, chain)
	if err != nil {
		return model.Page{}, err
	}
	var got model.Page
	page, err := c.do(ctx, call{
		endpoint: endpointTasks, cursor: cursor != "",
		body: deliveryRequest{MsgID: chain.Subject, Limit: p.Limit, Cursor: cursor},
		decode: func(a fetch.Answer) (outcome, error) {
			var out outcome
			out, got, err = c.readTasks(a.Body, chain.Subject, p.OwnerIDs)
			return out, err
		},
	})
	return merge(page, got, err)
}

func (c *Client) readTasks(body []byte, message string, only []string) (outcome, model.Page, error) {
	answer, text, err := lenient.Decode[tasksAnswer](body)
	if err != nil {
		return outcome{}, model.Page{}, err
	}
	out, err := answer.outcome()
	if err != nil || out.code != 0 {
		return out, model.Page{}, err
	}
	// Messages from before 2020-11-17 have no list of senders (public copies of the
	// page); whether it is empty or absent there, nobody says.
	if bad := needArray("task_list", answer.Tasks.Bad == nil); bad != nil {
		return out, model.Page{}, bad
	}
	page, err := paged(answer.NextCursor)
	if err != nil {
		return out, page, err
	}
	page.MessageTasks = make([]model.GroupMessageTask, 0, len(answer.Tasks.Items))
	for i := range answer.Tasks.Items {
		e := &answer.Tasks.Items[i]
		id := e.Value.UserID.Value
		switch {
		case e.Bad || !lenient.IsID(id):
			page.Rejects = append(page.Rejects, c.reject("group_message_task", "", message, "no readable userid", e.Raw(text)))
		case strings.Contains(id, senderMark):
			page.Rejects = append(page.Rejects, c.reject("group_message_task", id, message, "a slash in userid", e.Raw(text)))
		case asksFor(only, id):
			page.MessageTasks = append(page.MessageTasks, e.Value.translate(message))
		}
	}
	return out, page, nil
}

func (w *taskObject) translate(message string) model.GroupMessageTask {
	sent, bad := instant(w.SendTime)
	task := model.GroupMessageTask{
		MessageID: message, UserID: w.UserID.Value, Status: w.Status.Ptr(),
		Extra: lenient.Extra(
			w.Extra, lenient.Member{Name: "status", Value: w.Status.Bad}, lenient.Member{Name: "send_time", Value: bad},
		),
	}
	if !sent.IsZero() {
		task.SentAt = &sent
	}
	return task
}

// resultsPage reads one page of the receivers of one sender's message. The subject
// of the chain is the message's id, a slash and the sender's.
func (c *Client) resultsPage(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	p, err := params[resultsParams](c, chain)
	if err != nil {
		return model.Page{}, err
	}
	by, ok := senderOf(chain.Subject)
	if !ok {
		return model.Page{}, c.bug(endpointResults, fmt.Sprintf("subject %q is no message and sender", chain.Subject))
	}
	var got model.Page
	page, err := c.do(ctx, call{
		endpoint: endpointResults, cursor: cursor != "",
		body: deliveryRequest{MsgID: by.message, UserID: by.user, Limit: p.Limit, Cursor: cursor},
		decode: func(a fetch.Answer) (outcome, error) {
			var out outcome
			out, got, err = c.readResults(a.Body, by)
			return out, err
		},
	})
	return merge(page, got, err)
}

func (c *Client) readResults(body []byte, by sender) (outcome, model.Page, error) {
	answer, text, err := lenient.Decode[resultsAnswer](body)
	if err != nil {
		return outcome{}, model.Page{}, err
	}
	out, err := answer.outcome()
	if err != nil || out.code != 0 {
		return out, model.Page{}, err
	}
	if bad := needArray("send_list", answer.Results.Set); bad != nil {
		return out, model.Page{}, bad
	}
	page, err := paged(answer.NextCursor)
	if err != nil {
		return out, page, err
	}
	page.MessageResults = make([]model.GroupMessageResult, 0, len(answer.Results.Items))
	for i := range answer.Results.Items {
		e := &answer.Results.Items[i]
		id, why := by.receiverOf(e)
		if why != "" {
			page.Rejects = append(page.Rejects, c.reject("group_message_result", id, by.subject(), why, e.Raw(text)))
			continue
		}
		page.MessageResults = append(page.MessageResults, e.Value.translate(by))
	}
	return out, page, nil
}

// receiverOf returns the receiver of an element where it can be read, and why the
// element cannot become a row, or "".
func (s sender) receiverOf(e *lenient.Element[resultObject]) (id, why string) {
	w := &e.Value
	chat, customer := receiver(w.ChatID), receiver(w.ExternalUserID)
	id = chat.id
	if id == "" {
		id = customer.id
	}
	switch {
	case e.Bad:
		return "", "no object"
	case chat.bad:
		return id, "no readable chat_id"
	case customer.bad:
		return id, "no readable external_userid"
	case id == "":
		return "", "neither chat_id nor external_userid"
	case len(w.UserID.Bad) > 0:
		return id, "no readable userid"
	case w.UserID.Value != "" && !strings.EqualFold(w.UserID.Value, s.user):
		return id, "this sender was not asked for"
	}
	return id, ""
}

// part is a part of a key that can be absent.
type part struct {
	id  string
	bad bool
}

func receiver(t lenient.Text) part {
	if lenient.IsID(t.Value) {
		return part{id: t.Value}
	}
	return part{bad: len(t.Bad) > 0 || t.Value != ""}
}

// translate makes a row of an element that receiverOf finds no fault with. Who sent
// it is as it was asked for, also where the answer leaves it out.
func (w *resultObject) translate(by sender) model.GroupMessageResult {
	sent, bad := instant(w.SendTime)
	result := model.GroupMessageResult{
		MessageID: by.message, UserID: by.user, ChatID: w.ChatID.Value, ExternalUserID: w.ExternalUserID.Value,
		Status: w.Status.Ptr(),
		Extra: lenient.Extra(
			w.Extra, lenient.Member{Name: "status", Value: w.Status.Bad}, lenient.Member{Name: "send_time", Value: bad},
			lenient.Member{Name: "userid", Value: otherSpelling(w.UserID, by.user)},
		),
	}
	if !sent.IsZero() {
		result.SentAt = &sent
	}
	return result
}

// otherSpelling returns what the vendor wrote where it is not what was asked for.
func otherSpelling(written lenient.Text, asked string) jsontext.Value {
	if !written.Set || written.Value == "" {
		return nil
	}
	return spelling(written.Value, asked)
}
