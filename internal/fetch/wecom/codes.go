package wecom

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"syncd/internal/fetch"
)

// penalties are how long an endpoint rests after 45009: a minute's limit blocks
// for 60 s, an hour's for 60 min, and the answer does not say which one it was
// (vendor doc 90312).
var penalties = []time.Duration{time.Minute, 5 * time.Minute, time.Hour}

// codeCongested means too many calls of one API at once.
const codeCongested = "45033"

// remedies, shared by several codes.
const (
	fixApp        = "check corp_id and secret of the app in the admin console"
	fixPermission = "add the app under 客户联系 → 可调用接口的应用 in the admin console"
	fixVisible    = "put the member into the app's visible range (可见范围)"
	fixIP         = "add this machine's address to the app's 企业可信IP; it takes effect after a minute"
	fixCorp       = "the corporation itself is unverified, suspended or closed: ask its administrator"
	fixLicence    = "third-party apps need an interface licence for the member"
	fixSplit      = "ask for fewer owners at once: set owner_ids"
	fixRange      = "the vendor does not tell this range of time: lower backfill_days, and look at the clock"
)

// rule is what one errcode means for the caller.
type rule struct {
	class  fetch.Class
	remedy string
	// at are the endpoints for which the class is another one.
	at map[string]fetch.Class
}

// classAt is the class of a code at some endpoints.
func classAt(class fetch.Class, endpoints ...string) map[string]fetch.Class {
	classes := make(map[string]fetch.Class, len(endpoints))
	for _, e := range endpoints {
		classes[e] = class
	}
	return classes
}

// besides are the endpoints of what comes with the chats. An app that has no right
// to these, or to some people there, must not be kept from the chats.
var besides = classAt(fetch.ClassDenied, endpointMessages, endpointTasks, endpointResults, endpointJoinWay)

// rules class every code of the vendor's error table that reading can meet, and
// the neighbours that are confused with them. Meanings: vendor doc 90313.
var rules = map[int64]rule{
	-1:   {class: fetch.ClassTransient}, // system busy
	6000: {class: fetch.ClassTransient}, // concurrent writers

	40001:  {class: fetch.ClassAuth, remedy: fixApp}, // also a stale token
	40013:  {class: fetch.ClassAuth, remedy: fixApp},
	40014:  {class: fetch.ClassAuth, remedy: fixApp}, // token invalid
	40091:  {class: fetch.ClassAuth, remedy: fixApp},
	41001:  {class: fetch.ClassAuth, remedy: fixApp}, // token missing
	41002:  {class: fetch.ClassAuth, remedy: fixApp},
	41004:  {class: fetch.ClassAuth, remedy: fixApp},
	42001:  {class: fetch.ClassAuth, remedy: fixApp}, // token expired
	45031:  {class: fetch.ClassAuth, remedy: "the secret is too weak for the vendor: reset it in the admin console"},
	50003:  {class: fetch.ClassAuth, remedy: "the app is disabled: enable it in the admin console"},
	43009:  {class: fetch.ClassAuth, remedy: fixCorp},
	610016: {class: fetch.ClassAuth, remedy: fixCorp},
	301007: {class: fetch.ClassAuth, remedy: fixCorp},
	90510:  {class: fetch.ClassAuth, remedy: fixCorp}, // no active user for a year
	48001:  {class: fetch.ClassAuth, remedy: fixPermission, at: besides},
	48002:  {class: fetch.ClassAuth, remedy: fixPermission, at: besides},
	48004:  {class: fetch.ClassAuth, remedy: fixPermission, at: besides},
	48005:  {class: fetch.ClassAuth, remedy: "the vendor has retired this API", at: besides},
	48006:  {class: fetch.ClassAuth, remedy: fixPermission, at: besides},
	84074:  {class: fetch.ClassAuth, remedy: fixPermission, at: besides},
	301002: {class: fetch.ClassAuth, remedy: fixPermission, at: besides},
	60020:  {class: fetch.ClassAuth, remedy: fixIP},
	301042: {class: fetch.ClassAuth, remedy: fixIP},
	701008: {class: fetch.ClassAuth, remedy: fixLicence, at: besides},
	701016: {class: fetch.ClassAuth, remedy: fixLicence, at: besides},
	701099: {class: fetch.ClassAuth, remedy: fixLicence, at: besides},

	45009: {class: fetch.ClassThrottled}, // frequency, or an address banned for wrong secrets
	45011: {class: fetch.ClassThrottled}, // of a sister platform: its minute is spent
	45033: {class: fetch.ClassThrottled}, // concurrency

	45029: {class: fetch.ClassTooLarge, remedy: fixSplit},
	81017: {class: fetch.ClassTooLarge, remedy: fixSplit}, // over 1000 visible people without owner_filter

	// A userid that has resigned, in a filter, is refused like a wrong one. At the
	// results of a sender it is what was asked for, and nothing else is.
	40003:  {class: fetch.ClassRefused, at: classAt(fetch.ClassGone, endpointResults)},
	40031:  {class: fetch.ClassRefused},
	40032:  {class: fetch.ClassRefused},
	40035:  {class: fetch.ClassRefused},
	40056:  {class: fetch.ClassRefused},
	40058:  {class: fetch.ClassRefused},
	40063:  {class: fetch.ClassRefused},
	40066:  {class: fetch.ClassRefused},
	40068:  {class: fetch.ClassRefused},
	60123:  {class: fetch.ClassRefused},
	41009:  {class: fetch.ClassRefused},
	41016:  {class: fetch.ClassRefused},
	41043:  {class: fetch.ClassRefused},
	41046:  {class: fetch.ClassRefused},
	41059:  {class: fetch.ClassRefused},
	81013:  {class: fetch.ClassRefused},
	82001:  {class: fetch.ClassRefused},
	640014: {class: fetch.ClassRefused}, // of the drive product
	// Of writing only; met here they mean that we called something wrong.
	40097: {class: fetch.ClassRefused},
	90500: {class: fetch.ClassRefused},
	90502: {class: fetch.ClassRefused},
	90504: {class: fetch.ClassRefused},
	90507: {class: fetch.ClassRefused},
	90508: {class: fetch.ClassRefused},

	// The range of time. Statistics are asked for whole days and at most 30 of
	// them, mass messages for at most 28 days, so what remains is a time that is too
	// old, or not over yet.
	600018: {
		class: fetch.ClassRefused, remedy: fixRange,
		at: classAt(fetch.ClassOutside, endpointStatistic, endpointByDay, endpointMessages),
	},

	// On groupchat/get the chat does not exist; anywhere else a chat id in the
	// params is wrong. The vendor sends the same for a GET instead of a POST.
	40050: {class: fetch.ClassRefused, at: classAt(fetch.ClassGone, endpointGet)},
	49008: {class: fetch.ClassGone}, // dismissed
	90501: {class: fetch.ClassGone}, // not a customer group
	90509: {class: fetch.ClassGone}, // not a customer group of WeCom
	41044: {class: fetch.ClassGone}, // join way
	41047: {class: fetch.ClassGone}, // mass message
	41060: {class: fetch.ClassGone}, // moment
	41093: {class: fetch.ClassGone}, // mass message was cancelled
	84061: {class: fetch.ClassGone}, // no such relation

	40096:  {class: fetch.ClassDenied, remedy: fixVisible},
	50002:  {class: fetch.ClassDenied, remedy: fixVisible},
	60011:  {class: fetch.ClassDenied, remedy: fixVisible},
	60021:  {class: fetch.ClassDenied, remedy: fixVisible},
	60111:  {class: fetch.ClassDenied, remedy: fixVisible},
	92000:  {class: fetch.ClassDenied, remedy: fixVisible},
	41061:  {class: fetch.ClassDenied}, // not this member's moment
	41062:  {class: fetch.ClassDenied}, // not published by the member yet
	41067:  {class: fetch.ClassDenied}, // wrong kind of moment
	301059: {class: fetch.ClassDenied}, // not an internal chat

	// A mass message is still going out: minutes. The list says so of none in
	// particular.
	41063: {class: fetch.ClassNotReady, at: classAt(fetch.ClassTransient, endpointMessages)},
}

