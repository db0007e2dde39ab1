package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0s": 0, "90s": 90 * time.Second, "24h": day, "1d": day, "400d": 400 * day, "1d12h": 36 * time.Hour,
		"1d1h1m1s1ms": 25*time.Hour + time.Minute + time.Second + time.Millisecond, "1.5h": 90 * time.Minute, "36500d": 36500 * day,
	} {
		got, err := ParseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "1", "d", "-1d", "+1h", "1h1d", "1.5d", "1y", "1w", "1us", "1 h", " 1h", "1h ", "1H", "100000d", "99999d2562047h", "9999999999h", "1e3s", "١d"} {
		_, err := ParseDuration(text)
		require.Error(t, err, text)
	}
}

func TestParseDurationReadsWhatGoPrints(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "ms")) * time.Millisecond
		got, err := ParseDuration(want.String())
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

// A schedule is read in the zone of the time it is asked about, whatever the host.
func TestScheduleNext(t *testing.T) {
	t.Parallel()
	s, err := ParseSchedule("15 6 * * *")
	require.NoError(t, err)
	from := time.Date(2026, 11, 20, 5, 0, 0, 0, mustZone("Asia/Shanghai"))
	require.Equal(t, "2026-11-20T06:15:00+08:00", s.Next(from).Format(time.RFC3339))
	require.Equal(t, "2026-11-20T06:15:00Z", s.Next(from.UTC()).Format(time.RFC3339))
	require.True(t, Schedule{}.Next(from).IsZero())

	leap, err := ParseSchedule("0 0 29 2 *")
	require.NoError(t, err)
	require.Equal(t, 2028, leap.Next(from).Year())
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.255.0.9": true, "::1": true, "localhost": true, "LOCALHOST": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "128.0.0.1": false, "127.1": false, "localhost.example.com": false, "example.com": false,
	} {
		require.Equal(t, want, loopback(host), host)
	}
}

func TestParseBaseURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://h": "https://h", "https://h/": "https://h", "https://h:8443/a/b//": "https://h:8443/a/b",
		"http://127.0.0.1:1": "http://127.0.0.1:1", "http://[::1]:80/x": "http://[::1]:80/x", "http://localhost": "http://localhost",
	} {
		got, err := parseBaseURL(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "/", "h", "https:", "https://", "https:///x", "https:h", "https://:80", "https://h:0", "https://h:x", "https://h h", "https://h?", "https://h#", "https://u@h", "http://h", "http://[::2]", "file:///x", "https://h/%zz", "//h"} {
		_, err := parseBaseURL(text)
		require.Error(t, err, text)
	}
}
