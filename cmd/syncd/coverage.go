package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivo/uniseg"
	"golang.org/x/term"

	"syncd/internal/model"
	"syncd/internal/store"
)

type coverageCmd struct {
	Source string `arg:"" help:"Configured name of the source."`
	Owner  string `help:"Only the days of this owner." placeholder:"ID"`
	Stream string `help:"Stream of statistics." default:"owner_stats" placeholder:"STREAM"`
}

// Run draws the days of a stream of statistics as a calendar.
func (v *coverageCmd) Run(ctx context.Context, c *cli, h *host) error {
	cfg, err := c.load(h)
	if err != nil {
		return err
	}
	src, spec, err := windowStream(cfg, h, v.Source, v.Stream)
	if err != nil {
		return err
	}
	defer src.client.Close()
	return c.withDatabase(ctx, h, joinDatabase, func(ctx context.Context, db *database) error {
		if err := store.CheckSchema(ctx, db.pool); err != nil {
			return err
		}
		m := heatMap{
			title: v.Source + "/" + v.Stream, zone: src.Timezone, now: h.now(), width: widthOf(h), colours: colourful(h),
		}
		if err := m.read(ctx, store.New(db.pool), v.Source, spec, v.Owner); err != nil {
			return err
		}
		return m.print(h.stdout)
	})
}

