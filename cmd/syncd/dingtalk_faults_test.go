package main

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/dingtalk"
)

// dingFaulty is a site whose vendor does its worst, and what it must never tell.
type dingFaulty struct {
	*dingSite
	leaks  *leaks
	mu     sync.Mutex
	tokens map[string]bool
	sent   []dingtalk.Message
}

// newDingFaulty is a site whose limits hurry: a minute of the vendor's passes in
// some milliseconds.
func newDingFaulty(tb testing.TB) *dingFaulty {
	tb.Helper()
	began := time.Now()
	s := &dingFaulty{leaks: newLeaks(testSecret), tokens: map[string]bool{}}
	s.dingSite = newDingSite(tb, dingtalk.Options{
		Seed: 42, Chats: 450, Start: dingStart, TokenTTL: 7 * 24 * time.Hour,
		Now: func() time.Time { return began.Add(time.Since(began) * hurry) },
	})
	s.sim.SetScript(dingtalk.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		s.mu.Lock()
		defer s.mu.Unlock()
		if text := r.Header.Get("X-Acs-Dingtalk-Access-Token"); text != "" {
			s.tokens[text] = true
		}
		return vendorsim.Verdict{}
	}})
	for _, m := range s.tracks(dingStart.Add(-12 * time.Hour)) {
		if state, ok := s.sim.Message(m.Key, dingStart); ok && state.Ready && !state.Expired {
			s.sent = append(s.sent, m)
		}
	}
	require.NotEmpty(tb, s.sent)
	return s
}

// suffer syncs everything, the whole list of groups included, under a fault. It must
// tell neither secret nor token, in print or in a table, and mark nothing gone.
func (s *dingFaulty) suffer(fault string) result {
	s.t.Helper()
	require.NoError(s.t, s.sim.Arm(fault))
	s.dueAgain()
	r := s.runOn(func(h *host) {
		s.hurried(h)
		if late := strings.HasPrefix(fault, "stall") || strings.HasPrefix(fault, "slow"); late {
			h.requests.AttemptTimeout = attemptMax
		}
	}, "sync", "--log-level", "trace")
	for _, f := range s.sim.Armed() {
		require.Positive(s.t, f.Struck, "%s: of %d calls none was struck: %s", f.Fault, f.Calls, r)
	}
	s.sim.Disarm()
	s.isClean(r)
	require.Zero(s.t, scalar[int](s.site, "select count(*) from groupchat.chat where gone_at is not null"), r)
	require.Zero(s.t, scalar[int](s.site, "select count(*) from groupchat.group_set where gone_at is not null"), r)
	return r
}

func (s *dingFaulty) isClean(r result) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for text := range s.tokens {
		s.leaks.add("token", text)
	}
	clear(s.tokens)
	s.leaks.none(s.t, "output", r.String())
	s.cleanOf(s.leaks)
}

// dueAgain makes everything due, as a week would.
func (s *dingFaulty) dueAgain() {
	s.t.Helper()
	s.exec("update sync.pass set started_at = '2026-10-01' where mode = 'full' and outcome = 'complete'")
	s.exec("update sync.item set due_at = '-infinity' where due_at < 'infinity'")
}

// isTrue checks all tables against the vendor.
func (s *dingFaulty) isTrue() {
	s.t.Helper()
	s.chatsAreTrue(s.visible())
	s.setsAreTrue()
	for _, m := range s.sent {
		s.readersAreTrue(m.Key)
	}
}

// mend syncs once the fault is over and its block has ended: that is complete, and
// true.
func (s *dingFaulty) mend() {
	s.t.Helper()
	s.advance(6 * time.Minute)
	if until := time.Date(2026, 12, 1, 0, 0, 0, 0, china); scalar[int](s.site, "select count(*) from sync.call_budget where blocked_until > $1", s.sim.Now()) > 0 {
		s.advance(until.Sub(s.sim.Now()))
	}
	s.done("sync") // goes on with what is open
	s.dueAgain()
	s.done("sync")
	s.chatsAreTrue(s.visible())
	s.setsAreTrue()
	require.Zero(s.t, scalar[int](s.site, "select count(*) from sync.checkpoint"))
}

