package schedule

import "time"

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

// Patient gives slices and stops all the time that they may need on a busy machine.
func (o *Options) Patient() {
	const long = 20 * time.Minute
	o.bounds = bounds{slice: long, note: long, rescue: 3 * long, softStop: softStopMax, stop: long, kill: long}
}

// StopsInTime bounds stops as usual.
func (o *Options) StopsInTime() {
	o.bounds.note, o.bounds.softStop, o.bounds.stop, o.bounds.kill = usual.note, usual.softStop, usual.stop, usual.kill
}

// StopsSlicesAtOnce ends the contexts of slices as soon as the engine is to stop.
func (o *Options) StopsSlicesAtOnce() { o.bounds.softStop = time.Millisecond }

// Rescues takes jobs for a dead worker's as soon as usual.
func (o *Options) Rescues() { o.bounds.slice, o.bounds.rescue = usual.slice, usual.rescue }