// colourful reports whether colours are wanted: on a terminal, unless NO_COLOR
// says otherwise.
func colourful(h *host) bool {
	if no, set := h.getenv("NO_COLOR"); set && no != "" {
		return false
	}
	f, ok := h.stdout.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// widthOf is how many columns the terminal has; 0 where the output is no terminal.
func widthOf(h *host) int {
	f, ok := h.stdout.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// heatMap is the window of a stream as a calendar, weeks side by side.
type heatMap struct {
	title, subjects string
	zone            *time.Location
	now             time.Time
	width           int // columns that there are; 0 is as many as it takes
	colours         bool
	days            []store.CoverageDay
	refusals        []store.Refusal
	refusedSubjects int64
}

// refusalsShown is how many refused subjects are listed.
const refusalsShown = 5

// read asks for the days: of everybody, or of one owner or the batch of one.
func (m *heatMap) read(ctx context.Context, db *store.Store, source string, spec model.StreamSpec, owner string) error {
	subjects, err := subjectsOf(ctx, db, source, spec, owner)
	if err != nil {
		return err
	}
	status, err := db.WindowStatuses(ctx, source, m.now)
	if err != nil {
		return err
	}
	what := map[model.WindowSubjects]string{model.SubjectOwners: "owners", model.SubjectBatches: "batches of owners"}
	m.subjects = fmt.Sprintf("%d %s", status[spec.Name].Subjects, what[spec.Window.Subjects])
	if spec.Window.Periods != nil {
		m.subjects = fmt.Sprintf("%d batches of owners and periods, by their last day", status[spec.Name].Subjects)
	}
	if owner != "" {
		m.subjects = "owner " + owner
		if spec.Window.Subjects == model.SubjectBatches {
			m.subjects = "batch " + strings.Join(subjects, ", ") + ", of owner " + owner
		}
	}
	byDay := map[model.Day]store.CoverageDay{}
	for _, subject := range subjects {
		days, err := db.CoverageDays(ctx, source, spec.Name, subject, m.now)
		if err != nil {
			return err
		}
		for _, d := range days {
			byDay[d.Day] = addDays(byDay[d.Day], d)
		}
	}
	for _, d := range byDay {
		m.days = append(m.days, d)
	}
	slices.SortFunc(m.days, func(a, b store.CoverageDay) int { return a.Day.Compare(b.Day) })
	all, n, err := db.Refusals(ctx, source, spec.Name, refusalsShown, m.now)
	m.refusals, m.refusedSubjects = all, n
	if owner != "" {
		m.refusals = slices.DeleteFunc(all, func(r store.Refusal) bool { return !slices.Contains(subjects, r.Subject) })
		m.refusedSubjects = int64(len(m.refusals))
	}
	return err
}

// subjectsOf are the subjects that coverage keeps of an owner; of nobody, it is ""
// for all together.
func subjectsOf(ctx context.Context, db *store.Store, source string, spec model.StreamSpec, owner string) ([]string, error) {
	if owner == "" {
		return []string{""}, nil
	}
	number, ok, err := db.BatchOf(ctx, source, owner)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, usage("--owner %s: no such owner is known in %s; they are in groupchat.owner", owner, source)
	case spec.Window.Subjects == model.SubjectOwners:
		return []string{owner}, nil
	case spec.Window.Periods == nil:
		return []string{strconv.Itoa(number)}, nil
	}
	var subjects []string
	for _, days := range spec.Window.Periods {
		subjects = append(subjects, fmt.Sprintf("%d/%d", number, days))
	}
	return subjects, nil
}

func addDays(a, b store.CoverageDay) store.CoverageDay {
	b.Covered, b.Empty, b.Pending = b.Covered+a.Covered, b.Empty+a.Empty, b.Pending+a.Pending
	b.AtRisk, b.Refused, b.Lost = b.AtRisk+a.AtRisk, b.Refused+a.Refused, b.Lost+a.Lost
	return b
}

// mark is how a day is drawn: by the worst of its subjects. Somebody who is
// refused, such as an owner who has resigned, hides nothing of the others.
type mark struct {
	sign   string
	colour int // of an ANSI terminal
	means  string
}

var (
	markHeld    = mark{"■", 32, "held"}
	markEmpty   = mark{"□", 36, "held, the vendor had nothing"}
	markMostly  = mark{"▣", 32, "held of all but the refused"}
	markPartly  = mark{"▪", 33, "held of some"}
	markPending = mark{"·", 90, "to be read"}
	markAtRisk  = mark{"!", 93, "to be read within 48 hours"}
	markRefused = mark{"?", 35, "refused"}
	markLost    = mark{"×", 31, "lost"}
)

var marks = []mark{markHeld, markEmpty, markMostly, markPartly, markPending, markAtRisk, markRefused, markLost}

func markOf(d store.CoverageDay) mark {
	held := d.Covered+d.Empty > 0
	switch {
	case d.Lost > 0:
		return markLost
	case d.AtRisk > 0:
		return markAtRisk
	case d.Pending > 0 && held:
		return markPartly
	case d.Pending > 0:
		return markPending
	case d.Refused > 0 && held:
		return markMostly
	case d.Refused > 0:
		return markRefused
	case d.Covered > 0:
		return markHeld
	}
	return markEmpty
}

func (m *heatMap) draw(k mark) string {
	if !m.colours {
		return k.sign
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", k.colour, k.sign)
}

// toTheMinute is an instant for people, in the vendor's zone.
const toTheMinute = "2006-01-02 15:04"

const (
	// weeksMax is how many weeks are drawn: a year.
	weeksMax = 53
	// weeksMin are drawn beside each other on any terminal.
	weeksMin = 4
	// calendarMargin is how many columns are left of a calendar and its legend.
	calendarMargin = 5
	// legendMax is how many marks one line explains.
	legendMax = 4
)

// weeksBeside is how many weeks stand beside each other, two columns each.
func (m *heatMap) weeksBeside() int {
	if m.width == 0 {
		return weeksMax
	}
	return max(weeksMin, (m.width-calendarMargin+1)/2)
}

func (m *heatMap) print(out io.Writer) error {
	var text strings.Builder
	if len(m.days) == 0 {
		_, err := fmt.Fprintf(out, "%s: nothing is known yet; syncd sync %s begins with it\n", m.title, m.title)
		return err
	}
	first, last := m.days[0].Day, m.days[len(m.days)-1].Day
	fmt.Fprintf(&text, "%s: %s, %s to %s; today is %s in %s\n\n", m.title, m.subjects, first, last,
		model.DayOf(m.now, m.zone), m.zone)
	monday := last.Add(-weekday(last))
	if oldest := monday.Add(-7 * (weeksMax - 1)); first.Compare(oldest) < 0 {
		first = oldest
		fmt.Fprintf(&text, "Days before %s are not drawn; they are in bi.coverage_day.\n\n", first)
	}
	beside := 7 * m.weeksBeside()
	for from := first.Add(-weekday(first)); from.Compare(monday) <= 0; from = from.Add(beside) {
		to := from.Add(beside - 7)
		if to.Compare(monday) > 0 {
			to = monday
		}
		m.calendar(&text, from, to)
		text.WriteString("\n")
	}
	m.legend(&text)
	m.totals(&text)
	_, err := io.WriteString(out, text.String())
	return err
}

// legend says what the marks mean.
func (m *heatMap) legend(text *strings.Builder) {
	const gap = "   "
	column, onLine := 0, 0
	for _, k := range marks {
		width := uniseg.StringWidth(k.sign + " " + k.means)
		switch {
		case onLine == 0:
		case onLine == legendMax, m.width > 0 && column+len(gap)+width > m.width:
			text.WriteString("\n")
			column, onLine = 0, 0
		default:
			text.WriteString(gap)
			column += len(gap)
		}
		if onLine == 0 {
			text.WriteString(strings.Repeat(" ", calendarMargin))
			column = calendarMargin
		}
		text.WriteString(m.draw(k) + " " + k.means)
		column, onLine = column+width, onLine+1
	}
	text.WriteString("\n\n")
}

// weekday counts from Monday.
func weekday(d model.Day) int { return (int(d.In(time.UTC).Weekday()) + 6) % 7 }

// calendar draws a column for each week from one Monday to another.
func (m *heatMap) calendar(text *strings.Builder, from, to model.Day) {
	byDay := make(map[model.Day]store.CoverageDay, len(m.days))
	for _, d := range m.days {
		byDay[d.Day] = d
	}
	text.WriteString(months(from, to, m.width) + "\n")
	for row := range 7 {
		var line strings.Builder
		line.WriteString([...]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}[row] + "  ")
		for week := from; week.Compare(to) <= 0; week = week.Add(7) {
			sign := " "
			if d, ok := byDay[week.Add(row)]; ok {
				sign = m.draw(markOf(d))
			}
			line.WriteString(sign + " ")
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// months names each month above the week in which it begins, and the first one
// above the first week, unless the next follows at once. A name that does not fit
// into width is left out.
func months(from, to model.Day, width int) string {
	line := strings.Repeat(" ", calendarMargin)
	for week := from; week.Compare(to) <= 0; week = week.Add(7) {
		end := week.Add(6).In(time.UTC)
		begins := end.Day() <= 7 || week == from && end.AddDate(0, 0, 7).Day() > 7
		at := calendarMargin + 2*(week.Sub(from)/7)
		fits := width == 0 || at+len("Jan") <= width
		if begins && fits && len(line) <= at {
			line += strings.Repeat(" ", at-len(line)) + end.Format("Jan ")
		}
	}
	return strings.TrimRight(line, " ")
}

// totals says it in figures.
func (m *heatMap) totals(text *strings.Builder) {
	var sum store.CoverageDay
	var held, lostDates int64
	var leaves time.Time
	var lostFrom, lostTo model.Day
	for _, d := range m.days {
		if d.LeavesAt.After(m.now) {
			held += d.Covered + d.Empty
		}
		if d.AtRisk > 0 && leaves.IsZero() {
			leaves = d.LeavesAt
		}
		if d.Lost > 0 {
			lostDates++
			lostTo = d.Day
			if lostFrom.IsZero() {
				lostFrom = d.Day
			}
		}
		sum = addDays(sum, d)
	}
	wanted := held + sum.Pending + sum.AtRisk + sum.Refused
	t := columns{right: []bool{false, true}}
	share := 100.0
	if wanted > 0 {
		share = 100 * float64(held) / float64(wanted)
	}
	t.add("held", percentOf(share), fmt.Sprintf("%s of %s days wanted", withCommas(held), withCommas(wanted)))
	t.add("empty", withCommas(sum.Empty), "of all that were ever read")
	t.add("to be read", withCommas(sum.Pending+sum.AtRisk), "")
	t.add("at risk", withCommas(sum.AtRisk), onlyIf(sum.AtRisk > 0, "the first leave the window at "+leaves.In(m.zone).Format(toTheMinute)))
	t.add("refused", withCommas(sum.Refused), m.refused())
	t.add("lost", withCommas(sum.Lost), onlyIf(sum.Lost > 0, fmt.Sprintf("on %d dates, %s to %s; the vendor does not tell them any more", lostDates, lostFrom, lostTo)))
	_ = t.print(text) // a strings.Builder takes everything
}

// refused names some of those whose days the vendor refuses.
func (m *heatMap) refused() string {
	var list []string
	for _, r := range m.refusals {
		list = append(list, fmt.Sprintf("%s (%s, %d days, again at %s)", r.Subject, cmp.Or(r.Code, "no code"), r.Days,
			r.RetryAt.In(m.zone).Format(toTheMinute)))
	}
	if more := m.refusedSubjects - int64(len(list)); more > 0 {
		list = append(list, fmt.Sprintf("and %d more in sync.coverage", more))
	}
	return strings.Join(list, ", ")
}

// onlyIf is text, or nothing.
func onlyIf(when bool, text string) string {
	if when {
		return text
	}
	return ""
}

// percentOf prints a percentage that is 100 only where nothing lacks.
func percentOf(share float64) string {
	if share < 100 {
		share = min(share, 99.9)
	}
	return strings.TrimSuffix(strconv.FormatFloat(share, 'f', 1, 64), ".0") + " %"
}

// withCommas prints a number with commas between the thousands.
func withCommas(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
