package fetch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// Budget is the call budget of one source: what may be called when, and what
// the vendor has blocked. It is safe for concurrent use and lives in memory.
type Budget struct {
	limits    Limits
	penalties []time.Duration
	congested []string

	// spent is the vendor's word that no metered call of the source is left, where
	// no [Meter] keeps it.
	spent block

	mu    sync.Mutex
	gates map[string]*gate
}

func newBudget(limits Limits, penalties []time.Duration, congested []string) *Budget {
	return &Budget{limits: limits, penalties: penalties, congested: congested, gates: map[string]*gate{}}
}

// BudgetState is what is left of one budget.
type BudgetState struct {
	// Endpoint is "" where all endpoints of the source share the budget.
	Endpoint string
	// HourLeft and MonthLeft are calls, -1 without a limit.
	HourLeft, MonthLeft int
	// InFlightMax is how many requests may be in flight now; congestion lowers
	// it for a while.
	InFlightMax int
	// BlockedUntil is zero when nothing blocks, and Why says what does.
	BlockedUntil time.Time
	Why          string
}

// State returns what is left, ordered by endpoint. An endpoint that was never
// called is not in it.
func (b *Budget) State() []BudgetState {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	states := make([]BudgetState, 0, len(b.gates))
	for _, g := range b.gates {
		states = append(states, g.state(now))
	}
	slices.SortFunc(states, func(x, y BudgetState) int { return strings.Compare(x.Endpoint, y.Endpoint) })
	return states
}

func (b *Budget) gate(endpoint string) *gate {
	if b.limits.Scope == ScopeSource {
		endpoint = ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.gates[endpoint]
	if g == nil {
		g = newGate(b, endpoint)
		b.gates[endpoint] = g
	}
	return g
}

// congestionRest is how long the lowered number in flight stays before it is
// doubled again.
const congestionRest = 30 * time.Second

// gate is what a request passes before it is sent.
type gate struct {
	*Budget
	endpoint string
	slots    *semaphore.Weighted
	// paces are the even limits: each call takes one token of each.
	paces []*rate.Limiter
	// turns are what the pacer granted, where there is one.
	turns *turns

	mu    sync.Mutex
	hour  hourWindow
	month monthCount
	// blockedUntil is the end of the vendor's block and blockedBy its code.
	blockedUntil time.Time
	blockedBy    string
	// penaltyStep counts blocks since the last success. Answers to requests let
	// in before the newest block belong to it: blocks numbers them.
	penaltyStep int
	blocks      int
	// inFlightMax is the limit now; congestedAt is when it last changed, and
	// changes numbers its changes for the same reason.
	inFlightMax int
	congestedAt time.Time
	changes     int
}

func newGate(b *Budget, endpoint string) *gate {
	l := b.limits
	g := &gate{
		Budget: b, endpoint: endpoint, turns: newTurns(), slots: semaphore.NewWeighted(int64(l.Concurrency)), inFlightMax: l.Concurrency,
		hour: hourWindow{limit: l.PerHour}, month: monthCount{limit: l.PerMonth, zone: l.Zone},
	}
	if l.PerSecond > 0 {
		g.paces = append(g.paces, evenly(l.PerSecond, time.Second, 1))
	}
	if l.PerMinute > 0 {
		g.paces = append(g.paces, evenly(l.PerMinute, time.Minute, max(l.PerMinute/60, 1)))
	}
	return g
}

// evenly spreads n calls over each span. A bucket lets burst-1 more through
// than its rate in the worst span, so the rate gives these up.
func evenly(n int, span time.Duration, burst int) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(float64(n-burst+1)/span.Seconds()), burst)
}

// reason says why a request has to wait.
type reason struct {
	code, text string
	// reserved says that the waiting itself is the price: afterwards the
	// request may go.
	reserved bool
}

// blocked is how long the vendor's block lasts; 0 is not at all.
func (g *gate) blocked(now time.Time) (time.Duration, reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.blockedUntil.After(now) {
		return 0, reason{}
	}
	return g.blockedUntil.Sub(now), blockedBy(g.blockedBy, g.blockedUntil)
}

