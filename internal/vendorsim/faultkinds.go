package vendorsim

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// faultKinds is the catalogue, in the order of a call's way: credential, limits,
// network, body, list, detail, time.
var faultKinds = []faultKind{
	{
		name: "token-expired", does: "the token in use ends; the call is answered 42001", on: business, only: business,
		make: func(*faultParams) func() strike { return func() strike { return loseToken(false) } },
	},
	{
		name: "token-invalid", does: "the token in use ends; the call is answered 40014", on: business, only: business,
		make: func(*faultParams) func() strike { return func() strike { return loseToken(true) } },
	},
	{
		name: "wrong-secret", does: "the secret is refused (40001)", on: []string{onToken}, only: []string{onToken},
		make: func(*faultParams) func() strike { return refuseWith(codeWrongSecret) },
	},
	{
		name: "limited", does: "a call limit is spent: 45009 at this endpoint for as long as the limit's span, in service time",
		on: []string{onGet},
		make: func(p *faultParams) func() strike {
			hour := p.choice("per", "the limit's span", "minute", "hour") == "hour"
			return func() strike { return func(s *Sim, c *call, _ *Verdict) { s.block(c.request.Endpoint, hour) } }
		},
	},
	{
		name: "congested", does: "too many calls at once (45033)", on: []string{onGet},
		make: func(*faultParams) func() strike { return refuseWith(codeTooManyAtOnce) },
	},
	{
		name: "busy", does: "the vendor's system is busy (-1)", on: everywhere,
		make: func(*faultParams) func() strike { return refuseWith(codeBusy) },
	},
	{
		name: "errcode", does: "the call is refused with a code", on: business,
		make: func(p *faultParams) func() strike {
			return refuseWith(p.count("code", codeBusy, math.MinInt32, math.MaxInt32, "the errcode"))
		},
	},
	{
		name: "gateway", does: "something before the vendor answers in its place", on: everywhere, make: makeGateway,
	},
	{
		name: "drop", does: "the connection ends before the answer's header", on: everywhere,
		make: func(*faultParams) func() strike {
			return func() strike { return func(_ *Sim, _ *call, v *Verdict) { v.Drop = true } }
		},
	},
	{name: "cut", does: "the body ends early", on: everywhere, make: makeCut},
	{
		name: "stall", does: "the body stops halfway, and the connection stays open", on: everywhere,
		make: func(p *faultParams) func() strike {
			after := p.count("after", 20, 0, math.MaxInt32, "bytes that come")
			return func() strike {
				return func(_ *Sim, _ *call, v *Verdict) { v.Cut, v.CutAfter, v.Stall = true, after, true }
			}
		},
	},
	{
		name: "slow", does: "the answer comes late", on: everywhere,
		make: func(p *faultParams) func() strike {
			delay := p.duration("delay", time.Hour, "how late, in real time")
			return func() strike { return func(_ *Sim, _ *call, v *Verdict) { v.Delay += delay } }
		},
	},
	{name: "huge", does: "the body is longer than anyone should read", on: []string{onGet}, make: makeHuge},

	{
		name: "cursor-dead", does: "a cursor is refused", on: []string{onList}, only: []string{onList}, page: pageNext,
		make: func(p *faultParams) func() strike {
			return refuseWith(p.count("code", codeBadArgument, math.MinInt32, math.MaxInt32, "the errcode"))
		},
	},
	{
		name: "cursor-repeated", does: "a page leads to a page that was read before", on: []string{onList},
		only: []string{onList}, page: pageNext, make: makeRepeatedCursor,
	},
	{
		name: "empty-pages", does: "an empty page with a good next cursor comes in between", on: []string{onList},
		only: []string{onList}, make: makeEmptyPages,
	},
	{
		name: "rows-repeated", does: "a page begins with the last rows of the page before", on: []string{onList},
		only: []string{onList}, page: pageNext,
		make: func(p *faultParams) func() strike {
			return bendList(listBend{shift: -p.count("rows", 3, 1, listLimitMax, "how many; keep it below the page size")})
		},
	},
	{
		name: "rows-skipped", does: "rows between two pages are left out, as if others had moved into their place",
		on: []string{onList}, only: []string{onList}, page: pageNext,
		make: func(p *faultParams) func() strike {
			return bendList(listBend{shift: p.count("rows", 3, 1, listLimitMax, "how many")})
		},
	},
	{
		name: "oversized-page", does: "a page is larger than was asked for", on: []string{onList}, only: []string{onList},
		make: func(p *faultParams) func() strike {
			return bendList(listBend{stretch: p.count("by", 3, 2, 100, "how many times larger")})
		},
	},
	{
		name: "bad-owner", does: "an owner_filter that holds this owner is refused (40003)", on: []string{onList},
		only: []string{onList}, owner: "#0",
		make: func(*faultParams) func() strike { return refuseWith(codeBadUserID) },
	},
	{
		name: "no-rows", does: "the list is empty, without cursor, beside errcode 0", on: []string{onList}, only: business,
		make: func(*faultParams) func() strike { return editEach(emptied) },
	},
	{
		name: "rows-doubled", does: "every row of the list comes twice", on: []string{onList}, only: business,
		make: func(*faultParams) func() strike { return editEach(doubled) },
	},
	{
		name: "unreadable", does: "a row of the list cannot be read, or not all of it", on: []string{onList}, only: business,
		make: makeUnreadable,
	},
	{
		name: "bad-text", does: "texts hold what PostgreSQL does not take", on: []string{onGet}, only: []string{onList, onGet},
		make: makeBadText,
	},
	{
		name: "unknown-fields", does: "every object has fields that no document knows", on: everywhere,
		make: func(*faultParams) func() strike { return editBytes(withUnknownFields) },
	},
	{
		name: "quoted-numbers", does: "every number is a string", on: everywhere,
		make: func(*faultParams) func() strike { return editBytes(withQuotedNumbers) },
	},

	{
		name: "gone", does: "the chat is answered as one that is not there, or not of the kind", on: []string{onGet},
		only: []string{onGet},
		make: func(p *faultParams) func() strike {
			return refuseWith(p.count("code", codeNoChat, 1, math.MaxInt32, "40050 unknown, 49008 dismissed, 90501 or 90509 no customer group"))
		},
	},
	{
		name: "no-owner", does: "the owner is missing from the members", on: []string{onGet}, only: []string{onGet},
		make: func(*faultParams) func() strike { return editEach(ownerless) },
	},
	{
		name: "other-chat", does: "the answer is about another chat", on: []string{onGet}, only: []string{onGet},
		make: func(*faultParams) func() strike {
			return func() strike {
				return func(s *Sim, _ *call, v *Verdict) { v.edit(editObject(s.renamed)) }
			}
		},
	},
	{
		name: "time-passes", does: "the tenant's clock moves on first: what was listed may have vanished since, the token be too old",
		on: []string{onGet},
		make: func(p *faultParams) func() strike {
			by := p.duration("by", 24*time.Hour, "how far")
			return func() strike {
				return func(s *Sim, _ *call, _ *Verdict) { _, _ = s.Advance(by) } // never back
			}
		},
	},
}

