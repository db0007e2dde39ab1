package scrm

import (
	"context"
	"math/rand/v2"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/vendorsim/scrm"
	"syncd/internal/vendorsim/serve"
)

// simulated serves a simulated tenant to a client.
func simulated(t *testing.T, o scrm.Options, change ...func(*Options)) (*scrm.Sim, *Client) {
	t.Helper()
	o.AppID, o.AppKey = testApp, testKey
	if o.PerSecond == 0 {
		o.PerSecond = -1
	}
	sim, err := scrm.New(o)
	require.NoError(t, err)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return sim, testClient(t, server.URL+"/apiServer", change...)
}

// read is what all chains of a client's stream have shown.
type read struct {
	chats  map[string]model.Chat
	groups map[string]model.SOPGroup
	owners map[string]model.Owner
	// certified says that every chain proves that what it has not shown is not
	// there; restarted that a chain began anew.
	certified, restarted bool
	pages, rejects       int
	err                  error
}

// readAll follows every chain of the stream, as a pass does.
func readAll(t *testing.T, c *Client, until time.Time) read {
	t.Helper()
	r := read{
		chats: map[string]model.Chat{}, groups: map[string]model.SOPGroup{}, owners: map[string]model.Owner{}, certified: true,
	}
	for _, subject := range c.Specs()[0].Subjects {
		chain := model.Chain{
			Source: "acme", Stream: streamChats, Subject: subject.Name, Params: subject.Params, Bounds: model.Bounds{Until: until},
		}
		r.follow(t, c, chain)
	}
	return r
}

func (r *read) follow(t *testing.T, c *Client, chain model.Chain) {
	t.Helper()
	distinct := map[string]bool{}
	for cursor := ""; ; {
		page, err := c.Page(t.Context(), chain, cursor)
		if fetch.ClassOf(err) == fetch.ClassCursorGone && cursor != "" && !r.restarted {
			cursor, r.restarted = "", true
			continue
		}
		if err != nil {
			r.err, r.certified = err, false
			return
		}
		requireSound(t, page)
		for _, owner := range page.Owners {
			r.owners[owner.ID] = owner
		}
		for i, chat := range page.Chats {
			r.chats[chat.ID], r.groups[chat.ID] = chat, page.SOPGroups[i]
			distinct[chat.ID] = true
		}
		r.pages++
		r.rejects += len(page.Rejects)
		require.Less(t, r.pages, 10_000)
		if page.Last {
			good := !page.Shifted && *page.Total == int64(len(distinct)) && r.rejects == 0
			r.certified = r.certified && good && !r.restarted
			return
		}
		cursor = page.Next
	}
}

// A tenant that holds still is read to the last field, however its vendor decides
// what no document says.
func TestSimulatedTenant(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sim    scrm.Options
		change func(*Options)
	}{
		"as it comes":           {},
		"hmac":                  {scrm.Options{Sign: scrm.SignHMAC}, func(o *Options) { o.Sign = SignHMAC }},
		"md5":                   {scrm.Options{Sign: scrm.SignMD5}, func(o *Options) { o.Sign = SignMD5 }},
		"md5 of params":         {scrm.Options{Sign: scrm.SignMD5Sorted}, func(o *Options) { o.Sign, o.Keyword = SignSorted, "群" }},
		"a key that is needed":  {scrm.Options{Key: scrm.KeyRequired}, nil},
		"a key that is not":     {scrm.Options{}, func(o *Options) { o.SendAppKey = false }},
		"pages that are cut":    {scrm.Options{PageSizeMax: 7, ClampPageSize: true}, nil},
		"a page for all":        {scrm.Options{PageSizeMax: 1000}, func(o *Options) { o.PageSize = 1000 }},
		"oldest first":          {scrm.Options{Order: scrm.OrderOldestFirst, Bounds: scrm.BoundsHalfOpen}, nil},
		"by id":                 {scrm.Options{Order: scrm.OrderByChatID, Bounds: scrm.BoundsExclusive, LastBeyond: true}, nil},
		"nothing":               {scrm.Options{EmptyIsOnePage: true}, func(o *Options) { o.Keyword = "no such group" }},
		"nothing, zero pages":   {scrm.Options{}, func(o *Options) { o.Keyword = "no such group" }},
		"tags that are objects": {scrm.Options{Tags: scrm.ElementsObjects, Calendars: scrm.ElementsStrings}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.sim.Groups = 60
			var change []func(*Options)
			if tc.change != nil {
				change = append(change, tc.change)
			}
			sim, c := simulated(t, tc.sim, append(change, func(o *Options) {
				if o.PageSize == 0 {
					o.PageSize = 9
				}
			})...)
			until := sim.Now().Add(-margin)
			r := readAll(t, c, until)
			require.NoError(t, r.err)
			require.True(t, r.certified)
			requireTruth(t, sim, r, until, c.filters.Keyword)
		})
	}
}