// isTokenCode reports whether a business call was refused because of its token.
func isTokenCode(code string) bool {
	switch code {
	case "40001", "40014", "41001", "42001":
		return true
	}
	return false
}

// isCredentialCode reports whether gettoken was refused because of what only a
// person can change. Asking again and again gets the address banned for an hour
// (vendor doc 90313 on 45009).
func isCredentialCode(code string) bool {
	switch code {
	case "40001", "40013", "40091", "41002", "41004", "45031", "50003":
		return true
	}
	return false
}

// classify turns the envelope of an answer into an error, or nil for errcode 0.
func classify(endpoint string, out outcome, cursor bool) *fetch.Error {
	if out.code == 0 {
		return nil
	}
	bad := &fetch.Error{Code: strconv.FormatInt(out.code, 10), Message: shorten(out)}
	r, known := rules[out.code]
	switch {
	case !known:
		bad.Class = fetch.ClassTransient
		bad.Remedy = "the code is unknown to syncd: look it up in the vendor's error table"
	case r.at[endpoint] != fetch.ClassUnknown:
		bad.Class, bad.Remedy = r.at[endpoint], r.remedy
	default:
		bad.Class, bad.Remedy = r.class, r.remedy
	}
	if cursor && bad.Class == fetch.ClassRefused {
		// No code is documented for a cursor that has died. Without it the
		// same params are asked again, which shows what was refused.
		bad.Class = fetch.ClassCursorGone
	}
	return bad
}

var (
	hint     = regexp.MustCompile(`hint: ?\[([^\]]*)\]`)
	callerIP = regexp.MustCompile(`from ip: ?([0-9a-fA-F.:]+)`)
)

// shorten keeps of errmsg the text, and the hint, which is what the vendor's
// support asks for. The caller's address stays where it is the matter.
func shorten(out outcome) string {
	text, _, _ := strings.Cut(out.message, ", hint:")
	text, _, _ = strings.Cut(text, ", from ip:")
	text, _, _ = strings.Cut(text, ", more info at")
	if found := hint.FindStringSubmatch(out.message); found != nil && found[1] != "" {
		text += fmt.Sprintf(" (hint %s)", found[1])
	}
	if rules[out.code].remedy == fixIP {
		if found := callerIP.FindStringSubmatch(out.message); found != nil {
			text += " (from " + found[1] + ")"
		}
	}
	return text
}
