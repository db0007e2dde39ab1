package leaktest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"syncd/internal/leaktest"
)

// A goroutine that ends late has ended. Not parallel: it looks at all of them.
//
//nolint:paralleltest // see above
func TestFindIsPatient(t *testing.T) {
	others := goleak.IgnoreCurrent()
	end := make(chan struct{})
	go func() { <-end }()
	time.AfterFunc(time.Second, func() { close(end) }) // goleak alone gives up before
	require.NoError(t, leaktest.Find(others))
}
