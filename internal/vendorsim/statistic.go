package vendorsim

import (
	"cmp"
	"slices"
	"strconv"
)

// statistics is what the simulator holds for the two endpoints of vendor doc
// 92133.
type statistics struct {
	ledger    ledger
	directory directory
	hidden    map[int]int // the code for an owner out of sight; guarded by Sim.mu
}

func newStatistics(t *tenant) statistics {
	return statistics{
		ledger:    ledger{tenant: t},
		directory: directory{number: map[string]int{}},
		hidden:    map[int]int{},
	}
}

const (
	statDaysMax  = 30
	statLimit    = 500
	statLimitMax = 1000
)

// byDayRequest is the body of statistic_group_by_day.
type byDayRequest struct {
	Begin       *int64      `json:"day_begin_time"`
	End         *int64      `json:"day_end_time"`
	OwnerFilter ownerFilter `json:"owner_filter"`
}

type ownerFilter struct {
	UserIDs []string `json:"userid_list"`
}

// statRequest is the body of statistic.
type statRequest struct {
	Begin       *int64      `json:"day_begin_time"`
	End         *int64      `json:"day_end_time"`
	OwnerFilter ownerFilter `json:"owner_filter"`
	OrderBy     int64       `json:"order_by"` // 0 is what clients send for none
	OrderAsc    int64       `json:"order_asc"`
	Offset      int64       `json:"offset"`
	Limit       *int64      `json:"limit"`
}

// check refuses what breaks a documented rule, but for the days and the owners.
func (r *statRequest) check() refusal {
	switch {
	case r.Limit != nil && (*r.Limit < 1 || *r.Limit > statLimitMax):
		return refusal{code: codeBadRequest}
	case r.OrderBy < 0 || r.OrderBy > orderMembers, r.OrderAsc < 0 || r.OrderAsc > 1, r.Offset < 0:
		return refusal{code: codeBadArgument}
	}
	return refusal{}
}

// dates are the days asked for, both included, by their numbers.
type dates struct{ from, to int64 }

// dates reads the days: at most 30 that are over and within reach, by the
// tenant's clock. Every second of a day stands for the day.
func (s *Sim) dates(begin, end *int64, now int64) (dates, refusal) {
	if begin == nil {
		return dates{}, refusal{code: codeEmptyParameter}
	}
	if end == nil {
		end = begin
	}
	d, today := dates{dayOf(*begin), dayOf(*end)}, dayOf(now)
	if d.to < d.from || d.to-d.from >= statDaysMax || d.to >= today || d.from < today-int64(s.opt.StatDaysBack) {
		return dates{}, refusal{code: codeBadTime}
	}
	return d, refusal{}
}

// askedOwners resolves the owner filter of the statistics. One bad owner spoils
// the whole call; no document says whether it does. Without a filter it is
// everybody in sight, and more than [Options.VisibleMax] are refused.
func (s *Sim) askedOwners(ids []string, now int64) ([]int, refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(ids) > ownerFilterMax:
		return nil, refusal{code: codeBadUserList}
	case len(ids) == 0:
		return s.ownersInSight(now)
	}
	owners := make([]int, 0, len(ids))
	for _, id := range ids {
		n, known := s.stats.directory.staff(s.tenant, id, now)
		if !known || s.opt.Resigned == ResignedUnfiltered && !s.tenant.employed(n, now) {
			return nil, refusal{code: codeBadUserID}
		}
		if code := s.stats.hidden[n]; code != codeOK {
			return nil, refusal{code: code}
		}
		owners = append(owners, n)
	}
	slices.Sort(owners)
	return slices.Compact(owners), refusal{}
}

// ownersInSight are all that are not hidden; those who have resigned are among
// them as in the list of chats. The caller holds mu.
func (s *Sim) ownersInSight(now int64) ([]int, refusal) {
	var owners []int
	followers := 0
	for n := range s.tenant.staffCount(now) {
		employed := s.tenant.employed(n, now)
		if s.stats.hidden[n] != codeOK {
			continue
		}
		if employed {
			followers++
		}
		if employed || s.opt.Resigned == ResignedUnfiltered {
			owners = append(owners, n)
		}
	}
	if followers > s.opt.VisibleMax {
		return nil, refusal{code: codeTooManyPeople}
	}
	return owners, refusal{}
}

// statRow is one owner's row.
type statRow struct {
	staff   int
	figures Figures
}

// The values of order_by in vendor doc 92133.
const (
	orderNewChats   = 1
	orderChats      = 2
	orderNewMembers = 3
	orderMembers    = 4
)

