// Package serve is what every simulated vendor has around it: the way of a call
// from the network to the vendor's answer and back, counters, a clock, a port and
// the control endpoints.
//
// It knows no vendor: which paths there are, what is refused and how an error
// looks is none of its business.
package serve
