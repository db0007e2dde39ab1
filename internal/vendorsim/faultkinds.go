package vendorsim

import (
	"bytes"
	"math"
	"slices"
	"time"

	"syncd/internal/vendorsim/fault"
	"syncd/internal/vendorsim/rawjson"
)

type (
	faultKind   = fault.Kind[*call]
	faultParams = fault.Params
	strike      = fault.Strike[*call]
)

// sends are the endpoints of what became of mass messages.
var sends = []string{onTasks, onResults}

// onNextPages is what strikes only where a list goes on.
var onNextPages = map[string]string{"page": fault.PageNext}

// faultKinds is the catalogue, in the order of a call's way: credential, limits,
// network, body, list, detail, mass messages and join ways, time.
var faultKinds = slices.Concat(
	[]faultKind{
		{
			Name: "token-expired", Does: "the token in use ends; the call is answered 42001", On: business, Only: business,
			Make: func(*faultParams) func() strike { return loseToken(false) },
		},
		{
			Name: "token-invalid", Does: "the token in use ends; the call is answered 40014", On: business, Only: business,
			Make: func(*faultParams) func() strike { return loseToken(true) },
		},
		{
			Name: "wrong-secret", Does: "the secret is refused (40001)", On: []string{onToken}, Only: []string{onToken},
			Make: func(*faultParams) func() strike { return refuseWith(codeWrongSecret) },
		},
		{
			Name: "limited", Does: "a call limit is spent: 45009 at this endpoint for as long as the limit's span, in service time",
			On: []string{onGet},
			Make: func(p *faultParams) func() strike {
				hour := p.Choice("per", "the limit's span", "minute", "hour") == "hour"
				return fault.Always(func(c *call, _ *Verdict) { c.sim.block(c.request.Endpoint, hour) })
			},
		},
		{
			Name: "congested", Does: "too many calls at once (45033)", On: []string{onGet},
			Make: func(*faultParams) func() strike { return refuseWith(codeTooManyAtOnce) },
		},
		{
			Name: "busy", Does: "the vendor's system is busy (-1)", On: everywhere,
			Make: func(*faultParams) func() strike { return refuseWith(codeBusy) },
		},
		{
			Name: "errcode", Does: "the call is refused with a code", On: business,
			Make: func(p *faultParams) func() strike {
				return refuseWith(p.Count("code", codeBusy, math.MinInt32, math.MaxInt32, "the errcode"))
			},
		},
	},
	fault.Network[*call](everywhere, []string{onGet}, `{"errcode":0,"errmsg":"ok",`),
	[]faultKind{
		{
			Name: "cursor-dead", Does: "a cursor is refused", On: []string{onList}, Only: paged, Defaults: onNextPages,
			Make: func(p *faultParams) func() strike {
				return refuseWith(p.Count("code", codeBadArgument, math.MinInt32, math.MaxInt32, "the errcode"))
			},
		},
		{
			Name: "cursor-repeated", Does: "a page leads to a page that was read before", On: []string{onList},
			Only: paged, Defaults: onNextPages, Make: makeRepeatedCursor,
		},
		{
			Name: "empty-pages", Does: "an empty page with a good next cursor comes in between", On: []string{onList},
			Only: paged, Make: makeEmptyPages,
		},
		{
			Name: "rows-repeated", Does: "a page begins with the last rows of the page before", On: []string{onList},
			Only: paged, Defaults: onNextPages,
			Make: func(p *faultParams) func() strike {
				return bendList(listBend{shift: -p.Count("rows", 3, 1, listLimitMax, "how many; keep it below the page size")})
			},
		},
		{
			Name: "rows-skipped", Does: "rows between two pages are left out, as if others had moved into their place",
			On: []string{onList}, Only: paged, Defaults: onNextPages,
			Make: func(p *faultParams) func() strike {
				return bendList(listBend{shift: p.Count("rows", 3, 1, listLimitMax, "how many")})
			},
		},
		{
			Name: "oversized-page", Does: "a page is larger than was asked for", On: []string{onList}, Only: paged,
			Make: func(p *faultParams) func() strike {
				return bendList(listBend{stretch: p.Count("by", 3, 2, 100, "how many times larger")})
			},
		},
		{
			Name: "bad-owner", Does: "a call that names this owner in owner_filter, userid or creator is refused (40003)", On: []string{onList},
			Only: []string{onList, onStats, onDayStats, onMessages, onResults}, Defaults: map[string]string{"owner": "#0"},
			Make: func(*faultParams) func() strike { return refuseWith(codeBadUserID) },
		},
		{
			Name: "no-rows", Does: "the list is empty, without cursor, beside errcode 0", On: []string{onList}, Only: business,
			Make: func(*faultParams) func() strike { return editEach(emptied) },
		},
		{
			Name: "rows-doubled", Does: "every row of the list comes twice", On: []string{onList}, Only: business,
			Make: func(*faultParams) func() strike { return editEach(doubled) },
		},
		{
			Name: "unreadable", Does: "a row of the list cannot be read, or not all of it", On: []string{onList}, Only: business,
			Make: makeUnreadable,
		},
		{
			Name: "bad-text", Does: "texts hold what PostgreSQL does not take", On: []string{onGet},
			Only: []string{onList, onGet, onMessages, onJoinWay}, Make: makeBadText,
		},
		{
			Name: "unknown-fields", Does: "every object has fields that no document knows", On: everywhere,
			Make: func(*faultParams) func() strike { return fault.EditBody[*call](rawjson.AddFields) },
		},
		{
			Name: "quoted-numbers", Does: "every number is a string", On: everywhere,
			Make: func(*faultParams) func() strike { return fault.EditBody[*call](rawjson.QuoteNumbers) },
		},
		{
			Name: "gone", Does: "the chat is answered as one that is not there, or not of the kind", On: []string{onGet},
			Only: []string{onGet},
			Make: func(p *faultParams) func() strike {
				return refuseWith(p.Count("code", codeNoChat, 1, math.MaxInt32, "40050 unknown, 49008 dismissed, 90501 or 90509 no customer group"))
			},
		},
		{
			Name: "no-owner", Does: "the owner is missing from the members", On: []string{onGet}, Only: []string{onGet},
			Make: func(*faultParams) func() strike { return editEach(ownerless) },
		},
		{
			Name: "other-chat", Does: "the answer is about another chat", On: []string{onGet}, Only: []string{onGet},
			Make: func(*faultParams) func() strike {
				return fault.Always(func(c *call, v *Verdict) { v.AddEdit(editObject(c.sim.renamed)) })
			},
		},
		{
			Name: "listed-late", Does: "mass messages that are younger are not in the list yet", On: []string{onMessages},
			Only: []string{onMessages},
			Make: func(p *faultParams) func() strike {
				by := p.Duration("by", time.Hour, "younger than what")
				return fault.Always(func(c *call, _ *Verdict) { c.listedLate = by })
			},
		},
		{
			Name: "dispatching", Does: "the mass message is still being dispatched (41063)", On: sends, Only: sends,
			Make: func(*faultParams) func() strike { return refuseWith(codeDispatching) },
		},
		{
			Name: "cancelled", Does: "the mass message has been cancelled (41093)", On: sends, Only: sends,
			Make: func(*faultParams) func() strike { return refuseWith(codeCancelled) },
		},
		{
			Name: "message-gone", Does: "the mass message is answered as one that is not there (41047)", On: sends, Only: sends,
			Make: func(*faultParams) func() strike { return refuseWith(codeBadMessageID) },
		},
		{
			Name: "way-gone", Does: "the join way is answered as one that is not there, or of another app (41044)",
			On: []string{onJoinWay}, Only: []string{onJoinWay},
			Make: func(*faultParams) func() strike { return refuseWith(codeBadConfigID) },
		},
		{
			Name: "time-passes", Does: "the tenant's clock moves on first: what was listed may have vanished since, the token be too old",
			On: []string{onGet},
			Make: func(p *faultParams) func() strike {
				by := p.Duration("by", 24*time.Hour, "how far")
				return fault.Always(func(c *call, _ *Verdict) { _, _ = c.sim.Advance(by) }) // never back
			},
		},
	},
)

func loseToken(invalid bool) func() strike {
	return fault.Always(func(c *call, _ *Verdict) { c.sim.ExpireTokens(invalid) })
}

func refuseWith(code int) func() strike {
	return fault.Always(func(c *call, v *Verdict) { v.Give(Answer{Body: c.sim.refuse(refusal{code: code}, c)}) })
}

func bendList(b listBend) func() strike {
	return fault.Always(func(c *call, _ *Verdict) { c.list = b })
}

// makeBadText spoils names and texts, and an unknown field in each row of the list
// of chats: those have no text but their id.
func makeBadText(p *faultParams) func() strike {
	bad := fault.BadText(p)
	return fault.EditBody[*call](func(body []byte) []byte {
		body = fault.BeginWith(body, bad, "name", "group_nickname", "content", "title", "remark", "room_base_name")
		if bytes.Contains(body, []byte(`"group_chat_list"`)) {
			body = bytes.ReplaceAll(body, []byte(`{"chat_id":`), []byte(`{"remark":"`+bad+`","chat_id":`))
		}
		return body
	})
}