func (r statRow) key(orderBy int64) int {
	switch orderBy {
	case orderChats:
		return r.figures.ChatTotal
	case orderNewMembers:
		return r.figures.NewMemberCnt
	case orderMembers:
		return r.figures.MemberTotal
	default:
		return r.figures.NewChatCnt
	}
}

// statistic answers one row for each owner, of all the days together.
func (s *Sim) statistic(c *call) ([]byte, refusal) {
	var r statRequest
	if bad := decode(c.request.Body, &r); bad.code != codeOK {
		return nil, bad
	}
	if bad := r.check(); bad.code != codeOK {
		return nil, bad
	}
	now := c.at.Unix()
	asked, bad := s.dates(r.Begin, r.End, now)
	if bad.code != codeOK {
		return nil, bad
	}
	owners, bad := s.askedOwners(r.OwnerFilter.UserIDs, now)
	if bad.code != codeOK {
		return nil, bad
	}
	rows := make([]statRow, 0, len(owners))
	for _, n := range owners {
		if f, row := s.ownerRow(n, asked, now); row {
			rows = append(rows, statRow{n, f})
		}
	}
	slices.SortFunc(rows, func(a, b statRow) int {
		order := cmp.Compare(a.key(r.OrderBy), b.key(r.OrderBy))
		if r.OrderAsc == 0 {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(a.staff, b.staff))
	})
	return s.statPage(&r, rows, asked), refusal{}
}

// ownerRow is one owner's row for a range; false when no day of it has one.
func (s *Sim) ownerRow(staff int, asked dates, now int64) (Figures, bool) {
	var p period
	for date := asked.from; date <= asked.to; date++ {
		if f, row := s.answered(staff, date, now); row {
			p.add(f)
		}
	}
	return p.figures(), p.days > 0
}

// statPage renders the rows from the offset on.
func (s *Sim) statPage(r *statRequest, rows []statRow, asked dates) []byte {
	size := statLimit
	if r.Limit != nil {
		size = int(*r.Limit)
	}
	if s.opt.StatPageMax > 0 {
		size = min(size, s.opt.StatPageMax)
	}
	from := int(min(r.Offset, int64(len(rows))))
	to := min(from+size, len(rows))
	body := make([]byte, 0, 96+224*(to-from))
	body = append(body, `{"errcode":0,"errmsg":"ok","total":`...)
	body = strconv.AppendInt(body, int64(len(rows)), 10)
	body = append(body, `,"next_offset":`...)
	body = strconv.AppendInt(body, int64(to), 10)
	body = append(body, `,"items":[`...)
	for i, row := range rows[from:to] {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"owner":`...)
		body = appendString(body, s.tenant.staffID(row.staff))
		body = append(body, `,"data":`...)
		body = appendFigures(body, row.figures, s.opt.Education, s.tenant.statQuirks(uint64(row.staff), asked.from))
		body = append(body, '}')
	}
	return append(body, "]}"...)
}

// statisticByDay answers one row for each day, of all the owners together.
func (s *Sim) statisticByDay(c *call) ([]byte, refusal) {
	var r byDayRequest
	if bad := decode(c.request.Body, &r); bad.code != codeOK {
		return nil, bad
	}
	now := c.at.Unix()
	asked, bad := s.dates(r.Begin, r.End, now)
	if bad.code != codeOK {
		return nil, bad
	}
	owners, bad := s.askedOwners(r.OwnerFilter.UserIDs, now)
	if bad.code != codeOK {
		return nil, bad
	}
	body := make([]byte, 0, 64+224*statDaysMax)
	body = append(body, `{"errcode":0,"errmsg":"ok","items":[`...)
	comma := false
	for date := asked.from; date <= asked.to; date++ {
		f, row := s.dayRow(owners, date, now)
		if !row {
			continue
		}
		if comma {
			body = append(body, ',')
		}
		comma = true
		q := s.tenant.statQuirks(never, date)
		body = append(body, `{"stat_time":`...)
		body = appendNumber(body, dayBegins(date), q)
		body = append(body, `,"data":`...)
		body = appendFigures(body, f, s.opt.Education, q)
		body = append(body, '}')
	}
	return append(body, "]}"...), refusal{}
}

// dayRow is the sum over owners of a day; false when none of them has a row.
func (s *Sim) dayRow(owners []int, date, now int64) (sum Figures, row bool) {
	for _, n := range owners {
		if f, ok := s.answered(n, date, now); ok {
			sum, row = sum.plus(f), true
		}
	}
	return sum, row
}

// statQuirks are the odd shapes of one row.
func (t *tenant) statQuirks(subject uint64, date int64) quirks {
	return t.drawQuirks(subject, 1<<41|uint64(date))
}
