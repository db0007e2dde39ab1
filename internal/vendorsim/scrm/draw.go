package scrm

import "syncd/internal/vendorsim/dice"

// draw names one kind of random decision, so that no two kinds share bits.
type draw uint64

const (
	drawIDs draw = iota + 1
	drawCheck
	drawCorp
	drawCreated
	drawBorn
	drawDissolved
	drawHired
	drawResigned
	drawStaffID
	drawDepartment
	drawFirstSales
	drawNextSales
	drawHandOver
	drawName
	drawRename
	drawTags
	drawTagChange
	drawCalendars
	drawTasks
	drawTaskFirst
	drawTaskGap
	drawTaskStay
	drawTaskSent
	drawTaskID
	drawTaskTitle
	drawTaskMode
	drawTaskCreator
	drawOdd
	drawOddText
)

// bits are the 64 drawn ones for the decision d about a and b.
func (t *tenant) bits(d draw, a, b uint64) uint64 { return dice.Bits(t.seed, uint64(d), a, b) }

// oneOf picks an element with drawn bits.
func oneOf[T any](bits uint64, list []T) T { return list[bits%uint64(len(list))] }

// version is how often something has changed by the instant at, counted so that
// it differs after every change: time since the start is cut into slots, and in
// permille of them the thing changes once.
func (t *tenant) version(d draw, subject uint64, at, slot int64, permille uint64) uint64 {
	for k := (at - t.start) / slot; k >= 0; k-- {
		x := t.bits(d, subject, uint64(k))
		if x%1000 < permille && t.start+k*slot+int64(x>>32)%slot <= at {
			return uint64(k) + 1
		}
	}
	return 0
}

// arrivals number things that come one after another: n are there at the start,
// then one follows in every gap of seconds, at a drawn moment of it.
type arrivals struct {
	kind   draw
	n      uint64
	gap    int64
	tenant *tenant
}

// when is the instant at which number i ≥ n arrives.
func (a arrivals) when(i uint64) int64 {
	k := i - a.n
	return a.tenant.start + int64(k)*a.gap + 1 + int64(a.tenant.bits(a.kind, i, 0)%uint64(a.gap))
}

// count is how many have arrived by the instant at; before the start it is n.
func (a arrivals) count(at int64) uint64 {
	n := a.n + uint64(max(at-a.tenant.start, 0)/a.gap)
	if a.when(n) <= at {
		n++
	}
	return n
}
