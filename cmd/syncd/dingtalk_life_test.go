package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/dingtalk"
)

// A tenant that lives on is followed: new groups by the lists of new ones, names,
// owners, counts and disappearances by the full ones, whatever the vendor leaves of
// a group that was dissolved.
func TestDingTalkIsFollowed(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]dingtalk.DissolvedRule{
		"dissolved groups are unknown":        dingtalk.DissolvedUnknown,
		"dissolved groups are still readable": dingtalk.DissolvedReadable,
		"dissolved groups are still listed":   dingtalk.DissolvedListed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDingSite(t, dingtalk.Options{
				Seed: 25, Chats: 400, Start: dingStart, Dissolved: rule, Limits: dingtalk.Limits{PerMonth: -1},
			})
			s.done("sync")
			was := s.chatsAreTrue(s.visible())
			run := s.longRun()
			for week := 1; week <= 3; week++ {
				for range 27 { // 6 h each: until the next Wednesday, past a Sunday
					s.advance(6 * time.Hour)
					run.done("chats")
					s.chatsAreListed(s.visible())
				}
				s.advance(6 * time.Hour)
				s.done("sync", "--full")
				is := s.chatsOfTruth(s.visible())
				s.weekIsRight(rule, was, is)
				was = is
			}
			s.setsAreTrue()
		})
	}
}

// weekIsRight checks what became of the groups of one truth at the next.
func (s *dingSite) weekIsRight(rule dingtalk.DissolvedRule, was, is map[string]dingChat) {
	t := s.t
	stored := s.chatsStored()
	gone := scalar[int](s.site, "select count(*) from groupchat.chat where gone_at is not null")
	if rule == dingtalk.DissolvedUnknown {
		require.Empty(t, cmp.Diff(is, stored))
		require.Positive(t, gone)
		require.Equal(t, gone, scalar[int](s.site, "select count(*) from groupchat.chat where gone_reason = 'incorrectOpenConversationId'"))
	} else {
		for id, chat := range is {
			require.Equal(t, chat, stored[id])
		}
		require.Zero(t, gone, "what can be read is not gone")
	}
	missed := scalar[int](s.site, "select count(distinct subject) from sync.finding where kind = 'not_gone'")
	require.Equal(t, rule == dingtalk.DissolvedReadable, missed > 0)
	renamed, moved := 0, 0
	for id, before := range was {
		after, alive := is[id]
		if !alive || before.Name == after.Name && before.OwnerID == after.OwnerID {
			continue
		}
		if before.Name != after.Name {
			renamed++
		} else {
			moved++
		}
		require.Positive(t, scalar[int](s.site, `select count(*) from groupchat.chat_history
			where chat_id = $1 and name is not distinct from $2 and owner_id = $3`, id, before.Name, before.OwnerID), "%s was %v", id, before)
	}
	require.Positive(t, renamed+moved)
}

// A group that the list lacks and the vendor does not know is gone; listed again, it
// is back.
func TestDingTalkGroupComesBack(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{Seed: 26, Chats: 150, Start: dingStart})
	s.done("sync")
	require.NoError(t, s.sim.Arm("unlisted:group=#7"))
	require.NoError(t, s.sim.Arm("gone:chat=#7"))
	s.advance(time.Hour)
	r := s.done("sync", "--full")
	require.Contains(t, r.stdout, "1 missing from the list")
	require.Equal(t, 1, scalar[int](s.site, "select count(*) from groupchat.chat where gone_at is not null"))
	s.sim.Disarm()
	s.advance(time.Hour)
	s.done("sync")
	require.Equal(t, 1, scalar[int](s.site, "select count(*) from groupchat.chat where gone_at is not null"), "new ones alone were listed")
	s.done("sync", "--full")
	s.chatsAreTrue(s.visible())
	require.Equal(t, 2, scalar[int](s.site, "select count(*) from groupchat.chat_history where gone_at is not null or chat_id in (select chat_id from groupchat.chat_history group by 1 having count(*) = 2)"))
}

// Half of all groups, gone from one list to the next, are held back until a person
// approves, and then not believed without a read of each.
func TestDingTalkMassDisappearanceIsHeld(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{Seed: 27, Chats: 150, Start: dingStart})
	s.done("sync")
	require.NoError(t, s.sim.Arm("unlisted:share=50"))
	s.advance(time.Hour)
	r := s.done("sync", "--full")
	require.Contains(t, r.stdout, "too many to believe; if that is right: syncd approve")
	require.Zero(t, s.sim.Calls()[dingtalk.EndpointChat].Calls)
	require.Zero(t, scalar[int](s.site, "select count(*) from groupchat.chat where gone_at is not null"))
	_, command, _ := strings.Cut(r.stdout, "syncd ")
	words := strings.Fields(command)
	s.done(words[0], words[1])
	held := scalar[int](s.site, "select count(*) from sync.candidate")
	require.Greater(t, held, 50)
	s.done("sync", "ding/chat_checks")
	require.Equal(t, held, s.sim.Calls()[dingtalk.EndpointChat].Calls)
	require.Equal(t, held, scalar[int](s.site, "select count(*) from sync.finding where kind = 'not_gone'"))
	require.Zero(t, scalar[int](s.site, "select count(*) from sync.candidate where checked_at is null"), "all rest")
	s.chatsAreTrue(s.visible())
}

