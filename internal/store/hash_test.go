package store_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// The hash of filters is the same in every release: under another one all that is held
// is read anew, and no list proves anything until then.
func TestHashOfFiltersStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := chatsSpec
	spec.Scope = json.RawMessage(`{"owner_ids":["li"]}`)
	b.open(spec, t0, false)
	require.Equal(t, int64(2418481571066577801), b.pass.Scope)
}
