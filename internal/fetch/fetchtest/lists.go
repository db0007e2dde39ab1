package fetchtest

import (
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// List describes a stream whose answers are lists of elements, page by page.
type List struct {
	// Page makes an answer of elements, each a JSON text, that leads to next; ""
	// makes the last one.
	Page func(next string, elements ...string) string
	// Element makes a good element with an id. Member is one more of its members,
	// `"name":value`, or ""; elements that have none ignore it.
	Element func(id, member string) string
	// IDs are the ids of what was read.
	IDs func(model.Page) []string
	// Cursor is what a request carries, "" for none.
	Cursor func(r *http.Request) string
	// Next is a cursor as the vendor sends them; "" is any text.
	Next string
}

// oddCursor is a cursor that a URL and a JSON text would escape.
const oddCursor = `c+/=&"%2B\ 中`

func (l *List) next() string {
	if l.Next != "" {
		return l.Next
	}
	return oddCursor
}

// says answers with a text.
func says(text string) step {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
}

// paging: a page leads to the next one, whose request carries its cursor byte for
// byte; the last leads nowhere.
func (s suite) paging(t *testing.T) {
	t.Parallel()
	l := s.List
	first := s.page(t, says(l.Page(l.next(), l.Element("a", ""))))
	require.NoError(t, first.err)
	require.Equal(t, []string{"a"}, l.IDs(first.page))
	require.Equal(t, l.next(), first.page.Next)
	require.False(t, first.page.Last)

	s.cursor = first.page.Next
	sent := make(chan string, 1)
	last := s.page(t, func(w http.ResponseWriter, r *http.Request) {
		sent <- l.Cursor(r)
		says(l.Page("", l.Element("b", "")))(w, r)
	})
	require.NoError(t, last.err)
	require.Equal(t, l.next(), <-sent)
	require.Equal(t, []string{"b"}, l.IDs(last.page))
	require.Empty(t, last.page.Next)
	require.True(t, last.page.Last)
}

// empty: a page without elements is a good one, and leads on where it says so.
func (s suite) empty(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"", s.List.next()} {
		got := s.page(t, says(s.List.Page(next)))
		require.NoError(t, got.err)
		require.Empty(t, s.List.IDs(got.page))
		require.Empty(t, got.page.Rejects)
		require.Equal(t, next, got.page.Next)
		require.Equal(t, next == "", got.page.Last)
	}
}

// malformed: elements that cannot be read are set aside as they came, and what
// stands around them is read.
func (s suite) malformed(t *testing.T) {
	t.Parallel()
	l := s.List
	odd := []string{`{"fetchtest":"no id"}`, `["no object"]`, `true`, `null`}
	elements := []string{l.Element("a", "")}
	elements = append(elements, odd...)
	elements = append(elements, l.Element("b", ""))
	got := s.page(t, says(l.Page("", elements...)))
	require.NoError(t, got.err)
	require.Equal(t, []string{"a", "b"}, l.IDs(got.page))
	require.Len(t, got.page.Rejects, len(odd))
	for i, r := range got.page.Rejects {
		require.Equal(t, odd[i], string(r.Raw))
		require.NotEmpty(t, r.Kind)
		require.NotEmpty(t, r.Reason)
	}
}

// unknown: a member that nobody knows is kept with its value.
func (s suite) unknown(t *testing.T) {
	t.Parallel()
	const member = `"fetchtest_unknown":{"kept":[1,"two"]}`
	l := s.List
	if l.Element("a", member) == l.Element("a", "") {
		t.Skip("elements have no members")
	}
	got := s.page(t, says(l.Page("", l.Element("a", member))))
	require.NoError(t, got.err)
	text, err := json.Marshal(got.page)
	require.NoError(t, err)
	require.Contains(t, string(text), member)
}

// echoed: an answer that repeats the credential does not bring it into a record,
// a reject or a cursor.
func (s suite) echoed(t *testing.T) {
	t.Parallel()
	l := s.List
	quoted, err := json.Marshal(Secret + " " + Token)
	require.NoError(t, err)
	elements := []string{l.Element("a", `"fetchtest_unknown":`+string(quoted)), `{"fetchtest":` + string(quoted) + `}`}
	got := s.page(t, says(l.Page("", elements...)))
	require.NoError(t, got.err)
	text, err := json.Marshal(got.page)
	require.NoError(t, err)
	for _, r := range got.page.Rejects {
		text = append(text, r.Raw...)
	}
	require.NotContains(t, string(text), "fetchtest-s3cr3t")
	require.NotContains(t, string(text), Token)
}

// token: a token that is refused is replaced once, and not again and again.
func (s suite) token(t *testing.T) {
	t.Parallel()
	issue := s.Authenticate
	var issued atomic.Int32
	s.Authenticate = func(w http.ResponseWriter, r *http.Request) bool {
		if !issue(w, r) {
			return false
		}
		issued.Add(1)
		return true
	}
	refuse := func(w http.ResponseWriter, _ *http.Request) { s.TokenRefused(w) }
	got := s.page(t, refuse, s.good)
	require.NoError(t, got.err)
	require.Equal(t, 2, got.calls)
	require.Equal(t, 2, got.page.Calls)
	require.EqualValues(t, 2, issued.Load())

	issued.Store(0)
	got = s.page(t, refuse)
	require.Equal(t, fetch.ClassAuth, fetch.ClassOf(got.err), "%v", got.err)
	require.Equal(t, 2, got.calls)
	require.EqualValues(t, 2, issued.Load())
}

// throttled: the vendor's own way of saying "too many calls" is waited for, or
// handed on with how long to wait.
func (s suite) throttled(t *testing.T) {
	t.Parallel()
	s.impatient = true
	got := s.page(t, func(w http.ResponseWriter, _ *http.Request) { s.Throttled(w) }, s.good)
	var bad *fetch.Error
	require.ErrorAs(t, got.err, &bad)
	require.Equal(t, fetch.ClassThrottled, bad.Class, "%v", got.err)
	require.Positive(t, bad.RetryAfter)
	require.Equal(t, 1, got.calls)
}
