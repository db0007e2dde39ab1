package fetch

import "time"

// Hooks let metrics and progress watch. Each may be nil; none may block.
type Hooks struct {
	// Attempted is called after every attempt.
	Attempted func(Attempt)
	// Waiting is called before a wait of a second or more.
	Waiting func(Wait)
	// Noticed is called when a client works around something.
	Noticed func(Notice)
}

// Attempt is one request as it went over the wire.
type Attempt struct {
	Source, Endpoint string
	// Try counts from 1 within one call of Do.
	Try int
	// Status is the HTTP status, 0 without an answer; Bytes is the size of the
	// answer after decompression.
	Status, Bytes int
	Duration      time.Duration
	// Err is nil for a good answer. It is scrubbed.
	Err *Error
}

// Wait is a pause before a request.
type Wait struct {
	Source, Endpoint string
	For              time.Duration
	// Why is for people: "vendor throttles (45009)".
	Why string
}

// Notice is something that a client has noticed and works around, and that a
// person should look at.
type Notice struct {
	Source, Endpoint string
	// What is for people: "this machine's clock is 7m0s behind the vendor's".
	What string
}
