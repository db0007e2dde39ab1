package vendorsim

import (
	"math"
	"slices"
	"sync"
)

// Days are numbered from 1970-01-01 in China.

// dayOf is the day of an instant. Instants that no calendar needs are moved to
// the nearest that it has.
func dayOf(unix int64) int64 { return (min(max(unix, 0), 1<<40) + chinaOffset) / day }

// dayBegins is the first second of the day.
func dayBegins(date int64) int64 { return date*day - chinaOffset }

const chinaOffset = 8 * 60 * 60

// ledger keeps what days of the past came to. A past day is a pure function of
// the seed, so nothing in it ever goes stale; what was not asked for long is
// dropped to bound memory.
type ledger struct {
	tenant *tenant

	mu     sync.Mutex
	blocks []*block // the one asked for last is last
}

const (
	blockDays = 64
	// blocksMax blocks hold the 180 days that can be asked for, and some before
	// or after them.
	blocksMax = 6
)

// block is blockDays days in a row.
type block struct {
	number int64 // its first day is number times blockDays
	// By number of the staff: the chats owned at the end of some day of the block,
	// the first day ever with a chat, and the figures, nil until asked for.
	owned [][]holding
	since []int64
	days  [][]Figures
}

// holding is a chat with the days of the block, from included and to not, at
// whose end the owner has it.
type holding struct {
	chat     uint64
	from, to int64
}

// day is what the owner's day came to; since is the first day on which that
// person ever had a chat.
func (l *ledger) day(staff int, date int64) (f Figures, since int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.block(date / blockDays)
	if staff >= len(b.days) {
		return Figures{}, never // not hired by the end of the block
	}
	if b.days[staff] == nil {
		b.days[staff] = l.tenant.ownerDays(b, staff)
	}
	return b.days[staff][date%blockDays], b.since[staff]
}

// block finds or makes a block and moves it to the end. The caller holds mu.
func (l *ledger) block(number int64) *block {
	last := len(l.blocks) - 1
	if last >= 0 && l.blocks[last].number == number {
		return l.blocks[last]
	}
	var b *block
	if i := slices.IndexFunc(l.blocks, func(b *block) bool { return b.number == number }); i >= 0 {
		b = l.blocks[i]
		l.blocks = slices.Delete(l.blocks, i, i+1)
	} else {
		b = l.tenant.block(number)
		if len(l.blocks) == blocksMax {
			l.blocks = slices.Delete(l.blocks, 0, 1)
		}
	}
	l.blocks = append(l.blocks, b)
	return b
}

// block finds out who owned what. Before the start all chats of the start were
// there from their creation on: none was dissolved, none changed hands but by
// resignation.
func (t *tenant) block(number int64) *block {
	first := number * blockDays
	end := dayBegins(first+blockDays) - 1
	staff := t.staffCount(end)
	b := &block{
		number: number,
		owned:  make([][]holding, staff),
		since:  slices.Repeat([]int64{never}, staff),
		days:   make([][]Figures, staff),
	}
	var owners []tenure
	for chat := range t.chats.Count(max(end, t.start)) {
		if t.created(chat) > end {
			continue
		}
		owners, _ = t.tenures(owners[:0], chat, end)
		for i := range owners {
			o := &owners[i]
			until := t.tenureEnds(chat, owners, i)
			if o.from >= until {
				continue
			}
			b.since[o.staff] = min(b.since[o.staff], dayOf(o.from))
			h := holding{chat, max(dayOf(o.from)-first, 0), min(dayOf(until)-first, blockDays)}
			if h.from < h.to {
				b.owned[o.staff] = append(b.owned[o.staff], h)
			}
		}
	}
	return b
}

// tenureEnds is when tenure i passes to the next one or the chat dissolves.
func (t *tenant) tenureEnds(chat uint64, owners []tenure, i int) int64 {
	until := t.dissolved(chat)
	if i+1 < len(owners) {
		until = min(until, owners[i+1].from)
	}
	return until
}