// pace reserves the next call within our own limits and returns the wait it
// costs. Nothing is reserved when that is longer than patience, or when a
// window is full.
func (g *gate) pace(now time.Time, patience time.Duration) (time.Duration, reason) {
	if wait, why := g.full(now); wait > 0 {
		return wait, why
	}
	var wait time.Duration
	taken := make([]*rate.Reservation, 0, len(g.paces))
	for _, pace := range g.paces {
		r := pace.ReserveN(now, 1)
		taken = append(taken, r)
		wait = max(wait, r.DelayFrom(now))
	}
	if wait > patience {
		for _, r := range taken {
			r.CancelAt(now)
		}
		return wait, reason{code: codeBudget, text: "the budget per second or minute is spent"}
	}
	return wait, reason{code: codeBudget, text: "keeping to the budget per second or minute", reserved: true}
}

func (g *gate) full(now time.Time) (time.Duration, reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wait := g.month.wait(now); wait > 0 {
		return wait, reason{code: codeBudget, text: fmt.Sprintf("the month's budget of %d calls is spent", g.month.limit)}
	}
	if wait := g.hour.wait(now); wait > 0 {
		return wait, reason{code: codeBudget, text: fmt.Sprintf("the hour's budget of %d calls is spent", g.hour.limit)}
	}
	return 0, reason{}
}

// slot is a place among the requests in flight. It remembers what its gate had
// gone through when the request was let in: clocks read outside of the gate's
// lock cannot tell a new block from the one that is already counted.
type slot struct {
	gate            *gate
	weight          int64
	blocks, changes int
}

func (s *slot) leave() { s.gate.slots.Release(s.weight) }

// enter queues for a slot and books the call. It returns nil when a block began
// or a window filled up meanwhile, and an error only when ctx ended.
func (g *gate) enter(ctx context.Context) (*slot, error) {
	// A lowered limit is fewer, heavier requests: those in flight finish and
	// nobody has to hold slots back.
	g.mu.Lock()
	s := &slot{gate: g, weight: int64(g.limits.Concurrency / g.inFlightMax)}
	g.mu.Unlock()
	if err := g.slots.Acquire(ctx, s.weight); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.blockedUntil.After(now) || g.hour.wait(now) > 0 || g.month.wait(now) > 0 {
		s.leave()
		return nil, nil
	}
	g.hour.add(now)
	g.month.add(now)
	s.blocks, s.changes = g.blocks, g.changes
	return s, nil
}

// succeeded ends the penalties and lets the number in flight grow again.
func (s *slot) succeeded(now time.Time) {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.blocks == g.blocks {
		g.penaltyStep = 0
	}
	if g.inFlightMax < g.limits.Concurrency && now.Sub(g.congestedAt) >= congestionRest {
		g.allow(min(g.inFlightMax*2, g.limits.Concurrency), now)
	}
}

// failed draws the consequences of an error: a throttled endpoint rests for all
// callers, a congested one gets fewer at once. It completes bad.RetryAfter.
func (s *slot) failed(bad *Error, now time.Time) {
	if bad.Class != ClassThrottled {
		return
	}
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if slices.Contains(g.congested, bad.Code) {
		if s.changes == g.changes {
			g.allow(max(g.inFlightMax/2, 1), now)
		}
		return
	}
	rest := bad.RetryAfter
	if rest == 0 && len(g.penalties) > 0 && s.blocks == g.blocks {
		rest = g.penalties[min(g.penaltyStep, len(g.penalties)-1)]
		g.penaltyStep++
	}
	if until := now.Add(rest); rest > 0 && until.After(g.blockedUntil) {
		g.blockedUntil, g.blockedBy = until, bad.Code
		g.blocks++
	}
	bad.RetryAfter = max(g.blockedUntil.Sub(now), 0)
}

// allow sets how many requests may be in flight. The caller holds g.mu.
func (g *gate) allow(n int, now time.Time) {
	g.inFlightMax, g.congestedAt = n, now
	g.changes++
}

func (g *gate) state(now time.Time) BudgetState {
	wait, why := g.blocked(now)
	if rest, spent := g.spent.wait(now); rest > wait {
		wait, why = rest, spent
	}
	if wait == 0 {
		wait, why = g.full(now)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s := BudgetState{
		Endpoint: g.endpoint, HourLeft: g.hour.left(now), MonthLeft: g.month.left(now),
		InFlightMax: g.inFlightMax, Why: why.text,
	}
	if wait > 0 {
		s.BlockedUntil = now.Add(wait)
	}
	return s
}
