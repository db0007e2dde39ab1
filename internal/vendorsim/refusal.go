package vendorsim

import (
	"fmt"
	"strconv"
)

// The codes of vendor doc 90313 that the simulator answers with.
const (
	codeBusy           = -1
	codeOK             = 0
	codeWrongSecret    = 40001
	codeBadUserID      = 40003
	codeBadCorpID      = 40013
	codeBadToken       = 40014
	codeBadUserList    = 40032
	codeBadArgument    = 40035
	codeNoChat         = 40050
	codeBadRequest     = 40058
	codeEmptyParameter = 40063
	codeNoToken        = 41001
	codeNoCorpID       = 41002
	codeNoSecret       = 41004
	codeNoConfigID     = 41043
	codeBadConfigID    = 41044
	codeNoMessageID    = 41046
	codeBadMessageID   = 41047
	codeDispatching    = 41063
	codeCancelled      = 41093
	codeTokenExpired   = 42001
	codeTooOften       = 45009
	codeTooManyAtOnce  = 45033
	codeOutOfSight     = 50002
	codeNoRight        = 60011
	codeTooManyPeople  = 81017
	codeBadTime        = 600018
)

var errorTexts = map[int]string{
	codeBusy:           "system busy",
	codeWrongSecret:    "invalid credential",
	codeBadUserID:      "invalid userid",
	codeBadCorpID:      "invalid corpid",
	codeBadToken:       "invalid access_token",
	codeBadUserList:    "invalid userid list length",
	codeBadArgument:    "invalid argument",
	codeNoChat:         "invalid group id",
	codeBadRequest:     "invalid Request Parameter",
	codeEmptyParameter: "some parameters are empty",
	codeNoToken:        "access_token missing",
	codeNoCorpID:       "corpid missing",
	codeNoSecret:       "corpsecret missing",
	codeNoConfigID:     "config_id missing",
	codeBadConfigID:    "invalid config_id",
	codeNoMessageID:    "msgid missing",
	codeBadMessageID:   "invalid msgid",
	codeDispatching:    "group message is dispatching",
	codeCancelled:      "group message is cancelled",
	codeTokenExpired:   "access_token expired",
	codeTooOften:       "api freq out of limit",
	codeTooManyAtOnce:  "api concurrent out of limit",
	codeOutOfSight:     "user not in app visible scope",
	codeNoRight:        "no privilege to access/modify contact/party/agent",
	codeTooManyPeople:  "items count exceed limit",
	codeBadTime:        "invalid start endtime",
}

// refusal is an errcode other than 0. Wrong JSON carries the vendor's warning
// before its text.
type refusal struct {
	code    int
	warning string
}

const wrongJSON = "Warning: wrong json format. "

// errmsg is in the documented shape: text, a hint for the vendor's support, the
// caller's address, and where to read more.
func (s *Sim) errmsg(r refusal, c *call) string {
	at := c.at.Unix()
	text, known := errorTexts[r.code]
	if !known {
		text = "refused" // a fault may ask for any code
	}
	hint := fmt.Sprintf("%d%015d", at, s.tenant.bits(drawHint, c.request.Seq, uint64(at))%1e15)
	return fmt.Sprintf("%s%s, hint: [%s], from ip: %s, more info at https://open.work.weixin.qq.com/devtool/query?e=%d",
		r.warning, text, hint, c.address, r.code)
}

// emptyLists are what an endpoint answers beside an error.
var emptyLists = map[string]string{
	EndpointFollowUsers:    `,"follow_user":[]`,
	EndpointChatList:       `,"group_chat_list":[]`,
	EndpointStatistic:      `,"items":[]`,
	EndpointStatisticByDay: `,"items":[]`,
	EndpointMessages:       `,"group_msg_list":[]`,
	EndpointTasks:          `,"task_list":[]`,
	EndpointResults:        `,"send_list":[]`,
}

// refuse is the body of an answer with an error.
func (s *Sim) refuse(r refusal, c *call) []byte {
	body := append([]byte(`{"errcode":`), strconv.Itoa(r.code)...)
	body = append(body, `,"errmsg":`...)
	body = appendString(body, s.errmsg(r, c))
	body = append(body, emptyLists[c.request.Endpoint]...)
	return append(body, '}')
}
