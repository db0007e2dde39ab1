package dingtalk

import (
	"context"
	"net/http/httptest"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
	sim "syncd/internal/vendorsim/dingtalk"
)

// simulate serves a simulated vendor that nobody calls too often, and a client of it.
func simulate(t *testing.T, o sim.Options, change ...func(*Options)) (*sim.Sim, *Client) {
	t.Helper()
	o.Limits = sim.Limits{PerSecond: -1, PerMonth: 1 << 20, PerAddress: -1}
	s, err := sim.New(o)
	require.NoError(t, err)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, testClient(t, server.URL, append([]func(*Options){func(o *Options) {
		o.AppKey, o.AppSecret = sim.DefaultAppKey, sim.DefaultAppSecret
		o.Fetch.Now = s.Now
	}}, change...)...)
}

// chainsOf returns the chains of a list stream, within bounds.
func chainsOf(t *testing.T, c *Client, stream, mode string, bounds model.Bounds) []model.Chain {
	t.Helper()
	var chains []model.Chain
	for _, s := range c.Specs() {
		for _, subject := range s.Subjects {
			if s.Name == stream && s.Mode == mode {
				chains = append(chains, model.Chain{
					Source: "acme", Stream: stream, Subject: subject.Name, Params: subject.Params, Bounds: bounds,
				})
			}
		}
	}
	require.NotEmpty(t, chains)
	return chains
}

// follow reads a chain to its end.
func follow(ctx context.Context, t *testing.T, c *Client, chain model.Chain) []model.Page {
	t.Helper()
	var pages []model.Page
	for cursor := ""; ; {
		page, err := c.Page(ctx, chain, cursor)
		require.NoError(t, err)
		requireSound(t, page)
		require.Empty(t, page.Rejects)
		pages = append(pages, page)
		if page.Last {
			return pages
		}
		require.NotEqual(t, cursor, page.Next)
		cursor = page.Next
	}
}

// lost is a run of what cannot be stored as it came. How many bytes of it become
// one replacement is a matter of taste.
var lost = regexp.MustCompile("\uFFFD+")

func plain(s *string) string {
	if s == nil {
		return ""
	}
	return lost.ReplaceAllString(lenient.Clean(*s), "\uFFFD")
}

func TestSimulatedChats(t *testing.T) {
	t.Parallel()
	for name, odd := range map[string]bool{"plain": false, "odd shapes": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := simulate(t, sim.Options{Seed: 7, Chats: 500, Odd: odd})
			truth := map[string]sim.Chat{}
			for chat := range s.Chats(s.Now()) {
				truth[chat.ID] = chat
			}
			for _, chain := range chainsOf(t, c, streamChats, modeFull, model.Bounds{Until: s.Now()}) {
				var created time.Time
				pages := follow(t.Context(), t, c, chain)
				require.Greater(t, len(pages), 1)
				for _, page := range pages {
					for i := range page.Chats {
						got, want := &page.Chats[i], truth[page.Chats[i].ID]
						require.False(t, got.CreatedAt.Before(created), "oldest first")
						created = *got.CreatedAt
						requireChat(t, want, got)
						delete(truth, want.ID)
					}
					require.NotNil(t, page.Total)
				}
			}
			require.Empty(t, truth, "never listed")
		})
	}
}

// requireChat compares a chat with the truth. That it has one is shown by its id.
func requireChat(t *testing.T, want sim.Chat, got *model.Chat) {
	t.Helper()
	require.Equal(t, want.ID, got.ID)
	require.Equal(t, plain(&want.Name), plain(got.Name))
	require.Equal(t, plain(&want.OwnerName), plain(got.OwnerName))
	require.Equal(t, want.OwnerID, plain(got.OwnerID))
	require.Equal(t, want.SetID, plain(got.GroupSetID))
	require.Equal(t, want.RelationType, plain(got.RelationType))
	require.EqualValues(t, want.Members, *got.MemberCount)
	require.True(t, want.CreatedAt.Equal(*got.CreatedAt))
}

// TestALostCursorGoesOnFromWhatIsStored: the chats of a first page and those from
// its youngest on are all of them, also where several share a millisecond.
func TestALostCursorGoesOnFromWhatIsStored(t *testing.T) {
	t.Parallel()
	s, c := simulate(t, sim.Options{Seed: 11, Chats: 300}, func(o *Options) { o.PageSize = 7 })
	for _, chain := range chainsOf(t, c, streamChats, modeNew, model.Bounds{After: s.Now().AddDate(-1, 0, 0), Until: s.Now()}) {
		var want, got []string
		for _, page := range follow(t.Context(), t, c, chain) {
			want = append(want, idsOf(page)...)
		}
		for {
			page, err := c.Page(t.Context(), chain, "")
			require.NoError(t, err)
			got = append(got, idsOf(page)...)
			if page.Last {
				break
			}
			youngest := *page.Chats[len(page.Chats)-1].CreatedAt
			require.True(t, youngest.After(chain.Bounds.After), "it leads on")
			chain.Bounds.After = youngest
		}
		require.Greater(t, len(got), len(want), "what was created at that instant comes again")
		slices.Sort(want)
		slices.Sort(got)
		require.Equal(t, want, slices.Compact(got))
	}
}

