// Package vendorsim is WeCom's group chat API over real HTTP, with a made-up
// tenant behind it: what `syncd sim` and `syncd demo` serve, and what tests talk
// to. It is written from the vendor's documentation alone and shares no type
// with the clients of this module, so a misreading cannot hide on both sides.
//
// # What it answers
//
//	GET  /cgi-bin/gettoken                                 vendor doc 91039
//	GET  /cgi-bin/externalcontact/get_follow_user_list     vendor doc 92571
//	POST /cgi-bin/externalcontact/groupchat/list           vendor doc 92120
//	POST /cgi-bin/externalcontact/groupchat/get            vendor doc 92122
//	POST /cgi-bin/externalcontact/groupchat/statistic      vendor doc 92133
//	POST …/groupchat/statistic_group_by_day                vendor doc 92133
//	POST …/groupchat/get_join_way                          vendor doc 92229
//	POST /cgi-bin/externalcontact/get_groupmsg_list_v2     vendor doc 96355
//	POST /cgi-bin/externalcontact/get_groupmsg_task        vendor doc 93338
//	POST …/externalcontact/get_groupmsg_send_result        vendor doc 93338
//
// It is strict: a limit outside 1 to 1000, an unknown request field, a cursor
// sent with other params than it was born with, a number sent as a string, all
// are refused with the documented code, as HTTP 200 with errcode beside an empty
// list. Only mass messages take a limit that is too large for none at all, as
// documented. Where the vendor's sources say nothing or disagree the choice is an
// option or stands in the comment of the code that makes it. Call limits block
// for as long as their window (vendor doc 90312).
//
// # The tenant
//
// Everything a chat is at a moment is a pure function of seed, chat number and
// clock. Two simulators with the same options and clock answer the same calls
// with the same bytes; memory does not grow with members. The clock starts at
// [Options.Start] and stands still until it is moved. As it moves on, members
// join, leave and come back, chats are renamed, get new notices, pass to other
// owners (at once, or over status 1, 2 and 3 when an owner resigns), dissolve and
// appear. Chat number 7 has [Options.MaxMembers] members, as has one in about a
// thousand.
//
// Tokens, call limits and bans live in service time: the real time (or
// [Options.Now]) plus what the clock was moved. So a block of 60 seconds ends by
// waiting or by moving the clock.
//
// # Statistics
//
// A day is one in China, from [Options.StatDaysBack] days ago to yesterday, by the
// tenant's clock: at midnight the window moves. At most 30 days in a row and 100
// owners can be asked for at once; all else is 600018, 40032 or 40003.
//
// The figures of a day are those of the tenant at its last second, see [Figures]:
// a chat counts for who owns it then, with everybody who is in it. Only messages
// have nothing behind them: they are drawn for each chat and day. What no document
// says is decided so:
//
//   - statistic over several days sums new_chat_cnt, new_member_cnt and msg_total,
//     takes chat_total and member_total from the last day, and counts chats and
//     members with a message once;
//   - statistic_group_by_day of several owners is the sum over them, also of
//     people who are in chats of two;
//   - an owner who never had a chat has no row, one who has none left has zeros
//     ([Options.StatRows]);
//   - yesterday is all zero until [Options.ReadyHour];
//   - few rows change once more, appear or vanish, at the ready hour of the second
//     or third day after their own ([Options.Corrections]), and never later;
//   - one owner who is unknown, has resigned ([Options.Resigned]) or is out of
//     sight ([Sim.Hide]) spoils the whole call.
//
// Days before [Options.Start] have figures too, of the tenant as it would have
// grown: the chats and members of the start, from when they were created and
// joined. Nobody left and no chat was dissolved or handed over before the start,
// but by owners who resigned.
//
// The numbers come from an index of 64 days at a time, made when first asked for.
// With [Options.StatsOnly] they are drawn for each owner and day instead: thousands
// of owners cost nothing, and chats and details say something else.
//
// # Mass messages
//
// [Options.GroupMessages] are made a day, from 200 days before the start on, to
// chats or to customers, by a person or by the organisation. Their senders are
// people who own chats then; what they send goes to the chats that are theirs at
// that moment, or to the customers in up to three of them. Five in six senders do
// it, within six days, and what they sent arrives within ten minutes more: a task
// can be done while a result is still 0. A chat that has passed on or dissolved
// before is 2, other failures are drawn. After six days nothing changes any more.
// What no document says is decided so:
//
//   - a month is one of the calendar, both ends included; a longer span, one in
//     milliseconds or with its ends exchanged is 600018;
//   - the list is in the order of time, and has a message from its first second on;
//   - tasks and results are refused with 41063 for up to ten minutes, and with 41093
//     from when a message is cancelled on, which one in 25 is;
//   - results of somebody who was not asked to send, or has resigned
//     ([Options.Resigned]), are refused with 40003, and so is such a creator.
//
// # Join ways
//
// One chat in three belongs to a join way, and none to two. Members who scanned its
// code carry its state, which other ways use too: only chat and state together tell
// the way. The vendor has no list of them, see [Sim.JoinWays]. A way that is
// unknown, of another app or deleted is refused with 41044, the code of contact
// ways; what join ways have is said nowhere.
//
// # Control
//
//	GET    /_sim/clock           {"now":"2026-11-01T09:00:00+08:00"}
//	POST   /_sim/clock           {"advance":"24h"} or {"now":"2026-11-02T09:00:00+08:00"}; never back
//	GET    /_sim/calls           calls per endpoint and errcode, most in flight
//	DELETE /_sim/calls           sets them to zero
//	GET    /_sim/tenant          the truth at the clock: chats, memberships, owners
//	GET    /_sim/messages        the truth at the clock: mass messages of 30 days, and their tasks
//	GET    /_sim/join_ways       the truth at the clock: config_ids, states, chats, when deleted
//	POST   /_sim/tokens/expire   {"as":"expired"} (42001, the default) or {"as":"invalid"} (40014)
//	GET    /_sim/hidden          owners out of sight: their codes by userid
//	POST   /_sim/hidden          {"owners":["li.lei","#7"],"code":60011}: statistics of these are refused
//	DELETE /_sim/hidden          brings them all back into sight
//	GET    /_sim/faults          the faults in force, and the catalogue
//	POST   /_sim/faults          {"fault":"busy:on=get,every=10"} puts one into force
//	DELETE /_sim/faults          lifts them all
//
// These are neither counted nor limited nor scripted, and ask for no token: serve
// the simulator on loopback only. In-process tests have the same as methods of
// [Sim], and can block, replace, edit, cut and delay answers with a [Script].
//
// # Faults
//
// A fault is one named thing that goes wrong, written NAME or NAME:KEY=VALUE,… and
// put into force with [Sim.Arm], `syncd sim --fault` or a control call. Many can
// be in force; each strikes the calls that it matches, after the [Script] has had
// its word.
//
//	credential  token-expired, token-invalid, wrong-secret
//	limits      limited (45009 for a minute or an hour), congested (45033), busy (-1), errcode
//	network     gateway (5xx, an HTML page, foreign JSON), drop, cut, stall, slow, huge
//	list        cursor-dead, cursor-repeated, empty-pages, rows-repeated, rows-skipped, oversized-page, bad-owner
//	rows        no-rows, rows-doubled, unreadable, bad-text, unknown-fields, quoted-numbers
//	detail      gone, no-owner, other-chat
//	messages    listed-late, dispatching, cancelled, message-gone
//	join ways   way-gone
//	time        time-passes
//
// Which calls, for every fault:
//
//	on                  endpoints joined by +: token, owners, list, get, stats, day_stats,
//	                    messages, tasks, results, join_way
//	page, chat, owner   what is asked for: head or next pages, one chat, calls that name
//	                    one person in owner_filter, userid or creator
//	message, way        one mass message's tasks and results, one join way
//	at, every, from, to which of the calls that match so far, counted from 1
//	times               how often at most
//	p, seed             with which probability, and how that is drawn
//
// Of several requests in flight at once it is open which one is counted first.
// [Faults] and [FaultWhen] have all parameters with their defaults.
//
// # Odd shapes
//
// With [Options.Odd] some answers take the shapes that a client has to survive:
// numbers as strings, unknown fields, null for "none", NUL, lone surrogates and
// bytes that are no UTF-8 in texts, join scenes 0 and 17, join time 0, one person
// in a chat twice, pages shorter than their limit, an unknown status, attachments of
// an unknown kind, tasks that are sent with status 1 or 3, join ways of type and
// scene 3. The truth
// ([Sim.Chat]) holds such texts as the bytes sent; a lone surrogate stands in it
// as its three bytes (ED A0 80 for \ud800), which are not valid UTF-8.
package vendorsim
