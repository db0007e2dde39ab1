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
