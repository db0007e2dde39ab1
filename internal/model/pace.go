package model

import "time"

// CallGrant is a block of calls that one process may make, out of a budget per
// second, minute or hour that several share.
type CallGrant struct {
	// Calls is how many; 0 is none, and none can be had before Wait is over.
	Calls int
	// Wait is how long until the first one, and Every the time between two. A call
	// whose time has passed unused is lost.
	Wait, Every time.Duration
	// Why says what there is to wait for, where Calls is 0.
	Why string
}
