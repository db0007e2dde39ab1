package contract

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// serve puts a tenant on a port, with a clock that has moved on, so that all
// kinds of chats are there.
func serve(t *testing.T) (sim *vendorsim.Sim, base string) {
	t.Helper()
	sim, err := vendorsim.New(vendorsim.Options{Seed: 11, Chats: 250, Education: true})
	require.NoError(t, err)
	_, err = sim.Advance(60 * 24 * time.Hour)
	require.NoError(t, err)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return sim, server.URL
}

// row is what every client tells of a listed chat.
type row struct {
	id     string
	status int64
}

// pageRows is the limit the listings ask for; the tenant has several pages.
const pageRows = 100

// listAll follows a listing to its end.
func listAll(t *testing.T, page func(cursor string) (rows []row, next string, err error)) []row {
	t.Helper()
	var all []row
	for cursor, pages := "", 0; ; pages++ {
		require.Less(t, pages, 10)
		rows, next, err := page(cursor)
		require.NoError(t, err)
		all = append(all, rows...)
		if next == "" {
			require.Positive(t, pages, "the listing has several pages")
			return all
		}
		cursor = next
	}
}

// truth is the listing that the simulator itself holds for right.
func truth(sim *vendorsim.Sim) []row {
	var all []row
	for chat := range sim.Chats(sim.Now()) {
		all = append(all, row{chat.ID, int64(chat.Status)})
	}
	return all
}

// text is "" where the vendor leaves a field out, as both clients read it.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// checkCalls looks at the counters: as many calls as expected, all of them good.
func checkCalls(t *testing.T, sim *vendorsim.Sim, endpoint string, calls int) {
	t.Helper()
	counted := sim.Calls()[endpoint]
	require.Equal(t, calls, counted.Calls, endpoint)
	require.Equal(t, map[int]int{0: calls}, counted.Codes, endpoint)
}

// as returns err as the client's own kind of error.
func as[E error](t *testing.T, err error) E {
	t.Helper()
	e, ok := errors.AsType[E](err)
	require.True(t, ok, "%v", err)
	return e
}