func idsOf(page model.Page) []string {
	ids := make([]string, len(page.Chats))
	for i, chat := range page.Chats {
		ids[i] = chat.ID
	}
	return ids
}

func TestSimulatedFilter(t *testing.T) {
	t.Parallel()
	s, c := simulate(t, sim.Options{Seed: 3, Chats: 300})
	var owner string
	for chat := range s.Chats(s.Now()) {
		owner = chat.OwnerID
	}
	_, narrowed := simulate(t, sim.Options{Seed: 3, Chats: 300}, func(o *Options) {
		text, err := Query{Conditions: []Condition{ownedBy(owner)}}.Encode()
		require.NoError(t, err)
		o.QueryDSL = text
	})
	count := func(c *Client) (all, owned int) {
		for _, chain := range chainsOf(t, c, streamChats, modeFull, model.Bounds{Until: s.Now()}) {
			for _, page := range follow(t.Context(), t, c, chain) {
				for _, chat := range page.Chats {
					all++
					if *chat.OwnerID == owner {
						owned++
					}
				}
			}
		}
		return all, owned
	}
	all, owned := count(c)
	require.Greater(t, all, owned)
	few, their := count(narrowed)
	require.Equal(t, owned, few)
	require.Equal(t, owned, their)
}

// TestSimulatedDisappearance: a chat that is still there is read, one that was
// dissolved is gone.
func TestSimulatedDisappearance(t *testing.T) {
	t.Parallel()
	s, c := simulate(t, sim.Options{Seed: 5, Chats: 200})
	before := map[string]bool{}
	for chat := range s.Chats(s.Now()) {
		before[chat.ID] = true
	}
	for range 60 {
		_, err := s.Advance(24 * time.Hour)
		require.NoError(t, err)
	}
	dissolved := 0
	for id := range before {
		page, err := c.Page(t.Context(), checkChain(id), "")
		want, there := s.Chat(id, s.Now())
		if !there {
			dissolved++
			e := asError(t, err)
			require.Equal(t, fetch.ClassGone, e.Class)
			require.Equal(t, "incorrectOpenConversationId", e.Code)
			continue
		}
		require.NoError(t, err)
		require.Len(t, page.Chats, 1)
		want.RelationType = "" // is not told
		requireChat(t, want, &page.Chats[0])
	}
	require.Positive(t, dissolved)
	require.Less(t, dissolved, len(before))
}

func TestSimulatedGroupSets(t *testing.T) {
	t.Parallel()
	s, c := simulate(t, sim.Options{Seed: 9, Chats: 400, Sets: 45})
	truth := map[string]sim.Set{}
	for _, set := range s.Sets(s.Now()) {
		truth[set.ID] = set
	}
	for _, chain := range chainsOf(t, c, streamSets, "", model.Bounds{}) {
		for _, page := range follow(t.Context(), t, c, chain) {
			for _, got := range page.GroupSets {
				want := truth[got.ID]
				require.Equal(t, want.Name, *got.Name)
				require.Equal(t, want.RelationType, *got.RelationType)
				require.Equal(t, want.Owner.ID, *got.OwnerID)
				require.EqualValues(t, want.MemberQuota, *got.MemberQuota)
				require.EqualValues(t, want.MemberCount, *got.MemberCount)
				require.EqualValues(t, want.ChatCount, *got.ChatCount)
				require.Equal(t, want.Notice, *got.Notice)
				require.True(t, want.CreatedAt.Equal(*got.CreatedAt))
				require.True(t, want.ModifiedAt.Equal(*got.ChangedAt))
				require.Contains(t, string(got.Extra), want.TemplateID)
				delete(truth, got.ID)
			}
		}
	}
	require.Empty(t, truth, "never listed")
}

