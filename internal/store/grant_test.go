package store_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

// Several processes that start at once all grant, and none trips over another.
func TestGrantByManyAtOnce(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	_, err := pool.Exec(t.Context(), "do $$ begin create role syncd_reader; exception when duplicate_object or unique_violation then null; end $$")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				_, err := store.MigrateUp(t.Context(), pool)
				assertNoError(t, err)
			}
		})
	}
	wg.Wait()
	require.True(t, scalar[bool](&bench{t: t, pool: pool}, "select has_table_privilege('syncd_reader', 'bi.chats', 'select')"))
}
