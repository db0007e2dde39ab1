package schedule

// Hurry makes River start without its random pauses.
func (o *Options) Hurry() { o.hurry = true }

// InFlight is how many slices run in this process.
func (e *Engine) InFlight() (n int) {
	e.turns.mu.Lock()
	defer e.turns.mu.Unlock()
	for _, of := range e.turns.inFlight {
		n += of
	}
	return n
}
