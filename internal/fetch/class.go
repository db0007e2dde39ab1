package fetch

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Class says what the caller should do next about an error. The vendor client
// decides it, where the facts are.
type Class int

// The classes.
const (
	// ClassUnknown is a bug until shown otherwise: stop and report.
	ClassUnknown Class = iota
	// ClassTransient asks for the same request again, after a backoff.
	ClassTransient
	// ClassThrottled asks for the same request again, after RetryAfter.
	ClassThrottled
	// ClassAuth stops the source until a person changes its credential, its
	// permission or its allow-list.
	ClassAuth
	// ClassCursorGone asks to follow the chain again from its head.
	ClassCursorGone
	// ClassMalformed means the vendor sent what we cannot read.
	ClassMalformed
	// ClassGone means the object asked for does not exist (any more), or is not
	// of the kind asked for. It confirms an absence.
	ClassGone
	// ClassDenied means the object exists perhaps, but out of sight of this
	// credential. It confirms nothing.
	ClassDenied
	// ClassTooLarge asks for the same in smaller parts.
	ClassTooLarge
	// ClassRefused means the vendor refuses our parameters: a batch wants to be
	// bisected, anything else is a bug of ours.
	ClassRefused
	// ClassOutside means that the range of time asked for reaches beyond what the
	// vendor keeps, or offers yet. It is an answer about the range, not a fault:
	// those days cannot be had now.
	ClassOutside
	// ClassNotReady means that the vendor has not made it yet: the same question
	// about this record again, later. It is no fault.
	ClassNotReady
)

var classNames = [...]string{
	"unknown", "transient", "throttled", "auth", "cursor gone", "malformed",
	"gone", "denied", "too large", "refused", "outside", "not ready",
}

func (c Class) String() string {
	if c < 0 || int(c) >= len(classNames) {
		return fmt.Sprintf("class %d", int(c))
	}
	return classNames[c]
}

// Repeats reports whether fetch itself repeats a request that ends so.
func (c Class) Repeats() bool { return c == ClassTransient || c == ClassThrottled }

// Error is a request that did not succeed. It never holds a URL, a token or a
// secret: what it carries was scrubbed where it was born.
type Error struct {
	Class Class
	// Source is the configured name, Endpoint the vendor's path or call.
	Source, Endpoint string
	// Code is the vendor's own code ("40050"), or "http 502", "timeout",
	// "network", "body" where there is none.
	Code string
	// Message is the vendor's text or the transport's.
	Message string
	// Remedy tells a person what to do; "" where waiting is all there is.
	Remedy string
	// RetryAfter is how long the vendor blocks us; 0 where it does not say.
	RetryAfter time.Duration
	// Scope is what a block of ClassThrottled is about: the endpoint that was asked
	// ("" or ScopeEndpoint), all metered calls of the source, or all calls to the
	// host. The latter two need a RetryAfter.
	Scope Scope
	// Err is the cause for errors.Is (context.Canceled and the like), or nil.
	// Its text is not printed.
	Err error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Endpoint, e.Class)
	if e.Code != "" {
		fmt.Fprintf(&b, " (%s)", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.Remedy != "" {
		fmt.Fprintf(&b, "; %s", e.Remedy)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of the first [Error] in err's chain, and
// [ClassUnknown] where there is none.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return ClassUnknown
}
