package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// tracked are the values of a chat that chat_history follows.
type tracked struct {
	Name, Owner string
	Status      int
	Notice      string
}

// chatNow is a chat as it is now.
type chatNow struct {
	tracked
	MemberCount int
	CreatedAt   int64 // Unix seconds
}

// spellID names a spell; JoinedAt is in Unix seconds, 0 where it is unknown.
type spellID struct {
	Chat, Member string
	JoinedAt     int64
}

type spellNow struct {
	Type           int
	Name, Nickname string
	UnionID        string
	Scene          int
	Invitor, State string
	Admin          bool
	// Missed says that the latest read lacked the member.
	Missed bool
}

// facts are what is current, in the simulator or in the tables.
type facts struct {
	chats  map[string]chatNow
	spells map[spellID]spellNow
	// names are those of chat owners who are in a chat themselves.
	names map[string]string
	// listed is the follow user list.
	listed []string
}

const replacement = "\uFFFD"

// asStored is a text of the vendor's as the tables have it: what is no text is
// replaced. How many bytes share one replacement is not looked at.
func asStored(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, replacement), "\x00", replacement)
	for strings.Contains(text, replacement+replacement) {
		text = strings.ReplaceAll(text, replacement+replacement, replacement)
	}
	return text
}

// truth is what the simulator would tell at its clock.
func (s *site) truth() facts {
	f := facts{chats: map[string]chatNow{}, spells: map[spellID]spellNow{}, names: map[string]string{}}
	f.listed = s.sim.FollowUsers(s.sim.Now())
	slices.Sort(f.listed)
	owners := map[string]bool{}
	for c := range s.sim.Chats(s.sim.Now()) {
		notice := ""
		if c.Notice != nil {
			notice = asStored(*c.Notice)
		}
		f.chats[c.ID] = chatNow{
			tracked:     tracked{asStored(c.Name), c.Owner, c.Status, notice},
			MemberCount: len(c.Members), CreatedAt: c.CreatedAt.Unix(),
		}
		owners[c.Owner] = true
		for _, m := range c.Members {
			id := spellID{Chat: c.ID, Member: m.ID}
			if !m.JoinedAt.IsZero() {
				id.JoinedAt = m.JoinedAt.Unix()
			}
			f.spells[id] = spellNow{
				Type: m.Type, Name: asStored(m.Name), Nickname: asStored(m.GroupNickname), UnionID: m.UnionID,
				Scene: m.JoinScene, Invitor: m.Invitor, State: m.State, Admin: slices.Contains(c.Admins, m.ID),
			}
			if m.Type == 1 {
				f.names[m.ID] = m.Name
			}
		}
	}
	for id := range f.names {
		if !owners[id] {
			delete(f.names, id)
		}
	}
	return f
}

