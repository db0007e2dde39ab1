package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/scrm"
)

// asTracked are the groups as chat_history follows them. The vendor tells neither
// status nor notice.
func (f scrmFacts) asTracked() facts {
	all := facts{chats: map[string]chatNow{}}
	for id, c := range f.chats {
		all.chats[id] = chatNow{tracked: tracked{c.Name, c.Owner, -1, ""}, CreatedAt: c.CreatedAt}
	}
	return all
}

// A tenant that lives on is followed: groups that get other names, owners, tags and
// tasks, new ones and dissolved ones, tasks that are sent and that vanish. What
// vanished is there after one sync that misses it, and gone after the second.
func TestSCRMChangesAreFollowed(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]scrm.Options{
		"plain": {Seed: 31}, "odd": {Seed: 32, Odd: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Groups, o.Employees, o.Start = 240, 12, longAgo()
			s, sim := newSCRMSite(t, o)
			s.ok("sync")
			was := s.sameAsSCRM(sim, nil)
			var changed, dissolved, tasksGone, sent, untagged int
			for _, by := range []time.Duration{time.Hour, 24 * time.Hour, 5 * 24 * time.Hour, 5 * 24 * time.Hour} {
				goneBefore := s.scrmGone()
				_, err := sim.Advance(by)
				require.NoError(t, err)
				since := time.Now()
				r := s.ok("sync")
				require.NotContains(t, r.stdout, "approve", "a few at a time")
				require.Equal(t, goneBefore, s.scrmGone(), "one pass that misses something proves nothing")
				is := scrmTruth(sim, nil)
				stored := s.scrmStored()
				for id, task := range is.tasks {
					require.Equal(t, task, stored.tasks[id])
				}
				for id, chat := range is.chats {
					require.Equal(t, chat, stored.chats[id])
				}
				s.ok("sync")
				s.sameAsSCRM(sim, nil)
				require.Zero(t, scalar[int](s, "select count(*) from sync.candidate"))
				c, g := s.historyIsRight(was.asTracked(), is.asTracked(), since)
				changed, dissolved = changed+c, dissolved+g
				for id, task := range was.tasks {
					now, there := is.tasks[id]
					switch {
					case !there:
						tasksGone++
					case now.Status != task.Status:
						sent++
					}
				}
				untagged = scalar[int](s, "select count(*) from groupchat.chat_tag where gone_at is not null")
				was = is
			}
			t.Logf("%d changes of groups, %d dissolved, %d tasks gone, %d sent, %d tags taken away", changed, dissolved, tasksGone, sent, untagged)
			require.Greater(t, changed, 20)
			require.Greater(t, dissolved, 2)
			require.Greater(t, tasksGone, 50)
			require.GreaterOrEqual(t, sent, 1)
			require.Greater(t, untagged, 8)
			require.Equal(t, [2]int{dissolved, tasksGone}, s.scrmGone())
			sums := s.checksums()
			s.ok("sync", "--full")
			require.Equal(t, sums, s.checksums(), "nothing has changed since")
		})
	}
}

// scrmGone counts the groups and the tasks that are marked gone.
func (s *site) scrmGone() [2]int {
	s.t.Helper()
	const why = "missing from two complete passes"
	return [2]int{
		scalar[int](s, "select count(*) from groupchat.chat where gone_at is not null and gone_reason = $1", why),
		scalar[int](s, "select count(*) from groupchat.sop_task where gone_at is not null and gone_reason = $1", why),
	}
}

