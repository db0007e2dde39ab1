package dingtalk

import (
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"

	"syncd/internal/vendorsim/rawjson"
)

// CodeOK is what [Sim.Calls] counts good answers under; the vendor has no code for
// them.
const CodeOK = "ok"

// The codes that the simulator answers with on its own.
const (
	codeAuthentication = "InvalidAuthentication"
	codeNoToken        = "AuthenticationFailed.MissingParameter"
	codeWrongSecret    = "invalidClientIdOrSecret"
	codeWrongSuite     = "invalidSuiteKey"
	codeNoAPI          = "InvalidAction.NotFound"

	codeParameter = "invalidParameter"
	codeFilter    = "notSupportedFilterType"
	codeUser      = "userIdNotExists"
	codeChat      = "incorrectOpenConversationId"
	codeSystem    = "systemError"

	codeQPS   = "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"
	codeQPM   = "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi"
	codeMonth = "Forbidden.AccessDenied.ApiCountLimitForOrg"
	codeScope = "Forbidden.AccessDenied.AccessTokenPermissionDenied"
	// codeBanned is what calls of a banned address are counted under. The vendor's
	// answer has no code.
	codeBanned = "banned"
)

// Those of the read status of robot messages.
const (
	codeKeyMissing  = "invalidParameter.processQueryKey.missing"
	codeKeyUnknown  = "invalid.processQueryKey"
	codeKeyTime     = "processQueryKey.expireTime"
	codeReadsCursor = "invalidParameter.cursor.invalid"
	codePageSize    = "invalidParameter.pageSize.invalid"
	codeReadsParam  = "invalidParameter.param.invalid"
	codeRobotNone   = "invalidParameter.robotCode.missing"
	codeRobotOther  = "invalidParameter.robotCode.invalid"
	codeRobotNever  = "invalidParameter.robotCode.notExsit"
	codeNoChatID    = "openConversationId.notExisted"
	codeBadChatID   = "invalid.openConversationId"
	codeChatOther   = "conversation.org.dismatch"
)

// statuses are those of codes whose HTTP status is not 400.
var statuses = map[string]int{
	codeNoAPI: http.StatusNotFound,

	"unauthorized.client": http.StatusUnauthorized,

	codeQPS: http.StatusForbidden, codeQPM: http.StatusForbidden, codeMonth: http.StatusForbidden, codeScope: http.StatusForbidden,
	"Forbidden.AccessDenied.QpsLimitForApi":                  http.StatusForbidden,
	"Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi": http.StatusForbidden,
	"Forbidden.AccessDenied.QpmLimitForSuitekeyAndOrgAndApi": http.StatusForbidden,
	"Forbidden.AccessDenied.IpNotInWhiteList":                http.StatusForbidden,

	codeSystem: http.StatusInternalServerError, "system.error": http.StatusInternalServerError,
	"unknownError": http.StatusInternalServerError, "ServiceUnavailable": http.StatusServiceUnavailable,
}

// messages are what the vendor says beside a code.
var messages = map[string]string{
	codeAuthentication: "不合法的access_token",
	codeNoToken:        "AuthenticationFailed.MissingParameter: x-acs-dingtalk-access-token",
	codeWrongSecret:    "无效的clientId或者clientSecret",
	codeWrongSuite:     "无效的suiteKey",
	codeNoAPI:          "Specified api is not found, please check your url and method.",
	codeFilter:         "不支持的过滤类型",
	codeUser:           "用户不存在",
	codeChat:           "openConversationId不正确",
	codeSystem:         "系统错误",
	codeQPS:            "The request was denied due to the QPS limit of the app and the API.",
	codeQPM:            "The request was denied due to the QPM limit of the app and the API.",
	codeMonth:          "The number of calls of the organization this month has reached its limit.",
	codeScope:          "应用尚未开通所需的权限",
	codeKeyTime:        "processQueryKey已过期或已读数据未生成",
}

// scopes are the permission points that endpoints need.
var scopes = map[string]string{
	EndpointChats: "Crm.CustomerGroup.Read", EndpointChat: "Crm.CustomerGroup.Read", EndpointBatch: "Crm.CustomerGroup.Read",
	EndpointSets: "Crm.CustomerGroup.Read", EndpointSet: "Crm.CustomerGroup.Read", EndpointReads: "qyapi_robot_sendmsg",
}

// refusal is an error answer; one without code is none.
type refusal struct {
	code    string
	message string // "" is that of the code
	status  int    // 0 is that of the code
	banned  banShape
}

func invalid(message string) refusal { return refusal{code: codeParameter, message: message} }

// refuse is the answer with an error.
func (s *Sim) refuse(r refusal, c *call) Answer {
	if r.code == codeBanned {
		return banAnswer(r.banned)
	}
	message := r.message
	if message == "" {
		message = messages[r.code]
	}
	if message == "" {
		message = r.code
	}
	names := []string{"code", "message", "requestid", "accessdenieddetail"}
	if s.opt.Odd && c.request.Seq%2 == 0 {
		names = []string{"Code", "Message", "RequestId", "AccessDeniedDetail"}
	}
	o := newObject(noQuirks)
	o.text(names[0], r.code)
	o.text(names[1], message)
	o.text(names[2], s.requestID(c))
	if r.code == codeScope {
		o.raw(names[3], append(rawjson.AppendString([]byte(`{"requiredScopes":[`), scopes[c.request.Endpoint]), "]}"...))
	}
	status := r.status
	if status == 0 {
		status = statuses[r.code]
	}
	if status == 0 {
		status = http.StatusBadRequest
	}
	return Answer{Status: status, Body: o.end()}
}

// requestID is in the shape of the vendor's.
func (s *Sim) requestID(c *call) string {
	var raw []byte
	for i := range uint64(2) {
		raw = binary.BigEndian.AppendUint64(raw, s.tenant.bits(drawRequest, c.request.Seq, i))
	}
	text := strings.ToUpper(hex.EncodeToString(raw))
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// banShape is how a banned address is answered.
type banShape string

const (
	banHTML   banShape = "html"
	banPunish banShape = "punish"
	banStatus banShape = "status"
)

const banPage = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>访问被拒绝</title></head>\n" +
	"<body><h1>Sorry, your request has been blocked as it may cause potential threats to the server's security.</h1></body></html>\n"

func banAnswer(shape banShape) Answer {
	switch shape {
	case banPunish:
		return Answer{Body: []byte(`{"punish":"deny","uuid":"5a0b7e6f"}`)}
	case banStatus:
		return Answer{Body: []byte(`{"status":1111,"message":"denied"}`)}
	}
	return Answer{Status: http.StatusForbidden, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, Body: []byte(banPage)}
}
