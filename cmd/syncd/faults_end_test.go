package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// What lasts ends the pass as partial: exit 3 and the reason. What was committed
// is kept, and once the fault is over the same pass goes on and reads no page of
// it again.
func TestFaultsThatEndAPassForNow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault, says string
	}{
		"token: busy":        {"busy:on=token", "acme/owners: partial: pass 1, 0 pages, 0 rows read, 0 changed, 0 calls, "},
		"token: unreachable": {"drop:on=token", "gettoken: transient (network): EOF"},
		"token: minute":      {"limited:on=token", "gettoken: throttled (45009): api freq out of limit"},
		"owners: busy":       {"busy:on=owners", "get_follow_user_list: transient (-1): system busy"},
		"owners: cut":        {"cut:on=owners", "get_follow_user_list: transient (network): answer was cut off"},
		"list: busy":         {"busy:on=list,from=3", "groupchat/list: transient (-1): system busy"},
		"list: unknown code": {"errcode:code=987654,on=list,from=3", "(987654): refused (hint "},
		"list: 503":          {"gateway:status=503,on=list,from=3", "groupchat/list: transient (http 503): Service Unavailable"},
		"list: HTML":         {"gateway:status=200,on=list,from=3", `groupchat/list: transient (not json): answer of 144 bytes ("text/html") is not JSON`},
		"list: foreign JSON": {"gateway:status=200,body=json,on=list,from=3", "transient (no errcode): answer is JSON, but has no errcode"},
		"list: nothing":      {"gateway:status=200,body=nothing,on=list,from=3", "transient (not json): answer of 0 bytes"},
		"list: dropped":      {"drop:on=list,from=3", "transient (network): EOF"},
		"list: cut":          {"cut:on=list,from=3", "transient (network): answer was cut off"},
		"list: slow":         {"slow:on=list,from=3", "transient (timeout): deadline of 3s for one attempt"},
		"list: stalls":       {"stall:on=list,from=3", "transient (timeout): deadline of 3s for one attempt"},
		"list: congested":    {"congested:on=list,from=3", "throttled (45033): api concurrent out of limit"},
		"list: hour's limit": {"limited:per=hour,on=list,at=3", "throttled (45009): api freq out of limit"},
		"list: Retry-After":  {"gateway:status=429,retry-after=600,on=list,from=3", "throttled (http 429): Too Many Requests; resumes at 2"},
		"gets: busy":         {"busy:on=get,from=9", "groupchat/get: transient (-1): system busy"},
		"gets: 502":          {"gateway:on=get,from=9", "groupchat/get: transient (http 502): Bad Gateway"},
		"gets: dropped":      {"drop:on=get,from=9", "groupchat/get: transient (network): EOF"},
		"gets: congested":    {"congested:on=get,from=9", "groupchat/get: throttled (45033): api concurrent out of limit"},
		"gets: hour's limit": {"limited:per=hour,on=get,at=9", "groupchat/get: throttled (45009): "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFaultySite(t, c.fault)
			r := s.sync()
			require.Equal(t, exitPartial, r.code, r)
			require.Contains(t, r.stdout, c.says)
			require.Empty(t, r.stderr)
			s.allStruck()

			read := scalar[int](s, "select count(*) from sync.item where fetched_at is not null")
			s.sim.Disarm()
			_, err := s.sim.Advance(time.Hour) // the block is over
			require.NoError(t, err)
			_, err = s.pool.Exec(t.Context(), "update sync.item set due_at = '-infinity' where failures > 0")
			require.NoError(t, err)
			s.sim.ResetCalls()
			r = s.resume()
			require.Equal(t, exitOK, r.code, r)
			s.sameAsCalm()
			require.Equal(t, faultChats-read, s.sim.Calls()[vendorsim.EndpointChatGet].Calls)
			pages := scalar[int](s, "select max(pages) from sync.pass where stream = 'chats'")
			require.Equal(t, calm.pages, pages, "no page was read twice")
			s.recovers()
			s.sameAsCalm()
		})
	}
}

