package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// chatRow is what the views tell of a chat.
type chatRow struct {
	ChatID, Name, OwnerID, StatusText string
	Members, Staff, External          int
	IDs                               string
}

// viewedChats reads bi.chats and bi.members_current as a role that sees nothing
// but facts and views.
func (s *site) viewedChats() map[string]chatRow {
	s.t.Helper()
	var rows []chatRow
	err := pgx.BeginFunc(s.t.Context(), s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(s.t.Context(), "set local role syncd_reader"); err != nil {
			return err
		}
		found, err := tx.Query(s.t.Context(), `
			select c.chat_id, c.name, c.owner_id, c.status_text, c.members, c.staff_members, c.external_members,
			       coalesce(string_agg(m.member_id || '@' || extract(epoch from m.joined_at)::bigint || m.member_type_text
			                           || m.join_scene_text || m.is_owner || m.is_admin, ' '
			                           order by m.member_id collate "C", m.joined_at), '')
			  from bi.chats c
			  left join bi.members_current m using (source, chat_id)
			 where c.gone_at is null and c.status is not null
			 group by 1, 2, 3, 4, 5, 6, 7`)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(found, pgx.RowToStructByPos[chatRow])
		return err
	})
	require.NoError(s.t, err)
	byID := map[string]chatRow{}
	for _, r := range rows {
		byID[r.ChatID] = r
	}
	require.Len(s.t, byID, len(rows), "a chat is in the view twice")
	return byID
}

// wantChats is the same from the simulator's truth, for the chats in have.
func (s *site) wantChats(at time.Time, have map[string]chatRow) map[string]chatRow {
	s.t.Helper()
	statuses := []string{"normal", "owner resigned", "being inherited", "inherited"}
	types := map[int]string{1: "staff", 2: "external contact"}
	scenes := map[int]string{1: "invited", 2: "link", 3: "QR code"}
	want := map[string]chatRow{}
	for c := range s.sim.Chats(at) {
		if _, ok := have[c.ID]; !ok {
			continue
		}
		r := chatRow{ChatID: c.ID, Name: c.Name, OwnerID: c.Owner, StatusText: statuses[c.Status], Members: len(c.Members)}
		slices.SortFunc(c.Members, func(a, b vendorsim.Member) int { return strings.Compare(a.ID, b.ID) })
		var ids []string
		for _, m := range c.Members {
			if m.Type == 1 {
				r.Staff++
			} else {
				r.External++
			}
			ids = append(ids, m.ID+"@"+strconv.FormatInt(m.JoinedAt.Unix(), 10)+types[m.Type]+scenes[m.JoinScene]+
				strconv.FormatBool(m.ID == c.Owner)+strconv.FormatBool(slices.Contains(c.Admins, m.ID)))
		}
		r.IDs = strings.Join(ids, " ")
		want[c.ID] = r
	}
	return want
}

func (s *site) makeReader() {
	s.t.Helper()
	_, err := s.pool.Exec(s.t.Context(), "do $$ begin create role syncd_reader; exception when duplicate_object or unique_violation then null; end $$")
	require.NoError(s.t, err)
	s.ok("migrate", "up")
}

func TestViewsTellTheTruth(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Seed: 11, Chats: 300, MeanMembers: 12, MaxMembers: 60})
	s.configure(s.vendor.URL, "      members: {max_age: 1s}\n")
	s.makeReader()
	s.ok("sync")
	start := s.sim.Now()
	have := s.viewedChats()
	require.Len(t, have, s.sim.Totals(start).Chats)
	require.Equal(t, s.wantChats(start, have), have)
	require.Positive(t, s.sim.Totals(start).ByStatus[1], "a tenant without resigned owners shows little")

	_, err := s.sim.Advance(20 * 24 * time.Hour)
	require.NoError(t, err)
	s.run("sync", "--full") // chats that have vanished are another story
	now := s.sim.Now()
	have = s.viewedChats()
	want := s.wantChats(now, have)
	require.Len(t, want, s.sim.Totals(now).Chats, "every chat that exists is in the view")
	for id := range have {
		if _, exists := want[id]; exists {
			require.Equal(t, want[id], have[id])
		}
	}
	require.Equal(t, 0, scalar[int](s, "select count(*) from bi.chats where last_read_at is null"))
	require.Equal(t, scalar[int](s, "select count(*) from groupchat.chat_member where left_before is null"),
		scalar[int](s, "select count(*) from bi.members_current"))
}

// NULL is "not known": a chat that was listed and never read has no number of
// members.
func TestViewsBeforeTheDetailIsRead(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Seed: 2, Chats: 20})
	s.ok("sync", "acme/owners", "acme/chats")
	require.Equal(t, 20, scalar[int](s, `select count(*) from bi.chats
		where members is null and staff_members is null and name is null and last_read_at is null and status_text is not null`))
	require.Equal(t, 0, scalar[int](s, "select count(*) from bi.members_current"))
	require.Equal(t, 0, scalar[int](s, "select count(*) from bi.freshness where stream = 'members'"))
}

func TestFreshness(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Seed: 3, Chats: 40})
	s.ok("sync")
	type row struct {
		Stream, Outcome                        string
		Verdict                                *string
		Items, NeverRead, Overdue, Failing     int
		AgeKnown, OldestKnown, AgeIsOfTheStart bool
	}
	fresh := func() []row {
		t.Helper()
		rows, err := s.pool.Query(t.Context(), `
			select stream, last_outcome, complete_verdict, items, items_never_read, items_overdue, items_failing,
			       age between '0' and '1 hour', coalesce(oldest_item_read_at >= last_started_at, false),
			       coalesce(complete_started_at < complete_finished_at, false)
			  from bi.freshness where source = 'acme' order by stream`)
		require.NoError(t, err)
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
		require.NoError(t, err)
		return list
	}
	complete := "complete"
	require.Equal(t, []row{
		{"chats", "complete", &complete, 0, 0, 0, 0, true, false, true},
		{"members", "complete", nil, 40, 0, 0, 0, true, true, true},
		{"owners", "complete", &complete, 0, 0, 0, 0, true, false, true},
	}, fresh())

	// A day later one chat was never read, one failed, and the latest pass broke off.
	_, err := s.pool.Exec(t.Context(), `
		update sync.item set fetched_at = null where subject = (select min(subject) from sync.item);
		update sync.item set failures = 2, last_error_code = '-1', due_at = now() - interval '1 hour'
		 where subject = (select max(subject) from sync.item);
		insert into sync.pass (source, stream, trigger, scope, started_at, outcome, error, resume_at)
		values ('acme', 'members', 'command', 0, now(), 'partial', 'budget', now() + interval '1 hour')`)
	require.NoError(t, err)
	require.Equal(t, row{"members", "partial", nil, 40, 1, 1, 1, true, false, true}, fresh()[1])
	require.True(t, scalar[bool](s, `select complete_finished_at < last_started_at and last_finished_at is null
		and last_error = 'budget' and last_resume_at > now() from bi.freshness where stream = 'members'`))
}
