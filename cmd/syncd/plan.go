package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/sweep"
)

type planCmd struct {
	Targets []string `arg:"" optional:"" name:"source[/stream]" help:"What to plan; everything by default."`
	JSON    bool     `help:"Print JSON." name:"json"`
}

// Run says what a sync of these streams would call. It calls nobody and changes
// nothing.
func (p *planCmd) Run(ctx context.Context, c *cli, h *host) error {
	cfg, err := c.load(h)
	if err != nil {
		return err
	}
	sources, err := choose(cfg, p.Targets, h.requests)
	if err != nil {
		return err
	}
	defer closeSources(sources)
	return c.withDatabase(ctx, h, joinDatabase, func(ctx context.Context, db *database) error {
		if err := store.CheckSchema(ctx, db.pool); err != nil {
			return err
		}
		if err := sameAccounts(ctx, store.New(db.pool), sources); err != nil {
			return err
		}
		report := planReport{Now: h.now().UTC()}
		for _, src := range sources {
			t := &planner{store: store.New(db.pool), source: src, now: h.now()}
			if err := t.add(ctx, h, &report); err != nil {
				return err
			}
		}
		if p.JSON {
			enc := json.NewEncoder(h.stdout)
			enc.SetIndent("", "  ")
			return enc.Encode(report)
		}
		return report.print(h.stdout)
	})
}

// planReport is what `plan --json` prints.
type planReport struct {
	Now     time.Time       `json:"now"`
	Streams []plannedStream `json:"streams"`
	Budgets []plannedBudget `json:"budgets"`
	Calls   int64           `json:"calls"`
	// Seconds is the least time that the limits leave for all of it.
	Seconds float64 `json:"seconds"`
	// Months are the rests of the month of the sources whose months have a limit, each
	// with all that their schedules ask for.
	Months []*plannedMonth `json:"months,omitempty"`
}

// plannedStream is what a pass of one stream would call.
type plannedStream struct {
	Source string `json:"source"`
	Stream string `json:"stream"`
	// Mode is which of its passes would run, where it has more than one kind.
	Mode  string `json:"mode,omitempty"`
	Calls int64  `json:"calls"`
	// Endpoints is where these calls go.
	Endpoints map[string]int64 `json:"endpoints"`
	Seconds   float64          `json:"seconds"`
	// LastPassCalls is what the latest pass has called so far.
	LastPassCalls int64 `json:"last_pass_calls"`
	// Resumes is the open pass that it would go on with; 0 for a new one.
	Resumes int64 `json:"resumes_pass_id,omitempty"`
	// Note says what the figure is made of, or what it cannot know.
	Note string `json:"note"`
}

// plannedBudget is what all of it takes of one budget. A share is of what the
// limits allow in one such span, and may be more than 1; it is absent without a
// limit.
type plannedBudget struct {
	Source string `json:"source"`
	// Endpoint is "" where all endpoints of the source share the budget.
	Endpoint    string   `json:"endpoint"`
	Calls       int64    `json:"calls"`
	SecondShare *float64 `json:"second_share,omitempty"`
	MinuteShare *float64 `json:"minute_share,omitempty"`
	HourShare   *float64 `json:"hour_share,omitempty"`
	MonthShare  *float64 `json:"month_share,omitempty"`
	Seconds     float64  `json:"seconds"`
}

// planner plans the streams of one source.
type planner struct {
	store  *store.Store
	source *source
	now    time.Time
}