// requireTruth compares what was read with the tenant.
func requireTruth(t *testing.T, sim *scrm.Sim, r read, until time.Time, keyword string) {
	t.Helper()
	groups, tasks := 0, 0
	for g := range sim.Groups(sim.Moment()) {
		chat, ok := r.chats[g.ChatID]
		if !ok {
			require.True(t, keyword != "" || g.CreatedAt.After(until), g.ChatID)
			continue
		}
		groups++
		owner := strconv.FormatInt(g.SalesID, 10)
		require.Equal(t, g.ChatName, *chat.Name)
		require.Equal(t, owner, *chat.OwnerID)
		require.Equal(t, g.SalesName, *chat.OwnerName)
		require.Equal(t, g.DepartmentName, *chat.DepartmentName)
		require.True(t, g.CreatedAt.Equal(*chat.CreatedAt), "%s and %s", g.CreatedAt, chat.CreatedAt)
		require.Equal(t, model.Owner{ID: owner, Name: &g.SalesName, DepartmentName: &g.DepartmentName}, r.owners[owner])
		told := r.groups[g.ChatID]
		require.Len(t, told.Tasks, len(g.Tasks))
		require.Len(t, told.Calendars, len(g.Calendars))
		require.Len(t, told.Tags, len(g.Tags))
		for i, task := range g.Tasks {
			tasks++
			got := told.Tasks[i]
			require.Equal(t, []string{task.ID, task.SopInfoID, task.Title, strconv.FormatInt(task.CreatorID, 10)},
				[]string{got.ID, *got.InfoID, *got.Title, *got.CreatorID})
			require.Equal(t, []int64{task.SendStatus, task.Mode}, []int64{*got.SendStatus, *got.Mode})
			require.True(t, task.StartTime.Equal(*got.StartsAt))
		}
	}
	require.Len(t, r.chats, groups)
	require.True(t, keyword == "no such group" || groups > 0 && tasks > 0)
}

// With an employee for every chain, all chains together show all groups.
func TestSimulatedEmployees(t *testing.T) {
	t.Parallel()
	probe, err := scrm.New(scrm.Options{Groups: 80, AppID: testApp, AppKey: testKey})
	require.NoError(t, err)
	var users []int64
	for _, e := range probe.Employees(probe.Moment()) {
		users = append(users, e.ID)
	}
	sim, c := simulated(t, scrm.Options{Groups: 80, UserRequired: true}, func(o *Options) { o.UserIDs, o.PageSize = users, 7 })
	require.Greater(t, len(c.Specs()[0].Subjects), 2)
	until := sim.Now().Add(time.Hour)
	r := readAll(t, c, until)
	require.NoError(t, r.err)
	require.True(t, r.certified)
	requireTruth(t, sim, r, until, "")
	require.Len(t, r.chats, 80)
}

