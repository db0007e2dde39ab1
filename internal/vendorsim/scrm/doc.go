// Package scrm is the group list of the Tanma SCRM (探马, tanmarket.cn) over real
// HTTP, with a made-up tenant behind it. It is written from the vendor's page on
// the group list (查询群列表, read in its version of 2022-05-21) and from how three
// public clients sign, and shares no type with the client of this module, so a
// misreading cannot hide on both sides.
//
// # What it answers
//
//	POST /api/v3/groupSop/getGroupList   groups with their SOP tasks
//	POST /api/v3/get-users               employees
//
// Both also below /apiServer. Most of what matters is documented nowhere: where
// the page is silent the choice is an [Options] field. It is strict in the rest: a
// call without JSON's content type is HTTP 415, one whose timestamp is not 13
// digits or too far from the vendor's clock is 1003, one whose headers or bytes do
// not fit its signature 1002. An unknown member, a number sent as a string, a
// pageNo below 1, a pageSize above the largest, a time not in yyyy-MM-dd HH:mm:ss
// are 40417, the one code of the 404xx family that is known. All these are HTTP 200
// with null data. A list has 10 rows a page unless asked otherwise. More than [Options.PerSecond] calls are HTTP 429.
//
// Calls are signed by the real time ([Options.Now]), which the header Date tells,
// however far the tenant's clock was moved: a client with a right clock stays
// right. Call limits go by the real time plus what the clock was moved.
//
// # The tenant
//
// Everything is a pure function of seed, number and clock, as long as nobody
// changes it by hand. Two simulators with the same options and clock answer the
// same calls with the same bytes. The clock starts at [Options.Start] and stands
// still until it is moved. As it moves on, groups appear, are dissolved (rows slide
// up), renamed, tagged anew and pass to other employees; tasks are added, change
// their sendStatus from 0 to 1 within hours and vanish. The groups of an employee
// who left stay his for some days.
//
// Ids of employees lie between 2^31 and 2^53. Task ids are UUIDs of version 1 whose
// time is the minute of startTime. Times are in China, without a zone.
//
// [Sim.Insert] and [Sim.Delete] change the tenant by hand, also between two pages
// of one list (from [Script.OnRequest], or by a control call). A [Moment] tells
// what has been done by then; [Sim.Throughout] and [Sim.Ever] bound what a pass
// between two of them may have seen.
//
// # Control
//
//	GET    /_sim/clock   {"now":"2026-11-01T09:00:00+08:00"}
//	POST   /_sim/clock   {"advance":"24h"} or {"now":"2026-11-02T09:00:00+08:00"}; never back
//	GET    /_sim/calls   calls per endpoint and code, most in flight
//	DELETE /_sim/calls   sets them to zero
//	GET    /_sim/tenant  the truth at the clock: groups, tasks, employees
//	POST   /_sim/groups  {"chat_id":"wr…","name":"…","sales_id":1,"created_at":"…"} inserts; all may be left out
//	DELETE /_sim/groups  {"chat_id":"wr…"} deletes
//	GET    /_sim/faults  the faults in force, and the catalogue
//	POST   /_sim/faults  {"fault":"skew:at=1"} puts one into force
//	DELETE /_sim/faults  lifts them all
//
// These are neither counted nor limited nor signed: serve the simulator on
// loopback only.
//
// # Faults
//
// A fault is one named thing that goes wrong, written NAME or NAME:KEY=VALUE,… and
// put into force with [Sim.Arm] or a control call. Many can be in force.
//
//	credential  bad-sign, bad-time, skew, wrong-key, limited, code
//	network     gateway (5xx, an HTML page, foreign JSON), drop, cut, stall, slow, huge
//	list        size-clamped, page-ignored, total-shrinks, rows-repeated, rows-skipped
//	rows        no-data, no-rows, rows-doubled, other-ids, null-arrays, unknown-fields,
//	            quoted-numbers, unreadable, unreadable-task, bad-text
//	tenant      inserted, deleted, time-passes
//
// Which calls, for every fault:
//
//	on                endpoints joined by +: groups, users
//	page, user        what is asked for: head or next pages, lists of one employee
//	at, every, from, to which of the calls that match so far, counted from 1
//	times             how often at most
//	p, seed           with which probability, and how that is drawn
//
// Of several requests in flight at once it is open which one is counted first.
// [Faults] and [FaultWhen] have all parameters with their defaults.
//
// # Odd shapes
//
// With [Options.Odd] some rows take the shapes that a client has to survive:
// salesId as a number and creatorId as a string, null for an empty array, unknown
// members, unknown values of sendStatus and mode, and NUL, lone surrogates and
// bytes that are no UTF-8 in names. The truth holds such texts as the bytes sent; a
// lone surrogate stands in it as its three bytes (ED A0 80 for \ud800).
package scrm