// add plans the streams that a sync would run and adds them to the report.
func (p *planner) add(ctx context.Context, h *host, report *planReport) error {
	job := &syncJob{host: h, store: p.store}
	specs, err := job.withNeeds(ctx, p.source)
	if err != nil {
		return err
	}
	status, err := p.store.Status(ctx, p.source.Name, p.now)
	if err != nil {
		return err
	}
	limits := p.source.limits()
	budgets := map[string]int64{}
	var oneByOne float64
	for _, spec := range specs {
		planned, err := p.stream(ctx, spec)
		if err != nil {
			return fmt.Errorf("plan %s/%s: %w", p.source.Name, spec.Name, err)
		}
		planned.LastPassCalls = status[spec.Name].Counts.Calls
		for endpoint, calls := range planned.Endpoints {
			if limits.Scope == fetch.ScopeSource {
				endpoint = ""
			}
			budgets[endpoint] += calls
		}
		planned.Seconds = leastTime(planned, limits)
		oneByOne += planned.Seconds
		report.Calls += planned.Calls
		report.Streams = append(report.Streams, planned)
	}
	longest := oneByOne
	for _, endpoint := range sortedNames(budgets) {
		b := budgetShare(budgets[endpoint], limits)
		b.Source, b.Endpoint = p.source.Name, endpoint
		longest = max(longest, b.Seconds)
		report.Budgets = append(report.Budgets, b)
	}
	report.Seconds += longest
	month, err := p.month(ctx)
	if err != nil {
		return fmt.Errorf("plan the month of %s: %w", p.source.Name, err)
	}
	if month != nil {
		report.Months = append(report.Months, month)
	}
	return nil
}

func sortedNames(m map[string]int64) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// leastTime is how long the calls of a stream take at least, in seconds: those of
// several endpoints go side by side.
func leastTime(s plannedStream, limits fetch.Limits) float64 {
	if limits.Scope == fetch.ScopeSource {
		return sweep.TimeFor(s.Calls, limits).Seconds()
	}
	var longest float64
	for _, calls := range s.Endpoints {
		longest = max(longest, sweep.TimeFor(calls, limits).Seconds())
	}
	return longest
}

func budgetShare(calls int64, limits fetch.Limits) plannedBudget {
	share := func(limit int) *float64 {
		if limit <= 0 {
			return nil
		}
		return new(float64(calls) / float64(limit))
	}
	return plannedBudget{
		Calls: calls, SecondShare: share(limits.PerSecond), MinuteShare: share(limits.PerMinute),
		HourShare: share(limits.PerHour), MonthShare: share(limits.PerMonth),
		Seconds: sweep.TimeFor(calls, limits).Seconds(),
	}
}

// stream plans one stream.
func (p *planner) stream(ctx context.Context, spec model.StreamSpec) (plannedStream, error) {
	planned := plannedStream{Source: p.source.Name, Stream: spec.Name, Endpoints: map[string]int64{}}
	spec, err := p.source.pickMode(ctx, p.store, spec, false, p.now)
	if err != nil {
		return planned, err
	}
	planned.Mode = spec.Mode
	pass, open, err := p.store.OpenPassOf(ctx, p.source.Name, spec)
	if err != nil {
		return planned, err
	}
	if open {
		planned.Resumes = pass.ID
	}
	switch spec.Shape {
	case model.ShapeList:
		err = p.list(ctx, spec, pass, open, &planned)
	case model.ShapeDetail:
		err = p.detail(ctx, spec, pass, open, &planned)
	case model.ShapeWindow:
		err = p.window(ctx, spec, pass, &planned)
	}
	return planned, err
}

func (s *plannedStream) to(endpoint string, calls int64) {
	s.Calls += calls
	if calls > 0 {
		s.Endpoints[endpoint] += calls
	}
}

// detail counts the items that are due, and those that are expected to come from
// records that another stream reads before.
func (p *planner) detail(ctx context.Context, spec model.StreamSpec, pass model.Pass, open bool, planned *plannedStream) error {
	n, err := p.store.PlannedItems(ctx, pass, open, p.now, spec.Items...)
	if err != nil {
		return err
	}
	fan, err := p.store.ItemFan(ctx, p.source.Name, spec.Name)
	if err != nil {
		return err
	}
	more := int64(math.Ceil(float64(fan.Records) * fan.Each))
	planned.to(p.source.client.Endpoint(spec.Name, ""), n+more)
	planned.Note = fmt.Sprintf("%d that are due now", n)
	switch {
	case more > 0:
		planned.Note += fmt.Sprintf(", and about %d of the %d that %s reads first (%.1f each so far)",
			more, fan.Records, strings.Join(spec.Needs, ", "), fan.Each)
	case fan.Records > 0:
		planned.Note += fmt.Sprintf("; more, how many nobody knows yet, of each of the %d that %s reads first",
			fan.Records, strings.Join(spec.Needs, ", "))
	}
	return nil
}

