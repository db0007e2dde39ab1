package fetch

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryClassHasItsName(t *testing.T) {
	t.Parallel()
	seen := map[string]Class{}
	for c := ClassUnknown; c <= ClassNotReady; c++ {
		name := c.String()
		require.NotEqual(t, fmt.Sprintf("class %d", int(c)), name)
		require.NotContains(t, seen, name)
		seen[name] = c
	}
	require.Equal(t, map[string]Class{
		"unknown": ClassUnknown, "transient": ClassTransient, "throttled": ClassThrottled, "auth": ClassAuth,
		"cursor gone": ClassCursorGone, "malformed": ClassMalformed, "gone": ClassGone, "denied": ClassDenied,
		"too large": ClassTooLarge, "refused": ClassRefused, "outside": ClassOutside, "not ready": ClassNotReady,
	}, seen)
	require.Equal(t, "class 12", (ClassNotReady + 1).String())
	require.Equal(t, "class -1", Class(-1).String())
	require.False(t, ClassOutside.Repeats(), "the same again gets the same answer")
	require.False(t, ClassNotReady.Repeats(), "a moment later it is not ready either")
}
