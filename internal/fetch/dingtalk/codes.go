package dingtalk

import (
	"slices"
	"strings"
	"time"

	"syncd/internal/fetch"
)

// penalties are how long an endpoint rests after a throttle code that does not
// say for how long: the vendor advises 1, 2 and 4 s (vendor page 调用频次与限流).
var penalties = []time.Duration{
	time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second,
}

const (
	// minuteRest is how long a spent limit per minute blocks at most.
	minuteRest = time.Minute
	// banRest is how long the vendor bans an address (vendor page 调用频次与限流).
	banRest = 5 * time.Minute
	// keyLife is how long a robot's message can surely be asked about: published
	// for messages to one person only, and taken for groups, too.
	keyLife = 24 * time.Hour
)

// Codes that the client itself acts upon.
const (
	codeToken      = "InvalidAuthentication"
	codeMonthSpent = "Forbidden.AccessDenied.ApiCountLimitForOrg"
	codeExpireTime = "processQueryKey.expireTime"
	// codeBanned is ours: the vendor bans without a code.
	codeBanned = "ip ban"
)

// remedies, shared by several codes.
const (
	fixApp        = "check app_key and app_secret (Client ID and Client Secret) in the developer console, and that base_url is the edition of the organisation"
	fixSuite      = "check suite_key, suite_secret, suite_ticket and auth_corp_id in the developer console"
	fixHeader     = "the token did not arrive: check base_url and what stands between here and the vendor"
	fixPermission = "grant the app its permission points (权限管理) in the developer console: "
	fixIP         = "add this machine's address to the app's 服务器出口IP in the developer console"
	fixQuota      = "wait for the next month, or buy calls for the organisation (API 调用量) and raise limits.per_month"
	fixBan        = "too many calls came from this address: lower limits, and look for other programs behind it"
	fixBounds     = "look at query_dsl: the vendor refuses a filter"
	fixRobot      = "put the robot into the chat again and check its robot code"
	fixTemplate   = "ask the administrator to enable the robot or the template again"
	fixUnknown    = "the code is unknown to syncd: look it up in the vendor's error table"
)

// defaultScopes are the permission points where an answer does not name them.
var defaultScopes = map[string]string{
	endpointChats: "Crm.CustomerGroup.Read", endpointChat: "Crm.CustomerGroup.Read",
	endpointSets: "Crm.CustomerGroup.Read", endpointReads: "qyapi_robot_sendmsg",
}

// rule is what one code means for the caller.
type rule struct {
	class  fetch.Class
	remedy string
	// rest is how long the vendor blocks; 0 where it does not say.
	rest time.Duration
	// at are the endpoints for which the class is another one.
	at map[string]fetch.Class
}

