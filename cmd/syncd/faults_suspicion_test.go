package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// A site that knows everything believes no answer that would delete: the tables
// stay as they are, or come back to it when the vendor does.
func TestNothingIsDeletedOnSuspicion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults []string
		code   int
		says   string
		// shown must be true right after.
		shown string
		// differs is what of the tables is not as before right after.
		differs []string
	}{
		"an empty list": {
			[]string{"no-rows"}, exitOK, "25 records are missing from the list, too many to believe; if that is right: syncd approve 5", `select count(*) = 1 from sync.finding where kind = 'mass_disappearance'`, nil,
		},
		"an empty list, then a full one": {[]string{"no-rows:at=1"}, exitOK, "acme/chats: complete", `select true`, nil},
		"an empty list of owners": {
			[]string{"no-rows:on=owners"},
			exitOK, "11 missing from the list", `select count(*) = 0 from groupchat.owner where gone_at is not null`,
			[]string{"owner.unlisted_at"},
		},
		"a list that leaves rows out": {
			[]string{"rows-skipped:rows=3,times=1"},
			exitOK, "3 missing from the list",
			`select count(*) = 3 from sync.finding where kind = 'not_gone'`, nil,
		},
		"listed chats lose their ids": {
			[]string{"unreadable:as=lost,page=head"}, exitPartial, "acme/chats: partial: ", `select count(*) > 0 from sync.reject where kind = 'chat'`, nil,
		},
		"the list says it, the detail does not": {
			[]string{"gone:chat=" + victim}, exitOK, "1 gone or out of sight", `select count(*) = 0 from groupchat.chat where gone_at is not null`, nil,
		},
		"every detail says gone": {
			[]string{"gone"}, exitOK, "25 gone or out of sight", `select count(*) = 0 from groupchat.chat where gone_at is not null`, nil,
		},
		"a missing chat is out of sight": {
			[]string{"rows-skipped:rows=3,times=1", "errcode:code=60011,on=get"},
			exitOK, "3 missing from the list",
			`select count(*) = 0 from groupchat.chat where gone_at is not null`, nil,
		},
		"a missing chat cannot be asked for": {
			[]string{"rows-skipped:rows=3,times=1", "busy:on=get"},
			exitPartial, "3 missing from the list",
			`select count(*) = 0 from groupchat.chat where gone_at is not null`, nil,
		},
		"no members, once": {
			[]string{"no-rows:on=get,times=1,chat=" + victim},
			exitOK, "acme/members: complete",
			`select count(*) = 0 from groupchat.chat_member where left_before is not null`, nil,
		},
		"no owner among the members, once": {
			[]string{"no-owner:times=1,chat=" + victim},
			exitOK, "acme/members: complete",
			`select count(*) = 0 from groupchat.chat_member where left_before is not null`, nil,
		},
		"a member nobody can read": {
			[]string{"unreadable:as=lost,on=get,row=3,chat=" + victim},
			exitOK, "1 elements set aside in sync.reject",
			`select count(left_after) = 1 and count(left_before) = 0 from groupchat.chat_member`,
			[]string{"chat.extra", "chat_member.present"},
		},
		"members gone for good": {
			[]string{"no-rows:on=get,chat=" + victim},
			exitOK, "acme/members: complete",
			`select count(*) = 40 from groupchat.chat_member where left_before is not null`,
			[]string{"chat.member_count", "chat_member.present"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFaultySite(t)
			r := s.sync()
			require.Equal(t, exitOK, r.code, r)
			s.arm(c.faults...)
			s.dueNow()
			r = s.sync()
			require.Equal(t, c.code, r.code, r)
			require.Contains(t, r.stdout, c.says)
			s.allStruck()
			require.True(t, scalar[bool](s, c.shown), r)
			s.sameAsCalm(c.differs...)
			s.sim.Disarm()
			s.dueNow()
			r = s.resume()
			require.Equal(t, exitOK, r.code, r)
			s.sameAsCalm()
		})
	}
}