// A group that was gone, and a task, are taken back when they are listed again, and
// what was missed once and seen again is no candidate any more.
func TestSCRMGoneAndBack(t *testing.T) {
	t.Parallel()
	s, sim := newSCRMSite(t, scrm.Options{Seed: 33, Groups: 60, Start: longAgo()})
	var shy, brief scrm.Group
	for g := range sim.Groups(sim.Moment()) {
		if len(g.Tasks) > 1 && shy.ChatID == "" {
			shy = g
		} else {
			brief = g
		}
	}
	hidden := shy.Tasks[0].ID
	s.ok("sync")
	first := s.sameAsSCRM(sim, nil)
	candidates := func() int { return scalar[int](s, "select count(*) from sync.candidate") }

	require.NoError(t, sim.Delete(brief.ChatID))
	sim.SetScript(without1Task(t, hidden))
	r := s.ok("sync")
	lost := 2 + len(brief.Tasks)
	require.Contains(t, r.stdout, "missing from the list")
	require.Equal(t, lost, candidates())
	require.Equal(t, [2]int{}, s.scrmGone())

	// Both are listed again before anybody else has missed them.
	_, err := sim.Insert(scrm.Insertion{ChatID: brief.ChatID, Name: "again", CreatedAt: brief.CreatedAt})
	require.NoError(t, err)
	sim.SetScript(scrm.Script{})
	s.ok("sync")
	require.Equal(t, len(brief.Tasks), candidates(), "the group has come back without its tasks")
	require.Equal(t, [2]int{}, s.scrmGone())

	require.NoError(t, sim.Delete(brief.ChatID))
	sim.SetScript(without1Task(t, hidden))
	for range 2 {
		s.ok("sync")
	}
	tasksOfBrief := scalar[int](s, "select count(*) from groupchat.sop_task where chat_id = $1", brief.ChatID)
	require.Equal(t, [2]int{1, 1 + tasksOfBrief}, s.scrmGone())
	require.Zero(t, candidates())
	require.NotNil(t, scalar[*time.Time](s, "select gone_at from groupchat.sop_task where task_id = $1", hidden))
	require.Equal(t, brief.ChatID, scalar[string](s, "select chat_id from groupchat.chat where gone_at is not null"))
	s.ok("sync")
	require.Equal(t, [2]int{1, 1 + tasksOfBrief}, s.scrmGone(), "once is enough")

	_, err = sim.Insert(scrm.Insertion{ChatID: brief.ChatID, Name: "and again", CreatedAt: brief.CreatedAt})
	require.NoError(t, err)
	sim.SetScript(scrm.Script{})
	s.ok("sync")
	is := s.sameAsSCRM(sim, nil)
	require.Equal(t, "and again", is.chats[brief.ChatID].Name)
	require.Equal(t, first.tasks[hidden], is.tasks[hidden])
	require.Zero(t, scalar[int](s, "select count(*) from groupchat.chat where gone_at is not null"))
	require.Nil(t, scalar[*string](s, "select gone_reason from groupchat.sop_task where task_id = $1", hidden))
}

// A group that is younger than the bound of a pass is listed by a later one.
func TestSCRMFrozenWindow(t *testing.T) {
	t.Parallel()
	s, sim := newSCRMSite(t, scrm.Options{Seed: 34, Groups: 40, Start: time.Now()})
	s.ok("sync")
	young, err := sim.Insert(scrm.Insertion{Name: "just made"})
	require.NoError(t, err)
	for range 2 {
		r := s.ok("sync")
		require.Contains(t, r.stdout, ", 0 changed, ")
	}
	require.Zero(t, scalar[int](s, "select count(*) from groupchat.chat where chat_id = $1", young))
	later := func(h *host) { h.now = func() time.Time { return time.Now().Add(10 * time.Minute) } }
	r := s.runOn(later, "sync")
	require.Equal(t, exitOK, r.code, r)
	s.sameAsSCRM(sim, nil)
	require.Equal(t, "just made", scalar[string](s, "select name from groupchat.chat where chat_id = $1", young))
}

// Most of what is known vanishes at once: nothing is marked gone until a person
// says so.
func TestSCRMMassDisappearance(t *testing.T) {
	t.Parallel()
	s, sim := newSCRMSite(t, scrm.Options{Seed: 35, Groups: 80, Start: longAgo()})
	s.ok("sync")
	for g := range sim.Groups(sim.Moment()) {
		if g.SalesID%2 == 0 {
			require.NoError(t, sim.Delete(g.ChatID))
		}
	}
	left := sim.Totals(sim.Moment()).Groups
	require.Less(t, left, 60)
	var r result
	for range 4 {
		r = s.ok("sync")
		require.Contains(t, r.stdout, "syncd approve")
		require.Equal(t, [2]int{}, s.scrmGone())
	}
	last := scalar[int](s, "select max(pass_id) from sync.pass")
	s.ok("approve", strconv.Itoa(last))
	require.Equal(t, [2]int{}, s.scrmGone(), "approved is not confirmed")
	s.ok("sync")
	require.Equal(t, 80-left, s.scrmGone()[0])
	s.sameAsSCRM(sim, nil)
}

