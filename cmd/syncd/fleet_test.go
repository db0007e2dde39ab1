package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"syncd/config"
	"syncd/internal/fetch"
	"syncd/internal/model"
)

// A vendor that bans this machine bans it whatever the configuration says: a source
// that a reload has changed does not knock before the others may.
func TestABanOutlivesAReload(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		_, _ = io.WriteString(w, "<html>please come back later</html>")
	}))
	defer vendor.Close()
	h := &host{stderr: io.Discard, now: time.Now}
	f := newFleet(h, zerolog.Nop(), nil, newFront(h.now))
	defer f.disband()
	for _, concurrency := range []int{4, 2} {
		cfg, err := config.Parse("test", fmt.Appendf(nil, `
sources:
  - name: acme
    vendor: dingtalk
    base_url: %s
    credentials: {app_key: k, app_secret: s3cr3t}
    limits: {per_second: 0, per_month: 0, concurrency: %d}
`, vendor.URL, concurrency), func(string) (string, bool) { return "", false })
		require.NoError(t, err)
		crews, err := f.muster(cfg, f.front.watched(h.watched(f.log)))
		require.NoError(t, err)
		f.swap(crews)
		spec, ok := crews[0].spec("group_sets")
		require.True(t, ok)
		subject := spec.Subjects[0]
		_, err = crews[0].client.Page(t.Context(), model.Chain{
			Source: "acme", Stream: spec.Name, Subject: subject.Name, Params: subject.Params,
		}, "")
		require.Equal(t, fetch.ClassThrottled, fetch.ClassOf(err), "%v", err)
		require.EqualValues(t, 1, calls.Load())
	}
}
