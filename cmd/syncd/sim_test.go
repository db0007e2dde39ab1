package main

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/config"
)

func TestSimWithFaults(t *testing.T) {
	t.Parallel()
	var stdout buffer
	signals := make(chan os.Signal, 1)
	done := make(chan result, 1)
	go func() {
		done <- command(t, func(h *host) { h.stdout, h.signals = &stdout, signals },
			"sim", "--listen", "127.0.0.1:0", "--fault", "busy:on=owners+get,at=2", "--fault", "slow:delay=3s,p=0.5")
	}()
	var base string
	eventually(t, "the simulator tells its address", func() error {
		if base = regexp.MustCompile(`http://\S+`).FindString(stdout.String()); base == "" {
			return errNotYet
		}
		return nil
	})
	response, err := http.Get(base + "/_sim/faults")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	signals <- os.Interrupt
	require.Equal(t, exitOK, (<-done).code)
	require.Contains(t, stdout.String(), "fault: busy:on=owners+get,at=2\n  fault: slow:delay=3s,p=0.5\n")
}

func TestSimRefusesUnknownFaults(t *testing.T) {
	t.Parallel()
	r := command(t, func(*host) {}, "sim", "--listen", "127.0.0.1:0", "--fault", "busy", "--fault", "bus:at=1,to=2")
	require.Equal(t, exitUsage, r.code, r)
	require.Contains(t, r.stderr, `--fault bus:at=1,to=2: there is no fault "bus"; there are token-expired`)
}

func TestSimListsFaults(t *testing.T) {
	t.Parallel()
	for name, vendor := range simVendors {
		r := command(t, func(*host) {}, "sim", "--vendor", name, "--list-faults")
		require.Equal(t, exitOK, r.code, r)
		for _, f := range vendor.faults() {
			require.Regexp(t, `(?m)^`+f.Name+` +`+regexp.QuoteMeta(f.Does), r.stdout)
		}
		require.Equal(t, 1, strings.Count(r.stdout, "  every=1 "))
	}
}

// What it prints of every vendor is a source of a configuration.
func TestSimOfEveryVendor(t *testing.T) {
	t.Parallel()
	for name := range simVendors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout buffer
			signals := make(chan os.Signal, 1)
			done := make(chan result, 1)
			go func() {
				done <- command(t, func(h *host) { h.stdout, h.signals = &stdout, signals },
					"sim", "--vendor", name, "--chats", "7", "--listen", "127.0.0.1:0", "--fault", "slow")
			}()
			eventually(t, "the simulator tells its address", func() error {
				if !strings.Contains(stdout.String(), "/_sim/clock") {
					return errNotYet
				}
				return nil
			})
			signals <- os.Interrupt
			require.Equal(t, exitOK, (<-done).code)
			lines := strings.Split(stdout.String(), "\n")
			require.Contains(t, lines[0], "tenant of 7 chats")
			text := "sources:\n  - name: simulated\n    vendor: " + name + "\n  " + lines[1] + "\n  " + lines[2] + "\n"
			_, err := config.Parse("simulated", []byte(text), func(string) (string, bool) { return "", false })
			require.NoError(t, err)
		})
	}
}

func TestSimRefusesOtherVendors(t *testing.T) {
	t.Parallel()
	r := command(t, func(*host) {}, "sim", "--vendor", "feishu")
	require.Equal(t, exitUsage, r.code, r)
}
