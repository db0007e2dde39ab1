package vendorsim

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMixHasAnInverse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Uint64().Draw(t, "x")
		require.Equal(t, x, unmix(mix(x)))
	})
}

// calls makes a fixed series of calls, good and bad, and returns all answers.
func (c *client) calls(limit int) []string {
	var all []string
	say := func(method, endpoint, body string) {
		all = append(all, string(c.raw(method, c.path(endpoint), body)))
	}
	say("GET", EndpointFollowUsers, "")
	say("POST", EndpointChatList, fmt.Sprintf(`{"limit":%d}`, limit))
	say("POST", EndpointChatList, `{"limit":0}`)
	say("POST", EndpointChatGet, `{"chat_id":"wr"}`)
	now := c.sim.Now().Unix()
	say("POST", EndpointMessages, fmt.Sprintf(`{"chat_type":"group","start_time":%d,"end_time":%d}`, now-9*day, now))
	for m := range c.sim.Messages(c.sim.Now()) {
		say("POST", EndpointTasks, `{"msgid":"`+m.ID+`"}`)
		say("POST", EndpointResults, `{"limit":2,"msgid":"`+m.ID+`","userid":"`+c.sim.Tasks(m.ID, c.sim.Now())[0].Sender+`"}`)
		if len(all) > 10 {
			break
		}
	}
	say("POST", EndpointJoinWay, `{"config_id":"`+c.anyWay()+`"}`)
	for chat := range c.sim.Chats(c.sim.Now()) {
		say("POST", EndpointChatGet, `{"need_name":1,"chat_id":"`+chat.ID+`"}`)
		if len(all) > 30 {
			break
		}
	}
	return all
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := Options{
			Seed:        rapid.Uint64().Draw(t, "seed"),
			Chats:       rapid.IntRange(1, 60).Draw(t, "chats"),
			MeanMembers: rapid.IntRange(1, 40).Draw(t, "mean"),
			Odd:         rapid.Bool().Draw(t, "odd"),
		}
		steps := rapid.SliceOfN(rapid.IntRange(0, 100*day), 1, 3).Draw(t, "steps")
		var total time.Duration
		a, b := newClient(t, o), newClient(t, o)
		var last []string
		for _, step := range steps {
			total += time.Duration(step) * time.Second
			a.advance(time.Duration(step) * time.Second)
			a.login()
			last = a.calls(7)
		}
		// The other goes there in one leap: only where the clock stands counts.
		b.advance(total)
		b.login()
		require.Equal(t, bodies(last), bodies(b.calls(7)))

		o.Seed++
		c := newClient(t, o)
		c.advance(total)
		c.login()
		require.NotEqual(t, bodies(last), bodies(c.calls(7)))
	})
}

// bodies leaves out what counts calls: the refusals with their hints.
func bodies(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s[:len(`{"errcode":0`)] != `{"errcode":0` })
}

func TestSameCallsSameBytes(t *testing.T) {
	t.Parallel()
	o := Options{Seed: 5, Chats: 40, Odd: true}
	first := newClient(t, o).calls(7)
	o.Now = func() time.Time { return defaultStart.AddDate(1, 0, 0) }
	require.Equal(t, first, newClient(t, o).calls(7), "hints and cursors too, in another year")
}

func TestPagingReturnsEachChatOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newClient(t, Options{
			Seed:  rapid.Uint64().Draw(t, "seed"),
			Chats: rapid.IntRange(1, 400).Draw(t, "chats"),
			Odd:   rapid.Bool().Draw(t, "odd"),
		})
		c.advance(time.Duration(rapid.IntRange(0, 200*day).Draw(t, "later")) * time.Second)
		c.login()
		limit := rapid.IntRange(1, 90).Draw(t, "limit")
		status := rapid.IntRange(0, 3).Draw(t, "status")
		params := map[string]any{"limit": limit, "status_filter": status}
		var owners []string
		if rapid.Bool().Draw(t, "filtered") {
			owners = rapid.SliceOfNDistinct(rapid.SampledFrom(c.follow().FollowUser), 1, 3, rapid.ID).Draw(t, "owners")
			params["owner_filter"] = map[string]any{"userid_list": owners}
		}
		pages := c.pages(params)
		for _, page := range pages {
			require.LessOrEqual(t, len(page), limit)
		}
		var want []string
		for n := range c.sim.tenant.chats.Count(c.sim.Now().Unix()) {
			chat, alive := c.sim.Chat(c.sim.tenant.chatID(n), c.sim.Now())
			all, own := c.sim.tenant.tenures(nil, n, c.sim.Now().Unix())
			require.NotEmpty(t, all)
			if alive && (status == 0 || own == status) && (owners == nil || slices.Contains(owners, chat.Owner)) {
				want = append(want, chat.ID)
			}
		}
		require.Equal(t, want, slices.Concat(pages...))
	})
}

