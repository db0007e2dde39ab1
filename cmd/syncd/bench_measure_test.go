package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// runMeasured in the environment makes the test binary run the command that is
// its arguments, and write what that took to file descriptor 3. Linux gives a
// new process the peak memory of the one that started it, so who starts a process
// whose memory is to be measured must be small, and the benchmark is not.
const runMeasured = "SYNCD_TEST_RUN_MEASURED"

// usage of a process that has ended.
type processUsage struct {
	Wall, CPU    time.Duration
	PeakRSSBytes int64
}

func measured() int {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	began := time.Now()
	err := cmd.Run()
	u := processUsage{Wall: time.Since(began)}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	u.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.PeakRSSBytes = ru.Maxrss
		if runtime.GOOS == "linux" { // kilobytes there, bytes elsewhere
			u.PeakRSSBytes <<= 10
		}
	}
	if err := json.NewEncoder(os.NewFile(3, "usage")).Encode(u); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// sync runs the program on a database and returns what it printed and took.
func (s *benchSite) sync(b *testing.B, database string, args ...string) (string, processUsage) {
	b.Helper()
	self, err := os.Executable()
	require.NoError(b, err)
	r, w, err := os.Pipe()
	require.NoError(b, err)
	defer r.Close()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(b.Context(), self, append([]string{s.exe, "--config", s.config}, args...)...)
	cmd.Env = append(os.Environ(), runMeasured+"=1", "DSN="+s.server.DSN(database))
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = &stdout, &stderr, []*os.File{w}
	err = cmd.Run()
	require.NoError(b, w.Close())
	require.NoError(b, err, "%v: %s%s", args, &stdout, &stderr)
	var u processUsage
	require.NoError(b, json.NewDecoder(r).Decode(&u))
	return stdout.String(), u
}

// passed is what a pass took.
type passed struct {
	processUsage
	// took is the pass alone, as the program says.
	took                 time.Duration
	rows, changed, calls int64
	wal                  int64
}

// passLine is what `syncd sync` prints of a pass that is complete.
var passLine = regexp.MustCompile(`: complete: pass \d+, \d+ pages, \d+ rows read, (\d+) changed, (\d+) calls, (\S+)\n$`)

// pass measures one pass.
func (s *benchSite) pass(b *testing.B, name string, db *pgx.Conn) passed {
	b.Helper()
	exec1(b, db, "checkpoint")
	s.vendor.delay(s.latency)
	defer s.vendor.delay(0)
	before := walPosition(b, db)
	out, u := s.sync(b, name, "sync", "acme/"+s.stream)
	p := passed{processUsage: u, wal: walPosition(b, db) - before}
	m := passLine.FindStringSubmatch(out)
	require.NotNil(b, m, out)
	var err error
	p.changed, err = strconv.ParseInt(m[1], 10, 64)
	require.NoError(b, err)
	p.calls, err = strconv.ParseInt(m[2], 10, 64)
	require.NoError(b, err)
	p.took, err = time.ParseDuration(m[3])
	require.NoError(b, err)
	require.NoError(b, db.QueryRow(b.Context(), s.counts).Scan(&p.rows))
	return p
}

func walPosition(b *testing.B, db *pgx.Conn) int64 {
	b.Helper()
	var n int64
	err := db.QueryRow(b.Context(), "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").Scan(&n)
	require.NoError(b, err)
	return n
}

// copyOut returns the rows of a table, in the order in which they lie there, as
// a stream for COPY.
func copyOut(b *testing.B, db *pgx.Conn, table string) []byte {
	b.Helper()
	var rows bytes.Buffer
	_, err := db.PgConn().CopyTo(b.Context(), &rows,
		"copy (select * from "+table+" order by ctid) to stdout (format binary)")
	require.NoError(b, err)
	return rows.Bytes()
}

// copyIn is the second limit: the rows of the pass, ready as bytes, by one COPY
// over one connection into a table with the same columns and indexes.
func (s *benchSite) copyIn(b *testing.B, db *pgx.Conn) limit {
	b.Helper()
	exec1(b, db, "create table copied (like "+s.table+" including all)")
	exec1(b, db, "checkpoint")
	before := walPosition(b, db)
	began := time.Now()
	tag, err := db.PgConn().CopyFrom(b.Context(), bytes.NewReader(s.rows), "copy copied from stdin (format binary)")
	require.NoError(b, err)
	l := limit{took: time.Since(began), wal: walPosition(b, db) - before, rows: tag.RowsAffected(), bytes: int64(len(s.rows))}
	exec1(b, db, "drop table copied")
	return l
}
