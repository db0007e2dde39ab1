package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"syncd/config"
	"syncd/internal/model"
	"syncd/internal/store"
)

// plannedMonth is what the rest of a calendar month takes of the calls that a source
// has for it, by the schedules of its streams.
type plannedMonth struct {
	Source string `json:"source"`
	// From is now, and Until the first moment of the next month of the vendor.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Limit are the calls of the whole month, Used those that were made of them.
	Limit int64 `json:"limit"`
	Used  int64 `json:"used"`
	// Wanted are the calls that the schedules ask for until then, and Calls those of
	// them that the limit and its daily parts let through.
	Wanted int64 `json:"wanted"`
	Calls  int64 `json:"calls"`
	// Fits says that every call is made on its day.
	Fits bool `json:"fits"`
	// WaitsAt is the day on which calls have to wait for the first time, SpentAt the
	// one on which the last call of the month is made although more are wanted.
	WaitsAt *time.Time `json:"waits_at,omitempty"`
	SpentAt *time.Time `json:"spent_at,omitempty"`
	// BlockedUntil is set where the vendor says that nothing is left.
	BlockedUntil *time.Time             `json:"blocked_until,omitempty"`
	Streams      []plannedMonthOfStream `json:"streams"`
}

// plannedMonthOfStream is the part of one stream.
type plannedMonthOfStream struct {
	Stream string `json:"stream"`
	Mode   string `json:"mode,omitempty"`
	// Runs is how often it is due.
	Runs int64 `json:"runs"`
	// Wanted and Calls are as for the month.
	Wanted int64 `json:"wanted"`
	Calls  int64 `json:"calls"`
	// Note says what the figure is made of.
	Note string `json:"note"`

	lane string
}

// short reports whether not all of it can be made in the month.
func (s *plannedMonthOfStream) short() bool { return s.Calls < s.Wanted }

func (s *plannedMonthOfStream) name(source string) string {
	if s.Mode != "" {
		return source + "/" + s.Stream + " (" + s.Mode + ")"
	}
	return source + "/" + s.Stream
}

// remedy is what to do where the month is too short for what is wanted; "" where it is
// not.
func (r *plannedMonth) remedy() string {
	reads := false
	for i := range r.Streams {
		switch s := &r.Streams[i]; {
		case !s.short() || r.BlockedUntil != nil:
		case s.lane != store.LaneReads:
			return "list everything less often (full_schedule), or raise limits.per_month"
		default:
			reads = true
		}
	}
	if reads {
		return "raise limits.reads_share or per_month, or shorten follow_for of " + trackedStream
	}
	return ""
}

// monthPlanner forecasts the rest of a month of one source.
type monthPlanner struct {
	*planner
	meter *store.Meter
	until time.Time
	// days are the beginnings of the vendor's days that are left, today's first.
	days  []time.Time
	chats store.KnownChats
	sets  map[string]int64
	past  map[string]store.RecentPasses
}

// demand is what one stream, or one mode of it, asks for.
type demand struct {
	stream, mode, lane, note string
	runs                     int64
	// calls are by day.
	calls []float64
}

// pastDays is how far back the forecast looks for what the streams have met.
const pastDays = 35

// month forecasts the rest of the month, or returns nil for a source whose months have
// no limit.
func (p *planner) month(ctx context.Context) (*plannedMonth, error) {
	src := p.source
	if src.Limits.PerMonth == 0 {
		return nil, nil //nolint:nilnil // no limit is an ordinary answer
	}
	m := &monthPlanner{planner: p, meter: store.NewMeter(p.store, store.MeterOptions{
		Source: src.Name, PerMonth: src.Limits.PerMonth, ReadsShare: src.Limits.ReadsShare, Zone: src.Timezone,
		Now: func() time.Time { return p.now },
	})}
	use, err := m.meter.Use(ctx)
	if err != nil {
		return nil, err
	}
	m.until = use.MonthEnd
	year, month, day := p.now.In(src.Timezone).Date()
	for at := time.Date(year, month, day, 0, 0, 0, 0, src.Timezone); at.Before(m.until); at = at.AddDate(0, 0, 1) {
		m.days = append(m.days, at)
	}
	if err := m.know(ctx); err != nil {
		return nil, err
	}
	var demands []*demand
	for _, spec := range src.enabled {
		of, err := m.demands(ctx, spec)
		if err != nil {
			return nil, fmt.Errorf("forecast %s/%s: %w", src.Name, spec.Name, err)
		}
		demands = append(demands, of...)
	}
	return m.spread(use, demands), nil
}

// know reads what the forecast is made from.
func (m *monthPlanner) know(ctx context.Context) (err error) {
	if m.chats, err = m.store.KnownChats(ctx, m.source.Name); err != nil {
		return err
	}
	if m.sets, err = m.store.KnownGroupSets(ctx, m.source.Name); err != nil {
		return err
	}
	m.past, err = m.store.PassesSince(ctx, m.source.Name, m.now.AddDate(0, 0, -pastDays))
	return err
}

// endOf is when a day that is left ends.
func (m *monthPlanner) endOf(day int) time.Time {
	if day+1 < len(m.days) {
		return m.days[day+1]
	}
	return m.until
}

