package schedule

import "sync"

// turns counts the slices in flight of each source, so that none takes all the
// workers of the process: it may hang.
type turns struct {
	most int

	mu       sync.Mutex
	inFlight map[string]int
}

// newTurns lets a source hold half of the workers, and at least one.
func newTurns(workers int) *turns {
	return &turns{most: max(1, workers/2), inFlight: map[string]int{}}
}

// take reports whether the source may have one more; if so, give returns it.
func (t *turns) take(source string) (give func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inFlight[source] >= t.most {
		return nil, false
	}
	t.inFlight[source]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.inFlight[source]--; t.inFlight[source] == 0 {
			delete(t.inFlight, source)
		}
	}, true
}
