// Package dice draws what simulated tenants are made of: every number is a pure
// function of a seed and of what it is drawn for, so nothing has to be kept.
//
// It is no source of secrets.
package dice

import "math"

// Mix is the finalizer of splitmix64, a bijection over 64 bits.
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Unmix is the inverse of [Mix].
func Unmix(x uint64) uint64 {
	x = (x ^ x>>31 ^ x>>62) * 0x319642b2d24d8ec3
	x = (x ^ x>>27 ^ x>>54) * 0x96de1b173f119089
	return x ^ x>>30 ^ x>>60
}

// Bits are the 64 drawn ones for the decision kind about a and b.
func Bits(seed, kind, a, b uint64) uint64 {
	x := Mix(seed + kind*0x9e3779b97f4a7c15)
	x = Mix(x + a*0xd6e8feb86659fd93)
	return Mix(x + b*0xa0761d6478bd642f)
}

// Text folds a text into 64 bits, on top of those that x holds.
func Text(x uint64, s string) uint64 {
	for _, c := range []byte(s) {
		x = Mix(x + uint64(c))
	}
	return Mix(^x)
}

// Unit turns drawn bits into a number in [0, 1).
func Unit(bits uint64) float64 { return float64(bits>>11) / (1 << 53) }

// Among turns drawn bits into a number below n.
func Among(bits uint64, n int) int { return int(bits % uint64(n)) }

// Percent reports whether drawn bits fall into p of 100.
func Percent(bits, p uint64) bool { return bits%100 < p }

// Wait draws from an exponential distribution with the given mean in seconds,
// at least one second.
func Wait(bits uint64, mean int64) int64 {
	return 1 + int64(-math.Log1p(-Unit(bits))*float64(mean))
}

// Version is how often something has changed by now, counted so that it differs
// after every change: the seconds since the start are cut into slots, and in
// permille of them the thing changes once.
func Version(seed, kind, subject uint64, since, slot int64, permille uint64) uint64 {
	for k := since / slot; k >= 0; k-- {
		x := Bits(seed, kind, subject, uint64(k))
		if x%1000 < permille && k*slot+int64(x>>32)%slot <= since {
			return uint64(k) + 1
		}
	}
	return 0
}

// Arrivals number things that come one after another: N are there at the start,
// then one follows in every gap of seconds, at a drawn moment of it.
type Arrivals struct {
	Seed, Kind, N uint64
	Start, Gap    int64 // Unix seconds, seconds
}

// When is the instant at which number i ≥ N arrives.
func (a Arrivals) When(i uint64) int64 {
	return a.Start + int64(i-a.N)*a.Gap + 1 + int64(Bits(a.Seed, a.Kind, i, 0)%uint64(a.Gap))
}

// Count is how many have arrived by an instant that is not before the start.
func (a Arrivals) Count(at int64) uint64 {
	n := a.N + uint64((at-a.Start)/a.Gap)
	if a.When(n) <= at {
		n++
	}
	return n
}
