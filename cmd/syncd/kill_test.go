package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

var killTenant = vendorsim.Options{Seed: 7, Chats: 2000, MeanMembers: 8, MaxMembers: 60}

const (
	// killsWanted is the least number of kills inside an open pass, of either kind.
	killsWanted = 13
	// inFlightMax is what one process may have fetched and not committed:
	// requests under way, those that wait for a commit, and those in one.
	inFlightMax = 4 + 64 + 64
)

// gets follows which details a process has asked for.
type gets struct {
	mu    sync.Mutex
	asked map[string]int
}

func (g *gets) note(r vendorsim.Request) {
	if r.Endpoint != vendorsim.EndpointChatGet {
		return
	}
	var body struct {
		ChatID string `json:"chat_id"`
	}
	if json.Unmarshal(r.Body, &body) == nil {
		g.mu.Lock()
		g.asked[body.ChatID]++
		g.mu.Unlock()
	}
}

func (g *gets) take() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.asked
	g.asked = map[string]int{}
	return was
}

// A process that is killed again and again, at any request and between an answer
// and its commit, ends with the tables of one that never was, and fetches again
// no more than what was in flight.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	calm := newSite(t, killTenant)
	calm.ok("sync")
	calm.sameAsTruth()

	draw := killDraw(t)
	s := newSite(t, killTenant)
	committed := map[string]bool{}
	g := &gets{asked: map[string]int{}}
	duringRequest, beforeCommit := s.killMany(s.sim, draw, killsWanted, 130, g.note, func() {
		asked := g.take()
		for id := range asked {
			require.False(t, committed[id], "%s was committed, and is fetched again", id)
		}
		fresh := 0
		for _, id := range s.committedItems() {
			if !committed[id] {
				committed[id] = true
				fresh++
			}
		}
		require.LessOrEqual(t, len(asked)-fresh, inFlightMax)
	})
	t.Logf("killed inside an open pass: %d at a request, %d between answer and commit; %d of 2000 details were committed by then",
		duringRequest, beforeCommit, len(committed))
	s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		g.note(r)
		return vendorsim.Verdict{}
	}})
	r := s.start("sync").wait()
	require.Equal(t, exitOK, r.code, r)
	for id, n := range g.take() {
		require.Equal(t, 1, n)
		require.False(t, committed[id], "%s was committed, and is fetched again", id)
	}
	require.Equal(t, calm.checksums(), s.checksums())
	require.Equal(t, calm.counted(), s.counted(), "what was committed is counted once")
	require.Zero(t, scalar[int](s, "select count(*) from sync.checkpoint"))
	require.Equal(t, 2000, scalar[int](s, "select count(*) from sync.item where fetched_at is not null and failures = 0"))
}

// counted is what the passes over chats, each of which reads all of them, and those
// over members, which together do, have counted.
func (s *site) counted() [2]string {
	s.t.Helper()
	return [2]string{
		scalar[string](s, `select string_agg(distinct concat_ws(' ', verdict, pages, rows_read, calls, retries, restarts,
			ids_distinct, ids_repeated, ids_noted), ', ') from sync.pass where stream = 'chats' and outcome = 'complete'`),
		scalar[string](s, `select concat_ws(' ', sum(pages), sum(rows_read), sum(rows_changed), sum(calls), sum(retries))
			from sync.pass where stream = 'members'`),
	}
}

