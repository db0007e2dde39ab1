package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

// Processes that start at once register the same sources, and none of them is in
// another's way.
func TestRegisterSourceByManyAtOnce(t *testing.T) {
	t.Parallel()
	s := store.New(storetest.New(t))
	for round := range 40 {
		g, ctx := errgroup.WithContext(t.Context())
		for range 8 {
			g.Go(func() error {
				return s.RegisterSource(ctx, fmt.Sprintf("acme-%d", round), "wecom", "ww1", "Asia/Shanghai", time.Now())
			})
		}
		require.NoError(t, g.Wait())
	}
}
