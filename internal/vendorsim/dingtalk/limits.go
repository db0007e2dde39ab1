package dingtalk

import "time"

// Spans of the limits.
const (
	addressSpan = 20 * time.Second
	banSpan     = 5 * time.Minute
)

// recent remembers when the last calls were let through: at most as many within
// any span as it has room for.
type recent struct {
	times []time.Time // a ring; nil is no limit
	next  int
	until time.Time // blocked until, by a fault
	code  string    // and with this code
}

func newRecent(most int) *recent {
	if most < 0 {
		return &recent{}
	}
	return &recent{times: make([]time.Time, most)}
}

// take counts a call and reports whether it is within the limit. One that is not
// costs nothing.
func (r *recent) take(now time.Time, span time.Duration) bool {
	if r.times == nil {
		return true
	}
	if oldest := r.times[r.next]; !oldest.IsZero() && now.Sub(oldest) < span {
		return false
	}
	r.times[r.next] = now
	r.next = (r.next + 1) % len(r.times)
	return true
}

// address is one caller.
type address struct {
	calls  *recent
	until  time.Time // banned until
	banned banShape
}

// month is the organisation's meter.
type month struct {
	begins time.Time // of the calendar month in China
	calls  int
}

func monthOf(at time.Time) time.Time {
	y, m, _ := at.In(chinaTime).Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, chinaTime)
}

// turn begins a new month when one has begun.
func (m *month) turn(now time.Time) {
	if begins := monthOf(now); begins.After(m.begins) {
		m.begins, m.calls = begins, 0
	}
}

// MonthlyCalls is how many calls of the clock's month are counted: those that had
// a good token and were let through by the limit of the second, refused or not,
// and those of [Sim.SpendMonth].
func (s *Sim) MonthlyCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.month.turn(s.clock.Now())
	return s.month.calls
}

// SpendMonth counts calls that other apps of the organisation make.
func (s *Sim) SpendMonth(calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.month.turn(s.clock.Now())
	s.month.calls += calls
}

// ban shuts an address out for a span of service time.
func (s *Sim) ban(ip string, span time.Duration, shape banShape) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, service := s.clock.Read()
	a := s.address(ip)
	a.until, a.banned = service.Add(span), shape
}

// address is that of a caller. The caller holds mu.
func (s *Sim) address(ip string) *address {
	a := s.addresses[ip]
	if a == nil {
		a = &address{calls: newRecent(s.opt.Limits.PerAddress)}
		s.addresses[ip] = a
	}
	return a
}

// block refuses an endpoint with a code for a span of service time.
func (s *Sim) block(endpoint, code string, span time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, service := s.clock.Read()
	r := s.seconds[endpoint]
	r.until, r.code = service.Add(span), code
}
