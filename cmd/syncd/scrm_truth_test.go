package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/scrm"
)

// scrmChat is a group as it is now.
type scrmChat struct {
	Name, Owner, OwnerName, Department string
	CreatedAt                          int64 // Unix seconds
	// Tags are joined by a line feed, sorted; Calendars are id and name, in order.
	Tags, Calendars string
}

type scrmTask struct {
	Info, Chat, Title, Creator string
	Status, Mode               int64
	StartsAt                   int64 // Unix seconds
}

type scrmOwner struct{ Name, Department string }

// scrmFacts are what is current, in the simulator or in the tables, by id.
type scrmFacts struct {
	chats  map[string]scrmChat
	tasks  map[string]scrmTask
	owners map[string]scrmOwner
}

// scrmTruth is what the simulator would list now of groups that are wanted; nil
// wants all.
func scrmTruth(sim *scrm.Sim, wanted func(scrm.Group) bool) scrmFacts {
	f := scrmFacts{map[string]scrmChat{}, map[string]scrmTask{}, map[string]scrmOwner{}}
	for g := range sim.Groups(sim.Moment()) {
		if wanted != nil && !wanted(g) {
			continue
		}
		owner := strconv.FormatInt(g.SalesID, 10)
		c := scrmChat{
			Name: asStored(g.ChatName), Owner: owner, OwnerName: g.SalesName, Department: g.DepartmentName, CreatedAt: g.CreatedAt.Unix(),
		}
		var tags, calendars []string
		for _, tag := range g.Tags {
			tags = append(tags, tag.Name)
		}
		slices.Sort(tags)
		for _, calendar := range g.Calendars {
			calendars = append(calendars, fmt.Sprintf("%d %s", calendar.ID, calendar.Name))
		}
		c.Tags, c.Calendars = strings.Join(tags, "\n"), strings.Join(calendars, "\n")
		f.chats[g.ChatID], f.owners[owner] = c, scrmOwner{g.SalesName, g.DepartmentName}
		for _, task := range g.Tasks {
			f.tasks[task.ID] = scrmTask{
				Info: task.SopInfoID, Chat: g.ChatID, Title: task.Title, Creator: strconv.FormatInt(task.CreatorID, 10),
				Status: task.SendStatus, Mode: task.Mode, StartsAt: task.StartTime.Unix(),
			}
		}
	}
	return f
}

// scrmStored is what the tables tell.
func (s *site) scrmStored() scrmFacts {
	s.t.Helper()
	f := scrmFacts{map[string]scrmChat{}, map[string]scrmTask{}, map[string]scrmOwner{}}
	for _, r := range rowsOf[struct {
		ID string
		scrmChat
	}](s, `select chat_id, name, owner_id, owner_name, department_name, extract(epoch from created_at)::bigint,
		       coalesce((select string_agg(t.tag_name, E'\n' order by t.tag_name collate "C")
		                   from groupchat.chat_tag t
		                  where t.chat_id = c.chat_id and t.gone_at is null), ''),
		       coalesce((select string_agg((k.raw->>'id') || ' ' || (k.raw->>'name'), E'\n' order by k.ordinal)
		                   from groupchat.chat_calendar k
		                  where k.chat_id = c.chat_id and k.gone_at is null), '')
		  from groupchat.chat c where gone_at is null`) {
		r.Name = asStored(r.Name)
		f.chats[r.ID] = r.scrmChat
	}
	for _, r := range rowsOf[struct {
		ID string
		scrmTask
	}](s, `select task_id, sop_info_id, chat_id, title, creator_id, send_status, mode, extract(epoch from starts_at)::bigint
		  from groupchat.sop_task where gone_at is null`) {
		f.tasks[r.ID] = r.scrmTask
	}
	for _, r := range rowsOf[struct {
		ID string
		scrmOwner
	}](s, `select owner_id, name, department_name from groupchat.owner`) {
		f.owners[r.ID] = r.scrmOwner
	}
	return f
}

// sameAsSCRM compares the tables with the simulator row by row, and returns what
// both tell. Owners of the past are kept.
func (s *site) sameAsSCRM(sim *scrm.Sim, wanted func(scrm.Group) bool) scrmFacts {
	s.t.Helper()
	want, have := scrmTruth(sim, wanted), s.scrmStored()
	require.Empty(s.t, cmp.Diff(want.chats, have.chats), "groups")
	require.Empty(s.t, cmp.Diff(want.tasks, have.tasks), "tasks")
	for id := range have.owners {
		if _, current := want.owners[id]; !current {
			delete(have.owners, id)
		}
	}
	require.Empty(s.t, cmp.Diff(want.owners, have.owners), "owners")
	return want
}

// longAgo is a tenant's clock that no bound of a pass has to do with.
func longAgo() time.Time { return time.Now().AddDate(0, 0, -120) }