func TestListingGoesOnWhileTheClockMoves(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 300})
	before := slices.Collect(c.sim.Chats(c.sim.Now()))
	seen, cursor := map[string]int{}, ""
	for {
		got := c.list(`{"limit":50,"cursor":"` + cursor + `"}`)
		require.Equal(t, 0, got.Errcode, got.Errmsg)
		for _, row := range got.Chats {
			seen[row.ID]++
		}
		if got.NextCursor == nil || *got.NextCursor == "" {
			break
		}
		cursor = *got.NextCursor
		c.advance(24 * time.Hour)
		c.login()
	}
	for _, chat := range before {
		if _, alive := c.sim.Chat(chat.ID, c.sim.Now()); alive {
			require.Equal(t, 1, seen[chat.ID])
		}
	}
}

// decoded is a detail as an outsider reads it.
type decoded struct {
	ID      string  `json:"chat_id"`
	Name    string  `json:"name"`
	Owner   string  `json:"owner"`
	Created int64   `json:"create_time"`
	Notice  *string `json:"notice"`
	Members []struct {
		ID      string  `json:"userid"`
		Type    int     `json:"type"`
		UnionID string  `json:"unionid"`
		Joined  int64   `json:"join_time"`
		Scene   int     `json:"join_scene"`
		Nick    *string `json:"group_nickname"`
		Name    string  `json:"name"`
		State   string  `json:"state"`
		Invitor *struct {
			ID string `json:"userid"`
		} `json:"invitor"`
	} `json:"member_list"`
	Admins []struct {
		ID string `json:"userid"`
	} `json:"admin_list"`
	Version string `json:"member_version"`
}

func TestDetailsTellTheTruth(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 3, Chats: 150})
	c.advance(90 * 24 * time.Hour)
	c.login()
	now := c.sim.Now()
	for want := range c.sim.Chats(now) {
		var got decoded
		require.NoError(t, json.Unmarshal(c.get(`{"need_name":1,"chat_id":"`+want.ID+`"}`).Chat, &got))
		require.Equal(t, []any{want.ID, want.Name, want.Owner, want.CreatedAt.Unix(), want.Notice, want.MemberVersion},
			[]any{got.ID, got.Name, got.Owner, got.Created, got.Notice, got.Version})
		require.Equal(t, want.Admins == nil, got.Admins == nil)
		require.Len(t, got.Admins, len(want.Admins))
		require.Len(t, got.Members, len(want.Members))
		for i, m := range want.Members {
			g := got.Members[i]
			invitor := ""
			if g.Invitor != nil {
				invitor = g.Invitor.ID
			}
			require.NotNil(t, g.Nick)
			require.Equal(t,
				[]any{m.ID, m.Type, m.UnionID, m.JoinedAt.Unix(), m.JoinScene, m.Invitor, m.GroupNickname, m.Name, m.State},
				[]any{g.ID, g.Type, g.UnionID, g.Joined, g.Scene, invitor, *g.Nick, g.Name, g.State})
		}
	}
}

// What must hold for any chat of a clean tenant at any moment.
func TestChatsAreConsistent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(t, Options{Seed: rapid.Uint64().Draw(t, "seed"), Chats: rapid.IntRange(1, 40).Draw(t, "chats")})
		at := defaultStart.Add(time.Duration(rapid.IntRange(0, 700*day).Draw(t, "later")) * time.Second)
		names := map[string]string{}
		memberships := 0
		for chat := range s.Chats(at) {
			memberships += len(chat.Members)
			require.LessOrEqual(t, len(chat.Members), 500)
			require.False(t, chat.CreatedAt.After(at))
			ids := map[string]bool{}
			for _, m := range chat.Members {
				require.False(t, ids[m.ID], "twice in one chat: %s", m.ID)
				ids[m.ID] = true
				require.False(t, m.JoinedAt.After(at))
				require.False(t, m.JoinedAt.Before(chat.CreatedAt))
				if known, ok := names[m.ID]; ok {
					require.Equal(t, known, m.Name, "one name in all chats")
				}
				names[m.ID] = m.Name
			}
			require.Equal(t, chat.Status == statusNormal || chat.Status == statusInherited, ids[chat.Owner],
				"the owner is in the chat unless he has resigned")
			for _, admin := range chat.Admins {
				require.True(t, ids[admin])
				require.NotEqual(t, chat.Owner, admin)
			}
		}
		require.Equal(t, memberships, s.Totals(at).Memberships)
	})
}