// rules class every code of the vendor's error tables that reading can meet, by
// its full name: throttle and permission codes begin alike, with the same HTTP
// status. Sources: vendor pages 查询客户群列表, 查询企业机器人群聊消息用户已读状态,
// 批量查询客户群, 调用频次与限流 and the global error table.
var rules = map[string]rule{
	codeToken:                               {class: fetch.ClassAuth, remedy: fixApp},
	"AuthenticationFailed.MissingParameter": {class: fetch.ClassAuth, remedy: fixHeader},
	"invalidClientIdOrSecret":               {class: fetch.ClassAuth, remedy: fixApp},
	"invalid_client":                        {class: fetch.ClassAuth, remedy: fixApp},
	"invalidSuiteKey":                       {class: fetch.ClassAuth, remedy: fixSuite},
	"unauthorized.client":                   {class: fetch.ClassAuth, remedy: fixPermission},
	"apiPermissionDenied":                   {class: fetch.ClassAuth, remedy: fixPermission},

	"Forbidden.AccessDenied.AccessTokenPermissionDenied": {class: fetch.ClassAuth, remedy: fixPermission},
	"Forbidden.AccessDenied.IpNotInWhiteList":            {class: fetch.ClassAuth, remedy: fixIP},

	"qps.exceed.limit":   {class: fetch.ClassThrottled},
	"request.overlimit":  {class: fetch.ClassThrottled},
	"oaplus.query.limit": {class: fetch.ClassThrottled},
	"ServiceUnavailable": {class: fetch.ClassTransient}, // seen in the wild
	"systemError":        {class: fetch.ClassTransient},
	"system.error":       {class: fetch.ClassTransient},
	"unknownError":       {class: fetch.ClassTransient},

	"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi":         {class: fetch.ClassThrottled},
	"Forbidden.AccessDenied.QpsLimitForApi":                  {class: fetch.ClassThrottled}, // all tenants together
	"Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi": {class: fetch.ClassThrottled},
	"Forbidden.AccessDenied.QpmLimitForAppkeyAndApi":         {class: fetch.ClassThrottled, rest: minuteRest},
	"Forbidden.AccessDenied.QpmLimitForApi":                  {class: fetch.ClassThrottled, rest: minuteRest},
	"Forbidden.AccessDenied.QpmLimitForSuitekeyAndOrgAndApi": {class: fetch.ClassThrottled, rest: minuteRest},
	// For how long, the calendar says.
	codeMonthSpent: {class: fetch.ClassThrottled, remedy: fixQuota},

	"invalidParameter":       {class: fetch.ClassRefused},
	"notSupportedFilterType": {class: fetch.ClassRefused, remedy: fixBounds},
	"userIdNotExists":        {class: fetch.ClassRefused, remedy: fixBounds},

	// Of one chat. Elsewhere than in a direct read they are about a parameter.
	"incorrectOpenConversationId": {class: fetch.ClassRefused, at: map[string]fetch.Class{endpointChat: fetch.ClassGone}},
	"invalid.openConversationId":  {class: fetch.ClassRefused, at: aboutOne},
	"resource.not.found":          {class: fetch.ClassRefused, at: aboutOne},
	"conversation.org.dismatch":   {class: fetch.ClassRefused, at: aboutMessage},
	// Says that our request had none, so it tells nothing about a chat.
	"openConversationId.notExisted": {class: fetch.ClassRefused, at: aboutMessage},

	// Of one message, its robot and its chat: asking again is no use.
	"invalid.processQueryKey":                  {class: fetch.ClassRefused, at: aboutMessage},
	"invalidParameter.processQueryKey.missing": {class: fetch.ClassRefused, at: aboutMessage},
	"invalidParameter.robotCode.missing":       {class: fetch.ClassRefused, remedy: fixRobot, at: aboutMessage},
	"invalidParameter.robotCode.invalid":       {class: fetch.ClassRefused, remedy: fixRobot, at: aboutMessage},
	"invalidParameter.robotCode.notExsit":      {class: fetch.ClassRefused, remedy: fixRobot, at: aboutMessage},
	"invalidParameter.invalid":                 {class: fetch.ClassRefused, remedy: fixRobot, at: aboutMessage},
	"bot.stopped":                              {class: fetch.ClassRefused, remedy: fixTemplate, at: aboutMessage},
	"template.stopped":                         {class: fetch.ClassRefused, remedy: fixTemplate, at: aboutMessage},
	"template.not.existed":                     {class: fetch.ClassRefused, remedy: fixTemplate, at: aboutMessage},
	// Whoever may not ask about this robot may ask about another one.
	"unauthorized": {class: fetch.ClassDenied, remedy: fixPermission},
	"auth.error":   {class: fetch.ClassDenied, remedy: fixPermission},
	// Young, nothing has been counted yet; old, nothing is kept any more.
	codeExpireTime: {class: fetch.ClassGone},

	"invalidParameter.cursor.invalid":   {class: fetch.ClassCursorGone},
	"invalidParameter.pageSize.invalid": {class: fetch.ClassRefused},
	"invalidParameter.param.invalid":    {class: fetch.ClassRefused},
}