// ownerDays adds up the chats of an owner for every day of the block.
func (t *tenant) ownerDays(b *block, staff int) []Figures {
	days := make([]Figures, blockDays)
	first := b.number * blockDays
	var c crowd
	for _, h := range b.owned[staff] {
		t.crowd(&c, h.chat, first)
		born := dayOf(t.created(h.chat)) - first
		trainees := percent(t.bits(drawTrainee, h.chat, 0), 15)
		for d := h.from; d < h.to; d++ {
			f := &days[d]
			f.ChatTotal++
			if d == born {
				f.NewChatCnt++
			}
			if trainees {
				f.MigrateTraineeChatCnt++
			}
			f.NewMemberCnt += c.joined[d]
			f.MemberTotal += c.members[d]
			messages, senders := t.talk(h.chat, first+d, c.members[d])
			if messages > 0 {
				f.ChatHasMsg++
			}
			f.MemberHasMsg += senders
			f.MsgTotal += messages
		}
	}
	return days
}

// crowd is how many people are in a chat at the end of each day of a block, and
// how many of them have joined on that day.
type crowd struct {
	first   int64 // day
	members [blockDays]int
	joined  [blockDays]int
	owners  []tenure
}

// crowd fills c for the block that begins with the day first. It goes by the same
// stays as [tenant.members].
func (t *tenant) crowd(c *crowd, chat uint64, first int64) {
	*c = crowd{first: first, owners: c.owners[:0]}
	end := dayBegins(first+blockDays) - 1
	c.owners, _ = t.tenures(c.owners, chat, end)
	for i, o := range c.owners {
		// Who has resigned owns the chat until it passes on, but is not in it.
		c.add(o.from, min(t.resigned(o.staff), t.tenureEnds(chat, c.owners, i)))
	}
	atFirst, most := t.seats(chat)
	staffed := min(staffSeatsMax, atFirst/6)
	for seat := range most {
		key := seatKey(chat, seat)
		s := stay{joined: t.firstJoin(chat, key, seat < atFirst)}
		for s.joined <= end {
			left := t.leaves(key, s)
			gone := left
			if seat < staffed {
				if staff, ok := t.seatedStaff(chat, seat, s); ok {
					gone = min(gone, t.resigned(staff))
				}
			}
			c.add(s.joined, gone)
			s = t.follower(key, s, left)
		}
	}
	for d := 1; d < blockDays; d++ {
		c.members[d] += c.members[d-1]
	}
}

// add counts a person who is in from joined until left. Members are differences
// from day to day until they are added up.
func (c *crowd) add(joined, left int64) {
	from, to := dayOf(joined)-c.first, dayOf(left)-c.first
	if from >= to || to <= 0 || from >= blockDays {
		return
	}
	if from >= 0 {
		c.joined[from]++
	}
	c.members[max(from, 0)]++
	if to < blockDays {
		c.members[to]--
	}
}

// directory finds people of the staff by userid.
type directory struct {
	mu     sync.Mutex
	number map[string]int
}

// staff is the number of the person with this userid, hired by the instant.
func (d *directory) staff(t *tenant, id string, at int64) (int, bool) {
	count := t.staffCount(at)
	d.mu.Lock()
	defer d.mu.Unlock()
	for n := len(d.number); n < count; n++ {
		d.number[t.staffID(n)] = n
	}
	n, known := d.number[id]
	return n, known && n < count
}

// talk draws how many messages the chat of so many members had on a day, and how
// many of them sent one. One chat in ten is dead; at weekends less is said.
func (t *tenant) talk(chat uint64, date int64, members int) (messages, senders int) {
	chances := [10]uint64{0, 8, 8, 20, 20, 45, 45, 80, 80, 97}
	chance := chances[t.bits(drawTalk, chat, math.MaxInt64)%10]
	if weekday := (date + 4) % 7; weekday == 0 || weekday == 6 {
		chance /= 2
	}
	x := t.bits(drawTalk, chat, uint64(date))
	if members == 0 || !percent(x, chance) {
		return 0, 0
	}
	messages = int(wait(mix(x), int64(2+members/2)))
	return messages, 1 + among(x>>8, min(messages, members))
}
