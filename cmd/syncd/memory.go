package main

import (
	"os"
	"runtime/debug"
)

// Memory is traded for speed: what a pass keeps is small, what it reads and drops
// is not, and with Go's own setting a third of the processor went into collecting
// it. Five times what is alive is still little, and the limit keeps the whole
// within 100 MiB for as long as what is alive allows it.
const (
	gcPercent    = 400
	memoryTarget = 80 << 20
)

// tuneMemory sets what the user has not: GOGC and GOMEMLIMIT of the environment
// win.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryTarget)
	}
}
