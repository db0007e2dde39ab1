package vendorsim

import "syncd/internal/vendorsim/serve"

// The endpoints, as [Request] and the call counters name them: the path below
// /cgi-bin/.
const (
	EndpointToken          = "gettoken"
	EndpointFollowUsers    = "externalcontact/get_follow_user_list"
	EndpointChatList       = "externalcontact/groupchat/list"
	EndpointChatGet        = "externalcontact/groupchat/get"
	EndpointStatistic      = "externalcontact/groupchat/statistic"
	EndpointStatisticByDay = "externalcontact/groupchat/statistic_group_by_day"
	EndpointJoinWay        = "externalcontact/groupchat/get_join_way"
	EndpointMessages       = "externalcontact/get_groupmsg_list_v2"
	EndpointTasks          = "externalcontact/get_groupmsg_task"
	EndpointResults        = "externalcontact/get_groupmsg_send_result"
)

// Script lets a test see every call and bend its answer.
type Script = serve.Script[int]

// Request is one call as it arrived.
type Request = serve.Request

// Verdict is what happens to a call.
type Verdict = serve.Verdict

// Answer is an HTTP response.
type Answer = serve.Answer

// Response is one call that has been answered. Its code is the errcode, and -1
// where a script's or a fault's answer was sent in its place.
type Response = serve.Response[int]

// Calls counts what arrived at one endpoint, by errcode.
type Calls = serve.Calls[int]

// Server is a simulator on a port.
type Server = serve.Server

// SetScript replaces the script, for calls that arrive from now on.
func (s *Sim) SetScript(script Script) { s.front.SetScript(script) }
