package scrm

import (
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
)

// TestConformance is not parallel: the suite looks for goroutines left over.
//
//nolint:paralleltest // see above
func TestConformance(t *testing.T) {
	newSource := func(t *testing.T, base, secret string, opts fetch.Options) fetchtest.Source {
		t.Helper()
		c, err := New(Options{Source: "acme", BaseURL: base, AppID: testApp, AppKey: secret, SendAppKey: true, Fetch: opts})
		require.NoError(t, err)
		return c
	}
	fetchtest.Run(t, fetchtest.Vendor{
		New: newSource, Chain: firstChain(testClient(t, "http://vendor.invalid")), Answer: listAnswer(1, 50, 2, 1, "wr1", "wr2"),
	})
}
