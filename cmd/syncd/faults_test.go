package main

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/vendorsim"
)

// faultTenant is listed in seven pages of four chats.
var faultTenant = vendorsim.Options{Seed: 5, Chats: 25, Owners: 12, MeanMembers: 4, MaxMembers: 40}

const (
	faultChats    = 25
	faultPageSize = 4
	faultPages    = 7
)

// minute is how long a minute of the vendor's call limits lasts in these tests,
// and of our penalties for them.
const (
	hurry  = 1500
	minute = time.Minute / hurry
)

// attemptMax is the deadline of a hurried request: long enough for an answer of a
// busy machine.
const attemptMax = 3 * time.Second

// patient is hurried, but for requests that are answered late.
func patient(h *host) {
	hurried(h)
	h.requests.HeaderTimeout, h.requests.AttemptTimeout = 2*time.Minute, 2*time.Minute
}

// hurried is a host whose requests have short pauses and deadlines.
func hurried(h *host) {
	h.requests = fetch.Options{
		AttemptTimeout: attemptMax, BackoffFirst: time.Millisecond, BackoffMax: 2 * time.Millisecond,
		BodyBytesMax: 1 << 20, WaitMax: 90 * minute / 60, Penalties: []time.Duration{minute, 5 * minute, 60 * minute},
	}
}

// newFaultySite is a site with faults in force.
func newFaultySite(tb testing.TB, faults ...string) *site {
	tb.Helper()
	return newFaultySiteOf(tb, faultTenant, faults...)
}

// newHurriedSite is the same with limits and tokens whose time hurries. What they
// block is open again soon, on a busy machine before it is asked for.
func newHurriedSite(tb testing.TB, faults ...string) *site {
	tb.Helper()
	o := faultTenant
	began := time.Now()
	o.Now = func() time.Time { return began.Add(time.Since(began) * hurry) }
	o.TokenTTL = 7 * 24 * time.Hour // minutes of ours
	return newFaultySiteOf(tb, o, faults...)
}

func newFaultySiteOf(tb testing.TB, o vendorsim.Options, faults ...string) *site {
	tb.Helper()
	s := newSite(tb, o)
	s.setPageSize(faultPageSize)
	s.arm(faults...)
	return s
}

func (s *site) setPageSize(n int) {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	require.NoError(s.t, err)
	text = []byte(strings.Replace(string(text), "{page_size: 100}", "{page_size: "+strconv.Itoa(n)+"}", 1))
	require.NoError(s.t, os.WriteFile(s.config, text, 0o600))
}

func (s *site) arm(faults ...string) {
	s.t.Helper()
	for _, fault := range faults {
		require.NoError(s.t, s.sim.Arm(fault))
	}
}

// allStruck checks that no fault is in force in vain.
func (s *site) allStruck() {
	s.t.Helper()
	for _, f := range s.sim.Armed() {
		require.Positive(s.t, f.Struck, "%s: of %d calls none was struck", f.Fault, f.Calls)
	}
}

// keepsBack reports whether a fault keeps answers back, which ends only with the
// deadline of their requests. A vendor that is not WeCom may do so at any time.
func (s *site) keepsBack() bool {
	return s.sim == nil || slices.ContainsFunc(s.sim.Armed(), func(f vendorsim.ArmedFault) bool {
		return strings.HasPrefix(f.Fault, "slow") || strings.HasPrefix(f.Fault, "stall")
	})
}

// sync is one hurried run of sync, which must not tell any secret.
func (s *site) sync() result {
	s.t.Helper()
	bounds := patient
	if s.keepsBack() {
		bounds = hurried
	}
	r := s.runOn(bounds, "sync")
	for _, secret := range []string{testSecret, "access_token=", "s3cr3t"} {
		require.NotContains(s.t, r.stdout+r.stderr, secret)
	}
	return r
}

// dueNow makes every item due, as time would.
func (s *site) dueNow() {
	s.t.Helper()
	_, err := s.pool.Exec(s.t.Context(), "update sync.item set due_at = '-infinity'")
	require.NoError(s.t, err)
}

// recovers lifts the faults: the next sync is complete.
func (s *site) recovers() {
	s.t.Helper()
	s.sim.Disarm()
	s.dueNow()
	r := s.sync()
	require.Equal(s.t, exitOK, r.code, r)
	require.NotContains(s.t, r.stdout, "(drifted)")
	require.NotContains(s.t, r.stdout, "(unproven)")
}

var calm struct {
	once  sync.Once
	rows  map[string][]string
	pages int // of the chat list
}

// sameAsCalm compares the tables with those of a site that nothing befell, but
// for what is excepted: "table" or "table.column".
func (s *site) sameAsCalm(except ...string) {
	s.t.Helper()
	calm.once.Do(func() {
		quiet := newFaultySite(s.t)
		r := quiet.sync()
		require.Equal(s.t, exitOK, r.code, r)
		quiet.sameAsTruth()
		calm.pages = scalar[int](quiet, "select pages from sync.pass where stream = 'chats'")
		require.GreaterOrEqual(s.t, calm.pages, faultPages)
		calm.rows = quiet.facts()
	})
	require.NotNil(s.t, calm.rows)
	s.sameFacts(calm.rows, except...)
}

// sameFacts compares the tables with what they were.
func (s *site) sameFacts(was map[string][]string, except ...string) {
	s.t.Helper()
	is := s.facts()
	for table := range was {
		if !slices.Contains(except, table) {
			was, is := without(s.t, was[table], table, except), without(s.t, is[table], table, except)
			require.Len(s.t, is, len(was), table)
			lost := slices.DeleteFunc(slices.Clone(was), func(row string) bool { return slices.Contains(is, row) })
			added := slices.DeleteFunc(slices.Clone(is), func(row string) bool { return slices.Contains(was, row) })
			require.Equal(s.t, first(lost), first(added), "%s: %d rows differ", table, len(lost))
		}
	}
}

func first(rows []string) string {
	if len(rows) == 0 {
		return ""
	}
	return rows[0]
}

// without takes excepted columns out of the rows, and the hashes with them.
func without(tb testing.TB, rows []string, table string, except []string) []string {
	tb.Helper()
	kept := make([]string, len(rows))
	for i, text := range rows {
		var row map[string]json.RawMessage
		require.NoError(tb, json.Unmarshal([]byte(text), &row))
		for _, name := range except {
			if column, ok := strings.CutPrefix(name, table+"."); ok {
				maps.DeleteFunc(row, func(name string, _ json.RawMessage) bool {
					return name == column || name == "hash" || strings.HasSuffix(name, "_hash")
				})
			}
		}
		text, err := json.Marshal(row)
		require.NoError(tb, err)
		kept[i] = string(text)
	}
	return kept
}

// facts are the rows of the tables of facts as JSON. Of columns that tell when
// this machine read something only the presence counts.
func (s *site) facts() map[string][]string {
	s.t.Helper()
	facts := map[string][]string{}
	for _, table := range []string{"chat", "chat_history", "chat_member", "owner"} {
		rows, err := s.pool.Query(s.t.Context(), `
			select (to_jsonb(t) - $1::text[]
			       || jsonb_build_object('present', (select jsonb_agg(k order by k) from jsonb_each(to_jsonb(t)) as e (k, v)
			                                          where k = any ($1) and v <> 'null')))::text
			  from groupchat.`+pgx.Identifier{table}.Sanitize()+` t order by 1`, localColumns)
		require.NoError(s.t, err)
		facts[table], err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(s.t, err)
	}
	return facts
}
