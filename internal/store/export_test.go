package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Deadline is the tracer that bounds every statement.
func Deadline(d time.Duration) pgx.QueryTracer { return deadline(d) }

// Patient lifts that bound.
var Patient = patient

// AsOf runs read in the transaction in which the views about coverage are asked.
func AsOf(ctx context.Context, s *Store, now time.Time, read func(pgx.Tx) error) error {
	return s.asOf(ctx, now, read)
}

// ItemStatement returns the statement that seeds or plans the items of a stream,
// with its first parameters.
func ItemStatement(stream, rest string) (sql string, args []any) {
	d := detailStreams[stream]
	return d.statement(rest), d.args("acme", stream, nil)
}

// CopyIn and CopyRow are how rows are copied.
var CopyIn = copyIn

// CopyRow takes the values of a row.
type CopyRow = copyRow

// Put appends a value of one of the types that columns have.
func (r *copyRow) Put(value any) {
	switch v := value.(type) {
	case string:
		r.text(v)
	case *string:
		r.textOrNull(v)
	case int64:
		r.bigint(v)
	case *int64:
		r.bigintOrNull(v)
	case bool:
		r.boolean(v)
	case time.Time:
		r.instant(v)
	case *time.Time:
		r.instantOrNull(v)
	case []byte:
		r.object(v)
	default:
		panic(value)
	}
}
