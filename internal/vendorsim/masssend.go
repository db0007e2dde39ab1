package vendorsim

import (
	"time"

	"syncd/internal/vendorsim/dice"
)

// taskRequest is the body of get_groupmsg_task, vendor doc 93338.
type taskRequest struct {
	MessageID string `json:"msgid"`

	paging
}

// resultRequest is the body of get_groupmsg_send_result, vendor doc 93338.
type resultRequest struct {
	MessageID string `json:"msgid"`
	UserID    string `json:"userid"`

	paging
}

var sendSize = pageSize{usual: 500, most: 1000}

// tasked finds the message of a request. One that was made just now is still being
// dispatched, and one that was cancelled tells nothing any more: no document says
// how long the first takes, nor that the second holds for what was sent before.
func (s *Sim) tasked(id string, at time.Time) (mass, refusal) {
	if id == "" {
		return mass{}, refusal{code: codeNoMessageID}
	}
	m, made := s.tenant.massNamed(id, at.Unix())
	switch {
	case !made:
		return mass{}, refusal{code: codeBadMessageID}
	case at.Unix() < m.tasked:
		return mass{}, refusal{code: codeDispatching}
	case at.Unix() >= m.stopped:
		return mass{}, refusal{code: codeCancelled}
	}
	return m, refusal{}
}

// tasks answers who was asked to send a message, and who has.
func (s *Sim) tasks(c *call) ([]byte, refusal) {
	var r taskRequest
	if bad := decode(c.request.Body, &r); bad.code != codeOK {
		return nil, bad
	}
	m, bad := s.tasked(r.MessageID, c.at)
	if bad.code != codeOK {
		return nil, bad
	}
	rows := s.tenant.tasks(&m, c.at.Unix())
	p, bad := s.page(c, r.paging, sendSize, dice.Text(dice.Text(0, EndpointTasks), r.MessageID), len(rows))
	if bad.code != codeOK {
		return nil, bad
	}
	return answerList("task_list", rows[p.from:p.to], p.tail, appendTask), refusal{}
}

// sendResult answers what became of one sender's message. Somebody who was not
// asked to send it is refused as somebody unknown; no document says so.
func (s *Sim) sendResult(c *call) ([]byte, refusal) {
	var r resultRequest
	if bad := decode(c.request.Body, &r); bad.code != codeOK {
		return nil, bad
	}
	m, bad := s.tasked(r.MessageID, c.at)
	if bad.code != codeOK {
		return nil, bad
	}
	if r.UserID == "" {
		return nil, refusal{code: codeEmptyParameter}
	}
	sender, bad := s.namedStaff(r.UserID, c.at)
	if bad.code != codeOK {
		return nil, bad
	}
	if !s.tenant.asked(&m, sender) {
		return nil, refusal{code: codeBadUserID}
	}
	rows := s.results(&m, sender, c.at.Unix())
	params := dice.Text(dice.Text(dice.Text(0, EndpointResults), r.MessageID), r.UserID)
	p, bad := s.page(c, r.paging, sendSize, params, len(rows))
	if bad.code != codeOK {
		return nil, bad
	}
	return answerList("send_list", rows[p.from:p.to], p.tail, appendResult), refusal{}
}

func appendTask(dst []byte, one *Task) []byte {
	dst = append(dst, `{"userid":`...)
	dst = appendString(dst, one.Sender)
	return appendSent(dst, one.Status, one.SentAt, one.quirks)
}

func appendResult(dst []byte, one *Result) []byte {
	dst = append(dst, '{')
	if one.ChatID != "" {
		dst = append(dst, `"chat_id":`...)
		dst = appendString(dst, one.ChatID)
	} else {
		dst = append(dst, `"external_userid":`...)
		dst = appendString(dst, one.ExternalID)
	}
	dst = append(dst, `,"userid":`...)
	dst = appendString(dst, one.Sender)
	return appendSent(dst, one.Status, one.SentAt, one.quirks)
}

// appendSent appends how a row of both ends.
func appendSent(dst []byte, status int, sentAt time.Time, q quirks) []byte {
	dst = append(dst, `,"status":`...)
	dst = appendNumber(dst, int64(status), q)
	switch {
	case !sentAt.IsZero():
		dst = append(dst, `,"send_time":`...)
		dst = appendInstant(dst, sentAt, q)
	case q&quirkNull != 0:
		dst = append(dst, `,"send_time":null`...)
	}
	if q&quirkUnknown != 0 {
		dst = append(dst, `,"fail_reason":null,"device":{"os":"ios"}`...)
	}
	return append(dst, '}')
}