// A tenant that lives while it is read: a certified pass has every group that was
// there throughout, and no pass has one that never was.
func TestSimulatedChanges(t *testing.T) {
	t.Parallel()
	certified, drifted := 0, 0
	for seed := range uint64(60) {
		dice := rand.New(rand.NewPCG(seed, 7))
		sim, c := simulated(t, scrm.Options{
			Seed: seed, Groups: 40 + dice.IntN(60), TasksMax: 2, Order: scrm.Order(dice.IntN(3)),
			Bounds: scrm.BoundsRule(dice.IntN(3)), LastBeyond: dice.IntN(2) == 0,
		}, func(o *Options) { o.PageSize = 3 + dice.IntN(20) })
		calm := 1 + dice.IntN(30)
		sim.SetScript(scrm.Script{OnRequest: func(context.Context, serve.Request) serve.Verdict {
			live(sim, dice, calm)
			return serve.Verdict{}
		}})
		until, from := sim.Now().Add(-margin), sim.Moment()
		r := readAll(t, c, until)
		to := sim.Moment()
		require.NoError(t, r.err, "seed %d", seed)
		ever := sim.Ever(from, to)
		for id := range r.chats {
			require.True(t, ever[id], "seed %d: %s never was", seed, id)
		}
		if !r.certified {
			drifted++
			continue
		}
		certified++
		for id := range sim.Throughout(from, to) {
			g, ok := sim.Group(id, to)
			require.True(t, ok)
			if _, seen := r.chats[id]; !seen && !g.CreatedAt.After(until) {
				require.Fail(t, "missed", "seed %d: %s", seed, id)
			}
		}
	}
	require.Greater(t, certified, 10)
	require.Greater(t, drifted, 10)
}

// live lets something happen once in calm times: time passes, a group comes, some
// go.
func live(sim *scrm.Sim, dice *rand.Rand, calm int) {
	if dice.IntN(calm) > 0 {
		return
	}
	_, _ = sim.Advance(time.Duration(dice.IntN(60)) * time.Second)
	_, _ = sim.Insert(scrm.Insertion{})
	for g := range sim.Groups(sim.Moment()) {
		if dice.IntN(40) == 0 {
			_ = sim.Delete(g.ChatID)
		}
	}
}

// Every fault of the simulator's has an end that is known.
func TestSimulatedFaults(t *testing.T) {
	t.Parallel()
	type ending struct {
		class     fetch.Class
		err       bool
		certified bool
		// notices is how many are given.
		notices int
	}
	good, drifted := ending{certified: true}, ending{}
	fails := func(c fetch.Class) ending { return ending{class: c, err: true} }
	for fault, want := range map[string]ending{
		"bad-sign:at=2":                 good,
		"bad-sign":                      fails(fetch.ClassAuth),
		"bad-time:at=2":                 good,
		"bad-time":                      fails(fetch.ClassAuth),
		"skew":                          {certified: true, notices: 1},
		"skew:as=behind":                {certified: true, notices: 1},
		"skew:at=2":                     {certified: true, notices: 2}, // there and back again
		"wrong-key":                     fails(fetch.ClassAuth),
		"limited:at=3":                  good,
		"code":                          fails(fetch.ClassUnknown),
		"code:data=rows":                fails(fetch.ClassUnknown),
		"code:data=absent":              fails(fetch.ClassUnknown),
		"code:code=40417":               fails(fetch.ClassRefused),
		"gateway:at=2":                  good,
		"drop:at=2":                     good,
		"cut:at=2":                      good,
		"size-clamped":                  {certified: true, notices: 1},
		"size-clamped:from=3":           drifted,
		"page-ignored":                  fails(fetch.ClassMalformed),
		"page-ignored:says=asked":       fails(fetch.ClassMalformed),
		"total-shrinks:at=2":            drifted,
		"rows-repeated:at=2":            drifted,
		"rows-skipped:at=2":             drifted,
		"inserted:page=any":             good,
		"deleted:at=2":                  drifted,
		"no-data":                       fails(fetch.ClassMalformed),
		"no-data:as=absent":             fails(fetch.ClassMalformed),
		"no-rows:at=2":                  drifted,
		"no-rows:as=null":               drifted,
		"no-rows:as=absent":             fails(fetch.ClassMalformed),
		"rows-doubled":                  drifted,
		"other-ids":                     good,
		"null-arrays":                   good,
		"null-arrays:as=absent":         drifted, // which tasks there are is not told
		"unknown-fields":                good,
		"quoted-numbers":                good,
		"unreadable:as=stranger,at=2":   drifted,
		"unreadable:as=nameless,at=2":   drifted,
		"unreadable:as=lost,at=2":       drifted,
		"unreadable:as=kept,at=2":       good,
		"unreadable-task:as=lost,at=2":  drifted,
		"unreadable-task:as=kept,at=2":  good,
		"bad-text":                      good,
		"time-passes:page=any,every=30": good,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			var notices []fetch.Notice
			sim, c := simulated(t, scrm.Options{Groups: 60}, func(o *Options) {
				o.PageSize = 9
				o.Fetch.Penalties = []time.Duration{time.Millisecond}
				o.Fetch.Hooks.Noticed = func(n fetch.Notice) { notices = append(notices, n) }
			})
			require.NoError(t, sim.Arm(fault))
			r := readAll(t, c, sim.Now().Add(-margin))
			require.Equal(t, want.err, r.err != nil, "%v", r.err)
			if want.err {
				require.Equal(t, want.class, fetch.ClassOf(r.err), "%v", r.err)
			}
			require.Equal(t, want.certified, r.certified)
			require.Len(t, notices, want.notices, "%v", notices)
		})
	}
}