func TestTenantAtTheStart(t *testing.T) {
	t.Parallel()
	s := newSim(t, Options{Seed: 1, Chats: 2000})
	sum := s.Totals(s.Now())
	require.Equal(t, 2000, sum.Chats)
	require.InDelta(t, 30*2000, sum.Memberships, 0.06*30*2000)
	require.Len(t, sum.ByStatus, 4, "all four statuses occur: %v", sum.ByStatus)

	var seen struct{ giants, unnamed, noNotice, emptyNotice, noAdmins, emptyAdmins, admins, unversioned int }
	shapes := map[string]int{}
	for chat := range s.Chats(s.Now()) {
		count := func(n *int, is bool) {
			if is {
				*n++
			}
		}
		count(&seen.giants, len(chat.Members) == 500)
		count(&seen.unnamed, chat.Name == "")
		count(&seen.noNotice, chat.Notice == nil)
		count(&seen.emptyNotice, chat.Notice != nil && *chat.Notice == "")
		count(&seen.noAdmins, chat.Admins == nil)
		count(&seen.emptyAdmins, chat.Admins != nil && len(chat.Admins) == 0)
		count(&seen.admins, len(chat.Admins) > 0)
		count(&seen.unversioned, chat.MemberVersion == "")
		for _, m := range chat.Members {
			shapes[fmt.Sprintf("type %d, id %s, union %t, invitor %t, state %t, scene %d",
				m.Type, m.ID[:1], m.UnionID != "", m.Invitor != "", m.State != "", m.JoinScene)]++
		}
	}
	require.GreaterOrEqual(t, seen.giants, 1)
	for _, n := range []int{
		seen.unnamed, seen.noNotice, seen.emptyNotice, seen.noAdmins, seen.emptyAdmins, seen.admins, seen.unversioned,
	} {
		require.Greater(t, n, 100, "%+v", seen)
	}
	for _, shape := range []string{
		"type 2, id w, union true, invitor true, state false, scene 1",
		"type 2, id w, union false, invitor false, state false, scene 2",
		"type 2, id w, union true, invitor false, state true, scene 3",
	} {
		require.Positive(t, shapes[shape], "%v", shapes)
	}
}

func TestClockMakesThingsHappen(t *testing.T) {
	t.Parallel()
	s := newSim(t, Options{Seed: 2, Chats: 1000})
	happened := map[string]int{}
	begin := s.Now()
	for day := range 20 {
		compare(t, s, begin.AddDate(0, 0, day), begin.AddDate(0, 0, day+1), happened)
	}
	for _, what := range []string{
		"joined", "left", "came back", "renamed", "notice", "new owner", "dissolved", "appeared",
		"status 0 to 1", "status 1 to 2", "status 2 to 3", "hired", "resigned",
	} {
		require.Positive(t, happened[what], "%s: %v", what, happened)
	}
	for what := range happened {
		require.NotContains(t, []string{"status 1 to 0", "status 3 to 0", "status 2 to 0", "status 2 to 1", "status 3 to 2"}, what)
	}
}

// compare counts what happened between two moments.
func compare(t *testing.T, s *Sim, from, to time.Time, happened map[string]int) {
	t.Helper()
	for old := range s.Chats(from) {
		chat, alive := s.Chat(old.ID, to)
		if !alive {
			happened["dissolved"]++
			continue
		}
		changed := compareMembers(old, chat, happened)
		if old.MemberVersion != "" {
			require.Equal(t, changed, old.MemberVersion != chat.MemberVersion)
		}
		if old.Name != chat.Name {
			happened["renamed"]++
		}
		if (old.Notice == nil) != (chat.Notice == nil) || old.Notice != nil && *old.Notice != *chat.Notice {
			happened["notice"]++
		}
		if old.Owner != chat.Owner {
			happened["new owner"]++
		}
		if old.Status != chat.Status {
			happened[fmt.Sprintf("status %d to %d", old.Status, chat.Status)]++
		}
		require.Equal(t, old.CreatedAt, chat.CreatedAt)
	}
	for chat := range s.Chats(to) {
		if _, was := s.Chat(chat.ID, from); !was {
			happened["appeared"]++
		}
	}
	before, after := s.FollowUsers(from), s.FollowUsers(to)
	for _, id := range after {
		if !slices.Contains(before, id) {
			happened["hired"]++
		}
	}
	for _, id := range before {
		if !slices.Contains(after, id) {
			happened["resigned"]++
		}
	}
}

func compareMembers(old, chat Chat, happened map[string]int) (changed bool) {
	was := map[string]time.Time{}
	for _, m := range old.Members {
		was[m.ID] = m.JoinedAt
	}
	for _, m := range chat.Members {
		joined, known := was[m.ID]
		delete(was, m.ID)
		switch {
		case !known:
			happened["joined"]++
			changed = true
		case !joined.Equal(m.JoinedAt):
			happened["came back"]++
			changed = true
		}
	}
	happened["left"] += len(was)
	return changed || len(was) > 0
}

// Not parallel: it measures the heap.
//
//nolint:paralleltest // see above
func TestMemoryIsFlat(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	c := newClient(t, Options{Chats: 100_000})
	chats := 0
	for _, page := range c.pages(map[string]any{"limit": 1000}) {
		chats += len(page)
		c.get(`{"chat_id":"` + slices.Concat(page, []string{"wr"})[0] + `"}`)
	}
	require.Equal(t, 100_000, chats)
	require.Less(t, heap()-before, int64(4<<20), "3 million memberships behind it")
	runtime.KeepAlive(c)
}