// list counts the pages of the chains of a list: of those that are open, or of
// all that a new pass would open. What the vendor has beyond what is known shows
// only when it is listed.
func (p *planner) list(ctx context.Context, spec model.StreamSpec, pass model.Pass, open bool, planned *plannedStream) error {
	known, err := p.store.KnownChats(ctx, p.source.Name)
	if err != nil {
		return err
	}
	var chains []model.Checkpoint
	if open {
		chains, err = p.store.Checkpoints(ctx, pass)
	} else {
		chains, err = p.chains(ctx, spec, pass)
	}
	if err != nil {
		return err
	}
	sets, err := p.store.KnownGroupSets(ctx, p.source.Name)
	if err != nil {
		return err
	}
	endpoint := p.source.client.Endpoint(spec.Name, "")
	for _, cp := range chains {
		pages := p.pages(spec, cp.Chain, known, sets)
		if c, ok := p.source.client.(interface{ MessagesPerPage() int }); ok && spec.Bounds != nil {
			n, err := p.store.KnownMessages(ctx, p.source.Name, spec.LaneOf(cp.Chain.Subject), cp.Chain.Bounds)
			if err != nil {
				return err
			}
			pages = (n + int64(c.MessagesPerPage()) - 1) / int64(c.MessagesPerPage())
		}
		planned.to(endpoint, max(1, pages-int64(cp.Pages)))
	}
	planned.Note = fmt.Sprintf("%d lists", len(chains))
	if len(chains) == 1 {
		planned.Note = "one list"
	}
	if slices.Contains(spec.Lists, model.RecordChat) {
		planned.Note += fmt.Sprintf(", %d chats known", known.Total)
	}
	return nil
}

// chains are those that a new pass would open.
func (p *planner) chains(ctx context.Context, spec model.StreamSpec, pass model.Pass) ([]model.Checkpoint, error) {
	var chains []model.Checkpoint
	of, err := p.store.PlannedChains(ctx, p.source.Name, spec, p.now)
	if err != nil {
		return nil, err
	}
	for _, chain := range of {
		chains = append(chains, model.Checkpoint{Chain: chain})
	}
	if !spec.Roster {
		return chains, nil
	}
	unlisted, err := p.store.UnlistedOwners(ctx, pass, p.now)
	for _, batch := range unlisted {
		chains = append(chains, model.Checkpoint{Chain: model.Chain{Owners: batch.Owners}})
	}
	return chains, err
}

// pages is how many pages the known records of a chain fill. sets are the known group
// sets by relation.
func (p *planner) pages(spec model.StreamSpec, chain model.Chain, known store.KnownChats, sets map[string]int64) int64 {
	subject := model.Subject{Params: chain.Params}
	relation, related := p.relation(subject)
	records, size := known.Total, int64(p.source.client.ChatsPerPage())
	status, ofStatus := p.source.client.ListedStatus(subject)
	switch {
	case slices.Contains(spec.Lists, model.RecordGroupSet):
		records, size = sets[relation], p.setsPerPage()
	case !slices.Contains(spec.Lists, model.RecordChat):
		return 1
	case chain.Owners != nil:
		records = 0
		for _, id := range chain.Owners {
			records += known.ByOwner[id]
		}
	case ofStatus:
		records = known.ByStatus[status]
	case related:
		records = known.ByRelation[relation]
	}
	return max(1, (records+size-1)/size)
}

// relation tells which records a chain of a list holds, where the vendor has relation
// types.
func (p *planner) relation(subject model.Subject) (relation string, ok bool) {
	if c, has := p.source.client.(interface {
		ListedRelation(subject model.Subject) (string, bool)
	}); has {
		return c.ListedRelation(subject)
	}
	return "", false
}

func (p *planner) setsPerPage() int64 {
	if c, ok := p.source.client.(interface{ SetsPerPage() int }); ok {
		return int64(c.SetsPerPage())
	}
	return 1
}

