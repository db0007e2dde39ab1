package sweep_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/leaktest"
	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
	"syncd/internal/sweep"
)

func TestMain(m *testing.M) {
	code := storetest.Main(m)
	if code == 0 {
		if err := leaktest.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// source answers from a function; it counts what it is asked.
type source struct {
	answer func(chain model.Chain, cursor string) (model.Page, error)
	calls  atomic.Int64
	mu     sync.Mutex
	asked  []string
	flying atomic.Int64
	most   atomic.Int64
}

func (s *source) Page(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	s.calls.Add(1)
	if n := s.flying.Add(1); n > s.most.Load() {
		s.most.Store(n)
	}
	defer s.flying.Add(-1)
	s.mu.Lock()
	s.asked = append(s.asked, chain.Subject+"@"+cursor)
	s.mu.Unlock()
	page, err := s.answer(chain, cursor)
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	page.Calls = 1
	if page.RequestedAt.IsZero() {
		page.RequestedAt, page.ReceivedAt = time.Now(), time.Now()
	}
	return page, err
}

func vendorError(class fetch.Class, code string) error {
	return &fetch.Error{Class: class, Source: "acme", Endpoint: "test", Code: code, Message: "scripted"}
}

// lister serves pages of chats whose cursors are page numbers.
func lister(pages, perPage int) func(model.Chain, string) (model.Page, error) {
	return func(_ model.Chain, cursor string) (model.Page, error) {
		at, _ := strconv.Atoi(cursor)
		page := model.Page{Last: at == pages-1}
		for i := range perPage {
			page.Chats = append(page.Chats, model.Chat{ID: fmt.Sprintf("wr%03d", at*perPage+i)})
		}
		if !page.Last {
			page.Next = strconv.Itoa(at + 1)
		}
		return page, nil
	}
}

type bench struct {
	t      *testing.T
	pool   *pgxpool.Pool
	store  *store.Store
	source *source
	spec   model.StreamSpec
	opts   sweep.Options
}

func newBench(t *testing.T, answer func(model.Chain, string) (model.Page, error)) *bench {
	t.Helper()
	b := &bench{t: t, pool: storetest.New(t), source: &source{answer: answer}}
	b.store = store.New(b.pool)
	require.NoError(t, b.store.RegisterSource(t.Context(), "acme", "wecom", "ww1", "Asia/Shanghai", time.Now()))
	b.opts = sweep.Options{
		Holder: "test", PollLease: time.Millisecond, DoubtPause: 10 * time.Millisecond, StopGrace: time.Minute,
	}
	b.spec = model.StreamSpec{
		Name: "chats", Shape: model.ShapeList, DriftRepeats: 2, Concurrency: 2, CursorTTL: time.Hour,
		Subjects: []model.Subject{{Name: "all", Params: json.RawMessage(`{"limit":1}`)}},
	}
	return b
}

// details turns the bench to a detail stream over the chats with these ids.
func (b *bench) details(ids ...string) {
	b.t.Helper()
	b.spec = model.StreamSpec{Name: "members", Shape: model.ShapeDetail, Concurrency: 4, MaxAge: time.Hour}
	for _, id := range ids {
		_, err := b.pool.Exec(b.t.Context(), `insert into groupchat.chat (source, chat_id, first_seen_at, known_from)
			values ('acme', $1, now(), now())`, id)
		require.NoError(b.t, err)
	}
}

func (b *bench) runner() *sweep.Runner { return sweep.NewRunner("acme", b.source, b.store, b.opts) }

func (b *bench) pass(req sweep.Request) sweep.Result {
	b.t.Helper()
	res, err := b.runner().Pass(b.t.Context(), b.spec, req)
	require.NoError(b.t, err)
	return res
}

func (b *bench) scalar(sql string) string {
	b.t.Helper()
	var v string
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), "select coalesce(("+sql+")::text, '')").Scan(&v))
	return v
}

func detail(id string, members ...string) model.Page {
	owner, name := "li", "name"
	d := model.ChatDetail{Chat: model.Chat{ID: id, Name: &name, OwnerID: &owner}}
	for _, m := range members {
		d.Members = append(d.Members, model.Member{ID: m})
	}
	return model.Page{Details: []model.ChatDetail{d}, Last: true}
}

