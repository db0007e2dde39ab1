package dingtalk

import (
	"math"
	"net/http"
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

// onNextPages is what strikes only where a list goes on.
var onNextPages = map[string]string{"page": fault.PageNext}

// faultKinds is the catalogue, in the order of a call's way: credential, limits,
// network, list, rows, messages, time.
var faultKinds = slices.Concat(
	credentialFaults,
	limitFaults,
	fault.Network[*call](everywhere, []string{onChats}, `{"hasMore":false,`),
	listFaults,
	rowFaults,
	subjectFaults,
)

var credentialFaults = []faultKind{
	{
		Name: "token-expired", Does: "every token ends; the call is answered InvalidAuthentication", On: business, Only: business,
		Make: func(*faultParams) func() strike {
			return fault.Always(func(c *call, _ *Verdict) { c.sim.ExpireTokens() })
		},
	},
	{
		Name: "wrong-secret", Does: "the credential is refused: invalidClientIdOrSecret, invalidSuiteKey for a suite",
		On: credentials, Only: credentials,
		Make: func(*faultParams) func() strike {
			return fault.Always(func(c *call, v *Verdict) {
				code := codeWrongSecret
				if c.request.Endpoint == EndpointCorpToken {
					code = codeWrongSuite
				}
				v.Give(c.sim.refuse(refusal{code: code}, c))
			})
		},
	},
	{
		Name: "permission-denied", Does: "the app lacks a permission (403 AccessTokenPermissionDenied with requiredScopes)", On: business, Only: business,
		Make: func(*faultParams) func() strike { return refuseWith(refusal{code: codeScope}) },
	},
	{
		Name: "ip-not-listed", Does: "the caller's address is not in the app's list (403 IpNotInWhiteList)", On: business,
		Make: func(*faultParams) func() strike {
			return refuseWith(refusal{code: "Forbidden.AccessDenied.IpNotInWhiteList"})
		},
	},
}

// qpsCodes and qpmCodes are by whose limit it is.
var (
	qpsCodes = map[string]string{
		"app": codeQPS, "api": "Forbidden.AccessDenied.QpsLimitForApi", "suite": "Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi",
	}
	qpmCodes = map[string]string{"app": codeQPM, "suite": "Forbidden.AccessDenied.QpmLimitForSuitekeyAndOrgAndApi"}
)

var limitFaults = []faultKind{
	{
		Name: "qps", Does: "the limit of a second is spent: 403 Qps… at this endpoint for a second of service time", On: []string{onChats},
		Make: func(p *faultParams) func() strike {
			return blockWith(qpsCodes[p.Choice("of", "whose limit", "app", "api", "suite")], time.Second)
		},
	},
	{
		Name: "qpm", Does: "the limit of a minute is spent: 403 Qpm… at this endpoint for a minute of service time", On: []string{onChats},
		Make: func(p *faultParams) func() strike {
			return blockWith(qpmCodes[p.Choice("of", "whose limit", "app", "suite")], time.Minute)
		},
	},
	{
		Name: "throttled", Does: "too many calls, in other words (400)", On: business,
		Make: func(p *faultParams) func() strike {
			return refuseWith(refusal{code: p.Choice("code", "the code", "qps.exceed.limit", "request.overlimit", "oaplus.query.limit")})
		},
	},
	{
		Name: "month-spent", Does: "other apps spend what is left of the month (403 ApiCountLimitForOrg until the next)", On: business, Only: business,
		Make: func(p *faultParams) func() strike {
			left := p.Count("left", 0, 0, math.MaxInt32, "how many calls are left")
			return fault.Always(func(c *call, _ *Verdict) { c.sim.leaveOfMonth(left) })
		},
	},
	{
		Name: "ip-ban", Does: "the caller's address is banned from everything", On: everywhere,
		Make: func(p *faultParams) func() strike {
			shape := banShape(p.Choice("as", "a page; JSON with punish; JSON with status 1111", string(banHTML), string(banPunish), string(banStatus)))
			span := p.Duration("for", banSpan, "how long, in service time")
			return fault.Always(func(c *call, _ *Verdict) { c.sim.ban(c.address, span, shape) })
		},
	},
	{
		Name: "unavailable", Does: "the vendor is not there (503 ServiceUnavailable)", On: everywhere,
		Make: func(*faultParams) func() strike { return refuseWith(refusal{code: "ServiceUnavailable"}) },
	},
	{
		Name: "system-error", Does: "the vendor's system failed (500)", On: everywhere,
		Make: func(p *faultParams) func() strike {
			return refuseWith(refusal{code: p.Choice("code", "the code", codeSystem, "system.error", "unknownError")})
		},
	},
	{
		Name: "refused", Does: "the call is refused with a code", On: business,
		Make: func(p *faultParams) func() strike {
			return refuseWith(refusal{
				code:   p.Text("code", codeParameter, "the code"),
				status: p.Count("status", 0, 0, 599, "the HTTP status; 0 is that of the code"),
			})
		},
	},
}

var listFaults = []faultKind{
	{
		Name: "cursor-dead", Does: "a cursor is refused: 400 invalidParameter, of readers invalidParameter.cursor.invalid",
		On: []string{onChats}, Only: paged, Defaults: onNextPages,
		Make: func(*faultParams) func() strike {
			return fault.Always(func(c *call, v *Verdict) {
				code := codeParameter
				if c.request.Endpoint == EndpointReads {
					code = codeReadsCursor
				}
				v.Give(c.sim.refuse(refusal{code: code}, c))
			})
		},
	},
	{
		Name: "cursor-repeated", Does: "a page leads to a page that was read before", On: []string{onChats}, Only: paged,
		Defaults: onNextPages, Make: makeRepeatedCursor,
	},
	{
		Name: "no-cursor", Does: "hasMore is true beside an empty nextToken", On: []string{onChats}, Only: paged,
		Make: func(p *faultParams) func() strike {
			absent := p.Choice("as", "the nextToken is empty or not there", "empty", "absent") == "absent"
			return edit(func(o rawjson.Object) { loseCursor(o, absent) })
		},
	},
	{
		Name: "empty-pages", Does: "an empty page with a good nextToken comes in between", On: []string{onChats}, Only: paged,
		Make: makeEmptyPages,
	},
	{
		Name: "rows-repeated", Does: "a page begins with the last rows of the page before", On: []string{onChats}, Only: paged,
		Defaults: onNextPages,
		Make: func(p *faultParams) func() strike {
			return bendList(listBend{shift: -p.Count("rows", 3, 1, chatsPageMax, "how many; keep it below the page size")})
		},
	},
	{
		Name: "rows-skipped", Does: "rows between two pages are left out, as if others had moved into their place",
		On: []string{onChats}, Only: paged, Defaults: onNextPages,
		Make: func(p *faultParams) func() strike {
			return bendList(listBend{shift: p.Count("rows", 3, 1, chatsPageMax, "how many")})
		},
	},
	{
		Name: "oversized-page", Does: "a page is larger than was asked for", On: []string{onChats}, Only: paged,
		Make: func(p *faultParams) func() strike {
			return bendList(listBend{stretch: p.Count("by", 3, 2, 100, "how many times larger")})
		},
	},
	{
		Name: "unlisted", Does: "groups are left out of the list as if they were not there; reading one finds it", On: []string{onChats},
		Only: []string{onChats}, Make: makeUnlisted,
	},
	{
		Name: "wrong-total", Does: "totalCount is wrong", On: []string{onChats}, Only: lists,
		Make: func(p *faultParams) func() strike {
			by := p.Count("by", 7, -1_000_000, 1_000_000, "by how much")
			return edit(func(o rawjson.Object) { addTo(o, "totalCount", by) })
		},
	},
}

var rowFaults = []faultKind{
	{
		Name: "no-rows", Does: "the list is empty and the last page, beside the full totalCount", On: []string{onChats}, Only: paged,
		Make: func(*faultParams) func() strike { return edit(emptied) },
	},
	{
		Name: "no-list", Does: "the list is not in the answer", On: []string{onChats}, Only: append(paged[:3:3], onBatch),
		Make: func(*faultParams) func() strike { return edit(listless) },
	},
	{
		Name: "rows-doubled", Does: "every row of the list comes twice", On: []string{onChats}, Only: append(paged[:3:3], onBatch),
		Make: func(*faultParams) func() strike { return editRows(doubled) },
	},
	{
		Name: "unreadable", Does: "a row of the list cannot be read, or not all of it", On: []string{onChats},
		Only: append(paged[:3:3], onBatch), Make: makeUnreadable,
	},
	{
		Name: "bad-text", Does: "names hold what PostgreSQL does not take", On: []string{onChats},
		Only: []string{onChats, onChat, onBatch, onSets, onSet},
		Make: func(p *faultParams) func() strike {
			bad := fault.BadText(p)
			return fault.EditBody[*call](func(body []byte) []byte {
				return fault.BeginWith(body, bad, "name", "ownerUserName", "notice")
			})
		},
	},
	{
		Name: "unknown-fields", Does: "every object has fields that no document knows", On: everywhere,
		Make: func(*faultParams) func() strike { return fault.EditBody[*call](rawjson.AddFields) },
	},
	{
		Name: "quoted-numbers", Does: "every number is a string", On: everywhere,
		Make: func(*faultParams) func() strike { return fault.EditBody[*call](rawjson.QuoteNumbers) },
	},
}

var subjectFaults = []faultKind{
	{
		Name: "gone", Does: "the group is answered as one that is not there (400 incorrectOpenConversationId)",
		On: []string{onChat}, Only: []string{onChat, onBatch},
		Make: func(*faultParams) func() strike { return refuseWith(refusal{code: codeChat}) },
	},
	{
		Name: "other-chat", Does: "the answer is about another group", On: []string{onChat}, Only: []string{onChat},
		Make: func(*faultParams) func() strike {
			return fault.Always(func(c *call, v *Verdict) { v.AddEdit(editObject(c.sim.renamed)) })
		},
	},
	{
		Name: "expire-time", Does: "the readers are not known yet, or not any more (400 processQueryKey.expireTime)",
		On: []string{onReads}, Only: []string{onReads},
		Make: func(*faultParams) func() strike { return refuseWith(refusal{code: codeKeyTime}) },
	},
	{
		Name: "status", Does: "the message's sendStatus is another", On: []string{onReads}, Only: []string{onReads},
		Make: func(p *faultParams) func() strike {
			status := rawjson.AppendString(nil, p.Text("is", StatusRecalled, "the sendStatus"))
			return edit(func(o rawjson.Object) { o["sendStatus"] = status })
		},
	},
	{
		Name: "time-passes", Does: "the tenant's clock moves on first: what was listed may have vanished since, the token be too old",
		On: business,
		Make: func(p *faultParams) func() strike {
			by := p.Duration("by", 24*time.Hour, "how far")
			return fault.Always(func(c *call, _ *Verdict) { _, _ = c.sim.Advance(by) }) // never back
		},
	},
}

func refuseWith(r refusal) func() strike {
	return fault.Always(func(c *call, v *Verdict) { v.Give(c.sim.refuse(r, c)) })
}

func blockWith(code string, span time.Duration) func() strike {
	return fault.Always(func(c *call, _ *Verdict) { c.sim.block(c.request.Endpoint, code, span) })
}

func bendList(b listBend) func() strike {
	return fault.Always(func(c *call, _ *Verdict) { c.list = b })
}

// leaveOfMonth spends the month but for some calls.
func (s *Sim) leaveOfMonth(left int) {
	if most := s.opt.Limits.PerMonth; most >= 0 {
		s.SpendMonth(max(most-left-s.MonthlyCalls(), 0))
	}
}

// edit changes answers that are good; others have nothing to change.
func edit(change func(rawjson.Object)) func() strike {
	return fault.Always(func(_ *call, v *Verdict) { v.AddEdit(editObject(change)) })
}

func editObject(change func(rawjson.Object)) func(*Answer) {
	return func(a *Answer) {
		o, ok := rawjson.Parse(a.Body)
		if !ok || a.Status != 0 && a.Status != http.StatusOK {
			return
		}
		change(o)
		a.Body = o.Text()
	}
}
