// Package leaktest looks for goroutines that tests have left behind.
//
// It is goleak with more patience: that looks for less than half a second, and on a
// busy machine a goroutine that is about to end may not have had its turn by then.
package leaktest

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Main runs the tests of a package and fails them if they leave a goroutine behind.
// It is the whole of a TestMain, and does not return.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// Find returns nil as soon as no goroutine is left but the caller's and those that the
// options leave out, and after half a minute and more an error that shows the others.
func Find(options ...goleak.Option) (err error) {
	for range 100 {
		if err = goleak.Find(options...); err == nil {
			return nil
		}
	}
	return err
}
