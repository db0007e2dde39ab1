// Package dingtalk is DingTalk's (钉钉) customer group API over real HTTP, with a
// made-up tenant behind it: what `syncd sim --vendor dingtalk` serves, and what
// tests talk to. It is written from the vendor's documentation alone and shares no
// type with the clients of this module, so a misreading cannot hide on both sides.
//
// # What it answers
//
//	POST /v1.0/oauth2/accessToken             获取企业内部应用的accessToken
//	POST /v1.0/oauth2/corpAccessToken         获取定制应用的accessToken
//	GET  /v1.0/crm/crmGroupChats              查询客户群列表
//	POST /v1.0/crm/crmGroupChats/query        one group, its id in the query
//	POST /v1.0/crm/crmGroupChats/batchQuery   批量查询客户群
//	GET  /v1.0/crm/groupSets/lists            group sets
//	GET  /v1.0/crm/groupSets                  one group set
//	POST /v1.0/robot/groupMessages/query      查询企业机器人群聊消息用户已读状态
//
// Success is HTTP 200 with the object itself; an error is HTTP 4xx or 5xx with code,
// message and requestid. The token goes in x-acs-dingtalk-access-token and nowhere
// else. It is strict: unknown parameters and fields, a page size out of range, a
// queryDsl that leaves its grammar ("客户群查询DSL语法说明"), a cursor sent with other
// params than it was born with are all refused. Where the vendor's documents say
// nothing the choice is an option or stands in the comment of the code that makes
// it.
//
// # Limits
//
// 20 calls a second and endpoint, whichever second; 5,000 calls a calendar month in
// China for the organisation, tokens aside; 10,000 calls in 20 s from one address,
// which are followed by a ban of five minutes and answered with a page of HTML. See
// [Limits], and [Sim.MonthlyCalls] for the meter. A call that a limit refuses costs
// nothing of the next limit.
//
// # The tenant
//
// Everything a group is at a moment is a pure function of seed, number and clock.
// The clock starts at [Options.Start] and stands still until it is moved. As it
// moves on, groups appear and dissolve, are renamed, pass to other owners, grow and
// shrink; sets change; robots send messages, which people read. Every fortieth group
// shares its gmtCreate with the one before. Six groups in ten were made from a set.
//
// A message can be asked for from when it is ready until [Options.KeyTTL] after it
// was sent; it is PROCESSING first, then SUCCESS, and one in 25 is RECALLED. Its
// readers come one by one, in the order in which they read. [Sim.Messages] has the
// keys.
//
// Tokens, the limits of second and address, and bans live in service time: the real
// time (or [Options.Now]) plus what the clock was moved. The month is the clock's.
//
// # Control
//
//	GET    /_sim/clock           {"now":"2026-11-01T09:00:00+08:00"}
//	POST   /_sim/clock           {"advance":"24h"} or {"now":"2026-11-02T09:00:00+08:00"}; never back
//	GET    /_sim/calls           calls per endpoint and code, most in flight
//	DELETE /_sim/calls           sets them to zero
//	GET    /_sim/tenant          the truth at the clock: groups, sets, messages, calls of the month
//	GET    /_sim/messages        the robot messages: key, group, robot, when they were sent
//	POST   /_sim/month           {"spend":100}: calls that other apps make
//	POST   /_sim/tokens/expire   ends every token
//	GET    /_sim/faults          the faults in force, and the catalogue
//	POST   /_sim/faults          {"fault":"qps:on=chats,every=10"} puts one into force
//	DELETE /_sim/faults          lifts them all
//
// These are neither counted nor limited nor scripted, and ask for no token: serve
// the simulator on loopback only. In-process tests have the same as methods of
// [Sim], and can block, replace, edit, cut and delay answers with a [Script].
//
// # Faults
//
// A fault is one named thing that goes wrong, written NAME or NAME:KEY=VALUE,… and
// put into force with [Sim.Arm], `syncd sim --fault` or a control call. See package
// fault.
//
//	credential  token-expired, wrong-secret, permission-denied, ip-not-listed
//	limits      qps, qpm, throttled, month-spent, ip-ban, unavailable, system-error, refused
//	network     gateway (5xx, an HTML page, foreign JSON), drop, cut, stall, slow, huge
//	list        cursor-dead, cursor-repeated, no-cursor, empty-pages, rows-repeated, rows-skipped, oversized-page, unlisted, wrong-total
//	rows        no-rows, no-list, rows-doubled, unreadable, bad-text, unknown-fields, quoted-numbers
//	subject     gone, other-chat, expire-time, status
//	time        time-passes
//
// Which calls, for every fault:
//
//	on                    endpoints joined by +: token, corp-token, chats, chat, batch, sets, set, reads
//	page, type, chat, key what is asked for: head or next pages, one relation type, one group, one message
//	at, every, from, to   which of the calls that match so far, counted from 1
//	times                 how often at most
//	p, seed               with which probability, and how that is drawn
//
// # Odd shapes
//
// With [Options.Odd] some answers take the shapes that a client has to survive:
// numbers as strings, unknown fields, null for "none", an empty list left out, a
// nextToken beside hasMore false, the other spelling of an error's fields, NUL, lone
// surrogates and bytes that are no UTF-8 in names. The truth ([Sim.Chat]) holds such
// names as the bytes sent; a lone surrogate stands in it as its three bytes.
package dingtalk
