package vendorsim

import "syncd/internal/vendorsim/dice"

// draw names one kind of random decision, so that no two kinds share bits.
type draw uint64

const (
	drawIDs draw = iota + 1
	drawChatCheck
	drawCreated
	drawBorn
	drawDissolved
	drawSize
	drawHired
	drawEarlyLeaver
	drawResigned
	drawFirstOwner
	drawNextOwner
	drawHandOver
	drawInherit
	drawForgotten
	drawFirstJoin
	drawStay
	drawAway
	drawReturns
	drawPeople
	drawSeatStaff
	drawPersonID
	drawPersonName
	drawPersonRename
	drawUnion
	drawScene
	drawInvitor
	drawState
	drawNickname
	drawNicknameChange
	drawAdmins
	drawVersioned
	drawMemberVersion
	drawName
	drawRename
	drawNotice
	drawNoticeChange
	drawToken
	drawHint
	drawCursor
	drawOdd
	drawTalk
	drawTrainee
	drawFigures
	drawCorrection
)

func mix(x uint64) uint64 { return dice.Mix(x) }

func unmix(x uint64) uint64 { return dice.Unmix(x) }

// bits are the 64 drawn ones for the decision d about a and b.
func (t *tenant) bits(d draw, a, b uint64) uint64 { return dice.Bits(t.seed, uint64(d), a, b) }

func unit(bits uint64) float64 { return dice.Unit(bits) }

func among(bits uint64, n int) int { return dice.Among(bits, n) }

func percent(bits, p uint64) bool { return dice.Percent(bits, p) }

func wait(bits uint64, mean int64) int64 { return dice.Wait(bits, mean) }

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

// count is how many have arrived by the instant at.
func (a arrivals) count(at int64) uint64 {
	n := a.n + uint64((at-a.tenant.start)/a.gap)
	if a.when(n) <= at {
		n++
	}
	return n
}