var (
	aboutMessage = map[string]fetch.Class{endpointReads: fetch.ClassGone}
	aboutOne     = map[string]fetch.Class{endpointReads: fetch.ClassGone, endpointChat: fetch.ClassGone}
)

// throttlePrefixes begin the codes of limits per second and per minute that have
// not been seen yet: for whom they hold stands behind.
var throttlePrefixes = map[string]time.Duration{
	"Forbidden.AccessDenied.Qps": 0,
	"Forbidden.AccessDenied.Qpm": minuteRest,
}

// ruleOf returns what a code means.
func ruleOf(code string) (rule, bool) {
	if r, ok := rules[code]; ok {
		return r, true
	}
	for prefix, rest := range throttlePrefixes {
		if strings.HasPrefix(code, prefix) {
			return rule{class: fetch.ClassThrottled, rest: rest}, true
		}
	}
	return rule{}, false
}

// question is what the class of a code depends on beside the code.
type question struct {
	endpoint string
	// cursor says that the request continues a list.
	cursor bool
	// bornAt is when the record asked about was born; zero where it is not known.
	bornAt time.Time
}

// classify makes an error of a refusal. The status decides about a code that
// nobody has told us of.
func (c *Client) classify(q question, a fetch.Answer, e envelope) *fetch.Error {
	bad := &fetch.Error{Code: e.Code.Value, Message: e.text()}
	r, known := ruleOf(bad.Code)
	switch {
	case !known:
		bad.Class, bad.Remedy = byStatus(a), fixUnknown
	case r.at[q.endpoint] != fetch.ClassUnknown:
		bad.Class, bad.Remedy, bad.RetryAfter = r.at[q.endpoint], r.remedy, r.rest
	default:
		bad.Class, bad.Remedy, bad.RetryAfter = r.class, r.remedy, r.rest
	}
	if bad.Remedy == fixPermission {
		bad.Remedy += e.scopes(q.endpoint)
	}
	switch {
	case bad.Code == codeToken && c.suite:
		bad.Remedy = fixSuite
	case bad.Code == codeMonthSpent:
		bad.RetryAfter, bad.Scope = untilNextMonth(c.now(), c.zone), fetch.ScopeSource
	case bad.Code == codeExpireTime:
		expired(bad, q.bornAt, c.now())
	case bad.Code == "invalidParameter" && q.cursor:
		// No code is documented for a cursor that has died. Without it the same
		// params are asked again, which shows what was refused.
		bad.Class = fetch.ClassCursorGone
	}
	return bad
}

// expired tells the two meanings of one code apart by the age of the message.
// One whose age is not known is never given up on this account.
func expired(bad *fetch.Error, bornAt, now time.Time) {
	if bornAt.IsZero() || now.Sub(bornAt) < keyLife {
		bad.Class = fetch.ClassNotReady
		return
	}
	bad.Message = "expired: " + bad.Message
}

// byStatus classes an answer whose code says nothing to us. With HTTP 200 it is
// an answer that we cannot read. HTTP 400 is no proof that our parameters are
// refused: limits come with it, too, and nobody is to change the configuration for
// what may pass.
func byStatus(a fetch.Answer) fetch.Class {
	bad := fetch.StatusError(a)
	switch {
	case bad == nil:
		return fetch.ClassMalformed
	case bad.Class == fetch.ClassRefused:
		return fetch.ClassUnknown
	}
	return bad.Class
}

// untilNextMonth is how long the calendar month in a zone lasts.
func untilNextMonth(now time.Time, zone *time.Location) time.Duration {
	year, month, _ := now.In(zone).Date()
	return time.Date(year, month+1, 1, 0, 0, 0, 0, zone).Sub(now)
}

// isCredentialCode reports whether a token was refused because of what only a
// person can change.
func isCredentialCode(code string) bool {
	return slices.Contains([]string{"invalidClientIdOrSecret", "invalid_client", "invalidSuiteKey"}, code)
}
