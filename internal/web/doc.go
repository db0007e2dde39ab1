// Package web serves what a running syncd knows of itself: /healthz says that the
// process lives, /readyz whether it can work, /metrics has figures for Prometheus,
// and / is a page of the facts that `syncd status` prints.
//
// A token guards everything but /healthz. Without one the listener has to be a
// loopback address, and even there a request is refused that names a host which is
// not this machine, or comes from another site's page: a name that an attacker's DNS
// points at 127.0.0.1 would otherwise make any browser here a reader.
//
// What has to be asked of the database is asked once for all readers and kept for a
// while, so that no number of scrapes costs it more than a fiftieth of its time.
//
// It knows no database and no vendor; cmd/syncd hands in functions that answer. It
// only reads: there is nothing here that changes anything.
package web
