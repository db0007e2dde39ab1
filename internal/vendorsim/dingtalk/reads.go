package dingtalk

import (
	"strconv"
	"time"
)

const (
	readsPageMax = 200
	// readsPageDefault is not documented; the sample asks for as many.
	readsPageDefault = 50
)

type readsRequest struct {
	Key        string  `json:"processQueryKey"`
	ChatID     string  `json:"openConversationId"`
	Robot      string  `json:"robotCode"`
	Webhook    *string `json:"token"`
	MaxResults *int64  `json:"maxResults"`
	NextToken  string  `json:"nextToken"`
}

// readReads answers "查询企业机器人群聊消息用户已读状态". A key serves from when its
// readers are known until [Options.KeyTTL] after sending.
func (s *Sim) readReads(c *call) ([]byte, refusal) {
	var r readsRequest
	if _, bad := s.params(c); bad.code != "" {
		return nil, bad
	}
	if bad := decode(c.request.Body, &r, codeReadsParam); bad.code != "" {
		return nil, bad
	}
	limit := readsPageDefault
	if r.MaxResults != nil {
		if *r.MaxResults < 1 || *r.MaxResults > readsPageMax {
			return nil, refusal{code: codePageSize}
		}
		limit = int(*r.MaxResults)
	}
	m, bad := s.askedMessage(&r, c.at.Unix())
	if bad.code != "" {
		return nil, bad
	}
	all := s.tenant.readers(&m, c.at.Unix())
	l := listing{token: r.NextToken, limit: limit, rows: make([]uint32, len(all))}
	for i := range l.rows {
		l.rows[i] = uint32(i)
	}
	l.params = fingerprint(c.request.Endpoint, r.Key, r.ChatID, r.Robot, strconv.Itoa(limit))
	p, bad := s.cut(c, l, codeReadsCursor)
	if bad.code != "" {
		return nil, bad
	}
	ids := make([]string, len(p.rows))
	for i, k := range p.rows {
		ids[i] = all[k]
	}
	o := newObject(s.tenant.drawQuirks(drawReads, m.number))
	o.text("sendStatus", m.status(c.at.Unix()))
	if len(ids) > 0 || !s.opt.Odd {
		o.raw("readUserIds", texts(ids))
	}
	s.pageFields(o, c, &p)
	return o.end(), refusal{}
}

// askedMessage checks what a message is asked for with, in the order of the fields,
// and that it is the time to ask.
func (s *Sim) askedMessage(r *readsRequest, at int64) (message, refusal) {
	t := s.tenant
	if r.Key == "" {
		return message{}, refusal{code: codeKeyMissing}
	}
	n, ok := t.messageNumber(r.Key)
	if !ok || n >= t.messageCount(at) {
		return message{}, refusal{code: codeKeyUnknown}
	}
	m := t.message(n)
	if bad := s.checkChat(r, &m, at); bad.code != "" {
		return m, bad
	}
	if bad := s.checkRobot(r.Robot, n); bad.code != "" {
		return m, bad
	}
	if at < m.ready || at >= m.sent+int64(s.opt.KeyTTL/time.Second) {
		return m, refusal{code: codeKeyTime}
	}
	return m, refusal{}
}

func (s *Sim) checkChat(r *readsRequest, m *message, at int64) refusal {
	if r.ChatID == "" {
		return refusal{code: codeNoChatID} // custom robots and their token are not simulated
	}
	n, ok := s.tenant.chatNumber(r.ChatID)
	switch {
	case !ok:
		return refusal{code: codeBadChatID}
	case n != m.chat:
		return refusal{code: codeChatOther}
	}
	row, _ := s.tenant.ledger.row(n, at)
	if row.gone(at*milli) && s.opt.Dissolved == DissolvedUnknown {
		return refusal{code: codeBadChatID}
	}
	return refusal{}
}

func (s *Sim) checkRobot(code string, number uint64) refusal {
	switch code {
	case "":
		return refusal{code: codeRobotNone}
	case s.tenant.messageRobot(number):
		return refusal{}
	}
	for robot := range uint64(robotCount) {
		if code == s.tenant.robotCode(robot) {
			return refusal{code: codeRobotOther}
		}
	}
	return refusal{code: codeRobotNever}
}
