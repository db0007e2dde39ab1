package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// roundTripMax is how long one statement may take as the client sees it. The
// server's own bound, statementMax, is shorter: this one is for a server that
// does not answer any more, as after a failover behind a silent network, where
// the operating system would wait for a quarter of an hour or for ever.
const roundTripMax = 3 * time.Minute

// deadline bounds every statement of a connection. As a tracer it sees all of
// them, whoever sends them.
type deadline time.Duration

type (
	cancelKey  struct{}
	patientKey struct{}
)

// patient lets the statements under ctx take as long as they like: a migration
// may have to rewrite a large table.
func patient(ctx context.Context) context.Context { return context.WithValue(ctx, patientKey{}, true) }

func (d deadline) start(ctx context.Context) context.Context {
	if ctx.Value(patientKey{}) != nil {
		return ctx
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(d))
	return context.WithValue(ctx, cancelKey{}, cancel)
}

func (deadline) end(ctx context.Context) {
	if cancel, ok := ctx.Value(cancelKey{}).(context.CancelFunc); ok {
		cancel()
	}
}

// TraceQueryStart implements [pgx.QueryTracer].
func (d deadline) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return d.start(ctx)
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (d deadline) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	d.end(ctx)
}

// TraceCopyFromStart implements [pgx.CopyFromTracer].
func (d deadline) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return d.start(ctx)
}

// TraceCopyFromEnd implements [pgx.CopyFromTracer].
func (d deadline) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromEndData) {
	d.end(ctx)
}
