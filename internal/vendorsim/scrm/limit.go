package scrm

import (
	"sync"
	"time"
)

// bucket is a call limit: it holds as many calls as are allowed in a second and
// fills evenly.
type bucket struct {
	perSecond int // negative: no limit

	mu    sync.Mutex
	left  float64
	taken time.Time
}

func newBucket(perSecond int) *bucket {
	return &bucket{perSecond: perSecond, left: float64(perSecond)}
}

// take counts a call and reports whether it is within the limit. One that is not
// costs nothing.
func (b *bucket) take(now time.Time) bool {
	if b.perSecond < 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.taken.IsZero() {
		b.left = min(b.left+max(now.Sub(b.taken).Seconds(), 0)*float64(b.perSecond), float64(b.perSecond))
	}
	b.taken = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