// What only a person can change ends the sync at once: exit 1 with what to do,
// and the vendor is not asked again and again.
func TestFaultsThatNeedAPerson(t *testing.T) {
	t.Parallel()
	const app, permission, address = "check corp_id and secret of the app in the admin console",
		"add the app under 客户联系 → 可调用接口的应用 in the admin console",
		"add this machine's address to the app's 企业可信IP"
	for name, c := range map[string]struct {
		faults  []string
		says    string
		remedy  string
		callsAt string
		calls   int
	}{
		"wrong secret": {
			[]string{"wrong-secret"}, "acme/owners: failed: ", "auth (40001): invalid credential (hint ", vendorsim.EndpointToken, 1,
		},
		"app disabled": {
			[]string{"errcode:code=50003,on=token"}, "gettoken: auth (50003)", "enable it in the admin console", vendorsim.EndpointToken, 1,
		},
		"every token expires": {
			[]string{"token-expired"}, "auth (42001): a new token was refused as well", app, vendorsim.EndpointToken, 2,
		},
		"every token is invalid": {
			[]string{"token-invalid:on=list"}, "auth (40014): a new token was refused as well", app, vendorsim.EndpointToken, 2,
		},
		"secret reset in between": {
			[]string{"token-expired:on=get,at=9", "wrong-secret:from=2"}, "acme/members: failed: ", app, vendorsim.EndpointToken, 2,
		},
		"no permission": {
			[]string{"errcode:code=48002,on=list"}, "groupchat/list: auth (48002)", permission, vendorsim.EndpointChatGet, 0,
		},
		"address not allowed": {
			[]string{"errcode:code=60020,on=owners"}, "(60020): refused (hint ", address, vendorsim.EndpointFollowUsers, 1,
		},
		"a gateway says 403": {
			[]string{"gateway:status=403,on=list"}, "auth (http 403): Forbidden", "check the credential, base_url", vendorsim.EndpointToken, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFaultySite(t, c.faults...)
			r := s.sync()
			require.Equal(t, exitFailed, r.code, r)
			require.Contains(t, r.stdout, c.says)
			require.Contains(t, r.stdout, c.remedy)
			s.allStruck()
			require.Equal(t, c.calls, s.sim.Calls()[c.callsAt].Calls)
			require.Equal(t, 1, scalar[int](s, "select count(*) from sync.pass where outcome = 'failed' and error like '%auth (%'"))
			s.recovers()
			s.sameAsCalm()
		})
	}
}

// A list that leads nowhere is given up after some new starts: exit 1. The rows
// that were read are kept, and other streams go on with them.
func TestListsThatLeadNowhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault, says string
		listed      int
	}{
		"dead cursors":         {"cursor-dead:from=3", "groupchat/list: cursor gone (40035): invalid argument", 4},
		"repeated cursor":      {"cursor-repeated:from=2", "the same cursor came twice", 8},
		"cursors in a circle":  {"cursor-repeated:back=2", "the same cursor came twice", 8},
		"endless empty pages":  {"empty-pages:from=3", "one empty page follows another", 4},
		"body beyond the cap":  {"huge:on=list,from=3,bytes=2000000", "malformed (body): answer is larger than 1048576 bytes", 4},
		"bomb":                 {"huge:on=list,from=3,bytes=20000000,as=gzip", "malformed (body): answer is larger than 1048576 bytes", 4},
		"parameters refused":   {"errcode:code=40058,on=list", "groupchat/list: refused (40058): invalid Request Parameter", 0},
		"owners beyond memory": {"huge:on=owners,bytes=2000000", "get_follow_user_list: malformed (body)", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFaultySite(t, c.fault)
			r := s.sync()
			require.Equal(t, exitFailed, r.code, r)
			require.Contains(t, r.stdout, c.says)
			s.allStruck()
			listed := scalar[int](s, "select count(*) from groupchat.chat")
			require.GreaterOrEqual(t, listed, c.listed)
			require.Equal(t, listed, scalar[int](s, "select count(*) from groupchat.chat where detail_at is not null"))
			require.LessOrEqual(t, s.sim.Calls()[vendorsim.EndpointChatList].Calls, 200)
			s.recovers()
			s.sameAsCalm()
		})
	}
}

// resume goes on with what was left. A pass in which items had failed is told as
// partial when it ends, even if they were read since: then the next one is not.
func (s *site) resume() result {
	s.t.Helper()
	r := s.sync()
	if r.code == exitPartial && scalar[int](s, "select count(*) from sync.item where failures > 0") == 0 {
		return s.sync()
	}
	return r
}