// demands are those of one stream.
func (m *monthPlanner) demands(ctx context.Context, spec model.StreamSpec) ([]*demand, error) {
	switch {
	case spec.Shape == model.ShapeList:
		return m.ofList(ctx, spec)
	case spec.Confirms != "":
		return m.ofChecks(ctx, spec)
	case spec.Name == trackedStream && spec.Follow != nil:
		return m.ofMessages(ctx, spec)
	}
	return m.ofPast(spec), nil
}

func (m *monthPlanner) newDemand(spec model.StreamSpec) *demand {
	d := &demand{stream: spec.Name, mode: spec.Mode, calls: make([]float64, len(m.days))}
	if c, ok := m.source.client.(interface{ Lane(stream string) string }); ok {
		d.lane = c.Lane(spec.Name)
	}
	return d
}

// add books calls for a moment.
func (d *demand) add(days []time.Time, at time.Time, calls float64) {
	i := len(days) - 1
	for i > 0 && at.Before(days[i]) {
		i--
	}
	d.calls[i] += calls
}

func (d *demand) total() (calls float64) {
	for _, n := range d.calls {
		calls += n
	}
	return calls
}

// moments are when a schedule is due until the month ends.
func (m *monthPlanner) moments(schedule config.Schedule) []time.Time {
	var all []time.Time
	for at := schedule.Next(m.now.In(m.source.Timezone)); at.Before(m.until); at = schedule.Next(at) {
		all = append(all, at)
	}
	return all
}

// ofList counts the runs of a list, each of as many pages as what is known now fills.
func (m *monthPlanner) ofList(ctx context.Context, spec model.StreamSpec) ([]*demand, error) {
	all := m.newDemand(spec)
	pages := m.pagesOf(spec)
	all.note = fmt.Sprintf("%d calls a run", pages)
	fulls, runs, err := m.fulls(ctx, spec)
	if err != nil {
		return nil, err
	}
	for _, at := range fulls {
		all.runs++
		all.add(m.days, at, float64(pages))
	}
	fresh, ok := m.source.fresh[spec.Name]
	if !ok {
		return []*demand{all}, nil
	}
	some := m.newDemand(fresh)
	some.note = fmt.Sprintf("%d calls a run", len(fresh.Subjects))
	for _, at := range runs {
		some.runs++
		some.add(m.days, at, float64(len(fresh.Subjects)))
	}
	return []*demand{all, some}, nil
}

// fulls are when everything of a list is due, and news when only what is new is: see
// [source.pickMode].
func (m *monthPlanner) fulls(ctx context.Context, spec model.StreamSpec) (fulls, news []time.Time, err error) {
	stream := m.source.Streams[spec.Name]
	runs := m.moments(stream.Schedule)
	if _, ok := m.source.fresh[spec.Name]; !ok {
		return runs, nil, nil
	}
	status, err := m.store.ModeStatus(ctx, m.source.Name, spec)
	if err != nil {
		return nil, nil, err
	}
	due := status.Open || fullDue(m.source.Source, spec.Name, status.CompleteFrom, m.now)
	fulls = m.moments(stream.FullSchedule)
	if due && len(runs) > 0 && (len(fulls) == 0 || runs[0].Before(fulls[0])) {
		fulls, runs = append([]time.Time{runs[0]}, fulls...), runs[1:]
	}
	return fulls, runs, nil
}

// pagesOf is how many pages the list has that a new pass would read.
func (m *monthPlanner) pagesOf(spec model.StreamSpec) (pages int64) {
	for _, subject := range spec.Subjects {
		pages += m.pages(spec, model.Chain{Params: subject.Params, Owners: subject.Owners}, m.chats, m.sets)
	}
	return pages
}

// ofChecks expects as many records to vanish as have vanished between the latest full
// passes; each shows in the next one, and costs a call.
func (m *monthPlanner) ofChecks(ctx context.Context, spec model.StreamSpec) ([]*demand, error) {
	d := m.newDemand(spec)
	d.runs = int64(len(m.moments(m.source.Streams[spec.Name].Schedule)))
	due, err := m.store.PlannedItems(ctx, model.Pass{Source: m.source.Name, Stream: spec.Name}, false, m.now)
	if err != nil {
		return nil, err
	}
	d.add(m.days, m.now, float64(due))
	i := slices.IndexFunc(m.source.enabled, func(s model.StreamSpec) bool { return s.Name == spec.Confirms })
	if i < 0 {
		return []*demand{d}, nil
	}
	confirmed := m.source.enabled[i]
	past := m.past[confirmed.Name]
	if confirmed.Mode != "" {
		past = m.past[store.ModeKey(confirmed.Name, confirmed.Mode)]
	}
	if past.First == nil || !past.Last.After(*past.First) {
		d.note = fmt.Sprintf("%d that are due now; how many vanish shows the second full list", due)
		return []*demand{d}, nil
	}
	perDay := float64(past.Missed) / (past.Last.Sub(*past.First).Hours() / 24)
	d.note = fmt.Sprintf("%.1f chats vanish a day", perDay)
	fulls, _, err := m.fulls(ctx, confirmed)
	since := *past.Last
	for _, at := range fulls {
		d.add(m.days, at, perDay*at.Sub(since).Hours()/24)
		since = at
	}
	return []*demand{d}, err
}