// without1Task leaves one task out of every answer.
func without1Task(t *testing.T, id string) scrm.Script {
	t.Helper()
	type object = map[string]json.RawMessage
	return scrm.Script{OnRequest: func(context.Context, vendorsim.Request) vendorsim.Verdict {
		return vendorsim.Verdict{Edit: func(a *vendorsim.Answer) {
			var answer struct {
				Code    int    `json:"code"`
				Message string `json:"message"`
				Data    object `json:"data"`
			}
			var rows []object
			if json.Unmarshal(a.Body, &answer) != nil || json.Unmarshal(answer.Data["result"], &rows) != nil {
				t.Errorf("not an answer: %s", a.Body)
				return
			}
			for _, row := range rows {
				var tasks []object
				if json.Unmarshal(row["tasks"], &tasks) == nil && tasks != nil {
					tasks = slices.DeleteFunc(tasks, func(task object) bool { return string(task["id"]) == `"`+id+`"` })
					row["tasks"], _ = json.Marshal(tasks)
				}
			}
			answer.Data["result"], _ = json.Marshal(rows)
			a.Body, _ = json.Marshal(answer)
		}}
	}}
}

// A group that is handed over while the lists of two employees are read can be in
// neither. Counting both again tells, and the pass is repeated.
func TestSCRMHandedOverBetweenTwoLists(t *testing.T) {
	t.Parallel()
	s, sim := newSCRMSite(t, scrm.Options{Seed: 36, Groups: 60, Start: longAgo()})
	groups := map[int64][]scrm.Group{}
	for g := range sim.Groups(sim.Moment()) {
		groups[g.SalesID] = append(groups[g.SalesID], g)
	}
	owners := slices.SortedFunc(maps.Keys(groups), func(a, b int64) int { return len(groups[b]) - len(groups[a]) })
	from, to := owners[0], owners[1]
	moved := groups[from][0]
	s.setSCRM(fmt.Sprintf("page_size: 100, user_ids: [%d, %d]", from, to))
	s.ok("sync")
	require.Equal(t, len(groups[from])+len(groups[to]), scalar[int](s, "select count(*) from groupchat.chat"))
	suspects := func() []string {
		var ids []string
		for _, r := range rowsOf[struct{ ID string }](s, "select subject from sync.candidate where record = 'chat'") {
			ids = append(ids, r.ID)
		}
		return ids
	}

	listed := make(chan struct{})
	listedOnce, handOver := sync.OnceFunc(func() { close(listed) }), sync.OnceFunc(func() {
		deleted := sim.Delete(moved.ChatID)
		_, err := sim.Insert(scrm.Insertion{ChatID: moved.ChatID, SalesID: to, Name: moved.ChatName, CreatedAt: moved.CreatedAt})
		assert.NoError(t, errors.Join(deleted, err))
	})
	sim.SetScript(scrm.Script{
		OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
			if bytes.Contains(r.Body, []byte(strconv.FormatInt(from, 10))) {
				<-listed
				handOver()
			}
			return vendorsim.Verdict{}
		},
		OnResponse: func(r vendorsim.Response) {
			if bytes.Contains(r.Request.Body, []byte(strconv.FormatInt(to, 10))) {
				listedOnce()
			}
		},
	})
	s.ok("sync")
	require.Equal(t, "complete drifted complete", scalar[string](s, "select string_agg(verdict, ' ' order by pass_id) from sync.pass"))
	require.Empty(t, suspects())
	require.Equal(t, 0, s.scrmGone()[0])
	require.Equal(t, strconv.FormatInt(to, 10), scalar[string](s, "select owner_id from groupchat.chat where chat_id = $1", moved.ChatID))
	require.Equal(t, 1, scalar[int](s, "select count(*) from groupchat.chat_history where chat_id = $1 and owner_id = $2",
		moved.ChatID, strconv.FormatInt(from, 10)))
}
