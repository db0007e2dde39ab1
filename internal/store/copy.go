package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// copyIn sends n rows to a table by COPY. put appends the values of the row i, one
// for each column in their order.
//
// It writes PostgreSQL's binary format itself, straight from the records: handing
// rows over as []any costs pgx, and the garbage collector after it, three times
// the time. The server checks the number of values and the size of each, but not
// that a bigint was meant to be a timestamp: see the types in migrations/.
func copyIn(ctx context.Context, tx pgx.Tx, table string, columns []string, n int, put func(row *copyRow, i int)) error {
	sql := "copy " + table + " (" + strings.Join(columns, ", ") + ") from stdin (format binary)"
	conn := tx.Conn()
	if bound, ok := conn.Config().Tracer.(pgx.CopyFromTracer); ok {
		ctx = bound.TraceCopyFromStart(ctx, conn, pgx.TraceCopyFromStartData{})
		defer bound.TraceCopyFromEnd(ctx, conn, pgx.TraceCopyFromEndData{})
	}
	if _, err := conn.PgConn().CopyFrom(ctx, &copyReader{n: n, put: put}, sql); err != nil {
		return fmt.Errorf("copy %s: %w", table, err)
	}
	return nil
}

// copyHeader opens a binary COPY: signature, no flags, no extension.
const copyHeader = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// copyChunkBytes is how much is encoded at once; what is sent at once is less.
const copyChunkBytes = 32 << 10

// copyReader yields the rows as they are read.
type copyReader struct {
	n, next int
	put     func(row *copyRow, i int)
	row     copyRow
	left    []byte // encoded and not yet read
	ended   bool
}

// Read implements [io.Reader].
func (r *copyReader) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		if r.ended {
			return 0, io.EOF
		}
		r.encode()
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// encode puts the next rows into left, and the end after the last one.
func (r *copyReader) encode() {
	row := &r.row
	row.bytes = row.bytes[:0]
	if r.next == 0 {
		row.bytes = append(row.bytes, copyHeader...)
	}
	for ; r.next < r.n && len(row.bytes) < copyChunkBytes; r.next++ {
		begin := len(row.bytes)
		row.bytes, row.values = append(row.bytes, 0, 0), 0
		r.put(row, r.next)
		binary.BigEndian.PutUint16(row.bytes[begin:], row.values)
	}
	if r.next == r.n {
		row.bytes, r.ended = append(row.bytes, 0xff, 0xff), true
	}
	r.left = row.bytes
}

// copyRow takes the values of one row, each by the type of its column. A nil
// pointer is NULL.
type copyRow struct {
	bytes  []byte
	values uint16
}

func (r *copyRow) size(n int) {
	r.values++
	r.bytes = binary.BigEndian.AppendUint32(r.bytes, uint32(n)) //nolint:gosec // records are far below 4 GiB
}

func (r *copyRow) null() {
	r.values++
	r.bytes = append(r.bytes, 0xff, 0xff, 0xff, 0xff)
}

func (r *copyRow) text(s string) {
	r.size(len(s))
	r.bytes = append(r.bytes, s...)
}

func (r *copyRow) textOrNull(s *string) {
	if s == nil {
		r.null()
		return
	}
	r.text(*s)
}

func (r *copyRow) bigint(n int64) {
	r.size(8)
	r.bytes = binary.BigEndian.AppendUint64(r.bytes, uint64(n)) //nolint:gosec // two's complement both ways
}

func (r *copyRow) bigintOrNull(n *int64) {
	if n == nil {
		r.null()
		return
	}
	r.bigint(*n)
}

func (r *copyRow) boolean(b bool) {
	r.size(1)
	if b {
		r.bytes = append(r.bytes, 1)
	} else {
		r.bytes = append(r.bytes, 0)
	}
}

// year2000 is where PostgreSQL's time begins, in microseconds of Unix time.
var year2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// instant is a timestamptz. Infinities are never given; -infinity is
// [copyRow.longAgo].
func (r *copyRow) instant(t time.Time) { r.bigint(t.UnixMicro() - year2000) }

func (r *copyRow) instantOrNull(t *time.Time) {
	if t == nil {
		r.null()
		return
	}
	r.instant(*t)
}

// longAgo is the timestamptz -infinity.
func (r *copyRow) longAgo() { r.bigint(-1 << 63) }

// object is a jsonb; an empty text is NULL.
func (r *copyRow) object(text []byte) {
	if len(text) == 0 {
		r.null()
		return
	}
	r.size(1 + len(text))
	r.bytes = append(append(r.bytes, 1), text...)
}