// A pass that lies until its cursors are too old, or whose cursor the vendor has
// forgotten, goes on from the youngest group that is committed: no page is read twice.
func TestDingTalkLostCursor(t *testing.T) {
	t.Parallel()
	const pages = 5 + 10 // of two relations
	for name, lose := range map[string]func(s *dingSite){
		"the vendor forgets it": func(s *dingSite) { require.NoError(s.t, s.sim.Arm("cursor-dead:at=4")) },
		"it is too old": func(s *dingSite) {
			require.NoError(s.t, s.sim.Arm("permission-denied:on=chats,from=7"))
			r := s.do("sync", "ding/chats")
			require.Equal(s.t, exitFailed, r.code, r)
			s.sim.Disarm()
			s.advance(2 * time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDingSite(t, dingtalk.Options{Seed: 28, Chats: 1400, Start: dingStart})
			lose(s)
			began := s.sim.Now()
			s.done("sync", "ding/chats")
			s.sim.Disarm()
			require.LessOrEqual(t, s.sim.Calls()[dingtalk.EndpointChats].Calls, pages+4)
			require.Equal(t, "1 complete", scalar[string](s.site, "select count(*) || ' ' || max(outcome) from sync.pass where stream = 'chats'"))
			require.Zero(t, scalar[int](s.site, "select sum(restarts)::int from sync.pass"))
			s.chatsAreListed(began.Add(-3 * time.Hour))
			s.done("sync", "--full")
			s.chatsAreTrue(s.visible())
		})
	}
}

// Groups that show only minutes after they were created are not passed over, however
// often is looked.
func TestDingTalkGroupsThatShowLate(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{
		Seed: 29, Chats: 12_000, Sets: -1, Start: dingStart, ListLag: 5 * time.Minute, Limits: dingtalk.Limits{PerMonth: -1},
	})
	s.describe(strings.Replace(dingtalkSource, "per_month: 5000", "per_month: 0", 1))
	s.done("sync", "ding/chats")
	run := s.longRun()
	for range 60 {
		s.advance(7 * time.Minute)
		run.done("chats")
	}
	fresh := 0
	for _, chat := range s.chatsAreListed(s.visible()) {
		if chat.CreatedMillis > dingStart.UnixMilli() {
			fresh++
		}
	}
	require.Greater(t, fresh, 8)
}

// A third party's app reads the same.
func TestDingTalkForAThirdParty(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{Seed: 30, Chats: 150, Start: dingStart, SuiteTicket: "a ticket of today", SuiteSecret: testSecret, OneCorpToken: true})
	source := func(secret string) string {
		return `
name: ding
vendor: dingtalk
base_url: %s
credentials: {suite_key: ` + dingtalk.DefaultSuiteKey + `, suite_secret: "` + secret + `", suite_ticket: "a ticket of today", auth_corp_id: ` + dingtalk.DefaultCorpID + `}
limits: {per_second: 0}
`
	}
	s.describe(source("no s3cret at all"))
	r := s.do("sync")
	require.Equal(t, exitFailed, r.code, r)
	require.Contains(t, r.stdout, "auth (invalidSuiteKey)")
	require.Contains(t, r.stdout, "check suite_key, suite_secret, suite_ticket and auth_corp_id in the developer console")
	s.describe(source("${DINGTALK_SECRET}"))
	s.done("sync")
	s.chatsAreTrue(s.visible())
	s.setsAreTrue()
	require.Zero(t, s.sim.Calls()[dingtalk.EndpointToken].Calls)
}

// A wrong secret stops the source: it is tried once, and the remedy is told.
func TestDingTalkWrongSecret(t *testing.T) {
	t.Parallel()
	s := newDingSite(t, dingtalk.Options{Seed: 30, Chats: 150, Start: dingStart})
	s.env["DINGTALK_SECRET"] = "no s3cret at all"
	r := s.runOn(s.hurried, "sync")
	require.Equal(t, exitFailed, r.code, r)
	require.Contains(t, r.stdout, "auth (invalidClientIdOrSecret)")
	require.Contains(t, r.stdout, "check app_key and app_secret (Client ID and Client Secret) in the developer console")
	require.Contains(t, r.stdout, "its other streams are not begun")
	require.NotContains(t, r.String(), "no s3cret at all")
	require.Equal(t, 1, s.sim.Calls()[dingtalk.EndpointToken].Calls)
	require.Zero(t, s.sim.MonthlyCalls())
	s.env["DINGTALK_SECRET"] = testSecret
	s.done("sync")
	s.chatsAreTrue(s.visible())
}