func loseToken(invalid bool) strike {
	return func(s *Sim, _ *call, _ *Verdict) { s.ExpireTokens(invalid) }
}

func refuseWith(code int) func() strike {
	return func() strike {
		return func(s *Sim, c *call, v *Verdict) { v.answer(Answer{Body: s.refuse(refusal{code: code}, c)}) }
	}
}

func bendList(b listBend) func() strike {
	return func() strike { return func(_ *Sim, c *call, _ *Verdict) { c.list = b } }
}

const gatewayPage = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n" +
	"<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body>\r\n</html>\r\n"

func makeGateway(p *faultParams) func() strike {
	answer := Answer{Header: http.Header{}}
	answer.Status = p.count("status", http.StatusBadGateway, 200, 599, "the HTTP status")
	switch p.choice("body", "what it sends", "html", "json", "nothing") {
	case "html":
		answer.Body = []byte(gatewayPage)
		answer.Header.Set("Content-Type", "text/html")
	case "json":
		answer.Body = []byte(`{"message":"no healthy upstream"}`)
	}
	if after := p.count("retry-after", 0, 0, 1<<20, "seconds in a Retry-After header; 0 is no such header"); after > 0 {
		answer.Header.Set("Retry-After", strconv.Itoa(after))
	}
	return func() strike { return func(_ *Sim, _ *call, v *Verdict) { v.answer(answer) } }
}

func makeCut(p *faultParams) func() strike {
	after := p.count("after", 20, 0, math.MaxInt32, "bytes that come")
	if p.choice("as", "broken off under the length of the whole, or sent as if it were whole", "broken", "whole") == "broken" {
		return func() strike { return func(_ *Sim, _ *call, v *Verdict) { v.Cut, v.CutAfter = true, after } }
	}
	return editBytes(func(body []byte) []byte { return body[:min(after, len(body))] })
}
