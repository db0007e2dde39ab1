package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"syncd/internal/fetch"
	scrmclient "syncd/internal/fetch/scrm"
	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
	"syncd/internal/sweep"
	"syncd/internal/vendorsim/scrm"
	"syncd/internal/vendorsim/serve"
)

// A tenant's life has eight passes while groups come and go, each by a schedule of
// its own, and one or two when it holds still: a thousand schedules and more.
const (
	scrmLives  = 130
	scrmMoving = 8
)

// Groups come and go between any two calls of a pass, which the vendor interrupts
// now and then; it goes on within two hours, or begins anew. No group that was there all
// the while, created before the pass's bound, is missed by a pass certified
// complete; none is marked gone that was there, and none before a second complete
// pass has missed it, too. The same holds for tasks. Once the tenant holds still,
// two passes later the tables are its truth.
//
// The lives are those of the seeds from SYNCD_SCRM_SEED (0) on, SYNCD_SCRM_LIVES of
// them.
func TestSCRMUnderShiftingPages(t *testing.T) {
	t.Parallel()
	first, lives := fromEnv(t, "SYNCD_SCRM_SEED", 0), fromEnv(t, "SYNCD_SCRM_LIVES", scrmLives)
	pool := storetest.New(t)
	var sum tally
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(4)
	for seed := first; seed < first+lives && ctx.Err() == nil; seed++ {
		g.Go(func() error {
			if err := liveOne(ctx, pool, seed, &sum); err != nil {
				return fmt.Errorf("SYNCD_SCRM_SEED=%d: %w", seed, err)
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	t.Logf("%d passes complete, of them %d in which groups vanished or came; %d drifted; %d times interrupted; "+
		"%d groups and %d tasks gone, %d back",
		sum.complete.Load(), sum.moving.Load(), sum.drifted.Load(), sum.resumed.Load(), sum.gone.Load(), sum.tasksGone.Load(), sum.back.Load())
	for what, n := range map[string]*atomic.Int64{
		"complete": &sum.complete, "complete and moving": &sum.moving, "drifted": &sum.drifted, "interrupted": &sum.resumed,
		"gone": &sum.gone, "tasks gone": &sum.tasksGone, "back": &sum.back,
	} {
		require.Greater(t, n.Load(), int64(lives/10), what)
	}
}

// fromEnv is a number from the environment.
func fromEnv(t *testing.T, name string, usual uint64) uint64 {
	t.Helper()
	n := usual
	if text := os.Getenv(name); text != "" {
		var err error
		n, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("%s=%d", name, n)
	return n
}

// tally counts what the schedules have met.
type tally struct{ complete, moving, drifted, resumed, gone, tasksGone, back atomic.Int64 }

// liveOne runs passes over one life of a tenant.
func liveOne(ctx context.Context, pool *pgxpool.Pool, seed uint64, sum *tally) error {
	l, err := newLife(seed)
	if err != nil {
		return err
	}
	client, err := l.client(seed)
	if err != nil {
		return err
	}
	defer client.Close()
	name := "life-" + strconv.FormatUint(seed, 10)
	w := &witness{Store: store.New(pool), pool: pool, life: l, source: name, sum: sum, begin: l.sim.Moment()}
	if err := w.RegisterSource(ctx, name, "scrm", name, "Asia/Shanghai", l.now()); err != nil {
		return err
	}
	runner := sweep.NewRunner(name, onTenantTime{client, l.now}, w, sweep.Options{
		Holder: name, Now: l.now, Breaker: model.Breaker{Min: 1 << 30},
	})
	spec := client.Specs()[0]
	spec.DriftRepeats = 0 // one more pass is one more pass
	passes := scrmMoving + 1
	if seed%4 == 0 {
		passes++ // what the last but one misses for the first time
	}
	for n := range passes {
		l.calm, l.rest = n >= scrmMoving, 1+l.dice.IntN(9)
		res, err := runner.Pass(ctx, spec, sweep.Request{Trigger: "command"})
		for err == nil && res.Outcome == model.OutcomePartial { // the vendor was out of order
			sum.resumed.Add(1)
			if _, err = l.sim.Advance(time.Duration(l.dice.IntN(90)) * time.Minute); err == nil {
				res, err = runner.Pass(ctx, spec, sweep.Request{Trigger: "command"})
			}
		}
		switch {
		case err != nil:
			return err
		case res.Outcome != model.OutcomeComplete:
			return fmt.Errorf("pass %d is %s: %w", n, res.Outcome, res.Reason)
		case l.calm && res.Closing.Verdict != model.VerdictComplete:
			return fmt.Errorf("pass %d over a tenant that holds still is %s", n, res.Closing.Verdict)
		case l.calm:
			continue
		}
		if _, err := l.sim.Advance(6*time.Minute + time.Duration(l.dice.IntN(36))*time.Hour); err != nil {
			return err
		}
		w.revive()
	}
	if passes < scrmMoving+2 {
		return nil
	}
	return w.equalsTruth(ctx)
}

// life is a tenant in which things happen between two calls.
type life struct {
	sim     *scrm.Sim
	dice    *rand.Rand
	ticks   atomic.Int64
	rest    int // one call in so many finds something new
	calm    bool
	deleted []scrm.Group
	// users are the employees whose groups are listed; nil is everybody's.
	users []int64
}

func newLife(seed uint64) (*life, error) {
	dice := rand.New(rand.NewPCG(seed, 11))
	l := &life{dice: dice, rest: 1}
	o := scrm.Options{
		Seed: seed, Groups: 8 + dice.IntN(16), Employees: 3, TasksMax: 2, PerSecond: -1, AppKey: testSecret,
		Order: scrm.Order(dice.IntN(3)), Bounds: scrm.BoundsRule(dice.IntN(3)), LastBeyond: dice.IntN(2) == 0,
	}
	var err error
	if l.sim, err = scrm.New(o); err != nil {
		return nil, err
	}
	if seed%3 == 0 {
		for _, e := range l.sim.Employees(l.sim.Moment()) {
			l.users = append(l.users, e.ID)
		}
	}
	l.sim.SetScript(scrm.Script{OnRequest: func(context.Context, serve.Request) serve.Verdict {
		l.live()
		if !l.calm && l.dice.IntN(20) == 0 {
			return serve.Verdict{Answer: &serve.Answer{Status: http.StatusServiceUnavailable}}
		}
		return serve.Verdict{}
	}})
	return l, nil
}

// now is the tenant's clock, and later every time it is asked.
func (l *life) now() time.Time {
	return l.sim.Now().Add(time.Duration(l.ticks.Add(1)) * time.Microsecond)
}

// client reads the tenant without a network, one call after the other.
func (l *life) client(seed uint64) (*scrmclient.Client, error) {
	return scrmclient.New(scrmclient.Options{
		Source: "life-" + strconv.FormatUint(seed, 10), BaseURL: "http://vendor.invalid", AppID: scrm.DefaultAppID,
		AppKey: testSecret, PageSize: 4 + l.dice.IntN(5), UserIDs: l.users,
		Fetch: fetch.Options{Transport: handled{l.sim}, TriesMax: 1, Limits: fetch.Limits{Concurrency: 1}},
	})
}

// handled is a network that ends in a handler.
type handled struct{ http.Handler }

func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// live lets something happen now and then. Groups that are older than the bound of
// a pass come, too, but never beside one that goes: no number would tell.
func (l *life) live() {
	if l.calm || l.dice.IntN(l.rest) > 0 {
		return
	}
	switch l.dice.IntN(7) {
	case 0:
		_, _ = l.sim.Advance(time.Duration(l.dice.IntN(60)) * time.Second) // never back
	case 1, 2:
		l.remove(1 + l.dice.IntN(3))
	case 3:
		l.insert(scrm.Insertion{})
	case 4:
		l.remove(1 + l.dice.IntN(2))
		l.insert(scrm.Insertion{})
		l.insert(scrm.Insertion{})
	case 5:
		l.insert(scrm.Insertion{CreatedAt: l.sim.Now().Add(-time.Duration(1+l.dice.IntN(600)) * time.Hour)})
	default:
		if n := len(l.deleted); n > 0 {
			l.restore(l.deleted[l.dice.IntN(n)])
		}
	}
}

// restore brings back a group that was deleted.
func (l *life) restore(g scrm.Group) {
	l.insert(scrm.Insertion{ChatID: g.ChatID, CreatedAt: g.CreatedAt})
	l.deleted = slices.DeleteFunc(l.deleted, func(d scrm.Group) bool { return d.ChatID == g.ChatID })
}

func (l *life) insert(in scrm.Insertion) {
	if l.users != nil {
		in.SalesID = l.users[l.dice.IntN(len(l.users))]
	}
	_, _ = l.sim.Insert(in) // a chat id may be in use again
}

func (l *life) remove(n int) {
	groups := slices.Collect(l.sim.Groups(l.sim.Moment()))
	for range min(n, len(groups)) {
		g := groups[l.dice.IntN(len(groups))]
		if l.sim.Delete(g.ChatID) == nil {
			l.deleted = append(l.deleted, g)
		}
	}
}

// onTenantTime is a client whose answers come by the tenant's clock.
type onTenantTime struct {
	*scrmclient.Client
	now func() time.Time
}

func (s onTenantTime) Page(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	asked := s.now()
	page, err := s.Client.Page(ctx, chain, cursor)
	page.RequestedAt, page.ReceivedAt = asked, s.now()
	return page, err
}

// witness is the store, which looks after every pass at what it made of the tables.
type witness struct {
	*store.Store
	pool        *pgxpool.Pool
	life        *life
	source      string
	sum         *tally
	begin, from scrm.Moment
	was         tables
}

func (w *witness) OpenPass(ctx context.Context, lease model.Lease, plan model.PassPlan) (model.Pass, error) {
	now := w.life.sim.Moment()
	pass, err := w.Store.OpenPass(ctx, lease, plan)
	if !pass.Resumed {
		w.from = now
	}
	return pass, err
}

func (w *witness) ClosePass(ctx context.Context, lease model.Lease, pass model.Pass, spec model.StreamSpec, end model.Ending,
) (model.Closing, error) {
	w.life.live()
	to := w.life.sim.Moment()
	closing, err := w.Store.ClosePass(ctx, lease, pass, spec, end)
	if err == nil && end.Outcome == model.OutcomeComplete {
		err = w.look(ctx, closing.Verdict, to, spec.Bounds.Until(pass.StartedAt))
	}
	return closing, err
}

// revive brings back one of the groups that are marked gone.
func (w *witness) revive() {
	for _, g := range w.life.deleted {
		if w.was.chats[g.ChatID] == gone {
			w.life.restore(g)
			return
		}
	}
}

// state is how a record stands in the tables: alive, a candidate, or gone.
type state string

const (
	alive   state = "alive"
	suspect state = "suspect"
	gone    state = "gone"
)

// tables are the states of chats and tasks by their ids.
type tables struct{ chats, tasks map[string]state }

func (w *witness) read(ctx context.Context) (tables, error) {
	now := tables{map[string]state{}, map[string]state{}}
	rows, err := w.pool.Query(ctx, `
		with c as (select record, subject from sync.candidate where source = $1)
		select 'chat', chat_id, case when gone_at is not null then 'gone'
		                             when ('chat', chat_id) in (select * from c) then 'suspect' else 'alive' end
		  from groupchat.chat where source = $1
		 union all
		select 'task', task_id, case when gone_at is not null then 'gone'
		                             when ('task', task_id) in (select * from c) then 'suspect' else 'alive' end
		  from groupchat.sop_task where source = $1`, w.source)
	if err != nil {
		return now, err
	}
	var kind, id string
	var is state
	_, err = pgx.ForEachRow(rows, []any{&kind, &id, &is}, func() error {
		if kind == "chat" {
			now.chats[id] = is
		} else {
			now.tasks[id] = is
		}
		return nil
	})
	return now, err
}

// look compares what a pass has left behind with what was there while it read.
func (w *witness) look(ctx context.Context, verdict model.Verdict, to scrm.Moment, until time.Time) error {
	now, err := w.read(ctx)
	if err != nil {
		return err
	}
	was := w.was
	w.was = now
	chats, tasks := w.present(to, until)
	ever := w.life.sim.Ever(w.begin, to)
	for id := range now.chats {
		if !ever[id] {
			return fmt.Errorf("group %s never was", id)
		}
	}
	if verdict == model.VerdictComplete {
		w.sum.complete.Add(1)
		if to.Changes != w.from.Changes {
			w.sum.moving.Add(1)
		}
	} else {
		w.sum.drifted.Add(1)
	}
	return errors.Join(
		judge("group", verdict, was.chats, now.chats, chats, &w.sum.gone, &w.sum.back),
		judge("task", verdict, was.tasks, now.tasks, tasks, &w.sum.tasksGone, &w.sum.back),
	)
}

// judge holds the states of records before and after a pass against those that
// were there all the while.
func judge(what string, verdict model.Verdict, was, now map[string]state, there map[string]bool, goneNow, back *atomic.Int64) error {
	for id, is := range now {
		switch {
		case is == gone && was[id] != gone:
			goneNow.Add(1)
			if there[id] {
				return fmt.Errorf("%s %s is marked gone and was there", what, id)
			}
			if was[id] != suspect || verdict != model.VerdictComplete {
				return fmt.Errorf("%s %s is marked gone by a pass that is %s, before which it was %q", what, id, verdict, was[id])
			}
		case is == suspect && was[id] != suspect && verdict != model.VerdictComplete:
			return fmt.Errorf("%s %s is a candidate after a pass that is %s", what, id, verdict)
		case is == alive && was[id] == gone:
			back.Add(1)
		}
	}
	if verdict != model.VerdictComplete {
		return nil
	}
	for id := range there {
		if now[id] != alive {
			return fmt.Errorf("%s %s was there all the while and is %q after a complete pass", what, id, now[id])
		}
	}
	return nil
}

// present are the groups that a pass up to a moment has to have seen, and their
// tasks. Where lists are by employee, a group that was handed over may have been
// in neither list.
func (w *witness) present(to scrm.Moment, until time.Time) (chats, tasks map[string]bool) {
	chats, tasks = map[string]bool{}, map[string]bool{}
	throughout := w.life.sim.Throughout(w.from, to)
	first := map[string]scrm.Group{}
	for g := range w.life.sim.Groups(w.from) {
		first[g.ChatID] = g
	}
	for g := range w.life.sim.Groups(to) {
		before := first[g.ChatID]
		if !throughout[g.ChatID] || !w.within(g, until) || w.life.users != nil && before.SalesID != g.SalesID {
			continue
		}
		chats[g.ChatID] = true
		for _, t := range g.Tasks {
			if slices.ContainsFunc(before.Tasks, func(b scrm.Task) bool { return b.ID == t.ID }) {
				tasks[t.ID] = true
			}
		}
	}
	return chats, tasks
}

// within reports whether a list bounded so has the group.
func (w *witness) within(g scrm.Group, until time.Time) bool {
	return !g.CreatedAt.After(until) && (w.life.users == nil || slices.Contains(w.life.users, g.SalesID))
}

// equalsTruth compares the tables with a tenant that has held still.
func (w *witness) equalsTruth(ctx context.Context) error {
	now, err := w.read(ctx)
	if err != nil {
		return err
	}
	to := w.life.sim.Moment()
	chats, tasks := w.present(to, to.At.Add(-5*time.Minute))
	for what, pair := range map[string]struct {
		have map[string]state
		want map[string]bool
	}{"groups": {now.chats, chats}, "tasks": {now.tasks, tasks}} {
		have := maps.Clone(pair.have)
		maps.DeleteFunc(have, func(_ string, is state) bool { return is == gone })
		for id, is := range have {
			if is != alive || !pair.want[id] {
				return fmt.Errorf("in the end, of %s: %s is %s", what, id, is)
			}
		}
		if len(have) != len(pair.want) {
			return fmt.Errorf("in the end there are %d %s, not %d", len(have), what, len(pair.want))
		}
	}
	return nil
}