// ofPast expects a stream to go on as it did in the latest week.
func (m *monthPlanner) ofPast(spec model.StreamSpec) []*demand {
	d := m.newDemand(spec)
	d.runs = int64(len(m.moments(m.source.Streams[spec.Name].Schedule)))
	past := m.past[spec.Name]
	if past.First == nil {
		d.note = "nothing is known of earlier passes"
		return []*demand{d}
	}
	perDay := float64(past.Calls) / max(1, m.now.Sub(*past.First).Hours()/24)
	d.note = fmt.Sprintf("%.1f calls a day until now", perDay)
	for i, at := range m.days {
		end := m.endOf(i)
		if at.Before(m.now) {
			at = m.now
		}
		d.calls[i] += perDay * end.Sub(at).Hours() / 24
	}
	return []*demand{d}
}

// spread makes the calls of every day, as far as its part of the month reaches. What
// does not fit waits for the next day; that of a lane of its own leaves the others
// what is theirs.
func (m *monthPlanner) spread(use store.MeterUse, demands []*demand) *plannedMonth {
	all, reads := use.Lanes[0], use.Lanes[1]
	report := &plannedMonth{
		Source: m.source.Name, From: m.now.In(m.source.Timezone), Until: m.until, Limit: all.Limit, Used: all.Used, Fits: true,
	}
	if use.BlockedUntil.After(m.now) {
		report.BlockedUntil = new(use.BlockedUntil.In(m.source.Timezone))
	}
	slices.SortStableFunc(demands, func(a, b *demand) int { return len(a.lane) - len(b.lane) })
	used, readsUsed := float64(all.Used), float64(reads.Used)
	waiting, made := make([]float64, len(demands)), make([]float64, len(demands))
	for day, at := range m.days {
		granted, grantedReads := m.meter.Granted(at)
		if !use.BlockedUntil.Before(m.endOf(day)) {
			granted, grantedReads = 0, 0
		}
		for i, d := range demands {
			waiting[i] += d.calls[day]
			left := max(float64(granted-m.meter.Leaves(at, d.lane))-used, 0)
			if d.lane == store.LaneReads {
				left = min(left, max(float64(grantedReads)-readsUsed, 0))
			}
			n := min(waiting[i], left)
			used, waiting[i], made[i] = used+n, waiting[i]-n, made[i]+n
			if d.lane == store.LaneReads {
				readsUsed += n
			}
			if waiting[i] >= 1 {
				report.waits(at, used)
			}
		}
	}
	for i, d := range demands {
		s := plannedMonthOfStream{
			Stream: d.stream, Mode: d.mode, Runs: d.runs, Wanted: wholeCalls(d.total()), Calls: wholeCalls(made[i]), Note: d.note,
			lane: d.lane,
		}
		report.Wanted, report.Calls = report.Wanted+s.Wanted, report.Calls+s.Calls
		report.Streams = append(report.Streams, s)
	}
	return report
}

// waits notes that on a day more is wanted than there is.
func (r *plannedMonth) waits(day time.Time, used float64) {
	r.Fits = false
	if r.WaitsAt == nil {
		r.WaitsAt = &day
	}
	if r.SpentAt == nil && used >= float64(r.Limit) {
		r.SpentAt = &day
	}
}

func wholeCalls(n float64) int64 { return int64(math.Round(n)) }

func (r *plannedMonth) print(out io.Writer) error {
	fmt.Fprintln(out)
	t := columns{right: []bool{false, true, true, true}}
	t.add("REST OF THE MONTH", "RUNS", "WANTED", "CALLS", "NOTE")
	for _, s := range r.Streams {
		t.add(s.name(r.Source), strconv.FormatInt(s.Runs, 10), withCommas(s.Wanted), withCommas(s.Calls), s.Note)
	}
	if err := t.print(out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s: %s of %s calls used; %s more until %s", r.Source, withCommas(r.Used), withCommas(r.Limit),
		withCommas(r.Calls), r.Until.Format(time.RFC3339))
	if err != nil {
		return err
	}
	switch {
	case r.BlockedUntil != nil:
		fmt.Fprintf(out, "; the vendor says that none is left until %s\n", r.BlockedUntil.Format(time.RFC3339))
	case r.Fits:
		fmt.Fprintln(out, "; they fit")
	case r.SpentAt != nil:
		fmt.Fprintf(out, ", of %s wanted: the month is spent on %s, calls wait from %s\n", withCommas(r.Wanted),
			r.SpentAt.Format(time.DateOnly), r.WaitsAt.Format(time.DateOnly))
	default:
		fmt.Fprintf(out, ", of %s wanted: calls wait from %s\n", withCommas(r.Wanted), r.WaitsAt.Format(time.DateOnly))
	}
	if remedy := r.remedy(); remedy != "" {
		fmt.Fprintf(out, "%s: → %s\n", r.Source, remedy)
	}
	return nil
}
