package main

import (
	"os"
	"runtime/debug"
)

// Memory is traded for speed: what a pass keeps is small, what it reads and drops
// is not, and with Go's own setting a third of the processor went into collecting
// it. Five times what is alive is still little, and the limit keeps the whole
// within 100 MiB for as long as what is alive allows it. A limit below what is
// alive would have garbage collected without end: a daemon of many sources, each of
// which has a client, connections and its budgets, has a higher one.
const (
	gcPercent       = 400
	memoryTarget    = 80 << 20
	memoryPerSource = 96 << 10
)

// tuneMemory sets what the user has not: GOGC and GOMEMLIMIT of the environment
// win.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	allowMemory(0)
}

// allowMemory sets the limit for so many sources.
func allowMemory(sources int) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(memoryTarget + sources*memoryPerSource))
	}
}