func TestListPassIsCertified(t *testing.T) {
	t.Parallel()
	b := newBench(t, lister(5, 3))
	res := b.pass(sweep.Request{Trigger: "command"})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, model.VerdictComplete, res.Closing.Verdict)
	storetest.WantRows(t, b.pool, "groupchat.chat", 15)
	storetest.WantRows(t, b.pool, "sync.checkpoint", 0)
	storetest.WantRows(t, b.pool, "sync.page", 0)
	require.Equal(t, "complete complete 5 15 15 0 5", b.scalar(
		"select concat_ws(' ', outcome, verdict, pages, rows_read, ids_distinct, ids_repeated, calls) from sync.pass"))
	require.Equal(t, "-infinity", b.scalar("select expires_at from sync.lease"), "the lease is given back")
}

// A run that the vendor ends goes on from its checkpoint in the next run: no
// page is asked for twice.
func TestListPassResumes(t *testing.T) {
	t.Parallel()
	pages := lister(6, 2)
	var fail atomic.Bool
	b := newBench(t, func(c model.Chain, cursor string) (model.Page, error) {
		if cursor == "3" && fail.CompareAndSwap(true, false) {
			return model.Page{}, vendorError(fetch.ClassTransient, "-1")
		}
		return pages(c, cursor)
	})
	fail.Store(true)
	res := b.pass(sweep.Request{})
	require.Equal(t, model.OutcomePartial, res.Outcome)
	require.ErrorContains(t, res.Reason, "fetch page 4 of all")
	require.Equal(t, "partial", b.scalar("select outcome from sync.pass where finished_at is null"))

	first := res.Pass.ID
	res = b.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, first, res.Pass.ID)
	require.Equal(t, []string{"all@", "all@1", "all@2", "all@3", "all@3", "all@4", "all@5"}, b.source.asked)
	storetest.WantRows(t, b.pool, "groupchat.chat", 12)
}

func TestRottenCursors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(model.Chain, string) (model.Page, error)
		reason string
	}{
		"the same cursor comes back": {
			func(_ model.Chain, cursor string) (model.Page, error) {
				return model.Page{Chats: []model.Chat{{ID: "wr" + cursor}}, Next: "x"}, nil
			}, "same cursor",
		},
		"cursors go round in a circle": {
			func(_ model.Chain, cursor string) (model.Page, error) {
				at, _ := strconv.Atoi(cursor)
				return model.Page{Chats: []model.Chat{{ID: "wr" + cursor}}, Next: strconv.Itoa(5 + (at+1)%7)}, nil
			}, "same cursor",
		},
		"empty pages lead on for ever": {
			func(_ model.Chain, cursor string) (model.Page, error) {
				at, _ := strconv.Atoi(cursor)
				return model.Page{Next: strconv.Itoa(at + 1)}, nil
			}, "empty page",
		},
		"the vendor refuses every cursor": {
			func(_ model.Chain, cursor string) (model.Page, error) {
				if cursor != "" {
					return model.Page{}, vendorError(fetch.ClassCursorGone, "40035")
				}
				return model.Page{Chats: []model.Chat{{ID: "wr"}}, Next: "x"}, nil
			}, "40035",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, test.answer)
			res := b.pass(sweep.Request{})
			require.Equal(t, model.OutcomeFailed, res.Outcome)
			require.ErrorContains(t, res.Reason, test.reason)
			require.ErrorContains(t, res.Reason, "started over 3 times")
			require.Equal(t, int64(3), res.Pass.Counts.Restarts)
			require.Equal(t, "failed", b.scalar("select outcome from sync.pass where finished_at is not null"))
			storetest.WantRows(t, b.pool, "sync.checkpoint", 0)
		})
	}
}

// A circle that is longer than what one run reads is found all the same.
func TestCircleOfManyRuns(t *testing.T) {
	t.Parallel()
	const circle, perRun = 25, 10
	var calls atomic.Int64
	b := newBench(t, func(_ model.Chain, cursor string) (model.Page, error) {
		if calls.Add(1)%perRun == 0 {
			return model.Page{}, vendorError(fetch.ClassThrottled, "45009")
		}
		at, _ := strconv.Atoi(cursor)
		return model.Page{Chats: []model.Chat{{ID: "wr" + cursor}}, Next: strconv.Itoa((at+1)%circle + 100)}, nil
	})
	runner := b.runner()
	for run := 0; ; run++ {
		require.Less(t, run, 100, "it goes on for ever")
		res, err := runner.Pass(t.Context(), b.spec, sweep.Request{OneSlice: true})
		require.NoError(t, err)
		if res.Outcome == model.OutcomeFailed {
			require.ErrorContains(t, res.Reason, "same cursor")
			break
		}
	}
	require.Equal(t, "failed 3", b.scalar("select outcome || ' ' || restarts from sync.pass"))
}

