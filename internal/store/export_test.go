package store

import (
	"time"

	"github.com/jackc/pgx/v5"
)

// Deadline is the tracer that bounds every statement.
func Deadline(d time.Duration) pgx.QueryTracer { return deadline(d) }