// Odd shapes are read without loss.
func TestSimulatedOddities(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t, scrm.Options{Groups: 300, Odd: true})
	r := readAll(t, c, sim.Now())
	require.NoError(t, r.err)
	require.True(t, r.certified)
	for id := range sim.Throughout(sim.Moment(), sim.Moment()) {
		require.Contains(t, r.chats, id)
		truth, _ := sim.Group(id, sim.Moment())
		require.Len(t, r.groups[id].Tasks, len(truth.Tasks))
		require.Equal(t, strconv.FormatInt(truth.SalesID, 10), *r.chats[id].OwnerID)
	}
}

func TestTry(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sim    scrm.Options
		change func(*Options)
		fault  string
		class  fetch.Class
		found  string
		advice string
		ahead  time.Duration
	}{
		"good":          {found: "40 groups"},
		"a wrong key":   {fault: "wrong-key", class: fetch.ClassAuth},
		"a wrong clock": {fault: "skew:by=1h", found: "40 groups", ahead: time.Hour},
		"smaller pages": {sim: scrm.Options{PageSizeMax: 20, ClampPageSize: true}, found: "40 groups", advice: "pages of 20 groups, not of 50"},
		"nothing":       {change: func(o *Options) { o.Keyword = "no such group" }, found: "0 groups", advice: "the list is empty"},
		"a needed user": {sim: scrm.Options{UserRequired: true}, class: fetch.ClassRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.sim.Groups = 40
			var change []func(*Options)
			if tc.change != nil {
				change = append(change, tc.change)
			}
			sim, c := simulated(t, tc.sim, change...)
			if tc.fault != "" {
				require.NoError(t, sim.Arm(tc.fault))
			}
			trials := c.Try(t.Context())
			require.Len(t, trials, 1)
			got := trials[0]
			require.Equal(t, tc.class, fetch.ClassOf(got.Err), "%v", got.Err)
			require.Equal(t, tc.found, got.Found)
			require.Contains(t, got.Advice, tc.advice)
			require.Equal(t, tc.advice == "", got.Advice == "")
			require.InDelta(t, tc.ahead.Seconds(), got.Clock.Ahead.Seconds(), 60)
			require.LessOrEqual(t, sim.Calls()[scrm.EndpointGroups].Calls, 2)
		})
	}
	require.Equal(t, fetch.Limits{}, testClient(t, "http://vendor.invalid").Documented())
}