// rowsOf collects the rows of a query by position.
func rowsOf[T any](s *site, sql string, args ...any) []T {
	s.t.Helper()
	rows, err := s.pool.Query(s.t.Context(), sql, args...)
	require.NoError(s.t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	require.NoError(s.t, err, sql)
	return all
}

// unixJoined is joined_at as [spellID] has it.
const unixJoined = `case when isfinite(joined_at) then extract(epoch from joined_at)::bigint else 0 end`

// stored is what the tables tell.
func (s *site) stored() facts {
	s.t.Helper()
	f := facts{chats: map[string]chatNow{}, spells: map[spellID]spellNow{}, names: map[string]string{}}
	for _, r := range rowsOf[struct {
		ID string
		chatNow
	}](s, `select chat_id, name, owner_id, status, notice, member_count, extract(epoch from created_at)::bigint
		from groupchat.chat where gone_at is null`) {
		r.Name, r.Notice = asStored(r.Name), asStored(r.Notice)
		f.chats[r.ID] = r.chatNow
	}
	for _, r := range rowsOf[struct {
		spellID
		spellNow
	}](s, `select chat_id, member_id, `+unixJoined+`, member_type, name, group_nickname, coalesce(union_id, ''),
		       join_scene, coalesce(invitor_id, ''), coalesce(state, ''), is_admin, left_after is not null
		  from groupchat.chat_member where left_before is null`) {
		r.Name, r.Nickname = asStored(r.Name), asStored(r.Nickname)
		f.spells[r.spellID] = r.spellNow
	}
	for _, r := range rowsOf[struct {
		ID     string
		Name   *string
		Listed bool
	}](s, `select owner_id, name, list_scope is not null and unlisted_at is null from groupchat.owner order by owner_id`) {
		if r.Name != nil {
			f.names[r.ID] = *r.Name
		}
		if r.Listed {
			f.listed = append(f.listed, r.ID)
		}
	}
	slices.Sort(f.listed)
	return f
}

// withoutHeld drops the chats that the vendor says are gone, of owners whom it
// refuses in a filter: they are not marked gone, as sync.finding tells.
func (s *site) withoutHeld(f facts) {
	s.t.Helper()
	for _, id := range rowsOf[struct{ ID string }](s, `select chat_id from groupchat.chat c
		  join sync.item i on i.stream = 'members' and i.subject = c.chat_id and i.last_error_code = '40050'
		  join sync.finding f on f.kind = 'owner_refused' and f.subject = c.owner_id
		 where c.gone_at is null`) {
		delete(f.chats, id.ID)
		maps.DeleteFunc(f.spells, func(spell spellID, _ spellNow) bool { return spell.Chat == id.ID })
	}
}

// nothingIsMissing checks that everything current is in the tables, and nothing
// else, and returns it.
func (s *site) nothingIsMissing() facts {
	s.t.Helper()
	want, have := s.truth(), s.stored()
	s.withoutHeld(have)
	diff := func(what string, want, have any) {
		s.t.Helper()
		require.Empty(s.t, cmp.Diff(want, have, cmp.AllowUnexported(chatNow{})), what)
	}
	diff("chats", want.chats, have.chats)
	diff("spells", want.spells, have.spells)
	diff("follow users", want.listed, have.listed)
	for id, name := range want.names {
		require.Equal(s.t, name, have.names[id], id)
	}
	return want
}

// historyIsRight checks what a sync that began at since made of the difference
// between two truths. It returns how many of the chats that lived on had
// changed, and how many had gone.
func (s *site) historyIsRight(was, is facts, since time.Time) (changed, gone int) {
	s.t.Helper()
	type former struct {
		tracked
		From, Until time.Time
	}
	history := map[string][]former{}
	for _, r := range rowsOf[struct {
		ID string
		former
	}](s, `select chat_id, coalesce(name, ''), coalesce(owner_id, ''), coalesce(status, -1), coalesce(notice, ''), known_from, known_until
		from groupchat.chat_history where known_until >= $1 order by chat_id, known_from`, since) {
		r.Name, r.Notice = asStored(r.Name), asStored(r.Notice)
		history[r.ID] = append(history[r.ID], r.former)
	}
	knownFrom := map[string]time.Time{}
	for _, r := range rowsOf[struct {
		ID   string
		From time.Time
	}](s, `select chat_id, known_from from groupchat.chat`) {
		knownFrom[r.ID] = r.From
	}
	goneAt := map[string]time.Time{}
	for _, r := range rowsOf[struct {
		ID string
		At time.Time
	}](s, `select chat_id, gone_at from groupchat.chat where gone_at is not null`) {
		goneAt[r.ID] = r.At
	}
	for id, before := range was.chats {
		now, alive := is.chats[id]
		rows := history[id]
		if !alive {
			if at, marked := goneAt[id]; marked {
				gone++
				require.False(s.t, at.Before(since), "%s is gone since %s", id, at)
			}
			continue
		}
		if before.tracked == now.tracked {
			require.Empty(s.t, rows, "%s has not changed", id)
			continue
		}
		changed++
		require.NotEmpty(s.t, rows, "%s has changed from %v to %v", id, before.tracked, now.tracked)
		require.Equal(s.t, before.tracked, rows[0].tracked, "the former values of %s", id)
		for i, r := range rows {
			require.True(s.t, r.From.Before(r.Until))
			next := knownFrom[id]
			if i+1 < len(rows) {
				next = rows[i+1].From
			}
			require.True(s.t, r.Until.Equal(next), "%s is known without a gap", id)
		}
	}
	return changed, gone
}

// boundsAreRight checks the spells that a sync that began at since has closed.
// It returns how many there are.
func (s *site) boundsAreRight(was, is facts, since time.Time) int {
	s.t.Helper()
	type closed struct {
		spellID
		FirstSeen, After, Before time.Time
	}
	ended := map[spellID]closed{}
	for _, r := range rowsOf[closed](s, `select chat_id, member_id, `+unixJoined+`, first_seen_at, left_after, left_before
		from groupchat.chat_member where left_before is not null`) {
		ended[r.spellID] = r
		require.False(s.t, r.After.After(r.Before), "%v", r)
		require.False(s.t, r.After.Before(r.FirstSeen), "%v", r)
	}
	n := 0
	for id := range was.spells {
		if _, still := is.spells[id]; still {
			continue
		}
		r, ok := ended[id]
		if _, alive := is.chats[id.Chat]; !alive && !ok {
			continue // see withoutHeld
		}
		n++
		require.True(s.t, ok, "%v has left", id)
		require.True(s.t, r.After.Before(since), "the last read that had the member was before: %v", r)
		require.False(s.t, r.Before.Before(since), "the first read that had not came after: %v", r)
	}
	for id := range ended {
		require.NotContains(s.t, is.spells, id)
	}
	return n
}

// A tenant that lives on is followed: members who come, leave and come back,
// chats that get other names, notices, owners and states, new ones and dissolved
// ones. After every sync the tables are the vendor's truth, and what was true
// before is kept with honest bounds.
func TestChangesAreFollowed(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]vendorsim.Options{
		"plain": {Seed: 11, Chats: 120, MeanMembers: 10, MaxMembers: 80, Owners: 20},
		"odd":   {Seed: 12, Chats: 120, MeanMembers: 10, MaxMembers: 80, Owners: 20, Odd: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, o)
			s.ok("sync")
			was := s.nothingIsMissing()
			require.Zero(t, scalar[int](s, "select count(*) from groupchat.chat_history"))
			require.Zero(t, scalar[int](s, "select count(*) from groupchat.chat_member where left_after is not null"))
			var changed, gone, left, born int
			for _, by := range []time.Duration{24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour} {
				_, err := s.sim.Advance(by)
				require.NoError(t, err)
				s.dueNow()
				since := time.Now()
				s.ok("sync")
				is := s.nothingIsMissing()
				c, g := s.historyIsRight(was, is, since)
				changed, gone, left = changed+c, gone+g, left+s.boundsAreRight(was, is, since)
				born += len(is.chats) - len(was.chats) + g
				was = is
			}
			t.Logf("%d changes of chats, %d chats gone, %d new, %d members left", changed, gone, born, left)
			require.Greater(t, changed, 60)
			require.Greater(t, gone, 3)
			require.Greater(t, born, 3)
			require.Greater(t, left, 250)
			require.Equal(t, scalar[int](s, "select coalesce(sum(rejects), 0) from sync.pass"),
				scalar[int](s, "select coalesce(sum(times), 0) from sync.reject"))
			require.Equal(t, o.Odd, scalar[bool](s, "select exists (select from groupchat.chat_member where extra is not null)"))

			s.ok("sync") // an owner is gone when two lists have missed him
			sums := s.checksums()
			s.ok("sync", "--full")
			require.Equal(t, sums, s.checksums(), "nothing has changed since")
		})
	}
}
