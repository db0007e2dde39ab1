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
	drawJoinWay
	drawJoinWayID
	drawMassBorn
	drawMass
	drawMassID
	drawMassText
	drawSender
	drawSends
	drawTargets
	drawResult
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
	return dice.Version(t.seed, uint64(d), subject, at-t.start, slot, permille)
}
