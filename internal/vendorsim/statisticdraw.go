package vendorsim

import "math"

// figures are what the owner's day came to in the end, and whether there is a
// row for it.
func (s *Sim) figures(staff int, date int64) (Figures, bool) {
	var f Figures
	var since int64
	if s.opt.StatsOnly {
		f, since = s.tenant.drawnDay(staff, date)
	} else {
		f, since = s.stats.ledger.day(staff, date)
	}
	if !s.opt.Education {
		f.MigrateTraineeChatCnt = 0
	}
	switch s.opt.StatRows {
	case RowsAll:
		return f, true
	case RowsOwning:
		return f, f.ChatTotal > 0
	default:
		return f, since <= date
	}
}

// answered are the figures of an owner's day as they stand at an instant; false
// where there is no row, and for a day that has not ended.
func (s *Sim) answered(staff int, date, now int64) (Figures, bool) {
	if date >= dayOf(now) {
		return Figures{}, false
	}
	f, row := s.figures(staff, date)
	if c := s.tenant.correction(staff, date, s.opt.Corrections); row && c.kind != correctNothing {
		f, row = c.before(f, now >= s.ready(date+c.after))
	}
	if now < s.ready(date+1) {
		return Figures{}, row
	}
	return f, row
}

// ready is the ready hour of a day.
func (s *Sim) ready(date int64) int64 {
	return dayBegins(date) + int64(max(s.opt.ReadyHour, 0))*60*60
}

// correction is what becomes of a row after it was answered for the first time:
// once, at the ready hour of the second or third day after its own.
type correction struct {
	kind  int
	after int64 // days
	drawn uint64
}

const (
	correctNothing  = iota
	correctLate     // figures were too small: messages and members came late
	correctTwice    // messages were counted twice
	correctAppears  // there was no row
	correctVanishes // there is no row any more
)

// correction draws what happens to permille of the rows.
func (t *tenant) correction(staff int, date int64, permille int) correction {
	x := t.bits(drawCorrection, uint64(staff), uint64(date))
	if int(x%1000) >= permille {
		return correction{}
	}
	c := correction{kind: correctLate, after: 2 + int64(x>>16%2), drawn: mix(x)}
	switch x >> 32 % 10 {
	case 0:
		c.kind = correctAppears
	case 1:
		c.kind = correctVanishes
	case 2, 3:
		c.kind = correctTwice
	}
	return c
}

// before turns the figures of the end into those that were answered first, unless
// the correction is done.
func (c *correction) before(f Figures, done bool) (Figures, bool) {
	switch {
	case c.kind == correctAppears:
		return f, done
	case c.kind == correctVanishes:
		return f, !done
	case done:
	case c.kind == correctLate:
		if f.NewMemberCnt > 0 && f.MemberTotal > f.MemberHasMsg {
			f.NewMemberCnt--
			f.MemberTotal--
		}
		if f.MsgTotal > 0 {
			f.MsgTotal -= 1 + among(c.drawn, f.MsgTotal/4+1)
		}
		f.MemberHasMsg = min(f.MemberHasMsg, f.MsgTotal)
		f.ChatHasMsg = min(f.ChatHasMsg, f.MemberHasMsg)
	case c.kind == correctTwice && f.MsgTotal > 0:
		f.MsgTotal += 1 + among(c.drawn, f.MsgTotal/4+1)
	}
	return f, true
}

// drawnDay draws an owner's day with no chats behind it, for [Options.StatsOnly];
// since is the first day that this person has a row.
func (t *tenant) drawnDay(staff int, date int64) (f Figures, since int64) {
	s := uint64(staff)
	if s >= t.staff.N {
		since = dayOf(t.staff.When(s))
	}
	if date < since || date >= dayOf(t.resigned(staff)) {
		return Figures{}, since
	}
	x := t.bits(drawFigures, s, math.MaxInt64)
	gap := 4 + int64(x%40) // days between two new chats
	perChat := 5 + among(x>>8, 60)
	begin := dayOf(t.start) - 500 - int64(x>>16%64)
	chats := func(date int64) int { return 1 + int(max(date-begin, 0)/gap) }
	members := func(date int64) int {
		return chats(date)*perChat - among(t.bits(drawFigures, s, uint64(date)), perChat)
	}
	y := mix(t.bits(drawFigures, s, uint64(date)))
	f.ChatTotal, f.MemberTotal = chats(date), members(date)
	f.NewChatCnt = f.ChatTotal - chats(date-1)
	f.NewMemberCnt = max(f.MemberTotal-members(date-1), 0) + among(y, 4)
	f.MigrateTraineeChatCnt = f.ChatTotal / 7
	if f.ChatHasMsg = among(y>>8, f.ChatTotal+1); f.ChatHasMsg == 0 {
		return f, since
	}
	f.MemberHasMsg = min(f.ChatHasMsg+among(y>>16, f.MemberTotal/2+1), f.MemberTotal)
	f.MsgTotal = f.MemberHasMsg + among(y>>32, 10*f.MemberHasMsg)
	return f, since
}