// dingFaults have for every fault of the simulator's what a sync under it ends in.
var dingFaults = []struct {
	fault string
	code  int
	// says is in the output.
	says string
	// heals says that the very sync has made the tables equal to the truth.
	heals bool
	// differs says that the vendor has told other values.
	differs bool
}{
	{"token-expired:on=chats,at=2", exitOK, "", true, false},
	{"token-expired:on=reads+sets", exitFailed, "auth (InvalidAuthentication)", false, false},
	{"wrong-secret", exitFailed, "auth (invalidClientIdOrSecret)", false, false},
	{"wrong-secret:at=1,times=1", exitFailed, "auth (invalidClientIdOrSecret)", false, false},
	{"permission-denied:on=chats", exitFailed, "auth (Forbidden.AccessDenied.AccessTokenPermissionDenied)", false, false},
	{"permission-denied:on=reads", exitFailed, "auth (Forbidden.AccessDenied.AccessTokenPermissionDenied)", false, false},
	{"permission-denied:on=sets", exitFailed, "auth (Forbidden.AccessDenied.AccessTokenPermissionDenied)", false, false},
	{"ip-not-listed", exitFailed, "auth (Forbidden.AccessDenied.IpNotInWhiteList)", false, false},
	{"qps:at=2", exitOK, "", true, false},
	{"qps:of=api,on=sets,at=1", exitOK, "", true, false},
	{"qps:of=suite,on=reads,at=1", exitOK, "", true, false},
	{"qps:on=chats", exitPartial, "throttled (Forbidden.AccessDenied.QpsLimitForAppkeyAndApi)", false, false},
	{"qpm:at=2", exitPartial, "throttled (Forbidden.AccessDenied.QpmLimitForAppkeyAndApi)", false, false},
	{"qpm:of=suite,at=2", exitPartial, "throttled (Forbidden.AccessDenied.QpmLimitForSuitekeyAndOrgAndApi)", false, false},
	{"throttled:on=chats,at=2", exitOK, "", true, false},
	{"throttled:code=oaplus.query.limit,on=sets", exitPartial, "throttled (oaplus.query.limit)", false, false},
	{"throttled:code=request.overlimit,on=reads,at=1", exitOK, "", true, false},
	{"month-spent:on=chats,at=3", exitPartial, "throttled (Forbidden.AccessDenied.ApiCountLimitForOrg)", false, false},
	{"month-spent:on=sets,left=2,at=1", exitPartial, "throttled (Forbidden.AccessDenied.ApiCountLimitForOrg)", false, false},
	{"ip-ban:on=chats,at=2", exitPartial, "throttled (ip ban)", false, false},
	{"ip-ban:as=punish,on=chats,at=2", exitPartial, "throttled (ip ban)", false, false},
	{"ip-ban:as=status,on=chats,at=2", exitPartial, "throttled (ip ban)", false, false},
	{"unavailable:on=chats,at=2", exitOK, "", true, false},
	{"unavailable:on=chats", exitPartial, "transient (ServiceUnavailable)", false, false},
	{"unavailable:on=token,at=1", exitOK, "", true, false},
	{"system-error:on=chats,at=2", exitOK, "", true, false},
	{"system-error:code=unknownError,on=token", exitPartial, "transient (unknownError)", false, false},
	{"system-error:code=system.error,on=reads,at=1", exitOK, "", true, false},
	{"refused:on=chats", exitFailed, "refused (invalidParameter)", false, false},
	{"refused:on=chats,code=notSupportedFilterType", exitFailed, "refused (notSupportedFilterType)", false, false},
	{"refused:on=chats,code=neverHeardOf,status=400", exitFailed, "unknown (neverHeardOf)", false, false},
	{"refused:on=reads,code=bot.stopped", exitOK, "13 gone or out of sight", false, false},
	{"refused:on=reads,code=auth.error", exitOK, " gone or out of sight", false, false},
	{"gateway:on=chats,at=2", exitOK, "", true, false},
	{"gateway:status=200,on=chats,at=2", exitPartial, "throttled (ip ban)", false, false},
	{"gateway:status=200,body=json,on=sets,at=1", exitFailed, "malformed (body)", false, false},
	{"gateway:status=503,body=nothing,on=chats,from=3", exitPartial, "transient (http 503)", false, false},
	{"gateway:status=429,body=nothing,on=chats,at=2", exitOK, "", true, false},
	{"drop:on=chats,at=2", exitOK, "", true, false},
	{"drop:on=token,at=1", exitOK, "", true, false},
	{"drop:on=reads", exitPartial, "transient (network)", false, false},
	{"cut:on=chats,at=2,after=300", exitOK, "", true, false},
	{"cut:as=whole,on=chats,at=2", exitOK, "", true, false},
	{"stall:on=chats,at=2", exitOK, "", true, false},
	{"slow:on=chats,at=2", exitOK, "", true, false},
	{"huge:bytes=1100000,on=chats,from=2", exitFailed, "malformed (body)", false, false},
	{"huge:bytes=20000000,as=gzip,on=chats,from=2", exitFailed, "malformed (body)", false, false},
	{"cursor-dead:at=2", exitOK, "", true, false},
	{"cursor-dead:on=reads,page=any,at=1", exitOK, "", true, false},
	{"cursor-dead:from=1", exitOK, "", true, false},
	{"cursor-repeated:at=2", exitOK, "", true, false},
	{"cursor-repeated:from=1", exitOK, "", true, false},
	{"no-cursor:at=1", exitFailed, "malformed (body)", false, false},
	{"no-cursor:as=absent,on=sets,at=1", exitFailed, "malformed (body)", false, false},
	{"empty-pages:at=2", exitOK, "", true, false},
	{"empty-pages:from=2", exitFailed, "one empty page follows another", false, false},
	{"rows-repeated:at=1", exitOK, "", true, false},
	{"rows-skipped:at=1", exitPartial, "(drifted): ", false, false},
	{"oversized-page:at=1", exitOK, "", true, false},
	{"unlisted:group=#7", exitOK, "", false, false},
	{"unlisted:share=60", exitOK, "", false, false},
	{"wrong-total:at=1", exitPartial, "(drifted): ", true, false},
	{"wrong-total", exitPartial, "(drifted): ", true, false},
	{"no-rows:at=1", exitPartial, "(drifted): ", false, false},
	{"no-rows", exitPartial, "(drifted): ", false, false},
	{"no-rows:on=sets", exitPartial, "(drifted): ", false, false},
	{"no-list:type=crm_customer,at=1", exitFailed, "malformed (body): answer holds no array resultList", false, false},
	{"no-list:type=crm_customer,at=3", exitPartial, "(drifted): ", false, false},
	{"no-list:on=reads", exitOK, "", false, false},
	{"rows-doubled:on=chats+sets+reads", exitOK, "", true, false},
	{"unreadable:at=1", exitPartial, "1 elements set aside in sync.reject (unproven): ", true, false},
	{"unreadable:as=nameless,at=1", exitPartial, "1 elements set aside in sync.reject (unproven): ", true, false},
	{"unreadable:as=lost,at=1", exitPartial, "1 elements set aside in sync.reject (unproven): ", false, false},
	{"unreadable:as=kept,at=1", exitOK, "", false, true},
	{"unreadable:on=reads", exitOK, " elements set aside in sync.reject", true, false},
	{"bad-text:on=chats+sets", exitOK, "", false, true},
	{"unknown-fields", exitOK, "", true, true},
	{"quoted-numbers", exitOK, "", true, true},
	{"expire-time:on=reads", exitOK, "", false, false},
	{"status:is=SOMETHING_NEW", exitOK, "", false, true},
}

func TestDingTalkFaults(t *testing.T) {
	t.Parallel()
	for _, c := range dingFaults {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			s := newDingFaulty(t)
			suffer := func() {
				r := s.suffer(c.fault)
				require.Equal(t, c.code, r.code, r)
				require.Contains(t, r.stdout, c.says)
			}
			suffer()
			if c.heals {
				s.isTrue()
			}
			s.mend()
			if strings.HasPrefix(c.fault, "month-spent") || strings.Contains(c.fault, "bot.stopped") {
				return // the month is another one, the messages are closed
			}
			before := s.checksums()
			suffer()
			if !c.differs {
				require.Equal(t, before, s.checksums(), "what was known is not touched")
			}
			s.mend()
		})
	}
}

// There is a case for every fault in the catalogue; those of one group and of time
// are tried elsewhere.
func TestDingTalkFaultsAreAllTried(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{"gone": true, "other-chat": true, "time-passes": true}
	for _, c := range dingFaults {
		name, _, _ := strings.Cut(c.fault, ":")
		tried[name] = true
	}
	for _, f := range dingtalk.Faults() {
		require.True(t, tried[f.Name], f.Name)
		delete(tried, f.Name)
	}
	require.Empty(t, tried)
}