// An approval is for the pass that was held back, once. What it lets through is still
// read directly before it is gone: here nothing is.
func TestApprove(t *testing.T) {
	t.Parallel()
	s := newFaultySite(t)
	require.Equal(t, exitOK, s.sync().code)
	s.arm("no-rows:on=list")
	s.dueNow()
	require.Contains(t, s.sync().stdout, "25 records are missing from the list, too many to believe; if that is right: syncd approve 5")
	for _, id := range []string{"4", "999", "0", "-5", "five"} {
		r := s.run("approve", "--", id)
		require.Equal(t, exitUsage, r.code, r)
		require.NotEmpty(t, r.stderr)
		require.Empty(t, r.stdout)
	}
	require.Contains(t, s.run("approve", "4").stderr, "nothing to approve")

	require.Equal(t, "approved pass 5 of acme/chats: 25 records; each is marked gone once the next sync confirms it\n",
		s.ok("approve", "5").stdout)
	require.Zero(t, scalar[int](s, "select count(*) from groupchat.chat where gone_at is not null"))
	r := s.run("approve", "5")
	require.Equal(t, exitUsage, r.code, r)
	require.Contains(t, r.stderr, "pass 5: nothing to approve: the pass is not held back, was approved before")

	s.dueNow()
	r = s.sync()
	require.Equal(t, exitOK, r.code, r)
	s.sameAsCalm()
	r = s.run("approve", "5")
	require.Equal(t, exitUsage, r.code, "it is not the latest any more: %s", r)
}

// What really vanishes while it is read (between list and detail, and the token
// with it) is found by the next syncs, and then no sooner than it is confirmed.
func TestChatsThatVanishWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	s := newFaultySite(t, "time-passes:by=1200h,on=get,at=5")
	r := s.sync()
	require.Equal(t, exitOK, r.code, r)
	s.allStruck()
	require.Contains(t, r.stdout, " gone or out of sight")
	vanished := scalar[int](s, "select count(*) from sync.item where last_error_code = '40050'")
	require.Positive(t, vanished)
	require.Zero(t, scalar[int](s, "select count(*) from groupchat.chat where gone_at is not null"))

	s.recovers()
	s.sameAsTruth()
	require.GreaterOrEqual(t, scalar[int](s, "select count(*) from groupchat.chat where gone_reason = '40050'"), vanished)
	require.Zero(t, scalar[int](s, `select count(*) from groupchat.chat_member m join groupchat.chat c using (source, chat_id)
		where c.gone_at is not null and m.left_before is null`))
}

// An owner whom the vendor refuses in a filter takes nobody along: the others'
// chats are listed, and the owner's stay.
func TestOwnerThatBreaksItsBatch(t *testing.T) {
	t.Parallel()
	s := newFaultySite(t, "bad-owner:owner=#4")
	var owners string
	for _, id := range s.sim.FollowUsers(s.sim.Now()) {
		owners += ", " + id
	}
	s.configure(s.vendor.URL, "    owner_ids: ["+owners[2:]+"]\n")
	r := s.sync()
	require.Equal(t, exitOK, r.code, r)
	s.allStruck()
	require.Equal(t, 1, scalar[int](s, "select count(*) from sync.finding where kind = 'owner_refused'"))
	ids := scalar[string](s, "select subject from sync.finding where kind = 'owner_refused'")
	require.Zero(t, scalar[int](s, "select count(*) from groupchat.chat where owner_id = $1", ids))
	listed := scalar[int](s, "select count(*) from groupchat.chat")

	s.recovers()
	require.Positive(t, scalar[int](s, "select count(*) from groupchat.chat where owner_id = $1", ids))
	require.Equal(t, listed, scalar[int](s, "select count(*) from groupchat.chat where owner_id <> $1", ids))

	s.arm("bad-owner:owner=#4")
	s.dueNow()
	r = s.sync()
	require.Equal(t, exitOK, r.code, r)
	require.Zero(t, scalar[int](s, "select count(*) from groupchat.chat where gone_at is not null"))
	require.Zero(t, scalar[int](s, "select count(*) from sync.candidate"))
}

// More people than a list without filter may show, from one day to the next.
func TestTenantThatGrowsTooLarge(t *testing.T) {
	t.Parallel()
	s := newFaultySite(t)
	require.Equal(t, exitOK, s.sync().code)
	s.arm("errcode:code=81017,on=list,page=head,at=1")
	s.dueNow()
	r := s.sync()
	require.Equal(t, exitOK, r.code, r)
	s.allStruck()
	require.Greater(t, s.sim.Calls()[vendorsim.EndpointChatList].Calls, faultPages)
	s.sameAsCalm()
}