// window plans with the planner of the pass itself.
func (p *planner) window(ctx context.Context, spec model.StreamSpec, pass model.Pass, planned *plannedStream) error {
	gaps, err := p.store.PlannedGaps(ctx, p.source.Name, spec.Name, spec.Window, p.now)
	if err != nil {
		return err
	}
	var batches []model.OwnerBatch
	if spec.Window.Subjects == model.SubjectBatches {
		if batches, err = p.store.Roster(ctx, pass, p.now); err != nil {
			return err
		}
	}
	calls, err := sweep.PlanWindow(spec, gaps, batches, sweep.CallsPerDay(p.source.limits()), p.now)
	if err != nil {
		return err
	}
	for _, call := range calls {
		planned.to(p.source.client.Endpoint(spec.Name, call.By), 1)
	}
	planned.Note = gapNote(gaps)
	if len(gaps) == 0 {
		subjects, err := p.store.WindowStatuses(ctx, p.source.Name, p.now)
		if err != nil {
			return err
		}
		planned.Note = "nothing is wanted now"
		if subjects[spec.Name].Subjects == 0 {
			planned.Note = "no owner is known yet: run syncd sync " + p.source.Name + "/owners and plan again"
		}
	}
	return nil
}

// gapNote says what is wanted.
func gapNote(gaps []model.Gap) string {
	days, from, to := 0, model.Day{}, model.Day{}
	for _, g := range gaps {
		for _, s := range g.Spans {
			days += s.To.Sub(s.From) + 1
			if from.IsZero() || s.From.Compare(from) < 0 {
				from = s.From
			}
			if s.To.Compare(to) > 0 {
				to = s.To
			}
		}
	}
	subjects := "subjects"
	if len(gaps) == 1 {
		subjects = "subject"
	}
	return fmt.Sprintf("%d days of %d %s, %s to %s", days, len(gaps), subjects, from, to)
}

func (r *planReport) print(out io.Writer) error {
	t := columns{right: []bool{false, true, true, true}}
	t.add("STREAM", "CALLS", "AT LEAST", "LAST PASS", "NOTE")
	for _, s := range r.Streams {
		note := s.Note
		if s.Resumes != 0 {
			note = fmt.Sprintf("goes on with pass %d: %s", s.Resumes, note)
		}
		t.add(s.Source+"/"+s.Stream, strconv.FormatInt(s.Calls, 10), inTime(s.Seconds),
			strconv.FormatInt(s.LastPassCalls, 10), note)
	}
	if err := t.print(out); err != nil {
		return err
	}
	if len(r.Budgets) > 0 {
		if err := r.printBudgets(out); err != nil {
			return err
		}
	}
	for _, month := range r.Months {
		if err := month.print(out); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "\n%d calls, at least %s within the configured limits; nothing was called and nothing changed\n",
		r.Calls, inTime(r.Seconds))
	return err
}

func (r *planReport) printBudgets(out io.Writer) error {
	fmt.Fprintln(out)
	t := columns{right: []bool{false, true, true, true, true, true}}
	t.add("BUDGET", "CALLS", "OF A SECOND", "OF A MINUTE", "OF AN HOUR", "OF A MONTH")
	for _, b := range r.Budgets {
		t.add(b.Source+"/"+cmp.Or(b.Endpoint, "all endpoints"), strconv.FormatInt(b.Calls, 10), percent(b.SecondShare),
			percent(b.MinuteShare), percent(b.HourShare), percent(b.MonthShare))
	}
	t.dropEmpty()
	return t.print(out)
}

// dropEmpty leaves out the columns that no row has anything in.
func (t *columns) dropEmpty() {
	for i := len(t.rows[0]) - 1; i > 1; i-- {
		if slices.ContainsFunc(t.rows[1:], func(row []string) bool { return row[i] != "" }) {
			continue
		}
		for j := range t.rows {
			t.rows[j] = slices.Delete(t.rows[j], i, i+1)
		}
	}
}

// percent prints a share with three digits at most; "" where there is no limit.
func percent(share *float64) string {
	if share == nil {
		return ""
	}
	text := strconv.FormatFloat(*share*100, 'f', 2, 64)
	switch {
	case *share >= 1:
		text = strconv.FormatFloat(*share*100, 'f', 0, 64)
	case *share >= 0.1:
		text = strconv.FormatFloat(*share*100, 'f', 1, 64)
	}
	return strings.TrimSuffix(text, ".0") + " %"
}

func inTime(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < time.Minute {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