// A cursor that is refused once starts the chain over; the pass has drifted then,
// and is repeated.
func TestDeadCursorStartsTheChainOver(t *testing.T) {
	t.Parallel()
	pages := lister(4, 2)
	var refused atomic.Bool
	b := newBench(t, func(c model.Chain, cursor string) (model.Page, error) {
		if cursor == "2" && refused.CompareAndSwap(false, true) {
			return model.Page{}, vendorError(fetch.ClassCursorGone, "40035")
		}
		return pages(c, cursor)
	})
	res := b.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, model.VerdictComplete, res.Closing.Verdict)
	require.Equal(t, "drifted 4, complete 0", b.scalar(
		"select string_agg(verdict || ' ' || ids_repeated, ', ' order by pass_id) from sync.pass"), "repeated at once")
	storetest.WantRows(t, b.pool, "groupchat.chat", 8)
}

func TestStaleCursorsAreNotSent(t *testing.T) {
	t.Parallel()
	for name, stale := range map[string]string{
		"older than its time to live": "update sync.checkpoint set updated_at = updated_at - interval '2 hours'",
		"born with other params":      `update sync.checkpoint set params_raw = '{"limit":2}'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages := lister(3, 1)
			var fail atomic.Bool
			fail.Store(true)
			b := newBench(t, func(c model.Chain, cursor string) (model.Page, error) {
				if cursor == "2" && fail.CompareAndSwap(true, false) {
					return model.Page{}, vendorError(fetch.ClassTransient, "-1")
				}
				return pages(c, cursor)
			})
			b.pass(sweep.Request{})
			_, err := b.pool.Exec(t.Context(), stale)
			require.NoError(t, err)
			res := b.pass(sweep.Request{})
			require.Equal(t, model.OutcomeComplete, res.Outcome)
			require.Equal(t, []string{"all@", "all@1", "all@2", "all@", "all@1", "all@2"}, b.source.asked)
		})
	}
}

func TestThrottledPassSaysWhenItResumes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	b := newBench(t, func(model.Chain, string) (model.Page, error) {
		return model.Page{}, &fetch.Error{Class: fetch.ClassThrottled, Code: "45009", RetryAfter: time.Hour}
	})
	b.opts.Now = func() time.Time { return now }
	res := b.pass(sweep.Request{})
	require.Equal(t, model.OutcomePartial, res.Outcome)
	require.Equal(t, now.Add(time.Hour), res.ResumeAt)
	require.Equal(t, "2026-11-01 10:00:00", b.scalar("select resume_at at time zone 'UTC' from sync.pass"))
}

func TestOneBadItemBlocksNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c model.Chain, _ string) (model.Page, error) {
		switch c.Subject {
		case "wr1":
			return model.Page{}, vendorError(fetch.ClassGone, "40050")
		case "wr2":
			return model.Page{}, vendorError(fetch.ClassDenied, "60011")
		case "wr3":
			return model.Page{}, vendorError(fetch.ClassMalformed, "body")
		}
		return detail(c.Subject, "li"), nil
	})
	b.details("wr1", "wr2", "wr3", "wr4", "wr5")
	res := b.pass(sweep.Request{})
	require.Equal(t, model.OutcomePartial, res.Outcome)
	require.Equal(t, int64(1), res.Pass.Counts.ItemsFailed)
	require.Equal(t, int64(2), res.Pass.Counts.ItemsRefused)
	require.Equal(t, "40050 60011 body", b.scalar(
		"select string_agg(last_error_code, ' ' order by subject) from sync.item where failures = 1 and due_at > now()"))
	require.Equal(t, "2", b.scalar("select count(*) from groupchat.chat where detail_at is not null"))
	require.Equal(t, int64(5), b.source.calls.Load())

	b.pass(sweep.Request{})
	require.Equal(t, int64(5), b.source.calls.Load(), "nothing is due")
}

func TestSilentVendorEndsThePass(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(model.Chain, string) (model.Page, error) {
		return model.Page{}, vendorError(fetch.ClassTransient, "network")
	})
	var ids []string
	for i := range 100 {
		ids = append(ids, fmt.Sprintf("wr%d", i))
	}
	b.details(ids...)
	res := b.pass(sweep.Request{})
	require.Equal(t, model.OutcomePartial, res.Outcome)
	require.Less(t, b.source.calls.Load(), int64(15))
	require.Equal(t, "partial", b.scalar("select outcome from sync.pass where finished_at is null"))
}

func TestBadCredentialEndsThePass(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(model.Chain, string) (model.Page, error) {
		return model.Page{}, vendorError(fetch.ClassAuth, "40001")
	})
	b.details("wr1", "wr2", "wr3")
	res := b.pass(sweep.Request{})
	require.Equal(t, model.OutcomeFailed, res.Outcome)
	require.Equal(t, fetch.ClassAuth, fetch.ClassOf(res.Reason))
	require.Equal(t, "0", b.scalar("select count(*) from sync.item where failures > 0"), "no item is to blame")
}

func TestNeverFetchedFirstThenOldest(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c model.Chain, _ string) (model.Page, error) { return detail(c.Subject, "li"), nil })
	b.details("wr1", "wr2", "wr3")
	b.spec.Concurrency = 1
	b.pass(sweep.Request{})
	_, err := b.pool.Exec(t.Context(), `
		update sync.item set due_at = case subject when 'wr1' then now() - interval '1 hour' else now() - interval '2 hours' end
		 where subject <> 'wr3'`)
	require.NoError(t, err)
	b.details("wr4")
	b.spec.Concurrency = 1
	b.source.asked = nil
	b.pass(sweep.Request{})
	require.Equal(t, []string{"wr4@", "wr2@", "wr1@"}, b.source.asked)
}

func TestFullPassReadsEverything(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c model.Chain, _ string) (model.Page, error) { return detail(c.Subject, "li"), nil })
	b.details("wr1", "wr2")
	b.pass(sweep.Request{})
	b.pass(sweep.Request{Full: true})
	require.Equal(t, int64(4), b.source.calls.Load())
}

// A doubtful answer is asked for again within the pass, and believed when it
// comes twice.
func TestDoubtfulAnswerIsReadTwice(t *testing.T) {
	t.Parallel()
	var second atomic.Bool
	var at []time.Time
	var mu sync.Mutex
	b := newBench(t, func(c model.Chain, _ string) (model.Page, error) {
		if !second.Load() {
			return detail(c.Subject, "li", "a"), nil
		}
		mu.Lock()
		at = append(at, time.Now())
		mu.Unlock()
		return detail(c.Subject, "a"), nil
	})
	b.details("wr1")
	b.pass(sweep.Request{})
	second.Store(true)
	res := b.pass(sweep.Request{Full: true})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Len(t, at, 2)
	require.GreaterOrEqual(t, at[1].Sub(at[0]), b.opts.DoubtPause)
	require.Equal(t, "li", b.scalar("select string_agg(member_id, ' ') from groupchat.chat_member where left_before is not null"))
}

func TestLostLeaseStopsThePass(t *testing.T) {
	t.Parallel()
	pages := lister(50, 1)
	var b *bench
	b = newBench(t, func(c model.Chain, cursor string) (model.Page, error) {
		if cursor == "10" {
			_, err := b.pool.Exec(context.Background(), "update sync.lease set fence = fence + 1, holder = 'thief'")
			if err != nil {
				return model.Page{}, err
			}
		}
		return pages(c, cursor)
	})
	_, err := b.runner().Pass(t.Context(), b.spec, sweep.Request{})
	require.ErrorIs(t, err, model.ErrLeaseLost)
	var rows int
	require.NoError(t, b.pool.QueryRow(t.Context(), "select count(*) from groupchat.chat").Scan(&rows))
	require.LessOrEqual(t, rows, 11)
	require.Equal(t, "thief", b.scalar("select holder from sync.lease"))
}

func TestLeaseIsRenewedWhileThePassRuns(t *testing.T) {
	t.Parallel()
	renewed := make(chan struct{})
	pages := lister(2, 1)
	b := newBench(t, func(c model.Chain, cursor string) (model.Page, error) {
		if cursor == "1" {
			<-renewed
		}
		return pages(c, cursor)
	})
	spy := &renewals{Store: b.store, twice: renewed}
	b.opts.LeaseTTL = 60 * time.Millisecond
	res, err := sweep.NewRunner("acme", b.source, spy, b.opts).Pass(t.Context(), b.spec, sweep.Request{})
	require.NoError(t, err)
	require.Equal(t, model.OutcomeComplete, res.Outcome)
}

// renewals closes twice when a lease has been renewed for the second time.
type renewals struct {
	*store.Store
	n     atomic.Int64
	twice chan struct{}
}

func (r *renewals) RenewLease(ctx context.Context, lease model.Lease, ttl time.Duration) error {
	err := r.Store.RenewLease(ctx, lease, ttl)
	if r.n.Add(1) == 2 {
		close(r.twice)
	}
	return err
}

func TestSecondRunWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	inside, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	pages := lister(3, 1)
	b := newBench(t, func(c model.Chain, cursor string) (model.Page, error) {
		once.Do(func() {
			close(inside)
			<-release
		})
		return pages(c, cursor)
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := b.runner().Pass(t.Context(), b.spec, sweep.Request{})
		if err != nil {
			t.Errorf("first: %v", err)
		}
	})
	<-inside
	_, err := b.runner().Pass(t.Context(), b.spec, sweep.Request{})
	held, ok := errors.AsType[*model.LeaseHeldError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "test", held.Holder)

	res := b.pass(sweep.Request{Wait: true, Held: func(*model.LeaseHeldError) { close(release) }})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	wg.Wait()
	require.Equal(t, "2", b.scalar("select count(*) from sync.pass where outcome = 'complete'"))
}

func TestStopKeepsThePagesInHand(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	var once sync.Once
	b := newBench(t, nil)
	// More than can wait for a commit.
	const chats = 400
	ids, members := make([]string, chats), []string{"li"}
	for i := range ids {
		ids[i] = fmt.Sprintf("wr%03d", i)
	}
	for i := range 50 {
		members = append(members, fmt.Sprintf("wm%02d", i))
	}
	b.details(ids...)
	b.source.answer = func(c model.Chain, _ string) (model.Page, error) {
		if b.source.calls.Load() > 20 {
			once.Do(func() { close(stop) })
		}
		return detail(c.Subject, members...), nil
	}
	res := b.pass(sweep.Request{Stop: stop})
	require.True(t, res.Stopped)
	require.Equal(t, model.OutcomePartial, res.Outcome)
	asked := b.source.calls.Load()
	require.Less(t, asked, int64(chats))
	require.Equal(t, strconv.FormatInt(asked, 10), b.scalar("select count(*) from sync.item where fetched_at is not null"),
		"every page in hand is committed")
	res = b.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, int64(chats), b.source.calls.Load(), "nothing is read twice")
	require.LessOrEqual(t, b.source.most.Load(), int64(4), "concurrency is bounded")
}

// Slices are an inner matter: a pass cut into many gives the same rows.
func TestManySlicesAreOnePass(t *testing.T) {
	t.Parallel()
	b := newBench(t, lister(40, 2))
	b.opts.SliceMax = time.Nanosecond // over before there is anything to hand out
	res := b.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, int64(40), b.source.calls.Load())
	storetest.WantRows(t, b.pool, "groupchat.chat", 80)

	b.source.answer = func(c model.Chain, _ string) (model.Page, error) { return detail(c.Subject, "li"), nil }
	b.spec = model.StreamSpec{Name: "members", Shape: model.ShapeDetail, Concurrency: 4, MaxAge: time.Hour}
	require.Equal(t, model.OutcomeComplete, b.pass(sweep.Request{}).Outcome)
	require.Equal(t, int64(40+80), b.source.calls.Load())
	storetest.WantRows(t, b.pool, "groupchat.chat_member", 80)

	v := newStatVendor(t, 3)
	v.spec.Window.Reach, v.spec.Window.Backfill = 9, 10
	v.opts.SliceMax = time.Nanosecond
	require.Equal(t, model.OutcomeComplete, v.pass(sweep.Request{}).Outcome)
	require.Equal(t, "30", v.days("covered"))
}

func TestCancelledContextLeavesAResumablePass(t *testing.T) {
	t.Parallel()
	pages := lister(10, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	boom := errors.New("second interrupt")
	b := newBench(t, func(c model.Chain, cursor string) (model.Page, error) {
		if cursor == "5" {
			cancel(boom)
		}
		return pages(c, cursor)
	})
	_, err := b.runner().Pass(ctx, b.spec, sweep.Request{})
	require.ErrorIs(t, err, boom)
	res := b.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	storetest.WantRows(t, b.pool, "groupchat.chat", 10)
}

func TestErrorOfOursIsNoVerdictOnTheVendor(t *testing.T) {
	t.Parallel()
	bug := errors.New("a bug")
	b := newBench(t, func(model.Chain, string) (model.Page, error) { return model.Page{}, bug })
	_, err := b.runner().Pass(t.Context(), b.spec, sweep.Request{})
	require.ErrorIs(t, err, bug)
	b.details("wr1")
	_, err = b.runner().Pass(t.Context(), b.spec, sweep.Request{})
	require.ErrorIs(t, err, bug)
}