// killDraw decides when processes are killed: by SYNCD_KILL_SEED, or anew.
func killDraw(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SYNCD_KILL_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("SYNCD_KILL_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, seed))
}

// scripted is a simulated vendor whose calls can be followed and held.
type scripted interface{ SetScript(script vendorsim.Script) }

// killMany runs sync and kills it, at one of its first requests or before the
// commit of one, until so many kills of either kind have met an open pass. note
// sees every request; after is called when a process is dead and all that it had
// begun is rolled back.
func (s *site) killMany(vendor scripted, draw *rand.Rand, wanted int, requests uint64, note func(vendorsim.Request), after func(),
) (duringRequest, beforeCommit int) {
	s.t.Helper()
	for run := 0; min(duringRequest, beforeCommit) < wanted; run++ {
		require.Less(s.t, run, 8*wanted, "too few kills met an open pass")
		k := draw.Uint64N(requests) + 1
		holdCommit := beforeCommit < duringRequest
		if holdCommit {
			s.killBeforeCommit(vendor, k, note)
		} else {
			s.killAtRequest(vendor, k, note)
		}
		after()
		if scalar[int](s, "select count(*) from sync.pass where finished_at is null") == 1 {
			if holdCommit {
				beforeCommit++
			} else {
				duringRequest++
			}
		}
		// Time passes until the lease of the dead process is over.
		_, err := s.pool.Exec(s.t.Context(), "update sync.lease set expires_at = '-infinity'")
		require.NoError(s.t, err)
	}
	return duringRequest, beforeCommit
}

func (s *site) committedItems() []string {
	s.t.Helper()
	rows, err := s.pool.Query(s.t.Context(), "select subject from sync.item where fetched_at is not null")
	require.NoError(s.t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(s.t, err)
	return ids
}

// killAtRequest runs sync and kills it when its k-th request arrives.
func (s *site) killAtRequest(vendor scripted, k uint64, note func(vendorsim.Request)) {
	s.t.Helper()
	var n atomic.Uint64
	due := make(chan struct{})
	vendor.SetScript(vendorsim.Script{OnRequest: func(ctx context.Context, r vendorsim.Request) vendorsim.Verdict {
		note(r)
		if n.Add(1) == k {
			close(due)
		}
		if n.Load() >= k {
			<-ctx.Done() // no answer any more
		}
		return vendorsim.Verdict{}
	}})
	c := s.start("sync")
	s.killWhen(c, due)
}

// killBeforeCommit runs sync, answers its k-th request, and kills it while the
// transaction that would follow waits.
func (s *site) killBeforeCommit(vendor scripted, k uint64, note func(vendorsim.Request)) {
	s.t.Helper()
	ctx := s.t.Context()
	var n atomic.Uint64
	held, answered := make(chan pgx.Tx, 1), make(chan struct{})
	var holding atomic.Bool
	var once sync.Once
	vendor.SetScript(vendorsim.Script{
		OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
			note(r)
			if n.Add(1) == k {
				held <- s.holdLeases(ctx)
				holding.Store(true)
			}
			return vendorsim.Verdict{}
		},
		OnResponse: func(vendorsim.Response) {
			if holding.Load() {
				once.Do(func() { close(answered) })
			}
		},
	})
	c := s.start("sync")
	due := make(chan struct{})
	go func() {
		defer close(due)
		select {
		case <-answered:
		case <-c.done:
			return
		}
		eventually(s.t, "a commit that waits", func() error {
			waiting := 0
			err := s.pool.QueryRow(ctx, `select count(*) from pg_stat_activity
				where datname = current_database() and application_name like 'syncd%' and wait_event_type = 'Lock'`).Scan(&waiting)
			if err == nil && waiting == 0 {
				err = errNotYet
			}
			return err
		})
	}()
	s.killWhen(c, due)
	select {
	case tx := <-held:
		require.NoError(s.t, tx.Rollback(ctx))
	default:
	}
}

// holdLeases keeps every commit waiting until it is rolled back.
func (s *site) holdLeases(ctx context.Context) pgx.Tx {
	tx, err := s.pool.Begin(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, "select 1 from sync.lease for update")
	}
	if err != nil {
		s.t.Errorf("hold the leases: %v", err)
	}
	return tx
}

func (s *site) killWhen(c *child, due <-chan struct{}) {
	s.t.Helper()
	select {
	case <-due:
		require.NoError(s.t, c.cmd.Process.Kill())
		<-c.done
	case <-c.done: // it was done before its k-th request
	}
	s.heard()
	// What the dead process had begun is rolled back by the server.
	eventually(s.t, "the connections of the dead process end", func() error {
		left := 0
		err := s.pool.QueryRow(s.t.Context(), `select count(*) from pg_stat_activity
			where datname = current_database() and application_name like 'syncd%' and wait_event_type is distinct from 'Lock'`).Scan(&left)
		if err == nil && left > 0 {
			err = errNotYet
		}
		return err
	})
}

// heard waits until the vendor has seen all that a dead process has sent: who
// counts its requests would find one among those of the next. The vendor takes
// connections in their order, so those of the process come before this one.
func (s *site) heard() {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.vendor.URL, nil)
	require.NoError(s.t, err)
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	require.NoError(s.t, answer.Body.Close())
	eventually(s.t, "the dead process is heard", func() error {
		if s.callers.Load() > 0 {
			return errNotYet
		}
		return nil
	})
}