// TestSimulatedReaders: every message, by what it is at the time.
func TestSimulatedReaders(t *testing.T) {
	t.Parallel()
	for name, odd := range map[string]bool{"plain": false, "odd shapes": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := simulate(t, sim.Options{Seed: 2, Chats: 60, Messages: 150, MeanMembers: 300, ReadyAfter: 6 * time.Hour, Odd: odd})
			seen := map[string]int{}
			for _, m := range s.Messages(s.Now()) {
				state, ok := s.Message(m.Key, s.Now())
				require.True(t, ok)
				chain := readsChain(m.Key, m.SentAt)
				chain.Params = encode(readsParams{Chat: m.ChatID, Robot: m.RobotCode})
				page, err := c.Page(t.Context(), chain, "")
				switch {
				case state.Expired:
					seen["expired"]++
					require.Equal(t, fetch.ClassGone, asError(t, err).Class)
				case !state.Ready:
					seen["young"]++
					require.Equal(t, fetch.ClassNotReady, asError(t, err).Class)
				default:
					require.NoError(t, err)
					seen[*page.MessageReads[0].SendStatus]++
					require.Equal(t, state.Status, *page.MessageReads[0].SendStatus)
					readers, pages := readersOf(t, c, chain)
					if pages > 1 {
						seen["paged"]++
					}
					if diff := cmp.Diff(state.Readers, readers); diff != "" && len(state.Readers)+len(readers) > 0 {
						t.Errorf("readers of %s (-want +got):\n%s", m.Key, diff)
					}
				}
			}
			for _, kind := range []string{"expired", "young", sim.StatusSuccess, sim.StatusRecalled} {
				require.Positive(t, seen[kind], kind)
			}
		})
	}
}

func readersOf(t *testing.T, c *Client, chain model.Chain) (ids []string, pages int) {
	t.Helper()
	for cursor := ""; ; {
		page, err := c.Page(t.Context(), chain, cursor)
		require.NoError(t, err)
		require.Empty(t, page.Rejects)
		for _, m := range page.MessageReads {
			require.Equal(t, chain.Subject, m.Key)
			ids = append(ids, m.ReaderIDs...)
		}
		pages++
		if cursor = page.Next; page.Last {
			return ids, pages
		}
	}
}

// TestSimulatedFaults: what the simulated vendor does wrong by name is what the
// client takes it for.
func TestSimulatedFaults(t *testing.T) {
	t.Parallel()
	for armed, want := range map[string]fetch.Class{
		"wrong-secret":                   fetch.ClassAuth,
		"permission-denied":              fetch.ClassAuth,
		"ip-not-listed":                  fetch.ClassAuth,
		"qpm":                            fetch.ClassThrottled,
		"qpm:of=suite":                   fetch.ClassThrottled,
		"month-spent":                    fetch.ClassThrottled,
		"ip-ban":                         fetch.ClassThrottled,
		"ip-ban:as=punish":               fetch.ClassThrottled,
		"ip-ban:as=status":               fetch.ClassThrottled,
		"unavailable":                    fetch.ClassTransient,
		"system-error":                   fetch.ClassTransient,
		"system-error:code=unknownError": fetch.ClassTransient,
		"gateway":                        fetch.ClassTransient,
		"drop":                           fetch.ClassTransient,
		"cut":                            fetch.ClassTransient,
		"no-cursor":                      fetch.ClassMalformed,
	} {
		t.Run(armed, func(t *testing.T) {
			t.Parallel()
			s, c := simulate(t, sim.Options{Seed: 1, Chats: 400}, func(o *Options) { o.Fetch.WaitMax = time.Second })
			require.NoError(t, s.Arm(armed))
			_, err := c.Page(t.Context(), chatsChain(c), "")
			require.Equal(t, want, asError(t, err).Class, "%v", err)
		})
	}
	t.Run("token-expired", func(t *testing.T) {
		t.Parallel()
		s, c := simulate(t, sim.Options{Seed: 1})
		require.NoError(t, s.Arm("token-expired:times=1"))
		page, err := c.Page(t.Context(), chatsChain(c), "")
		require.NoError(t, err)
		require.Equal(t, 2, page.Calls)
	})
	t.Run("cursor-dead", func(t *testing.T) {
		t.Parallel()
		s, c := simulate(t, sim.Options{Seed: 1, Chats: 400})
		page, err := c.Page(t.Context(), chatsChain(c), "")
		require.NoError(t, err)
		require.False(t, page.Last)
		require.NoError(t, s.Arm("cursor-dead"))
		_, err = c.Page(t.Context(), chatsChain(c), page.Next)
		require.Equal(t, fetch.ClassCursorGone, asError(t, err).Class)
	})
	t.Run("a third party's credential", func(t *testing.T) {
		t.Parallel()
		_, c := simulate(t, sim.Options{Seed: 1}, func(o *Options) {
			o.AppKey, o.AppSecret = "", ""
			o.SuiteKey, o.SuiteSecret, o.SuiteTicket, o.AuthCorpID = sim.DefaultSuiteKey, sim.DefaultSuiteSecret, "any", sim.DefaultCorpID
		})
		page, err := c.Page(t.Context(), chatsChain(c), "")
		require.NoError(t, err)
		require.NotEmpty(t, page.Chats)
	})
}
