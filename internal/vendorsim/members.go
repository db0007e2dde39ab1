package vendorsim

// presence is one person in one chat at one moment.
type presence struct {
	staff  bool
	owner  bool
	person uint64 // number among the staff, or among the customers
	spell  uint64 // numbers the stays within the chat: what was drawn at the door
	joined int64  // 0 only as an odd shape
}

// Two stays of the same person never overlap: a chat is a fixed number of seats
// with one occupant after another, and no two seats draw from the same people. A
// seat is left after 120 days on average and taken again after 20; in 15 of 100
// cases the same person comes back, with a new join time.

// staffSeatsMax is how many seats are kept for staff beside the owner.
const staffSeatsMax = 3

// seats says how many members a chat has at first beside its owner, and how many
// it can ever have.
func (t *tenant) seats(chat uint64) (first, most int) {
	first = t.size(chat) - 1
	return first, min(t.maxSize-1, first+first/10+1)
}

// members appends who is in the chat at the instant: the owner if he is there,
// staff, customers.
func (t *tenant) members(dst []presence, chat uint64, owners []tenure, status int, at int64) []presence {
	if status != statusResigned && status != statusInherits {
		o := owners[len(owners)-1]
		p := presence{staff: true, owner: true, person: uint64(o.staff), spell: ^uint64(o.staff), joined: o.from}
		dst = append(dst, p)
	}
	first, most := t.seats(chat)
	begin := t.bits(drawPeople, chat, 0)
	stride := t.bits(drawPeople, chat, 1) | 1 // odd: all seats have different people
	staffed := min(staffSeatsMax, first/6)
	for seat := range most {
		stay, ok := t.occupant(chat, seat, seat < first, at)
		if !ok {
			continue
		}
		p := presence{spell: stay.number*uint64(most) + uint64(seat), joined: stay.joined}
		if seat < staffed {
			s, ok := t.seatedStaff(chat, seat, stay)
			if ok && t.resigned(s) <= at {
				continue
			}
			p.staff, p.person = ok, uint64(s)
		}
		if !p.staff {
			p.person = (begin + (stay.who*uint64(most)+uint64(seat))*stride) & t.peopleMask
		}
		dst = append(dst, p)
	}
	if t.odd {
		dst = t.oddMembers(dst, chat)
	}
	return dst
}

// stay is one occupant of a seat: the number of the stay, the number of the stay
// that first brought this person, and when he joined.
type stay struct {
	number, who uint64
	joined      int64
}

// occupant is who holds the seat at the instant, if anybody does.
func (t *tenant) occupant(chat uint64, seat int, first bool, at int64) (stay, bool) {
	key := seatKey(chat, seat)
	s := stay{joined: t.firstJoin(chat, key, first)}
	for s.joined <= at {
		left := t.leaves(key, s)
		if at < left {
			return s, true
		}
		s = t.follower(key, s, left)
	}
	return stay{}, false
}

func seatKey(chat uint64, seat int) uint64 { return chat<<16 | uint64(seat) }

// leaves is when the stay ends. Before the start nobody leaves.
func (t *tenant) leaves(key uint64, s stay) int64 {
	return max(s.joined, t.start) + wait(t.bits(drawStay, key, s.number), 120*day)
}

// follower is the stay that comes after the one that ended at left.
func (t *tenant) follower(key uint64, s stay, left int64) stay {
	next := stay{number: s.number + 1, who: s.who}
	next.joined = left + wait(t.bits(drawAway, key, s.number), 20*day)
	if !percent(t.bits(drawReturns, key, next.number), 15) {
		next.who = next.number
	}
	return next
}

// firstJoin is when the seat is taken for the first time. The first seats of a
// chat that exists at the start are taken by then.
func (t *tenant) firstJoin(chat, key uint64, first bool) int64 {
	created, x := t.created(chat), t.bits(drawFirstJoin, key, 0)
	switch {
	case chat >= t.chats.N && first:
		return created + wait(x, 3*day)
	case first:
		u := unit(x)
		return created + int64(u*u*float64(t.start-created))
	default:
		return max(created, t.start) + wait(x, 60*day)
	}
}

// seatedStaff is the person of the staff who took the seat with this stay, from
// a third of the parity that does not own the chat. A seat that finds nobody
// goes to a customer.
func (t *tenant) seatedStaff(chat uint64, seat int, s stay) (staff int, ok bool) {
	parity := int(1 - chat%2)
	n := (t.staffCount(s.joined) - parity + 1) / 2
	third := (n - seat + staffSeatsMax - 1) / staffSeatsMax
	if third <= 0 {
		return 0, false
	}
	k := among(t.bits(drawSeatStaff, seatKey(chat, seat), s.who), third)
	staff = 2*(staffSeatsMax*k+seat) + parity
	return staff, t.employed(staff, s.joined)
}

// ownerAt is who owned the chat when somebody joined.
func ownerAt(owners []tenure, joined int64) int {
	for i := len(owners) - 1; i > 0; i-- {
		if owners[i].from <= joined {
			return owners[i].staff
		}
	}
	return owners[0].staff
}