// What a tenant has is in the tables to the last value, however its vendor decides
// what no document says.
func TestSCRMTruth(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]scrm.Options{
		"plain":                {},
		"odd":                  {Odd: true},
		"oldest first":         {Order: scrm.OrderOldestFirst, Bounds: scrm.BoundsExclusive},
		"pages are cut":        {PageSizeMax: 7, ClampPageSize: true, Order: scrm.OrderByChatID, LastBeyond: true},
		"a user must be named": {UserRequired: true, Odd: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Seed, o.Groups, o.Start = 21, 300, longAgo()
			s, sim := newSCRMSite(t, o)
			if o.UserRequired {
				var ids []string
				for _, e := range sim.Employees(sim.Moment()) {
					ids = append(ids, strconv.FormatInt(e.ID, 10))
				}
				s.setSCRM("page_size: 9, user_ids: [" + strings.Join(ids, ", ") + "]")
			}
			r := s.ok("sync")
			require.NotRegexp(t, `\((drifted|unproven)\)|set aside`, r.stdout)
			want := s.sameAsSCRM(sim, nil)
			require.Len(t, want.chats, 300)
			require.Greater(t, len(want.tasks), 300)
			require.Len(t, s.scrmStored().owners, len(want.owners))
			require.Zero(t, scalar[int](s, "select count(*) from sync.reject"))
			require.Zero(t, scalar[int](s, "select count(*) from groupchat.chat_member"))
			require.Equal(t, o.Odd, scalar[bool](s, `select exists (select from groupchat.chat
				where extra @> '{"memberCount": 17, "groupFlags": {"labels": ["a", 1, null]}}')`))
			require.Equal(t, o.Odd, scalar[bool](s, `select exists (select from groupchat.sop_task where extra @> '{"channel": {"id": 7}}')`))

			sums := s.checksums()
			r = s.ok("sync")
			require.Contains(t, r.stdout, ", 0 changed, ")
			require.Equal(t, sums, s.checksums())
			r = s.ok("sync", "--full")
			require.NotContains(t, r.stdout, ", 0 changed, ")
			require.Equal(t, sums, s.checksums(), "everything is written again, and nothing differs")
		})
	}
}

// The filters of the configuration reach the vendor, and what they leave out does
// not count as gone when they change.
func TestSCRMFilters(t *testing.T) {
	t.Parallel()
	s, sim := newSCRMSite(t, scrm.Options{Seed: 22, Groups: 200, Start: longAgo(), ZeroIsAny: true})
	boss := sim.Employees(sim.Moment())[0]
	tag := func(name string) int64 {
		id, err := scrm.TagID(name)
		require.NoError(t, err)
		return id
	}
	tagged := func(g scrm.Group, name string) bool {
		return slices.ContainsFunc(g.Tags, func(t scrm.Tag) bool { return t.Name == name })
	}
	for _, c := range []struct {
		settings string
		wanted   func(scrm.Group) bool
	}{
		{"keyword: 答疑", func(g scrm.Group) bool { return strings.Contains(g.ChatName, "答疑") }},
		{
			fmt.Sprintf("tag_group_ids: [%d, %d], condition_op: 0", tag("A级"), tag("活跃群")),
			func(g scrm.Group) bool { return tagged(g, "A级") || tagged(g, "活跃群") },
		},
		{
			fmt.Sprintf("tag_group_ids: [%d], condition_op: 1, user_ids: [%d]", tag("老客"), boss.ID),
			func(g scrm.Group) bool { return tagged(g, "老客") && g.SalesID == boss.ID },
		},
		{"keyword: no group is called so", func(scrm.Group) bool { return false }},
		{"page_size: 30", nil},
	} {
		_, err := s.pool.Exec(t.Context(), `truncate groupchat.chat, groupchat.sop_task, groupchat.chat_tag,
			groupchat.chat_calendar, groupchat.owner`)
		require.NoError(t, err)
		s.setSCRM(c.settings)
		s.ok("sync")
		want := s.sameAsSCRM(sim, c.wanted)
		t.Logf("%s: %d groups", c.settings, len(want.chats))
		require.Equal(t, strings.HasPrefix(c.settings, "keyword: no"), len(want.chats) == 0)
	}

	for range 3 { // a filter that leaves out nearly all of them
		s.setSCRM("keyword: 答疑")
		s.ok("sync")
	}
	require.Zero(t, scalar[int](s, "select count(*) from groupchat.chat where gone_at is not null"))
	require.Zero(t, scalar[int](s, "select count(*) from sync.candidate"))
	s.sameAsSCRM(sim, nil)
	require.Positive(t, scalar[int](s, "select count(*) from sync.finding where kind = 'scope_changed'"))
}
